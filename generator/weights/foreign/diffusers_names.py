"""A VQGAN as diffusers' VQModel keeps it: its tensors under the names of taming-transformers, unread and unchanged.

Levels are blocks there, those of the decoder count from the coarsest instead of the finest, and attention's 1x1
convolutions are matrices. The names: huggingface/diffusers, models/autoencoders/vq_model.py and
models/attention_processor.py; those of attention before its version 0.17 are known too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from generator.weights.foreign.stored import StoredTensor

MARK = "encoder.mid_block.resnets.0.norm1.weight"
"""A tensor that every such file has, and no other."""
_LEVEL = re.compile(r"(encoder|decoder)\.(down|up)_blocks\.(\d{1,3})\.(.+)")
_MIDDLE = re.compile(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.([01])\.(.+)")
_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
    "query": "q",
    "key": "k",
    "value": "v",
    "proj_attn": "proj_out",
}
_IN_LEVEL = {
    "resnets": "block",
    "attentions": "attn",
    "downsamplers.0.conv": "downsample.conv",
    "upsamplers.0.conv": "upsample.conv",
}


def from_diffusers(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same tensors under the names of taming-transformers."""
    levels = 1 + max(
        (int(match[3]) for match in map(_LEVEL.fullmatch, stored) if match and match[2] == "up"), default=0
    )
    found = {}
    for name, one in stored.items():
        is_matrix = ".attentions." in name and len(one.shape) == 2
        found[_renamed(name, levels)] = replace(one, shape=(*one.shape, 1, 1)) if is_matrix else one
    return found


def _renamed(name: str, levels: int) -> str:
    if match := _LEVEL.fullmatch(name):
        side, way, number, rest = match.groups()
        level = int(number) if way == "down" else levels - 1 - int(number)
        return f"{side}.{way}.{level}.{_in_level(rest)}"
    if match := _MIDDLE.fullmatch(name):
        side, part, number, rest = match.groups()
        place = f"block_{int(number) + 1}" if part == "resnets" else f"attn_{int(number) + 1}"
        return f"{side}.mid.{place}.{_in_part(part, rest)}"
    return name.replace(".conv_norm_out.", ".norm_out.")


def _in_level(rest: str) -> str:
    """resnets.0.conv1.weight -> block.0.conv1.weight, upsamplers.0.conv.weight -> upsample.conv.weight."""
    for theirs, ours in _IN_LEVEL.items():
        if rest.startswith(f"{theirs}."):
            inner = rest.removeprefix(f"{theirs}.")
            number, _, part = inner.partition(".")
            return f"{ours}.{number}.{_in_part(theirs, part)}" if part else f"{ours}.{inner}"
    return rest


def _in_part(part: str, rest: str) -> str:
    """conv_shortcut.weight -> nin_shortcut.weight, to_out.0.bias -> proj_out.bias."""
    inner, _, what = rest.rpartition(".")
    if part == "resnets":
        return f"{'nin_shortcut' if inner == 'conv_shortcut' else inner}.{what}"
    return f"{_ATTENTION.get(inner, inner)}.{what}"
