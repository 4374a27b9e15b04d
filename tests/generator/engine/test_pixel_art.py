"""Pixel art: blocks and palettes that hold in the file's own pixels, and gradients that still lead somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine.loop import generate
from generator.engine.pixel_art import PixelArt, nearest_colours, to_blocks, to_palette
from generator.engine.restraints import palette_distance
from generator.pictures.png import enlarge_sharply, to_picture

CPU = torch.device("cpu")
COLOURS = "#102030, #f05a28, #ffd400"


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def drawn(models: Any, config: GenerateConfig) -> Image.Image:
    *_, finished = generate(config, models)
    return to_picture(finished.image())  # type: ignore[union-attr]  # never None here


def blocks_of(picture: Image.Image, side: int) -> list[set[tuple[int, ...]]]:
    """The colours that occur in each block, counted from the top left."""
    pixels = np.asarray(picture)
    height, width = pixels.shape[:2]
    starts = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    return [set(map(tuple, pixels[top : top + side, left : left + side].reshape(-1, 3))) for top, left in starts]


@pytest.mark.parametrize("side", [2, 4, 5])
def test_a_block_is_the_mean_of_its_pixels_and_the_last_ones_are_cut_off(side: int) -> None:
    picture = noise(1, 3, 8, 12)
    slow = picture.clone()
    for top in range(0, 8, side):
        for left in range(0, 12, side):
            part = picture[..., top : top + side, left : left + side]
            slow[..., top : top + side, left : left + side] = part.mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(to_blocks(picture, side), slow)
    assert torch.equal(to_blocks(picture, 1), picture)


def test_gradients() -> None:
    picture = noise(1, 3, 6, 7, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: to_blocks(x, 3), (picture,))
    weights = noise(1, 3, 6, 7, dtype=torch.float64)
    (to_palette(picture, torch.eye(3, dtype=torch.float64)) * weights).sum().backward()
    assert picture.grad is not None
    assert torch.equal(picture.grad, weights)


def test_the_nearest_colour_by_hand() -> None:
    colours = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    pixels = torch.tensor([[0.6, 0.1, 0.1], [0.4, 0.1, 0.1], [0.7, 0.6, 0.6]])
    assert torch.equal(nearest_colours(pixels, colours), colours[[1, 0, 2]])


@pytest.mark.parametrize(
    "more", [{}, {"ema": 0.9}, {"seamless": "both"}, {"cut_batch": 2, "checkpointed_decoding": True}]
)
def test_palette_and_blocks_hold_exactly_in_the_final_picture(
    models: Any, toy_config: Any, more: dict[str, Any]
) -> None:
    art = {"block_size": 8, "palette_exact": True, "palette_colours": COLOURS}
    picture = drawn(models, toy_config(steps=3, step_size=0.3, **art, **more))
    allowed = {(0x10, 0x20, 0x30), (0xF0, 0x5A, 0x28), (0xFF, 0xD4, 0x00)}
    assert set(map(tuple, np.asarray(picture).reshape(-1, 3))) <= allowed
    assert all(len(colours) == 1 for colours in blocks_of(picture, 8))


def test_each_of_the_two_by_itself(models: Any, toy_config: Any) -> None:
    plain = drawn(models, toy_config(steps=1))
    blocks = drawn(models, toy_config(steps=1, block_size=8))
    assert max(len(colours) for colours in blocks_of(plain, 8)) > 1
    assert max(len(colours) for colours in blocks_of(blocks, 8)) == 1
    assert len(blocks.getcolors(1 << 20)) > 2
    colours = {colour for _, colour in drawn(models, toy_config(steps=1, palette_exact=True)).getcolors(1 << 20)}
    assert colours <= {(0, 0, 0), (255, 255, 255)}


def test_a_run_still_comes_nearer_to_its_prompt(models: Any, toy_models: Any, toy_config: Any) -> None:
    fine = toy_models(image=type(models.image)(codes=4000))
    config = toy_config(steps=60, step_size=0.1, block_size=4, palette_exact=True, palette_colours="red, green, blue")
    losses = [event.loss() for event in generate(config, fine) if type(event).__name__ == "Step"]
    assert sum(losses[-10:]) / 10 < sum(losses[:3]) / 3 - 0.02


def test_restraints_see_the_pixels_of_the_file() -> None:
    art = PixelArt.of(GenerateConfig(prompt="x", palette_exact=True, block_size=2), CPU)
    assert art is not None
    assert float(palette_distance(art(noise(1, 3, 8, 8)), torch.tensor([[0.0] * 3, [1.0] * 3]))) == 0.0
    assert PixelArt.of(GenerateConfig(prompt="x", palette_colours="red"), CPU) is None


def test_the_enlarged_picture_has_no_colour_of_its_own() -> None:
    small = to_picture(to_palette(noise(1, 3, 8, 16), torch.eye(3))[0])
    large = enlarge_sharply(small)
    assert large.width == 2 * large.height >= 512
    assert {colour for _, colour in large.getcolors(1 << 20)} == {colour for _, colour in small.getcolors()}


def test_the_file_beside_the_picture_is_sharp(command: Any, home: Path, tmp_path: Path) -> None:
    words = ("--size", "64", "--steps", "1", "--seed", "1", "--block-size", "8", "--palette-exact")
    answer = command("generate", "fog", *words, "--json")
    assert answer.code == 0
    with Image.open(answer.data["picture_large"]) as large:
        assert {colour for _, colour in large.convert("RGB").getcolors(1 << 24)} <= {(0, 0, 0), (255, 255, 255)}


@pytest.mark.parametrize("side", [0, -1, 513])
def test_no_block_of_that_size(side: int) -> None:
    with pytest.raises(UsageError, match="block_size"):
        GenerateConfig(prompt="x", block_size=side)
