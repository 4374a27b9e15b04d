"""From a published checkpoint to the tensors that drawing needs, as safetensors.

Kept are exactly the tensors of the network: encoder, decoder, codebook and the two 1x1 convolutions of a VQGAN, both
towers of a CLIP. Discriminator, perceptual loss, optimiser and transformer stay behind. A tokenizer is no network:
all its bytes are kept as one tensor. One tensor at a time is in memory. It needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig.errors import FailedError
from dreamrig.paths import explain_write_failure
from generator.weights.foreign.checkpoint import PIECES, open_checkpoint
from generator.weights.foreign.head import HEAD_BYTES, first_pieces
from generator.weights.foreign.layouts import under_our_names
from generator.weights.foreign.stored import ELEMENT_BYTES, StoredTensor

if TYPE_CHECKING:
    from generator.weights.registry import Kind

Shape = tuple[int, ...]
Outline = Callable[["Kind", Mapping[str, Shape]], tuple[dict[str, Any], Mapping[str, Shape]]]
"""From the shapes of a file's tensors to the sizes of our network of that kind, and the shapes that it needs."""

Written = tuple[str, str, int]
"""SHA-256 of the file, SHA-256 of its numbers, bytes."""

TEMPORARY_HEAD = ".dreamrig-"
"""How the name of a file begins that is not whole yet; what a killed process left of it is removed by the next."""
FIRST_STAGE = "first_stage_model."
"""Where the checkpoint of a transformer keeps its VQGAN."""
COUNTERS = "num_batches_tracked"
"""Of batch normalisation; nothing reads them, and not every file has them."""
LARGEST_BYTES = 8 * 1024**3
NEEDED = {"vqgan": "encoder.conv_in.weight", "clip": "token_embedding.weight", "tokenizer": PIECES}
"""A tensor that every file of a kind has, to tell what a wrong file is; of other kinds their outline tells."""
TIMMS_TOWER = "blocks.0.attn.qkv.weight"
"""A tensor of every vision transformer of timm."""
PAD_AND_END = ("<pad>", "<eos>")
"""How the pieces of the tokenizer begin that SigLIP 2 reads texts with."""


class Misfit(ValueError):
    """What an outline says of a file that is of something else: how a sentence about it goes on, and a hint."""

    def __init__(self, tail: str, *, hint: str = "") -> None:
        super().__init__(tail)
        self.hint = hint


class ConversionError(FailedError):
    """The file is whole, but no checkpoint of this model."""


@dataclass(frozen=True)
class Converted:
    """What was written."""

    sha256: str
    numbers_sha256: str
    """Of what the networks compute with: the same for copies of one network in half and in single precision."""
    bytes: int
    architecture: dict[str, Any]


def convert(
    original: Path,
    kind: Kind,
    target: Path,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
    before_replace: Callable[[], None] = lambda: None,
    *,
    outline: Outline | None,
) -> Converted:
    """Write the tensors of `original` that a model of this kind needs to `target`, whole or not at all.

    on_bytes: called with bytes written and bytes in all.   before_replace: called when all is written and the target is
    about to change.   outline: tells the network from the shapes of a file's tensors (generator.models.outline); None =
    they are taken as they are, all of them.
    returns: hash and size of the target, sizes of the network.
    CheckpointError for a file that cannot be read, ConversionError for one of something else.
    """
    with open_checkpoint(original) as stored:
        chosen, architecture = choose(under_our_names(_without_stage(stored)), kind, original.name, outline)
        written = _write_whole(target, chosen, on_bytes, before_replace)
    return Converted(*written, architecture)


def _without_stage(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The VQGAN inside of a transformer's checkpoint, or everything where there is none inside."""
    inside = {name.removeprefix(FIRST_STAGE): one for name, one in stored.items() if name.startswith(FIRST_STAGE)}
    return inside or dict(stored)


def choose(
    stored: Mapping[str, StoredTensor], kind: Kind, file_name: str, outline: Outline | None
) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """The tensors of the network of this kind, and its sizes; ConversionError where they are not all there."""
    if outline is None:
        return _small_enough(stored, file_name), {}
    if kind in NEEDED and NEEDED[kind] not in stored:
        raise ConversionError(f"{file_name} is no {_WORDS[kind]}: it lacks {NEEDED[kind]}.", hint=_guess(stored))
    if kind == "tokenizer":
        _require_marks(stored[PIECES], file_name)
    try:
        sizes, needed = outline(kind, {name: tuple(one.shape) for name, one in stored.items()})
    except Misfit as error:
        raise ConversionError(f"{file_name} {error}.", hint=error.hint or _guess(stored)) from error
    except Exception as error:  # shapes that fit no network at all can fail anywhere in it
        raise ConversionError(f"{file_name} is no {_WORDS[kind]}: its tensors do not fit together.") from error
    return _small_enough(_needed(stored, needed, file_name), file_name), sizes


def _needed(stored: Mapping[str, StoredTensor], needed: Mapping[str, Shape], file_name: str) -> dict[str, StoredTensor]:
    """Those that are needed; ConversionError that names the first one that is not there, or of another shape."""
    needed = {name: shape for name, shape in needed.items() if not name.endswith(COUNTERS)}
    for name, wanted in needed.items():
        if name not in stored:
            raise ConversionError(f"{file_name} lacks the tensor {name}.", hint="get it again, from another mirror")
        if tuple(stored[name].shape) != wanted:
            raise ConversionError(f"{file_name} has the tensor {name} in another shape than the others ask for.")
    return {name: stored[name] for name in needed}


_WORDS = {
    "vqgan": "checkpoint of a VQGAN",
    "clip": "checkpoint of a CLIP",
    "tokenizer": "tokenizer of SentencePiece",
    "upscaler": "upscaler of Real-ESRGAN",
    "head": "linear head",
}


def _small_enough(chosen: Mapping[str, StoredTensor], file_name: str) -> dict[str, StoredTensor]:
    """The same tensors; ConversionError where they are more than any network has."""
    # What is read counts too: tensors that are small parts of one huge storage would have it read for each of them.
    if sum(max(one.bytes, one.read_bytes) for one in chosen.values()) > LARGEST_BYTES:
        raise ConversionError(f"{file_name} is larger than any published model of its kind.")
    return dict(chosen)


def _require_marks(pieces: StoredTensor, file_name: str) -> None:
    """ConversionError where a tokenizer's first pieces are not those that SigLIP 2 fills rows up and ends them with."""
    found = first_pieces(pieces.read()[:HEAD_BYTES], len(PAD_AND_END))
    if found != PAD_AND_END:
        said = " and ".join(found) or "none"
        raise ConversionError(f"{file_name} is no tokenizer of SigLIP 2: its first pieces are {said}.")


def _guess(stored: Mapping[str, StoredTensor]) -> str:
    """What the file seems to be instead."""
    for kind, name in NEEDED.items():
        if name in stored:
            return f"it seems to be the {_WORDS[kind]}"
    if TIMMS_TOWER in stored:
        return "it seems to be timm's image tower alone: take open_clip_model.safetensors, where the text tower is too"
    return f"it begins with the tensor {next(iter(stored), 'none')[:60]!r}"


# ---- safetensors, one tensor at a time -------------------------------------------------------------------------------


def _write_whole(
    target: Path,
    tensors: Mapping[str, StoredTensor],
    on_bytes: Callable[[int, int], None],
    before_replace: Callable[[], None],
) -> Written:
    """Write under another name and rename. A failure leaves nothing behind."""
    temporary = target.with_name(f"{TEMPORARY_HEAD}{secrets.token_hex(6)}.tmp")
    try:
        result = _write(temporary, tensors, on_bytes)
        before_replace()
        os.replace(temporary, target)
    except BaseException as error:  # an interrupt must not leave a half-written file either
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise explain_write_failure(target, error) from error
        raise
    return result


def _write(path: Path, tensors: Mapping[str, StoredTensor], on_bytes: Callable[[int, int], None]) -> Written:
    """The format: https://github.com/huggingface/safetensors#format; numbers of wide types first keeps all aligned."""
    order = sorted(tensors, key=lambda name: (-ELEMENT_BYTES[tensors[name].dtype], name))
    digest, written, numbers = hashlib.sha256(), 0, {}
    with path.open("xb") as file:

        def put(data: bytes) -> None:
            file.write(data)
            digest.update(data)

        header = _header(order, tensors)
        put(header)
        total = sum(one.bytes for one in tensors.values())
        for name in order:
            data = tensors[name].read()
            put(data)
            numbers[name] = hashlib.sha256(in_float32(tensors[name].dtype, data)).hexdigest()
            written += len(data)
            on_bytes(written, total)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), _of_all(numbers), len(header) + written


def in_float32(dtype: str, data: bytes) -> bytes:
    """The same numbers as registry.converted_tensors gives them: floating ones as float32; little endian."""
    import numpy as np

    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).tobytes()
    floating = {"F16": "<f2", "F64": "<f8"}.get(dtype)
    return data if floating is None else np.frombuffer(data, floating).astype("<f4").tobytes()


def _of_all(numbers: Mapping[str, str]) -> str:
    """One SHA-256 over those of the tensors, whatever order they were written in."""
    return hashlib.sha256("".join(f"{name} {numbers[name]}\n" for name in sorted(numbers)).encode()).hexdigest()


def _header(order: list[str], tensors: Mapping[str, StoredTensor]) -> bytes:
    rows: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name in order:
        end = position + tensors[name].bytes
        rows[name] = {"dtype": tensors[name].dtype, "shape": tensors[name].shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(rows, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
