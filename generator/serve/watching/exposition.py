"""The numbers of a server in the text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dreamrig import __version__
from dreamrig.paths import free_mib
from dreamrig.words import MIB
from generator.serve.line.live import Mode, WorkerState
from generator.serve.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MODES: tuple[Mode, ...] = ("drawing", "draining", "gaming", "paused")
WORKER_STATES: tuple[WorkerState, ...] = ("starting", "ready", "drawing", "unloaded", "crowded", "gone")


@dataclass(frozen=True)
class Metric:
    """One name with its values. samples: labels -> value."""

    name: str
    says: str
    samples: Sequence[tuple[Mapping[str, str], float]]
    kind: str = "gauge"


async def measure(service: Service) -> list[Metric]:
    """Everything that can be counted now; what is not known is left out."""
    hub, line, rate = service.hub, await service.line(), await service.hit_rate()
    ended = await service.read(
        lambda db: db.execute(
            "SELECT state, count(*) FROM job WHERE state IN ('done','failed','cancelled') GROUP BY state"
        ).fetchall()
    )
    sums = await service.read(
        lambda db: db.execute(
            "SELECT coalesce(sum(work_seconds), 0), coalesce(sum(bytes), 0), coalesce(sum(crashes), 0) FROM job"
        ).fetchone()
    )
    found = [
        _one("dreamrig_info", "The version.", 1, version=__version__),
        _states("dreamrig_mode", "What the machine is to do.", hub.mode, MODES),
        _states("dreamrig_worker", "What the worker does.", hub.worker, WORKER_STATES),
        Metric("dreamrig_jobs", "Pictures in the line.", _by_state(line.counts)),
        Metric("dreamrig_jobs_ended_total", "Pictures that have ended.", _by_state(dict(ended)), "counter"),
        Metric("dreamrig_work_seconds_total", "Drawing, without waiting.", [({}, sums[0])], "counter"),
        Metric("dreamrig_worker_crashes_total", "Deaths of a worker in mid-picture.", [({}, sums[2])], "counter"),
        _one("dreamrig_pictures_bytes", "Of all pictures there are.", sums[1]),
        _one("dreamrig_streams", "Pages that listen.", hub.streams),
    ]
    perhaps = (
        ("dreamrig_ranges_held_ratio", "Share of the promised times that held.", rate, 1),
        ("dreamrig_disk_free_bytes", "Where the pictures lie.", free_mib(service.home.root), MIB),
        ("dreamrig_device_free_bytes", "As the worker saw it last.", hub.free_mib, MIB),
    )
    return [*found, *(_one(name, says, value * unit) for name, says, value, unit in perhaps if value is not None)]


def _by_state(counts: Mapping[str, int]) -> list[tuple[Mapping[str, str], float]]:
    return [({"state": state}, count) for state, count in counts.items()]


def _one(name: str, says: str, value: float, **labels: str) -> Metric:
    return Metric(name, says, [(labels, value)])


def _states(name: str, says: str, now: str, every: Sequence[str]) -> Metric:
    return Metric(name, says, [({"state": state}, float(state == now)) for state in every])


def render(metrics: Sequence[Metric]) -> str:
    """The text: a HELP and a TYPE per name, then its samples."""
    lines = []
    for one in metrics:
        lines += [f"# HELP {one.name} {one.says}", f"# TYPE {one.name} {one.kind}"]
        lines += [f"{one.name}{_labels(labels)} {value:.10g}" for labels, value in one.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
