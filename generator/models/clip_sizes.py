"""The sizes of the published CLIPs, and how they are read off the tensors of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class CLIPArchitecture:
    """The sizes of one CLIP."""

    width: int
    """Length of an embedding (D)."""
    side: int
    """Pixels of the square picture it reads (S)."""
    image_width: int
    patch: int = 0
    """Pixels of a patch's side; 0 = a ResNet."""
    image_layers: tuple[int, ...]
    """Layers of the vision transformer, or blocks of the ResNet's four stages."""
    text_width: int = 512
    text_layers: int = 12
    context: int = 77
    tokens: int = 49408


_B32 = CLIPArchitecture(width=512, side=224, image_width=768, patch=32, image_layers=(12,))
_L14 = CLIPArchitecture(width=768, side=224, image_width=1024, patch=14, image_layers=(24,), text_width=768)
_RN50 = CLIPArchitecture(width=1024, side=224, image_width=64, image_layers=(3, 4, 6, 3))
ARCHITECTURES: dict[str, CLIPArchitecture] = {
    "RN50": _RN50,
    "RN101": replace(_RN50, width=512, image_layers=(3, 4, 23, 3)),
    "RN50x4": CLIPArchitecture(width=640, side=288, image_width=80, image_layers=(4, 6, 10, 6), text_width=640),
    "RN50x16": CLIPArchitecture(width=768, side=384, image_width=96, image_layers=(6, 8, 18, 8), text_width=768),
    "RN50x64": CLIPArchitecture(width=1024, side=448, image_width=128, image_layers=(3, 15, 36, 10), text_width=1024),
    "ViT-B/32": _B32,
    "ViT-B/16": replace(_B32, patch=16),
    "ViT-L/14": _L14,
    "ViT-L/14@336px": replace(_L14, side=336),
}
"""The published models by name; the sizes of a loaded one are read off its tensors, see architecture_of."""


def architecture_of(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    """The sizes of the CLIP with these weights; KeyError or ValueError when they are of something else."""
    context, text_width = tensors["positional_embedding"].shape
    sizes = _vit_sizes(tensors) if "visual.proj" in tensors else _resnet_sizes(tensors)
    return replace(
        sizes,
        width=tensors["text_projection"].shape[1],
        text_width=text_width,
        text_layers=_count(tensors, "transformer.resblocks."),
        context=context,
        tokens=len(tensors["token_embedding.weight"]),
    )


def _vit_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    image_width, _, patch, _ = tensors["visual.conv1.weight"].shape
    side = patch * _square_root(len(tensors["visual.positional_embedding"]) - 1)
    layers = (_count(tensors, "visual.transformer.resblocks."),)
    return CLIPArchitecture(width=0, side=side, image_width=image_width, patch=patch, image_layers=layers)


def _resnet_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    blocks = tuple(_count(tensors, f"visual.layer{stage}.") for stage in range(1, 5))
    side = 32 * _square_root(len(tensors["visual.attnpool.positional_embedding"]) - 1)
    return CLIPArchitecture(
        width=0, side=side, image_width=len(tensors["visual.layer1.0.conv1.weight"]), image_layers=blocks
    )


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in tensors if key.startswith(prefix)})


def _square_root(area: int) -> int:
    return math.isqrt(area)
