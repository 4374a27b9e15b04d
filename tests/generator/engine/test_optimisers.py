"""The optimisers against torch's own on the same gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import OPTIMISERS, GenerateConfig
from generator.engine.adam import Adam
from generator.engine.optimisers import WAYS, make_optimiser

ORACLES: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.03),
    "adamax": torch.optim.Adamax,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "radam": torch.optim.RAdam,
}


def gradients(steps: int) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((3, 2), (5,))] for _ in range(steps)
    ]


def walk(name: str, steps: int) -> list[Tensor]:
    parameters = [torch.ones((3, 2), dtype=torch.float64), torch.full((5,), -2.0, dtype=torch.float64)]
    optimiser = make_optimiser(GenerateConfig(prompt="x", optimiser=name, weight_decay=0.03), parameters)
    for count, each in enumerate(gradients(steps), 1):
        optimiser.step(each, count, 0.05)
    return parameters


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_the_same_walk_as_torchs(name: str) -> None:
    parameters = [torch.ones((3, 2), dtype=torch.float64), torch.full((5,), -2.0, dtype=torch.float64)]
    for parameter in parameters:
        parameter.requires_grad_()
    oracle = ORACLES[name](parameters, lr=0.05)
    for each in gradients(12):
        for parameter, gradient in zip(parameters, each, strict=True):
            parameter.grad = gradient
        oracle.step()
    for ours, theirs in zip(walk(name, 12), parameters, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-7)


def test_diffgrad_is_adam_times_its_friction() -> None:
    """By hand: one number, two gradients."""
    parameter = torch.zeros(1, dtype=torch.float64)
    optimiser = make_optimiser(GenerateConfig(prompt="x", optimiser="diffgrad"), [parameter])
    optimiser.step([torch.tensor([2.0], dtype=torch.float64)], 1, 0.1)
    friction = 1 / (1 + torch.exp(torch.tensor(-2.0)))
    assert float(parameter) == pytest.approx(-0.1 * float(friction), rel=1e-6)
    before = float(parameter)
    optimiser.step([torch.tensor([2.0], dtype=torch.float64)], 2, 0.1)
    assert float(parameter) - before == pytest.approx(-0.1 * 0.5, rel=1e-6)  # unchanged gradient: sigmoid(0)


def adamp_step(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The first step of size 1, as it moves the parameter."""
    moved = parameter.clone()
    make_optimiser(GenerateConfig(prompt="x", optimiser="adamp"), [moved]).step([gradient], 1, 1.0)
    return moved - parameter


def test_adamp_is_adam_where_the_gradient_has_to_do_with_the_length() -> None:
    parameter = torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64)
    gradient = torch.tensor([[1.0, 2.0], [2.0, 1.5]], dtype=torch.float64)
    torch.testing.assert_close(adamp_step(parameter, gradient), -gradient.sign(), rtol=1e-6, atol=1e-6)


def test_adamp_does_not_lengthen_what_the_gradient_only_turns() -> None:
    """The gradient is at right angles to the parameter; the sign of it, which is Adam's first step, is not."""
    parameter = torch.tensor([[3.0, 1.0]], dtype=torch.float64)
    gradient = torch.tensor([[1.0, -3.0]], dtype=torch.float64)
    moved = adamp_step(parameter, gradient)
    assert float((moved * parameter).sum()) == pytest.approx(0.0, abs=1e-6)
    assert float((-gradient.sign() * parameter).sum()) == pytest.approx(-2.0)


def test_every_name_has_a_way_and_only_its_own_state() -> None:
    assert set(OPTIMISERS) == {"adam", *WAYS}
    for name in OPTIMISERS:
        optimiser = make_optimiser(GenerateConfig(prompt="x", optimiser=name), [torch.zeros(2), torch.zeros(3)])
        assert all([len(tensor) for tensor in group] == [2, 3] for group in optimiser.named_state().values())
    assert isinstance(make_optimiser(GenerateConfig(prompt="x"), [torch.zeros(1)]), Adam)


def test_a_shared_moment_is_adams_alone() -> None:
    with pytest.raises(UsageError, match="shared_moment"):
        GenerateConfig(prompt="x", optimiser="adagrad", shared_moment=True)
