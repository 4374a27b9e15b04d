"""The values that a pickle is read as, and the few calls in it that mean something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generator.weights.foreign.stored import CheckpointError, as_shape, natural, naturals

MOST_OPCODES = 2_000_000
"""In all pickles of one file. A tensor takes 35 to 40 (measured), 100 with an optimiser's state; the largest checkpoint
that the registry names has some 3,000 tensors, which makes 300,000. Two million are read in two seconds."""
LARGEST_NUMBER_BITS = 4096
LARGEST_KEY_NUMBER = 1 << 20
"""Numbers above can be chosen so that a dictionary of them takes the square of their count."""


class PickleError(CheckpointError):
    """The pickle is damaged, or does what no checkpoint does."""


@dataclass
class Budget:
    """The work that one file may cause: items that are read, copied or looked at."""

    left: int = MOST_OPCODES

    def spend(self, items: int = 1) -> None:
        """PickleError where that is more than any checkpoint takes."""
        self.left -= items
        if self.left < 0:
            raise PickleError("The pickle inside the file is larger than that of any checkpoint.")


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
    return TensorRef(storage, natural(offset), as_shape(shape), naturals(stride))


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


def call(made_by: object, arguments: object, budget: Budget) -> object:
    """The value of a known call, an Inert for every other one."""
    known = KNOWN.get(made_by) if isinstance(made_by, Global) else None
    if known is None or not isinstance(arguments, tuple):
        return Inert(made_by, arguments)
    if known is ordered_dict:  # the one that copies what it is given, which may be given a thousand times
        budget.spend(sum(len(items) for items in arguments if isinstance(items, list | tuple)))
    return known(*arguments)


def as_storage(identity: object) -> Storage:
    """("storage", type, key, device, count, ...) as torch names what lies outside of the pickle."""
    match identity:
        case ("storage", Global(name=kind), str(key), _, numel, *rest) if rest in ([], [None]):
            return Storage(key, kind, natural(numel))
    raise PickleError("The file refers to something outside of it that is no storage.")


def as_key(value: Any) -> Any:
    """The value as the key of a dictionary: texts and small numbers; whatever else could be a key becomes an Inert.

    Hashing a tuple looks at all that is in it, however often the same thing is in it: a few hundred bytes of tuples of
    tuples would take for ever. An Inert is hashed by its identity.
    """
    if value is None or isinstance(value, str | Global | Inert):
        return value
    if isinstance(value, int) and abs(value) < LARGEST_KEY_NUMBER:
        return value
    if isinstance(value, tuple | frozenset | int | float | bytes | Storage | TensorRef):
        return Inert("key", value)
    raise PickleError("A key in the file is no possible key.")
