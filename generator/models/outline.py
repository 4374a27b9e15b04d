"""What our own networks look like, for whoever has a strange file to compare with them. Imports torch when called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from generator.weights.convert import Shape
from generator.weights.registry import Kind


def outline(kind: Kind, shapes: Mapping[str, Shape]) -> tuple[dict[str, Any], dict[str, Shape]]:
    """The sizes of the network of this kind whose tensors have these shapes, and the shapes of all of its tensors.

    No weights are made. Shapes that fit no network can fail anywhere in it, with any exception.
    """
    import torch

    from generator.models import clip, vqgan

    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with torch.device("meta"):
        if kind == "vqgan":
            sizes = vqgan.architecture_of(tensors)
            return asdict(sizes), _shapes(vqgan.VQGAN(sizes))
        clip_sizes = clip.architecture_of(tensors)
        return asdict(clip_sizes), _shapes(clip.CLIP(clip_sizes))


def _shapes(network: Any) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
