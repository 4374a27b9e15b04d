"""Read a pickle as plain data: nothing in it is ever imported or called.

A pickle is a program for a small stack machine that may name any function and call it. Here the opcodes are read with
`pickletools` and run on a machine of our own that knows plain values, `collections.OrderedDict` and the few functions
that rebuild a tensor. Every other name becomes a Global, everything made with one an Inert: dead values that say what
stood there. Opcodes: https://github.com/python/cpython/blob/3.11/Lib/pickletools.py.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from generator.weights.foreign.pickled import (
    LARGEST_NUMBER_BITS,
    Budget,
    Global,
    Inert,
    PickleError,
    as_key,
    as_storage,
    call,
    ordered_dict,
)
from generator.weights.foreign.stored import CheckpointError


def load(file: IO[bytes], budget: Budget | None = None) -> Any:
    """The value of the pickle at the file's position, which moves behind it; PickleError for anything odd.

    budget: shared by the pickles of one file.
    """
    try:
        return _Machine(Budget() if budget is None else budget).run(file)
    except (PickleError, MemoryError):
        raise
    except CheckpointError as error:
        raise PickleError(error.message) from error
    except Exception as error:  # every way in which a hostile file can be wrong ends in one sentence
        raise PickleError(f"The pickle inside the file is damaged ({type(error).__name__}).") from error


_MARK = object()
# fmt: off
_PUSH_ARGUMENT = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8",
))
# fmt: on
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_IGNORED = frozenset(("PROTO", "FRAME", "STOP"))
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass
class _Machine:
    """The stack, the memo, and one method per opcode that needs more than a push."""

    budget: Budget
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, file: IO[bytes]) -> Any:
        for opcode, argument, _ in pickletools.genops(file):
            self.budget.spend()
            self.step(opcode.name, argument)
        (value,) = self.stack
        return value

    def step(self, name: str, argument: Any) -> None:
        if name in _PUSH_ARGUMENT:
            if isinstance(argument, int) and argument.bit_length() > LARGEST_NUMBER_BITS:
                raise PickleError("A number in the file is larger than that of any checkpoint.")
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.stack.append(tuple(self.pop_many(_TUPLES[name])))
        elif name not in _IGNORED:
            method = _METHODS.get(name)
            if method is None:
                raise PickleError(f"The pickle inside the file uses {name}, which no checkpoint does.")
            method(self, argument)

    def pop_many(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("stack")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def pop_to_mark(self) -> list[Any]:
        taken = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    def drop(self, _: object) -> None:
        self.stack.pop()

    def drop_to_mark(self, _: object) -> None:
        self.pop_to_mark()

    def push(self, value: object) -> None:
        self.stack.append(value)

    def global_(self, argument: str) -> None:
        self.push(Global(*argument.split(" ", 1)))

    def stack_global(self, _: object) -> None:
        module, name = self.pop_many(2)
        if not isinstance(module, str) or not isinstance(name, str):  # str() of a list of lists could take for ever
            raise PickleError("A name in the file is no text.")
        self.push(Global(module, name))

    def reduce(self, _: object) -> None:
        made_by, arguments = self.pop_many(2)
        self.push(call(made_by, arguments, self.budget))

    def new_object(self, _: object) -> None:
        made_by, arguments = self.pop_many(2)
        self.push(Inert(made_by, arguments))

    def new_object_with_words(self, _: object) -> None:
        made_by, arguments, words = self.pop_many(3)
        self.push(Inert(made_by, (arguments, words)))

    def old_object(self, _: object) -> None:
        made_by, *arguments = self.pop_to_mark()
        self.push(Inert(made_by, tuple(arguments)))

    def old_instance(self, argument: str) -> None:
        self.push(Inert(Global(*argument.split(" ", 1)), tuple(self.pop_to_mark())))

    def build(self, _: object) -> None:
        """The state of an Inert is kept as it is; that of a dictionary (the notes of a state_dict) is dropped."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], Inert):
            self.stack[-1].state = state

    def set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            target.update((as_key(key), value) for key, value in zip(pairs[::2], pairs[1::2], strict=True))
        elif not isinstance(target, Inert):
            raise PickleError("The file sets items of something that has none.")

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(values)
        elif isinstance(target, set):
            target.update(map(as_key, values))
        elif not isinstance(target, Inert):
            raise PickleError("The file appends to something that is no list.")

    def persistent(self, _: object) -> None:
        self.push(as_storage(self.stack.pop()))

    def memoize(self, _: object) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def put(self, argument: int) -> None:
        self.memo[argument] = self.stack[-1]

    def get(self, argument: int) -> None:
        self.push(self.memo[argument])


def _taking_items(machine: _Machine, _: object) -> None:
    machine.set_items(machine.pop_to_mark())


_METHODS: dict[str, Callable[[_Machine, Any], None]] = {
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "LIST": lambda machine, _: machine.push(machine.pop_to_mark()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_SET": lambda machine, _: machine.push(set()),
    "FROZENSET": lambda machine, _: machine.push(frozenset(map(as_key, machine.pop_to_mark()))),
    "DICT": lambda machine, _: machine.push(ordered_dict(_pairs(machine.pop_to_mark()))),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop_many(2)),
    "SETITEMS": _taking_items,
    "APPEND": lambda machine, _: machine.append(machine.pop_many(1)),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "ADDITEMS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": _Machine.new_object_with_words,
    "OBJ": _Machine.old_object,
    "INST": _Machine.old_instance,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
    "MEMOIZE": _Machine.memoize,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "POP": _Machine.drop,
    "POP_MARK": _Machine.drop_to_mark,
}


def _pairs(flat: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
