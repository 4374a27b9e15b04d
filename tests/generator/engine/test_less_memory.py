"""Gradients taken piece by piece, seams, watching the loss, and fitting a config to the memory."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.memory import estimate_memory_mib, fit_to_memory, predict_memory_mib
from generator.engine.released import recomputed, released, released_rows
from generator.engine.seams import AROUND_CELLS, DIRECTIONS, extend, trim, turn
from generator.engine.watch import Average, LossWatch
from generator.engine.windows import Windows
from generator.models.base import Models

Config = Callable[..., GenerateConfig]


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# Piece by piece ---------------------------------------------------------------------------------------------


def test_released_is_the_sum_and_its_gradient() -> None:
    def losses(x: Tensor) -> Iterator[Tensor]:
        yield (x[:2] ** 3).sum()
        yield torch.sin(x).sum() * 0.5

    x = noise(5).requires_grad_()
    plain = sum(losses(x * 2), x.new_zeros(())) * 3
    pieces = released(x * 2, losses) * 3
    assert float(pieces) == pytest.approx(float(plain))
    torch.testing.assert_close(torch.autograd.grad(pieces, x), torch.autograd.grad(plain, x))


def test_released_rows_are_the_mean_and_its_gradient() -> None:
    x = noise(7, 2).requires_grad_()

    def loss_of(rows: Tensor) -> Tensor:
        return (torch.sin(rows) ** 2).sum(dim=1).mean()

    for rows in (1, 3, 7, 9):
        pieces = released_rows(x * 2, loss_of, rows)
        assert float(pieces) == pytest.approx(float(loss_of(x * 2)))
        torch.testing.assert_close(torch.autograd.grad(pieces, x), torch.autograd.grad(loss_of(x * 2), x))


def test_released_lets_go_of_each_piece_before_the_next() -> None:
    alive: list[weakref.ref[Tensor]] = []

    class Keep(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            big = x.detach().clone()
            alive.append(weakref.ref(big))
            ctx.save_for_backward(big)  # type: ignore[attr-defined]
            return (x * x).sum()

        @staticmethod
        def backward(ctx: object, *gradients: Tensor) -> Tensor:
            (big,) = ctx.saved_tensors  # type: ignore[attr-defined]
            return 2 * gradients[0] * big

    def losses(x: Tensor) -> Iterator[Tensor]:
        for _ in range(3):
            assert sum(reference() is not None for reference in alive) <= 1
            yield Keep.apply(x)

    x = noise(4).requires_grad_()
    (gradient,) = torch.autograd.grad(released(x, losses), x)
    torch.testing.assert_close(gradient, 6 * x.detach())
    assert len(alive) == 3


def test_recomputed_is_the_same_bits() -> None:
    x = noise(3, 3).requires_grad_()
    once, twice = torch.sin(x @ x).sum(), recomputed(lambda y: torch.sin(y @ y).sum(), x)
    assert torch.equal(once, twice)
    assert torch.equal(*torch.autograd.grad(once, x), *torch.autograd.grad(twice, x))


# Seams ------------------------------------------------------------------------------------------------------


def blurred(latent: Tensor) -> Tensor:
    """A decoder that sees two cells around each: zero padding, as the real ones have; 4 px per code."""
    kernel = noise(3, latent.shape[1], 5, 5, seed=1)
    painted = functional.conv2d(latent, kernel, padding=2)
    return painted.repeat_interleave(4, 2).repeat_interleave(4, 3)


@pytest.mark.parametrize(("seamless", "axes"), [("x", (3,)), ("y", (2,)), ("both", (2, 3))])
def test_a_seamless_decode_does_not_know_where_the_ring_begins(seamless: str, axes: tuple[int, ...]) -> None:
    latent = noise(1, 2, 5, 7)

    def decode(z: Tensor) -> Tensor:
        return trim(blurred(extend(z, DIRECTIONS[seamless])), DIRECTIONS[seamless], 28, 20)

    rolled = decode(torch.roll(latent, [3] * len(axes), axes))
    assert rolled.shape == (1, 3, 20, 28)
    torch.testing.assert_close(rolled, torch.roll(decode(latent), [12] * len(axes), axes))
    plain = blurred(torch.roll(latent, [3] * len(axes), axes))
    assert not torch.allclose(plain, torch.roll(blurred(latent), [12] * len(axes), axes))


def test_a_small_ring_is_extended_by_what_there_is() -> None:
    assert extend(noise(1, 2, 2, 9), (2, 3)).shape == (1, 2, 6, 9 + 2 * AROUND_CELLS)
    latent = noise(1, 2, 2, 9)
    assert extend(latent, ()) is latent


def test_turning_is_a_roll() -> None:
    picture = noise(1, 3, 6, 8)
    assert turn(picture, (), ()) is picture
    assert torch.equal(turn(picture, (2, 3), (1, 5)), torch.roll(torch.roll(picture, 1, 2), 5, 3))


# Watching ---------------------------------------------------------------------------------------------------


def test_a_falling_loss_is_let_go_on_and_a_flat_one_is_not() -> None:
    falling, flat = LossWatch(5, 10), LossWatch(5, 10)
    for step in range(40):
        falling.see(10 * 0.9**step)
        flat.see(1.0)
    assert not falling.has_settled
    assert falling.factor == 1.0
    assert flat.has_settled
    assert flat.factor == 0.5**7


def test_watching_for_nothing_never_ends() -> None:
    watch = LossWatch(0, 0)
    for _ in range(100):
        watch.see(1.0)
    assert (watch.has_settled, watch.factor) == (False, 1.0)


def test_losses_below_zero_count_as_lower_too() -> None:
    watch = LossWatch(0, 3)
    for step in range(10):
        watch.see(-1.0 - step)
    assert not watch.has_settled


def test_the_average_of_a_constant_is_the_constant() -> None:
    average = Average(torch.zeros(3), 0.9)
    for count in range(1, 6):
        average.see(torch.full((3,), 2.0))
        torch.testing.assert_close(average.value(count), torch.full((3,), 2.0))


# Fitting ----------------------------------------------------------------------------------------------------


def hungry(models: Models) -> Models:
    """Networks that take 1 MiB per 1000 px, a quarter of it when decoding twice, and 10 MiB per cutout."""
    return replace(
        models,
        memory_mib=lambda width, height, cutouts: width * height / 1000 + 10 * cutouts,
        checkpointed_memory_mib=lambda width, height, cutouts: width * height / 4000 + 10 * cutouts,
    )


def fit(models: Models, config: GenerateConfig, mib: float) -> tuple[GenerateConfig, str]:
    fitted, words = fit_to_memory(config, hungry(models), mib)
    if words:
        assert estimate_memory_mib(fitted, hungry(models)) <= mib
    return fitted, words


def test_what_fits_is_left_alone(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32)
    assert fit(models, config, 1e6) == (config, "")


def test_batches_come_first_then_decoding_twice_then_the_size(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32, width=256, height=256, fit="smaller")
    whole = estimate_memory_mib(config, hungry(models))
    half, words = fit(models, config, 0.8 * whole)
    assert (half.cut_batch, half.checkpointed_decoding, half.width) == (16, False, 256)
    assert words == "16 cutouts at a time"
    twice, words = fit(models, config, 0.15 * whole)
    assert twice.checkpointed_decoding
    assert "decoding twice" in words
    assert twice.width == 256
    smaller, words = fit(models, config, 20.0)
    assert smaller.width < 256
    assert f"{smaller.width}x{smaller.height} instead of 256x256" in words


def test_no_more_is_given_up_than_allowed(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32, width=256, height=256)
    for fit_, mib in (("off", 100.0), ("slower", 5.0), ("smaller", 0.1)):
        chosen = replace(config, fit=fit_)
        assert fit(models, chosen, mib) == (chosen, "")


def test_windows_come_last_and_are_the_largest_that_fit(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32, width=512, height=384)
    thriftiest = replace(config, cut_batch=1, checkpointed_decoding=True)
    free = estimate_memory_mib(thriftiest, hungry(models))
    at_once, words = fit(models, config, free)
    assert (at_once, "windows" in words) == (thriftiest, False)
    tiled, words = fit(models, config, free - 1)
    assert (tiled.width, tiled.height) == (512, 384)
    assert 96 <= tiled.tile < 512
    assert estimate_memory_mib(replace(tiled, tile=tiled.tile + 8), hungry(models)) > free - 1
    assert f"in windows of {tiled.tile} pixels, which is slower and another picture than at once" in words
    assert f"--tile {tiled.tile}" in words
    Windows.of(tiled, models.image.factor)


def test_windows_are_taken_only_where_they_may_be(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32, width=512, height=384)
    free = estimate_memory_mib(replace(config, cut_batch=1, checkpointed_decoding=True), hungry(models)) - 1
    assert not fit(models, replace(config, fit="off"), free)[1]
    smaller, _ = fit(models, replace(config, fit="smaller"), free)
    assert (smaller.tile, smaller.width < 512) == (0, True)
    assert fit_to_memory(config, hungry(models), free, in_windows=False) == (config, "")
    assert fit(models, replace(config, width=88, height=80), 5.0)[1] == ""  # smaller than the smallest window


def test_windows_that_were_asked_for_become_smaller(models: Models, toy_config: Config) -> None:
    config = toy_config(cutouts=32, width=512, height=384, tile=256)
    free = estimate_memory_mib(replace(config, cut_batch=1, checkpointed_decoding=True), hungry(models)) - 1
    tiled, words = fit(models, config, free)
    assert 96 <= tiled.tile < 256
    assert f"in windows of {tiled.tile} pixels" in words


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"cut_batch": 2}, {}),
        ({"checkpointed_decoding": True}, {}),
        ({}, {"seamless": "x"}),
        ({}, {"prompt": "a @left | b @right"}),
    ],
)
def test_the_prediction_knows_what_costs(
    models: Models, toy_config: Config, less: dict[str, object], more: dict[str, object]
) -> None:
    small, large = (
        predict_memory_mib(toy_config(width=64, height=64, cutouts=16, **options), hungry(models))
        for options in (less, more)
    )
    assert small < large
    assert math.isfinite(large)
