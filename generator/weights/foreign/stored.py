"""A tensor in a file, whatever the file's form, and safetensors, the plainest of the forms."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from dreamrig.documents import parse_object
from dreamrig.errors import FailedError, RigError
from generator.weights.foreign.head import seems_checkpoint

LARGEST_HEADER_BYTES = 4 * 1024 * 1024
"""A row takes some 120 bytes, and no published model has 5,000 tensors. The format's own limit of 100 MB would let a
file of lists take gigabytes of memory."""
LARGEST_NUMBER = 1 << 48
MOST_SIDES = 16

DTYPES: Mapping[str, tuple[str, int]] = {
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
}
"""torch's storage types -> safetensors' name of the element type, bytes per element."""
ELEMENT_BYTES = dict(DTYPES.values())


class CheckpointError(FailedError):
    """The file is no checkpoint that can be read, or is damaged."""


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a file."""

    dtype: str
    """As safetensors calls it: F32, F16, ..."""
    shape: tuple[int, ...]
    read: Callable[[], bytes]
    """Its numbers, row by row, little endian; CheckpointError where they are not all there."""
    read_bytes: int
    """What has to be read for that: more than its own where it is a part of a larger storage."""

    @property
    def bytes(self) -> int:
        """What `read` returns so many of."""
        return math.prod(self.shape) * ELEMENT_BYTES[self.dtype]


@contextmanager
def wall(file_name: str) -> Iterator[None]:
    """Whatever a foreign file makes our readers raise is a CheckpointError outside: there is no list of its kinds.

    Lack of memory stays what it is: sizes are compared with the file's own before anything is read by them.
    """
    try:
        yield
    except (RigError, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError(f"{file_name} is damaged or cut short.") from error


def natural(value: object) -> int:
    """A plain whole number that can be a size; CheckpointError for anything else, True and 2.0 among it."""
    if type(value) is not int or not 0 <= value < LARGEST_NUMBER:
        raise CheckpointError("A size in the file is no possible size.")
    return value


def naturals(values: object) -> tuple[int, ...]:
    """Strides; CheckpointError where they cannot be."""
    if not isinstance(values, tuple | list) or len(values) > MOST_SIDES:
        raise CheckpointError("A tensor in the file has no possible shape.")
    return tuple(map(natural, values))


def as_shape(values: object) -> tuple[int, ...]:
    """A shape; CheckpointError where it cannot be. A side of 0 does not hide impossible ones."""
    sides = naturals(values)
    natural(math.prod(max(1, side) for side in sides))
    return sides


def read_safetensors(file: IO[bytes], head: bytes) -> dict[str, StoredTensor] | None:
    """The tensors of a safetensors file, None where the first bytes are of none; any error where damaged."""
    if head[8:9] != b"{" or not seems_checkpoint(head):
        return None
    length = int.from_bytes(head[:8], "little")
    end = file.seek(0, io.SEEK_END)
    if not 2 <= length <= min(LARGEST_HEADER_BYTES, end - 8):
        raise ValueError("the table of tensors is cut short, or larger than that of any model")
    file.seek(8)
    header = parse_object(file.read(length))
    return {name: _span(file, row, 8 + length, end) for name, row in header.items() if name != "__metadata__"}


def _span(file: IO[bytes], row: Any, start: int, end: int) -> StoredTensor:
    first, last = map(natural, row["data_offsets"])
    shape = as_shape(row["shape"])
    if not first <= last <= end - start or last - first != math.prod(shape) * ELEMENT_BYTES[row["dtype"]]:
        raise ValueError("a tensor has not the numbers that its shape asks for")

    def read() -> bytes:
        file.seek(start + first)
        return file.read(last - first)

    return StoredTensor(row["dtype"], shape, read, last - first)
