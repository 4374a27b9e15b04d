r"""Text as people paste it, made plain: any encoding, line ends, colours and terminal wraps; then the codes in it.

What `normalise` does, in this order (the PowerShell reader does the same):

 1. bytes: by BOM; else UTF-16 where every second byte of the first and of the last 4096 is mostly NUL; else UTF-8, what
    is not valid becoming U+FFFD
 2. NULs go, also written out as \x00; ANSI sequences go (CSI n C becomes a space)
 3. CR CR LF, CR LF, CR, form feeds and Unicode's line ends become LF; other control and zero-width characters go; so do
    the `>` of a mail or a thread at the beginning of lines, where two lines in a row are quoted
 4. UTF-16 whose NULs were shown as spaces ("E r r o r") is closed up
 5. NFKC: full-width forms and no-break spaces become plain
 6. codes, names and Wsl/... paths that a terminal broke at a line end are joined again (provision/diagnosis/wraps.py)
 7. runs of spaces and tabs become one space; blanks and empty lines at both ends of the text go
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from provision.diagnosis.wraps import rejoin

SAMPLE_BYTES = 4096
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

ANSI = re.compile(
    r"(?:\x1b\[|\x9b|\u2190\[|\^\[\[)[0-?]{0,64}[ -/]{0,8}([@-~])"  # CSI; ESC is also seen as an arrow, or as ^[
    r"|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC and its like
    r"|\x1b(?:[ #%()*+][0-~]|[=>78])?"
    r"|\[(?:[0-9]{1,3};){0,4}[0-9]{1,3}m(?!\])"  # a colour whose ESC got lost
)
WRITTEN_OUT_BREAK = re.compile(r"(?:\\[rn]\\x00){1,8}")
LINE_END = re.compile("\r+\n?|[\x0b\x0c\u2028\u2029]")
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
QUOTED = re.compile(r"(?m)(?:^[ \t]*>[^\n]*(?:\n|\Z)){2,}")
QUOTE_SIGNS = re.compile(r"(?m)^[ \t]*(?:>[ \t]?){1,16}")
SPACED_OUT = re.compile(r"(?:[^ \n] (?:  )?){8,}[^ \n]?")
NOT_ASCII = re.compile("[\x00-\x7f]?[^\x00-\x7f]{1,64}")  # in pieces: NFKC of a long run of accents takes for ever
BLANKS = re.compile(r"[ \t]+")

FEW_PAIRS = 12
"""Pairs of bytes that look like ASCII, of which so many tell that ASCII is mixed into UTF-16."""

HEX = re.compile(r"(?<![0-9])0x([0-9a-f]{3,16})(?![0-9a-f])", re.IGNORECASE | re.ASCII)
BARE_HEX = re.compile(r"(?<![0-9a-z_#-])[89a-f][0-9a-f]{7}(?![0-9a-z_-])", re.IGNORECASE | re.ASCII)
NEGATIVE = re.compile(r"(?<![0-9a-z_.-])-([12][0-9]{8,9})(?![0-9])", re.IGNORECASE | re.ASCII)
UNSIGNED = re.compile(r"(?<![0-9a-z_.-])([2-4][0-9]{9})(?![0-9.])", re.IGNORECASE | re.ASCII)
NUMBERED = re.compile(
    r"(?:error|erreur|errore|erro|fehler|code|failed|status|exit|returned)[ :=(#]{1,4}"
    r"(?:(?:code|number|level|value)[ :=(#]{1,4})?([0-9]{1,5})(?![0-9x%]|\.[0-9])",
    re.IGNORECASE | re.ASCII,
)
ERRNO = re.compile(
    r"\[Errno (-?[0-9]{1,5})\]"  # Python's
    # WSL's init, with the name and the line of a function of its own.
    r"|\bWSL \([^)\n]{1,24}\) ERROR: [a-z0-9_]{1,60}:[0-9]{1,5}: [^\n]{1,160}? failed:? (-?[0-9]{1,5})\b"
    # A distribution that does not start, in WSL's languages: "Error code: 2, failure step: 2".
    r"|(?:code|fehlercode|code d.{1,4}erreur|c.{1,4}digo de error|错误代码|エラー ?コード) ?[:：] ?"
    r"(-?[0-9]{1,5})[,、] ?[^:：\n]{2,40}[:：] ?[0-9]{1,3}(?![0-9])",
    re.IGNORECASE | re.ASCII,
)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,79}", re.ASCII)
ERROR_NAME = re.compile(r"(?:[A-Z][A-Z0-9]+_)?(?:E|ERROR|STATUS)_[A-Z0-9_]{3,60}|RPC_[SX]_[A-Z0-9_]{3,60}", re.ASCII)
WSL_PATH = re.compile(r"(?<![A-Za-z0-9_/.\\-])(?:Wsl[a-zA-Z]{0,8}|Bash)(?:/[A-Za-z0-9_]{1,80}){1,16}", re.ASCII)
ERROR_WORD_BEFORE = re.compile(r"(?:error|code|erreur|errore|fehler|failed)[ :=(]{1,4}$", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class FoundCode:
    """A code in a text. id: what it is compared by.   shown: as it stands there.   offset: of its first appearance."""

    id: str
    shown: str
    offset: int
    certain: bool
    """It looks like an error code and nothing else, so that it is told even where nobody knows it."""


def decode(data: bytes) -> str:
    """The text of `data`, whatever its encoding; never fails."""
    return data.decode(guess_encoding(data), "replace").removeprefix("\ufeff")


def has_bom(data: bytes) -> bool:
    """Whether bytes begin with a byte order mark."""
    return any(data.startswith(bom) for bom, _ in BOMS)


def guess_encoding(data: bytes) -> str:
    """utf-16-le, utf-16-be or utf-8: by the BOM, else UTF-16 only where both ends of the bytes look like it."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return encoding
    if b"\0" not in data:
        return "utf-8"
    tail_start = max(0, len(data) - SAMPLE_BYTES) & ~1
    head, tail = _wide_form(data[:SAMPLE_BYTES]), _wide_form(data[tail_start:])
    return head if head == tail else "utf-8"


def _wide_form(sample: bytes) -> str:
    """The UTF-16 form of a sample; utf-8 where it is none, or has much ASCII in single bytes as well."""
    pairs = list(zip(sample[::2], sample[1::2], strict=False))
    little = sum(1 for first, second in pairs if first and not second)
    big = sum(1 for first, second in pairs if second and not first)
    wide, other = max(little, big), min(little, big)
    narrow = sum(1 for first, second in pairs if 9 <= first < 127 and 9 <= second < 127)
    # Both bytes of a Chinese character look like ASCII about every second time; of a few in a row nearly all may.
    is_mixed = narrow >= FEW_PAIRS and narrow * 20 > (len(pairs) - wide) * 17
    if wide * 50 < len(pairs) or wide < 4 * other or is_mixed:
        return "utf-8"
    return "utf-16-le" if little > big else "utf-16-be"


def normalise(raw: bytes | str, names: Collection[str] = ()) -> str:
    """Plain text of anything pasted; lines end in LF. It never fails and takes time in proportion to its length.

    names: known symbolic codes in capitals; one that is broken over two lines is joined whatever the column.
    """
    text = decode(raw) if isinstance(raw, bytes) else raw
    text = _plain_characters(text)
    text = rejoin(text, names)
    return BLANKS.sub(" ", text).strip("\n ")


def _plain_characters(text: str) -> str:
    """Steps 2 to 5 of the module."""
    text = WRITTEN_OUT_BREAK.sub("\n", text).replace("\\x00", "").replace("\0", "")
    text = ANSI.sub(lambda match: " " if match.group(1) == "C" else "", text)
    text = INVISIBLE.sub("", LINE_END.sub("\n", text).replace("\x85", " "))
    text = QUOTED.sub(lambda match: QUOTE_SIGNS.sub("", match.group()), text)
    text = SPACED_OUT.sub(lambda match: match.group()[::2], text)
    if text.isascii():
        return text
    return NOT_ASCII.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)


# ---- codes ---------------------------------------------------------------------------------------------------------


def number_id(value: int) -> str:
    """What a 32-bit number is compared by: Win32 errors as their HRESULT, NTSTATUS without its HRESULT bit."""
    if value <= 0xFFFF:
        return f"0x8007{value:04x}"
    if value >> 28 == 0xD:
        value &= 0xEFFFFFFF
    return f"0x{value:x}"


def decimal_id(value: int) -> str:
    """As `number_id`, for a number written in decimal; below 1000 it may be CUDA's or NVML's and stays as it is."""
    if value < 0:
        return number_id(value & 0xFFFFFFFF)
    return f"#{value}" if value < 1000 else number_id(value)


def extract(text: str, known: Collection[str] = ()) -> list[FoundCode]:
    """The codes of a normalised text in the order of their first appearance, each once.

    known: ids (`number_id`, names in capitals) that somebody knows. What is no certain code is given only where known.
    """
    first: dict[str, FoundCode] = {}
    for code in sorted(_candidates(text, known), key=lambda code: (code.offset, code.id)):
        if code.certain or code.id in known:
            first.setdefault(code.id, code)
    return list(first.values())


def _candidates(text: str, known: Collection[str]) -> Iterator[FoundCode]:
    yield from _hexadecimals(text)
    yield from _decimals(text)
    for match in ERRNO.finditer(text):
        group = match.lastindex or 1
        number = match.group(group).replace("-", "MINUS_")
        yield FoundCode(f"ERRNO_{number}", match.group(group), match.start(group), False)
    for match in NAME.finditer(text):
        word = match.group()
        certain = "_" in word and ERROR_NAME.fullmatch(word) is not None
        if certain or word.upper() in known:
            yield FoundCode(word.upper(), word, match.start(), certain)


def _hexadecimals(text: str) -> Iterator[FoundCode]:
    for match in HEX.finditer(text):
        value = _hex_value(match.group(1))
        if value is not None:
            yield FoundCode(number_id(value), match.group().lower(), match.start(), _is_certain(text, match, value))
    for match in BARE_HEX.finditer(text):
        yield FoundCode(number_id(int(match.group(), 16)), match.group().lower(), match.start(), False)


def _decimals(text: str) -> Iterator[FoundCode]:
    for match in NEGATIVE.finditer(text):
        if int(match.group(1)) <= 0x80000000:
            yield FoundCode(decimal_id(int(match.group())), match.group(), match.start(), False)
    for match in UNSIGNED.finditer(text):
        if 0x80000000 <= int(match.group(1)) <= 0xFFFFFFFF:
            yield FoundCode(number_id(int(match.group())), match.group(), match.start(), False)
    for match in NUMBERED.finditer(text):
        yield FoundCode(decimal_id(int(match.group(1))), match.group(1), match.start(1), False)


def _hex_value(digits: str) -> int | None:
    """The 32-bit number, also of a sign-extended 64-bit one; None for an address."""
    if len(digits) == 16 and digits.lower().startswith("ffffffff"):
        return int(digits[8:], 16)
    return int(digits, 16) if len(digits) <= 8 else None


def _is_certain(text: str, match: re.Match[str], value: int) -> bool:
    if value >= 0x80000000:
        return True
    return ERROR_WORD_BEFORE.search(text[max(0, match.start() - 16) : match.start()]) is not None


def wsl_paths(text: str) -> list[str]:
    """The `Wsl/Service/...` paths of a normalised text, each once."""
    return list(dict.fromkeys(match.group() for match in WSL_PATH.finditer(text)))
