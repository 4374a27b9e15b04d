"""Guides whose image tower is timm's, as open_clip keeps them; the text tower is open_clip's own, with CLIP's names.

A SigLIP's tower reads all patches by a head of its own. A CLIP's has a token for the class and a norm before the layers
(timm's vit_*_clip_*), and open_clip's linear projection behind it. The names: huggingface/pytorch-image-models,
models/vision_transformer.py and layers/attention_pool.py; mlfoundations/open_clip, timm_model.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from generator.weights.foreign.joining import SCALARS, scalar, stacked, turned, without_first_axis
from generator.weights.foreign.stored import CheckpointError, StoredTensor

TRUNK = "visual.trunk."
PROBE, CLASS = f"{TRUNK}attn_pool.latent", f"{TRUNK}cls_token"
"""A tensor that every such SigLIP has, and one that every such CLIP has."""
HEAD = "visual.head."
_WHOLE: Mapping[str, tuple[str, Callable[[StoredTensor], StoredTensor]]] = {
    PROBE: ("visual.head.probe", lambda one: one),
    CLASS: ("visual.class_embedding", lambda one: without_first_axis(without_first_axis(one))),
    f"{TRUNK}pos_embed": ("visual.positional_embedding", without_first_axis),
    f"{HEAD}proj.weight": ("visual.proj", turned),
}
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
    "norm_pre": "ln_pre.{}",
    "norm": "ln_post.{}",
    "attn_pool.proj": "head.attn.out_proj.{}",
    "attn_pool.norm": "head.ln.{}",
    "attn_pool.mlp.fc1": "head.mlp.c_fc.{}",
    "attn_pool.mlp.fc2": "head.mlp.c_proj.{}",
}


def from_timm(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same tensors under our names.

    What is not known of a SigLIP keeps its own name. Of a CLIP it is a CheckpointError: timm's towers have many
    switches (scales of layers, norms of queries, a bias of the projection), and without what they add it is another
    network.
    """
    found: dict[str, StoredTensor] = {}
    for name, one in stored.items():
        if name in _WHOLE:
            ours, change = _WHOLE[name]
            found[ours] = change(one)
        else:
            found[_renamed(name)] = scalar(one) if name in SCALARS else one
    for what in ("weight", "bias"):
        parts = [stored.get(f"{TRUNK}attn_pool.{part}.{what}") for part in ("q", "kv")]
        if (there := [part for part in parts if part is not None]) and len(there) == len(parts):
            found[f"visual.head.attn.in_proj_{what}"] = stacked(there)
    strange = next((name for name in found if name.startswith((TRUNK, HEAD))), None)
    if CLASS in stored and strange is not None:
        raise CheckpointError(f"The image tower of the file has {strange[:60]}, which that of a CLIP has not.")
    return found


def _renamed(name: str) -> str:
    if (match := _BLOCK.fullmatch(name)) is not None and match[2] in _IN_BLOCK:
        return f"visual.transformer.resblocks.{match[1]}.{_IN_BLOCK[match[2]].format(match[3])}"
    if (match := _AROUND.fullmatch(name)) is not None and match[1] in _OUTSIDE_BLOCKS:
        return f"visual.{_OUTSIDE_BLOCKS[match[1]].format(match[2])}"
    return name
