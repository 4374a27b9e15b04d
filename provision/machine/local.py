"""The machine that this runs on. Programs run in process groups of their own, and end with their time-out."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import IO

from dreamrig import paths
from provision.machine.machine import FILE_LIMIT, NOT_FOUND, OUTPUT_LIMIT, Ran

POSIX = os.name == "posix"
NOT_STARTED = 126
"""Exit code of a program that is there and cannot be started, as shells have it."""


class ThisMachine:
    """The machine that this runs on."""

    system = sys.platform
    python = sys.executable
    python_version = ".".join(map(str, sys.version_info[:3]))

    def __init__(self, output_limit: int = OUTPUT_LIMIT) -> None:
        self.python_path = tuple(sys.path)
        self.root = str(Path(__file__).resolve().parents[2])
        self._output_limit = output_limit
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    def run(
        self,
        *argv: str,
        timeout_seconds: float = 10.0,
        input: bytes | None = None,  # noqa: A002 - subprocess calls it that
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a program in a process group of its own; the whole group is killed at the time-out."""
        began = perf_counter()
        try:
            process = _start(argv, cwd, env, wants_input=input is not None)
        except FileNotFoundError as error:
            return Ran(argv, NOT_FOUND, err=str(error.strerror).encode())
        except (OSError, ValueError) as error:  # no permission, a foreign format, a NUL in an argument
            return Ran(argv, NOT_STARTED, err=str(error).encode(errors="replace"))
        self._running.add(process)
        try:
            if self._stopped.is_set():
                kill_group(process)
            listener = _Listener(process, input, self._output_limit)
            timed_out = listener.wait(timeout_seconds)
        finally:
            self._running.discard(process)
        out, err = listener.heard
        return Ran(argv, process.returncode, out, err, perf_counter() - began, timed_out, listener.truncated)

    @property
    def is_busy(self) -> bool:
        """Whether a program runs."""
        return bool(self._running)

    def stop(self) -> None:
        """Kill what still runs, and whatever is started later: the user has had enough."""
        self._stopped.set()
        for process in tuple(self._running):
            kill_group(process)

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes | None:
        """The first `limit` bytes; None where it is missing, no regular file (opening a pipe may hang) or forbidden."""
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                return None
            with open(path, "rb") as file:
                return file.read(limit)
        except (OSError, ValueError):
            return None

    def exists(self, path: str) -> bool:
        """Whether `path` or what it links to is there."""
        try:
            return Path(path).exists()
        except (OSError, ValueError):  # a folder above may not be entered
            return False

    def listdir(self, path: str) -> tuple[str, ...] | None:
        """Names in a folder, sorted; None where it cannot be read."""
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except OSError:
            return None

    def realpath(self, path: str) -> str:
        """`path` with symbolic links resolved."""
        return os.path.realpath(path)

    def env(self, name: str) -> str | None:
        """A variable of the environment; None where it is not set."""
        return os.environ.get(name)

    def which(self, name: str) -> str | None:
        """Where a program is found on PATH; None where it is not."""
        return shutil.which(name)

    def disk_free_mib(self, path: str) -> int | None:
        """Free space on the disk of `path` or of its nearest existing parent."""
        return paths.free_mib(Path(path))

    def data_folder(self) -> str:
        """Where dreamrig keeps its data."""
        return str(paths.data_folder())


def _start(
    argv: tuple[str, ...], cwd: str | None, env: Mapping[str, str] | None, *, wants_input: bool
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if wants_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        start_new_session=POSIX,  # a group of its own, so that its children end with it
    )


class _Listener:
    """Reads both streams of a process while it runs, so that it never blocks on a full pipe."""

    def __init__(self, process: subprocess.Popen[bytes], said: bytes | None, limit: int) -> None:
        self._process, self._limit = process, limit
        self._heard: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self.truncated = False
        assert process.stdout is not None
        assert process.stderr is not None
        self._threads = [
            self._spawn(self._read, process.stdout, "out"),
            self._spawn(self._read, process.stderr, "err"),
        ]
        if said is not None:
            self._spawn(self._write, said)

    def _spawn(self, work: Callable[..., None], *given: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=given, daemon=True)
        thread.start()
        return thread

    def _read(self, stream: IO[bytes], name: str) -> None:
        kept = self._heard[name]
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 65536):
                kept += chunk[: self._limit - len(kept)]
                if len(kept) >= self._limit and not self.truncated:
                    self.truncated = True
                    kill_group(self._process)

    def _write(self, said: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it may end without reading
            stdin.write(said)
        with contextlib.suppress(OSError, ValueError):
            stdin.close()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the end; returns whether the time ran out."""
        timed_out = False
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            kill_group(self._process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
        for thread in self._threads:  # a grandchild that left the group may hold a pipe open: do not wait for it
            thread.join(1.0)
        if self._process.returncode is None:  # not even SIGKILL ends it: stuck inside a driver
            self._process.returncode = -9
        return timed_out

    @property
    def heard(self) -> tuple[bytes, bytes]:
        """Standard output and standard error so far."""
        return bytes(self._heard["out"]), bytes(self._heard["err"])


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children; nothing happens where it has ended."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, timeout=5, check=False
            )
        elif process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
