"""`--backend reference`: the networks of taming-transformers and openai-clip themselves, behind our own protocols.

Both packages fail to import as a whole with today's torchvision, lightning and setuptools; the files with the networks
need none of these, so they are read alone. taming-transformers has no Gumbel codebook in its released package: there
the choice of the code is ours, and encoder and decoder are theirs.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn

from dreamrig.errors import NotReadyError
from dreamrig.extras import pip_command
from generator.models.clip_sizes import DEVIATION, MEAN, CLIPArchitecture
from generator.models.codebook import rows_of
from generator.models.filling import fill
from generator.models.vqgan import DistanceQuantiser, GumbelQuantiser, VQGANArchitecture

INSTALL = f"run: {pip_command('--no-deps', 'taming-transformers', 'openai-clip')}"


class ReferenceVQGAN(nn.Module):
    """taming-transformers' Encoder and Decoder, joined as its VQModel joins them."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        theirs = _taming()
        settings = _taming_settings(sizes)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints the shape of z
            self.encoder, self.decoder = theirs.Encoder(**settings), theirs.Decoder(**settings)
        self.quantize = GumbelQuantiser(sizes) if sizes.gumbel else DistanceQuantiser(sizes)
        self.quant_conv = nn.Conv2d(sizes.z_channels, sizes.code_width, 1)
        self.post_quant_conv = nn.Conv2d(sizes.code_width, sizes.z_channels, 1)
        self.checkpointed = False

    @property
    def codebook(self) -> Tensor:
        """(K, C)."""
        return self.quantize.codebook

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> latent (B, C, H / f, W / f)."""
        hidden: Tensor = self.quant_conv(self.encoder(image))
        if isinstance(self.quantize, GumbelQuantiser):
            return rows_of(self.quantize.codes(hidden), self.codebook)
        return hidden

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> picture (B, 3, h f, w f), nominally in [-1, 1]."""
        hidden: Tensor = self.post_quant_conv(latent)
        if not self.checkpointed:
            return cast(Tensor, self.decoder(hidden))
        from torch.utils.checkpoint import checkpoint

        return cast(Tensor, checkpoint(self.decoder, hidden, use_reentrant=False, preserve_rng_state=False))


class ReferenceCLIP:
    """openai-clip's CLIP with its pixel normalisation."""

    def __init__(self, network: Any) -> None:
        self._network = network
        device = network.text_projection.device
        self._mean, self._deviation = (torch.tensor(c, device=device).view(3, 1, 1) for c in (MEAN, DEVIATION))

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, D)."""
        return cast(Tensor, self._network.encode_image((pixels - self._mean) / self._deviation))

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(P, 77) int64 -> (P, D)."""
        return cast(Tensor, self._network.encode_text(tokens))


def load_vqgan(name: str, sizes: VQGANArchitecture, tensors: Mapping[str, Tensor]) -> ReferenceVQGAN:
    """taming-transformers' networks with these weights; NotReadyError without the package, or when they do not fit."""
    return fill(name, ReferenceVQGAN(sizes), tensors).eval().requires_grad_(False)


def load_clip(
    name: str, sizes: CLIPArchitecture, tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> ReferenceCLIP:
    """openai-clip's network with these weights; NotReadyError without the package, or when they do not fit."""
    network = fill(name, make_clip(sizes), tensors)
    if dtype == torch.float16:
        _clip().convert_weights(network)
    return ReferenceCLIP(network.to(device).eval().requires_grad_(False))


def make_clip(sizes: CLIPArchitecture) -> Any:
    """openai-clip's network of these sizes with fresh weights; NotReadyError where the package is not here."""
    return _clip().CLIP(
        embed_dim=sizes.width,
        image_resolution=sizes.side,
        vision_layers=sizes.image_layers[0] if sizes.patch else sizes.image_layers,
        vision_width=sizes.image_width,
        vision_patch_size=sizes.patch or None,
        context_length=sizes.context,
        vocab_size=sizes.tokens,
        transformer_width=sizes.text_width,
        transformer_heads=sizes.text_width // 64,
        transformer_layers=sizes.text_layers,
    )


def _taming_settings(sizes: VQGANArchitecture) -> dict[str, Any]:
    """Attention is asked for by the sides of a level's pictures, of which only the ratios matter."""
    side = 2 ** len(sizes.multipliers)
    return {
        "double_z": False,
        "z_channels": sizes.z_channels,
        "resolution": side,
        "in_channels": 3,
        "out_ch": 3,
        "ch": sizes.channels,
        "ch_mult": sizes.multipliers,
        "num_res_blocks": sizes.res_blocks,
        "attn_resolutions": [side >> level for level in sizes.attention_levels],
        "dropout": 0.0,
    }


def require_packages() -> None:
    """Raise NotReadyError unless both packages can be read."""
    _taming()
    _clip()


def _taming() -> ModuleType:
    return read_module("taming", "modules/diffusionmodules/model.py", needs=("Encoder", "Decoder"))


def _clip() -> ModuleType:
    return read_module("clip", "model.py", needs=("CLIP", "convert_weights"))


def read_module(package: str, path: str, *, needs: tuple[str, ...]) -> ModuleType:
    """One file of an installed package as a module of its own, without the package around it.

    NotReadyError when the package is not here, or is another of the same name that lacks the names in `needs`.
    """
    name = f"{__name__}.{package}.{Path(path).stem}"
    if name in sys.modules:
        return sys.modules[name]
    file = _folder_of(package) / path
    spec = spec_from_file_location(name, file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise _absent(package)
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise NotReadyError(f"The package {package} cannot be read: {error}.", hint=INSTALL) from None
    if not all(hasattr(module, needed) for needed in needs):
        raise _absent(package)
    sys.modules[name] = module
    return module


def _folder_of(package: str) -> Path:
    spec: ModuleSpec | None = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise _absent(package)
    return Path(next(iter(spec.submodule_search_locations)))


def _absent(package: str) -> NotReadyError:
    named = {"clip": "openai-clip", "taming": "taming-transformers"}[package]
    return NotReadyError(f"The reference networks of {named} are not installed.", hint=INSTALL)
