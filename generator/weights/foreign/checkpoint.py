"""Tensors of a weight file as names, shapes and bytes, read one at a time and without torch.

Five forms are known by their first bytes: PyTorch's zip archives (a Lightning checkpoint, since PyTorch 1.6), its files
of consecutive pickles (before), TorchScript's zip archives (how OpenAI publishes CLIP), safetensors, and models of
SentencePiece, which count as one tensor of bytes. The first three hold pickles, which `unpickle` reads as plain data;
TorchScript's code is not looked at.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from generator.weights.foreign import unpickle
from generator.weights.foreign.head import HEAD_BYTES, describe_head, seems_pieces
from generator.weights.foreign.pickled import Budget, Inert, Storage, TensorRef
from generator.weights.foreign.stored import DTYPES, CheckpointError, StoredTensor, read_safetensors, wall

LARGEST_PICKLE_BYTES = 64 * 1024 * 1024
LARGEST_PIECES_BYTES = 64 * 1024 * 1024
"""Of a tokenizer; that of SigLIP 2 has 4 MiB."""
PIECES = "pieces"
"""The name of the one tensor that a tokenizer is read as."""
LARGEST_CONTENTS_BYTES = 4 * 1024 * 1024
"""Of a zip archive's table of contents: 50,000 files."""
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
INSIDE = ("state_dict", "params_ema", "params")
"""Where a checkpoint keeps its tensors: Lightning's, and BasicSR's, of which the average is what is to be used."""
MOST_PARTS, LONGEST_PATH = 100_000, 512
"""Of a TorchScript module: attributes of all modules in it, characters of a tensor's name."""


class CarefulFile(io.BufferedReader):
    """A file from a stranger. Where it claims a size, that is compared with its own before memory is asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = os.fstat(self.fileno()).st_size
        self.most_bytes: int | None = None
        """The largest piece that may be read at once, None = any."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As files do; CheckpointError for a piece that is larger than allowed."""
        left = max(0, self.size - self.tell())
        wanted = left if size is None or size < 0 else min(size, left)
        if self.most_bytes is not None and wanted > self.most_bytes:
            raise CheckpointError("The archive's table of contents is larger than that of any checkpoint.")
        return super().read(wanted)


@contextmanager
def open_checkpoint(path: Path) -> Iterator[dict[str, StoredTensor]]:
    """The tensors of a weight file by name, for as long as the file is open; CheckpointError when it is none.

    Nothing but CheckpointError (and lack of memory) comes from here or from reading one of the tensors, whatever is in
    the file.
    """
    with CarefulFile(path) as file:
        with wall(path.name):
            head = file.read(HEAD_BYTES)
            file.seek(0)
            found = _read(file, head, path)
        yield {name: replace(one, read=_behind_wall(one, path.name)) for name, one in found.items()}


def _behind_wall(one: StoredTensor, file_name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with wall(file_name):
            data = one.read()
            if len(data) != one.bytes:
                raise CheckpointError(f"{file_name} is damaged: the numbers of a tensor are not all there.")
            return data

    return read


def _read(file: CarefulFile, head: bytes, path: Path) -> dict[str, StoredTensor]:
    if head.startswith(b"PK"):
        return _read_zip(file, path)
    if (safetensors := read_safetensors(file, head)) is not None:
        return safetensors
    if head.startswith(b"\x80"):
        return _read_legacy(file, path)
    if seems_pieces(head) and file.size <= LARGEST_PIECES_BYTES:
        return {PIECES: _all_bytes(file)}
    raise CheckpointError(f"{path.name} is no checkpoint: {describe_head(head)}.")


def _all_bytes(file: CarefulFile) -> StoredTensor:
    """A whole file as one tensor."""

    def read() -> bytes:
        file.seek(0)
        return file.read()

    return StoredTensor("U8", (file.size,), read, file.size)


# ---- zip archives ----------------------------------------------------------------------------------------------------


def _read_zip(file: CarefulFile, path: Path) -> dict[str, StoredTensor]:
    file.most_bytes = LARGEST_CONTENTS_BYTES
    archive = zipfile.ZipFile(file)
    file.most_bytes = None
    names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+/data\.pkl", name)]
    if len(names) != 1:
        raise CheckpointError(f"{path.name} is a zip file, but none that PyTorch wrote.")
    root = names[0].removesuffix("data.pkl")
    if f"{root}byteorder" in archive.namelist() and _member(archive, f"{root}byteorder", 16).strip() != b"little":
        raise CheckpointError(f"{path.name} was written on a big-endian machine, which is not supported.")
    value = unpickle.load(io.BytesIO(_member(archive, names[0], LARGEST_PICKLE_BYTES)))
    found = _module_tensors(value) if f"{root}constants.pkl" in archive.namelist() else _state_dict(value, path)

    def read_storage(storage: Storage) -> bytes:
        return _member(archive, f"{root}data/{storage.key}", min(_bytes(storage), file.size))

    return _stored(found, read_storage)


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """The bytes of one file in the archive. PyTorch compresses none of these, so none can swell up in memory."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most_bytes:
        raise CheckpointError(f"The archive's {name[:80]} is compressed, or larger than that of any checkpoint.")
    return archive.read(info)


def _state_dict(value: Any, path: Path) -> dict[str, TensorRef]:
    """The tensors of `state_dict` in a Lightning checkpoint, of BasicSR's `params_ema`, or of a bare dictionary."""
    inner = value
    if isinstance(value, dict):
        inner = next((value[name] for name in INSIDE if name in value), value)
    if not isinstance(inner, dict):
        raise CheckpointError(f"{path.name} holds no weights: there is no state_dict in it.")
    found = {key: item for key, item in inner.items() if isinstance(key, str) and isinstance(item, TensorRef)}
    if not found:
        raise CheckpointError(f"{path.name} holds no weights: its state_dict has no tensors.")
    return found


def _module_tensors(root: object) -> dict[str, TensorRef]:
    """The tensors of a TorchScript module and of the modules in it, named by their path, as its state_dict would.

    A module may name itself, and thousands of times: what waits is counted, not what was visited.
    """
    found: dict[str, TensorRef] = {}
    waiting: list[tuple[str, object]] = [("", root)]
    seen = 0
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, TensorRef):
            found[path.removeprefix(".")] = value
        elif isinstance(value, Inert) and isinstance(value.state, dict):
            seen += len(value.state)
            if seen > MOST_PARTS or len(path) > LONGEST_PATH:
                raise CheckpointError("The TorchScript file has more modules than any CLIP.")
            waiting += [
                (f"{path}.{name}", item)
                for name, item in value.state.items()
                if isinstance(name, str) and isinstance(item, TensorRef | Inert) and len(name) <= LONGEST_PATH
            ]
    return found


# ---- consecutive pickles ---------------------------------------------------------------------------------------------


def _read_legacy(file: CarefulFile, path: Path) -> dict[str, StoredTensor]:
    """`torch.save` before 1.6: magic number, protocol, system, value, keys, then the numbers of each storage."""
    head = io.BytesIO(file.read(LARGEST_PICKLE_BYTES))
    budget = Budget()
    magic, protocol, _, value, keys = (unpickle.load(head, budget) for _ in range(5))
    if (magic, protocol) != (LEGACY_MAGIC, LEGACY_PROTOCOL) or not isinstance(keys, list):
        raise CheckpointError(f"{path.name} is a pickle, but none that PyTorch wrote.")
    found = _state_dict(value, path)
    kinds = _all_storages(value)
    places, position = {}, head.tell()
    for key in keys:
        file.seek(position)
        (numel,) = struct.unpack("<q", file.read(8))
        if key not in kinds or numel != kinds[key].numel:
            raise CheckpointError(f"{path.name} is damaged: a storage has not the size that was promised.")
        places[key] = position + 8
        position += 8 + _bytes(kinds[key])
    if file.size < position:
        raise CheckpointError(f"{path.name} is damaged or cut short.")

    def read_storage(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        return file.read(_bytes(storage))

    return _stored(found, read_storage)


def _all_storages(value: object) -> dict[str, Storage]:
    """Every storage that the value refers to, wherever it stands (the optimiser has some too)."""
    found: dict[str, Storage] = {}
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, TensorRef | Storage):
            storage = item if isinstance(item, Storage) else item.storage
            found[storage.key] = storage
        elif isinstance(item, dict | list | tuple | set | frozenset | Inert) and id(item) not in seen:
            seen.add(id(item))
            waiting += _children(item)
    return found


def _children(item: dict[Any, Any] | list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any] | Inert) -> list[Any]:
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    return [item.arguments, item.state] if isinstance(item, Inert) else list(item)


# ---- views into storages ---------------------------------------------------------------------------------------------


def _element(storage: Storage) -> tuple[str, int]:
    """The element type of a storage and its bytes."""
    known = DTYPES.get(storage.kind)
    if known is None:
        raise CheckpointError(f"The file has numbers of a kind that no weights are of: {storage.kind[:40]!r}.")
    return known


def _bytes(storage: Storage) -> int:
    return storage.numel * _element(storage)[1]


def _stored(found: Mapping[str, TensorRef], read_storage: Callable[[Storage], bytes]) -> dict[str, StoredTensor]:
    def read(ref: TensorRef) -> Callable[[], bytes]:
        return lambda: _rows(ref, read_storage(ref.storage))

    known = {name: ref for name, ref in found.items() if ref.storage.kind in DTYPES}
    return {
        name: StoredTensor(_element(ref.storage)[0], ref.shape, read(ref), _bytes(ref.storage))
        for name, ref in known.items()
    }


def _rows(ref: TensorRef, data: bytes) -> bytes:
    """The elements of a view, row by row."""
    import numpy as np
    from numpy.lib.stride_tricks import as_strided

    size = _element(ref.storage)[1]
    if len(data) != _bytes(ref.storage):
        raise CheckpointError("The numbers of a tensor are not all there.")
    count = math.prod(ref.shape)
    extent = ref.offset + sum((side - 1) * step for side, step in zip(ref.shape, ref.stride, strict=False)) + 1
    if len(ref.shape) != len(ref.stride) or (count and extent > ref.storage.numel) or count > ref.storage.numel:
        raise CheckpointError("A tensor in the file reaches beyond its numbers.")
    whole = np.frombuffer(data, dtype=f"V{size}")[ref.offset :]
    return as_strided(whole, ref.shape, [step * size for step in ref.stride]).tobytes() if count else b""
