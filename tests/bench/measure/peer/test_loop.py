"""The peer's loop does the same work as ours: without chance of its own it walks the same way, to rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.measure.peer.cutters import PooledCutter, kornia_augmentations
from bench.measure.peer.loop import PeerLoop, one_hot_quantise, squared_angles
from bench.measure.peer.turns import engine_step, in_turn, ratio_of
from generator.config import GenerateConfig
from generator.engine.latents import quantise
from generator.engine.loop import generate
from generator.engine.losses import spherical
from generator.events import Step
from generator.models.base import Models

STEPS = 6
WAYS: dict[str, dict[str, Any]] = {
    "pooled": {"cut_method": "pooling", "step_size": 0.1},
    "crops": {"whole_every": 3, "cut_min_fraction": 0.6, "step_size": 0.05},
    "as the starter": {"per_dimension_steps": True, "pull": 0.3, "step_schedule": "cosine"},
}


class Painted:
    """Codes of 8 px, painted by a random linear map."""

    factor = 8

    def __init__(self) -> None:
        self.codebook = _numbers(1, 16, 4)
        self.paint = _numbers(2, 4, 3, 8, 8) * 0.2

    def decode(self, latent: Tensor) -> Tensor:
        return 0.5 + functional.conv_transpose2d(latent, self.paint, stride=8)

    def encode(self, image: Tensor) -> Tensor:
        return functional.conv2d(image, self.paint, stride=8)


class Reader:
    """A random reading of 12 px squares."""

    size, width = 12, 6

    def __init__(self) -> None:
        self.reading = _numbers(3, 3 * 12 * 12, 6) * 0.2

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([_numbers(len(text), 6) for text in texts])

    def encode_image(self, cutouts: Tensor) -> Tensor:
        return torch.tanh((cutouts.flatten(1) - 0.5) @ self.reading)

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        return {}


def _numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def networks() -> Models:
    return Models(image=Painted(), guides=(Reader(),), name="toy")


def config_of(**changes: Any) -> GenerateConfig:
    values: dict[str, Any] = {
        "prompt": "sea:1.5 | fog:-0.5", "width": 32, "height": 32, "steps": STEPS, "start": "noise", "seed": 4,
        "cutouts": 5, "threads": 1, "device": "cpu",
    }  # fmt: skip
    return GenerateConfig(**(values | changes))


def losses_of(config: GenerateConfig, networks: Models) -> Iterator[float]:
    for event in generate(config, networks):
        if isinstance(event, Step):
            yield event.loss()


@pytest.mark.parametrize("way", WAYS)
def test_both_loops_walk_the_same_way(networks: Models, way: str) -> None:
    config = config_of(**WAYS[way])
    theirs = PeerLoop.begin(config, networks)
    seen = [float(theirs.step()) for _ in range(STEPS)]
    assert seen == pytest.approx(list(losses_of(config, networks)), abs=2e-5)
    assert seen[-1] < seen[0]  # it does move


def test_the_parts_have_the_values_of_ours(networks: Models) -> None:
    latent, codebook = _numbers(7, 1, 4, 3, 5), networks.image.codebook
    assert torch.equal(one_hot_quantise(latent, codebook), quantise(latent, codebook))
    cut, prompts = _numbers(8, 9, 6), _numbers(9, 2, 6)
    assert torch.allclose(squared_angles(cut, prompts), spherical(cut, prompts), atol=1e-5)


def test_kornia_changes_the_cutouts_and_lets_gradients_through() -> None:
    pytest.importorskip("kornia", reason="kornia, of the extra [reference], is what the peer augments with")
    picture = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0)).requires_grad_()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        cut = PooledCutter(6, kornia_augmentations(), 0.1)(picture, 16)
    plain = PooledCutter(6, (), 0.0)(picture, 16)
    assert cut.shape == plain.shape == (6, 3, 16, 16)
    assert all(not torch.equal(one, other) for one, other in zip(cut, plain, strict=True))
    (gradient,) = torch.autograd.grad(cut.square().sum(), picture)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


def test_steps_are_taken_in_turn_and_each_is_timed_apart(networks: Models) -> None:
    order: list[str] = []
    now = iter(range(100))
    pairs = list(
        in_turn(lambda: order.append("own"), lambda: order.append("theirs"), 3, clock=lambda: next(now), warm=1)
    )
    assert order == ["own", "theirs", "theirs", "own", "own", "theirs", "theirs", "own"]
    assert [pair.ratio for pair in pairs] == [1.0, 1.0, 1.0]
    found = ratio_of(pairs)
    assert found is not None
    assert (found.low, found.median, found.high) == (1.0, 1.0, 1.0)
    step: Callable[[], object] = engine_step(config_of(), networks, 2)
    step()
    step()
    with pytest.raises(StopIteration):
        step()
