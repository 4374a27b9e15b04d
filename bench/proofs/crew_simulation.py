"""A crew of any size as a simulation: what binds first, and where. Needs simpy.

    python -m bench.proofs.crew_simulation          prints the table of docs/scale.md and draws docs/pictures/scale.svg

Three things are shared by all workers, each a resource with a service time: the network of the head, its disk, and the
one writer of the database. A worker takes a picture, draws, sends a checkpoint every few seconds, and hands the picture
in; what it waits for, it waits for. The line is never empty: this is how much can be drawn, not how long one waits.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import simpy

Steps = Generator[Any, Any, None]
MEASURED = Path("docs/scale-measured.json")
CHART = Path("docs/pictures/scale.svg")
WRITES_PER_SECOND = 626.0
"""Durable submissions that the one writer took (group commit, TRUNCATE), as measured for the serving issue."""
LINK_BYTES_PER_SECOND = 117e6
"""A gigabit wire."""
FILES_PER_CHECKPOINT = FILES_PER_PICTURE = 1
"""Written for good, with a sync: see generator.crew.parcels.DURABLE."""
WRITES_PER_JOB = 4
"""Submitted, claimed, begun, done: each a commit. A checkpoint is one more."""
FULL_SIZE = {"checkpoint_bytes": 2_572_608.0, "preview_bytes": 20_000.0, "end_bytes": 3_900_000.0}
"""Files of one run: dreamrig generate --model imagenet-f16-1024 --random-weights --size 400 --checkpoint-every 1."""
COUNTS = (1, 2, 10, 100, 300, 1000)
JITTER = 0.1
"""Pictures of one kind differ by so much in what they take."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of picture, and what it sends."""

    name: str
    job_seconds: float
    keep_seconds: float = 5.0
    checkpoint_bytes: float = 110 * 1024
    preview_bytes: float = 4_000
    previews_per_second: float = 2.0
    end_bytes: float = 400_000


@dataclass(frozen=True, kw_only=True)
class HeadPc:
    """What the head can take."""

    writes_per_second: float = WRITES_PER_SECOND
    durable_files_per_second: float = 100.0
    link_bytes_per_second: float = LINK_BYTES_PER_SECOND


@dataclass(frozen=True, kw_only=True)
class SimulatedEvening:
    """What came of a simulated hour."""

    workers: int
    jobs_per_hour: float
    writer_busy: float
    """Share of the time, 0 to 1."""
    disk_busy: float
    link_busy: float
    checkpoint_mib_per_second: float
    efficiency: float
    """Against as many workers that wait for nothing."""


class Shared:
    """A resource with a service time, which remembers how long it was busy."""

    def __init__(self, world: simpy.Environment) -> None:
        self.world, self.one = world, simpy.Resource(world)
        self.busy_seconds = 0.0

    def use(self, seconds: float) -> Steps:
        """Wait for it, then hold it that long."""
        with self.one.request() as asked:
            yield asked
            yield self.world.timeout(seconds)
            self.busy_seconds += seconds


class CrewAtWork:
    """Workers of one kind of picture over one head."""

    def __init__(self, kind: Kind, head: HeadPc, seed: int) -> None:
        self.kind, self.head, self.random = kind, head, random.Random(seed)
        self.world = simpy.Environment()
        self.writer, self.disk, self.link = Shared(self.world), Shared(self.world), Shared(self.world)
        self.jobs = self.checkpoints = 0

    def write(self, rows: int) -> Steps:
        """Commits of the one writer."""
        yield from self.writer.use(rows / self.head.writes_per_second)

    def send(self, sent_bytes: float, files: int) -> Steps:
        """Bytes over the wire, then files on the disk."""
        yield from self.link.use(sent_bytes / self.head.link_bytes_per_second)
        yield from self.disk.use(files / self.head.durable_files_per_second)

    def worker(self) -> Steps:
        """One picture after the other."""
        yield self.world.timeout(self.random.random() * self.kind.job_seconds)  # they do not start in step
        while True:
            yield from self.write(WRITES_PER_JOB - 1)
            left = self.kind.job_seconds * self.random.uniform(1 - JITTER, 1 + JITTER)
            while left > 0:
                slice_seconds = min(self.kind.keep_seconds, left)
                yield self.world.timeout(slice_seconds)
                left -= slice_seconds
                if left > 0:
                    yield from self.keep(slice_seconds)
            yield from self.send(self.kind.end_bytes, FILES_PER_PICTURE)
            yield from self.write(1)
            self.jobs += 1

    def keep(self, seconds: float) -> Steps:
        """A checkpoint, and the previews since the last one. The worker does not wait until they have arrived."""
        previews = self.kind.preview_bytes * self.kind.previews_per_second * seconds
        self.checkpoints += 1
        self.world.process(self.deliver(self.kind.checkpoint_bytes + previews))
        yield self.world.timeout(0)  # it is a step of the worker all the same

    def deliver(self, sent_bytes: float) -> Steps:
        """What the head does with it."""
        yield from self.send(sent_bytes, FILES_PER_CHECKPOINT)
        yield from self.write(1)


def simulate(workers: int, kind: Kind, head: HeadPc, seconds: float = 3600.0, seed: int = 7) -> SimulatedEvening:
    """An hour of so many workers, after a quarter of it to come into its stride."""
    crew = CrewAtWork(kind, head, seed)
    for _ in range(workers):
        crew.world.process(crew.worker())
    crew.world.run(until=seconds / 4)
    before = (crew.jobs, crew.checkpoints, crew.writer.busy_seconds, crew.disk.busy_seconds, crew.link.busy_seconds)
    crew.world.run(until=1.25 * seconds)
    after = (crew.jobs, crew.checkpoints, crew.writer.busy_seconds, crew.disk.busy_seconds, crew.link.busy_seconds)
    jobs, checkpoints, writer, disk, link = (new - old for new, old in zip(after, before, strict=True))
    ideal = workers * seconds / kind.job_seconds
    return SimulatedEvening(
        workers=workers,
        jobs_per_hour=jobs * 3600 / seconds,
        writer_busy=writer / seconds,
        disk_busy=disk / seconds,
        link_busy=link / seconds,
        checkpoint_mib_per_second=checkpoints * kind.checkpoint_bytes / seconds / 2**20,
        efficiency=jobs / ideal,
    )


def binds_at(kind: Kind, head: HeadPc) -> dict[str, float]:
    """How many workers fill each shared thing, by arithmetic: its rate over what a worker asks of it in a second."""
    keeps = 1 / kind.keep_seconds
    jobs = 1 / kind.job_seconds
    sent = kind.checkpoint_bytes * keeps + kind.preview_bytes * kind.previews_per_second + kind.end_bytes * jobs
    return {
        "writer": head.writes_per_second / (WRITES_PER_JOB * jobs + keeps),
        "disk": head.durable_files_per_second / (FILES_PER_CHECKPOINT * keeps + FILES_PER_PICTURE * jobs),
        "link": head.link_bytes_per_second / sent,
    }


def kinds(traffic: dict[str, float]) -> list[Kind]:
    """Three presets of the starter, and the full-size networks."""
    own = {name: traffic[name] for name in ("checkpoint_bytes", "preview_bytes", "end_bytes")}
    return [
        Kind(name="quick, 4 s", job_seconds=4.0, **own),
        Kind(name="good, 40 s", job_seconds=40.0, **own),
        Kind(name="slow, 6 min", job_seconds=360.0, **own),
        Kind(name="full size, 6 min", job_seconds=360.0, **FULL_SIZE),
    ]


def two_workers(measured: dict[str, Any]) -> tuple[float, float]:
    """Jobs an hour of two workers: simulated from what one was measured to take, and as measured."""
    one = measured["summary"]["jobs_per_hour_1"]
    head = HeadPc(durable_files_per_second=measured["durable_writes_per_second"])
    kind = replace(kinds(measured["traffic"])[0], name="as measured", job_seconds=3600 / one)
    return simulate(2, kind, head).jobs_per_hour, measured["summary"]["jobs_per_hour_2"]


def table(measured: dict[str, Any]) -> list[tuple[Kind, dict[str, float], list[SimulatedEvening]]]:
    """Per kind: where each shared thing binds, and what 1 to 1,000 workers draw."""
    head = HeadPc(durable_files_per_second=measured["durable_writes_per_second"])
    return [
        (
            kind,
            binds_at(kind, head),
            [simulate(count, kind, head, stretch(kind, count)) for count in COUNTS],
        )
        for kind in kinds(measured["traffic"])
    ]


def stretch(kind: Kind, workers: int) -> float:
    """Seconds worth simulating: several pictures a worker, hundreds of few workers."""
    return max(60.0, 4 * kind.job_seconds) * (40 if workers <= 10 else 1)


def chart(rows: Sequence[tuple[Kind, dict[str, float], list[SimulatedEvening]]]) -> str:
    """Share of the ideal over the number of workers, as an SVG that needs no page around it."""
    width, height, left, right, top, bottom = 720, 340, 60, 190, 24, 44
    across = (width - left - right) / 3
    down = height - top - bottom
    colours = ("#0072b2", "#d55e00", "#009e73", "#7a4fa3")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<title>Jobs an hour against workers that wait for nothing</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for share in (0, 25, 50, 75, 100):
        y = top + down * (1 - share / 100)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end" fill="#444444">{share} %</text>')
    for power, text in enumerate(("1", "10", "100", "1,000")):
        x = left + across * power
        parts.append(f'<text x="{x}" y="{height - 22}" text-anchor="middle" fill="#444444">{text}</text>')
    parts.append(f'<text x="{left + 1.5 * across}" y="{height - 5}" text-anchor="middle" fill="#444444">workers</text>')
    ends = spread([top + down * (1 - min(1.0, outcomes[-1].efficiency)) for _, _, outcomes in rows], 18.0)
    for (kind, _, outcomes), colour, label in zip(rows, colours[: len(rows)], ends, strict=True):
        places = [
            (left + across * math.log10(one.workers), top + down * (1 - min(1.0, one.efficiency))) for one in outcomes
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
        parts.append(f'<text x="{width - right + 12}" y="{label + 4:.1f}" fill="{colour}">{kind.name}</text>')
    return "".join(parts).replace("<text ", '<text font-size="13" ') + "</svg>\n"


def spread(places: Sequence[float], apart: float) -> list[float]:
    """The same places, moved apart so that no label covers another."""
    moved = list(places)
    last = -apart
    for index in sorted(range(len(moved)), key=lambda index: places[index]):
        moved[index] = last = max(places[index], last + apart)
    return moved


def main() -> int:
    """Print the table, draw the chart."""
    measured = json.loads(MEASURED.read_text())
    expected, found = two_workers(measured)
    print(f"two workers: simulated {expected:.1f} jobs an hour, measured {found:.1f} ({expected / found - 1:+.1%})\n")
    rows = table(measured)
    print(
        "| kind | 1 | 2 | 10 | 100 | 300 | 1,000 | writer full at | disk full at | wire full at | checkpoints of 100 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for kind, full, outcomes in rows:
        cells = [f"{one.jobs_per_hour:,.0f}" for one in outcomes]
        cells += [f"{full[name]:,.0f}" for name in ("writer", "disk", "link")]
        cells.append(f"{outcomes[3].checkpoint_mib_per_second:.1f} MiB/s")
        print(f"| {kind.name} | {' | '.join(cells)} |")
    CHART.write_text(chart(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
