"""One key of wsl.conf or .wslconfig set to a value, and everything else in the file left as it is.

A line appended by hand goes wrong in two ways: a file without a line end at its end gets `default=me[boot]`, and a
section that is there already comes a second time. Text in, text out; reading and writing are the command's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dreamrig.errors import UsageError
from provision.facts.wslconf import (
    LINE_FORM,
    SECTION_FORM,
    Settings,
    continues,
    read_wsl_conf,
    read_wslconfig,
    to_text,
)
from provision.facts.wslconf_keys import WSL_CONF, WSLCONFIG, Keys


@dataclass(frozen=True)
class ConfigFile:
    """One of the two files that WSL reads."""

    name: str
    keys: Keys
    read: Callable[[bytes | None], Settings]


WSL_CONF_FILE = ConfigFile("wsl.conf", WSL_CONF, read_wsl_conf)
WSLCONFIG_FILE = ConfigFile(".wslconfig", WSLCONFIG, read_wslconfig)
FILES = {file.name: file for file in (WSL_CONF_FILE, WSLCONFIG_FILE)}


def change(file: ConfigFile, data: bytes | None, key: str, value: str) -> bytes:
    """The file with `key` ("boot.systemd") set to `value`, as UTF-8 without a mark; UsageError for what WSL refuses."""
    section, _, name = proper_name(file, key).rpartition(".")
    line = f"{name}={_written(value)}"
    require_value(file, section, line)
    text = to_text(data) if data else ""  # whatever encoding an editor gave it: WSL reads UTF-8 without a mark
    end = "\r\n" if "\r\n" in text else "\n"
    lines = _with_line(re.split(r"\r\n|\r|\n", text), section, name, line)
    return (end.join(lines).rstrip("\r\n") + end).encode("utf-8")


def proper_name(file: ConfigFile, key: str) -> str:
    """The key as WSL spells it; UsageError where it has none of that name."""
    known = {name.lower(): name for name in file.keys}
    if key.lower() not in known:
        problems = file.read(f"[{key.partition('.')[0]}]\n{key.partition('.')[2]}=\n".encode()).problems
        told = problems[0].partition(": ")[2] if problems else f"unknown key {key}"
        raise UsageError(
            f"WSL does not know {key} in {file.name}: {told}.", hint=f"the keys: {', '.join(known.values())}"
        )
    return known[key.lower()]


def require_value(file: ConfigFile, section: str, line: str) -> None:
    """UsageError where WSL would not take the line."""
    settings = file.read(f"[{section}]\n{line}\n".encode())
    if settings.problems:
        raise UsageError(
            f"WSL would not take that: {settings.problems[0].partition(': ')[2]}.", hint="nothing was changed"
        )


def _written(value: str) -> str:
    """The value as it has to stand in the file: backslashes doubled, in quotes where a # would end it."""
    doubled = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{doubled}"' if "#" in value else doubled


def _logical_lines(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where each begins and ends: with all lines in which it goes on."""
    began = 0
    for end, raw in enumerate(lines, start=1):
        if end == len(lines) or not continues(raw):
            yield began, end
            began = end


def _with_line(lines: list[str], section: str, name: str, line: str) -> list[str]:
    """The lines with one set: where the key stands (the first one counts), else at the end of its section, else new."""
    inside, last = False, None
    for began, end in _logical_lines(lines):
        stripped = lines[began].strip(" \t")
        if header := SECTION_FORM.fullmatch(stripped):
            inside = header[1].lower() == section.lower()
            last = end if inside else last
        elif inside and (found := LINE_FORM.fullmatch(stripped)):
            if found[1].lower() == name.lower():
                return [*lines[:began], line, *lines[end:]]
            last = end
    if last is not None:
        return [*lines[:last], line, *lines[last:]]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return [*lines, *([""] if lines else []), f"[{section}]", line]
