"""The sizes of the published SigLIP 2 (Tschannen et al. 2025), and how they are read off the tensors of one.

How wide a head of the attention is no tensor tells; it goes by the name. The sizes: the configurations of open_clip
(model_configs/ViT-*-SigLIP2*.json, 3.3.0) and of timm (vision_transformer.py, *_siglip_*). Google's big_vision computes
them with the hyperbolic tangent's GELU, normalisations of epsilon 1e-6 and pixels in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.models.clip_sizes import HALF, HEAD_WIDTH, CLIPArchitecture, Colour, Gelu, count, square_root

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6
"""Of the normalisations."""


@dataclass(frozen=True, kw_only=True)
class SigLIPArchitecture(CLIPArchitecture):
    """The sizes of one SigLIP: no class token, a head that asks all patches, and texts that are always full."""

    image_hidden: int = 3072
    text_hidden: int = 3072
    """Numbers between the two linear maps of a layer."""
    text_head_width: int = HEAD_WIDTH
    context: int = 64
    tokens: int = 256_000
    gelu: Gelu = "tanh"
    mean: Colour = HALF
    deviation: Colour = HALF

    @property
    def image_tokens(self) -> int:
        """What the image tower sees of a picture: its patches."""
        return (self.side // self.patch) ** 2

    @property
    def image_whole_layers(self) -> int:
        """Layers of the image tower that are computed for every token: all, since the head asks every token."""
        return self.image_layers[0]


_B16 = SigLIPArchitecture(width=768, side=224, image_width=768, patch=16, image_layers=(12,), text_width=768)
ARCHITECTURES: dict[str, SigLIPArchitecture] = {
    "SigLIP2-B/32@256px": replace(_B16, side=256, patch=32),
    "SigLIP2-B/16": _B16,
    "SigLIP2-L/16@256px": replace(
        _B16,
        width=1024,
        side=256,
        image_width=1024,
        image_layers=(24,),
        image_hidden=4096,
        text_width=1024,
        text_layers=24,
        text_hidden=4096,
    ),
    "SigLIP2-SO400M/14": replace(
        _B16,
        width=1152,
        image_width=1152,
        patch=14,
        image_layers=(27,),
        image_head_width=72,
        image_hidden=4304,
        text_width=1152,
        text_layers=27,
        text_head_width=72,
        text_hidden=4304,
    ),
}
"""The published models by name."""


def architecture_of(tensors: Mapping[str, Tensor]) -> SigLIPArchitecture:
    """The sizes of the SigLIP with these weights; KeyError or ValueError when they are of something else."""
    image_width, _, patch, _ = tensors["visual.conv1.weight"].shape
    context, text_width = tensors["positional_embedding"].shape
    return SigLIPArchitecture(
        width=tensors["text_projection.weight"].shape[0],
        side=patch * square_root(len(tensors["visual.positional_embedding"])),
        image_width=image_width,
        patch=patch,
        image_layers=(count(tensors, "visual.transformer.resblocks."),),
        image_hidden=len(tensors["visual.transformer.resblocks.0.mlp.c_fc.weight"]),
        text_width=text_width,
        text_layers=count(tensors, "transformer.resblocks."),
        text_hidden=len(tensors["transformer.resblocks.0.mlp.c_fc.weight"]),
        context=context,
        tokens=len(tensors["token_embedding.weight"]),
    )
