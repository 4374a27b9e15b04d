"""Taking people out of a report: user and host names, home folders, addresses, serials and ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provision.facts.facts import Facts
from provision.machine.machine import Machine

NAME_VARIABLES = ("USER", "LOGNAME", "USERNAME", "SUDO_USER")
HOST_VARIABLES = ("HOSTNAME", "COMPUTERNAME", "NAME", "HOST")
HOST_FILES = ("/etc/hostname", "/proc/sys/kernel/hostname")
HOME_VARIABLES = ("HOME", "USERPROFILE")
EVERYBODY = {"root", "user", "ubuntu", "admin", "administrator", "colab", "home", "content", "localhost", "debian"}
"""Names that tell nothing about anybody."""
SHORTEST_NAME = 3
VERSION_FACTS = ("wsl.version", "wsl.kernel", "linux.kernel", "windows.nvidia_driver", "cuda.driver", "torch.version")
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")

NAME = r"[^\\/\s:;,'\"<>|]+"
"""A part of a path; a name with spaces is one only where the path goes on."""

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"(?i)(?<!\w)((?:[a-z]:|[\\/]+mnt[\\/]+[a-z])?[\\/]+(?:users|home|documents and settings)[\\/]+)"
            rf"(?:{NAME}(?: {NAME}){{1,2}}(?=[\\/])|{NAME})"
        ),
        r"\1<user>",
    ),
    (re.compile(r"\bS-1-5-21(?:-\d+)+"), "<sid>"),
    (
        re.compile(r"(?i)\b(?:GPU-|MIG-)?\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?"),
        "<id>",
    ),
    (re.compile(r"(?i)\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"), "<mac>"),
    (
        re.compile(
            r"(?i)(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,7}(?::[0-9a-f]{1,4}){1,7})(?![\w:])"
        ),
        "<ip>",
    ),
    (re.compile(r"(?i)\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<email>"),
    (
        re.compile(
            r"(?i)\b(serial\s*(?:number|no\.?|num)?|service\s*tag|asset\s*tag|product\s*key|uuid)"
            r"(\s*[:=#]\s*|\s+(?=\S*\d))(\S{4,})"
        ),
        r"\1\2<serial>",
    ),
)


class Redactor:
    """Replaces what could tell who or which very machine this is; the same thing always by the same word."""

    def __init__(self, names: Mapping[str, str], versions: frozenset[str] = frozenset()) -> None:
        """names: secret -> what stands for it. versions: dotted numbers that are no addresses."""
        ordered = sorted(names, key=len, reverse=True)
        self._names = {name.lower(): names[name] for name in ordered}
        words = "|".join(re.escape(name) for name in ordered)
        self._words = re.compile(rf"(?i)(?<![^\W_])(?:{words})(?![^\W_])") if ordered else None
        self._versions = versions

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        if self._words is not None:
            text = self._words.sub(lambda found: self._names[found[0].lower()], text)
        for pattern, instead in PATTERNS:
            text = pattern.sub(instead, text)
        return IPV4.sub(lambda found: found[0] if found[0] in self._versions else "<ip>", text)

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it redacted; keys stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value


def make_redactor(machine: Machine, facts: Facts) -> Redactor:
    """What this machine's own names are, from its environment and files."""
    names = {name: "<user>" for name in _user_names(machine) if _is_telling(name)}
    names |= {name: "<host>" for name in _host_names(machine) if _is_telling(name)}
    versions = (str(facts.get(path) or "") for path in VERSION_FACTS)
    return Redactor(names, frozenset(number for text in versions for number in IPV4.findall(text)))


def _is_telling(name: str) -> bool:
    return len(name) >= SHORTEST_NAME and name.lower() not in EVERYBODY


def _user_names(machine: Machine) -> set[str]:
    names = {machine.env(variable) or "" for variable in NAME_VARIABLES}
    homes = [machine.env(variable) or "" for variable in HOME_VARIABLES]
    return names | {re.split(r"[\\/]", home.rstrip("\\/"))[-1] for home in homes}


def _host_names(machine: Machine) -> set[str]:
    names = {machine.env(variable) or "" for variable in HOST_VARIABLES}
    for path in HOST_FILES:
        names.add((machine.read(path) or b"").decode(errors="replace").strip())
    return names | {name.partition(".")[0] for name in names}
