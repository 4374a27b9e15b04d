"""What our own networks look like, for whoever has a strange file to compare with them. Imports torch when called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from generator.weights.convert import Shape
from generator.weights.registry import Kind


def outline(kind: Kind, shapes: Mapping[str, Shape]) -> tuple[dict[str, Any], dict[str, Shape]]:
    """The sizes of the network of this kind whose tensors have these shapes, and the shapes of all of its tensors.

    No weights are made. A tokenizer is no network: it is taken as it is.
    Shapes that fit no network can fail anywhere in it, with any exception.
    """
    if kind == "tokenizer":
        return {}, dict(shapes)
    import torch

    from generator.models import guides, vqgan
    from generator.models.clip_sizes import TOLD_BY_NAME

    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with torch.device("meta"):
        if kind == "vqgan":
            sizes = vqgan.architecture_of(tensors)
            return asdict(sizes), _shapes(vqgan.VQGAN(sizes))
        guide = guides.architecture_of(tensors)
        told = {name: size for name, size in asdict(guide).items() if name not in TOLD_BY_NAME}
        return told, _shapes(guides.make(guide))


def _shapes(network: Any) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
