"""The values that a pickle is read as, and the few calls in it that mean something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dreamrig.errors import FailedError

DEEPEST_KEY = 4
"""Tuples inside tuples that may be the key of a dictionary: hashing recurses on the C stack, unchecked."""


class PickleError(FailedError):
    """The pickle is damaged, or does what no checkpoint does."""


@dataclass(frozen=True)
class Global:
    """A name in some module, as text."""

    module: str
    name: str


@dataclass(eq=False, repr=False)
class Inert:
    """What an object would have been: its class or function, the arguments, and the state set on it."""

    made_by: object
    arguments: object = ()
    state: object = None


@dataclass(frozen=True)
class Storage:
    """A row of numbers that lies outside the pickle."""

    key: str
    kind: str
    """torch's name for it: FloatStorage, HalfStorage, ..."""
    numel: int


@dataclass(frozen=True)
class TensorRef:
    """A tensor as a view into a storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


# ---- what may be called: our own functions, by the name that stands in the file --------------------------------------


def _tensor(storage: object, offset: object, shape: object, stride: object, *_: object) -> TensorRef:
    if not isinstance(storage, Storage):
        raise PickleError("A tensor in the file has no storage.")
    return TensorRef(storage, _natural(offset), _naturals(shape), _naturals(stride))


def _parameter(tensor: object, *_: object) -> object:
    return tensor


def ordered_dict(items: object = ()) -> dict[Any, Any]:
    """A dictionary from pairs."""
    if not isinstance(items, list | tuple):
        raise PickleError("An OrderedDict in the file is made of no list.")
    return {as_key(key): value for key, value in items}


def _restored(value: object, *_: object) -> object:
    return value


KNOWN: dict[Global, Callable[..., object]] = {
    Global("collections", "OrderedDict"): ordered_dict,
    Global("torch._utils", "_rebuild_tensor"): _tensor,
    Global("torch._utils", "_rebuild_tensor_v2"): _tensor,
    Global("torch._utils", "_rebuild_parameter"): _parameter,
    Global("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    # TorchScript writes lists of one kind as a call with the list.
    Global("torch.jit._pickle", "restore_type_tag"): _restored,
    Global("torch.jit._pickle", "build_intlist"): _restored,
    Global("torch.jit._pickle", "build_doublelist"): _restored,
    Global("torch.jit._pickle", "build_boollist"): _restored,
    Global("torch.jit._pickle", "build_tensorlist"): _restored,
}


def call(made_by: object, arguments: object) -> object:
    """The value of a known call, an Inert for every other one."""
    known = KNOWN.get(made_by) if isinstance(made_by, Global) else None
    if known is None or not isinstance(arguments, tuple):
        return Inert(made_by, arguments)
    return known(*arguments)


def as_storage(identity: object) -> Storage:
    """("storage", type, key, device, count, ...) as torch names what lies outside of the pickle."""
    match identity:
        case ("storage", Global(name=kind), str(key), _, int(numel)) if numel >= 0:
            return Storage(key, kind, numel)
        case ("storage", Global(name=kind), str(key), _, int(numel), None) if numel >= 0:
            return Storage(key, kind, numel)
    raise PickleError("The file refers to something outside of it that is no storage.")


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise PickleError("A size in the file is no possible size.")
    return value


def _naturals(values: object) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or len(values) > 16:
        raise PickleError("A tensor in the file has no possible shape.")
    return tuple(map(_natural, values))


def as_key(value: Any, depth: int = 0) -> Any:
    """The value where it may be the key of a dictionary."""
    if isinstance(value, tuple):
        if depth == DEEPEST_KEY:
            raise PickleError("A key in the file is nested too deep.")
        return tuple(as_key(item, depth + 1) for item in value)
    if value is None or isinstance(value, str | bytes | int | float | Global | Inert):
        return value
    raise PickleError("A key in the file is no possible key.")
