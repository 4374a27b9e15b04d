"""Pickles as plain data: equal to what pickle reads where they are harmless, and dead where they are not."""

from __future__ import annotations

import contextlib
import datetime as dt
import fractions
import io
import os
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.weights.foreign import unpickle
from generator.weights.foreign.pickled import (
    LARGEST_KEY_NUMBER,
    Budget,
    Global,
    Inert,
    PickleError,
    Storage,
    TensorRef,
)

ROOT = Path(__file__).parents[3]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(1 - LARGEST_KEY_NUMBER, LARGEST_KEY_NUMBER - 1), inner)
    ),
    max_leaves=20,
)


def read(data: bytes) -> Any:
    return unpickle.load(io.BytesIO(data))


@settings(max_examples=150, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_plain_values_are_read_as_pickle_reads_them(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(3, 6))
def test_bytes(protocol: int) -> None:
    """Before protocol 3 bytes are a call of _codecs.encode, and calls of that are not made either."""
    assert read(pickle.dumps([b"", b"x" * 300], protocol)) == [b"", b"x" * 300]


@pytest.mark.parametrize("protocol", range(6))
def test_shared_and_recursive_values_keep_their_identity(protocol: int) -> None:
    shared: list[Any] = [1]
    loop: list[Any] = [shared, shared]
    loop.append(loop)
    value = read(pickle.dumps(loop, protocol))
    assert value[0] is value[1]
    assert value[2] is value


@pytest.mark.parametrize("protocol", range(2, 6))
def test_sets_and_ordered_dicts(protocol: int) -> None:
    value = {"set": {1, 2}, "frozen": frozenset("ab"), "ordered": OrderedDict(b=1, a=2)}
    found = read(pickle.dumps(value, protocol))
    if protocol >= 4:  # before, a set is a call of builtins.set, and calls of that are not made either
        assert (found["set"], found["frozen"]) == ({1, 2}, frozenset("ab"))
    assert list(found["ordered"].items()) == [("b", 1), ("a", 2)]


class Evil:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def test_a_call_of_anything_else_is_kept_as_words_and_never_made(tmp_path: Path) -> None:
    mark = tmp_path / "called"
    calls = {
        "system": Evil(os.system, f"touch {mark}"),
        "eval": Evil(eval, f"open({str(mark)!r}, 'w')"),
        "touch": Evil(Path.touch, mark),
        "getattr": Evil(getattr, Path, "touch"),
    }
    for protocol in range(6):
        found = read(pickle.dumps({"state_dict": {}, **calls}, protocol))
        assert isinstance(found["system"], Inert)
        assert found["system"].made_by == Global("posix", "system")
        assert found["eval"].arguments == (f"open({str(mark)!r}, 'w')",)
    assert not mark.exists()
    pickle.loads(pickle.dumps(calls["system"]))  # the same bytes do it elsewhere, so the test can fail
    assert mark.exists()


def test_no_module_is_imported(tmp_path: Path) -> None:
    """A pickle that names a module with an effect, read in a process where that effect would be seen."""
    (tmp_path / "effect.py").write_text("print('IMPORTED')\nclass Thing: pass\n")
    data = b"\x80\x02ceffect\nThing\n)\x81q\x00}q\x01X\x01\x00\x00\x00aK\x01sb."
    (tmp_path / "data.pkl").write_bytes(data)
    code = (
        "import sys; from generator.weights.foreign import unpickle\n"
        f"value = unpickle.load(open({str(tmp_path / 'data.pkl')!r}, 'rb'))\n"
        "print(value.made_by.module, value.state, 'effect' in sys.modules, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert ended.stdout == "effect {'a': 1} False False\n"


def test_objects_become_inert_with_their_state() -> None:
    found = read(pickle.dumps({"when": dt.date(2021, 7, 1), "half": fractions.Fraction(1, 2)}))
    assert found["when"].made_by == Global("datetime", "date")
    assert found["half"].made_by == Global("fractions", "Fraction")


def test_state_set_on_a_known_name_changes_nothing() -> None:
    """BUILD on a function would, in pickle, write into the function itself."""
    before = unpickle.load(io.BytesIO(pickle.dumps(OrderedDict(a=1))))
    read(b"\x80\x02ccollections\nOrderedDict\nN}X\x0c\x00\x00\x00__defaults__K\x01s\x86b.")
    assert read(pickle.dumps(OrderedDict(a=1))) == before == {"a": 1}


def test_tensors_are_views_into_storages() -> None:
    data = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x01K\x02K\x02\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtR."
    )
    assert read(data) == TensorRef(Storage("0", "FloatStorage", 6), 1, (2, 2), (3, 1))


DEEP = b"\x80\x02" + b"]" + b"\x85" * 400_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\x02",
        b"<!DOCTYPE html>",
        b"\x80\x02.",
        b"\x80\x02K\x01K\x02.",
        b"\x80\x02R.",
        b"\x80\x02(",
        b"\x80\x02]K\x01s.",
        b"\x80\x02h\x05.",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.",
        b"\x80\x02}]K\x01s.",  # a list as a key
        b"\x80\x02}K\x01s.",  # a value is missing
        b"\x80\x02K\x01Q.",  # refers to something outside that is no storage
        b"\x80\x05\x97.",  # a buffer outside the stream
        b"\x80\x02\x82\x01.",  # the extension registry
        b"\x80\x02ccollections\nOrderedDict\nK\x05\x85R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nK\x05K\x05K\x05\x87R.",
        DEEP + b"0.",
        b"\x80\x02" + b"K\x01" * 2_100_000,  # more opcodes than any checkpoint has
        b"\x80\x02\x8b\x00\x00\x10\x00" + b"\x7f" * 0x100000 + b".",  # a number of a million bytes
        b"\x80\x04]]\x93.",  # a name that is no text, which str() might take for ever to make one
    ],
)
def test_damaged_and_hostile_pickles_end_in_one_sentence(data: bytes) -> None:
    with pytest.raises(PickleError) as caught:
        read(data)
    assert len(caught.value.message) < 200


def test_keys_that_take_work_to_compare_are_dead_things_with_an_identity() -> None:
    found = read(pickle.dumps({((1, "a"), 2): 3, "text": 4, 5: 6, 2.5: 7, 1 << 61: 8}))
    assert found["text"] == 4
    assert found[5] == 6
    assert {key.arguments: value for key, value in found.items() if isinstance(key, Inert)} == {
        ((1, "a"), 2): 3,
        2.5: 7,
        1 << 61: 8,
    }


class Named:
    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (1, 2), {"side": 3}


def test_an_object_made_with_named_arguments_keeps_what_it_would_be_and_of_what() -> None:
    found = read(pickle.dumps(Named(), 4))
    assert isinstance(found, Inert)
    assert found.made_by == Global(Named.__module__, "Named")
    assert found.arguments == ((1, 2), {"side": 3})


@pytest.mark.parametrize("data", [b"cmodule\na name with blanks\n.", b"(imodule\na name with blanks\n."])
def test_a_name_with_blanks_is_a_name(data: bytes) -> None:
    found = read(data)
    assert (found.made_by if isinstance(found, Inert) else found) == Global("module", "a name with blanks")


@pytest.mark.parametrize(("number", "is_key"), [((1 << 20) - 1, True), (1 << 20, False), (-(1 << 20), False)])
def test_numbers_are_keys_up_to_a_million(number: int, is_key: bool) -> None:
    (key,) = read(pickle.dumps({number: None}))
    assert (key == number) is is_key
    assert isinstance(key, Inert) is not is_key


@pytest.mark.parametrize("number", [(1 << 4096) - 1, 1 - (1 << 4096)])
def test_a_number_has_4096_bits_at_most(number: int) -> None:
    assert read(pickle.dumps(number)) == number
    with pytest.raises(PickleError, match="A number in the file is larger"):
        read(pickle.dumps(2 * number))


def test_each_opcode_of_all_pickles_of_a_file_counts_once() -> None:
    budget, data = Budget(6), b"\x80\x02N."  # PROTO, NONE, STOP
    for _ in range(2):
        assert unpickle.load(io.BytesIO(data), budget) is None
    with pytest.raises(PickleError, match="larger than that of any checkpoint"):
        unpickle.load(io.BytesIO(data), budget)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_break_the_reader(noise: bytes, place: int) -> None:
    """Random damage of a real checkpoint's pickle: a value or a PickleError, and nothing else."""
    good = pickle.dumps({"state_dict": OrderedDict(a=[1, 2.5, "x"]), "callbacks": {"k": (1, 2)}}, 2)
    for data in (noise, b"\x80\x02" + noise, good[:place] + noise + good[place + len(noise) :]):
        with contextlib.suppress(PickleError):
            read(data)
