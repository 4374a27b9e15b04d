"""The besieged server: `dreamrig serve` with toy networks in a sandbox, and every way to hurt it.

The sandbox holds a home (on a small disk of its own where root may mount one), an empty HOME and an empty TMPDIR, so
that a file outside the home is seen. The wall clock comes through a file: see tests/generator/serve/toy_serve.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

SERVE = Path(__file__).parents[1] / "generator" / "serve" / "toy_serve.py"
STEP_SECONDS = 0.03
DISK_MIB = 192
DAMAGE = b"this is no database " * 500
FILES_OF_DATABASE = ("serve.db", "serve.db-journal", "serve.db-wal", "serve.db-shm")


class House:
    """A home, and the processes that serve it."""

    files = frozenset({"home", "user", "tmp", "log", "clock"})
    """What may lie in the sandbox."""
    workers = 1
    """So many draw at once."""

    def __init__(self, sandbox: Path) -> None:
        self.sandbox, self.home = sandbox, sandbox / "home"
        for name in ("home", "user", "tmp"):
            (sandbox / name).mkdir(parents=True)
        self.has_disk = mount(self.home)
        self.log_path = sandbox / "log"
        self.log = self.log_path.open("ab")
        self.clock_path = sandbox / "clock"
        self.clock_path.write_text("0 0")
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.parent: subprocess.Popen[bytes] | None = None

    # ---- what runs

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of this user's own, and no room kept free: the disk is to be filled to the last byte."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("DREAMRIG", "XDG"))}
        return {
            **own,
            "HOME": str(self.sandbox / "user"),
            "TMPDIR": str(self.sandbox / "tmp"),
            "DREAMRIG_HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
            "DREAMRIG_SERVE_KEEP_SECONDS": "0",
            "DREAMRIG_SERVE_KEEP_FREE_MIB": "0",
            "TOY_CLOCK": str(self.clock_path),
        }

    def start(self) -> None:
        """One try, as a service would do it: it may find the home still held by what was killed."""
        command = [sys.executable, "-P", str(SERVE), str(STEP_SECONDS), "--port", str(self.port)]
        self.parent = subprocess.Popen(
            command, env=self.environ, stdout=self.log, stderr=self.log, cwd=self.sandbox, start_new_session=True
        )

    def keep_up(self) -> None:
        """Start it again where it has ended."""
        if self.parent is None or self.parent.poll() is not None:
            self.start()

    def family(self) -> list[psutil.Process]:
        """Parent, web process, worker: as many as there are now, in this order."""
        if self.parent is None:
            return []
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self.parent.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.parent is not None
        self.parent.send_signal(signal.SIGTERM)
        return self.parent.wait(60)

    def close(self) -> None:
        """End what is left, and give the disk back."""
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self.parent is not None:
            self.parent.wait()
        self.log.close()
        if self.has_disk:
            subprocess.run(["umount", "--lazy", str(self.home)], check=False)

    # ---- what is asked

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The owner's question; None while there is no good answer."""
        with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):
            token = json.loads((self.home / "serve" / "serve.json").read_text())["token"]
            headers = {"Authorization": f"Bearer {token}"}
            answer = httpx.request(method, self.url + path, headers=headers, timeout=15, **more)
            return answer.json() if answer.status_code < 300 else None
        return None

    def press(self, path: str, **form: str) -> None:
        """A button of the owner's page."""
        with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):
            token = json.loads((self.home / "serve" / "serve.json").read_text())["token"]
            httpx.post(self.url + path, data=form, headers={"Authorization": f"Bearer {token}"}, timeout=15)

    def is_up(self) -> bool:
        """Whether somebody answers."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What the database says, whether it is served or not."""
        with contextlib.closing(sqlite3.connect(f"file:{self.home / 'serve.db'}?mode=ro", uri=True, timeout=30)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(query, values).fetchall()

    def picture_folder(self, key: str) -> Path:
        """Where a picture's files lie."""
        return self.home / "serve" / "pictures" / key[:2] / key

    def last_words(self) -> str:
        """The end of what it printed."""
        return self.log_path.read_text(errors="replace")[-3000:]

    # ---- what hurts it, each until the block ends

    def jump(self, wall_ms: int, boot_seconds: float = 0.0) -> None:
        """Wall time is off by so much from now on; the machine was asleep for so long."""
        new = self.clock_path.with_suffix(".new")
        new.write_text(f"{wall_ms} {boot_seconds}")
        new.replace(self.clock_path)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Not a byte is left; without a disk of our own, no file of the running processes can grow."""
        with self.filled() if self.has_disk else self.no_growth():
            yield

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """A file takes all the room there is."""
        path = self.home / "fill"
        with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
        try:
            yield
        finally:
            path.unlink()

    @contextlib.contextmanager
    def no_growth(self) -> Iterator[None]:
        """The limit on file sizes, from outside: writes end as on a full disk."""
        touched = self.family()[1:]
        for process in touched:
            with contextlib.suppress(OSError):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            for process in touched:
                with contextlib.suppress(OSError):
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    @contextlib.contextmanager
    def locked_database(self) -> Iterator[None]:
        """Another program holds the database for itself, as a shell of SQLite or a backup may."""
        with contextlib.closing(sqlite3.connect(self.home / "serve.db", isolation_level=None, timeout=60)) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield
            db.execute("ROLLBACK")

    @contextlib.contextmanager
    def damaged_database(self) -> Iterator[None]:
        """Noise lies where the database was; it comes back with its journal."""
        aside = self.sandbox / "aside"
        aside.mkdir()
        for name in FILES_OF_DATABASE:
            if (self.home / name).exists():
                shutil.move(self.home / name, aside / name)
        (self.home / "serve.db").write_bytes(DAMAGE)
        try:
            yield
        finally:
            (self.home / "serve.db").unlink()
            for path in list(aside.iterdir()):
                shutil.move(path, self.home / path.name)
            aside.rmdir()


def mount(folder: Path) -> bool:
    """A small disk at `folder`; False where this user may not."""
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "dreamrig-chaos", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def wait_for(true: Callable[[], Any], seconds: float, pause: float = 0.05) -> Any:
    """Until it is true, or a false value after so long."""
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(pause)
    return found
