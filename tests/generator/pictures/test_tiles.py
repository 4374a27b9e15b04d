"""Pieces of a picture: together they are the whole, and nothing tells where one ends."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.pictures.tiles import enlarge_in_tiles, fade, spans


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


class Blurring(nn.Module):
    """Convolutions with zeros around, then each pixel as a square: looks `layers` pixels far."""

    def __init__(self, layers: int, scale: int) -> None:
        super().__init__()
        self.layers, self.scale = layers, scale
        self.kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(1)) / 4
        self.seen: list[tuple[int, int]] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append((image.shape[2], image.shape[3]))
        for _ in range(self.layers):
            image = torch.tanh(functional.conv2d(image, self.kernel, padding=1))
        return functional.interpolate(image, scale_factor=self.scale, mode="nearest")


@pytest.mark.parametrize(("height", "width"), [(50, 70), (16, 16), (17, 90), (64, 33)])
@pytest.mark.parametrize("scale", [2, 3])
def test_tiled_is_as_a_whole_where_the_network_looks_no_further_than_half_the_margin(
    height: int, width: int, scale: int
) -> None:
    network, picture = Blurring(4, scale), noise(1, 3, height, width)
    whole = network(picture)
    network.seen.clear()
    tiled = enlarge_in_tiles(network, picture, scale, tile=16, margin=8)
    assert tiled.shape == whole.shape
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-6)
    assert max(max(size) for size in network.seen) <= 16 + 2 * 8
    assert len(network.seen) == -(-height // 16) * -(-width // 16)


def test_at_the_borders_of_tiles_a_network_that_looks_further_makes_no_step() -> None:
    """Where pieces meet, neighbouring pixels differ no more than elsewhere: measured on a smooth picture."""
    down = torch.linspace(0, 1, 64)[:, None].expand(64, 64)
    picture = torch.stack([down, down.T, (down + down.T) / 2])[None]

    def uneven(image: Tensor) -> Tensor:
        """Looks at all it gets: adds the mean, which is another for each piece."""
        return functional.interpolate(image + image.mean(), scale_factor=2, mode="bilinear")

    tiled = enlarge_in_tiles(uneven, picture, 2, tile=16, margin=8)
    steps = torch.stack([tiled.diff(dim=2).abs().amax(), tiled.diff(dim=3).abs().amax()])
    hard = torch.cat([uneven(picture[..., start : start + 16]) for start in range(0, 64, 16)], dim=3)
    assert float(steps.max()) < 0.03
    assert float(hard.diff(dim=3).abs().max()) > 0.1


@pytest.mark.parametrize(
    ("side", "tile", "margin"), [(1, 16, 8), (16, 16, 8), (17, 16, 8), (100, 32, 4), (257, 64, 32)]
)
def test_the_pieces_are_the_side_and_their_weights_add_up(side: int, tile: int, margin: int) -> None:
    found = spans(side, tile, margin)
    assert [span.start for span in found] == [0, *(span.stop for span in found[:-1])]
    assert found[-1].stop == side
    assert all(span.stop - span.start <= tile for span in found)
    total = torch.zeros(side * 3)
    for span in found:
        total[span.seen_from * 3 : span.seen_to * 3] += fade(span, side, margin, 3)
    torch.testing.assert_close(total, torch.ones(side * 3), rtol=0, atol=1e-5)
