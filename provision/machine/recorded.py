"""A machine played back from a transcript: what its programs answered and what its files held.

A transcript is a JSON object; every key but "about" may be missing:

about           one sentence: which machine this is
base            the name of another transcript, of which this one is a variation: the rest is merged over it as
                RFC 7386 has it (null takes an entry away)
system          as sys.platform; linux where it is missing
environ         variables of the environment
files           path -> content: a text, {"base64": ...} or {"utf-16": ...}; "" also stands for a device or a mount
links           path -> what it resolves to
programs        name -> path on PATH
commands        "program argument argument" -> {"code", "out", "err", "seconds", "timed_out"}; out and err as in
                files, or {"json": ...}, or {"json-lines": [...]}
windows_half    {"windows", "wsl", "unknown"}: what powershell/doctor.ps1 -Facts would find; missing = PowerShell
                cannot be started
disk_free_mib   path -> free space in MiB
data_folder     where dreamrig keeps its data
python_path     where Python looks for packages
expect          what the doctor must say; read by tests only

What the transcript does not know does not exist: code 127, None, False. `unanswered` notes what was asked in vain.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provision.machine.machine import FILE_LIMIT, NOT_FOUND, Ran

SCHEMA = 1


def load_transcript(folder: Path, name: str) -> dict[str, Any]:
    """The transcript NAME.json of `folder`, its bases merged in."""
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    base = found.pop("base", None)
    return found if base is None else merge_patch(load_transcript(folder, base), found)


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` changed by `patch`: objects are merged, null removes, everything else replaces (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def to_bytes(content: Any) -> bytes:
    """What a transcript's content stands for: a text in UTF-8, or the one encoding that an object names."""
    if not isinstance(content, Mapping):
        return str(content or "").encode()
    ((kind, value),) = content.items()
    match kind:
        case "base64":
            return base64.b64decode(value)
        case "json":
            return json.dumps(value, ensure_ascii=False).encode()
        case "json-lines":
            return b"".join(json.dumps(each).encode() + b"\n" for each in value)
        case _:
            return str(value).encode(kind)


class Recorded:
    """A machine that answers from a transcript, and notes what it was asked."""

    python_version = "3.12.3"

    def __init__(self, transcript: Mapping[str, Any]) -> None:
        self.transcript = transcript
        self.system: str = transcript.get("system", "linux")
        self.python: str = transcript.get("python", "python3")
        self.root: str = transcript.get("root", "/home/ada/dreamrig")
        self.python_path: tuple[str, ...] = tuple(transcript.get("python_path", (self.root,)))
        self.asked: list[str] = []
        """Every command line, in the order of asking."""
        self.unanswered: list[str] = []
        """Command lines that the transcript does not know."""

    def _part(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.transcript.get(name, {})
        return found

    def run(
        self,
        *argv: str,
        timeout_seconds: float = 10.0,
        input: bytes | None = None,  # noqa: A002 - as Machine has it
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """What the transcript says that the program said; code 127 where it says nothing."""
        line = " ".join(argv)
        self.asked.append(line)
        answer = self._part("commands").get(line)
        if answer is None and line.endswith("doctor.ps1 -Facts -Json"):
            answer = self._windows_half()
        if answer is None:
            self.unanswered.append(line)
            return Ran(argv, NOT_FOUND)
        timed_out = bool(answer.get("timed_out"))
        code = int(answer.get("code", -9 if timed_out else 0))
        seconds = float(answer.get("seconds", 0))
        return Ran(argv, code, to_bytes(answer.get("out", "")), to_bytes(answer.get("err", "")), seconds, timed_out)

    def _windows_half(self) -> Mapping[str, Any] | None:
        """The document that doctor.ps1 prints, where the transcript has that half."""
        half = self.transcript.get("windows_half")
        if half is None:
            return None
        facts = {"schema": SCHEMA, "place": "windows", "collectors": ["powershell 5.1"], **half}
        document = {"schema": SCHEMA, "command": "doctor", "ok": True, "data": {"facts": facts}, "errors": []}
        return {"out": {"json": document}}

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes | None:
        """The content of a recorded file."""
        content = self._part("files").get(self.realpath(path))
        return None if content is None else to_bytes(content)[:limit]

    def exists(self, path: str) -> bool:
        """Whether the transcript has that file, or one below it."""
        real = self.realpath(path)
        below = real.rstrip("/") + "/"
        return any(known == real or known.startswith(below) for known in self._part("files"))

    def listdir(self, path: str) -> tuple[str, ...] | None:
        """Names below a folder of which the transcript has files."""
        below = self.realpath(path).rstrip("/") + "/"
        names = {known[len(below) :].partition("/")[0] for known in self._part("files") if known.startswith(below)}
        return tuple(sorted(names)) or None

    def realpath(self, path: str) -> str:
        """Where a recorded link leads; the path itself where none is recorded."""
        return str(self._part("links").get(path, path))

    def env(self, name: str) -> str | None:
        """A recorded variable."""
        return self._part("environ").get(name)

    def which(self, name: str) -> str | None:
        """Where the transcript has a program."""
        return self._part("programs").get(name)

    def disk_free_mib(self, path: str) -> int | None:
        """Free space of the recorded disk whose path is the longest head of `path`."""
        heads = [known for known in self._part("disk_free_mib") if path.startswith(known)]
        return self._part("disk_free_mib")[max(heads, key=len)] if heads else None

    def data_folder(self) -> str:
        """The recorded data folder."""
        return str(self.transcript.get("data_folder", "/home/ada/.local/share/dreamrig"))
