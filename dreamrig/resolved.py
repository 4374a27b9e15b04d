"""What an installation would fetch, asked of the resolver before anything is: files, bytes to fetch, bytes on the disk.

`rig` runs this file by its path before any package is there, so it needs nothing but Python:

    python -I dreamrig/resolved.py pip PYTHON PYPROJECT EXTRA [--extra-index-url …]
    python -I dreamrig/resolved.py uv  PYTHON PYPROJECT EXTRA [--torch-backend=cpu]

Prints `FILES FETCH_MIB DISK_MIB TORCH`, and nothing (exit code 1) where that cannot be told within a few seconds:
offline, an index without sizes or metadata, a pip that would fetch the packages to find out. The report is pip's
(https://pip.pypa.io/en/stable/reference/installation-report/), the lock PEP 751's.
"""

from __future__ import annotations

import io
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import Request, url2pathname, urlopen

LIMIT_SECONDS = 20.0
"""For all of it. A resolver behind an index with metadata needs 2 to 10."""
ANSWER_SECONDS = 3.0
AT_ONCE = 2
"""Connections; more are held back by some indexes for seconds."""
MIB = 1 << 20
UNPACKED_PER_PACKED = 4
"""For files too small to be asked, and where a server gives no part of a file; pure Python packs to about a quarter."""
LARGE_BYTES = 16 * MIB
"""Files above it are asked for their table of contents; what is below is a few percent of the whole."""
FETCHES = re.compile(r"\s*Downloading (\S+) \([\d.]+ [MG]B\)")
"""pip begins to fetch a package of a megabyte or more; what is below stays in its cache."""


class Unknown(Exception):
    """It cannot be told."""


@dataclass(frozen=True)
class WheelFile:
    """One file that would be installed, as the resolver names it."""

    name: str
    version: str
    url: str
    size: int | None = None
    """Bytes; None = the resolver does not say."""


@dataclass(frozen=True)
class Weight:
    """Bytes of one file: over the network, and unpacked on the disk."""

    fetched: int
    unpacked: int


def requirements(project: dict[str, Any], extra: str) -> list[str]:
    """What pyproject.toml asks for with this extra ("" = none), without the project itself, which would be built."""
    table = project["project"]
    return [*table.get("dependencies", []), *table.get("optional-dependencies", {}).get(extra, [])]


def ask_pip(python: str, wanted: list[str], flags: list[str], until: float) -> list[WheelFile]:
    """By a dry run with a report. It is stopped when it begins to fetch a large package: that would be lost."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        quick = ["--dry-run", "--report", str(report), "--progress-bar", "off", "--retries", "0", "--timeout", "5"]
        _run([python, "-m", "pip", "install", *quick, *flags, *wanted], until, stop=FETCHES.match)
        return from_report(json.loads(report.read_bytes()))


def from_report(report: dict[str, Any]) -> list[WheelFile]:
    """The files of pip's installation report."""
    return [
        WheelFile(one["metadata"]["name"], one["metadata"]["version"], one["download_info"]["url"])
        for one in report["install"]
    ]


def ask_uv(python: str, wanted: list[str], flags: list[str], until: float) -> list[WheelFile]:
    """By a lock for this machine, on standard output."""
    command = ["uv", "pip", "compile", "--quiet", "--format", "pylock.toml", "--python", python, *flags, "-"]
    return from_lock(tomllib.loads(_run(command, until, says="\n".join(wanted))), supported_tags())


def from_lock(lock: dict[str, Any], tags: dict[str, int]) -> list[WheelFile]:
    """The file of each package that suits this machine best; tags: their ranks, lowest first."""
    return [_best(package, tags) for package in lock["packages"]]


def _best(package: dict[str, Any], tags: dict[str, int]) -> WheelFile:
    ranked = [(rank, wheel) for wheel in package["wheels"] if (rank := _rank(_file_name(wheel), tags)) is not None]
    if not ranked:
        raise Unknown(package["name"])
    wheel = min(ranked, key=lambda pair: pair[0])[1]
    return WheelFile(package["name"], package["version"], wheel["url"], wheel.get("size"))


def _file_name(wheel: dict[str, Any]) -> str:
    return str(wheel.get("name") or unquote(urlsplit(wheel["url"]).path).rsplit("/", 1)[-1])


def _rank(file_name: str, tags: dict[str, int]) -> int | None:
    python, abi, platform = file_name.removesuffix(".whl").split("-")[-3:]
    every = (f"{a}-{b}-{c}" for a in python.split(".") for b in abi.split(".") for c in platform.split("."))
    return min((tags[tag] for tag in every if tag in tags), default=None)


def supported_tags() -> dict[str, int]:
    """The tags of wheels that this Python takes, by pip's own list, the best first."""
    from pip._vendor.packaging.tags import sys_tags  # a new environment has no other

    return {str(tag): rank for rank, tag in reversed(list(enumerate(sys_tags())))}


def _run(command: list[str], until: float, says: str = "", stop: Callable[[str], object] = lambda line: None) -> str:
    """What a resolver prints. It ends at `until` (monotonic), or at a line that `stop` knows; both are Unknown."""
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environ) as child:
        timer = threading.Timer(max(0.0, until - time.monotonic()), child.kill)
        timer.start()
        try:
            lines = _converse(child, says, stop)
        finally:
            timer.cancel()
    if child.returncode:
        raise Unknown(command[0])
    return "".join(lines)


def _converse(child: subprocess.Popen[str], says: str, stop: Callable[[str], object]) -> list[str]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(says)
    child.stdin.close()
    lines = []
    for line in child.stdout:
        lines.append(line)
        if stop(line):
            child.kill()
            raise Unknown(line.strip())
    return lines


class Remote(io.RawIOBase):
    """A file on a server, read in the parts that are asked for."""

    def __init__(self, url: str, size: int | None, tls: ssl.SSLContext) -> None:
        self.url, self.tls, self.place = url, tls, 0
        self.size = size if size is not None else self._ask_size()

    def _ask_size(self) -> int:
        head = Request(self.url, method="HEAD")  # noqa: S310 - http or https: weigh() has looked
        with urlopen(head, timeout=ANSWER_SECONDS, context=self.tls) as answer:  # noqa: S310
            return int(answer.headers["Content-Length"])  # absent: a TypeError, and so unknown

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file does."""
        self.place = (0, self.place, self.size)[whence] + offset
        return self.place

    def tell(self) -> int:
        """Bytes from the start."""
        return self.place

    def readinto(self, buffer: Any) -> int:
        """The part that begins here; a server that sends the whole file instead is refused."""
        end = min(self.size, self.place + len(buffer))
        if end <= self.place:
            return 0
        part = Request(self.url, headers={"Range": f"bytes={self.place}-{end - 1}"})  # noqa: S310
        with urlopen(part, timeout=ANSWER_SECONDS, context=self.tls) as answer:  # noqa: S310
            if answer.status != 206:
                raise OSError("no parts")
            data = answer.read(end - self.place)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)


def weigh(wheel: WheelFile, tls: ssl.SSLContext) -> Weight:
    """Bytes of one file, by its own table of contents where the server gives parts of files.

    Raises OSError, TypeError or ValueError where not even its size is known.
    """
    parts = urlsplit(wheel.url)
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        return Weight(0, _unpacked(path.open("rb")) if zipfile.is_zipfile(path) else _whole(path))
    if parts.scheme not in ("http", "https"):
        raise ValueError(parts.scheme)
    remote = Remote(wheel.url, wheel.size, tls)
    if remote.size < LARGE_BYTES:
        return Weight(remote.size, UNPACKED_PER_PACKED * remote.size)
    try:
        return Weight(remote.size, _unpacked(io.BufferedReader(remote, 64 * 1024)))
    except (OSError, ValueError, zipfile.BadZipFile):
        return Weight(remote.size, UNPACKED_PER_PACKED * remote.size)


def _whole(path: Path) -> int:
    if path.is_dir():
        raise ValueError("a folder")
    return UNPACKED_PER_PACKED * path.stat().st_size


def _unpacked(file: Any) -> int:
    with file, zipfile.ZipFile(file) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def weigh_all(wheels: Iterable[WheelFile], until: float) -> list[Weight]:
    """All of them, several at once; Unknown where one is, or where it takes too long."""
    tls = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        found = pool.map(lambda wheel: weigh(wheel, tls), wheels, timeout=max(0.0, until - time.monotonic()))
        return list(found)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def summary(wheels: list[WheelFile], weights: list[Weight]) -> str:
    """`FILES FETCH_MIB DISK_MIB TORCH`; TORCH is the version with its build, "-" where torch is not among them."""
    torch = next((wheel.version for wheel in wheels if wheel.name == "torch"), "-")
    fetched = sum(weight.fetched for weight in weights)
    unpacked = sum(weight.unpacked for weight in weights)
    return f"{len(wheels)} {-(-fetched // MIB)} {-(-unpacked // MIB)} {torch}"


def main(words: list[str]) -> int:
    """0 and one line, or 1 and silence."""
    asked, python, pyproject, extra, *flags = words
    until = time.monotonic() + LIMIT_SECONDS
    try:
        wanted = requirements(tomllib.loads(Path(pyproject).read_text(encoding="utf-8")), extra)
        wheels = {"pip": ask_pip, "uv": ask_uv}[asked](python, wanted, flags, until)
        line = summary(wheels, weigh_all(wheels, until))
    except (Unknown, OSError, ValueError, TypeError, LookupError, ImportError):  # any of them: the table serves as well
        return 1
    print(line, flush=True)
    return 0


if __name__ == "__main__":
    last = threading.Timer(LIMIT_SECONDS + 2, os._exit, (1,))  # whatever else may hang
    last.daemon = True
    last.start()
    code = main(sys.argv[1:])
    os._exit(code)  # a server that does not answer is not waited for
