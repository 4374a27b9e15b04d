"""What WSL reads from .wslconfig and wsl.conf, and what it only warns about or passes over.

Both have one grammar: [section], key = value, comments behind "#", values with C-like escapes; names may be written in
any case. Keys, types and grammar are those of github.com/microsoft/WSL: src/shared/configfile/configfile.cpp,
src/windows/common/WslCoreConfig.cpp (.wslconfig) and src/linux/init/WslDistributionConfig.cpp (wsl.conf).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dreamrig.words import MIB
from provision.facts.wslconf_keys import BOOL, CHOICES, INTEGER, KINDS, PATH, SIZE, WSL_CONF, WSLCONFIG, Keys
from provision.machine.machine import is_utf16le

TRUE, FALSE = ("true", "1"), ("false", "0")
UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
SIZE_FORM: Final = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
LINE_FORM: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*)")
SECTION_FORM: Final = re.compile(r"\[([A-Za-z][A-Za-z0-9]*)\][ \t]*(#.*)?")


@dataclass(frozen=True)
class Settings:
    """What a file sets, and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    """"section.name" in lower case -> the value as WSL understands it; the first one where a key stands twice."""
    problems: tuple[str, ...] = ()
    """`line 3: ...`, in the order of the file."""
    encoding: str = "absent"
    """absent, utf-8, utf-8-bom, utf-16 or other."""

    def boolean(self, key: str, default: bool) -> bool:
        """A boolean setting; the default where it is not set or no boolean."""
        value = self.values.get(key.lower(), "").lower()
        return True if value in TRUE else False if value in FALSE else default

    def size_mib(self, key: str) -> int | None:
        """A size in MiB; None where it is not set or no size."""
        found = SIZE_FORM.fullmatch(self.values.get(key.lower(), ""))
        return int(found[1]) * UNITS[found[2].lower()] // MIB if found else None


def encoding_of(data: bytes | None) -> str:
    """absent, utf-8, utf-8-bom, utf-16 or other."""
    if data is None:
        return "absent"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or is_utf16le(data):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "other"
    return "utf-8-bom" if data.startswith(b"\xef\xbb\xbf") else "utf-8"


def to_text(data: bytes) -> str:
    """The text of a file in the encoding that it has."""
    encoding = encoding_of(data)
    match encoding:
        case "utf-16":
            marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
            return data.decode("utf-16" if marked else "utf-16-le", errors="replace")
        case "utf-8" | "utf-8-bom":
            return data.decode("utf-8-sig")
        case _:
            return data.decode("cp1252", errors="replace")


def read_wslconfig(data: bytes | None) -> Settings:
    """What .wslconfig sets; WSL passes over each wrong line and goes on."""
    encoding = encoding_of(data)
    notes = []
    if encoding == "utf-16":
        notes.append("the file is UTF-16: WSL before 2.0 ignores all of it; save it as UTF-8")
    if encoding == "other":
        notes.append("the file is not UTF-8: letters outside ASCII are misread; save it as UTF-8")
    return _parse(data, WSLCONFIG, WSL_CONF, "/etc/wsl.conf inside the distribution", notes)


def read_wsl_conf(data: bytes | None) -> Settings:
    """What /etc/wsl.conf sets; WSL stops reading at the first line that is no key, section or comment."""
    encoding = encoding_of(data)
    notes = []
    if encoding in ("utf-8-bom", "utf-16"):
        mark = "begins with a byte order mark" if encoding == "utf-8-bom" else "is UTF-16"
        return Settings({}, (f"line 1: the file {mark}: WSL ignores all of it; save it as plain UTF-8",), encoding)
    if data is not None and b"\r" in data:
        notes.append("lines end in CR LF: older WSL takes the CR for a part of the value (dos2unix /etc/wsl.conf)")
    return _parse(data, WSL_CONF, WSLCONFIG, "%UserProfile%\\.wslconfig on Windows", notes, stops=True)


def _parse(
    data: bytes | None, keys: Keys, foreign: Keys, foreign_file: str, notes: list[str], *, stops: bool = False
) -> Settings:
    """stops: nothing is read below a malformed line."""
    if data is None:
        return Settings()
    values: dict[str, str] = {}
    problems = list(notes)
    section = ""
    encoding = encoding_of(data)
    for number, line in _logical_lines(to_text(data)):
        if found := SECTION_FORM.fullmatch(line):
            section = found[1]
        elif found := LINE_FORM.fullmatch(line):
            name, (value, slip) = found[1], _value(found[2])
            key = f"{section}.{name}".lstrip(".")
            wrong = slip or _judge(key, value, found[2], keys, foreign, foreign_file)
            if key.lower() in values:
                wrong = wrong or f"{key} stands here a second time; the first one counts"
            if wrong:
                problems.append(f"line {number}: {wrong}")
            if not slip:
                values.setdefault(key.lower(), value)
        else:
            below = "; all below it is ignored" if stops else ""
            problems.append(f"line {number}: {line[:40]!r} is no [section], no key = value and no # comment{below}")
            if stops:
                break
    return Settings(values, tuple(problems), encoding)


def continues(raw: str) -> bool:
    """Whether a line goes on in the next one: a backslash at its end that no other one takes away."""
    return re.search(r"(?<!\\)(\\\\)*\\$", raw) is not None and "#" not in raw


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """(number of the first line, stripped line) without comments and empty lines; a backslash at the end continues."""
    lines: list[tuple[int, str]] = []
    pending, began = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        began = began if pending else number
        line = pending + raw.strip(" \t")
        if continues(raw):
            pending = line[:-1]
            continue
        pending = ""
        if line and not line.startswith("#"):
            lines.append((began, line))
    return [*lines, (began, pending)] if pending else lines


def _value(raw: str) -> tuple[str, str | None]:
    """The value behind "=" with escapes resolved, and what is wrong with it."""
    value, quoted, index = "", False, 0
    while index < len(raw):
        char = raw[index]
        if char == '"':
            quoted = not quoted
        elif char == "#" and not quoted:
            break
        elif char == "\\":
            index += 1
            follower = raw[index : index + 1]
            if follower not in ("\\", '"', "b", "n", "t"):
                return value, f"\\{follower} is no escape: backslashes must be doubled, as in C:\\\\path"
            value += {"b": "\b", "n": "\n", "t": "\t"}.get(follower, follower)
        else:
            value += char
        index += 1
    return value.rstrip(" \t"), 'the closing " is missing' if quoted else None


def _judge(key: str, value: str, raw: str, keys: Keys, foreign: Keys, foreign_file: str) -> str | None:
    """What is wrong with a key and its value, None where nothing is."""
    known = {name.lower(): name for name in keys}
    name = known.get(key.lower())
    if name is None:
        return _unknown_key(key, keys, foreign, foreign_file)
    return _wrong_value(name, value, raw, KINDS.get(keys[name], keys[name]))


def _unknown_key(key: str, keys: Keys, foreign: Keys, foreign_file: str) -> str:
    if key.lower() in (other.lower() for other in foreign):
        return f"{key} belongs in {foreign_file}"
    section, _, name = key.rpartition(".")
    homes = [known for known in keys if known.rpartition(".")[2].lower() == name.lower()]
    if homes:
        places = " or ".join(f"[{home.rpartition('.')[0]}]" for home in homes)
        return f"{name} belongs under {places}" + (f", not under [{section}]" if section else ", and has no section")
    near = _nearest(key, keys)
    return f"unknown key {key}" + (f" (did you mean {near}?)" if near else "")


def _nearest(key: str, keys: Keys) -> str | None:
    """The known key that `key` is most likely a slip of, by whole name or by the part behind the section."""
    lower = {known.lower(): known for known in keys}
    if near := difflib.get_close_matches(key.lower(), lower, n=1, cutoff=0.8):
        return lower[near[0]]
    short = {known.rpartition(".")[2].lower(): known for known in keys}
    near = difflib.get_close_matches(key.rpartition(".")[2].lower(), short, n=1, cutoff=0.75)
    return short[near[0]] if near else None


def _wrong_value(name: str, value: str, raw: str, kind: str) -> str | None:
    choices = CHOICES.get(name.lower())
    if choices and value.lower() not in choices:
        return f"{name} is {value!r}, not one of {', '.join(choices)}"
    if kind == BOOL and value.lower() not in TRUE + FALSE:
        return f"{name} is {value!r}, not true or false"
    if kind == INTEGER and not re.fullmatch(r"[+-]?(0x[0-9a-f]+|\d+)", value, re.IGNORECASE):
        return f"{name} is {value!r}, not a whole number"
    if kind == SIZE and not SIZE_FORM.fullmatch(value):
        return f"{name} is {value!r}, not a size such as 8GB or 512MB (a whole number, no space before the unit)"
    is_short = value.isdecimal() and len(value.lstrip("0")) <= len(str(MIB))  # int() refuses thousands of digits
    if kind == SIZE and is_short and 0 < int(value) < MIB:
        return f"{name} is {value} bytes: the unit is missing, as in {value}GB"
    if kind == PATH and re.search(r"(?<!\\)\\[bnt]", raw.replace("\\\\", "")):
        return f"{name}: backslashes must be doubled, as in C:\\\\path (\\t is read as a tab)"
    return None
