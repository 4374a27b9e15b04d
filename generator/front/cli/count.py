"""`--count N`: every prompt drawn N times, with seeds that follow one another, so that one seed names them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dreamrig.errors import UsageError
from generator.wishes.braces import MOST_PICTURES
from generator.wishes.seeds import LARGEST_SEED

if TYPE_CHECKING:
    from generator.work.plan import Plan


def count_of(values: Mapping[str, Any]) -> int:
    """How often each prompt is drawn; UsageError for less than once, and for a run that goes on."""
    count: int | None = values.get("count")
    if count is None:
        return 1
    if not 1 <= count <= MOST_PICTURES:
        raise UsageError(f"--count is {count}.", hint=f"use 1 to {MOST_PICTURES}")
    if values["resume"] is not None:
        hint = "leave --count away; for others like it: dreamrig again RUN --seed N"
        raise UsageError("--resume goes on with one picture.", hint=hint)
    return count


def repeated(plans: Sequence[Plan], seeded: Sequence[bool], count: int) -> list[Plan]:
    """Each plan `count` times, side by side, with its seed and those that follow; as they are for 1.

    seeded: whether a plan's seed was given. Those that nobody gave one share the first plan's, which was drawn: what
    stands in one column of the contact sheet has the same seed. After the largest seed comes 0.
    UsageError for more pictures than a batch may have.
    """
    if count == 1:
        return list(plans)
    if len(plans) * count > MOST_PICTURES:
        raise UsageError(
            f"{len(plans)} prompts, each {count} times, are more than {MOST_PICTURES} pictures.",
            hint=f"use --count {MOST_PICTURES // len(plans)} or less"
            if len(plans) <= MOST_PICTURES // 2
            else "leave --count away",
        )
    shared = next((one.given["seed"] for one, is_given in zip(plans, seeded, strict=True) if not is_given), 0)
    firsts = [one.given["seed"] if is_given else shared for one, is_given in zip(plans, seeded, strict=True)]
    return [
        replace(one, given={**one.given, "seed": (first + number) % (LARGEST_SEED + 1)})
        for one, first in zip(plans, firsts, strict=True)
        for number in range(count)
    ]
