"""The only door to the outside: programs, files, the environment. Tests bring a recorded machine instead.

Nothing here raises for what a machine lacks: a program that does not exist ends with code 127, a file that cannot be
read is None.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from dreamrig.words import MIB

NOT_FOUND = 127
"""Exit code of a program that does not exist, as shells have it."""
OUTPUT_LIMIT = 4 * MIB
"""Bytes of each stream that are kept; a program that says more is stopped."""
FILE_LIMIT = MIB


@dataclass(frozen=True)
class Ran:
    """A program that has ended.

    code: its exit code, negative = ended by that signal, 127 = no such program.   out, err: the bytes it wrote.
    """

    argv: tuple[str, ...]
    code: int
    out: bytes = b""
    err: bytes = b""
    seconds: float = 0.0
    timed_out: bool = False
    truncated: bool = False

    @property
    def good(self) -> bool:
        """It ended by itself, with code 0."""
        return self.code == 0 and not self.timed_out and not self.truncated

    @property
    def text(self) -> str:
        """Standard output as text."""
        return decode(self.out)

    @property
    def error_text(self) -> str:
        """Standard error as text."""
        return decode(self.err)

    @property
    def first_line(self) -> str:
        """The first line that is not empty, of standard output or else of standard error; "" where both are empty."""
        lines = (line.strip() for line in (self.text + "\n" + self.error_text).splitlines())
        return next(filter(None, lines), "")

    @property
    def crash(self) -> str | None:
        """The signal that ended it, e.g. "SIGSEGV"; on Windows the exception code; None where it was not killed."""
        if self.code < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-self.code).name
            return f"signal {-self.code}"
        return f"{self.code:#010x}" if self.code >= 0xC0000000 else None

    @property
    def why_not(self) -> str:
        """Why there is no answer, as facts documents have it: "absent", "timeout", "failed: ..."."""
        if self.timed_out:
            return "timeout"
        if self.code == NOT_FOUND and not self.out:
            return "absent"
        if self.crash:
            return f"failed: crashed ({self.crash})"
        return f"failed: {self.first_line[:200] or f'exit code {self.code}'}"


class Machine(Protocol):
    """What may be asked of a machine."""

    @property
    def system(self) -> str:
        """As `sys.platform`: linux, win32, darwin."""

    @property
    def python(self) -> str:
        """The interpreter that runs dreamrig."""

    @property
    def python_path(self) -> tuple[str, ...]:
        """Where that interpreter looks for packages, in order."""

    @property
    def python_version(self) -> str:
        """e.g. 3.12.3"""

    @property
    def root(self) -> str:
        """The folder that holds our packages: the checkout, or site-packages."""

    def run(
        self,
        *argv: str,
        timeout_seconds: float = 10.0,
        input: bytes | None = None,  # noqa: A002 - subprocess calls it that
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a program to its end, or to its time-out. env: variables to add to those that are set."""

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes | None:
        """The first `limit` bytes of a regular file; None where it cannot be read."""

    def exists(self, path: str) -> bool:
        """Whether something is there, also where it may not be read."""

    def listdir(self, path: str) -> tuple[str, ...] | None:
        """Names in a folder, sorted; None where it cannot be read."""

    def realpath(self, path: str) -> str:
        """`path` with symbolic links resolved."""

    def env(self, name: str) -> str | None:
        """A variable of the environment; None where it is not set."""

    def which(self, name: str) -> str | None:
        """Where a program is found; None where it is not."""

    def disk_free_mib(self, path: str) -> int | None:
        """Free space on the disk of `path` or of its nearest existing parent."""

    def data_folder(self) -> str:
        """Where dreamrig keeps its data; it need not exist."""


def decode(data: bytes) -> str:
    """Text from a program of any system: UTF-16LE with or without a mark, UTF-8, or else the console's old code page.

    Never raises. NULs are dropped and every line ends in one LF, also where older wsl.exe writes CR CR LF.
    """
    text = _decode(data).replace("\0", "")
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if is_utf16le(data):
        return data.decode("utf-16-le", errors="replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.start >= len(data) - 3:  # cut inside its last character
            return data[: error.start].decode("utf-8", errors="replace")
    return data.decode("oem" if sys.platform == "win32" else "cp850", errors="replace")


def is_utf16le(data: bytes) -> bool:
    """Whether bytes without a mark are UTF-16LE: NULs at the start stand at odd places, where ASCII has them.

    A few may stand at even places: some Chinese and Japanese characters end in 00.
    """
    head = data[:400]
    return len(head) % 2 == 0 and head[1::2].count(0) > 3 * head[::2].count(0)


@contextlib.contextmanager
def stopped_at_the_end(machine: Machine) -> Iterator[Machine]:
    """The machine; what it still runs is stopped at the end, also after Ctrl-C. A recorded one has nothing to stop."""
    try:
        yield machine
    finally:
        stop = getattr(machine, "stop", None)
        if stop is not None:
            stop()
