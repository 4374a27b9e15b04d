"""The same siege over Ray: the server's home holds a crew's head, and one more node has a home of its own.

Beside worker, server and parent, whole machines die, the `dreamrig crew` that holds one, and the head under a running
server; and a node says nothing for a while and goes on speaking, as behind a pulled cable.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from house import STEP_SECONDS, House, wait_for
from siege import Siege

from generator.crew.cluster import Ports
from generator.serve.upkeep.situation import try_port

TOYS = Path(__file__).parents[1] / "generator" / "crew"
LEASE_SECONDS = 10
SILENCE_SECONDS = (3.0, 20.0)
"""Shorter than the lease, and longer."""
RESTART_SECONDS = 1.0
"""Between two starts of what ended, as a service waits."""
CREW_KILLS: Mapping[str, int] = {
    "worker": 7, "server": 4, "parent": 2, "tree": 2, "node": 3, "holder": 2, "head": 1, "everything": 1, "silence": 2,
}  # fmt: skip
"""Who is killed -9, and how often among twenty-four; silence is no kill."""
OURS = ("dreamrig-ray-", "dreamrig-crew-room-", "dreamrig-crew-inputs")
"""What may lie in a machine's /tmp while it is in a crew; inputs for a day."""
MACHINES = frozenset({"node", "holder", "head", "everything"})


class Machine:
    """`dreamrig crew …` in a home of its own, started again when it ends."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self.environ, self.log = dict(environ), log
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = -RESTART_SECONDS

    def keep_up(self, words: Sequence[str]) -> None:
        """Start it where it has ended."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() - self.started_at < RESTART_SECONDS:
            return
        self.started_at = time.monotonic()
        command = [sys.executable, "-P", "-m", "dreamrig", "crew", *words]
        with self.log.open("ab") as said, self.log.with_suffix(".out").open("wb") as out:
            self.process = subprocess.Popen(
                command, env=self.environ, stdout=out, stderr=said, cwd=self.log.parent, start_new_session=True
            )

    def said(self, word: str) -> str:
        """What stands behind a word at the beginning of a line since its newest start; "" = not said yet."""
        with contextlib.suppress(OSError):
            for line in self.log.with_suffix(".out").read_text().splitlines():
                if line.startswith(word):
                    return line.removeprefix(word).strip()
        return ""

    def everything(self) -> list[psutil.Process]:
        """Its process and all below it: Ray's, and the workers."""
        if self.process is None:
            return []
        with contextlib.suppress(psutil.Error):
            mine = psutil.Process(self.process.pid)
            return [mine, *mine.children(recursive=True)]
        return []

    def actors(self) -> list[psutil.Process]:
        """The processes that draw."""
        return [one for one in self.everything() if is_actor(one)]

    def get(self, number: signal.Signals) -> list[psutil.Process]:
        """All of it gets a signal; who did."""
        found = self.everything()
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.send_signal(number)
        return found

    def kill(self) -> list[psutil.Process]:
        """All of it at once, as by a power cut; who was there."""
        self.get(signal.SIGSTOP)  # or a process could start another while the list is gone through
        found = self.get(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        return found


def is_actor(process: psutil.Process) -> bool:
    """Whether a worker of ours runs in it."""
    with contextlib.suppress(psutil.Error):
        return "ray::Actor" in " ".join(process.cmdline())
    return False


class CrewHouse(House):
    """A home with a head and a server over it, and a node beside it."""

    files = House.files | {"node", "head.log", "head.out", "node.log", "node.out"}
    workers = 2

    def __init__(self, sandbox: Path) -> None:
        super().__init__(sandbox)
        self.room = Path(tempfile.mkdtemp(prefix="d"))
        """Ray's sockets lie in it: their paths have to be short."""
        self.node_home = sandbox / "node"
        self.node_home.mkdir()
        words = {"TMPDIR": str(self.room), "TOY_STEP_SECONDS": str(STEP_SECONDS)}
        self.head = Machine({**self.environ, **words}, sandbox / "head.log")
        self.node = Machine({**self.environ, **words, "DREAMRIG_HOME": str(self.node_home)}, sandbox / "node.log")
        self.ports = () if usual_ports_are_free() else ("--free-ports",)
        self.server_started_at = -RESTART_SECONDS

    @property
    def environ(self) -> dict[str, str]:
        """The toys on every machine, a short lease."""
        own = {name: value for name, value in super().environ.items() if not name.startswith("RAY_")}
        path = os.pathsep.join([str(TOYS), str(TOYS / "quick"), os.environ.get("PYTHONPATH", "")])
        return {
            **own,
            "PYTHONPATH": path,
            "DREAMRIG_CREW_KIND": "ray",
            "DREAMRIG_CREW_STATION": "toy_station",
            "DREAMRIG_CREW_LEASE_SECONDS": str(LEASE_SECONDS),
        }

    def keep_up(self) -> None:
        """Head, node and server, each again where it has ended and what it needs is there."""
        self.head.keep_up(["start", "--cpus", "1", *self.ports])
        address, token = self.head.said("crew:"), self.head.said("token:")
        if not address:
            return
        self.node.keep_up(["join", "--token-file", token, "--cpus", "1", "--free-ports", address])
        ended = self.parent is None or self.parent.poll() is not None
        if ended and time.monotonic() - self.server_started_at > RESTART_SECONDS:
            self.server_started_at = time.monotonic()
            self.start()

    def family(self) -> list[psutil.Process]:
        """Parent, web process, workers of both machines."""
        return [*super().family()[:2], *self.head.actors(), *self.node.actors()]

    def close(self) -> None:
        """The machines after the server; nothing of them is left."""
        super().close()
        for machine in (self.node, self.head):
            machine.get(signal.SIGCONT)
            machine.kill()
        shutil.rmtree(self.room, ignore_errors=True)

    def last_words(self) -> str:
        """Of the machines, too."""
        logs = [self.head.log, self.node.log, *(home / "crew" / "ray.log" for home in (self.home, self.node_home))]
        others = [f"{log}\n{log.read_text(errors='replace')[-1000:]}" for log in logs if log.exists()]
        return "\n".join([super().last_words(), *others])


def usual_ports_are_free() -> bool:
    """Whether a head may have the ports that every head has: a head that comes back is found where it was."""
    ports = Ports()
    usual = (ports.ray, ports.door, ports.manager, ports.objects, *ports.helpers, *(ports.workers or ()))
    return not any(try_port("0.0.0.0", port) for port in usual)


@dataclass
class CrewSiege(Siege):
    """One run of it, over Ray."""

    house: CrewHouse = field(init=False)
    kinds: Mapping[str, int] = field(default_factory=lambda: CREW_KILLS)
    met: Counter[str] = field(default_factory=Counter)
    """Workers that were killed, or silent, one by one."""

    def make_house(self) -> CrewHouse:
        """Who is besieged."""
        return CrewHouse(self.sandbox)

    def victims(self, who: str, family: list[psutil.Process]) -> Sequence[psutil.Process]:
        """As of one machine; any of the workers."""
        if who == "worker":
            return [self.dice.choice(family[2:])] if family[2:] else []
        return super().victims(who, family[:2])

    def kill(self, who: str) -> None:
        """-9 to one of them, to a machine, or to all; or silence."""
        if who == "silence":
            self.be_silent()
        elif who in MACHINES:
            self.lose(who)
        else:
            super().kill(who)

    def lose(self, who: str) -> None:
        """Machines as by a power cut; of "holder" the `dreamrig crew` alone, whose Ray has to end with it."""
        house = self.house
        if who == "everything":
            super().kill("tree")
        machines = {"node": [house.node], "holder": [self.dice.choice([house.node, house.head])]}
        for machine in machines.get(who, [house.head, *([house.node] if who == "everything" else [])]):
            if machine.process is None or machine.process.poll() is not None:
                continue
            self.killed[who] += 1
            self.met["workers"] += len(machine.actors())
            if who != "holder":
                machine.kill()
                continue
            left = machine.everything()
            machine.process.kill()
            machine.process.wait()
            self.see_them_leave(left)

    def be_silent(self) -> None:
        """The node says nothing for a while, then goes on as if nothing had been."""
        found = self.house.node.actors()
        if not found:
            return
        self.killed["silence"] += 1
        self.met["workers"] += len(found)
        stopped = self.house.node.get(signal.SIGSTOP)
        time.sleep(self.dice.uniform(*SILENCE_SECONDS))
        for one in stopped:
            with contextlib.suppress(psutil.Error):
                one.send_signal(signal.SIGCONT)

    def worker_deaths(self) -> int:
        """Workers killed by themselves, and with their machine."""
        return self.killed["worker"] + self.met["workers"]

    def quiet(self, *arguments: Any) -> None:
        """And no folder of a killed worker is left on any machine."""
        super().quiet(*arguments)
        room = self.house.room
        if not wait_for(
            lambda: len(list(room.glob("dreamrig-crew-room-*"))) <= self.house.workers, self.patience_seconds
        ):
            self.problems.append(f"folders of killed workers are left: {sorted(path.name for path in room.iterdir())}")
        for path in room.iterdir():
            if not path.name.startswith(OURS):
                self.problems.append(f"{path.name} lies in the machines' /tmp")
