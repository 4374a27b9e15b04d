"""Losses against the published check values, finite differences and the semantics of weight and stop."""

from __future__ import annotations

import math

import pytest
import torch

from generator.engine import losses
from generator.engine.losses import boundary_tv, pull_to_start, spherical
from generator.wishes.prompts import Prompt


def vector(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


@pytest.mark.parametrize(
    ("cosine", "expected"),
    [(1.0, 0.0), (0.0, math.pi**2 / 8), (-1.0, math.pi**2 / 2), (0.3, 0.8015), (0.999999, 1e-6)],
)
def test_spherical_check_values(cosine: float, expected: float) -> None:
    other = vector(cosine, math.sqrt(1 - cosine**2)) * 7  # length does not matter
    for dtype, tolerance in ((torch.float64, 5e-5), (torch.float32, 5e-5)):
        distance = spherical(vector(3.0, 0.0).to(dtype), other.to(dtype))
        assert distance.shape == (1, 1)
        assert float(distance) == pytest.approx(expected, rel=tolerance, abs=1e-12)


def test_spherical_is_the_arcsine_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    u = torch.randn((7, 5), generator=generator, dtype=torch.float64)
    v = torch.randn((3, 5), generator=generator, dtype=torch.float64)
    unit_u, unit_v = u / u.norm(dim=1, keepdim=True), v / v.norm(dim=1, keepdim=True)
    chord = (unit_u[:, None] - unit_v[None]).norm(dim=2)
    torch.testing.assert_close(spherical(u, v), 2 * torch.arcsin(chord / 2) ** 2)


def test_spherical_gradient_by_finite_differences() -> None:
    generator = torch.Generator().manual_seed(1)
    u = torch.randn((3, 4), generator=generator, dtype=torch.float64, requires_grad=True)
    v = torch.randn((2, 4), generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(spherical, (u, v))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [1.0, 2.5, -1.0, -0.3, 1 + 1e-7])
def test_spherical_gradient_is_finite_at_identical_and_opposite(factor: float, dtype: torch.dtype) -> None:
    v = torch.tensor([[0.3, -1.2, 0.7]], dtype=dtype)
    u = (factor * v).requires_grad_()
    distance = spherical(u, v)
    (gradient,) = torch.autograd.grad(distance.sum(), u)
    assert torch.isfinite(gradient).all()
    assert distance.item() == pytest.approx(0.0 if factor > 0 else math.pi**2 / 2, abs=1e-5)


def prompt_loss(distances: torch.Tensor, prompts: tuple[Prompt, ...]) -> torch.Tensor:
    """Of prompts, whose weights and stops a run keeps as tensors."""
    return losses.prompt_loss(distances, *torch.tensor([(p.weight, p.stop) for p in prompts]).unbind(1))


def test_one_plain_prompt_is_the_mean_distance() -> None:
    distances = torch.tensor([[1.0], [2.0], [6.0]])
    assert float(prompt_loss(distances, (Prompt("a"),))) == 3.0


def test_weights_scale_and_their_sign_turns_the_loss_round() -> None:
    distances = torch.tensor([[1.0, 1.0, 5.0], [3.0, 3.0, 7.0]])
    prompts = (Prompt("a", 2.0), Prompt("b", -0.5), Prompt("c", 0.0))
    assert float(prompt_loss(distances, prompts)) == 2.0 * 2 - 0.5 * 2 + 0


def gradient_of(distances: list[float], prompt: Prompt) -> tuple[float, list[float]]:
    column = torch.tensor(distances)[:, None].requires_grad_()
    loss = prompt_loss(column, (prompt,))
    (gradient,) = torch.autograd.grad(loss, column)
    return float(loss), gradient[:, 0].tolist()


def test_a_cutout_below_the_stop_keeps_its_value_and_gives_no_gradient() -> None:
    loss, gradient = gradient_of([0.2, 0.8], Prompt("a", 3.0, 0.5))
    assert loss == pytest.approx(3.0 * 0.5)
    assert gradient == pytest.approx([0.0, 3.0 / 2])


def test_the_stop_of_a_negative_prompt_is_compared_with_the_signed_distance() -> None:
    loss, gradient = gradient_of([0.2, 0.8], Prompt("a", -3.0, -0.5))
    assert loss == pytest.approx(-3.0 * 0.5)
    assert gradient == pytest.approx([-3.0 / 2, 0.0])  # -0.8 is already below -0.5


def test_several_prompts_add_up() -> None:
    distances = torch.rand((4, 2), generator=torch.Generator().manual_seed(2))
    both = (Prompt("a", 2.0, 0.3), Prompt("b", -1.0))
    apart = sum(float(prompt_loss(distances[:, [i]], (both[i],))) for i in range(2))
    assert float(prompt_loss(distances, both)) == pytest.approx(apart)


def test_pull_is_one_when_everything_is_one_deviation_apart() -> None:
    deviation = torch.tensor([0.5, 2.0]).view(1, 2, 1, 1)
    start = torch.rand((1, 2, 3, 4), generator=torch.Generator().manual_seed(3))
    assert float(pull_to_start(start, start, deviation)) == 0.0
    assert float(pull_to_start(start + deviation, start, deviation)) == pytest.approx(1.0)
    assert float(pull_to_start(start - 2 * deviation, start, deviation)) == pytest.approx(4.0)


def test_boundary_tv_sees_only_jumps_between_blocks() -> None:
    ramp = torch.arange(8.0)[None, None, None].expand(1, 3, 8, 8)
    assert float(boundary_tv(ramp, 4)) == pytest.approx(1.0)  # across: one jump of 1; down: none
    inside = torch.zeros((1, 3, 8, 8))
    inside[..., 1:3, 5:7] = 1.0
    assert float(boundary_tv(inside, 4)) == 0.0
    step = torch.zeros((1, 3, 8, 12))
    step[..., 4:, :] = 0.5
    step[..., 8:] += 0.25
    assert float(boundary_tv(step, 4)) == pytest.approx(0.5 + 0.25 / 2)


def test_boundary_tv_of_a_single_block_or_row_of_blocks() -> None:
    assert float(boundary_tv(torch.rand((1, 3, 4, 4)), 4)) == 0.0
    row = torch.zeros((1, 3, 4, 8))
    row[..., 4:] = 1.0
    assert float(boundary_tv(row, 4)) == 1.0


def test_boundary_tv_gradient() -> None:
    image = torch.randn((1, 3, 8, 8), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: boundary_tv(x, 4), (image.requires_grad_(),))
