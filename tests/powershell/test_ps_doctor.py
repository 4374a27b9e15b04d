"""Test-RigReadiness and doctor.ps1: findings, the same as Python's over the same facts, and what is printed."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from read_scenarios import CASES, READS
from scenarios import Scenario, Turn
from simulated_machine import PLATFORM, State, fresh, ready
from simulated_pc import ROOT, SimulatedWindows, quote, run_powershell

from provision.doctor.checks import CHECKS
from provision.doctor.explain import explain
from provision.doctor.run_checks import run_checks
from provision.facts.facts import from_json

jsonschema = pytest.importorskip("jsonschema")
DOCTOR = ROOT / "powershell" / "doctor.ps1"
KNOWLEDGE = ROOT / "provision" / "knowledge"
SCHEMA = json.loads((KNOWLEDGE / "doctor.schema.json").read_text("utf-8"))
Windows = Callable[[State], SimulatedWindows]
OFF = {"hardware": {"firmware_virtualization": False}}


# ---- findings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("edition", "name"), CASES)
def test_first_broken_link_and_its_cause(read_side: Any, edition: str, name: str) -> None:
    found, wanted = read_side(edition).seen[name], READS[name]
    told = {finding["check"]: finding for finding in found["findings"]}
    assert found["first_broken"] == wanted.broken, [told[check]["sentence"] for check in told]
    if wanted.cause is not None:
        assert wanted.cause in {finding["cause"] for finding in found["findings"]}
    jsonschema.validate(found, SCHEMA)
    assert all(finding["verdict"] != "CRASH" for finding in found["findings"])
    assert all(finding["fix"] for finding in found["findings"] if finding["verdict"] in ("WARN", "FAIL"))


@pytest.mark.parametrize(("edition", "name"), CASES)
def test_findings_are_those_of_python(read_side: Any, edition: str, name: str) -> None:
    found = read_side(edition).seen[name]
    facts = from_json(found["facts"])
    ours = [finding["check"] for finding in found["findings"]]
    assert ours == [check.name for check in CHECKS if check.name in ours], "fixing order"
    checks = [dataclasses.replace(check, needs=_needs(check, ours)) for check in CHECKS if check.name in ours]
    findings, diagnoses = explain(run_checks(checks, facts), facts)
    theirs = {finding.check: _without_time(finding.to_dict()) for finding in findings}
    for finding in found["findings"]:
        assert _without_time(finding) == theirs[finding["check"]]
    assert found["diagnoses"] == [json.loads(json.dumps(diagnosis)) for diagnosis in diagnoses]


def _needs(check: Any, ours: list[str]) -> tuple[str, ...]:
    return tuple(need for need in check.needs_at("windows") if need in ours)


def _without_time(finding: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in json.loads(json.dumps(finding)).items() if key != "seconds"}


def test_every_check_for_windows_that_needs_no_python_is_there(read_side: Any) -> None:
    of_python = {
        "cuda-init",
        "nvml",
        "torch-build",
        "torch-cuda",
        "torch-arch",
        "gpu-kernel",
        "gpu-identity",
        "package-names",
        "python",
        "colab-page",
    }
    ours = {finding["check"] for finding in read_side("powershell").seen["healthy"]["findings"]}
    assert {check.name for check in CHECKS if "windows" in check.places} - of_python == ours


def test_readiness_takes_facts_and_names_and_survives_a_check_that_breaks(windows: Windows) -> None:
    pc = windows(ready(**OFF))
    ran = pc.execute(f"""
Import-Module {quote(str(ROOT / "powershell" / "DreamRig"))}
$given = [pscustomobject]@{{ place = 'windows'; windows = [pscustomobject]@{{ build = 19041 }}; unknown = $null }}
$found = [ordered]@{{ given = @(Test-RigReadiness -Facts $given -Check windows-build) }}
$found.asked = [System.IO.File]::Exists("$env:DREAMRIG_SIMULATION/calls.jsonl")
$found.named = @(Test-RigReadiness -Check firmware-virtualization, hypervisor)
try {{ Test-RigReadiness -Check hypervizor }} catch {{ $found.refused = "$_" }}
& (Get-Module DreamRig) {{ function script:Test-DiskSpace {{ throw 'Ouch.' }} }}
$found.broken = @(Test-RigReadiness -Check disk-space, wslconfig)
ConvertTo-Json -Depth 9 $found
""")
    found = ran.json
    assert [(one["verdict"], one["evidence"][0]["value"]) for one in found["given"]] == [("FAIL", 19041)]
    assert found["asked"] is False, "with facts given, Windows is not asked"
    assert [(one["check"], one["verdict"]) for one in found["named"]] == [
        ("firmware-virtualization", "FAIL"),
        ("hypervisor", "SKIP"),
    ]
    assert "There is no check 'hypervizor'" in found["refused"]
    crash, after = found["broken"]
    assert (crash["verdict"], after["verdict"]) == ("CRASH", "PASS")
    assert "Ouch" in crash["sentence"]


# ---- doctor.ps1 ----------------------------------------------------------------------------------------------------

PASTED = "WslRegisterDistribution failed with error: 0x80370102"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for reports, and copies of the scripts as git checks them out: without knowledge, with damaged one."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("bare [1]", "damaged \u00e4"):
        shutil.copytree(ROOT / "powershell", folder / name / "powershell")
        for script in (folder / name / "powershell").rglob("*.ps*1"):
            script.write_bytes(script.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    shutil.copytree(KNOWLEDGE, folder / "damaged \u00e4" / "provision" / "knowledge")
    (folder / "damaged \u00e4" / "provision" / "knowledge" / "doctor-causes.json").write_text("{", "utf-8")
    return folder


@pytest.fixture(scope="module")
def visits(several: Any, files: Path) -> dict[str, Any]:
    """Every run of doctor.ps1 that these tests look at, from one process per edition."""
    launch_off = ready(boot={"hypervisorlaunchtype": "Off"}, elevated=True)
    report = ["-Report", str(files / "Bericht \u00e4 1.md")]
    pasted = [Turn(DOCTOR, ["-Text", PASTED, "-Json"]), Turn(DOCTOR, ["-Text", PASTED])]
    return several(
        {
            "healthy": Scenario(ready(language="de-DE"), [Turn(DOCTOR), Turn(DOCTOR, ["-Verbose"])]),
            "mended": Scenario(fresh(), [Turn(DOCTOR)]),
            "broken": Scenario(fresh(**OFF), [Turn(DOCTOR, report), Turn(DOCTOR, ["-Json", "-Report", "/none/x.md"])]),
            "json": Scenario(launch_off, [Turn(DOCTOR, ["-Json"])]),
            "facts": Scenario(ready(), [Turn(DOCTOR, ["-Facts", "-Json"]), Turn(DOCTOR, ["-Facts"])]),
            "pasted": Scenario(fresh(**OFF, features={PLATFORM: "Enabled"}), pasted),
            "unknown": Scenario(ready(), [Turn(DOCTOR, ["-Text", "Error: 0x8badf00d"])]),
            "bare": Scenario(fresh(**OFF), [Turn(files / "bare [1]" / "powershell" / "doctor.ps1", ["-Json"])]),
            "damaged": Scenario(
                fresh(**OFF), [Turn(files / "damaged \u00e4" / "powershell" / "doctor.ps1", ["-Json"])]
            ),
        }
    )


def test_healthy(visits: dict[str, Any]) -> None:
    ran, full = visits["healthy"].ran
    assert (ran.code, ran.err) == (0, "")
    assert 6 <= len(ran.out.splitlines()) <= 10, ran.out
    assert "PASS   WSL               WSL 2.4.13.0, kernel 5.15.167.4-1." in ran.out
    assert "PASS   wsl-version " in full.out, "every link with -Verbose"
    assert len(full.out.splitlines()) > 20
    assert "FAIL" not in ran.out
    assert ran.out.rstrip().splitlines()[-1].startswith("Every link of the Windows half holds.")


def test_what_setup_mends_ends_with_its_command(visits: dict[str, Any]) -> None:
    [ran] = visits["mended"].ran
    assert ran.code == 3
    last = ran.out.rstrip().splitlines()[-1]
    assert last == (
        "First broken link: virtual-machine-platform. setup.ps1 does this for you, and what comes after it: "
        "powershell -ExecutionPolicy Bypass -File powershell\\setup.ps1"
    )
    assert ran.out.count("       fix 1  ") == 1, "the first broken link only"


def test_nothing_is_changed(visits: dict[str, Any]) -> None:
    assert not [call for visit in visits.values() for turn in visit.calls for call in turn if call.changes]


def test_broken_with_the_help_of_this_board_only(visits: dict[str, Any]) -> None:
    ran = visits["broken"].ran[0]
    assert ran.code == 3
    assert "First broken link: firmware-virtualization." in ran.out.rstrip().splitlines()[-1]
    firmware = json.loads((KNOWLEDGE / "firmware.json").read_text("utf-8"))
    other = [maker["maker"] for maker in firmware["makers"] if "asus" not in maker["maker"].lower()]
    assert "ASUS: press " in ran.out
    assert not [maker for maker in other if f"{maker}: press" in ran.out]
    assert "Intel: " not in ran.out, "this processor is AMD's"


def test_json(visits: dict[str, Any]) -> None:
    [ran] = visits["json"].ran
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.isascii(), "any code page can carry it"
    document = ran.json
    assert (document["schema"], document["command"], document["ok"], document["errors"]) == (1, "doctor", False, [])
    jsonschema.validate(document["data"], SCHEMA)
    assert document["data"]["first_broken"] == "hypervisor"
    assert document["data"]["next"]["needs_admin"] is True
    assert document["data"]["diagnoses"][0]["cause"] == "hypervisor-launch-off"


def test_facts_only(visits: dict[str, Any]) -> None:
    ran, text = visits["facts"].ran
    assert (ran.code, ran.err, text.code) == (0, "", 0)
    jsonschema.validate(ran.json["data"], SCHEMA)
    assert ran.json["data"]["findings"] == []
    facts = from_json(ran.json)
    assert (facts.place, facts.get("windows.nvidia_driver")) == ("windows", "552.86")
    lines = text.out.splitlines()
    assert 'windows.features.virtual_machine_platform = "enabled"' in lines
    assert "  windows.slat  failed: it reads False while a hypervisor runs, and means nothing then" in lines


def test_a_pasted_text_is_explained_by_the_facts_of_this_pc(visits: dict[str, Any]) -> None:
    ran, text = visits["pasted"].ran
    assert (ran.code, ran.json["command"]) == (0, "diagnose")
    first = ran.json["data"]["diagnoses"][0]
    assert (first["cause"], first["verdict"]) == ("firmware-virtualization-off", "confirmed")
    assert first["evidence"][0] == {"kind": "text", "line": PASTED, "matched": "0x80370102"}
    assert "1. CONFIRMED: " in text.out
    [unknown] = visits["unknown"].ran
    assert unknown.code == 3
    assert "0x8badf00d: not in the knowledge base." in unknown.out


def test_report_without_names(visits: dict[str, Any], files: Path) -> None:
    ran, refused = visits["broken"].ran
    data = (files / "Bericht \u00e4 1.md").read_bytes()
    text = data.decode("utf-8")
    assert ran.err.startswith("report: ")
    assert not data.startswith(b"\xef\xbb\xbf")
    assert text.startswith("# dreamrig: report")
    assert "FAIL   firmware-virtualization" in text
    assert not [name for name in ("J\u00f6rg", "PC-J", "Users/J") if name in text]
    assert (refused.code, refused.json["errors"][0]["exit_code"]) == (2, 2)


def test_a_damaged_or_missing_knowledge_base_does_not_silence_the_checks(visits: dict[str, Any]) -> None:
    [missing], [damaged] = visits["bare"].ran, visits["damaged"].ran
    assert (missing.code, missing.json["data"]["first_broken"]) == (3, "firmware-virtualization")
    assert missing.json["data"]["diagnoses"] == []
    verdicts = {finding["check"]: finding["verdict"] for finding in missing.json["data"]["findings"]}
    assert verdicts["windows-driver"] == "PASS", "without gpus.json, the least driver of all cards counts"
    assert "knowledge base is missing" in missing.err
    assert (damaged.code, damaged.json["data"]["first_broken"]) == (3, "firmware-virtualization")
    assert "is damaged" in damaged.err


def test_on_anything_but_windows_it_says_so(edition: str) -> None:
    ran = run_powershell(edition, ["-File", str(DOCTOR), "-Json"])
    assert (ran.code, ran.err) == (4, "")
    assert (ran.json["ok"], ran.json["data"], ran.json["command"]) == (False, None, "doctor")
    assert "not Windows" in ran.json["errors"][0]["message"]
    talk = run_powershell(edition, ["-File", str(DOCTOR)])
    assert (talk.code, talk.out) == (4, "")
    assert talk.err.splitlines() == [
        "error: This is not Windows: doctor.ps1 checks the Windows half only.",
        "hint: run: dreamrig doctor",
    ]


def test_a_module_that_is_gone_is_one_error(edition: str, tmp_path: Path) -> None:
    shutil.copy(DOCTOR, tmp_path)
    ran = run_powershell(edition, ["-File", str(tmp_path / "doctor.ps1"), "-Json"])
    assert ran.code == 4
    assert ran.json["ok"] is False
    assert len(ran.json["errors"]) == 1
