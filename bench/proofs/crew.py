"""What several workers bring, measured: one against two on pinned cores, and what a node of a crew sends.

    python -m bench.proofs.crew --rounds 8          prints a table; --json writes docs/scale-measured.json

Both are tried in turn, one-two-two-one, so that what else the machine does falls on both. Two figures are told: jobs an
hour by the clock, which other programs spoil, and CPU seconds a job, which they spoil little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from dreamrig.paths import write_atomic
from generator.config import GenerateConfig
from generator.crew import protocol
from generator.crew.local import LocalWorker, start_worker, worker_command
from generator.crew.protocol import Done, Draw, Failed, Ready
from generator.crew.station import Station

JOB: dict[str, Any] = {
    "prompt": "sunset over the sea",
    "steps": 20,
    "width": 64,
    "height": 64,
    "cutouts": 8,
    "threads": 1,
}
DEFAULT_FILE = Path("docs/scale-measured.json")
DURABLE_BYTES = 110 * 1024
DURABLE_WRITES = 200


@dataclass(frozen=True)
class Round:
    """One try: so many workers drew so many jobs each."""

    workers: int
    jobs: int
    seconds: float
    cpu_seconds: float
    """Of the workers together."""
    load: float
    """Of the machine, over the minute before: how many wanted to run."""


class Pinned:
    """A worker on one core that draws when told."""

    def __init__(self, worker: LocalWorker, folder: Path) -> None:
        self.worker, self.folder = worker, folder
        self.tellings = worker.tellings()
        self.jobs = 0

    async def until(self, *kinds: type) -> Any:
        """The next telling of one of these kinds."""
        async for telling in self.tellings:
            if isinstance(telling, Failed):
                raise RuntimeError(telling.message)
            if isinstance(telling, kinds):
                return telling
        raise RuntimeError("the worker is gone")

    async def draw(self, jobs: int) -> None:
        """So many pictures, one after the other."""
        for _ in range(jobs):
            self.jobs += 1
            config = GenerateConfig(**{**JOB, "seed": self.jobs}).to_dict()
            await self.worker.send(Draw(self.jobs, 1, config, str(self.folder / str(self.jobs))))
            await self.until(Done)

    def cpu_seconds(self) -> float:
        """Of its process so far."""
        times = psutil.Process(self.worker.process.pid).cpu_times()
        return float(times.user + times.system)


async def start_pinned(core: int, folder: Path) -> Pinned:
    """A worker of the starter on one core, ready."""
    command = ["taskset", "-c", str(core), *worker_command({"threads": 1}, 5.0)]
    pinned = Pinned(await start_worker(command, folder / f"worker-{core}.log"), folder / f"jobs-{core}")
    await pinned.until(Ready)
    return pinned


async def measure(rounds: int, jobs: int, folder: Path) -> list[Round]:
    """One worker, two, two, one, …: as many rounds of each."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    crew = [await start_pinned(core, folder) for core in cores]
    found = []
    try:
        for one in crew:
            await one.draw(1)  # the first picture of a process pays for what stays
        for number in range(2 * rounds):
            count = 1 if number % 4 in (0, 3) else 2
            found.append(await _round(crew[:count] if number % 8 < 4 else crew[::-1][:count], jobs))
    finally:
        for one in crew:
            one.worker.kill()
            await one.worker.wait()
    return found


async def _round(crew: Sequence[Pinned], jobs: int) -> Round:
    cpu, began = sum(one.cpu_seconds() for one in crew), time.perf_counter()
    await asyncio.gather(*(one.draw(jobs) for one in crew))
    seconds = time.perf_counter() - began
    spent = sum(one.cpu_seconds() for one in crew) - cpu
    return Round(len(crew), jobs * len(crew), round(seconds, 3), round(spent, 3), round(os.getloadavg()[0], 1))


def summary(rounds: Sequence[Round]) -> dict[str, float]:
    """Medians: jobs an hour and CPU seconds a job of one worker and of two, and their ratios."""
    per_hour, per_job = {}, {}
    for workers in (1, 2):
        mine = [one for one in rounds if one.workers == workers]
        per_hour[workers] = statistics.median(3600 * one.jobs / one.seconds for one in mine)
        per_job[workers] = statistics.median(one.cpu_seconds / one.jobs for one in mine)
    return {
        "jobs_per_hour_1": round(per_hour[1], 1),
        "jobs_per_hour_2": round(per_hour[2], 1),
        "ratio": round(per_hour[2] / per_hour[1], 3),
        "cpu_seconds_per_job_1": round(per_job[1], 3),
        "cpu_seconds_per_job_2": round(per_job[2], 3),
        "ratio_by_cpu": round(2 * per_job[1] / per_job[2], 3),
        "least_load": min(one.load for one in rounds),
        "most_load": max(one.load for one in rounds),
    }


def traffic(keep_seconds: float, **changes: Any) -> dict[str, float]:
    """What a node sends for one picture: bytes of checkpoints, previews, the end, and the lines."""
    station = Station({"threads": 1}, keep_seconds)
    threading.Thread(target=lambda: list(station.life()), daemon=True).start()
    config = GenerateConfig(**{**JOB, "steps": 6, "checkpoint_every": 2, "seed": 1, **changes}).to_dict()
    sent: dict[str, int] = {}
    counts: dict[str, int] = {}
    for item in station.draw(protocol.encode(Draw(1, 1, config, "/none")), [], {}):
        name = item[0] if isinstance(item, tuple) else "lines"
        sent[name] = sent.get(name, 0) + len(item[1] if isinstance(item, tuple) else item)
        counts[name] = counts.get(name, 0) + 1
    station.leave()
    last = sum(sent.get(name, 0) for name in ("picture.png", "picture-large.png", "thumb-256.jpg", "thumb-512.jpg"))
    return {
        "checkpoint_bytes": round(sent["checkpoint.safetensors"] / counts["checkpoint.safetensors"]),
        "preview_bytes": round(sent.get("live.jpg", 0) / max(1, counts.get("live.jpg", 0))),
        "end_bytes": last,
        "line_bytes": round(sent["lines"] / counts["lines"]),
    }


def durable_writes_per_second(folder: Path) -> float:
    """How many checkpoints of the starter's size this disk takes for good, from as many threads as a driver has."""
    data, began = os.urandom(DURABLE_BYTES), time.perf_counter()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: write_atomic(folder / f"{number}", data), range(DURABLE_WRITES)))
    return round(DURABLE_WRITES / (time.perf_counter() - began), 1)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write down where asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.proofs.crew")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help=f"write {DEFAULT_FILE}")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rounds = asyncio.run(measure(asked.rounds, asked.jobs, folder))
        print(json.dumps(summary(rounds), indent=2), flush=True)
        facts = {
            "command": f"python -m bench.proofs.crew --rounds {asked.rounds} --jobs {asked.jobs} --json",
            "summary": summary(rounds),
            "traffic": traffic(0.0, width=128, height=128),
            "durable_writes_per_second": durable_writes_per_second(folder),
            "rounds": [asdict(one) for one in rounds],
        }
    print(json.dumps({name: facts[name] for name in ("traffic", "durable_writes_per_second")}, indent=2))
    if asked.json:
        DEFAULT_FILE.write_text(json.dumps(facts, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
