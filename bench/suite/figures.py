"""Figures of a table of goals: what each is, how near it is, or why it cannot be measured here. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "bench-suite/1"


@dataclass(frozen=True, kw_only=True)
class SpeedGoal:
    """One row of the table."""

    name: str
    about: str
    unit: str
    """x: times as fast; share: of the other's; s: seconds."""
    goal: float | None = None
    """None = to be known, and no more."""
    at_least: bool = True
    """Else at most."""

    def is_met_by(self, value: float) -> bool | None:
        """Whether a value is as good as the goal; None where there is none."""
        if self.goal is None:
            return None
        return value >= self.goal if self.at_least else value <= self.goal


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured."""

    value: float
    low: float | None = None
    """95 % interval of the median; None = too few measurements for one."""
    high: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """Seconds, mebibytes, counts that the value is made of."""


@dataclass(frozen=True, kw_only=True)
class SpeedFigure:
    """A row with its answer: either a measurement or the reason why there is none."""

    goal: SpeedGoal
    reached: Measured | None = None
    why_not: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        goal, reached = self.goal, self.reached
        return {
            "name": goal.name,
            "about": goal.about,
            "unit": goal.unit,
            "goal": goal.goal,
            "at_least": goal.at_least,
            "value": None if reached is None else reached.value,
            "low": None if reached is None else reached.low,
            "high": None if reached is None else reached.high,
            "is_met": None if reached is None else goal.is_met_by(reached.value),
            "why_not": self.why_not or None,
            "details": {} if reached is None else dict(reached.details),
        }


def render(figures: Sequence[SpeedFigure]) -> str:
    """The table as lines for a terminal; a reason stands under what it is the reason for."""
    width = max(len(figure.goal.name) for figure in figures)
    lines = []
    for figure in figures:
        lines.append(f"{figure.goal.name:<{width}}  {value_words(figure):<28}  {goal_words(figure)}".rstrip())
        lines.append(f"{'':<{width}}  {figure.goal.about}")
        if figure.why_not:
            lines.append(f"{'':<{width}}  because {figure.why_not}")
    return "\n".join(lines)


def value_words(figure: SpeedFigure) -> str:
    """ "1.24x (1.03 to 1.27)", or that it cannot be measured."""
    reached, unit = figure.reached, figure.goal.unit
    if reached is None:
        return "cannot be measured here"
    between = "" if reached.low is None or reached.high is None else f" ({reached.low:.2f} to {reached.high:.2f})"
    return f"{reached.value:.2f}{_suffix(unit)}{between}"


def goal_words(figure: SpeedFigure) -> str:
    """ "goal at least 1.5x: missed"."""
    goal = figure.goal
    if goal.goal is None:
        return ""
    words = f"goal {'at least' if goal.at_least else 'at most'} {goal.goal:g}{_suffix(goal.unit)}"
    if figure.reached is None:
        return words
    return f"{words}: {'met' if goal.is_met_by(figure.reached.value) else 'missed'}"


def _suffix(unit: str) -> str:
    return {"x": "x", "s": " s"}.get(unit, "")
