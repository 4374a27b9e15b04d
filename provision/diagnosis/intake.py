"""Whatever is pasted, piped or read from a file, as plain text of a bounded length; UsageError for what is no text.

Long text is not read whole: what is left are its beginning, its end, and the lines around codes and words of trouble,
each line once. Time goes with the length, about a tenth of a second per megabyte.
"""

import codecs
import re
from collections.abc import Collection, Iterator

from dreamrig.errors import UsageError
from provision.diagnosis.knowledge import stored_signs
from provision.diagnosis.text import guess_encoding, has_bom, normalise

INPUT_LIMIT_BYTES = 100 * 2**20
BIG_CHARACTERS = 3 * 2**19  # as it came
LONG_CHARACTERS = 96 * 1024  # once it is plain: what all rules are applied to in well under a second
CHUNK_CHARACTERS = 2**20
LINES_AROUND = 2
CODE_SIGNS = ("0x8", "0xc", "0xd", "wsl/", "_e_", "errno", "error")
"""In lower case, what codes are known by; the other signs are the words of the rules (`stored_signs`)."""
SAMPLE_CHARACTERS = 64 * 1024
BINARY = re.compile("[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f]|\0\0")
BINARY_SHARE = 0.05
CUT_NOTE = "The text is long: read were its beginning, its end, and the lines around codes and errors."


def require_text(data: bytes) -> None:
    """UsageError for nothing, for more than 100 MiB, and for what is no text."""
    if len(data) > INPUT_LIMIT_BYTES:
        raise UsageError(
            f"The input is larger than {INPUT_LIMIT_BYTES // 2**20} MiB.",
            hint="give the part with the error: tail -n 2000 log.txt | dreamrig diagnose -",
        )
    if not data.strip(b"\0 \t\r\n\xff\xfe\xef\xbb\xbf"):
        raise no_text()
    if is_binary(data):
        raise UsageError("The input is binary, not text.", hint="copy the text of the error from the window or the log")


def no_text() -> UsageError:
    """The error for an input without a word in it."""
    return UsageError("There is no text to diagnose.", hint='paste the error: dreamrig diagnose "Error: 0x80370102"')


def is_binary(data: bytes) -> bool:
    """Whether bytes have more control characters than any text, in any encoding and with any NULs, has."""
    if len(data) >= 2 and has_bom(data):
        return False
    sample = data[:SAMPLE_CHARACTERS].decode(guess_encoding(data), "replace")
    return len(BINARY.findall(sample)) > BINARY_SHARE * len(sample)


def take_in(raw: bytes | str, names: Collection[str] = ()) -> tuple[str, bool]:
    """(normalised text of bounded length, whether something was left out). It never fails."""
    is_cut = len(raw) > BIG_CHARACTERS
    if is_cut:
        raw = "\n".join(_excerpts(raw))
    plain = normalise(raw, names)
    if len(plain) <= LONG_CHARACTERS:
        return plain, is_cut
    single = "\n".join(dict.fromkeys(plain.split("\n")))
    short = shorten(single, LONG_CHARACTERS)
    return short, is_cut or len(short) < len(single)


def _excerpts(raw: bytes | str) -> Iterator[str]:
    """Of each part of something big what matters most, together about BIG_CHARACTERS."""
    share = BIG_CHARACTERS * CHUNK_CHARACTERS // len(raw)
    for chunk in _chunks(raw):
        yield shorten(chunk.replace("\0", ""), share)


def _chunks(raw: bytes | str) -> Iterator[str]:
    starts = range(0, len(raw), CHUNK_CHARACTERS)
    if isinstance(raw, str):
        yield from (raw[start : start + CHUNK_CHARACTERS] for start in starts)
        return
    decoder = codecs.getincrementaldecoder(guess_encoding(raw))("replace")
    yield from (decoder.decode(raw[start : start + CHUNK_CHARACTERS]) for start in starts)


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters: the first and the last eighth of that, and lines around signs of trouble."""
    if len(text) <= limit:
        return text
    end = limit // 8
    spans = [(0, end), (len(text) - end, len(text))]
    room = limit - 2 * end
    for start, stop in _troubled(text):
        if room <= 0:
            break
        spans.append((start, stop))
        room -= stop - start
    return "\n".join(text[start:stop] for start, stop in _merged(spans))


def _troubled(text: str) -> Iterator[tuple[int, int]]:
    """Spans of some lines around each sign of trouble, the telling signs first; a span may come twice."""
    lowered = text.lower()
    for sign in (*CODE_SIGNS, *stored_signs()):
        offset = lowered.find(sign)
        while offset >= 0:
            start, stop = _lines_around(text, offset)
            yield start, stop
            offset = lowered.find(sign, stop)


def _lines_around(text: str, offset: int, reach: int = 600) -> tuple[int, int]:
    """The span of the line at `offset` and its neighbours, at most `reach` characters to either side."""
    lowest, highest = max(0, offset - reach), min(len(text), offset + reach)
    start = stop = offset
    for _ in range(LINES_AROUND + 1):
        start = text.rfind("\n", lowest, start) if start > lowest else start
        start = lowest if start < 0 else start
        following = text.find("\n", stop + 1, highest)
        stop = highest if following < 0 else following
    return start, stop


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in the order of the text, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
