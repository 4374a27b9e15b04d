"""Where a server keeps its things: one home, one server, every file below it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamrig.errors import NotReadyError
from dreamrig.paths import data_folder, ensure_folder, write_atomic

KEY_BYTES = 9
"""Of what URLs show of a picture: 72 random bits, 12 characters."""
SECRET_BYTES = 32
WINDOWS_DISKS = Path("/mnt")


@dataclass(frozen=True)
class Home:
    """The data folder as a server sees it."""

    root: Path

    @property
    def database(self) -> Path:
        """The truth."""
        return self.root / "serve.db"

    @property
    def folder(self) -> Path:
        """Everything else of the server."""
        return self.root / "serve"

    @property
    def pictures(self) -> Path:
        """A folder a picture."""
        return self.folder / "pictures"

    @property
    def backups(self) -> Path:
        """A folder a backup, named by its time, so that the last in order is the newest."""
        return self.folder / "backups"

    @property
    def address_file(self) -> Path:
        """Where the running server listens, and the token of this home; mode 0600."""
        return self.folder / "serve.json"

    @property
    def worker_log(self) -> Path:
        """What workers print."""
        return self.folder / "worker.log"

    def picture_folder(self, key: str) -> Path:
        """The folder of one picture: two letters of its key, so that no folder grows to thousands."""
        return self.pictures / key[:2] / key

    def picture_bytes(self, key: str) -> int:
        """Of all files of one picture; 0 where there are none."""
        size = 0
        with contextlib.suppress(FileNotFoundError):  # some go just now
            for path in self.picture_folder(key).rglob("*"):
                size += path.stat().st_size if path.is_file() else 0
        return size

    def remove_picture(self, key: str) -> None:
        """All files of one picture, where there are any; what cannot be removed stays."""
        shutil.rmtree(self.picture_folder(key), ignore_errors=True)

    def prepare(self) -> None:
        """Make the folders; NotReadyError on a Windows disk, whose locks and syncs SQLite cannot rely on."""
        if is_windows_disk(self.root):
            raise NotReadyError(
                f"{self.root} lies on a Windows disk, where a database can lose what was saved.",
                hint="put the data inside Linux: export DREAMRIG_HOME=~/.local/share/dreamrig",
            )
        ensure_folder(self.pictures)
        with contextlib.suppress(OSError):
            self.folder.chmod(0o700)

    def secret(self) -> bytes:
        """Random bytes of this home, made once: what share links are signed with."""
        path = self.folder / "secret"
        if not path.is_file():
            write_private(path, secrets.token_hex(SECRET_BYTES).encode())
        return path.read_bytes()


def this_home() -> Home:
    """The home of this user: DREAMRIG_HOME or the platform's data folder."""
    return Home(data_folder())


def is_windows_disk(path: Path) -> bool:
    """Whether `path` is under /mnt/c or another letter, as WSL shows Windows' disks."""
    parts = path.absolute().parts
    return len(parts) > 2 and Path(parts[0], parts[1]) == WINDOWS_DISKS and len(parts[2]) == 1 and parts[2].isalpha()


def new_key() -> str:
    """What URLs show of a picture; letters, digits, - and _."""
    return secrets.token_urlsafe(KEY_BYTES)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that this user alone can read, whole or not at all."""
    before = os.umask(0o077)
    try:
        write_atomic(path, data)
    finally:
        os.umask(before)


def write_address(home: Home, url: str, token: str, pid: int, public_url: str = "") -> None:
    """Tell the command line of this home where its server is, here and for friends."""
    told = {"url": url, "public_url": public_url, "token": token, "pid": pid}
    write_private(home.address_file, json.dumps(told).encode())


def read_address(home: Home) -> dict[str, Any] | None:
    """What write_address wrote; None where there is none, or it cannot be read."""
    try:
        found = json.loads(home.address_file.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("url"), str) else None


@contextlib.contextmanager
def held(home: Home) -> Iterator[int]:
    """Hold the home for this process alone; NotReadyError, with the address, where another server has it.

    The lock is the kernel's: a killed server holds nothing. Gives the descriptor it hangs on: a child that inherits it
    holds the home as well, for as long as it lives.
    """
    import fcntl

    home.prepare()
    descriptor = os.open(home.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        where = read_address(home) or {}
        raise NotReadyError(
            f"A server of this home is running already{': ' + where['url'] if where else ''}.",
            hint="use that one, stop it (Ctrl-C there), or serve another home: export DREAMRIG_HOME=/another/folder",
        ) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
