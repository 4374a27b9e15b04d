"""Put drawings before a painted background so that they belong there: colour, surface, light, shadow, style.

All of it is arithmetic on pixels, exact for every drawing and every sky, so no network has to learn it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

RGB: dict[str, tuple[float, float, float]] = {
    "red": (0.84, 0.16, 0.18), "orange": (0.98, 0.55, 0.12), "yellow": (0.99, 0.84, 0.19), "green": (0.19, 0.63, 0.27),
    "turquoise": (0.19, 0.78, 0.78), "blue": (0.18, 0.37, 0.84), "purple": (0.51, 0.22, 0.69),
    "pink": (0.98, 0.47, 0.75), "brown": (0.49, 0.29, 0.16), "white": (0.96, 0.96, 0.96), "gray": (0.55, 0.56, 0.58),
    "black": (0.13, 0.13, 0.15),
}  # fmt: skip
"""The starter's colours; those its world is painted in."""
AMBIENT: dict[str, tuple[float, float, float]] = {
    "sunset": (1.0, 0.86, 0.78), "night": (0.68, 0.72, 0.90), "storm": (0.80, 0.82, 0.86), "pink": (1.0, 0.92, 0.95),
    "purple": (0.90, 0.84, 0.98), "green": (0.92, 1.0, 0.92),
}  # fmt: skip
"""What the sky does to every colour below it."""
_LUMA = (0.3, 0.59, 0.11)
_SHADOW = 0.42


def luma(rgb: Tensor) -> Tensor:
    """(3, h, w) -> (1, h, w)."""
    return (rgb * rgb.new_tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)


def crop(drawing: Tensor) -> Tensor:
    """The box in which a drawing (4, s, s) shows."""
    shows = drawing[3] > 0.2
    rows, columns = shows.any(1).nonzero()[:, 0], shows.any(0).nonzero()[:, 0]
    if not len(rows):
        return drawing
    return drawing[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]


def head_of(drawing: Tensor) -> float:
    """Where the upper sixth of a cropped drawing (4, h, w) lies, as a fraction of the width from the left."""
    alpha = drawing[3, : max(1, drawing.shape[1] // 6)]
    across = torch.arange(alpha.shape[1], device=alpha.device, dtype=alpha.dtype) + 0.5
    return float((alpha.sum(0) * across).sum() / alpha.sum().clamp(min=1e-6) / alpha.shape[1])


def resize(drawing: Tensor, height: int, width: int) -> Tensor:
    """(4, h, w) -> (4, height, width), colours times alpha."""
    sized = F.interpolate(drawing[None], (height, width), mode="bicubic", antialias=True, align_corners=False)[0]
    alpha = sized[3:].clamp(0, 1)
    return torch.cat((torch.minimum(sized[:3].clamp(0, 1), alpha), alpha))


def recolour(drawing: Tensor, colour: str) -> Tensor:
    """The drawing with its chief colour made another one; eyes, teeth and outlines stay as they are."""
    target = drawing.new_tensor(RGB[colour])[:, None, None]
    alpha = drawing[3:]
    rgb = drawing[:3] / alpha.clamp(min=1e-3)
    bright = luma(rgb)
    chief = _chief_colour(rgb, alpha)
    # Shades of one colour differ in brightness: what is compared is the colour for its brightness.
    tint, wanted = rgb / (bright + 0.12), chief / (luma(chief) + 0.12)
    near = torch.exp(-((tint - wanted).square().sum(0, keepdim=True) / 0.55))
    lines = ((bright - 0.10) / 0.10).clamp(0, 1)
    share = bright / luma(chief).clamp(min=0.05)
    painted = target * share.clamp(max=1) + (1 - target) * (share - 1).clamp(0, 1) * 0.5
    mixed = rgb + (near * lines) * (painted - rgb)
    return torch.cat((mixed.clamp(0, 1) * alpha, alpha))


def _chief_colour(rgb: Tensor, alpha: Tensor) -> Tensor:
    """The colour most of a drawing has, (3, 1, 1): the fullest of 216 boxes, black lines and white glints left out."""
    inside = (alpha[0] > 0.8) & (luma(rgb)[0] > 0.16)
    pixels = rgb[:, inside].T if bool(inside.any()) else rgb.flatten(1).T
    boxes = ((pixels * 5.999).long().clamp(0, 5) * pixels.new_tensor((36, 6, 1)).long()).sum(1)
    saturation = pixels.amax(1) - pixels.amin(1)
    weight = torch.zeros(216, device=rgb.device).index_add_(0, boxes, 0.35 + saturation)
    return pixels[boxes == int(weight.argmax())].mean(0)[:, None, None]


def nearest_colour(drawing: Tensor) -> str:
    """The starter's colour that is nearest to the chief colour of a drawing (4, h, w)."""
    chief = _chief_colour(drawing[:3] / drawing[3:].clamp(min=1e-3), drawing[3:]).flatten()
    return nearest_to(chief.tolist())


def nearest_to(rgb: Sequence[float]) -> str:
    """The starter's colour that is nearest to a colour in [0, 1]."""
    return min(RGB, key=lambda name: sum((own - one) ** 2 for own, one in zip(RGB[name], rgb, strict=True)))


def made_of(drawing: Tensor, material: Tensor) -> Tensor:
    """The silhouette and the shading of one thing with the surface of another, both (4, h, w)."""
    height, width = drawing.shape[1:]
    alpha = drawing[3:]
    inner = material[:, material.shape[1] // 8 : -(material.shape[1] // 8) or None]
    inner = inner[:, :, material.shape[2] // 8 : -(material.shape[2] // 8) or None]
    surface = resize(inner, height, width)
    mean = (material[:3].sum((1, 2)) / material[3].sum().clamp(min=1e-3))[:, None, None]
    filled = surface[:3] + (1 - surface[3:]) * mean
    bright = luma(drawing[:3] / alpha.clamp(min=1e-3))
    usual = (bright * alpha).sum() / alpha.sum().clamp(min=1e-3)
    shaded = filled * (0.35 + 0.65 * (bright / usual.clamp(min=0.1))).clamp(0.25, 1.3)
    return torch.cat((shaded.clamp(0, 1) * alpha, alpha))


def light(drawing: Tensor, sky: str, from_left: float) -> Tensor:
    """The drawing in the light of a sky, brighter on the side the light comes from (1: left, -1: right)."""
    ambient = drawing.new_tensor(AMBIENT.get(sky, (1.0, 1.0, 1.0)))[:, None, None]
    side = torch.linspace(from_left, -from_left, drawing.shape[2], device=drawing.device)
    down = torch.linspace(0.06, -0.08, drawing.shape[1], device=drawing.device)
    shade = 1 + 0.09 * side[None, None, :] + down[None, :, None]
    return torch.cat((torch.minimum((drawing[:3] * ambient * shade).clamp(0, 1), drawing[3:]), drawing[3:]))


def lay(picture: Tensor, drawing: Tensor, top: int, left: int) -> None:
    """Lay a drawing (4, h, w) over a picture (3, H, W) in place; what is outside of it is cut off."""
    height, width = picture.shape[1:]
    up, down = max(0, top), min(height, top + drawing.shape[1])
    near, far = max(0, left), min(width, left + drawing.shape[2])
    if up >= down or near >= far:
        return
    part = drawing[:, up - top : down - top, near - left : far - left]
    spot = picture[:, up:down, near:far]
    spot.copy_(spot * (1 - part[3:]) + part[:3])


def shadow(picture: Tensor, x: float, foot: float, width: float, from_left: float) -> None:
    """Darken the ground where something stands: pixels, in place."""
    rows = torch.arange(picture.shape[1], device=picture.device)[:, None] + 0.5
    columns = torch.arange(picture.shape[2], device=picture.device)[None, :] + 0.5
    across = (columns - x - 0.10 * width * from_left) / (0.52 * width)
    down = (rows - foot) / (0.085 * width)
    picture.mul_(1 - _SHADOW * torch.exp(-(across.square() + down.square()) * 1.6))


def reflection(picture: Tensor, drawing: Tensor, foot: int, left: int) -> None:
    """The faint upside-down picture of something on water, in place."""
    mirrored = resize(drawing.flip(1), max(2, drawing.shape[1] // 2), drawing.shape[2])
    fade = torch.linspace(0.34, 0.0, mirrored.shape[1], device=picture.device)[None, :, None]
    lay(picture, mirrored * fade, foot, left)


def styled(picture: Tensor, style: str) -> Tensor:
    """A plain picture (3, H, W) in one of the starter's styles."""
    if style == "pixel":
        cell = max(2, min(picture.shape[1:]) // 64)
        return F.interpolate(F.avg_pool2d(picture[None], cell), picture.shape[1:], mode="nearest")[0]
    if style == "pastel":
        return picture * 0.5 + 0.5
    if style not in ("sketch", "neon"):
        return picture
    scale = min(picture.shape[1:]) / 128
    soft = _blur(picture, 0.8 * scale)
    across = F.pad(soft.diff(dim=1), (0, 0, 1, 0)).abs().amax(0) + F.pad(soft.diff(dim=2), (1, 0)).abs().amax(0)
    lines = (across * scale * 255 / 40).clamp(0, 1)[None]
    if style == "sketch":
        paper = picture.new_tensor((0.965, 0.94, 0.886))[:, None, None]
        return (picture * 0.35 + 0.65 * paper) * (1 - 0.85 * lines)
    vivid = picture / picture.amax(0, keepdim=True).clamp(min=0.235)
    return picture * 0.22 + vivid * (lines + 0.9 * _blur(lines, 2.5 * scale)).clamp(0, 1)


def _blur(picture: Tensor, deviation: float) -> Tensor:
    reach = max(1, round(3 * deviation))
    at = torch.arange(-reach, reach + 1, device=picture.device, dtype=picture.dtype)
    kernel = torch.exp(-0.5 * (at / deviation).square())
    kernel = (kernel / kernel.sum()).expand(picture.shape[0], 1, 1, -1)
    padded = F.pad(picture[None], (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel, groups=picture.shape[0])
    return F.conv2d(across, kernel.transpose(2, 3), groups=picture.shape[0])[0]
