"""A SigLIP as open_clip keeps it: the image tower is timm's, the text tower open_clip's own, which are CLIP's names.

The names: huggingface/pytorch-image-models, models/vision_transformer.py and layers/attention_pool.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.weights.foreign.joining import SCALARS, scalar, stacked, without_first_axis
from generator.weights.foreign.stored import StoredTensor

TRUNK = "visual.trunk."
MARK = f"{TRUNK}attn_pool.latent"
"""A tensor that every such file has, and no other."""
_BLOCK = re.compile(r"visual\.trunk\.blocks\.(\d{1,4})\.(.+)\.(weight|bias)")
_IN_BLOCK = {
    "norm1": "ln_1.{}",
    "attn.qkv": "attn.in_proj_{}",
    "attn.proj": "attn.out_proj.{}",
    "norm2": "ln_2.{}",
    "mlp.fc1": "mlp.c_fc.{}",
    "mlp.fc2": "mlp.c_proj.{}",
}
_AROUND = re.compile(r"visual\.trunk\.(.+)\.(weight|bias)")
_OUTSIDE_BLOCKS = {
    "patch_embed.proj": "conv1.{}",
    "norm": "ln_post.{}",
    "attn_pool.proj": "head.attn.out_proj.{}",
    "attn_pool.norm": "head.ln.{}",
    "attn_pool.mlp.fc1": "head.mlp.c_fc.{}",
    "attn_pool.mlp.fc2": "head.mlp.c_proj.{}",
}


def from_timm(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same tensors under our names; what is not known keeps its own."""
    found: dict[str, StoredTensor] = {}
    for name, one in stored.items():
        if name == MARK:
            found["visual.head.probe"] = one
        elif name == f"{TRUNK}pos_embed":
            found["visual.positional_embedding"] = without_first_axis(one)
        else:
            found[_renamed(name)] = scalar(one) if name in SCALARS else one
    for what in ("weight", "bias"):
        parts = [stored.get(f"{TRUNK}attn_pool.{part}.{what}") for part in ("q", "kv")]
        if (there := [part for part in parts if part is not None]) and len(there) == len(parts):
            found[f"visual.head.attn.in_proj_{what}"] = stacked(there)
    return found


def _renamed(name: str) -> str:
    if (match := _BLOCK.fullmatch(name)) is not None and match[2] in _IN_BLOCK:
        return f"visual.transformer.resblocks.{match[1]}.{_IN_BLOCK[match[2]].format(match[3])}"
    if (match := _AROUND.fullmatch(name)) is not None and match[1] in _OUTSIDE_BLOCKS:
        return f"visual.{_OUTSIDE_BLOCKS[match[1]].format(match[2])}"
    return name
