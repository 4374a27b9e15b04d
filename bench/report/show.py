"""A result as text: for a terminal, a pipe or a mail. What it says is derived in bench.result.verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.claims import roofline
from bench.claims.claims import claims_for, headline
from bench.result import figures
from bench.result.result import BenchResult
from bench.result.verdict import Summary, known, summarise
from dreamrig.words import duration, known_range, memory
from generator import stats
from generator.stats import Interval

KINDS: Mapping[str, str] = {"measured": "measured", "expected": "expected, not measured", "bound": "bound"}


def result_rows(result: BenchResult) -> list[tuple[str, str]]:
    """(label, text) for every line about one result, what matters most first."""
    summary, timing = summarise(result), result.timing
    rows = [
        ("workload", workload_words(result)),
        ("device", device_words(result)),
        ("pace", pace_words(summary)),
        ("picture", picture_words(summary)),
        ("of its best", standing_words(result)),
        ("blocks", blocks_words(result, summary)),
        ("apart", apart_words(result)),
        ("memory", memory_words(result)),
        ("gauges", gauge_words(result)),
        ("energy", energy_words(result, summary)),
        ("software", software_words(result)),
    ]
    rows += [(verdict.word, verdict.why) for verdict in summary.verdicts]
    if timing.warmup is None:
        rows.append(("note", "nothing is known about the warm-up"))
    return [(label, text) for label, text in rows if text]


def workload_words(result: BenchResult) -> str:
    """Name, profile, hash, and whether the weights were real."""
    used = result.workload
    kind = ", random weights" if used.weights.random else ""
    return f"{used.name} {used.profile} ({used.hash}){kind}"


def device_words(result: BenchResult) -> str:
    """Device, place, threads of a processor."""
    threads = result.software.threads if result.device.kind == "cpu" else None
    words = f"{result.device.name}, {result.place}"
    return words + (f", {threads} thread{'s' * (threads > 1)}" if threads else "")


def pace_words(summary: Summary) -> str:
    """ "23.5 it/s (95 % interval 23.3 to 23.7), 42.6 ms a step"."""
    words = figures.known_pace(summary.steps_per_second, summary.interval)
    if summary.interval is not None:
        rates = summary.interval.inverse()
        words += f" (95 % interval {known_range(rates.low, rates.high)})"
    return f"{words}, {duration(summary.step_seconds)} a step"


def picture_words(summary: Summary) -> str:
    """Seconds of a whole picture: measured, or made up of its steps."""
    how = "measured" if summary.picture_is_measured else "its steps alone, not measured"
    return f"{duration(summary.picture_seconds)} for {summary.picture_steps} steps ({how})"


def blocks_words(result: BenchResult, summary: Summary) -> str:
    """How many, how long, how equal."""
    blocks = result.timing.blocks
    words = f"{len(blocks)} of {blocks[0].steps} step{'s' * (blocks[0].steps > 1)}"
    sessions = len(result.timing.session_blocks)
    if sessions > 1:
        words += f" in {sessions} sessions" + (", whose medians make the interval" if result.has_sessions else "")
    words += _span_words(result, max(1, sessions))
    if summary.spread is not None:
        words += f", spread {summary.spread:.1%}"
    return words + (f", {summary.outliers} outlier{'s' * (summary.outliers > 1)}" if summary.outliers else "")


def _span_words(result: BenchResult, sessions: int) -> str:
    """A card gets slower as it gets warm: how long the load had lasted belongs to the pace."""
    timing = result.timing
    measured = duration(sum(block.seconds for block in timing.blocks) / sessions)
    before = timing.warmup.seconds if timing.warmup else 0.0
    return f", over {measured} after {duration(before)} of load" if before else f", over the first {measured} of load"


def standing_words(result: BenchResult) -> str:
    """How much of what the device can do; empty where the step was not counted."""
    place = roofline.standing(result)
    return "" if place is None else roofline.describe(place)


def apart_words(result: BenchResult) -> str:
    """Import, load, first step, warm-up."""
    timing = result.timing
    parts = {
        "import": timing.import_seconds,
        "load": timing.load_seconds,
        "first step": timing.first_step_seconds,
        "warm-up": timing.warmup.seconds if timing.warmup else None,
    }
    return ", ".join(f"{name} {duration(value)}" for name, value in parts.items() if value is not None)


def memory_words(result: BenchResult) -> str:
    """Peaks in MiB."""
    peaks: Mapping[str, float | None] = {
        "on the device": result.memory.peak_allocated_mib,
        "reserved there": result.memory.peak_reserved_mib,
        "of the process": result.memory.peak_process_mib,
    }
    return ", ".join(f"{memory(value)} {name}" for name, value in peaks.items() if value is not None)


def gauge_words(result: BenchResult) -> str:
    """Medians of what was sampled."""
    if result.telemetry is None:
        return "not available" + (" on WSL" if result.place == "wsl" else " here")
    shown = {
        "sm_clock_mhz": "clock {:.0f} MHz",
        "cpu_clock_mhz": "clock {:.0f} MHz",
        "power_watts": "{:.0f} W",
        "temperature_celsius": "{:.0f} °C",
        "utilisation_percent": "{:.0f} % busy",
        "other_cpu_share": "other programs {:.0%} of the processor",
    }
    values = {name: known(result.telemetry, name) for name in shown}
    return ", ".join(shown[name].format(stats.median(column)) for name, column in values.items() if column)


def energy_words(result: BenchResult, summary: Summary) -> str:
    """Joules of a picture; empty where not known."""
    if summary.joules_per_picture is None:
        return ""
    return f"{summary.joules_per_picture:,.0f} J a picture ({result.energy.source})"


def software_words(result: BenchResult) -> str:
    """What decides the speed besides the device."""
    software = result.software
    versions = {"torch": software.torch, "CUDA": software.cuda_runtime, "driver": result.device.driver}
    words = [f"{name} {version}" for name, version in versions.items() if version]
    flags = software.flags
    has_tf32 = result.device.kind == "cuda" and (flags.get("tf32_matmul") or flags.get("tf32_convolutions"))
    words += [str(flags["precision"])] if flags.get("precision") else []
    return ", ".join([*words, "TF32 allowed"] if has_tf32 else words)


def claim_lines(result: BenchResult, evidence: Sequence[BenchResult] = ()) -> list[str]:
    """The comparison with Colab's GPUs, each line with the kind of its evidence."""
    found, said = claims_for(result, evidence), headline(result, evidence)
    if not found or said is None:
        return []
    width, room = max(len(claim.name) for claim in found), max(len(claim.figure) for claim in found)
    lines = ["Against Colab; a bound is what a datasheet does not allow to be exceeded, not a measurement."]
    lines += [f"  {claim.name:<{width}}  {claim.figure:>{room}}  {KINDS[claim.kind]}{claim.reach}" for claim in found]
    return [*lines, said]


def render(rows: list[tuple[str, str]]) -> str:
    """Rows as two columns of plain text."""
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)


def to_data(result: BenchResult, evidence: Sequence[BenchResult] = ()) -> dict[str, Any]:
    """A result for `--json`: the document, and what is derived from it."""
    found = {**derived(summarise(result)), "load_seconds": result.load_seconds}
    return {"result": result.to_dict(), "derived": found, "colab": claim_data(result, evidence)}


def claim_data(result: BenchResult, evidence: Sequence[BenchResult] = ()) -> dict[str, Any]:
    """Colab's GPUs -> what is known of them: measured, expected or bound, and what it is made from."""
    return {
        claim.name: {
            "kind": claim.kind,
            "steps_per_second": claim.steps_per_second,
            "low": claim.low,
            "high": claim.high,
            "basis": claim.basis,
            "sentence": claim.sentence,
        }
        for claim in claims_for(result, evidence)
    }


def derived(summary: Summary) -> dict[str, Any]:
    """A summary in JSON's own types."""
    return {
        **vars(summary),
        "interval": None if summary.interval is None else interval_data(summary.interval),
        "verdicts": [vars(verdict) for verdict in summary.verdicts],
    }


def interval_data(interval: Interval) -> dict[str, float]:
    """An interval in JSON's own types."""
    return vars(interval)
