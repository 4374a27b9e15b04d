"""Two things measured in turn, block by block, and the ratio pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.result.figures import known_rate
from dreamrig import words
from generator import stats
from generator.stats import Interval, with_chance

PROGRAM_CHANCE = 0.01
"""Standard deviation between starts of one program beside another that is assumed where each was started once: what
slows both alike is gone from their pairs, where memory lies is not."""
ONE_START = f"single sessions in turn, for which {PROGRAM_CHANCE:.0%} of chance each is allowed: several tell more"


@dataclass(frozen=True)
class Race:
    """Seconds per step of two runners, block by block; the n-th of both were measured right after each other."""

    first_name: str
    second_name: str
    first: tuple[float, ...]
    second: tuple[float, ...]
    are_sessions: bool = False
    """Whether each of them is the median of a fresh process."""

    @property
    def ratios(self) -> list[float]:
        """How many times as fast the first was, pair by pair."""
        return [slow / fast for fast, slow in zip(self.first, self.second, strict=True)]

    @property
    def interval(self) -> Interval | None:
        """95 % interval of their median, with what a single start gets by chance; None for fewer than three pairs."""
        found = stats.paired_ratio_interval(self.second, self.first, are_sessions=self.are_sessions)
        return found if found is None or self.are_sessions else with_chance(found, PROGRAM_CHANCE)

    @property
    def verdict(self) -> str:
        """Who is faster, in words, and how far a single start can tell."""
        said = ratio_words(self.interval, self.first_name, self.second_name)
        return said if self.are_sessions else f"{said}; {ONE_START}"


def make_race(
    names: tuple[str, str], first: Sequence[float], second: Sequence[float], *, are_sessions: bool = False
) -> Race:
    """A race over the pairs that both have. are_sessions: whether these are medians of fresh processes."""
    number = min(len(first), len(second))
    return Race(*names, tuple(first[:number]), tuple(second[:number]), are_sessions)


def ratio_words(interval: Interval | None, first: str, second: str) -> str:
    """ "A is 3.1x (3.0 to 3.2) as fast as B", "no difference shown (0.99 to 1.02)", "too few to tell"."""
    if interval is None:
        return "too few blocks to tell"
    return words.ratio(interval.low, interval.median, interval.high, first, second)


def race_lines(race: Race) -> list[str]:
    """The race in words."""
    rates = [known_rate(1 / stats.median(own), stats.median_interval(own)) for own in (race.first, race.second)]
    width = max(len(race.first_name), len(race.second_name))
    pairs = " ".join(words.times(ratio) for ratio in race.ratios[:12])
    more = f" and {len(race.ratios) - 12} more" if len(race.ratios) > 12 else ""
    return [
        f"{race.first_name:<{width}}  {rates[0]} it/s",
        f"{race.second_name:<{width}}  {rates[1]} it/s",
        f"{race.verdict}; over {len(race.ratios)} pairs in turn",
        f"pair by pair: {pairs}{more}",
    ]


def race_data(race: Race) -> dict[str, Any]:
    """The race in JSON's own types."""
    return {
        "first": race.first_name,
        "second": race.second_name,
        "first_step_seconds": race.first,
        "second_step_seconds": race.second,
        "ratios": race.ratios,
        "interval": None if race.interval is None else vars(race.interval),
        "verdict": race.verdict,
    }
