"""What is known about a home and its server from outside: files, lock, database, port, and what the server answers."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dreamrig.errors import NotReadyError, RigError
from dreamrig.locks import sole_holder
from dreamrig.paths import free_mib
from generator.serve.client import call
from generator.serve.clock import wall_ms
from generator.serve.home import Home, read_address
from generator.serve.settings import ServeSettings
from generator.serve.watching import probe
from generator.serve.watching.probe import Reached
from provision.facts.collectors.windows import windows_program
from provision.machine.machine import Machine

WINDOWS_TIME = "[DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds()"
Ask = Callable[[str, str], Any]


@dataclass(frozen=True, kw_only=True)
class DatabaseLook:
    """A look into the file, without changing it. trouble: why it cannot be used; empty = nothing found."""

    trouble: str = ""
    version: int = 0
    has_wal: bool = False
    friends: int = 0
    open_invitations: int = 0
    newest_event_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything that the checks judge. None = not known, or not there."""

    home: Home
    own: ServeSettings
    is_held: bool = False
    """Whether some process holds the home."""
    url: str | None = None
    """Where the server of this home says that it listens."""
    state: dict[str, Any] | None = None
    """What it answers; None = it does not."""
    database: DatabaseLook | None = None
    port_trouble: str = ""
    """Why nobody could listen there; empty = one could, or our server does."""
    free_mib: int | None = None
    open_files: tuple[Path, ...] = ()
    """Secrets that others on this machine may read."""
    reached: tuple[Reached, ...] = ()
    now_ms: int = 0
    windows_ms: int | None = None


def look(
    home: Home, own: ServeSettings, machine: Machine, *, ask: Ask = call, fetch: probe.Fetch | None = None
) -> Situation:
    """Look at everything. Nothing is changed."""
    address, is_held = read_address(home), holds(home)
    state = answer(ask) if address is not None and is_held else None
    return Situation(
        home=home,
        own=own,
        is_held=is_held,
        url=None if address is None else str(address["url"]),
        state=state,
        database=look_into(home.database) if home.database.exists() else None,
        port_trouble="" if is_held else try_port(own.host, own.port),
        free_mib=free_mib(home.root),
        open_files=tuple(path for path in (home.address_file, home.folder / "secret", home.database) if is_open(path)),
        reached=reach_test(home, own, machine, fetch) if state is not None else (),
        now_ms=wall_ms(),
        windows_ms=windows_time(machine),
    )


def holds(home: Home) -> bool:
    """Whether somebody holds the lock of this home."""
    lock, busy = home.folder / "lock", NotReadyError("held")
    if not lock.is_file():
        return False
    try:
        with sole_holder(lock, busy):
            return False
    except NotReadyError as error:
        return error is busy


def answer(ask: Ask) -> dict[str, Any] | None:
    """The server's state; None where it does not answer."""
    try:
        return dict(ask("GET", "/api/v1/queue"))
    except (RigError, TypeError, ValueError):
        return None


def look_into(path: Path) -> DatabaseLook:
    """Open the file for reading alone."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
            return DatabaseLook(trouble=str(found)) if found != "ok" else _read(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        return DatabaseLook(trouble=str(error))


def _read(connection: sqlite3.Connection) -> DatabaseLook:
    def one(query: str, *values: int) -> Any:
        return connection.execute(query, values).fetchone()[0]

    return DatabaseLook(
        version=one("PRAGMA user_version"),
        # How a rollback journal is ended is each connection's own affair; the file knows of WAL alone.
        has_wal=one("PRAGMA journal_mode") == "wal",
        friends=one("SELECT count(*) FROM friend WHERE revoked_at IS NULL AND is_owner = 0"),
        open_invitations=one("SELECT count(*) FROM invite WHERE used_at IS NULL AND expires_at > ?", wall_ms()),
        newest_event_ms=one("SELECT max(at) FROM event"),
    )


def try_port(host: str, port: int) -> str:
    """Why nobody can listen there; empty = one can."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, number, _, place = found[0]
        with socket.socket(family, kind, number) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def is_open(path: Path) -> bool:
    """Whether others may read it."""
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def as_it_runs(home: Home, own: ServeSettings) -> ServeSettings:
    """The settings with port and public address of the running server, which flags may have given it."""
    found = read_address(home)
    if found is None or not holds(home):
        return own
    port = urlsplit(found["url"]).port or own.port
    return replace(own, port=port, public_url=found.get("public_url") or own.public_url)


def reach_test(home: Home, own: ServeSettings, machine: Machine, fetch: probe.Fetch | None) -> tuple[Reached, ...]:
    """Open our own addresses as others would: this PC's, from Windows as well, and the public one."""
    secret, local = home.secret(), str((read_address(home) or {}).get("url") or f"http://127.0.0.1:{own.port}")
    found = [probe.probe(local, secret, fetch)]
    if machine.env("WSL_DISTRO_NAME") is not None:
        seen = probe.probe(local, secret, probe.fetch_from_windows(machine))
        found.append(Reached(f"{local} from Windows", seen.is_us, f"From Windows: {seen.sentence}", seen.fix))
    if own.public_url:
        found.append(probe.probe(own.public_url, secret, fetch))
    return tuple(found)


def windows_time(machine: Machine) -> int | None:
    """Milliseconds of UTC as Windows has them; None outside of WSL, or where it does not say."""
    if machine.env("WSL_DISTRO_NAME") is None:
        return None
    shell = windows_program(machine, "powershell.exe", "System32/WindowsPowerShell/v1.0/powershell.exe")
    said = machine.run(
        shell, "-NoProfile", "-NonInteractive", "-Command", WINDOWS_TIME, timeout_seconds=20.0
    ).first_line
    return int(said) if said.isdigit() else None
