"""Running checks: order, needs, crashes, hangs; and what is true of every check."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provision.diagnosis.knowledge import load_knowledge
from provision.doctor.check import (
    CheckVerdict,
    DoctorCheck,
    FactReader,
    Finding,
    FixStep,
    evidence,
    failed,
    passed,
    unknown,
    warned,
)
from provision.doctor.checks import CHECKS, SECTIONS
from provision.doctor.checkup import examine, require_names, with_needs
from provision.doctor.explain import causes_of
from provision.doctor.run_checks import run_checks
from provision.facts.facts import KNOWLEDGE, Facts, from_json
from provision.machine.recorded import Recorded, load_transcript

ROOT = Path(__file__).parents[3]
MACHINES = ROOT / "tests" / "machines"
NAMES = sorted(path.stem for path in MACHINES.glob("*.json"))


@dataclass
class Told:
    """Facts from a flat table."""

    table: dict[str, Any] = field(default_factory=dict)
    place: str = "linux"

    def get(self, path: str) -> Any:
        return self.table.get(path)

    def reason(self, path: str) -> str:
        return "denied"


def make(name: str, look: Callable[[FactReader], Finding], *needs: str, **more: Any) -> DoctorCheck:
    return DoctorCheck(name, f"{name}?", look, needs, **more)


def good(_: FactReader) -> Finding:
    return passed("Good.")


def bad(_: FactReader) -> Finding:
    return failed("Bad.", [], FixStep("Mend it."))


def verdicts(*checks: DoctorCheck, place: str = "linux") -> dict[str, str]:
    return {finding.check: str(finding.verdict) for finding in run_checks(checks, Told(place=place))}


# --- running


def test_a_check_whose_need_failed_is_skipped_and_so_is_what_needs_that() -> None:
    checks = (make("a", bad), make("b", good, "a"), make("c", good, "b"), make("d", good))
    findings = run_checks(checks, Told())
    assert [str(finding.verdict) for finding in findings] == ["FAIL", "SKIP", "SKIP", "PASS"]
    assert [finding.blocked_by for finding in findings] == [None, "a", "a", None]
    assert findings[2].sentence == "Needs a."


def test_a_warning_stops_nothing_unless_it_says_so() -> None:
    def warns(_: FactReader) -> Finding:
        return warned("Hm.", [], FixStep("Look."))

    def stops(_: FactReader) -> Finding:
        return warned("Nothing here.", [], FixStep("Fine."), stops=True)

    assert verdicts(make("a", warns), make("b", good, "a")) == {"a": "WARN", "b": "PASS"}
    assert verdicts(make("a", stops), make("b", good, "a")) == {"a": "WARN", "b": "SKIP"}


def test_what_cannot_be_told_blocks_nothing() -> None:
    def untold(facts: FactReader) -> Finding:
        return unknown(facts, "linux.kernel")

    findings = run_checks((make("a", untold), make("b", good, "a")), Told())
    assert [str(finding.verdict) for finding in findings] == ["SKIP", "PASS"]
    assert findings[0].sentence == "Cannot be told: that needs an administrator."
    assert findings[0].evidence == ({"kind": "unknown", "fact": "linux.kernel", "reason": "denied"},)


def test_a_check_that_raises_is_a_crash_and_the_others_go_on() -> None:
    def breaks(_: FactReader) -> Finding:
        raise KeyError("colour")

    findings = run_checks((make("a", breaks), make("b", good, "a"), make("c", good)), Told())
    assert [str(finding.verdict) for finding in findings] == ["CRASH", "SKIP", "PASS"]
    assert findings[0].sentence == "The check itself broke: KeyError: 'colour'."
    assert "test_checks.py" in findings[0].evidence[0]["line"]
    assert findings[0].fix[-1].command == "dreamrig doctor --report"


def test_a_check_that_hangs_is_a_crash_and_the_others_go_on() -> None:
    forever = threading.Event()

    def hangs(_: FactReader) -> Finding:
        forever.wait()
        return passed("Late.")

    findings = run_checks((make("a", hangs), make("b", good, "a"), make("c", good)), Told(), limit_seconds=0.2)
    forever.set()
    assert [str(finding.verdict) for finding in findings] == ["CRASH", "SKIP", "PASS"]
    assert "did not come back" in findings[0].sentence


def test_findings_stand_in_the_order_of_the_checks_whoever_ends_first() -> None:
    second_is_done = threading.Event()

    def waits(_: FactReader) -> Finding:
        assert second_is_done.wait(30)
        return passed("Slow.")

    def quick(_: FactReader) -> Finding:
        second_is_done.set()
        return passed("Quick.")

    findings = run_checks((make("slow", waits), make("quick", quick)), Told())
    assert [finding.check for finding in findings] == ["slow", "quick"]


def test_places_choose_checks_and_needs() -> None:
    checks = (make("a", bad, places=("wsl",)), make("b", bad, places=("linux", "wsl")), make("c", good, "a", "wsl:b"))
    assert verdicts(*checks, place="linux") == {"b": "FAIL", "c": "PASS"}
    assert verdicts(*checks, place="wsl") == {"a": "FAIL", "b": "FAIL", "c": "SKIP"}


def test_needs_of_a_chosen_check_run_with_it() -> None:
    chosen = with_needs(CHECKS, ["gpu-kernel"], "linux")
    assert [each.name for each in chosen] == [
        "gpu-present", "linux-driver", "cuda-init", "torch-build", "torch-cuda", "torch-arch", "gpu-kernel",
    ]  # fmt: skip


def test_evidence_tells_facts_or_why_there_are_none() -> None:
    assert evidence(Told({"a.b": 0}), "a.b", "c") == (
        {"kind": "fact", "fact": "a.b", "value": 0},
        {"kind": "unknown", "fact": "c", "reason": "denied"},
    )


# --- all checks


def test_names_are_unique_and_needs_stand_earlier() -> None:
    names = [each.name for each in CHECKS]
    assert len(names) == len(set(names))
    for index, each in enumerate(CHECKS):
        for place in each.places:
            assert set(each.needs_at(place)) <= set(names[:index]), each.name


def test_sections_hold_every_check_in_the_same_order() -> None:
    assert [each.name for _, checks in SECTIONS for each in checks] == [each.name for each in CHECKS]


def test_schema_lists_the_checks() -> None:
    schema = json.loads((KNOWLEDGE / "doctor.schema.json").read_text())
    assert schema["properties"]["findings"]["items"]["properties"]["check"]["enum"] == [each.name for each in CHECKS]


def test_causes_of_checks_are_in_the_knowledge_base() -> None:
    known = {cause.slug for cause in load_knowledge().causes}
    assert {slug for each in CHECKS for slug in causes_of(each.name)} <= known


@pytest.mark.parametrize("name", NAMES)
def test_every_fail_and_warn_carries_a_fix(name: str) -> None:
    findings = examine(Recorded(load_transcript(MACHINES, name)), CHECKS).findings
    for finding in findings:
        assert finding.sentence.endswith("."), finding
        assert finding.sentence.isprintable(), finding
        if finding.verdict in (CheckVerdict.FAIL, CheckVerdict.WARN, CheckVerdict.CRASH):
            assert finding.evidence, finding
            assert finding.fix, finding
            assert all(step.text for step in finding.fix), finding
        if finding.verdict is CheckVerdict.PASS:
            assert not finding.fix, finding


def test_every_check_is_seen_passing_and_not_passing_in_some_machine() -> None:
    seen: dict[str, set[str]] = {}
    for name in NAMES:
        for check_name, verdict in load_transcript(MACHINES, name)["expect"]["verdicts"].items():
            seen.setdefault(check_name, set()).add(verdict)
    for each in CHECKS:
        assert "PASS" in seen[each.name], each.name
        assert seen[each.name] & {"FAIL", "WARN", "CRASH"}, each.name


@pytest.mark.parametrize("place", ["windows", "wsl", "linux", "colab", "other"])
def test_no_check_breaks_on_facts_that_are_missing(place: str) -> None:
    found = examine(Recorded({}), CHECKS, from_json({"schema": 1, "place": place, "linux": {}}))
    assert found.findings
    assert not [finding for finding in found.findings if finding.verdict is CheckVerdict.CRASH]


def test_no_check_imports_torch_into_this_process() -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from provision.doctor.checks import CHECKS\nfrom provision.doctor.checkup import examine\n"
        "from provision.machine.recorded import Recorded, load_transcript\n"
        "found = examine(Recorded(load_transcript(Path('tests/machines'), 'wsl-healthy-3090')), CHECKS)\n"
        "print(found.exit_code, sorted({'torch', 'numpy', 'rich', 'typer'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "0 []\n"


# --- choosing


def test_names_that_no_check_has() -> None:
    from dreamrig.errors import UsageError

    with pytest.raises(UsageError, match="no check 'torch-biuld'") as caught:
        require_names(CHECKS, ["torch-biuld"], "linux")
    assert caught.value.hint == "did you mean: dreamrig doctor --check torch-build"
    with pytest.raises(UsageError, match="for wsl; this is linux"):
        require_names(CHECKS, ["dxg-device"], "linux")


# --- single checks that no recorded machine shows


def look(name: str, place: str, **halves: Any) -> Finding:
    """What one check says of these facts, needs left aside."""
    facts = from_json({"schema": 1, "place": place, **halves})
    return next(each for each in CHECKS if each.name == name).look(facts)


def test_device_disabled_in_the_device_manager() -> None:
    finding = look("hypervisor", "windows", windows={"hypervisor_present": False, "hypervisor_device_disabled": True})
    assert finding.verdict is CheckVerdict.FAIL
    assert "device manager" in finding.sentence


@pytest.mark.parametrize(
    ("build", "revision", "verdict"),
    [
        (18362, 1048, "FAIL"),
        (18363, 1049, "FAIL"),
        (19043, 1, "FAIL"),
        (19044, 1, "PASS"),
        (22000, 1, "PASS"),
        (None, None, "SKIP"),
    ],
)
def test_builds(build: int | None, revision: int | None, verdict: str) -> None:
    finding = look("windows-build", "windows", windows={"build": build, "revision": revision})
    assert str(finding.verdict) == verdict
    assert ("too old for WSL 2" in finding.sentence) == (build == 18362)


@pytest.mark.parametrize(
    ("driver", "cuda", "verdict"),
    [
        ("12.4", "12.4", "PASS"),
        ("12.2", "12.6", "PASS"),
        ("13.0", "12.6", "PASS"),
        ("11.8", "12.4", "FAIL"),
        (None, "12.4", "SKIP"),
    ],
)
def test_cuda_versions(driver: str | None, cuda: str, verdict: str) -> None:
    assert str(look("torch-cuda", "linux", cuda={"driver_cuda": driver}, torch={"cuda": cuda}).verdict) == verdict


@pytest.mark.parametrize(
    ("free", "verdict"), [(500, "FAIL"), (5000, "WARN"), (50_000, "PASS"), (None, "SKIP")]
)  # fmt: skip
def test_room_on_the_disk(free: int | None, verdict: str) -> None:
    assert str(look("disk-space", "linux", linux={"data_free_mib": free}).verdict) == verdict


def test_a_need_of_the_whole_half_is_told_in_one_word() -> None:
    facts = Facts({"schema": 1, "place": "wsl", "unknown": {"windows": "failed: no powershell.exe"}})
    assert unknown(facts, "windows.build").sentence == "Cannot be told: Windows could not be asked (see windows-half)."
    assert unknown(facts, "linux.kernel").sentence == "Cannot be told: nobody has asked."


@pytest.mark.parametrize("kernel", [None, ""])
def test_a_kernel_without_a_version_is_not_told(kernel: str | None) -> None:
    finding = look("wsl-version", "windows", wsl={"is_installed": True, "version": "2.4.13.0", "kernel": kernel})
    assert finding.sentence == "WSL 2.4.13.0."
