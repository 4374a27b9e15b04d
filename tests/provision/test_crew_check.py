"""The doctor's question whether this machine can join a crew; the recorded machines give the verdicts."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from provision.doctor.checks import CHECKS
from provision.doctor.checkup import examine
from provision.facts.collectors.crew import PORTS, address_kinds, collect_crew
from provision.machine.local import ThisMachine
from provision.machine.recorded import Recorded, load_transcript

MACHINES = Path(__file__).parents[1] / "machines"


@pytest.mark.parametrize(
    ("name", "verdict", "says", "command"),
    [
        ("wsl-healthy-3090", "SKIP", "never set up here", None),
        ("wsl-crew-nat", "WARN", "behind NAT", "tailscale up"),
        ("wsl-crew-mirrored", "PASS", "can join", None),
        ("wsl-crew-tailscale", "PASS", "can join", None),
        ("linux-crew-port-taken", "WARN", "Port 8702 is taken", "ss -ltnp"),
        ("linux-crew-alone", "WARN", "no address but loopback", None),
    ],
)
def test_what_is_said_of_each_machine(name: str, verdict: str, says: str, command: str | None) -> None:
    checkup = examine(Recorded(load_transcript(MACHINES, name)), CHECKS)
    finding = next(finding for finding in checkup.findings if finding.check == "crew")
    assert str(finding.verdict) == verdict
    assert says in finding.sentence
    assert command is None or command in [step.command for step in finding.fix]
    assert checkup.exit_code == 0  # nobody needs a crew to draw a picture


def test_a_listener_of_this_machine_is_seen() -> None:
    with contextlib.ExitStack() as stack:
        for port in PORTS:
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("", port))
                one.listen()
                break
        assert port in collect_crew(ThisMachine()).values["linux.crew_ports_taken"]  # type: ignore[operator]


def test_kinds_and_no_address_are_told() -> None:
    lines = ["127.0.0.1", "192.168.1.5", "100.127.0.1", "8.8.8.8", "169.254.1.1"]
    text = "".join(f"     |-- {one}\n        /32 host LOCAL\n" for one in lines)
    assert address_kinds(text) == ["private", "public", "tailscale"]
