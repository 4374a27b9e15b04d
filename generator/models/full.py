"""The full-size networks: a published VQGAN with published CLIPs behind the engine's protocols."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.models import bpe, guides, reference, vqgan
from generator.models.allocators import allocator_of
from generator.models.base import Models
from generator.models.clip_sizes import CLIPArchitecture
from generator.models.filling import fill, sizes_of
from generator.models.footprint import Footprint
from generator.models.likes import likes_of
from generator.models.names import GUIDE, TOKENIZER, guide_names, tokenizers_of
from generator.models.pieces import Pieces, byte_tokens
from generator.models.random_weights import random_tensors
from generator.models.siglip_sizes import SigLIPArchitecture
from generator.weights import registry


class ImageNetwork(Protocol):
    """What FullImage asks of a VQGAN; pictures in [-1, 1]."""

    checkpointed: bool

    @property
    def codebook(self) -> Tensor: ...

    def decode(self, latent: Tensor) -> Tensor: ...

    def encode(self, image: Tensor) -> Tensor: ...


class GuideNetwork(Protocol):
    """What FullGuide asks of a CLIP; pixels in [0, 1]."""

    def encode_image(self, pixels: Tensor) -> Tensor: ...

    def encode_tokens(self, tokens: Tensor) -> Tensor: ...


class FullImage:
    """A VQGAN as an ImageModel."""

    def __init__(self, network: ImageNetwork, factor: int) -> None:
        self._network = network
        self.factor = factor
        self.codebook: Tensor = network.codebook.detach()

    @property
    def checkpointed(self) -> bool:
        """Whether the decoder keeps only what enters each of its levels, and computes the rest twice."""
        return self._network.checkpointed

    @checkpointed.setter
    def checkpointed(self, value: bool) -> None:
        self._network.checkpointed = value

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, 3, h * factor, w * factor), nominal range [0, 1], not clamped."""
        return (self._network.decode(latent) + 1) / 2

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H / factor, W / factor); not quantised, but of a Gumbel codebook."""
        return self._network.encode(image * 2 - 1)


Tokenise = Callable[[str, int], list[int]]
"""A text and how many tokens are read at once -> exactly so many tokens."""


class FullGuide:
    """A CLIP or a SigLIP as a GuideModel."""

    def __init__(
        self,
        network: GuideNetwork,
        sizes: CLIPArchitecture,
        device: torch.device,
        tokenise: Tokenise = bpe.tokenise,
    ) -> None:
        self._network, self._tokenise = network, tokenise
        self._device, self._context = device, sizes.context
        self.size, self.width = sizes.side, sizes.width

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """P texts -> (P, D), not normalised; UsageError for one that is longer than the guide reads."""
        tokens = [self._tokenise(text, self._context) for text in texts]
        return self._network.encode_tokens(torch.tensor(tokens, device=self._device))

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, D), not normalised."""
        return self._network.encode_image(cutouts)

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        """None: its tokens go down to single bytes."""
        return {}


@dataclass(frozen=True)
class Loader:
    """Where the weights come from, and what they are put into."""

    config: GenerateConfig
    device: torch.device
    folder: Path | None = None
    """The folder with converted weights; None = the user's own."""

    @property
    def is_mixed(self) -> bool:
        """Half precision is for CUDA alone."""
        return self.config.precision == "mixed" and self.device.type == "cuda"

    @property
    def guide_dtype(self) -> torch.dtype:
        """What CLIP computes in."""
        if self.config.precision == "bf16":
            return torch.bfloat16
        return torch.float16 if self.is_mixed else torch.float32

    @property
    def decoder_dtype(self) -> torch.dtype:
        """What the decoder computes in, but for its norms; sums of products are float32 in any case."""
        return torch.bfloat16 if self.config.precision == "bf16" else torch.float32

    @property
    def is_reference(self) -> bool:
        """Whether the networks are those of the reference packages."""
        return self.config.backend == "reference"

    def image(self, name: str) -> tuple[FullImage, vqgan.VQGANArchitecture]:
        """The VQGAN of that name and its sizes."""
        tensors = self.tensors(name, vqgan.VQGAN, vqgan.ARCHITECTURES)
        sizes = sizes_of(name, vqgan.architecture_of, tensors)
        network: ImageNetwork
        if self.is_reference:
            network = reference.load_vqgan(name, sizes, tensors).to(self.device)
        else:
            # Convolutions on a CPU and on tensor cores read pictures place by place, the others channel by channel.
            places_first = self.device.type == "cpu" or self.config.precision != "fp32"
            with torch.device("meta"):
                empty = vqgan.VQGAN(sizes)
            filled = fill(name, empty, tensors, assign=True)
            network = filled.to(self.device).prepare(channels_last=places_first, decoder=self.decoder_dtype)
        return FullImage(network, sizes.factor), sizes

    def guide(self, name: str) -> tuple[FullGuide, CLIPArchitecture]:
        """The CLIP or SigLIP of that name and its sizes."""
        tensors = self.tensors(name, guides.make, guides.ARCHITECTURES)
        sizes = sizes_of(name, partial(guides.sizes_by_name, name), tensors)
        dtype = self.guide_dtype
        network: GuideNetwork
        if self.is_reference:
            network = reference.load_clip(name, sizes, tensors, self.device, dtype)
        else:
            with torch.device("meta"):
                empty = guides.make(sizes)
            network = guides.place(fill(name, empty, tensors, assign=True), self.device).prepare(dtype)
        return FullGuide(network, sizes, self.device, self.tokenise_for(sizes)), sizes

    def tokenise_for(self, sizes: CLIPArchitecture) -> Tokenise:
        """What a guide of these sizes reads texts with; NotReadyError where it is not here, or another's."""
        if not isinstance(sizes, SigLIPArchitecture):
            return bpe.tokenise
        if self.config.random_weights:
            return byte_tokens
        stored = registry.converted_tensors(TOKENIZER, self.folder)
        pieces = Pieces(stored["pieces"].numpy().tobytes(), TOKENIZER)
        if pieces.count != sizes.tokens:
            raise UsageError(
                f"The tokenizer has {pieces.count} tokens, and the guide knows {sizes.tokens}.",
                hint="they belong to different models: fetch both anew, or import the tokenizer of your guide",
            )
        return pieces.tokenise

    def tensors(self, name: str, network: Callable[[Any], nn.Module], known: Mapping[str, Any]) -> dict[str, Tensor]:
        """The weights of that name, or random ones; NotReadyError where they are not here."""
        if not self.config.random_weights:
            return registry.converted_tensors(name, self.folder)
        with torch.device("meta"):
            empty = network(known[name])
        return random_tensors(empty, name)

    def sha256(self, names: Sequence[str]) -> str:
        """One SHA-256 over the numbers of these names: a copy in half precision is the same network."""
        return hashlib.sha256("".join(f"{name} {self._digest(name)}\n" for name in names).encode()).hexdigest()

    def _digest(self, name: str) -> str:
        facts = None if self.config.random_weights else registry.installed(name, self.folder)
        return "random" if facts is None else facts.identity


def load_full(config: GenerateConfig, device: torch.device, folder: Path | None = None) -> Models:
    """The networks of a config on a device; model and guides must be known names (see generator.models.choose).

    folder: the converted weights; None = the user's own. NotReadyError where weights are missing or damaged, or the
    packages of the reference back end are.
    """
    loader = Loader(config, device, folder)
    names = (config.model, *(guide_names(config) or (GUIDE,)))
    if loader.is_reference:
        reference.require_packages()
    files = (*names, *tokenizers_of(names[1:]))
    if not config.random_weights:
        registry.require_ready(files, folder)
    image, image_sizes = loader.image(config.model)
    looking = [loader.guide(name) for name in names[1:]]
    footprint = Footprint(
        image_sizes,
        tuple(sizes for _, sizes in looking),
        guide_bytes=loader.guide_dtype.itemsize,
        allocator=allocator_of(device.type),
        is_reference=loader.is_reference,
    )
    return Models(
        image=image,
        guides=tuple(guide for guide, _ in looking),
        name="+".join(names),
        sha256=loader.sha256(files),
        defaults=likes_of(config.model, on_cpu=device.type == "cpu"),
        memory_mib=footprint.step_mib,
        checkpointed_memory_mib=replace(footprint, checkpointed=True).step_mib,
    )
