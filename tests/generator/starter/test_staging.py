"""Where things stand: relations, counts, sizes, grounds, and that nothing leaves the picture."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from generator.starter.lexicon import Thing, lexicon
from generator.starter.reading import read
from generator.starter.setting import setting
from generator.starter.staging import Ground, Outline, Placed, stage
from generator.starter.world import Scene

MEADOW = Ground(0.54, "ground")


def placed(text: str, seed: int = 1, ground: Ground = MEADOW) -> dict[str, list[Placed]]:
    reading = read(text)
    drawings = lexicon().drawings
    outlines = [Outline(1.0)] * sum(map(len, drawings))
    found: dict[str, list[Placed]] = defaultdict(list)

    def choose(thing: Thing) -> int:
        return drawings[thing.number][0]

    for one in stage(reading, outlines, choose, ground, random.Random(seed)):
        found[one.wanted.thing.name].append(one)
    return found


SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_relations_are_where_their_words_say(seed: int) -> None:
    riding = placed("a fox riding a horse", seed)
    (fox,), (horse,) = riding["fox"], riding["horse"]
    assert fox.foot < horse.foot
    assert fox.foot > horse.top
    assert horse.width > fox.width
    over = placed("a fox over a horse", seed)
    assert over["fox"][0].foot < over["horse"][0].top
    under = placed("a fox under an umbrella", seed)
    assert under["umbrella"][0].foot < under["fox"][0].foot
    beside = placed("a fox next to a horse", seed)
    apart = abs(beside["fox"][0].x - beside["horse"][0].x)
    assert apart > 0.45 * (beside["fox"][0].width + beside["horse"][0].width)
    crowned = placed("a fox wearing a crown", seed)
    assert crowned["crown"][0].top < crowned["fox"][0].top < crowned["crown"][0].foot
    assert crowned["crown"][0].width < crowned["fox"][0].width


def test_what_is_worn_and_held_lies_in_front_and_what_carries_lies_behind() -> None:
    assert list(placed("a fox wearing a crown")) == ["fox", "crown"]
    assert list(placed("a fox riding a horse")) == ["horse", "fox"]
    assert list(placed("a fox in a bathtub")) == ["fox", "bathtub"]


@pytest.mark.parametrize(("said", "count"), [("two", 2), ("three", 3), ("five", 5), ("a", 1)])
def test_as_many_as_are_asked_for(said: str, count: int) -> None:
    ducks = placed(f"{said} ducks")["duck"]
    assert len(ducks) == count
    assert len({round(duck.x, 2) for duck in ducks}) == count


def test_sizes() -> None:
    small, usual, big = (placed(f"a {size} fox")["fox"][0].width for size in ("small", "", "big"))
    assert small < 0.8 * usual
    assert usual < big


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.9])
@pytest.mark.parametrize("kind", ["ground", "water", "air", "backdrop"])
@pytest.mark.parametrize(
    "text", ["a fox", "a big castle", "a dragon on a castle", "five ducks", "a cat, a dog and a fox"]
)
def test_things_stay_in_the_picture(text: str, kind: str, aspect: float) -> None:
    wide, high = max(1.0, aspect), max(1.0, 1 / aspect)
    for seed in SEEDS:
        for copies in placed(text, seed, Ground(0.54, kind, aspect)).values():
            for one in copies:
                assert one.x - one.width / 2 > -0.12
                assert one.x + one.width / 2 < wide + 0.12
                assert one.top > -0.12
                assert one.foot < high + 0.02
                assert one.width > 0.12


def test_on_a_ground_things_stand_below_the_horizon_and_seeds_place_them_anew() -> None:
    feet = [placed("a fox", seed)["fox"][0] for seed in range(30)]
    assert all(one.stands and one.foot > 0.54 for one in feet)
    assert len({round(one.x, 2) for one in feet}) > 8
    assert {one.mirrored for one in feet} == {True, False}


def scenes(text: str, seeds: range = range(20)) -> list[Scene]:
    return [setting(read(text), "red", random.Random(seed)) for seed in seeds]


@pytest.mark.parametrize(
    ("text", "slot", "value"),
    [
        ("a fox in the snow", "ground", "snow"),
        ("a fox at night", "sky", "night"),
        ("a fox at sunset", "sky", "sunset"),
        ("a fox under a pink sky", "sky", "pink"),
        ("a fox in the city", "back", "city"),
        ("a fox before purple mountains", "back_colour", "purple"),
        ("a fox under a rainbow", "extra", "rainbow"),
        ("a fox with lightning", "sky", "storm"),
        ("a fox and the moon", "light", "moon"),
        ("a whale", "ground", "sea"),
        ("a fox on a blue background", "colour_a", "blue"),
        ("a fox with stripes", "pattern", "stripes"),
    ],
)
def test_the_scene_is_what_is_said(text: str, slot: str, value: str) -> None:
    assert {scene[slot] for scene in scenes(text)} == {value}


def test_where_nothing_is_said_seeds_differ_and_nobody_gets_a_rainbow() -> None:
    drawn = scenes("a fox", range(60))
    assert len({(scene["sky"], scene["ground"]) for scene in drawn}) > 8
    assert {scene["extra"] for scene in drawn} == {"none"}
    assert {scene["light_colour"] for scene in drawn} <= {"none", "yellow", "white"}


def test_food_stands_before_a_colour_it_differs_from() -> None:
    for scene in scenes("a hamburger"):
        assert scene["kind"] == "shapes"
        assert scene["colour_a"] not in ("red", "orange", "pink", "brown")


def test_under_water_there_is_no_sun() -> None:
    assert {scene["light"] for scene in scenes("a fox underwater")} == {"none"}
