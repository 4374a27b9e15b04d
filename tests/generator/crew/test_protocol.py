"""Lines out and in again; nothing else is a message."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.crew import protocol
from generator.crew.protocol import Began, Cancel, Done, Draw, Failed, Leave, ProtocolError, Ready, Stepped


@pytest.mark.parametrize(
    "message",
    [
        Draw(1, 2, {"prompt": "a „house“\n"}, "/folder"),
        Cancel(1, 2),
        Leave(),
        Began(1, 2, 3, 0.5, {"zea": ["sea"]}, "note"),
        Stepped(1, 2, 3, 4, 0.1),
        Done(1, 2, 3.5),
        Failed(1, 1, "disk_full", "no room", fits=128),
    ],
)
def test_a_message_comes_back_as_it_went(message: protocol.Message) -> None:
    line = protocol.encode(message)
    assert line.count(b"\n") == 1
    assert protocol.decode(line) == message


def test_lists_come_back_as_lists_of_offers() -> None:
    ready = protocol.decode(protocol.encode(Ready("cpu", ({"preset": "quick"},), ("a house",))))
    assert isinstance(ready, Ready)
    assert list(ready.offers) == [{"preset": "quick"}]


@given(st.binary(max_size=200))
def test_noise_is_no_message(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"done","job":"1","attempt":1,"work_seconds":1}',
        b'{"kind":"done","job":-1,"attempt":1,"work_seconds":1}',
        b'{"kind":"failed","job":1,"attempt":1,"code":"whatever","message":""}',
        b'{"kind":"draw","job":1,"attempt":1,"config":[],"folder":"/"}',
        b'{"kind":"stepped","job":1,"attempt":true,"steps_done":1,"steps":2}',
        b'{"kind":"done"}',
        b"[" * 100_000,
    ],
)
def test_wrong_kinds_are_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode(line)


def test_a_later_versions_field_is_passed_over() -> None:
    assert protocol.decode(b'{"kind":"cancel","job":1,"attempt":2,"why":"later"}') == Cancel(1, 2)


def test_the_protocol_and_the_way_to_a_worker_load_no_torch() -> None:
    script = "import sys; import generator.crew.protocol, generator.crew.local, generator.crew.menu;"
    script += " assert not {'torch', 'numpy', 'PIL'} & set(sys.modules), set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
