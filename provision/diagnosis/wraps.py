"""Terminals break lines in the middle of a code, a name or a Wsl/... path: where that happened, and joining them again.

A line break is taken out where one of these holds (T = the letters, digits and _ at the end of the line, H = those at
the start of the next, width = columns of the line, a wide character counting two):

 hex      T+H is 0x and 8 digits, the first of them 8 to f; or 0xffffffff and 8 digits; or, from column 60 on, 0x and 3
          to 8 digits
 name     T+H is a known symbolic code and T is none; or T+H is the beginning of one, T is none, and H is the whole next
          line of 16 characters or more, so that the name goes on after it; or, from column 60 on, at the end of a
          Wsl/... path, T and H are capitals and nothing but a closing sign follows H
 path     the line ends in a Wsl/... path and (T is empty, or "/" and a capital or 0 follow); T+H is a context of WSL, T
          is none, and "/" follows H or stands before T; or, from column 60 on, in such a path, "/" follows H
 screen   the line is exactly 80, 100, 120 or 132 columns wide, does not end in two spaces, T is neither a known name
          nor a whole code, and T and H are not both words of letters alone, which may just as well be two words: rules
          find words that are broken anywhere by themselves
"""

import itertools
import re
from collections.abc import Collection

WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
SCREEN_WIDTHS = (80, 100, 120, 132)
FAR_COLUMN = 60
TAIL_CHARACTERS = 240
NARROW_LINE = 16
CLOSING = ")].,;\"'"

WIDE = re.compile("[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]")
WHOLE_HEX = re.compile(r"0x(?:[89a-f][0-9a-f]{7}|ffffffff[0-9a-f]{8})", re.IGNORECASE | re.ASCII)
SHORT_HEX = re.compile(r"0x[0-9a-f]{3,8}", re.IGNORECASE | re.ASCII)
PATH = re.compile(r"(?:Wsl[A-Za-z]{0,8}|Bash)(?:/[A-Za-z0-9_]*)*", re.ASCII)
LETTERS = re.compile(r"[A-Za-z]+", re.ASCII)
CAPITALS = re.compile(r"[A-Z0-9_]+", re.ASCII)

# The contexts that WSL joins by "/" (microsoft/WSL, src/windows/common/wslutil.cpp, g_contextStrings).
CONTEXTS = frozenset(
    re.findall(
        "[A-Za-z]+",
        """
    Wsl Wslg Bash WslConfig WslC InstallDistro Service RegisterDistro CreateInstance AttachDisk DetachDisk CreateVm
    ParseConfig ConfigureNetworking ConfigureGpu LaunchProcess UpdatePackage ConfigureDistro CreateLxProcess
    EnumerateDistros ExportDistro GetDefaultDistro GetDistroConfiguration GetDistroId SetDefaultDistro SetVersion
    TerminateDistro UnregisterDistro RegisterLxBus MountDisk MountVhd QueryLatestGitHubRelease DebugShell Plugin
    CallMsi Install HCS HNS ReadDistroConfig MoveDistro VerifyChecksum
""",
    )
)


def rejoin(text: str, names: Collection[str] = ()) -> str:
    """`text` without the line breaks that a terminal put into codes, names and paths. names: in capitals."""
    if "\n" not in text:
        return text
    lines = text.split("\n")
    pieces, tail = [lines[0]], lines[0][-TAIL_CHARACTERS:]
    for before, line in itertools.pairwise(lines):
        if tail and line and is_wrapped(tail, columns(before), line[:TAIL_CHARACTERS], names):
            tail = (tail + line)[-TAIL_CHARACTERS:]
        else:
            pieces.append("\n")
            tail = line[-TAIL_CHARACTERS:]
        pieces.append(line)
    return "".join(pieces)


def columns(line: str) -> int:
    """The columns that a line fills in a terminal."""
    return len(line) if line.isascii() else len(line) + len(WIDE.findall(line))


def is_wrapped(line: str, width: int, following: str, names: Collection[str]) -> bool:
    """Whether a terminal broke `line` where `following` goes on. Neither is empty."""
    end, start = _word_at_end(line), _word_at_start(following)
    if start and (_splits_hex(end, start, width) or _splits_name(end, start, following, names)):
        return True
    if _splits_path(line, end, start, width, following):
        return True
    is_full = width in SCREEN_WIDTHS and not line.endswith("  ")
    if not is_full or (LETTERS.fullmatch(end) and LETTERS.fullmatch(start)):
        return False
    return end.upper() not in names and WHOLE_HEX.fullmatch(end) is None


def _word_at_end(line: str) -> str:
    return line[len(line.rstrip(WORD)) :]


def _word_at_start(line: str) -> str:
    return line[: len(line) - len(line.lstrip(WORD))]


def _splits_hex(end: str, start: str, width: int) -> bool:
    if not end or WHOLE_HEX.fullmatch(end):
        return False
    return bool(WHOLE_HEX.fullmatch(end + start) or (width >= FAR_COLUMN and SHORT_HEX.fullmatch(end + start)))


def _splits_name(end: str, start: str, following: str, names: Collection[str]) -> bool:
    if not end or end.upper() in names:
        return False
    both = (end + start).upper()
    goes_on = start == following and len(start) >= NARROW_LINE
    return both in names or (goes_on and any(name.startswith(both) for name in names))


def _splits_path(line: str, end: str, start: str, width: int, following: str) -> bool:
    after = following[len(start) : len(start) + 1]
    if end and end not in CONTEXTS and end + start in CONTEXTS and (after == "/" or line[: -len(end)].endswith("/")):
        return True
    path = line[len(line.rstrip(WORD + "/")) :]
    if PATH.fullmatch(path) is None:
        return False
    if not start:
        return re.match("/[A-Z0]", following) is not None
    if not end:
        return True
    if width < FAR_COLUMN or "/" not in path:
        return False
    if CAPITALS.fullmatch(end):
        return CAPITALS.fullmatch(start) is not None and (not after or after in CLOSING)
    return after == "/"
