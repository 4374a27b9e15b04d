"""Cutouts: the batched matrices against the two-step definition, and where the boxes fall."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.augment.chance import Chance
from generator.engine.cutouts import apply, bicubic_matrix, draw, lanczos_kernel, pool, resample_matrix
from generator.engine.draws import Cutting, _noise

DOUBLE = torch.float64
TwoSteps = Callable[[Tensor, Tensor, int], Tensor]


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


SIDES = [2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 31, 32, 33, 48, 63, 64, 65]


@pytest.mark.parametrize("size", [2, 3, 8, 16, 21, 32])
def test_equals_the_two_step_definition_at_every_size_up_and_down(size: int, two_steps: TwoSteps) -> None:
    image = picture(71, 97)
    boxes = torch.tensor([(97 - side - side % 5, (3 * side) % (71 - side), side) for side in SIDES])
    assert (boxes[:, 0] >= 0).all()
    torch.testing.assert_close(apply(image, boxes, size), two_steps(image, boxes, size), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 40), (33, 33)])
def test_equals_the_definition_on_drawn_boxes_of_any_shape_of_picture(
    height: int, width: int, two_steps: TwoSteps
) -> None:
    image = picture(height, width, seed=1)
    boxes = draw(torch.Generator().manual_seed(5), 16, width, height, 12)
    expected = two_steps(image, boxes, 12)
    torch.testing.assert_close(apply(image, boxes, 12), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(apply(image.float(), boxes, 12).double(), expected, rtol=0, atol=1e-5)


def test_the_same_size_is_the_crop_itself() -> None:
    image = picture(20, 30)
    cut = apply(image, torch.tensor([(7, 4, 12)]), 12)
    torch.testing.assert_close(cut, image[:, :, 4:16, 7:19], rtol=0, atol=1e-12)


def test_lanczos_kernel_is_odd_even_and_sums_to_one() -> None:
    for ratio in (0.9, 0.5, 1 / 3, 0.1):
        kernel = lanczos_kernel(ratio)
        assert len(kernel) % 2 == 1
        torch.testing.assert_close(kernel, kernel.flip(0))
        assert float(kernel.sum()) == pytest.approx(1.0)


def test_a_flat_picture_stays_flat() -> None:
    for source, target in ((5, 9), (9, 5), (64, 8), (8, 64), (13, 13)):
        ones = torch.ones(target)
        torch.testing.assert_close(resample_matrix(source, target).sum(dim=1), ones, rtol=0, atol=1e-6)


def test_one_target_pixel_reads_the_corner_as_torch_does() -> None:
    source = picture(6, 6)
    expected = functional.interpolate(source, (1, 1), mode="bicubic", align_corners=True)
    matrix = bicubic_matrix(6, 1)
    torch.testing.assert_close(matrix @ source @ matrix.T, expected)


def test_gradient_by_finite_differences() -> None:
    boxes = torch.tensor([(0, 0, 7), (3, 1, 4), (1, 2, 5)])
    image = picture(7, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: apply(x, boxes, 5), (image,), atol=1e-5)


def test_equal_inputs_give_equal_bytes_whatever_was_computed_before() -> None:
    image = picture(32, 48).float()
    boxes = draw(torch.Generator().manual_seed(6), 8, 48, 32, 8)
    first = apply(image, boxes, 8)
    resample_matrix.cache_clear()
    apply(image, draw(torch.Generator().manual_seed(7), 8, 48, 32, 8), 8)
    assert torch.equal(first, apply(image, boxes, 8))


# Where to cut -----------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_boxes_and_another_seed_others() -> None:
    draws = [draw(torch.Generator().manual_seed(seed), 20, 90, 60, 16) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_drawing_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    draw(torch.Generator().manual_seed(1), 20, 90, 60, 16)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("width", "height", "size"), [(90, 60, 16), (60, 90, 16), (40, 40, 64), (24, 16, 8)])
@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_boxes_lie_inside_and_between_the_smallest_and_the_largest(
    width: int, height: int, size: int, power: float
) -> None:
    boxes = draw(torch.Generator().manual_seed(3), 2000, width, height, size, power=power)
    x, y, side = boxes.unbind(dim=1)
    high, low = min(width, height), min(width, height, size)
    assert int(side.min()) >= low
    assert int(side.max()) <= high
    assert int(x.min()) == 0
    assert int(y.min()) == 0
    assert int((x + side).max()) == width
    assert int((y + side).max()) == height


def test_sides_are_uniform_for_power_one() -> None:
    sides = draw(torch.Generator().manual_seed(4), 20_000, 60, 60, 10)[:, 2]
    counts = torch.bincount(sides, minlength=60)[10:60]  # u < 1, so 60 itself is never drawn
    assert len(counts) == 50
    assert int(counts.min()) > 300
    assert int(counts.max()) < 500


def test_offsets_reach_both_ends_equally_often() -> None:
    boxes = draw(torch.Generator().manual_seed(5), 20_000, 12, 10, 10)  # always side 10: x in 0, 1, 2 and y = 0
    counts = torch.bincount(boxes[:, 0])
    assert counts.shape == (3,)
    assert int(counts.min()) > 6300
    assert int(boxes[:, 1].max()) == 0


def test_power_favours_small_or_large() -> None:
    means = [
        float(draw(torch.Generator().manual_seed(6), 4000, 60, 60, 10, power=power)[:, 2].double().mean())
        for power in (3.0, 1.0, 0.3)
    ]
    expected = [10 + 50 / (1 + power) - 0.5 for power in (3.0, 1.0, 0.3)]
    assert means == pytest.approx(expected, abs=1.0)


def test_min_fraction_raises_the_smallest_side_only() -> None:
    sides = draw(torch.Generator().manual_seed(7), 4000, 90, 60, 10, min_fraction=0.61)[:, 2]
    assert (int(sides.min()), int(sides.max())) == (37, 59)
    low = draw(torch.Generator().manual_seed(7), 4000, 90, 60, 30, min_fraction=0.1)[:, 2]
    assert int(low.min()) == 30
    whole = draw(torch.Generator().manual_seed(7), 50, 90, 60, 10, min_fraction=1.0)[:, 2]
    assert set(whole.tolist()) == {60}


def test_every_nth_cutout_is_the_largest_centred_square_and_the_others_stay() -> None:
    plain = draw(torch.Generator().manual_seed(8), 10, 90, 61, 16)
    boxes = draw(torch.Generator().manual_seed(8), 10, 90, 61, 16, whole_every=4)
    whole = [3, 7]
    assert boxes[whole].tolist() == [[14, 0, 61]] * 2
    others = [index for index in range(10) if index not in whole]
    assert torch.equal(boxes[others], plain[others])
    tall = draw(torch.Generator().manual_seed(8), 2, 40, 100, 16, whole_every=1)
    assert tall.tolist() == [[0, 30, 40]] * 2


# Pooling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "size"), [(40, 64, 12), (33, 21, 8), (8, 8, 8), (16, 24, 40), (512, 288, 7)]
)
def test_pool_is_the_mean_of_both_adaptive_poolings(height: int, width: int, size: int) -> None:
    image = picture(height, width)
    expected = (functional.adaptive_avg_pool2d(image, size) + functional.adaptive_max_pool2d(image, size)) / 2
    torch.testing.assert_close(pool(image, size), expected, rtol=0, atol=1e-7)


def test_pool_sends_the_gradient_where_adaptive_pooling_does_even_between_equals() -> None:
    weights = torch.randn((1, 3, 8, 8), generator=torch.Generator().manual_seed(2), dtype=DOUBLE)
    gradients = []
    for function in (
        lambda x: pool(x, 8),
        lambda x: (functional.adaptive_avg_pool2d(x, 8) + functional.adaptive_max_pool2d(x, 8)) / 2,
    ):
        image = picture(30, 22).round(decimals=1).clamp(0.2, 0.8).requires_grad_()  # full of equals
        gradients.append(torch.autograd.grad((function(image) * weights).sum(), image)[0])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-7)


def test_the_noise_of_a_cutout_has_a_factor_of_its_own_up_to_the_largest() -> None:
    noise = _noise(Cutting.of(GenerateConfig(prompt="a tree", cutouts=64, cut_noise=0.2)), Chance(5), 16)
    assert noise is not None
    assert noise.shape == (64, 3, 16, 16)
    factors = noise.std(dim=(1, 2, 3))
    assert factors.min() < 0.05 < 0.15 < factors.max() < 0.22
    assert _noise(Cutting.of(GenerateConfig(prompt="a tree", cutouts=64, cut_noise=0.0)), Chance(5), 16) is None
