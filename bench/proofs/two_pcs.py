"""Two PCs and one cable: `python -m bench.proofs.two_pcs` (root, Linux) plays docs/scale.md by its own commands.

Each PC is a set of namespaces on this machine: an own network with an own address, own processes, host name, /tmp and
/dev/shm; one core each. Between them is a veth pair, which can be pulled. Nothing is shared but the program's files and
the clock. Prints one JSON document: jobs an hour of the page with one PC and with both (one-two-two-one), what a
node's leaving, its power cut and a pulled cable cost, and whether the pictures have the bytes of an uninterrupted one.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.proofs import waiting
from bench.proofs.serve_load import address_of

ROOT = Path(__file__).parents[2]
NETWORK = "192.168.77"
TMP = Path("/tmp")  # noqa: S108 - of a PC: the folder that its namespace has there
CLONE_NEWNET = 0x40000000
PATIENCE_SECONDS = 300.0
NOT_YET = (OSError, ValueError, IndexError, httpx.HTTPError, sqlite3.Error)
until = partial(waiting.until, seconds=PATIENCE_SECONDS, not_yet=NOT_YET)
SETTLE_SECONDS = 45.0
"""How long a node that came back to the network is watched."""
SHORT = {"prompt": "sunset over the sea", "preset": "quick"}
LONG = {"prompt": "a castle in the snow", "preset": "good", "seed": 5}
PREPARE = """
set -e
mount --make-rprivate /
mount --bind "$1" /tmp
mount -t tmpfs tmpfs /dev/shm
hostname "$2"
ip link set lo up
exec sleep infinity
"""


@dataclass
class Pc:
    """One PC. cores: what its processes may use, as taskset takes them."""

    name: str
    number: int
    folder: Path
    holder: subprocess.Popen[bytes]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """On the cable."""
        return f"{NETWORK}.{self.number + 5}"

    @property
    def pid(self) -> int:
        """The process that holds the namespaces: the child of unshare."""
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        return int(children[0])

    def command(self, *words: str) -> list[str]:
        """That command line, inside."""
        inside = ["nsenter", "-t", str(self.pid), "--net", "--mount", "--pid", "--uts", "--ipc"]
        return [*inside, "taskset", "-c", str(self.number), *words]

    def dreamrig(self, *words: str) -> subprocess.Popen[bytes]:
        """That command of ours, inside; what it says goes to a file beside /tmp."""
        log = self.folder / f"{'-'.join(words[:2])}.log".replace("/", "_")
        with log.open("ab") as said:
            command = self.command(sys.executable, "-P", "-m", "dreamrig", *words)
            process = subprocess.Popen(command, env=self.environ(), stdout=said, stderr=said, cwd=ROOT)
        self.started.append(process)
        return process

    def environ(self) -> dict[str, str]:
        """Of its user."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DREAMRIG_", "RAY_"))}
        return {**kept, "DREAMRIG_HOME": str(TMP / "home"), "TMPDIR": str(TMP), "DREAMRIG_SERVE_KEEP_FREE_MIB": "0"}

    @property
    def home(self) -> Path:
        """As it is seen from outside."""
        return self.folder / "tmp" / "home"

    def link(self, state: str) -> None:
        """ "up" or "down": the cable of this PC."""
        run(*self.command("ip", "link", "set", f"eth{self.number}", state))

    def switch_off(self) -> None:
        """No packet more, and no process but the one that holds the namespaces: the other PC keeps its card."""
        self.link("down")
        subprocess.run(self.command("kill", "-9", "-1"), check=False)

    def end(self) -> None:
        """Gone, with its network."""
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(self.pid, signal.SIGKILL)  # the first process of the namespace: all others end with it
        self.holder.wait()
        for process in self.started:
            process.wait()


def run(*words: str) -> str:
    """What it printed; CalledProcessError where it failed."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def two_pcs(folder: Path) -> Iterator[tuple[Pc, Pc]]:
    """Both, and the cable between them."""
    pcs = [make_pc(folder, number) for number in (0, 1)]
    try:
        connect(*pcs)
        yield pcs[0], pcs[1]
    finally:
        for pc in pcs:
            pc.end()


def make_pc(folder: Path, number: int) -> Pc:
    """A PC without a network."""
    name = ("head", "node")[number]
    place = folder / name
    (place / "tmp").mkdir(parents=True)
    command = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child"]
    holder = subprocess.Popen([*command, "sh", "-c", PREPARE, "sh", str(place / "tmp"), name])
    pc = Pc(name, number, place, holder)
    until(lambda: "sleep" in Path(f"/proc/{pc.pid}/cmdline").read_text(), "a namespace")
    return pc


def connect(one: Pc, other: Pc) -> None:
    """A veth pair; each has the other as its way out, as a PC has its router."""
    run("ip", "link", "add", "eth0", "netns", str(one.pid), "type", "veth", "peer", "name", "eth1", "netns",
        str(other.pid))  # fmt: skip
    for pc, peer in ((one, other), (other, one)):
        run(*pc.command("ip", "address", "add", f"{pc.address}/24", "dev", f"eth{pc.number}"))
        pc.link("up")
        run(*pc.command("ip", "route", "add", "default", "via", peer.address))


class Evening:
    """The page on the head, and the other PC that comes and goes."""

    def __init__(self, head: Pc, node: Pc) -> None:
        self.head, self.node = head, node
        self.member: subprocess.Popen[bytes] | None = None
        head.dreamrig("crew", "start")
        self.door = f"{head.address}:8701"
        log = head.folder / "crew-start.log"
        until(lambda: f"crew: {self.door}" in log.read_text(), "the head")
        token = until(lambda: said_after(log, "token: "), "the token")
        (node.folder / "tmp" / "token").write_bytes((head.folder / "tmp" / Path(token).relative_to(TMP)).read_bytes())
        (node.folder / "tmp" / "token").chmod(0o600)
        head.dreamrig("serve", "--crew", "ray")
        enter_network(head)  # from here on, this process asks as a browser on the head would
        until(lambda: self.done(self.submit(SHORT)), "the server")
        limits = {"name": "owner", "most_waiting": 500, "most_a_minute": 500}
        self.ask("POST", "/api/v1/friends/limit", json=limits)
        self.submit(LONG)
        self.home_machine = str(until(lambda: next(iter(self.machines()), None), "the head's worker"))
        self.empty()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The owner's question to the page."""
        known = address_of(self.head.home)
        headers = {"Authorization": f"Bearer {known['token']}"}
        answer = httpx.request(method, known["url"] + path, headers=headers, timeout=30, **more)
        return answer.raise_for_status().json()

    def join(self) -> float:
        """Seconds from the command until the other PC draws a picture of the page."""
        began = time.monotonic()
        self.member = self.node.dreamrig("crew", "join", "--token-file", str(TMP / "token"), self.door)
        while len(self.machines()) < 2:
            if not self.rows("SELECT 1 FROM job WHERE state = 'queued'"):
                self.submit(SHORT)
            if self.member.poll() is not None or time.monotonic() > began + PATIENCE_SECONDS:
                raise SystemExit(f"the node did not draw: {self.member.returncode}")
            time.sleep(0.1)
        return time.monotonic() - began

    def leave(self) -> None:
        """The other PC says good-bye."""
        assert self.member is not None
        if self.node.dreamrig("crew", "leave").wait(PATIENCE_SECONDS) != 0 or self.member.wait(PATIENCE_SECONDS) != 0:
            raise SystemExit("the node did not leave")

    def machines(self) -> set[str]:
        """Those that draw at this moment; a worker's name ends with its machine."""
        return {str(row["worker"]).split()[1] for row in self.rows("SELECT worker FROM job WHERE state='running'")}

    def on_the_node(self, home_machine: str) -> str:
        """A long picture that the other PC has begun and kept."""
        while True:
            for row in self.rows("SELECT key, worker, kept_step FROM job WHERE state='running' AND kept_step > 0"):
                if str(row["worker"]).split()[1] != home_machine:
                    return str(row["key"])
            if not self.rows("SELECT 1 FROM job WHERE state='queued'"):
                self.submit(LONG)
            time.sleep(0.1)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Of the server's database, read alone."""
        place = self.head.home / "serve.db"
        with contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as base:
            base.row_factory = sqlite3.Row
            return list(base.execute(query, values))

    def row(self, key: str) -> sqlite3.Row:
        """Of a job."""
        return self.rows("SELECT * FROM job WHERE key = ?", key)[0]

    def submit(self, wish: Mapping[str, Any]) -> str:
        """The job's key."""
        return str(self.ask("POST", "/api/v1/jobs", json=wish)["key"])

    def done(self, key: str) -> str:
        """The digest of its file, once it is there: a recipe names no time and no machine."""
        until(lambda: self.row(key)["state"] == "done", f"picture {key}")
        folder = self.head.home / "serve" / "pictures" / key[:2] / key
        return hashlib.sha256((folder / "picture.png").read_bytes()).hexdigest()

    def empty(self) -> None:
        """Cancel what waits or is drawn, and wait until nothing is."""
        open_ones = "SELECT key FROM job WHERE state IN ('queued', 'running', 'parked')"
        for row in self.rows(open_ones):
            self.ask("POST", f"/api/v1/jobs/{row['key']}/cancel", json={})
        until(lambda: not self.rows(open_ones), "an empty line")

    def round(self, jobs: int) -> float:
        """Jobs an hour, from the first submission to the last picture."""
        began = time.monotonic()
        for key in [self.submit({**SHORT, "seed": seed}) for seed in range(jobs)]:
            self.done(key)
        return 3600 * jobs / (time.monotonic() - began)


def enter_network(pc: Pc) -> None:
    """Sockets of this process are that PC's from now on."""
    with Path(f"/proc/{pc.pid}/ns/net").open("rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def said_after(log: Path, word: str) -> str:
    """What stands behind a word at the beginning of a line."""
    lines = [line for line in log.read_text().splitlines() if line.startswith(word)]
    return lines[-1].removeprefix(word).strip() if lines else ""


def play(evening: Evening, jobs: int, rounds: int) -> dict[str, Any]:
    """Everything, in this order; the values of the document."""
    found: dict[str, Any] = {"jobs_of_a_round": jobs, "load_before": os.getloadavg()[0]}
    if rounds:
        found |= speed(evening, jobs, rounds)
    usual = evening.done(evening.submit(LONG))
    found["goes"] = leaving(evening, usual)
    found["power_cut"] = power_cut(evening, usual)
    return found


def speed(evening: Evening, jobs: int, rounds: int) -> dict[str, Any]:
    """Jobs an hour with one PC and with both."""
    alone, both, joins = [], [], []
    for _ in range(rounds):
        alone.append(evening.round(jobs))
        joins.append(evening.join())
        evening.empty()
        both += [evening.round(2 * jobs), evening.round(2 * jobs)]
        evening.leave()
        evening.empty()
        alone.append(evening.round(jobs))
    ratio = statistics.median(both) / statistics.median(alone)
    rows = {"one_pc": alone, "two_pcs": both, "join_seconds": joins}
    return {**{name: [round(value, 1) for value in row] for name, row in rows.items()}, "ratio": round(ratio, 2)}


def loss(evening: Evening, lose: Callable[[], Any], usual: str) -> dict[str, Any]:
    """What one picture that the other PC draws costs, when that PC is lost so."""
    key = evening.on_the_node(evening.home_machine)
    before = evening.row(key)
    lost_at = time.monotonic()
    lose()
    until(lambda: ended(evening.row(key), before), "the end of the attempt")
    over = time.monotonic() - lost_at
    is_same = evening.done(key) == usual
    row = evening.row(key)
    return {
        "until_the_attempt_was_over_seconds": round(over, 1),
        "until_the_picture_seconds": round(time.monotonic() - lost_at, 1),
        "kept_step": row["kept_step"], "attempts": row["attempt"], "crashes": row["crashes"], "same_bytes": is_same,
    }  # fmt: skip


def ended(row: sqlite3.Row, before: sqlite3.Row) -> bool:
    """Whether that attempt is over: the picture waits, or another attempt is at it."""
    return bool(row["state"] != "running" or row["attempt"] > before["attempt"])


def leaving(evening: Evening, usual: str) -> dict[str, Any]:
    """The other PC says good-bye in mid-picture; then its cable is pulled in mid-picture, and put back."""
    found = {}
    for name, lose in (("leave", evening.leave), ("cable_pulled", lambda: evening.node.link("down"))):
        evening.join()
        evening.empty()
        found[name] = loss(evening, lose, usual)
        print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
        evening.empty()
    evening.node.link("up")
    assert evening.member is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        evening.member.wait(SETTLE_SECONDS)
    found["cable_pulled"]["node_ended_with"] = evening.member.poll()
    return found


def power_cut(evening: Evening, usual: str) -> dict[str, Any]:
    """The other PC is switched off in mid-picture."""
    assert evening.member is not None
    if evening.member.poll() is not None:
        evening.join()
    evening.empty()
    return loss(evening, evening.node.switch_off, usual)


def main() -> int:
    """Play it, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=6, help="pictures of each round")
    parser.add_argument("--rounds", type=int, default=2, help="one-two-two-one, so often; 0 = only what a loss costs")
    parser.add_argument("--keep", metavar="FOLDER", help="where the homes and the logs stay")
    given = parser.parse_args()
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        raise SystemExit("namespaces need root on Linux")
    with tempfile.TemporaryDirectory() as room, two_pcs(Path(given.keep or room)) as (head, node):
        evening = Evening(head, node)
        print(json.dumps(play(evening, given.jobs, given.rounds), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
