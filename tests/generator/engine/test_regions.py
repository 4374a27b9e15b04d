"""Regions in pixels, masks from files, and what a view lets through."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from dreamrig.errors import UsageError
from generator.engine.regions import RECTANGLES, Region, cell_mask, find_region, read_mask
from generator.wishes.prompts import PLACES


def test_every_place_has_a_rectangle() -> None:
    assert set(RECTANGLES) == set(PLACES)
    assert find_region("", {}, 64, 32) is None


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("left", (0, 0, 32, 40)),
        ("right", (32, 0, 64, 40)),
        ("top", (0, 0, 64, 20)),
        ("bottom", (0, 20, 64, 40)),
        ("centre", (16, 10, 48, 30)),
        ("top-left", (0, 0, 32, 20)),
        ("top-right", (32, 0, 64, 20)),
        ("bottom-left", (0, 20, 32, 40)),
        ("bottom-right", (32, 20, 64, 40)),
        ("0.25,0,1,0.5", (16, 0, 64, 20)),
    ],
)
def test_rectangles_in_pixels(name: str, sides: tuple[int, ...]) -> None:
    region = find_region(name, {}, 64, 40)
    assert region is not None
    assert (region.left, region.top, region.right, region.bottom) == sides
    assert region.view(torch.zeros(1, 3, 40, 64)).shape[2:] == (sides[3] - sides[1], sides[2] - sides[0])


def test_a_mask_is_seen_by_its_rectangle_and_gives_gradient_inside() -> None:
    mask = torch.zeros(1, 1, 40, 64)
    mask[..., 10:20, 8:24] = 1.0
    mask[..., 12:14, 10:12] = 0.25
    region = find_region("sky", {"sky": mask}, 64, 40)
    assert region is not None
    assert (region.left, region.top, region.right, region.bottom) == (8, 10, 24, 20)
    picture = torch.rand(1, 3, 40, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    view = region.view(picture)
    torch.testing.assert_close(view, picture[..., 10:20, 8:24])
    (gradient,) = torch.autograd.grad(view.sum(), picture)
    torch.testing.assert_close(gradient, mask.expand_as(picture))


def test_a_mask_without_any_light_is_called_black_and_a_small_one_small() -> None:
    mask = torch.zeros(1, 1, 40, 64)
    with pytest.raises(UsageError, match="The mask of the region @sky is all black") as caught:
        find_region("sky", {"sky": mask}, 64, 40)
    assert "white" in caught.value.hint
    mask[..., 3:7, 5:50] = 0.2
    with pytest.raises(UsageError, match="@sky is less than 8 pixels wide or high"):
        find_region("sky", {"sky": mask}, 64, 40)


def test_masks_are_read_as_brightness(tmp_path: Path) -> None:
    grey = Image.new("L", (8, 8), 0)
    grey.paste(255, (0, 0, 4, 8))
    grey.save(tmp_path / "l.png")
    assert read_mask(str(tmp_path / "l.png"), 4, 4)[0, 0].tolist() == [[1, 1, 0, 0]] * 4
    assert read_mask(str(tmp_path / "l.png"), 1, 1)[0, 0, 0, 0] == pytest.approx(0.5, abs=0.01)
    clear = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    clear.paste((255, 255, 255, 255), (0, 0, 8, 4))
    clear.save(tmp_path / "a.png")
    assert read_mask(str(tmp_path / "a.png"), 2, 2)[0, 0].tolist() == [[1, 1], [0, 0]]


def test_a_cell_may_change_when_one_of_its_pixels_may() -> None:
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 3, 5] = 1.0
    mask[..., 4, 11] = 0.4
    assert cell_mask(mask, 4)[0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]


def test_without_a_mask_a_view_is_a_slice() -> None:
    picture = torch.rand(1, 3, 4, 4)
    assert torch.equal(Region(1, 0, 3, 2).view(picture), picture[..., 0:2, 1:3])
