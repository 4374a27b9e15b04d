"""The small print of a report as text: a group's table, where a result was measured, what the gauges told."""

from __future__ import annotations

from dataclasses import dataclass

from bench.compare.cost import cost_words
from bench.report.page import Group, ReportEntry
from bench.result import figures
from bench.result.result import BenchResult
from bench.result.verdict import known
from dreamrig.words import duration, memory, percent, plural, short
from generator import stats

TELEMETRY = (
    ("sm_clock_mhz", "GPU clock", "MHz"),
    ("cpu_clock_mhz", "processor clock", "MHz"),
    ("power_watts", "power", "W"),
    ("temperature_celsius", "temperature", "°C"),
    ("other_cpu_share", "used by other programs", ""),
)


@dataclass(frozen=True)
class Series:
    """One column of telemetry, without its gaps."""

    label: str
    unit: str
    seconds: tuple[float, ...]
    values: tuple[float, ...]


def telemetry_series(result: BenchResult) -> list[Series]:
    """What can be drawn over time, from what the device told."""
    telemetry = result.telemetry
    if telemetry is None:
        return []
    found = []
    for field, label, unit in TELEMETRY:
        if len(known(telemetry, field)) < 2:
            continue
        pairs = [
            (at, value)
            for at, value in zip(telemetry.seconds, telemetry.samples[field], strict=True)
            if value is not None
        ]
        seconds, values = zip(*pairs, strict=True)
        found.append(Series(label, unit, seconds, values))
    return found


def table_rows(group: Group) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a group's table, as text."""
    heads = [
        "device", "it/s", "95 % interval", "against the first named", "a picture", "spread", "of this device",
        "peak memory", "energy a picture", "cost a picture", "loading", "first step", "remarks",
    ]  # fmt: skip
    return heads, [_row(entry) for entry in group.entries]


def _row(entry: ReportEntry) -> list[str]:
    result, summary = entry.result, entry.summary
    picture = duration(summary.picture_seconds) + ("" if summary.picture_is_measured else " (computed)")
    share = entry.standing.share if entry.standing else None
    timing = result.timing
    return [
        f"{entry.name} ({result.place})",
        figures.known_rate(summary.steps_per_second, summary.interval),
        figures.pace_range(summary.interval) or "too few blocks",
        ratio_words(entry.ratio),
        picture,
        "" if summary.spread is None else percent(summary.spread),
        "" if share is None else percent(share),
        _memory(result),
        "" if summary.joules_per_picture is None else f"{short(summary.joules_per_picture / 1000)} kJ",
        "" if entry.cost is None else cost_words(entry.cost),
        "" if timing.load_seconds is None else duration(timing.load_seconds),
        "" if timing.first_step_seconds is None else duration(timing.first_step_seconds),
        ", ".join(verdict.word for verdict in summary.verdicts) or "clean",
    ]


def ratio_words(ratio: stats.Interval | None) -> str:
    """ "0.32x (0.31-0.33)"; "no difference shown" where 1 lies inside; "" for the first."""
    if ratio is None:
        return ""
    if ratio.holds(1.0):
        return "no difference shown"
    return f"{short(ratio.median)}x ({short(ratio.low)}-{short(ratio.high)})"


def _memory(result: BenchResult) -> str:
    peak = result.memory.peak_allocated_mib or result.memory.peak_process_mib
    return "" if peak is None else memory(peak)


def environment_rows(result: BenchResult) -> list[tuple[str, str]]:
    """Where and with what a result was measured, as label and text; unknown things are left out."""
    device, host, software, tool = result.device, result.host, result.software, result.tool
    rows: list[tuple[str, object]] = [
        ("device", device.name),
        ("device memory", device.memory_mib and memory(device.memory_mib)),
        ("power limit", device.power_limit_watts and f"{device.power_limit_watts:.0f} W"),
        ("driver", device.driver),
        ("CUDA", software.cuda_runtime),
        ("cuDNN", software.cudnn),
        ("torch", software.torch),
        ("Python", software.python),
        ("threads", software.threads),
        ("system", host.os),
        ("kernel", host.kernel),
        ("processor", host.cpu and f"{host.cpu}, {host.cpu_threads} threads"),
        ("memory", host.memory_mib and memory(host.memory_mib)),
        ("place", result.place),
        ("weights", "random" if result.workload.weights.random else result.workload.weights.name),
        ("settings of torch", ", ".join(f"{name} {value}" for name, value in software.flags.items())),
        ("dreamrig", f"{tool.version} {(tool.commit or '')[:10]}{' with changes' if tool.is_dirty else ''}".strip()),
        ("blocks", f"{len(result.timing.blocks)} of {plural(result.timing.blocks[0].steps, 'step')}"),
        ("measured", result.created),
        ("result", result.id),
    ]
    return [(label, str(value)) for label, value in rows if value]
