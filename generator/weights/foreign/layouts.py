"""The same networks under other people's names: their tensors under the names of openai-clip, unread and unchanged.

transformers keeps the projections of query, key and value apart, and its linear maps lie the other way round;
open_clip puts the text tower of some models under "text.", the image tower of some is timm's there, and what was
trained on several devices at once begins with "module.". What a tensor becomes is told by its name alone, so nothing is
read before it is written. The VQGANModel that dalle-mini's people wrote for transformers needs no reader: it has the
names of taming-transformers. The names: huggingface/transformers, models/clip/modeling_clip.py,
models/siglip/modeling_siglip.py and models/vqgan/modeling_vqgan.py; mlfoundations/open_clip, model.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.weights.foreign import timm_names
from generator.weights.foreign.diffusers_names import MARK, from_diffusers
from generator.weights.foreign.joining import SCALARS, scalar, stacked, turned
from generator.weights.foreign.stored import StoredTensor

PARALLEL = "module."
OPEN_CLIP_TEXT = "text."
_TRANSFORMERS = "text_model.embeddings.token_embedding.weight"
_SEPARATE_TEXT = "text.token_embedding.weight"

_RENAMED = {
    _TRANSFORMERS: "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",  # misspelt there, and so in every file
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "vision_model.embeddings.patch_embedding.bias": "visual.conv1.bias",
    "vision_model.head.probe": "visual.head.probe",
    "vision_model.head.attention.in_proj_weight": "visual.head.attn.in_proj_weight",
    "vision_model.head.attention.in_proj_bias": "visual.head.attn.in_proj_bias",
    "text_model.head.weight": "text_projection.weight",
    "text_model.head.bias": "text_projection.bias",
}
_HEAD = re.compile(r"vision_model\.head\.(.+)\.(weight|bias)")
_HEAD_PARTS = {
    "attention.out_proj": "attn.out_proj",
    "layernorm": "ln",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_TURNED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
_LAYER = re.compile(r"(text|vision)_model\.encoder\.layers\.(\d{1,4})\.(.+)\.(weight|bias)")
_TOWERS = {"text": "transformer", "vision": "visual.transformer"}
_PARTS = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_QUERY, _KEY, _VALUE = "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"


def under_our_names(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors of a network in a known other layout under the names of ours; those of any other file as they are.

    CheckpointError where query, key and value do not fit together.
    """
    if stored and all(name.startswith(PARALLEL) for name in stored):
        stored = {name.removeprefix(PARALLEL): one for name, one in stored.items()}
    if _SEPARATE_TEXT in stored:
        stored = {name.removeprefix(OPEN_CLIP_TEXT): one for name, one in stored.items()}
    if timm_names.PROBE in stored or timm_names.CLASS in stored:
        return timm_names.from_timm(stored)
    if MARK in stored:
        return from_diffusers(stored)
    return _from_transformers(stored) if _TRANSFORMERS in stored else dict(stored)


def _from_transformers(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """What has no place in a network of ours (the numbers of the positions) is left away."""
    found: dict[str, StoredTensor] = {}
    for name, one in stored.items():
        if name in SCALARS:
            found[name] = scalar(one)
        elif name in _RENAMED:
            found[_RENAMED[name]] = one
        elif name in _TURNED:
            found[_TURNED[name]] = turned(one)
        elif (match := _HEAD.fullmatch(name)) is not None and match[1] in _HEAD_PARTS:
            found[f"visual.head.{_HEAD_PARTS[match[1]]}.{match[2]}"] = one
        elif (match := _LAYER.fullmatch(name)) is not None:
            found |= _of_layer(stored, match)
    return found


def _of_layer(stored: Mapping[str, StoredTensor], match: re.Match[str]) -> dict[str, StoredTensor]:
    """What one tensor of a layer becomes; key and value come with their query."""
    tower, number, part, what = match.groups()
    layer = f"{_TOWERS[tower]}.resblocks.{number}"
    if part in _PARTS:
        return {f"{layer}.{_PARTS[part]}.{what}": stored[match[0]]}
    names = [match[0].replace(_QUERY, other) for other in (_QUERY, _KEY, _VALUE)]
    if part != _QUERY or any(name not in stored for name in names):
        return {}
    return {f"{layer}.attn.in_proj_{what}": stacked([stored[name] for name in names])}
