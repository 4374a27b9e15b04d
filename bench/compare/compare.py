"""Two results side by side: how many times as fast, how certain, or why they cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure.ab import ONE_START, PROGRAM_CHANCE, ratio_words
from bench.result.result import BenchResult
from bench.result.trust import why_impossible
from dreamrig.plain import to_plain
from generator import stats
from generator.stats import RUN_TO_RUN, Interval, with_chance

ONE_SESSION = f"single sessions, for which {RUN_TO_RUN:.0%} of chance is allowed: --sessions 5 tells more"
SAME_SPEED = 0.05
"""Random weights stand for real ones where a pair on the same machine agrees this well."""
WEIGHTS_HINT = "measure one of them with the other weights on the same machine: dreamrig bench run {} --random-weights"
NO_MATTER = frozenset({"created", "id", "uuid_hash"})


@dataclass(frozen=True)
class Difference:
    """A field that two results do not share."""

    field: str
    first: Any
    second: Any

    def __str__(self) -> str:
        """ "cutouts 32 vs 64"."""
        return f"{self.field} {_show(self.first)} vs {_show(self.second)}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The second result against the first."""

    first: BenchResult
    second: BenchResult
    ratio: Interval | None
    """How many times as fast the second is; None where they cannot be compared or hold too few blocks."""
    obstacle: str | None
    """Why they cannot be compared."""
    is_paired: bool = False
    """Whether they were measured in turn, so that the ratio is taken pair by pair."""
    allows_for_sessions: bool = False
    """Whether a session's own share of chance was assumed, because one of them was measured in a single session."""
    differences: tuple[Difference, ...] = ()
    """Of machine and software."""

    @property
    def is_different(self) -> bool:
        """Whether a difference of speed is shown."""
        return self.ratio is not None and not self.ratio.holds(1.0)

    @property
    def words(self) -> str:
        """The verdict in one line."""
        if self.obstacle is not None:
            return f"not comparable: {self.obstacle}"
        first, second = names(self.first, self.second)
        said = ratio_words(self.ratio, second, first)
        return f"{said}; {ONE_START if self.is_paired else ONE_SESSION}" if self.allows_for_sessions else said

    def is_regression(self, fail_below: float) -> bool:
        """Whether the second is certainly slower than `fail_below` times the first; also where nobody can say."""
        return self.obstacle is not None or self.ratio is None or self.ratio.high < fail_below


def compare(first: BenchResult, second: BenchResult, evidence: Sequence[BenchResult] = ()) -> Comparison:
    """The second result against the first.

    evidence: further results that may show that random weights are as fast as real ones on one of the machines.
    """
    obstacle = find_obstacle(first, second, evidence)
    paired = first.session is not None and first.session == second.session
    single = not (first.has_sessions and second.has_sessions)
    ratio = None
    if obstacle is None:
        ratio = _paired_ratio(first, second) if paired else _ratio(first, second)
        if single and ratio is not None:
            ratio = with_chance(ratio, PROGRAM_CHANCE if paired else RUN_TO_RUN)
    differences = tuple(machine_differences(first, second))
    return Comparison(
        first=first,
        second=second,
        ratio=ratio,
        obstacle=obstacle,
        is_paired=paired,
        allows_for_sessions=single and obstacle is None and ratio is not None,
        differences=differences,
    )


def find_obstacle(first: BenchResult, second: BenchResult, evidence: Sequence[BenchResult] = ()) -> str | None:
    """Why two results must not be set against each other; None where they may."""
    for result in (first, second):
        if (why := why_impossible(result)) is not None:
            return f"{result.device.name} is impossible: {why}"
    if first.workload.hash != second.workload.hash:
        found = list(work_differences(first, second))
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return f"the work differs ({', '.join(map(str, found[:3]))}{more})" if found else "the work differs"
    if first.workload.weights.random != second.workload.weights.random:
        work = f"{first.workload.name}@{first.workload.profile}"
        if shows_same_speed(first.workload.hash, [first, second, *evidence]):
            return None
        return f"random weights vs real ones, and nothing shows that they are as fast; {WEIGHTS_HINT.format(work)}"
    return None


def work_differences(first: BenchResult, second: BenchResult) -> Iterator[Difference]:
    """What tells two workloads apart, the name last."""
    one, other = first.workload, second.workload
    yield from _differences("", one.params, other.params)
    for name in ("profile", "batch", "step_files", "version", "name"):
        if getattr(one, name) != getattr(other, name):
            yield Difference(name, getattr(one, name), getattr(other, name))


def shows_same_speed(workload_hash: str, results: Sequence[BenchResult]) -> bool:
    """Whether somewhere among the results one machine ran the work with random and with real weights alike."""
    fitting = [result for result in results if result.workload.hash == workload_hash]
    fitting = [result for result in fitting if why_impossible(result) is None]
    random = [result for result in fitting if result.workload.weights.random]
    real = [result for result in fitting if not result.workload.weights.random]
    return any(_same_machine(one, other) and _same_speed(one, other) for one in random for other in real)


def _same_machine(one: BenchResult, other: BenchResult) -> bool:
    return (one.device, one.host, one.software.torch) == (other.device, other.host, other.software.torch)


def _same_speed(one: BenchResult, other: BenchResult) -> bool:
    ratio = _ratio(one, other)
    return ratio is not None and ratio.low >= 1 - SAME_SPEED and ratio.high <= 1 + SAME_SPEED


def _paired_ratio(first: BenchResult, second: BenchResult) -> Interval | None:
    """The same, measured in turn."""
    number, are_sessions = min(len(first.samples), len(second.samples)), first.has_sessions and second.has_sessions
    slow, fast = first.samples[:number], second.samples[:number]
    return stats.paired_ratio_interval(slow, fast, are_sessions=are_sessions)


def _ratio(first: BenchResult, second: BenchResult) -> Interval | None:
    """How many times as fast the second is, measured apart."""
    are_sessions = (first.has_sessions, second.has_sessions)
    return stats.ratio_interval(first.samples, second.samples, are_sessions=are_sessions)


def machine_differences(first: BenchResult, second: BenchResult) -> Iterator[Difference]:
    """Every fact about machine, software and tool that is known of both and not equal."""
    if first.place != second.place:
        yield Difference("place", first.place, second.place)
    if first.effort != second.effort:  # a card gets slower as it gets warm
        yield Difference("effort", first.effort, second.effort)
    for part in ("device", "host", "software", "tool"):
        yield from _differences(f"{part}.", to_plain(getattr(first, part)), to_plain(getattr(second, part)))


def _differences(prefix: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*one, *other} - NO_MATTER):
        before, after = one.get(name), other.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _differences(f"{prefix}{name}.", before, after)
        elif before != after and (prefix == "" or (before is not None and after is not None)):
            yield Difference(f"{prefix}{name}", before, after)


def names(first: BenchResult, second: BenchResult) -> tuple[str, str]:
    """What to call two results so that they are told apart."""
    if first.device.name != second.device.name:
        return first.device.name, second.device.name
    if first.label != second.label:
        return first.label, second.label
    return "the first", "the second"


def _show(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
