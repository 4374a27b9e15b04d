"""How often and how much: the distributions of the notebooks' augmentations, read off many draws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from generator.engine.augment import apply as augment
from generator.engine.augment.chance import Chance
from generator.engine.augment.draws import crop_margin
from generator.engine.augment.geometry import SPLINE_POINTS
from generator.wishes.augmentations import parse

COUNT = 20_000


def drawn(text: str, size: int = 100, count: int = COUNT, seed: int = 7) -> augment.Drawn:
    (found,) = augment.draw(parse(text), Chance(seed), count, size)
    return found


def assert_uniform(sample: Tensor, low: float, high: float) -> None:
    """Kolmogorov and Smirnov: the largest gap to the uniform distribution function, at the 0.1 % level."""
    sample = sample.double().flatten().sort().values
    assert low <= float(sample[0])
    assert float(sample[-1]) <= high
    expected = (sample - low) / (high - low)
    steps = torch.arange(len(sample), dtype=torch.float64) / len(sample)
    assert float((expected - steps).abs().max()) < 1.95 / math.sqrt(len(sample))


def assert_unrelated(one: Tensor, other: Tensor) -> None:
    correlation = float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
    assert abs(correlation) < 4 / math.sqrt(one.numel())


@pytest.mark.parametrize("name", ["flip", "sharpness", "affine", "perspective", "jitter", "elastic", "noise"])
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_p_decides_for_each_cutout(name: str, p: float) -> None:
    chosen = drawn(f"{name}(p={p})").chosen
    assert abs(len(chosen) / COUNT - p) <= 4 * math.sqrt(p * (1 - p) / COUNT)
    assert chosen.equal(chosen.sort().values)


@pytest.mark.parametrize("text", ["erasing(together=yes,p=0.7)", "thinplate(together=yes,p=0.7)", "resizedcrop(p=0.7)"])
def test_p_decides_for_all_of_them_at_once(text: str) -> None:
    sizes = [len(drawn(text, count=4, seed=seed).chosen) for seed in range(400)]
    assert set(sizes) == {0, 4}
    assert abs(sizes.count(4) / 400 - 0.7) < 4 * math.sqrt(0.21 / 400)


def test_rows_are_those_of_the_chosen() -> None:
    everybody, some = drawn("affine(p=1)", count=50), drawn("affine(p=0.3)", count=50)
    assert 0 < len(some.chosen) < 50
    for name, rows in some.numbers.items():
        assert rows.equal(everybody.numbers[name][some.chosen])


def test_sharpness_reaches_from_soft_to_the_factor() -> None:
    assert_uniform(drawn("sharpness(0.3,p=1)").numbers["factor"], 0, 0.3)


def test_affine() -> None:
    numbers = drawn("affine(30,translate_x=0.2,translate_y=0.1,shear=5,p=1)", size=50).numbers
    assert_uniform(numbers["degrees"], -30, 30)
    assert_uniform(numbers["shift"][:, 0], -10, 10)
    assert_uniform(numbers["shift"][:, 1], -5, 5)
    assert_uniform(numbers["shear"], -5, 5)
    assert_unrelated(numbers["shift"][:, 0], numbers["shift"][:, 1])
    assert_unrelated(numbers["degrees"], numbers["shear"])


def test_affine_does_nothing_that_is_not_asked_for() -> None:
    numbers = drawn("affine(30,p=1)").numbers
    assert not numbers["shift"].any()
    assert not numbers["shear"].any()


def test_rotation() -> None:
    assert_uniform(drawn("rotation(15,p=1)").numbers["degrees"], -15, 15)


def test_perspective_moves_every_corner_by_its_own() -> None:
    inwards = drawn("perspective(0.7,p=1)", size=200).numbers["inwards"]
    assert inwards.shape == (COUNT, 4, 2)
    for corner in range(4):
        assert_uniform(inwards[:, corner, 0], 0, 70)
        assert_uniform(inwards[:, corner, 1], 0, 70)
    assert_unrelated(inwards[:, 0, 0], inwards[:, 0, 1])
    assert_unrelated(inwards[:, 0, 0], inwards[:, 1, 0])


def test_jitter_in_one_order_for_all() -> None:
    numbers = drawn("jitter(brightness=0.1,contrast=0.2,saturation=0.3,hue=0.05)").numbers
    for name, spread in (("brightness", 0.1), ("contrast", 0.2), ("saturation", 0.3)):
        assert_uniform(numbers[name], 1 - spread, 1 + spread)
    assert_uniform(numbers["hue"], -0.05, 0.05)
    assert (numbers["order"] == numbers["order"][0]).all()


def test_jitter_takes_every_order_equally_often() -> None:
    orders = [tuple(drawn("jitter", count=1, seed=seed).numbers["order"][0].tolist()) for seed in range(2400)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 24
    assert sum((count - 100) ** 2 / 100 for count in counts) < 49.7  # chi squared, 23 degrees of freedom, 0.1 %


def test_erasing_area_aspect_and_place() -> None:
    size = 100_000  # rounding to pixels does not show
    box = drawn("erasing(0.1..0.3,ratio=0.5..3,p=1)", size=size).numbers["box"]
    width, height = box[:, 2], box[:, 3]
    assert_uniform((width * height / size**2).clamp(0.1, 0.3), 0.1, 0.3)
    ratio = (height / width).clamp(0.5, 3)
    upright = ratio < 1
    assert abs(float(upright.double().mean()) - 0.5) < 4 * 0.5 / math.sqrt(COUNT)
    assert_uniform(ratio[upright], 0.5, 1)
    assert_uniform(ratio[~upright], 1, 3)
    assert_uniform(box[:, 0] / (size - width + 1), 0, 1)
    assert_uniform(box[:, 1] / (size - height + 1), 0, 1)
    assert_unrelated(box[:, 0] / (size - width), box[:, 1] / (size - height))


def test_erasing_with_an_aspect_on_one_side_of_a_square() -> None:
    box = drawn("erasing(0.1..0.2,ratio=1.5..2,p=1)", size=100_000).numbers["box"]
    assert_uniform((box[:, 3] / box[:, 2]).clamp(1.5, 2), 1.5, 2)


def test_erasing_stays_whole_and_inside() -> None:
    box = drawn("erasing(0..1,ratio=0.01..100,p=1)", size=9).numbers["box"]
    assert box.equal(box.round())
    assert (box[:, :2] >= 0).all()
    assert (box[:, 2:] >= 1).all()
    assert (box[:, :2] + box[:, 2:] <= 9).all()
    assert set(box[:, 2].tolist()) == set(range(1, 10))


def test_erasing_together_is_one_rectangle() -> None:
    box = drawn("erasing(together=yes,p=1)", count=6).numbers["box"]
    assert (box == box[0]).all()
    assert not (drawn("erasing(p=1)", count=6).numbers["box"] == box[0]).all()


def test_thinplate_moves_five_points() -> None:
    moved = drawn("thinplate(0.8,together=yes,p=1)").numbers["moved"] - SPLINE_POINTS
    for point in range(5):
        assert_uniform(moved[:, point, 0], -0.8, 0.8)
        assert_uniform(moved[:, point, 1], -0.8, 0.8)
    assert_unrelated(moved[:, 2, 0], moved[:, 3, 0])


def test_noise_factor() -> None:
    assert_uniform(drawn("noise(0.1)", size=2).numbers["factor"], 0, 0.1)


def test_crop_offsets() -> None:
    (spec,) = parse("crop(0.13)")
    assert crop_margin(spec, 20) == 3
    offsets = drawn("crop(0.13)", size=20).numbers["offset"]
    counts = torch.stack([(offsets == place).sum(dim=0) for place in range(7)]).double()
    assert counts.sum() == 2 * COUNT
    assert float(((counts - COUNT / 7) ** 2 / (COUNT / 7)).sum(dim=0).max()) < 22.5  # chi squared, 6 degrees, 0.1 %


def test_resizedcrop_area_aspect_and_place() -> None:
    size = 100_000
    numbers = drawn("resizedcrop(0.1..0.5,ratio=0.75..1.333)", size=size).numbers
    length, start = numbers["length"], numbers["start"]
    assert_uniform((length.prod(dim=1) / size**2).clamp(0.1, 0.5), 0.1, 0.5)
    log_ratio = (length[:, 1] / length[:, 0]).log()
    assert_uniform(log_ratio.clamp(math.log(0.75), math.log(1.333)), math.log(0.75), math.log(1.333))
    assert_uniform(start / (size - length + 1), 0, 1)


def test_resizedcrop_stays_inside_where_trials_fail() -> None:
    numbers = drawn("resizedcrop(0.5..1,ratio=0.3..3)", size=20).numbers
    assert (numbers["start"] >= 0).all()
    assert (numbers["start"] + numbers["length"] <= 20).all()


@pytest.mark.parametrize(
    ("ratio", "largest"), [("0.5..0.6", [20, 10]), ("2..3", [10, 20]), ("1..1", [20, 20]), ("0.75..1.3", [20, 15])]
)
def test_resizedcrop_without_a_trial_that_fits(ratio: str, largest: list[int]) -> None:
    numbers = drawn(f"resizedcrop(1..1,ratio={ratio})", size=20, count=5).numbers
    assert numbers["length"].tolist() == [largest] * 5


def test_the_same_generator_draws_the_same_whatever_is_chosen() -> None:
    """So that a p changes which cutouts are hit and nothing that comes after."""
    after = []
    for p in (0.0, 0.5, 1.0):
        chance = Chance(1)
        augment.draw(parse(f"affine(p={p}) erasing(p={p}) jitter(p={p}) thinplate(p={p})"), chance, 8, 16)
        after.append(chance.draws.get_state())
    assert after[0].equal(after[1])
    assert after[0].equal(after[2])


def test_nothing_is_drawn_for_nothing() -> None:
    chance, fresh = Chance(1), Chance(1)
    assert augment.draw((), chance, 8, 16) == ()
    assert chance.draws.get_state().equal(fresh.draws.get_state())
    assert chance.noise.get_state().equal(fresh.noise.get_state())
