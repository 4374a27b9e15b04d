"""The judge's bookkeeping: what counts as recognised, and with which interval. Its network needs no test of ours."""

import numpy as np
import pytest
import torch

from generator.starter import words
from generator.starter.making.captions import Caption
from generator.starter.making.evaluate import (
    AttributeCheck,
    by_slot,
    check_pictures,
    held_out,
    render_reference,
    summary,
)
from generator.starter.making.judge import CHOICES, Judge, JudgeReading, judged, read_pictures
from generator.starter.world import SLOTS


def reading(**read: str) -> JudgeReading:
    """One picture in which the judge reads these slots, and a red house."""
    choices = {name: np.array([SLOTS[name].index(read.get(name, SLOTS[name][0]))]) for name in CHOICES}
    presence = np.zeros((1, len(words.OBJECTS)), dtype=np.float32)
    presence[0, words.OBJECTS.index("house")] = 0.95
    colours = np.full((1, len(words.OBJECTS)), words.COLOURS.index("red"))
    return JudgeReading(choices, presence, colours)


def test_objects_and_their_colours_are_confirmed_by_kind() -> None:
    seen, stated = reading(), {"object_1": "house", "colour_1": "red", "object_2": "boat", "colour_2": "blue"}
    assert seen.confirms(0, "object_1", "house", stated)
    assert not seen.confirms(0, "object_2", "boat", stated)
    assert seen.confirms(0, "colour_1", "red", stated)
    assert not seen.confirms(0, "colour_2", "blue", stated)


def test_two_colours_of_a_pattern_may_be_read_in_either_order_but_not_those_of_a_gradient() -> None:
    seen = reading(colour_a="blue", colour_b="yellow")
    stripes = {"colour_a": "yellow", "colour_b": "blue", "pattern": "stripes"}
    assert seen.confirms(0, "colour_a", "yellow", stripes)
    assert not seen.confirms(0, "colour_a", "yellow", {**stripes, "pattern": "gradient"})
    assert not seen.confirms(0, "colour_a", "red", stripes)


def test_only_what_the_judge_can_read_is_judged() -> None:
    stated = {
        "sky": "night",
        "x_1": "left",
        "size_1": "big",
        "colour_1": "red",
        "light_colour": "pink",
        "object_2": "fish",
    }
    assert judged(stated) == {"sky": "night", "object_2": "fish"}


def test_shares_chance_and_interval_by_hand() -> None:
    checks = [AttributeCheck(prompt, "scene", "sky", prompt < 8, 0.25) for prompt in range(10)]
    table = summary(checks)
    assert table["scene"]["share"] == table["all"]["share"] == pytest.approx(0.8)
    assert table["scene"]["chance"] == pytest.approx(0.25)
    assert 0.4 <= table["scene"]["low"] < 0.8 < table["scene"]["high"] <= 1.0
    assert table["object"]["checks"] == 0
    assert by_slot([AttributeCheck(0, "colour", "colour_2", True, 0.0)])["colour"]["checks"] == 1


def test_chance_is_the_other_prompts_pictures() -> None:
    seen = JudgeReading({"sky": np.array([0, 0, 2])}, np.zeros((3, 18), np.float32), np.zeros((3, 18), np.int64))
    captions = [Caption("by day", {"sky": "day"}), Caption("a picture", {})]
    checks = check_pictures(seen, captions, owners=[0, 1, 1])
    assert [(check.recognised, check.by_chance) for check in checks] == [(True, 0.5)]


def test_held_out_prompts_are_fixed_apart_and_judgeable() -> None:
    tune, test = held_out("tune"), held_out("test")
    assert len(tune) == len(test) == 64
    assert [one.text for one in test] == [one.text for one in held_out("test")]
    assert not {one.text for one in tune} & {one.text for one in test}
    assert all(len(judged(one.stated)) >= 3 for one in test)


def test_the_reference_renders_belong_to_the_held_out_prompts() -> None:
    captions, pictures = render_reference("test", 5)
    assert [one.text for one in captions] == [one.text for one in held_out("test", 5)]
    assert pictures.shape == (5, 3, 128, 128)


def test_the_judge_reads_pictures_of_any_size() -> None:
    torch.manual_seed(0)
    seen = read_pictures(Judge().eval(), torch.rand(2, 3, 96, 160))
    assert seen.presence.shape == (2, len(words.OBJECTS))
    assert seen.colours.shape == (2, len(words.OBJECTS))
    assert set(seen.choices) == set(CHOICES)
