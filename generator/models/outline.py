"""What our own networks look like, for whoever has a strange file to compare with them. Imports torch when called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from generator.models.small_networks import head_shapes, upscaler_shapes
from generator.weights.convert import Misfit, Shape
from generator.weights.registry import Kind

if TYPE_CHECKING:
    from torch import Tensor


def outline(kind: Kind, shapes: Mapping[str, Shape], *, name: str = "") -> tuple[dict[str, Any], Mapping[str, Shape]]:
    """The sizes of the network of this kind whose tensors have these shapes, and the shapes of all of its tensors.

    name: of the published network that it is said to be; "" = any of its kind. Sizes may be others, the family not.
    No weights are made. A tokenizer is no network: it is taken as it is.
    Misfit for another network; shapes that fit no network can fail anywhere in it, with any exception.
    """
    if kind == "tokenizer":
        return {}, shapes
    if kind == "upscaler":
        return {}, upscaler_shapes(shapes, name)
    if kind == "head":
        return {}, head_shapes(shapes, name)
    import torch

    tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    with torch.device("meta"):
        return _vqgan(tensors) if kind == "vqgan" else _guide(tensors, name)


def _vqgan(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Shape]]:
    from generator.models import vqgan

    sizes = vqgan.architecture_of(tensors)
    return asdict(sizes), _shapes(vqgan.VQGAN(sizes))


def _guide(tensors: Mapping[str, Tensor], name: str) -> tuple[dict[str, Any], dict[str, Shape]]:
    from generator.models import guides
    from generator.models.clip_sizes import TOLD_BY_NAME

    sizes = guides.architecture_of(tensors)
    family, known = guides.family_of(sizes), guides.ARCHITECTURES.get(name)
    if known is not None and guides.family_of(known) != family:
        message = f"is the checkpoint of a {family}, and {name} is a {guides.family_of(known)}"
        raise Misfit(message, hint=f"import it under a name of a {family}: dreamrig weights list")
    told = {field: size for field, size in asdict(sizes).items() if field not in TOLD_BY_NAME}
    return told, _shapes(guides.make(sizes))


def _shapes(network: Any) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
