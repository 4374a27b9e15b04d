"""The same networks under other people's names: their tensors under the names of openai-clip, unread and unchanged.

transformers keeps the projections of query, key and value apart, and its linear maps lie the other way round;
open_clip puts the text tower of some models under "text.", and what was trained on several devices at once begins with
"module.". What a tensor becomes is told by its name alone, so nothing is read before it is written. The names:
huggingface/transformers, models/clip/modeling_clip.py; mlfoundations/open_clip, model.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.weights.foreign.diffusers_names import MARK, from_diffusers
from generator.weights.foreign.stored import ELEMENT_BYTES, CheckpointError, StoredTensor

PARALLEL = "module."
OPEN_CLIP_TEXT = "text."
_TRANSFORMERS = "text_model.embeddings.token_embedding.weight"
_SEPARATE_TEXT = "text.token_embedding.weight"

_RENAMED = {
    "logit_scale": "logit_scale",
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
        return {name.removeprefix(OPEN_CLIP_TEXT): one for name, one in stored.items()}
    if MARK in stored:
        return from_diffusers(stored)
    return _from_transformers(stored) if _TRANSFORMERS in stored else dict(stored)


def _from_transformers(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """What has no place in a CLIP of openai-clip (the numbers of the positions) is left away."""
    found: dict[str, StoredTensor] = {}
    for name, one in stored.items():
        if name in _RENAMED:
            found[_RENAMED[name]] = one
        elif name in _TURNED:
            found[_TURNED[name]] = _turned(one)
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
    return {f"{layer}.attn.in_proj_{what}": _stacked([stored[name] for name in names])}


def _stacked(parts: list[StoredTensor]) -> StoredTensor:
    """Tensors of one shape below each other: their rows follow each other, and so do their bytes."""
    first = parts[0]
    if any((one.dtype, one.shape) != (first.dtype, first.shape) for one in parts) or not first.shape:
        raise CheckpointError("The query, key and value of a layer in the file are of different shapes or precisions.")
    shape = (len(parts) * first.shape[0], *first.shape[1:])
    return StoredTensor(
        first.dtype, shape, lambda: b"".join(one.read() for one in parts), sum(one.read_bytes for one in parts)
    )


def _turned(one: StoredTensor) -> StoredTensor:
    """A matrix with rows and columns exchanged; anything else as it is, which the shapes will tell."""
    if len(one.shape) != 2:
        return one

    def read() -> bytes:
        import numpy as np

        numbers = np.frombuffer(one.read(), np.dtype(f"V{ELEMENT_BYTES[one.dtype]}"))
        return numbers.reshape(one.shape).T.tobytes()

    return StoredTensor(one.dtype, one.shape[::-1], read, one.read_bytes)
