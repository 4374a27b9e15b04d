"""A tensor in a file, whatever the file's form, and safetensors, the plainest of the forms."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dreamrig.documents import parse_object
from dreamrig.errors import FailedError
from generator.weights.foreign.head import seems_checkpoint

LARGEST_HEADER_BYTES = 100_000_000
"""What the safetensors library allows too."""

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
    """Its numbers, row by row, little endian."""

    @property
    def bytes(self) -> int:
        """What `read` returns so many of."""
        return math.prod(self.shape) * ELEMENT_BYTES[self.dtype]


def read_safetensors(file: IO[bytes], head: bytes, path: Path) -> dict[str, StoredTensor] | None:
    """The tensors of a safetensors file, None where the first bytes are of none."""
    if head[8:9] != b"{" or not seems_checkpoint(head):
        return None
    length = int.from_bytes(head[:8], "little")
    end = file.seek(0, io.SEEK_END)
    file.seek(8)
    try:
        header = parse_object(file.read(min(length, LARGEST_HEADER_BYTES)))
        return {name: _span(file, row, 8 + length, end) for name, row in header.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is damaged or cut short.") from error


def _span(file: IO[bytes], row: Any, start: int, end: int) -> StoredTensor:
    first, last = row["data_offsets"]
    shape = tuple(row["shape"])
    if not 0 <= first <= last <= end - start or last - first != math.prod(shape) * ELEMENT_BYTES[row["dtype"]]:
        raise ValueError("span")

    def read() -> bytes:
        file.seek(start + first)
        return file.read(last - first)

    return StoredTensor(row["dtype"], shape, read)
