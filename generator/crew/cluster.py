"""Ray's processes of this machine: which ports, which folder, whose token. Loads neither torch nor Ray."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from dreamrig import extras
from dreamrig.documents import DocumentError, read_object
from dreamrig.errors import NotReadyError, UsageError
from dreamrig.paths import data_folder, ensure_folder, write_atomic
from generator.crew.door import DOOR_PORT
from generator.crew.places import CARD, LABEL, UUID, labelled
from generator.crew.settings import slug
from generator.runs.mark import process_mark

RAY_PORT = 6379
OLDEST_RAY = (2, 52)
"""The first that asks for a token: an older one passes RAY_AUTH_MODE over in silence, and its head is open to all."""
HELPERS = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent", "metrics-export")
"""Ray's names for them."""
STORE_BYTES = 256 * 1024 * 1024
"""Of Ray's shared memory: by itself it takes 30 % of the machine's, for what here is a checkpoint at a time."""
SLOW_MACHINE = {"RAY_agent_register_timeout_ms": "300000", "RAY_raylet_start_wait_time_s": "300"}
"""A busy machine needs longer than Ray's 15 s for the helpers of a node; the node would end in an error of its own."""


STRANGE = ("RAY_ADDRESS", "RAY_AUTH_TOKEN")
"""Variables of somebody else's cluster; Ray prefers the second to our token's file."""


@dataclass(frozen=True)
class Ports:
    """What a firewall has to let in. Fixed, or taken as they are free where several nodes share a machine."""

    ray: int = RAY_PORT
    """Of the head alone."""
    door: int = DOOR_PORT
    """Of the head alone."""
    manager: int = 8702
    objects: int = 8703
    helpers: tuple[int, int, int, int] = (8704, 8705, 8706, 8707)
    """Of Ray's own helpers here: named, because a node that has to find them gives up after 15 s."""
    workers: tuple[int, int] | None = (8710, 8749)
    """First and last; None = any."""

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses at this moment."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(8)]
            for one in sockets:
                one.bind(("", 0))
            numbers = [one.getsockname()[1] for one in sockets]
        ray, door, manager, objects, *others = numbers
        helpers = (others[0], others[1], others[2], others[3])
        return cls(ray=ray, door=door, manager=manager, objects=objects, helpers=helpers, workers=None)

    def flags(self) -> list[str]:
        """For `ray start`."""
        flags = [f"--node-manager-port={self.manager}", f"--object-manager-port={self.objects}"]
        flags += [f"--{name}-port={port}" for name, port in zip(HELPERS, self.helpers, strict=True)]
        if self.workers is not None:
            flags += [f"--min-worker-port={self.workers[0]}", f"--max-worker-port={self.workers[1]}"]
        return flags


@dataclass(frozen=True, kw_only=True)
class NodeWanted:
    """One node of Ray to start here."""

    address: str
    """This machine's, as the others reach it."""
    ports: Ports
    label: str
    """What tells it from every other node there was or will be."""
    head: str | None = None
    """HOST:PORT of Ray's head; None = this is it."""
    draws: bool = True
    cpus: int | None = None
    """None = all."""
    gpus: int | None = None
    """None = as Ray finds them."""
    cards: Sequence[tuple[str, str]] = ()
    """Name and UUID of each."""

    def command(self, temporary: Path) -> list[str]:
        """`ray start …`, which stays in the foreground. temporary: Ray's folder."""
        where = (
            [f"--address={self.head}"]
            if self.head
            else ["--head", f"--port={self.ports.ray}", "--include-dashboard=false"]
        )
        labels = {LABEL: self.label}
        for index, (name, uuid) in enumerate(self.cards):
            labels |= {labelled(CARD, index): slug(name), **({labelled(UUID, index): uuid} if uuid else {})}
        return [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
            *where,
            f"--node-ip-address={self.address}",
            f"--temp-dir={temporary}",
            f"--object-store-memory={STORE_BYTES}",
            "--include-log-monitor=false",
            f"--labels={','.join(f'{name}={value}' for name, value in labels.items())}",
            *([f"--resources={json.dumps({'dreamrig': 1})}"] if self.draws else []),
            *([] if self.cpus is None else [f"--num-cpus={self.cpus}"]),
            *([] if self.gpus is None else [f"--num-gpus={self.gpus}"]),
            *self.ports.flags(),
        ]


class CrewFolder:
    """What this home keeps of its crew."""

    def __init__(self, root: Path | None = None) -> None:
        """root: the data folder; None = this user's."""
        self.path = (data_folder() if root is None else root) / "crew"

    @property
    def token_file(self) -> Path:
        """The crew's token; mode 0600."""
        return self.path / "token"

    @property
    def log(self) -> Path:
        """What Ray's processes print."""
        return self.path / "ray.log"

    @property
    def temporary(self) -> Path:
        """Ray's folder: short, because sockets lie in it, and of this home and user alone."""
        name = sha256(str(self.path.absolute()).encode()).hexdigest()[:8]
        folder = Path(tempfile.gettempdir()) / f"dreamrig-ray-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise NotReadyError(f"{folder} belongs to somebody else.", hint=f"remove it: sudo rm -r {folder}")
        return folder

    def token(self) -> str:
        """The token; NotReadyError where there is none, or where others can read it."""
        try:
            mode, text = self.token_file.stat().st_mode, self.token_file.read_text().strip()
        except OSError:
            raise NotReadyError(
                "This machine has no token of a crew, and without one nothing is asked of any address.",
                hint="copy the token file of the head: dreamrig crew join --token-file FILE ADDRESS",
            ) from None
        if mode & 0o077:
            raise NotReadyError(
                f"Others of this machine can read {self.token_file}.", hint=f"run: chmod 600 {self.token_file}"
            )
        if len(text) < 32:
            raise NotReadyError(f"{self.token_file} holds no token.", hint="copy it again from the crew's head")
        return text

    def make_token(self) -> str:
        """The token, made where there is none."""
        if not self.token_file.exists():
            self.keep_token(secrets.token_hex(32))
        return self.token()

    def keep_token(self, token: str) -> None:
        """Write it down for this user alone."""
        before = os.umask(0o077)
        try:
            write_atomic(ensure_folder(self.path) / self.token_file.name, token.encode())
        finally:
            os.umask(before)

    def environment(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """For Ray's processes and for a driver: always the token, never somebody else's cluster."""
        kept = {name: value for name, value in environ.items() if name not in STRANGE}
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
        return {**SLOW_MACHINE, **kept, **token, "RAY_USAGE_STATS_ENABLED": "0"}


def put_in_place(wanted: Mapping[str, str], environ: MutableMapping[str, str] = os.environ) -> None:
    """Make `wanted` (see CrewFolder.environment) hold for this process, before Ray is imported in it."""
    environ.update(wanted)
    for name in STRANGE:
        environ.pop(name, None)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A head or a node of this home, as its process wrote it down."""

    pid: int
    mark: str
    ray: str
    """HOST:PORT of Ray's head."""
    door: str
    """HOST:PORT."""
    is_head: bool

    @classmethod
    def read(cls, folder: CrewFolder) -> Running | None:
        """What runs; None = nothing does."""
        found = cls._written(folder)
        return found if found is not None and process_mark(found.pid) == found.mark else None

    @classmethod
    def joined_last(cls, folder: CrewFolder) -> str | None:
        """HOST:PORT of the door of the head that this home joined last; None = none, or it was a head itself."""
        found = cls._written(folder)
        return None if found is None or found.is_head else found.door

    @classmethod
    def _written(cls, folder: CrewFolder) -> Running | None:
        try:
            facts: dict[str, Any] = read_object(folder.path / "running.json")
            return cls(**{name: facts[name] for name in cls.__dataclass_fields__})
        except (OSError, DocumentError, KeyError, TypeError):
            return None

    @classmethod
    def write(cls, folder: CrewFolder, *, ray: str, door: str, is_head: bool) -> Running:
        """Of this process."""
        mine = cls(pid=os.getpid(), mark=process_mark(os.getpid()) or "", ray=ray, door=door, is_head=is_head)
        write_atomic(ensure_folder(folder.path) / "running.json", json.dumps(asdict(mine)).encode())
        return mine


def ray_version() -> str | None:
    """Without importing it."""
    try:
        return importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError:
        return None


def require_ray(version: Callable[[], str | None] = ray_version) -> None:
    """Have Ray, installed on first use through `./rig`; NotReadyError where it is missing, or knows no token."""
    extras.bring("ray", is_there=lambda name: version() is not None and extras.is_installed(name))
    found = version() or ""
    if tuple(int(number) for number in re.findall(r"\d+", found)[:2]) < OLDEST_RAY:
        raise NotReadyError(
            f"Ray {found} asks nobody for a token: its crew would be open to everybody.",
            hint=f"run: {extras.pip_command('--upgrade', *extras.EXTRAS['ray'].requirements)}",
        )


def own_address(towards: str | None = None) -> str:
    """The address of this machine that others can use: the one it speaks to `towards` from, or by its name.

    Ray's own guess is 127.0.0.1 on a machine without a way to the internet, where nobody reaches a head: other
    nodes turn 127.0.0.1 into the machine's name. UsageError where there is only loopback.
    """
    found = _sends_from(towards) if towards else None
    if found is None:
        with contextlib.suppress(OSError):
            found = str(socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)[0][4][0])
    if found is None or found.startswith("127."):
        found = _sends_from("198.51.100.1") or ""  # of the documentation range: a route is asked for, nothing sent
    if not found or found.startswith("127."):
        raise UsageError(
            "This machine has no address but loopback, where no other machine can reach it.",
            hint="connect it to the network, or name its address: --host ADDRESS",
        )
    return found


def _sends_from(host: str) -> str | None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])
    return None


def with_port(address: str) -> str:
    """HOST -> HOST:8701; UsageError for what is neither."""
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = address, str(DOOR_PORT)
    if not host or not port.isdigit() or "/" in host:
        raise UsageError(f"{address} is no address.", hint="write it as the head prints it: 192.168.1.5:8701")
    return f"{host}:{port}"


def driver_address(folder: CrewFolder, address: str) -> tuple[str, str]:
    """(Ray, door), both HOST:PORT, for a driver on this machine. address: of the door; "" = what runs in this home.

    NotReadyError where nothing runs here: a driver needs a node on its own machine. The token is asked for first.
    """
    folder.token()
    running, wanted = Running.read(folder), with_port(address) if address else ""
    if running is None:
        raise NotReadyError(
            f"No node of {wanted or 'a crew'} runs on this machine.",
            hint=f"run: dreamrig crew join {wanted}" if wanted else "run: dreamrig crew start",
        )
    if wanted not in ("", running.door, running.ray):
        first = "end the head here" if running.is_head else "run: dreamrig crew leave"
        raise NotReadyError(
            f"No node of {wanted} runs on this machine: it is in the crew of {running.door}.",
            hint=f"leave the address away; or, for the other crew, {first}, then: dreamrig crew join {wanted}",
        )
    return running.ray, running.door
