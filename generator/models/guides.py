"""Every network that can guide, of either family, by its name: CLIPs and SigLIPs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from generator.models import clip_sizes, siglip_sizes
from generator.models.clip import CLIP
from generator.models.clip_sizes import CLIPArchitecture
from generator.models.siglip import SigLIP
from generator.models.siglip_sizes import SigLIPArchitecture

ARCHITECTURES: Mapping[str, CLIPArchitecture] = {**clip_sizes.ARCHITECTURES, **siglip_sizes.ARCHITECTURES}
"""The published models by name."""
_ONLY_SIGLIP = "visual.head.probe"


def make(sizes: CLIPArchitecture) -> CLIP | SigLIP:
    """The network of these sizes, its weights not set."""
    return SigLIP(sizes) if isinstance(sizes, SigLIPArchitecture) else CLIP(sizes)


def place(network: CLIP | SigLIP, device: torch.device) -> CLIP | SigLIP:
    """The network on a device, but for what it needs there only a little of."""
    return network.place(device) if isinstance(network, SigLIP) else network.to(device)


def weights_on_card(network: CLIP | SigLIP) -> int:
    """How many numbers of it `place` takes to a device."""
    table = network.token_embedding.weight.numel() if isinstance(network, SigLIP) else 0
    return sum(weight.numel() for weight in network.parameters()) - table


def architecture_of(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    """The sizes of the network with these weights; KeyError or ValueError when they are of something else."""
    if _ONLY_SIGLIP in tensors:
        return siglip_sizes.architecture_of(tensors)
    return clip_sizes.architecture_of(tensors)


def family_of(sizes: CLIPArchitecture) -> str:
    """What a network of these sizes is called."""
    return "SigLIP" if isinstance(sizes, SigLIPArchitecture) else "CLIP"


def sizes_by_name(name: str, tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    """The sizes of the network with these weights, and what its name alone tells.

    A name that nobody knows goes for one of OpenAI's. KeyError or ValueError when they are of something else, or of the
    other family.
    """
    read = architecture_of(tensors)
    known = ARCHITECTURES.get(name, read)
    if family_of(known) != family_of(read):
        raise ValueError("a CLIP is no SigLIP")
    return clip_sizes.by_name(read, known)
