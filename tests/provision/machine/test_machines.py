"""Recorded machines through the whole doctor: verdict of every check, the first broken link, its cause."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provision.doctor.checks import CHECKS, identity
from provision.doctor.checkup import Checkup, examine
from provision.facts.facts import KNOWLEDGE, from_json
from provision.machine.recorded import Recorded, load_transcript

MACHINES = Path(__file__).parents[2] / "machines"
NAMES = sorted(path.stem for path in MACHINES.glob("*.json"))
PROBE_KERNEL = ("python3 -m provision.machine.probe kernel", "python.exe -m provision.machine.probe kernel")


@functools.cache
def replay(name: str) -> tuple[Recorded, Checkup]:
    machine = Recorded(load_transcript(MACHINES, name))
    return machine, examine(machine, CHECKS)


def test_there_are_machines_enough() -> None:
    assert len(NAMES) >= 30
    assert all(load_transcript(MACHINES, name)["about"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_machine(name: str) -> None:
    expected = load_transcript(MACHINES, name)["expect"]
    _, checkup = replay(name)
    assert {finding.check: str(finding.verdict) for finding in checkup.findings} == expected["verdicts"]
    first = checkup.first_broken
    assert (first.check if first else None) == expected.get("first_broken")
    assert next((finding.cause for finding in checkup.findings if finding.cause), None) == expected.get("cause")
    assert (checkup.place, checkup.exit_code) == (expected["place"], expected["exit_code"])
    jsonschema.validate(json.loads(json.dumps(checkup.to_dict())), DOCTOR_SCHEMA)


DOCTOR_SCHEMA = json.loads((KNOWLEDGE / "doctor.schema.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_torch_is_imported_only_where_the_chain_reaches_it(name: str) -> None:
    machine, checkup = replay(name)
    verdicts = {finding.check: str(finding.verdict) for finding in checkup.findings}
    reached = verdicts["torch-cuda"] in ("PASS", "SKIP") and verdicts["torch-arch"] != "SKIP"
    assert any(line in machine.asked for line in PROBE_KERNEL) == reached


@pytest.mark.parametrize("name", NAMES)
def test_facts_alone_give_the_same_verdicts(name: str) -> None:
    """What a bug report carries is enough to see what its writer saw."""
    _, checkup = replay(name)
    if checkup.facts.get("linux") is None:
        return  # only a whole machine is judged from its facts
    again = examine(Recorded({}), CHECKS, from_json(json.loads(json.dumps(checkup.facts.to_json()))))
    told = [(finding.check, finding.verdict, finding.sentence) for finding in checkup.findings]
    assert [(finding.check, finding.verdict, finding.sentence) for finding in again.findings] == told


def test_no_cause_is_claimed_where_nothing_is_wrong() -> None:
    for name in ("wsl-healthy-3090", "wsl-healthy-3090-windows-10", "windows-healthy", "linux-3090", "colab-t4"):
        _, checkup = replay(name)
        assert checkup.diagnoses == ()


def test_the_3090_is_confirmed_by_what_was_measured() -> None:
    _, checkup = replay("wsl-healthy-3090")
    finding = next(finding for finding in checkup.findings if finding.check == "gpu-identity")
    assert finding.sentence == (
        "It is an RTX 3090: 24575 MiB, capability 8.6, 27.9 TFLOP/s measured, 78% of the datasheet."
    )


def test_the_fix_names_things_of_this_very_machine() -> None:
    commands = {
        "wsl-linux-driver-inside": "sudo apt-get purge -y libnvidia-compute-535 nvidia-driver-535 nvidia-utils-535",
        "windows-firmware-off": "shutdown /r /fw /t 0",
        "windows-default-wsl-1": "wsl --set-version Ubuntu 2",
        "windows-hypervisor-off": "bcdedit /set hypervisorlaunchtype auto",
        "wsl-ldconfig-off": "echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig",
    }
    for name, command in commands.items():
        _, checkup = replay(name)
        assert checkup.next_step is not None
        assert checkup.next_step.command == command


def test_home_editions_are_never_told_to_enable_hyper_v() -> None:
    _, checkup = replay("windows-home-platform-off")
    commands = [step.command or "" for finding in checkup.findings for step in finding.fix]
    assert commands
    assert not [command for command in commands if "Hyper-V" in command]


@dataclass
class Told:
    """Facts by name."""

    place: str
    facts: dict[str, object]

    def get(self, path: str) -> Any:
        return self.facts.get(path)

    def reason(self, path: str) -> str:
        return "not known"


@pytest.mark.parametrize(("place", "command"), [("wsl", "nvidia-smi -pl 350"), ("linux", "sudo nvidia-smi -pl 350")])
def test_the_power_limit_is_raised_where_the_driver_is(place: str, command: str) -> None:
    limits = {"cuda.power_limit_watts": 200, "cuda.power_default_watts": 350}
    step, _ = identity._faster(Told(place, dict(limits)))
    assert step.command == command
    assert ("Windows" in step.text) == (step.where == "windows") == (place == "wsl")


def test_a_card_that_is_held_back_is_told_by_how_much() -> None:
    _, checkup = replay("wsl-power-limited-3090")
    finding = next(finding for finding in checkup.findings if finding.check == "gpu-identity")
    assert finding.sentence == (
        "Your RTX 3090 runs at 38% of an RTX 3090, 13.5 of 35.6 TFLOP/s: power limit 200 W of 350 W."
    )
    assert (finding.fix[0].command, finding.fix[0].needs_admin) == ("nvidia-smi -pl 350", True)
