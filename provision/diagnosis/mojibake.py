"""The same text as other code pages would read it, for a text in which no rule hits.

Windows' tools write in the code page of the console (936, 932, 949, 950, 866, 850, ...), and whatever stands between
takes that, or UTF-8, for another one. Which pair it was cannot be told from the bytes alone; the right one is the one
in which a rule hits. Lines that a pair cannot have produced stay as they are.
"""

from collections.abc import Callable, Iterator

from provision.diagnosis.text import guess_encoding

PAGES = ("cp936", "cp932", "cp949", "cp950", "cp866", "cp1251", "cp1252", "cp850")
"""Of Windows' consoles and windows: Chinese, Japanese, Korean, Chinese (traditional), Russian twice, western twice."""
LONGEST = 20_000
"""Characters, or bytes, that are tried: a message stands in a short text or not at all."""


def other_readings(raw: bytes | str) -> Iterator[str]:
    """Other texts that `raw` may have been, each once; none where it is plain ASCII or valid in one way only."""
    seen = {raw} if isinstance(raw, str) else set()
    for text in _readings(raw[:LONGEST]):
        if text not in seen:
            seen.add(text)
            yield text


def _readings(raw: bytes | str) -> Iterator[str]:
    if isinstance(raw, str):
        yield from _as_taken_for_others(raw)
        return
    if guess_encoding(raw) != "utf-8":
        return
    try:
        yield from _as_taken_for_others(raw.decode("utf-8"))
    except UnicodeDecodeError:
        yield from (raw.decode(page, "replace") for page in PAGES)


def _as_taken_for_others(text: str) -> Iterator[str]:
    """Bytes of one page that were read as those of another: UTF-8 as each page first, then each page as western."""
    if text.isascii():
        return
    for page in PAGES:
        yield _by_lines(text, lambda line, page=page: _bytes_of(line, page).decode("utf-8"))  # type: ignore[misc]
    for western in ("cp1252", "cp850"):
        for page in PAGES:
            yield _by_lines(
                text,
                lambda line, western=western, page=page: _bytes_of(line, western).decode(page),  # type: ignore[misc]
            )


def _by_lines(text: str, convert: Callable[[str], str]) -> str:
    return "\n".join(_converted(line, convert) for line in text.split("\n"))


def _converted(line: str, convert: Callable[[str], str]) -> str:
    if line.isascii():
        return line
    try:
        return convert(line)
    except UnicodeError:
        return line


def _bytes_of(line: str, page: str) -> bytes:
    """The bytes that a page shows as `line`; what it has no sign for is shown as the byte's own number."""
    data = bytearray()
    for character in line:
        try:
            data += character.encode(page)
        except UnicodeEncodeError:
            data += character.encode("latin-1")
    return bytes(data)
