"""The doctor's question whether this machine can join a crew; the recorded machines give the verdicts."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import Any, get_args

import pytest

from generator.crew.membership import Hindrance
from provision.doctor.check import Finding
from provision.doctor.checks import CHECKS
from provision.doctor.checks.crew import WORDS
from provision.doctor.checkup import examine
from provision.facts.collectors.crew import ASK, PORTS, address_kinds, collect_crew
from provision.facts.facts import facts_schema
from provision.machine.local import ThisMachine
from provision.machine.recorded import Recorded, load_transcript, merge_patch

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


RAY = "/home/ada/dreamrig/.venv/lib/python3.12/site-packages/ray/_version.py"


def said_by(told: dict[str, Any] | None, ray: str = "2.60.0", code: int = 0, **files: str) -> Finding:
    """Of a healthy machine with a token, whose head is asked by `dreamrig crew check`."""
    base = load_transcript(MACHINES, "wsl-crew-mirrored")
    asked = f"{Recorded(base).python} {' '.join(ASK)}"
    answer = {"code": code, "out": json.dumps({"data": told})}
    token = f"{Recorded(base).data_folder()}/crew/token"
    there = {"files": {RAY: f'version = "{ray}"\n', token: "", **files}, "commands": {asked: answer}}
    checkup = examine(Recorded(merge_patch(base, there)), CHECKS)
    return next(finding for finding in checkup.findings if finding.check == "crew")


def head_says(*kinds: str, role: str | None = None, head: str | None = "192.168.1.5:8701") -> dict[str, Any]:
    hindrances = [{"kind": kind, "what": "at 192.168.1.5", "fix": ""} for kind in kinds]
    return {"head": head, "role": role, "hindrances": hindrances}


def test_what_the_head_would_say_is_told_without_its_address() -> None:
    found = said_by(head_says("ray", "clock", "own_ports"), code=3)
    assert str(found.verdict) == "WARN"
    assert "another Ray" in found.sentence
    assert "another time" in found.sentence
    assert "ports of this machine" in found.sentence
    assert [step.command for step in found.fix] == ["dreamrig crew check"]
    assert "192.168.1.5" not in json.dumps(found.to_dict())
    found = said_by(head_says())
    assert (str(found.verdict), "It fits the crew" in found.sentence) == ("PASS", True)
    assert {"kind": "fact", "fact": "python.ray_version", "value": "2.60.0"} in found.evidence


def test_a_head_that_is_off_or_was_never_named_is_no_fault() -> None:
    found = said_by(None, code=4)
    assert str(found.verdict) == "PASS"
    assert "does not answer" in json.dumps(found.to_dict())
    found = said_by(head_says(head=None))
    assert (str(found.verdict), "in vain" in json.dumps(found.to_dict())) == ("PASS", False)


def test_a_machine_that_is_in_a_crew_needs_no_free_ports() -> None:
    table = {
        "/proc/net/tcp": "   0: 0501A8C0:21FE 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 1 1\n"
    }
    assert str(said_by(head_says(), **table).verdict) == "WARN"
    for role, says in (("head", "is the head of its crew"), ("node", "It fits the crew")):
        found = said_by(head_says(role=role), **table)
        assert (str(found.verdict), says in found.sentence) == ("PASS", True)


@pytest.mark.parametrize("ray", ["2.51.0", "3.0.0", "2.9"])
def test_a_ray_that_dreamrig_does_not_take_is_told(ray: str) -> None:
    found = said_by(head_says(), ray)
    assert str(found.verdict) == "WARN"
    assert f"Ray {ray}" in found.sentence
    assert "ray>=2.52,<3" in str(found.fix[0].command)


def test_every_hindrance_has_words_and_a_place_in_the_schema() -> None:
    kinds = set(get_args(Hindrance))
    assert kinds == WORDS.keys()
    schema = facts_schema()["properties"]["linux"]["properties"]["crew_hindrances"]
    assert kinds == set(schema["items"]["enum"])


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
