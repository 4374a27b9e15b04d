"""Tensors of a weight file as names, shapes and bytes, read one at a time and without torch.

Four forms are known by their first bytes: PyTorch's zip archives (a Lightning checkpoint, since PyTorch 1.6), its files
of consecutive pickles (before), TorchScript's zip archives (how OpenAI publishes CLIP) and safetensors. The first
three hold pickles, which `unpickle` reads as plain data; TorchScript's code is not looked at.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from generator.weights.foreign import unpickle
from generator.weights.foreign.head import HEAD_BYTES, describe_head
from generator.weights.foreign.pickled import Inert, Storage, TensorRef
from generator.weights.foreign.stored import DTYPES, CheckpointError, StoredTensor, read_safetensors

LARGEST_PICKLE_BYTES = 256 * 1024 * 1024
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
MOST_TENSORS, DEEPEST_MODULE = 100_000, 64


@contextmanager
def open_checkpoint(path: Path) -> Iterator[dict[str, StoredTensor]]:
    """The tensors of a weight file by name, for as long as the file is open; CheckpointError when it is none."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        try:
            yield _read(file, head, path)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, struct.error, KeyError, RuntimeError) as error:
            raise CheckpointError(f"{path.name} is damaged or cut short.") from error


def _read(file: IO[bytes], head: bytes, path: Path) -> dict[str, StoredTensor]:
    if head.startswith(b"PK"):
        return _read_zip(zipfile.ZipFile(file), path)
    if (safetensors := read_safetensors(file, head, path)) is not None:
        return safetensors
    if head.startswith(b"\x80"):
        return _read_legacy(file, path)
    raise CheckpointError(f"{path.name} is no checkpoint: {describe_head(head)}.")


# ---- zip archives ----------------------------------------------------------------------------------------------------


def _read_zip(archive: zipfile.ZipFile, path: Path) -> dict[str, StoredTensor]:
    names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+/data\.pkl", name)]
    if len(names) != 1:
        raise CheckpointError(f"{path.name} is a zip file, but none that PyTorch wrote.")
    root = names[0].removesuffix("data.pkl")
    if f"{root}byteorder" in archive.namelist() and _member(archive, f"{root}byteorder", 16).strip() != b"little":
        raise CheckpointError(f"{path.name} was written on a big-endian machine, which is not supported.")
    value = unpickle.load(io.BytesIO(_member(archive, names[0], LARGEST_PICKLE_BYTES)))
    found = _module_tensors(value) if f"{root}constants.pkl" in archive.namelist() else _state_dict(value, path)

    def read_storage(storage: Storage) -> bytes:
        size = storage.numel * _element(storage)[1]
        data = _member(archive, f"{root}data/{storage.key}", size)
        if len(data) != size:
            raise CheckpointError(f"{path.name} is damaged: the numbers of a tensor are not all there.")
        return data

    return _stored(found, read_storage)


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """The bytes of one file in the archive. PyTorch compresses none of these, so none can swell up in memory."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most_bytes:
        raise CheckpointError(f"The archive's {name[:80]} is compressed, or larger than that of any checkpoint.")
    return archive.read(info)


def _state_dict(value: Any, path: Path) -> dict[str, TensorRef]:
    """The tensors of `state_dict` in a Lightning checkpoint, or of a bare dictionary of tensors."""
    inner = value.get("state_dict", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise CheckpointError(f"{path.name} holds no weights: there is no state_dict in it.")
    found = {key: item for key, item in inner.items() if isinstance(key, str) and isinstance(item, TensorRef)}
    if not found:
        raise CheckpointError(f"{path.name} holds no weights: its state_dict has no tensors.")
    return found


def _module_tensors(root: object) -> dict[str, TensorRef]:
    """The tensors of a TorchScript module and of the modules in it, named by their path, as its state_dict would."""
    found: dict[str, TensorRef] = {}
    waiting: list[tuple[tuple[str, ...], object]] = [((), root)]
    visits = 0
    while waiting:
        path, value = waiting.pop()
        visits += 1
        if visits > MOST_TENSORS or len(path) > DEEPEST_MODULE:
            raise CheckpointError("The TorchScript file has more modules than any CLIP.")
        if isinstance(value, TensorRef):
            found[".".join(path)] = value
        elif isinstance(value, Inert) and isinstance(value.state, dict):
            waiting += [((*path, name), item) for name, item in value.state.items() if isinstance(name, str)]
    return found


# ---- consecutive pickles ---------------------------------------------------------------------------------------------


def _read_legacy(file: IO[bytes], path: Path) -> dict[str, StoredTensor]:
    """`torch.save` before 1.6: magic number, protocol, system, value, keys, then the numbers of each storage."""
    head = io.BytesIO(file.read(LARGEST_PICKLE_BYTES))
    magic, protocol, _, value, keys = (unpickle.load(head) for _ in range(5))
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
        position += 8 + numel * _element(kinds[key])[1]
    if file.seek(0, io.SEEK_END) < position:
        raise CheckpointError(f"{path.name} is damaged or cut short.")

    def read_storage(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        data = file.read(storage.numel * _element(storage)[1])
        if len(data) != storage.numel * _element(storage)[1]:
            raise CheckpointError(f"{path.name} is damaged or cut short.")
        return data

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


def _stored(found: Mapping[str, TensorRef], read_storage: Callable[[Storage], bytes]) -> dict[str, StoredTensor]:
    def read(ref: TensorRef) -> Callable[[], bytes]:
        return lambda: _rows(ref, read_storage(ref.storage))

    known = {name: ref for name, ref in found.items() if ref.storage.kind in DTYPES}
    return {name: StoredTensor(_element(ref.storage)[0], ref.shape, read(ref)) for name, ref in known.items()}


def _rows(ref: TensorRef, data: bytes) -> bytes:
    """The elements of a view, row by row."""
    import numpy as np
    from numpy.lib.stride_tricks import as_strided

    size = _element(ref.storage)[1]
    count = math.prod(ref.shape)
    extent = ref.offset + sum((side - 1) * step for side, step in zip(ref.shape, ref.stride, strict=False)) + 1
    if len(ref.shape) != len(ref.stride) or (count and extent > ref.storage.numel) or count > ref.storage.numel:
        raise CheckpointError("A tensor in the file reaches beyond its numbers.")
    whole = np.frombuffer(data, dtype=f"V{size}")[ref.offset :]
    return as_strided(whole, ref.shape, [step * size for step in ref.stride]).tobytes() if count else b""
