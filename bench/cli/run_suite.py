"""`dreamrig bench run --suite speed`: a table of goals on a terminal, or as JSON. torch comes late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, UsageError

if TYPE_CHECKING:
    from bench.suite.figures import SpeedFigure

Suite = Callable[[bool, Callable[[str], None]], "Sequence[SpeedFigure]"]
"""(thorough, what is told on the way) -> the figures."""


def measure(thorough: bool, say: Callable[[str], None]) -> Sequence[SpeedFigure]:
    """The suite `speed`."""
    from bench.suite.figures import value_words
    from bench.suite.speed import THOROUGH, USUAL, measure_speed

    figures = []
    for figure in measure_speed(THOROUGH if thorough else USUAL, say=say):
        say(f"{figure.goal.name}: {value_words(figure)}")
        figures.append(figure)
    return figures


SUITES: Mapping[str, Suite] = {"speed": measure}


def run_suite(
    name: str,
    others: Sequence[str],
    *,
    thorough: bool,
    as_json: bool,
    quiet: bool,
    suites: Mapping[str, Suite] = SUITES,
) -> int:
    """Measure and show; returns the exit code. others: words of the command line that mean nothing here."""
    if name not in suites:
        raise UsageError(f"There is no suite {name!r}.", hint=f"use one of: {', '.join(suites)}")
    if others:
        raise UsageError(
            f"--suite does not go with {', '.join(others)}.", hint="use --thorough, --json and --quiet with it"
        )
    from bench.suite.figures import SCHEMA, render

    figures = suites[name](thorough, (lambda _: None) if quiet else console.print_note)
    if as_json:
        data = {"schema": SCHEMA, "suite": name, "thorough": thorough, "machine": machine()}
        console.print_json("bench", {**data, "figures": [figure.to_dict() for figure in figures]})
    else:
        print(render(figures))
    return EXIT_GOOD


def machine() -> dict[str, object]:
    """What the figures are of: processor, threads, versions of torch and of the peer's packages."""
    from bench.measure.peer.cases import package_versions
    from generator.devices import describe, resolve_device

    return {
        "device": describe(resolve_device("auto")),
        "cpu": describe(resolve_device("cpu")),
        "packages": package_versions(),
        "step_threads": 1,
    }
