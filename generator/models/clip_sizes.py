"""The sizes of the published CLIPs, and how they are read off the tensors of one.

Three things no tensor tells: how wide a head of the attention is, which GELU the towers were trained with, and what the
pixels were scaled by. They go by the name (see generator.models.guides). The sizes: openai/CLIP, and
mlfoundations/open_clip, model_configs/ and pretrained.py (3.3.0), from where the normalisations are too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Colour = tuple[float, float, float]
"""A number each for red, green and blue."""
Gelu = Literal["quick", "exact", "tanh"]
"""x * sigmoid(1.702 x), the GELU itself, and its approximation by a hyperbolic tangent (Hendrycks and Gimpel 2016)."""
MEAN: Colour = (0.48145466, 0.4578275, 0.40821073)
DEVIATION: Colour = (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels in [0, 1] that OpenAI's CLIPs, and most of LAION's, were trained on."""
HALF: Colour = (0.5, 0.5, 0.5)
"""Mean and deviation where pixels were simply put into [-1, 1]."""
HEAD_WIDTH = 64


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
    image_head_width: int = HEAD_WIDTH
    """Of one head of the image tower's attention."""
    image_hidden: int = 0
    """Numbers between the two linear maps of a layer of the image tower; 0 = four times its width."""
    gelu: Gelu = "quick"
    mean: Colour = MEAN
    deviation: Colour = DEVIATION

    @property
    def image_heads(self) -> int:
        """Of the image tower's attention."""
        return self.image_width // self.image_head_width

    @property
    def image_tokens(self) -> int:
        """What a vision transformer sees of a picture: its patches and the class."""
        return (self.side // self.patch) ** 2 + 1

    @property
    def image_whole_layers(self) -> int:
        """Layers of a vision transformer that are computed for every token; in the last one only the class asks."""
        return self.image_layers[0] - 1


_B32 = CLIPArchitecture(width=512, side=224, image_width=768, patch=32, image_layers=(12,))
_L14 = CLIPArchitecture(width=768, side=224, image_width=1024, patch=14, image_layers=(24,), text_width=768)
_H14 = replace(
    _L14,
    width=1024,
    image_width=1280,
    image_head_width=80,
    image_layers=(32,),
    text_width=1024,
    text_layers=24,
    gelu="exact",
)
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
    "ViT-B/32-laion2b": replace(_B32, gelu="exact"),
    "ViT-B/16-laion2b": replace(_B32, patch=16, gelu="exact"),
    "ViT-L/14-laion2b": replace(_L14, gelu="exact", mean=HALF, deviation=HALF),
    "ViT-H/14-laion2b": _H14,
    "ViT-B/32-datacomp": replace(_B32, gelu="exact"),
    "ViT-B/16-datacomp": replace(_B32, patch=16, gelu="exact"),
    "ViT-L/14-datacomp": replace(_L14, gelu="exact"),
}
"""The published models by name; the sizes of a loaded one are read off its tensors, see architecture_of."""
BY_OPENAI = frozenset(name for name in ARCHITECTURES if not name.endswith(("-laion2b", "-datacomp")))
"""Those that openai-clip's own network computes."""

TOLD_BY_NAME = frozenset(("image_head_width", "text_head_width", "gelu", "mean", "deviation"))
"""Fields that no tensor tells."""


def by_name(read: CLIPArchitecture, known: CLIPArchitecture) -> CLIPArchitecture:
    """The sizes read off a model's tensors, with what no tensor tells from the known ones, of the same family."""
    return replace(read, **{name: getattr(known, name) for name in TOLD_BY_NAME & vars(known).keys()})


def architecture_of(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    """The sizes of the CLIP with these weights; KeyError or ValueError when they are of something else."""
    context, text_width = tensors["positional_embedding"].shape
    sizes = _vit_sizes(tensors) if "visual.proj" in tensors else _resnet_sizes(tensors)
    return replace(
        sizes,
        width=tensors["text_projection"].shape[1],
        text_width=text_width,
        text_layers=count(tensors, "transformer.resblocks."),
        context=context,
        tokens=len(tensors["token_embedding.weight"]),
    )


def _vit_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    image_width, _, patch, _ = tensors["visual.conv1.weight"].shape
    side = patch * square_root(len(tensors["visual.positional_embedding"]) - 1)
    layers = (count(tensors, "visual.transformer.resblocks."),)
    return CLIPArchitecture(width=0, side=side, image_width=image_width, patch=patch, image_layers=layers)


def _resnet_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    blocks = tuple(count(tensors, f"visual.layer{stage}.") for stage in range(1, 5))
    side = 32 * square_root(len(tensors["visual.attnpool.positional_embedding"]) - 1)
    return CLIPArchitecture(
        width=0, side=side, image_width=len(tensors["visual.layer1.0.conv1.weight"]), image_layers=blocks
    )


def count(tensors: Iterable[str], prefix: str) -> int:
    """How many different parts of names follow on a prefix."""
    return len({key[len(prefix) :].split(".")[0] for key in tensors if key.startswith(prefix)})


def square_root(area: int) -> int:
    """Rounded down."""
    return math.isqrt(area)
