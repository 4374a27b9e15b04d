"""The starts that are painted: what is drawn for a width and a height."""

from __future__ import annotations

import torch

from generator.engine.starts import paint_gradient, paint_pixels


def chance() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_a_gradient_has_its_four_colours_in_the_corners_and_is_straight_between() -> None:
    picture = paint_gradient(7, 5, chance())
    corners = torch.rand((1, 3, 2, 2), generator=chance())
    assert picture.shape == (1, 3, 5, 7)
    torch.testing.assert_close(picture[..., [0, -1], :][..., [0, -1]], corners)
    torch.testing.assert_close(picture[..., 2, 3], corners.mean(dim=(2, 3)))
    for axis in (2, 3):
        torch.testing.assert_close(picture.diff(n=2, dim=axis), torch.zeros_like(picture.diff(n=2, dim=axis)))


def test_every_pixel_has_a_colour_of_its_own() -> None:
    picture = paint_pixels(7, 5, chance())
    assert picture.shape == (1, 3, 5, 7)
    assert len(picture[0].flatten(1).T.unique(dim=0)) == 35
    assert 0 <= picture.min() < picture.max() < 1
