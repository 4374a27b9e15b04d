"""The parts of a step beside plain implementations written from the formulas.

    python -m pytest tests/benchmarks --benchmark-enable --benchmark-group-by=group

Keep a result with --benchmark-autosave, and later let a part that has become slower fail:
--benchmark-compare --benchmark-compare-fail=median:20%. The ordinary test run goes through everything once, without
timing: there both sides of a pair must give the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from generator.config import GenerateConfig
from generator.engine import cutouts, losses
from generator.engine.adam import Adam
from generator.engine.augment import apply as augment
from generator.engine.augment.chance import Chance
from generator.models.base import Models
from generator.models.codebook import nearest_codes, rows_of
from generator.models.starter import load_starter
from generator.pictures.png import encode_png, to_picture
from generator.pictures.recipe import Recipe
from generator.wishes import augmentations as augment_spec
from generator.wishes.prompts import parse

Benchmark = Callable[..., Any]
Sides = dict[str, Callable[[], Tensor]]
SIZE, CUTOUTS, GUIDE = 256, 16, 224
SIDES = ("ours", "reference")
AUGMENTATIONS = [name for name in augment_spec.KINDS if name != "noise"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_starter()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def timed(
    benchmark: Benchmark, group: str, side: str, sides: dict[str, Callable[[], Tensor]], *, within: float
) -> None:
    """Time one side; both must give the same."""
    benchmark.group = group  # type: ignore[attr-defined]  # the fixture is an object with a call
    found = benchmark(sides[side])
    torch.testing.assert_close(found, sides[SIDES[1 - SIDES.index(side)]](), rtol=within, atol=within)


# --- quantise ------------------------------------------------------------------------------------------------


def quantise_by_one_hot(latent: Tensor, codebook: Tensor) -> Tensor:
    """The nearest row of each cell as a product with a one-hot matrix, all distances spelt out."""
    cells = latent.movedim(1, -1).reshape(-1, latent.shape[1])
    nearest = torch.cdist(cells, codebook, compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
    rows = F.one_hot(nearest, len(codebook)).float() @ codebook
    return rows.view(latent.shape[0], *latent.shape[2:], -1).movedim(-1, 1)


@pytest.mark.parametrize("side", SIDES)
def test_quantise(benchmark: Benchmark, side: str) -> None:
    latent, codebook = random(1, 64, 16, 16), random(1024, 64, seed=1)
    sides = {
        "ours": lambda: rows_of(nearest_codes(latent, codebook), codebook),
        "reference": lambda: quantise_by_one_hot(latent, codebook),
    }
    timed(benchmark, "quantise", side, sides, within=1e-6)


# --- cutouts -------------------------------------------------------------------------------------------------


def crop_one_by_one(image: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Each crop by itself: Lanczos down each axis where it shrinks, then bicubic with corners aligned."""
    cut = []
    for x, y, side in boxes.tolist():
        piece = image[:, :, y : y + side, x : x + side]
        if size < side:
            kernel = cutouts.lanczos_kernel(size / side).float()
            half = len(kernel) // 2
            planes = piece.view(3, 1, side, side)
            planes = F.conv2d(F.pad(planes, (0, 0, half, half), "reflect"), kernel.view(1, 1, -1, 1))
            planes = F.conv2d(F.pad(planes, (half, half, 0, 0), "reflect"), kernel.view(1, 1, 1, -1))
            piece = planes.view(1, 3, side, side)
        cut.append(F.interpolate(piece, (size, size), mode="bicubic", align_corners=True))
    return torch.cat(cut)


@pytest.mark.parametrize("side", SIDES)
def test_crops(benchmark: Benchmark, side: str) -> None:
    image = random(1, 3, SIZE, SIZE)
    boxes = cutouts.draw(torch.Generator().manual_seed(0), CUTOUTS, SIZE, SIZE, GUIDE)
    sides = {
        "ours": lambda: cutouts.apply(image, boxes, GUIDE),
        "reference": lambda: crop_one_by_one(image, boxes, GUIDE),
    }
    timed(benchmark, "cutouts: crops", side, sides, within=1e-4)


@pytest.mark.parametrize("side", SIDES)
def test_pooling(benchmark: Benchmark, side: str) -> None:
    image = random(1, 3, SIZE, SIZE)

    def one_by_one() -> Tensor:
        pairs = [(F.adaptive_avg_pool2d(image, GUIDE), F.adaptive_max_pool2d(image, GUIDE)) for _ in range(CUTOUTS)]
        return torch.cat([(mean + highest) / 2 for mean, highest in pairs])

    sides = {"ours": lambda: cutouts.pool(image, GUIDE).expand(CUTOUTS, -1, -1, -1), "reference": one_by_one}
    timed(benchmark, "cutouts: pooling", side, sides, within=1e-5)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation(benchmark: Benchmark, name: str) -> None:
    """No plain twin here: tests/generator/engine/augment/test_augment.py compares each with kornia's."""
    spec = augment_spec.parse(name)
    images = random(4, 3, GUIDE, GUIDE)
    drawn = augment.draw(spec, Chance(0), len(images), GUIDE)
    benchmark.group = "augmentations"  # type: ignore[attr-defined]  # the fixture is an object with a call
    changed = benchmark(lambda: augment.apply(images, drawn))
    assert changed.shape == images.shape
    assert torch.isfinite(changed).all()


# --- networks ------------------------------------------------------------------------------------------------


def test_decode(benchmark: Benchmark, models: Models) -> None:
    latent = random(1, models.image.codebook.shape[1], 16, 16)
    benchmark.group = "networks"  # type: ignore[attr-defined]  # the fixture is an object with a call
    with torch.inference_mode():
        picture = benchmark(lambda: models.image.decode(latent))
    assert picture.shape == (1, 3, 16 * models.image.factor, 16 * models.image.factor)


def test_clip(benchmark: Benchmark, models: Models) -> None:
    guide = models.guides[0]
    cut = random(8, 3, guide.size, guide.size)
    benchmark.group = "networks"  # type: ignore[attr-defined]  # the fixture is an object with a call
    with torch.inference_mode():
        assert benchmark(lambda: guide.encode_image(cut)).shape == (8, guide.width)


# --- loss, optimiser, files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_loss(benchmark: Benchmark, side: str) -> None:
    embedded, targets = random(64, 512), random(3, 512, seed=1)
    prompts = parse("a:2 | b:-1 | c:1:0.9")
    weights, stops = torch.tensor([(prompt.weight, prompt.stop) for prompt in prompts]).unbind(1)

    def from_the_formula() -> Tensor:
        u, v = F.normalize(embedded, dim=-1), F.normalize(targets, dim=-1)
        total = torch.zeros(())
        for prompt, row in zip(prompts, v, strict=True):
            distance = 2 * torch.asin((u - row).norm(dim=-1) / 2).square()
            total = total + abs(prompt.weight) * (math.copysign(1, prompt.weight) * distance).mean()
        return total

    sides = {
        "ours": lambda: losses.prompt_loss(losses.spherical(embedded, targets), weights, stops),
        "reference": from_the_formula,
    }
    timed(benchmark, "loss", side, sides, within=1e-4)


@pytest.mark.parametrize("side", SIDES)
def test_optimiser(benchmark: Benchmark, side: str) -> None:
    gradient = random(1, 256, 30, 30)

    def ours() -> Tensor:
        moved = torch.zeros_like(gradient)
        adam = Adam([moved], shared_moment=False)
        for step in range(1, 4):
            adam.step((gradient,), step, 0.05)
        return moved

    def torchs() -> Tensor:
        moved = torch.zeros_like(gradient).requires_grad_()
        adam = torch.optim.Adam([moved], lr=0.05)
        for _ in range(3):
            moved.grad = gradient
            adam.step()
        return moved.detach()

    timed(benchmark, "optimiser", side, {"ours": ours, "reference": torchs}, within=1e-5)


@pytest.mark.parametrize("side", ["with its recipe", "plain"])
def test_png(benchmark: Benchmark, side: str, tmp_path: Path) -> None:
    """What the recipe inside a picture costs."""
    picture = to_picture(random(3, SIZE, SIZE))
    recipe = Recipe(config=GenerateConfig(prompt="sunset").to_dict())

    def plain() -> bytes:
        picture.save(tmp_path / "plain.png")
        return (tmp_path / "plain.png").read_bytes()

    benchmark.group = "PNG and metadata"  # type: ignore[attr-defined]  # the fixture is an object with a call
    data = benchmark((lambda: encode_png(picture, replace(recipe, steps_done=1))) if side != "plain" else plain)
    assert data.startswith(b"\x89PNG")
    assert (b"sunset" in data) == (side != "plain")
