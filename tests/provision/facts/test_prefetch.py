"""Slow collectors of a doctor's visit run at the same time, and what nobody asked for leaves no trace."""

import threading
from pathlib import Path
from typing import Any

import pytest

from provision.doctor.checks import CHECKS
from provision.doctor.checkup import examine
from provision.facts.survey import COLLECTORS, Survey
from provision.machine.machine import Ran
from provision.machine.recorded import Recorded, load_transcript

MACHINES = Path(__file__).parents[2] / "machines"
GUARD_SECONDS = 30
HALF, CUDA, NVML = "doctor.ps1 -Facts", "provision.machine.probe cuda", "provision.machine.probe nvml"


class Meeting(Recorded):
    """A machine on which three programs end only when all three have been started."""

    def __init__(self, transcript: dict[str, Any]) -> None:
        super().__init__(transcript)
        self.barrier = threading.Barrier(3)

    def run(self, *argv: str, **options: Any) -> Ran:
        if any(part in " ".join(argv) for part in (HALF, CUDA, NVML)):
            self.barrier.wait(GUARD_SECONDS)  # BrokenBarrierError where one of them waits for another
        return super().run(*argv, **options)


def test_the_windows_half_and_the_probes_run_at_the_same_time() -> None:
    machine = Meeting(load_transcript(MACHINES, "wsl-healthy-3090"))
    checkup = examine(machine, CHECKS)
    assert checkup.exit_code == 0
    assert not machine.barrier.broken


@pytest.mark.parametrize("name", ["wsl-healthy-3090", "wsl-old-driver", "wsl-1", "wsl-driver-crashes"])
def test_what_is_prefetched_is_seen_only_where_somebody_asks(name: str) -> None:
    survey = Survey(Recorded(load_transcript(MACHINES, name)))
    survey.prefetch()
    for collector in (each for each in COLLECTORS if each.slow):
        survey._collect(collector)  # waits for the thread that has it
    assert survey.seen().to_json()["cuda"] is None
    assert survey.seen().to_json()["windows"] is None
    assert survey.get("windows.build") == Survey(Recorded(load_transcript(MACHINES, name))).get("windows.build")
    assert survey.seen().to_json()["windows"] is not None


class Breaking(Recorded):
    """A machine on which asking for the Windows half raises."""

    def run(self, *argv: str, **options: Any) -> Ran:
        if HALF in " ".join(argv):
            raise RuntimeError("Ouch.")
        return super().run(*argv, **options)


def test_a_collector_that_breaks_while_prefetched_breaks_its_checks_only() -> None:
    checkup = examine(Breaking(load_transcript(MACHINES, "wsl-healthy-3090")), CHECKS)
    verdicts = {finding.check: str(finding.verdict) for finding in checkup.findings}
    assert verdicts["windows-half"] == "CRASH"
    assert verdicts["wsl-conf"] == "PASS"
