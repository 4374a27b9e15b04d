"""VGG-19 behind the engine's protocol: what style and content of a picture are measured with.

The network is torchvision's, its weights are those torchvision publishes. Neither is fetched unasked, and nothing here
is imported unless a run asks for style or content.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from dreamrig.errors import MissingWeightsError, NotReadyError
from generator.models.clip_vit import colours
from generator.models.companions import torchvision_command
from generator.weights.registry import sha256_of

WEIGHTS = "vgg19-dcbb9e9d.pth"
"""Where torchvision puts them, below torch's own folder; the eight digits are the first of their SHA-256."""
SHA256_START = "dcbb9e9d"
FETCH_WORDS = "import torchvision; torchvision.models.vgg19(weights='IMAGENET1K_V1')"
FETCH = f'run: {shlex.quote(sys.executable)} -c "{FETCH_WORDS}" (548 MiB)'
"""By the very Python that draws: another one may have no torchvision."""
# After the ReLUs of conv1_1, conv2_1, conv3_1, conv4_1, conv5_1; and of conv4_2.
STYLE_LAYERS, CONTENT_LAYER = (1, 6, 11, 20, 29), 22
SMALLEST_POOLED = 2
"""Of a picture below 16 pixels nothing would be left."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, red, green and blue in [0, 1]: what torchvision's networks were trained on."""


class Perceptual:
    """A stack of layers as a FeatureModel."""

    def __init__(self, layers: nn.Sequential, style: Sequence[int], content: int) -> None:
        """style, content: the numbers of the layers whose output counts."""
        self.style, self.content = tuple(style), content
        kept = list(layers)[: max(*style, content) + 1]
        # A ReLU that works in place would change what the layer before it gave.
        self.layers = nn.Sequential(*(nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in kept))
        self.layers.eval().requires_grad_(False)
        # Once, not in every step: on a card that would be waited for.
        weight = next(self.layers.parameters())
        self.mean, self.deviation = colours(MEAN, weight), colours(DEVIATION, weight)

    def features(self, image: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """(B, 3, H, W) in [0, 1] -> activations (B, c, h, w) that hold style, shallow to deep, and those of content."""
        found: dict[int, Tensor] = {}
        activations = (image - self.mean) / self.deviation
        for number, layer in enumerate(self.layers):
            if not (isinstance(layer, nn.MaxPool2d) and min(activations.shape[2:]) < SMALLEST_POOLED):
                activations = layer(activations)
            if number == self.content or number in self.style:
                found[number] = activations
        return tuple(found[number] for number in self.style), found[self.content]


def import_vgg19() -> Callable[..., Any]:
    """torchvision's maker of the network; NotReadyError where torchvision is missing, or does not fit this torch."""
    try:
        from torchvision.models import vgg19
    except (ImportError, RuntimeError, OSError) as error:  # a build for another torch fails with any of these
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
        raise NotReadyError(
            f"--style and --content need torchvision, which {reason}.",
            hint=f"run: {torchvision_command()}",
        ) from error
    return cast(Callable[..., Any], vgg19)


def require_weights(folder: Path | None = None) -> Path:
    """Where the weights lie, in torch's own folder without another; MissingWeightsError that says the command."""
    path = (Path(torch.hub.get_dir()) / "checkpoints" if folder is None else folder) / WEIGHTS
    if not path.is_file():
        raise MissingWeightsError("The weights of VGG-19, for --style and --content, are not here yet.", hint=FETCH)
    return path


def load_vgg19(
    device: torch.device,
    make: Callable[[], Callable[..., Any]] = import_vgg19,
    folder: Path | None = None,
    sha256_start: str = SHA256_START,
) -> Perceptual:
    """VGG-19 with the weights that lie in torch's folder; NotReadyError that says the command where they do not.

    make: the door to torchvision.   folder: where the weights lie; None = torch's own.   sha256_start: of the file.
    """
    build = make()
    path = require_weights(folder)
    if not sha256_of(path).startswith(sha256_start):
        raise MissingWeightsError(f"{path} is damaged: its SHA-256 is not its name's.", hint=f"delete it; {FETCH}")
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    network = build(weights=None)
    network.load_state_dict(tensors)
    return Perceptual(network.features.to(device), STYLE_LAYERS, CONTENT_LAYER)
