"""The smoke tests for a real Windows (tests/pester), run on the simulated one; the workflow that runs them there."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from simulated_machine import State, fresh
from simulated_pc import ROOT, SIMULATION, SimulatedWindows, quote, require_powershell

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")
SMOKE = Path("tests") / "pester" / "Smoke.ps1"
WORKFLOW = ROOT / ".github" / "workflows" / "windows.yml"
Windows = Callable[[State], SimulatedWindows]


def smoke(pc: SimulatedWindows, checkout: Path = ROOT) -> dict[str, str]:
    """Assertion -> what it said against this PC, '' where it holds."""
    ran = pc.execute(f"""
$ErrorActionPreference = 'Stop'
. {quote(str(checkout / SMOKE))}
$said = [ordered]@{{}}
$smoke = Get-SmokeAssertion
foreach ($name in $smoke.Keys) {{
    $said[$name] = ''
    try {{ $null = & $smoke[$name] }} catch {{ $said[$name] = "$_" }}
}}
[Console]::Out.WriteLine("`nSMOKE" + (ConvertTo-Json -InputObject $said))
""")
    assert "SMOKE" in ran.out, ran.err
    found: dict[str, str] = json.loads(ran.out.rpartition("SMOKE")[2])
    return found


def test_the_smoke_tests_hold_on_the_simulated_windows(windows: Windows) -> None:
    pc = windows(fresh())
    found = smoke(pc)
    assert len(found) >= 6
    assert {name: said for name, said in found.items() if said} == {}
    assert pc.changes == []


def test_the_smoke_tests_notice_what_is_broken(tmp_path: Path) -> None:
    """A doctor that asks the stub of 24H2 for its version, and a command without an example."""
    require_powershell("pwsh")
    shutil.copytree(ROOT / "powershell", tmp_path / "powershell")
    shutil.copytree(ROOT / "provision" / "knowledge", tmp_path / "provision" / "knowledge")
    shutil.copytree(ROOT / SMOKE.parent, tmp_path / SMOKE.parent)
    wsl = tmp_path / "powershell" / "DreamRig" / "Private" / "Native" / "Invoke-Wsl.ps1"
    wsl.write_text(wsl.read_text("ascii").replace("if (-not $path) {", "$path = 'wsl.exe'; if (-not $path) {"))
    public = tmp_path / "powershell" / "DreamRig" / "Public" / "Get-RigFact.ps1"
    public.write_text(public.read_text("ascii").replace(".EXAMPLE", ".LINK"))
    broken = {
        name
        for name, said in smoke(SimulatedWindows(tmp_path / "PC", "pwsh", fresh(elevated=True)), tmp_path).items()
        if said
    }
    assert "looking changes nothing" in broken
    assert "the module exports what its manifest lists, each with help and an example" in broken


def test_the_workflow_runs_what_is_there() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    job = workflow["jobs"]["windows"]
    assert job["runs-on"] == "windows-latest"
    assert job["strategy"]["matrix"]["shell"] == ["powershell", "pwsh"]
    scripts = "\n".join(step.get("run", "") for step in job["steps"])
    for path in re.findall(r"powershell\\\\[\w.-]+\.ps1|tests\\\\pester", scripts):
        assert (ROOT / path.replace("\\\\", "/").replace("\\", "/")).exists(), path
    for script in ("doctor.ps1", "setup.ps1"):
        own = (ROOT / "powershell" / script).read_text("ascii").split("param(", 1)[1]
        line = next(line for line in scripts.splitlines() if script in line)
        given = set(re.findall(r" -([A-Z]\w+)", line.partition(script)[2])) - {"Verbose", "WhatIf"}
        assert all(f"${name}" in own for name in given), given


def test_the_configuration_is_one_by_its_schema() -> None:
    document = yaml.safe_load((ROOT / "powershell" / "features.winget").read_text("utf-8"))
    schema = json.loads((SIMULATION / "dsc-document.schema.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    (resource,) = document["resources"]
    assert resource["properties"]["features"] == [{"featureName": "VirtualMachinePlatform", "state": "Installed"}]
