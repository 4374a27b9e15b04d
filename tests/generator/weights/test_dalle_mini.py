"""A VQGAN as dalle-mini's people published it in PyTorch, beside the same numbers as taming-transformers names them.

No release of transformers has the VQGANModel that those files are of. Names and shapes are read off its source: commit
77d5afcf710f9978751b7af003f52edf17d3204e of https://github.com/huggingface/transformers, in it
src/transformers/models/vqgan/modeling_vqgan.py. They turn out to be those of taming-transformers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from generator.models.outline import outline
from generator.models.vqgan import VQGAN, VQGANArchitecture
from generator.weights.convert import convert
from generator.weights.foreign.stored import CheckpointError

Shapes = dict[str, tuple[int, ...]]
WIDTHS, BLOCKS, CODE, CODES = (32, 64, 64), 2, 8, 20
"""hidden_channels times channel_mult, num_res_blocks, z_channels and quantized_embed_dim, num_embeddings."""
LAST = len(WIDTHS) - 1
"""The level with attention, the coarsest."""


def convolution(name: str, reads: int, gives: int, side: int = 3) -> Shapes:
    return {f"{name}.weight": (gives, reads, side, side), f"{name}.bias": (gives,)}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def resnet_block(name: str, reads: int, gives: int) -> Shapes:
    found = norm(f"{name}.norm1", reads) | convolution(f"{name}.conv1", reads, gives)
    found |= norm(f"{name}.norm2", gives) | convolution(f"{name}.conv2", gives, gives)
    return found | (convolution(f"{name}.nin_shortcut", reads, gives, 1) if reads != gives else {})


def attention_block(name: str, width: int) -> Shapes:
    found = norm(f"{name}.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        found |= convolution(f"{name}.{part}", width, width, 1)
    return found


def sampling_block(name: str, level: int, reads: int, blocks: int, sampling: str) -> Shapes:
    found: Shapes = {}
    for block in range(blocks):
        found |= resnet_block(f"{name}.block.{block}", WIDTHS[level] if block else reads, WIDTHS[level])
        found |= attention_block(f"{name}.attn.{block}", WIDTHS[level]) if level == LAST else {}
    return found | (convolution(f"{name}.{sampling}.conv", WIDTHS[level], WIDTHS[level]) if sampling else {})


def mid_block(name: str, width: int) -> Shapes:
    found = resnet_block(f"{name}.block_1", width, width) | attention_block(f"{name}.attn_1", width)
    return found | resnet_block(f"{name}.block_2", width, width)


def encoder() -> Shapes:
    found = convolution("encoder.conv_in", 3, WIDTHS[0]) | mid_block("encoder.mid", WIDTHS[-1])
    for level in range(LAST + 1):
        sampling = "downsample" if level < LAST else ""
        found |= sampling_block(f"encoder.down.{level}", level, WIDTHS[max(0, level - 1)], BLOCKS, sampling)
    return found | norm("encoder.norm_out", WIDTHS[-1]) | convolution("encoder.conv_out", WIDTHS[-1], CODE)


def decoder() -> Shapes:
    found = convolution("decoder.conv_in", CODE, WIDTHS[-1]) | mid_block("decoder.mid", WIDTHS[-1])
    for level in range(LAST + 1):
        sampling = "upsample" if level else ""
        found |= sampling_block(f"decoder.up.{level}", level, WIDTHS[min(LAST, level + 1)], BLOCKS + 1, sampling)
    return found | norm("decoder.norm_out", WIDTHS[0]) | convolution("decoder.conv_out", WIDTHS[0], 3)


def vqgan_model() -> dict[str, Tensor]:
    """Random numbers under its names."""
    shapes = encoder() | decoder() | convolution("quant_conv", CODE, CODE, 1)
    shapes |= convolution("post_quant_conv", CODE, CODE, 1) | {"quantize.embedding.weight": (CODES, CODE)}
    random = np.random.RandomState(20)
    return {
        name: torch.from_numpy(np.asarray(random.standard_normal(shape) * 0.1, dtype=np.float32))
        for name, shape in sorted(shapes.items())
    }


def test_it_draws_and_sees_as_with_the_names_of_taming_transformers(tmp_path: Path) -> None:
    """strict: neither layout has a name more or less than the other."""
    theirs = vqgan_model()
    torch.save(theirs, tmp_path / "pytorch_model.bin")
    converted = convert(tmp_path / "pytorch_model.bin", "vqgan", tmp_path / "out", outline=outline)
    sizes = VQGANArchitecture(**converted.architecture)
    assert sizes == VQGANArchitecture(
        codes=CODES, channels=32, multipliers=(1, 2, 2), attention_levels=(2,), code_width=CODE, z_channels=CODE
    )
    read, plain = VQGAN(sizes), VQGAN(sizes)
    read.load_state_dict(load_file(tmp_path / "out"), strict=True)
    plain.load_state_dict(theirs, strict=True)
    random = np.random.RandomState(21)
    latent = torch.from_numpy(random.standard_normal((1, CODE, 2, 3)).astype(np.float32))
    picture = torch.from_numpy(random.random_sample((1, 3, 8, 12)).astype(np.float32))
    found = [(network.prepare().decode(latent), network.encode(picture)) for network in (read, plain)]
    for one, other in zip(*found, strict=True):
        assert one.std() > 0
        assert torch.equal(one, other)


def test_their_file_for_jax_is_named_as_one(tmp_path: Path) -> None:
    """dalle-mini/vqgan_imagenet_f16_16384 itself has this form alone."""
    (tmp_path / "flax_model.msgpack").write_bytes(b"\x85\xa7decoder\x86\xa7conv_in\x82\xa4bias" + bytes(64))
    with pytest.raises(CheckpointError, match=r"seems to be a Flax file, for JAX: take pytorch_model\.bin"):
        convert(tmp_path / "flax_model.msgpack", "vqgan", tmp_path / "out", outline=outline)
