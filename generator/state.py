"""A run between two steps, and its bytes: safetensors with JSON metadata, no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from dreamrig.documents import parse_object
from dreamrig.errors import FailedError, UsageError
from generator.config import GenerateConfig

if TYPE_CHECKING:
    from torch import Tensor

SCHEMA = 1
DIGEST_LENGTH = 64
DAMAGED_HINT = "start the run again without --resume"


@dataclass(frozen=True)
class State:
    """Everything needed to continue to the same bytes; all tensors on the CPU."""

    step: int
    """Steps completed."""
    config: Mapping[str, Any]
    """GenerateConfig.to_dict() of the run."""
    models_name: str
    models_sha256: str
    tensors: Mapping[str, Tensor]
    """start, parameters.*, adam.*, random.* as the engine names them."""
    plan_words: str = ""
    unknown_words: Mapping[str, list[str]] = field(default_factory=dict)


def state_to_bytes(state: State) -> bytes:
    """The state as one safetensors document whose metadata also holds a sha256 over all of it."""
    facts = {
        "schema": SCHEMA,
        "step": state.step,
        "config": dict(state.config),
        "models_name": state.models_name,
        "models_sha256": state.models_sha256,
        "plan_words": state.plan_words,
        "unknown_words": dict(state.unknown_words),
    }
    text = json.dumps(facts, sort_keys=True)
    tensors = {name: tensor.contiguous() for name, tensor in state.tensors.items()}
    # One entry, because safetensors writes several in any order: equal states are to be equal bytes.
    return safetensors.torch.save(tensors, metadata={"dreamrig": _digest(text, tensors) + text})


def state_from_bytes(data: bytes) -> State:
    """The inverse of state_to_bytes; damage raises FailedError, another version's schema UsageError."""
    try:
        metadata = _metadata(data)
        tensors = safetensors.torch.load(data)
        digest, text = metadata["dreamrig"][:DIGEST_LENGTH], metadata["dreamrig"][DIGEST_LENGTH:]
        intact = digest == _digest(text, tensors)
        facts = parse_object(text)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        raise FailedError("The checkpoint is damaged.", hint=DAMAGED_HINT) from None
    if not intact:
        raise FailedError("The checkpoint is damaged: its checksum does not fit.", hint=DAMAGED_HINT)
    if facts["schema"] != SCHEMA:
        raise UsageError("The checkpoint was written by another version of dreamrig.", hint=DAMAGED_HINT)
    del facts["schema"]
    return State(tensors=tensors, **facts)


def require_same_run(state: State, config: GenerateConfig, models_name: str, models_sha256: str) -> None:
    """Refuse to continue a run as something else. How often it is looked at may change, and so may `steps`.

    The same weights may have a longer name by now: what was starter is starter/first today.
    """
    is_renamed = models_name.startswith(f"{state.models_name}/")
    if state.models_sha256 != models_sha256 or not (is_renamed or state.models_name == models_name):
        raise UsageError("The checkpoint belongs to other weights.", hint="use the model the run was started with")
    changeable = {"steps", "fit", "preview_every", "checkpoint_every", "frames_every"}
    if is_renamed:
        changeable.add("model")
    now = asdict(config)
    # A setting that came later was at its default when the checkpoint was written.
    then = {**{field.name: field.default for field in fields(config)}, **state.config}
    changed = sorted(name for name in now if name not in changeable and then[name] != now[name])
    if changed:
        raise UsageError(
            f"The checkpoint belongs to another run: {', '.join(changed)} changed.",
            hint="resume with the run's own settings, or start a new run",
        )
    if state.step > config.steps:
        raise UsageError(
            f"The checkpoint is at step {state.step} of {config.steps}.", hint=f"use --steps {state.step} or more"
        )


def _metadata(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors document, which its torch loader does not hand out."""
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = parse_object(data[8 : 8 + length])["__metadata__"]
    return metadata


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """sha256 over the facts and every tensor's name, shape, type and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
