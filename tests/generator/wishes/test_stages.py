"""Stages as text: read, written in one way, refused with a hint."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.wishes.stages import Stage, format_stages, parse_stages


def test_a_part_steps_and_cutouts() -> None:
    assert parse_stages("1/4:60:2,1/2:30 , 1:5:3") == (
        Stage(Fraction(1, 4), 60, 2),
        Stage(Fraction(1, 2), 30, None),
        Stage(Fraction(1), 5, 3),
    )
    assert parse_stages("") == parse_stages("  ") == ()


def test_one_spelling() -> None:
    assert format_stages(" 1/4:60:2,1/2:30") == "1/4:60:2, 1/2:30"
    one, other = (GenerateConfig(prompt="sea", stages=text) for text in ("1/4:6,1/2:3", " 1/4:6 , 1/2:3 "))
    assert one == other
    assert one.workload_id() == other.workload_id()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("half:60", "no stage"),
        ("1/4", "no stage"),
        ("2:60", "no stage"),
        ("1/4:0", "no stage"),
        ("1/4:60,", "no stage"),
        ("1/65:60", "out of bounds"),
        ("1/2:9000000", "out of bounds"),
        ("1/2:10, 1/4:10", "smaller than the one before"),
        (", ".join(["1/2:1"] * 9), "There are 9 stages"),
    ],
)
def test_what_is_no_stage_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        parse_stages(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"mask": "mask.png"}, "not for mask"),
        ({"overlay": "logo.png"}, "not for overlay"),
        ({"prompt": "sea | fog @left"}, "a prompt for a part"),
        ({"stages": "1/2:3:9"}, "more than the 8 cutouts"),
    ],
)
def test_what_stages_do_not_go_with_is_refused(other: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        GenerateConfig(**{"prompt": "sea", "stages": "1/2:3", **other})
