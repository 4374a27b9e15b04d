"""Tensors made of others, still unread: one below the other, turned, without an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from generator.weights.foreign.stored import ELEMENT_BYTES, CheckpointError, StoredTensor

SCALARS = ("logit_scale", "logit_bias")
"""Single numbers in CLIP, vectors of one in SigLIP."""


def stacked(parts: Sequence[StoredTensor]) -> StoredTensor:
    """Tensors whose rows are alike, below each other: their rows follow each other, and so do their bytes.

    CheckpointError where their rows are not alike.
    """
    first = parts[0]
    if not first.shape or any((one.dtype, one.shape[1:]) != (first.dtype, first.shape[1:]) for one in parts):
        raise CheckpointError("The query, key and value of a layer in the file are of different shapes or precisions.")
    shape = (sum(one.shape[0] for one in parts), *first.shape[1:])
    return StoredTensor(
        first.dtype, shape, lambda: b"".join(one.read() for one in parts), sum(one.read_bytes for one in parts)
    )


def turned(one: StoredTensor) -> StoredTensor:
    """A matrix with rows and columns exchanged; anything else as it is, which the shapes will tell."""
    if len(one.shape) != 2:
        return one

    def read() -> bytes:
        import numpy as np

        numbers = np.frombuffer(one.read(), np.dtype(f"V{ELEMENT_BYTES[one.dtype]}"))
        return numbers.reshape(one.shape).T.tobytes()

    return StoredTensor(one.dtype, one.shape[::-1], read, one.read_bytes)


def scalar(one: StoredTensor) -> StoredTensor:
    """A single number without axes; anything else as it is."""
    return replace(one, shape=()) if math.prod(one.shape) == 1 else one


def without_first_axis(one: StoredTensor) -> StoredTensor:
    """(1, ...) -> (...); anything else as it is."""
    return replace(one, shape=one.shape[1:]) if one.shape[:1] == (1,) else one
