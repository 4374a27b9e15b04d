"""Results of many people, counted by machine: ten files of one card are one voice, and an impossible one is none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.result.result import EFFORTS, BenchResult, Effort
from bench.result.verdict import FEW, Summary, summarise, why_refused
from generator import stats

RANDOM = "random weights"
HARMLESS = frozenset({"power-limited", FEW, RANDOM})
"""Words that explain a pace and cast no doubt on it."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One machine on one workload, from everything it measured."""

    results: tuple[BenchResult, ...]
    """Those that count: of its longest effort the clean ones, all where none is clean."""
    steps_per_second: float
    """Median over them."""
    reach: tuple[float, float]
    """it/s of the slowest and of the fastest of them."""
    words: tuple[str, ...]
    """Of the verdicts of those that count, and whether some ran with random weights."""

    @property
    def effort(self) -> Effort:
        """How long it measured; a card gets slower as it gets warm, so that only equals stand together."""
        return self.results[0].effort

    @property
    def is_clean(self) -> bool:
        """Whether nothing casts doubt on its pace."""
        return not set(self.words) - HARMLESS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of device on one workload."""

    workload: str
    profile: str
    hash: str
    device: str
    effort: Effort
    voices: tuple[Voice, ...]
    """The slowest first."""

    @property
    def counted(self) -> tuple[Voice, ...]:
        """The voices that make the median: the clean ones, all where none is clean."""
        return tuple(voice for voice in self.voices if voice.is_clean) or self.voices

    @property
    def median(self) -> float:
        """it/s in the middle of the machines that count."""
        return stats.median([voice.steps_per_second for voice in self.counted])

    @property
    def reach(self) -> tuple[float, float]:
        """Of the slowest and of the fastest result of the machines that count."""
        lows, highs = zip(*(voice.reach for voice in self.counted), strict=True)
        return min(lows), max(highs)

    @property
    def words(self) -> dict[str, int]:
        """Verdict -> how many of all machines carry it."""
        return dict(Counter(word for voice in self.voices for word in voice.words))

    @property
    def known(self) -> tuple[float, float]:
        """What is known of the median, it/s: from machine to machine; of a single one what its own intervals leave."""
        if len(self.counted) > 1:
            return self.reach
        intervals = [summarise(result).interval for voice in self.counted for result in voice.results]
        ends = [1 / end for interval in intervals if interval for end in (interval.low, interval.high)]
        return min((*ends, self.median)), max((*ends, self.median))


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a pile of results amounts to."""

    rows: tuple[Row, ...]
    """By workload, then the fastest first."""
    duplicates: int
    impossible: tuple[str, ...]
    """A sentence for each result that cannot be what it says, or whose work nobody knows."""


def merge_results(results: Iterable[BenchResult]) -> Merged:
    """Group by workload, device, effort and machine. Two results with one id count once: the first.

    A machine that measured with more than one effort speaks with its longest.
    """
    unique: dict[str, BenchResult] = {}
    count = 0
    for result in results:
        count += 1
        unique.setdefault(result.id, result)
    groups: dict[tuple[str, str], list[BenchResult]] = defaultdict(list)
    impossible = []
    for result in unique.values():
        refused = why_refused(summarise(result))
        if refused is not None:
            impossible.append(f"{result.id[:8]} on {result.device.name}: {refused.word}: {refused.why}")
        else:
            groups[result.workload.hash, result.device.name].append(result)
    found = [row for group in groups.values() for row in _rows(group)]
    rows = sorted(found, key=lambda row: (row.workload, row.hash, -row.median))
    return Merged(rows=tuple(rows), duplicates=count - len(unique), impossible=tuple(impossible))


def machine_of(result: BenchResult) -> tuple[object, ...]:
    """What tells one machine, as it was set up, from another: the card, its power limit, the threads."""
    device, host = result.device, result.host
    who = (device.uuid_hash,) if device.uuid_hash else (host.cpu, host.cpu_threads, host.memory_mib, result.place)
    threads = result.software.threads if device.kind == "cpu" else None
    return (device.name, *who, device.power_limit_watts, threads)


def _rows(group: Sequence[BenchResult]) -> list[Row]:
    """One for each effort, of results of one work on one kind of device."""
    by_machine: dict[tuple[object, ...], list[BenchResult]] = defaultdict(list)
    for result in group:
        by_machine[machine_of(result)].append(result)
    voices = sorted(map(_voice, by_machine.values()), key=lambda voice: voice.steps_per_second)
    used = group[0].workload
    return [
        Row(
            workload=used.name,
            profile=used.profile,
            hash=used.hash,
            device=group[0].device.name,
            effort=effort,
            voices=tuple(voice for voice in voices if voice.effort == effort),
        )
        for effort in dict.fromkeys(voice.effort for voice in voices)
    ]


def _voice(results: Sequence[BenchResult]) -> Voice:
    longest = max((result.effort for result in results), key=EFFORTS.index)
    known = [(result, summarise(result)) for result in results if result.effort == longest]
    counted = [pair for pair in known if not doubts(pair[1])] or known
    words = dict.fromkeys(verdict.word for _, summary in counted for verdict in summary.verdicts)
    if any(result.workload.weights.random for result, _ in counted):
        words[RANDOM] = None
    paces = [summary.steps_per_second for _, summary in counted]
    return Voice(
        results=tuple(result for result, _ in counted),
        steps_per_second=stats.median(paces),
        reach=(min(paces), max(paces)),
        words=tuple(words),
    )


def doubts(summary: Summary) -> tuple[str, ...]:
    """Words of the verdicts that cast doubt on a pace."""
    return tuple(verdict.word for verdict in summary.verdicts if verdict.word not in HARMLESS)
