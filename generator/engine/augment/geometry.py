"""Where augmented cutouts are read: matrices of turns, tilts and splines, and bilinear reading at any place.

Matrices are small and made on the CPU in float64; only the reading happens where the cutouts are. A *place* is a
pixel coordinate (x, y), 0 = the middle of the first pixel. `size` is the side S of square cutouts.

The conventions are those of kornia 0.5.4, which the notebooks ran: several of its warps mix two ways of laying -1..1
over the pixels, so that even no turn at all reads beside the pixels' middles. See `misaligned`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from generator.devices import constant, to_like

BEYOND = 2.0
"""Pixels outside the cutout at which places are held: nothing is there to read, and far ones overflow an index."""


# Places -----------------------------------------------------------------------------------------------------


def affine_matrix(degrees: Tensor, shift: Tensor, shear: Tensor, size: int) -> Tensor:
    """(N, 3, 3) float64 from a source place to a target place: shear along x, turn about the middle, then shift.

    degrees, shear: (N,), in degrees   shift: (N, 2), pixels   positive degrees turn clockwise as one sees it
    """
    middle = (size - 1) / 2
    angle, slant = torch.deg2rad(degrees.double()), torch.tan(torch.deg2rad(shear.double()))
    turn = _eye(len(degrees))
    turn[:, 0, 0], turn[:, 0, 1] = angle.cos(), -angle.sin()
    turn[:, 1, 0], turn[:, 1, 1] = angle.sin(), angle.cos()
    turn[:, :2, 2] = middle - turn[:, :2, :2].sum(dim=2) * middle + shift.double()
    skew = _eye(len(degrees))
    skew[:, 0, 1], skew[:, 0, 2] = -slant, slant * middle
    return turn @ skew


def perspective_matrix(source: Tensor, target: Tensor) -> Tensor:
    """(N, 3, 3) float64 that takes four places (N, 4, 2) of the source to those of the target."""
    x, y = source.double().unbind(2)  # (N, 4)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    u, v = target.double().unbind(2)
    for_u = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], dim=2)
    for_v = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], dim=2)
    solved = torch.linalg.solve(torch.cat([for_u, for_v], dim=1), torch.cat([u, v], dim=1))
    return torch.cat([solved, torch.ones_like(solved[:, :1])], dim=1).view(-1, 3, 3)


def _eye(count: int) -> Tensor:
    return torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)


def misaligned(size: int) -> Tensor:
    """(3, 3) float64: p -> p S / (S - 1) - 1/2, from coordinates whose -1..1 spans the outer pixels' middles to
    coordinates whose -1..1 spans the outer pixels' edges, which kornia 0.5.4 takes for the same.
    """
    matrix = torch.eye(3, dtype=torch.float64)
    matrix[0, 0] = matrix[1, 1] = size / (size - 1)
    matrix[0, 2] = matrix[1, 2] = -0.5
    return matrix


def mapped(matrix: Tensor, size: int, like: Tensor) -> Tensor:
    """Every pixel's place after a (N, 3, 3) matrix: (N, S, S, 2), on the device and in the type of `like`."""
    side = torch.arange(size, device=like.device, dtype=like.dtype)
    grid = torch.stack([side.expand(size, size), side[:, None].expand(size, size), side.new_ones(size, size)], dim=2)
    x, y, z = (grid.view(1, -1, 3) @ to_like(matrix, like).transpose(1, 2)).view(-1, size, size, 3).unbind(3)
    z = torch.where(z.abs() > 1e-8, z, torch.ones_like(z))
    return torch.stack([x / z, y / z], dim=3)


# Thin plate splines -----------------------------------------------------------------------------------------

# The last corner but one is there twice and the fourth is missing, as in kornia 0.5.4.
SPLINE_POINTS = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)


def _spline_points() -> Tensor:
    return SPLINE_POINTS


def spline_weights(moved: Tensor) -> Tensor:
    """Weights (N, 5 + 3, 2) of a spline that takes five moved points (N, 5, 2) back to SPLINE_POINTS, float64.

    Distances go from the moved to the unmoved points, as in kornia 0.5.4 (Bookstein 1989 has moved to moved), so the
    points are met roughly, not exactly.
    """
    moved = moved.double()
    count = len(moved)
    bend = _bending(moved, SPLINE_POINTS.expand(count, -1, -1))
    flat = torch.cat([torch.ones_like(moved[:, :, :1]), moved], dim=2)  # (N, 5, 3)
    above = torch.cat([bend, flat], dim=2)
    below = torch.cat([flat.transpose(1, 2), flat.new_zeros(count, 3, 3)], dim=2)
    wanted = torch.cat([SPLINE_POINTS, SPLINE_POINTS.new_zeros(3, 2)]).expand(count, -1, -1)
    solved: Tensor = torch.linalg.solve(torch.cat([above, below], dim=1), wanted)
    return solved


def splined(weights: Tensor, size: int, like: Tensor) -> Tensor:
    """Every pixel's place after a spline: (N, S, S, 2)."""
    grid = _spanned(size, like).view(1, -1, 2)
    weights = to_like(weights, like)
    bend = _bending(grid, constant(_spline_points, like=like)[None])  # (1, S S, 5)
    flat = torch.cat([torch.ones_like(grid[:, :, :1]), grid], dim=2)
    return _to_places((torch.cat([bend, flat], dim=2) @ weights).view(-1, size, size, 2), size)


def _bending(points: Tensor, centres: Tensor) -> Tensor:
    """r^2 log r of the distances: (N, P, 2), (N, C, 2) -> (N, P, C)."""
    squared = (points[:, :, None] - centres[:, None]).square().sum(dim=3)
    return 0.5 * squared * (squared + 1e-8).log()


def _spanned(size: int, like: Tensor) -> Tensor:
    """(S, S, 2): x and y from -1 at the first pixel's middle to 1 at the last one's."""
    side = torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype)
    return torch.stack([side.expand(size, size), side[:, None].expand(size, size)], dim=2)


def _to_places(spanned: Tensor, size: int) -> Tensor:
    """-1..1 over the outer pixels' edges -> places."""
    return ((spanned + 1) * size - 1) / 2


# Elastic ----------------------------------------------------------------------------------------------------

ELASTIC_KERNEL = 63


def displaced(noise: Tensor, sigma: float, alpha: float) -> Tensor:
    """Every pixel's place moved by blurred noise (N, 2, S, S) in -1..1: (N, S, S, 2), never outside.

    The blur is gaussian, of ELASTIC_KERNEL pixels, zero outside; alpha 1 moves by up to half a side before it.
    """
    size = noise.shape[-1]
    blur = constant(blur_matrix, size, sigma, like=noise)
    moved = alpha * (blur @ noise @ blur.T)
    spanned = _spanned(size, noise) + moved.permute(0, 2, 3, 1)
    return _to_places(spanned.clamp(-1, 1), size)


def blur_matrix(size: int, sigma: float) -> Tensor:
    """(S, S) float64: a gaussian of ELASTIC_KERNEL taps that sum to 1, zero outside."""
    half = ELASTIC_KERNEL // 2
    taps = torch.arange(-half, half + 1, dtype=torch.float64)
    kernel = torch.exp(-taps.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    distance = torch.arange(size)[:, None] - torch.arange(size)
    return torch.where(distance.abs() <= half, kernel[(distance + half).clamp(0, 2 * half)], 0.0)


# Reading ----------------------------------------------------------------------------------------------------


def read(images: Tensor, places: Tensor, padding: str = "zeros") -> Tensor:
    """Bilinear reading of images (N, C, S, S) at places (N, S, S, 2); the gradient goes to the images.

    padding: zeros, border (the nearest pixel) or reflection (about the outer pixels' edges).
    torch's own sampler is used where its gradient is repeatable; `gather` everywhere else.
    """
    if images.device.type == "cpu" or (images.is_cuda and not torch.are_deterministic_algorithms_enabled()):
        return _sample(images, places, padding)
    return gather(images, places, padding)


def _sample(images: Tensor, places: Tensor, padding: str) -> Tensor:
    size = images.shape[-1]
    grid = (2 * _held(places, size, padding) + 1) / size - 1
    mode = "border" if padding == "border" else "zeros"
    return functional.grid_sample(images, grid, padding_mode=mode, align_corners=False)


def gather(images: Tensor, places: Tensor, padding: str = "zeros") -> Tensor:
    """As `read`, by indexing: four neighbours each, whose gradient is summed in a fixed order on every device."""
    count, channels, size, _ = images.shape
    places = _held(places, size, padding)
    if padding == "border":
        places = places.clamp(0, size - 1)
    corner = places.floor()
    along_x, along_y = (places - corner).unbind(3)
    left, top = corner.long().unbind(3)
    rows = images.permute(0, 2, 3, 1).reshape(-1, channels)  # (N S S, C)
    offset = (torch.arange(count, device=images.device) * size * size)[:, None, None]
    total = images.new_zeros(())
    for x, weight_x in ((left, 1 - along_x), (left + 1, along_x)):
        for y, weight_y in ((top, 1 - along_y), (top + 1, along_y)):
            inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
            found = rows[offset + y.clamp(0, size - 1) * size + x.clamp(0, size - 1)]  # (N, S, S, C)
            total = total + found * (weight_x * weight_y * inside)[..., None]
    return total.permute(0, 3, 1, 2)


def _held(places: Tensor, size: int, padding: str) -> Tensor:
    """Places near enough to be indexed, that read the same."""
    if padding != "reflection":
        return places.clamp(-BEYOND, size - 1 + BEYOND)
    turned = (places + 0.5).remainder(2 * size)
    return (torch.where(turned >= size, 2 * size - turned, turned) - 0.5).clamp(0, size - 1)


# Straight cuts ----------------------------------------------------------------------------------------------


def stretched(images: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """Rectangles of images (N, C, S, S), bilinearly stretched to S x S with their corners on the corners.

    starts, lengths: (N, 2), x and y in pixels
    """
    size = images.shape[-1]
    steps = torch.linspace(0, 1, size, dtype=torch.float64)
    places = starts.double()[:, :, None] + steps * (lengths.double()[:, :, None] - 1)  # (N, 2, S)
    weights = to_like((1 - (places[..., None] - torch.arange(size)).abs()).clamp(min=0), images)  # (N, 2, S, S)
    return weights[:, 1, None] @ images @ weights[:, 0, None].transpose(2, 3)


def shifted(images: Tensor, offsets: Tensor, margin: int) -> Tensor:
    """Images padded by `margin` mirrored pixels on all sides, cut to S x S again at offsets (N, 2), x and y, from 0."""
    size = images.shape[-1]
    places = (offsets[:, :, None] + torch.arange(size) - margin).abs()  # (N, 2, S)
    places = torch.where(places >= size, 2 * (size - 1) - places, places)
    weights = to_like(functional.one_hot(places, size), images)
    return weights[:, 1, None] @ images @ weights[:, 0, None].transpose(2, 3)
