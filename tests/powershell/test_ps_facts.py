"""What Get-RigFact reads: every scenario under both editions, and the shape of the document."""

import json
from pathlib import Path
from typing import Any

import pytest
import simulated_machine as machine
from read_scenarios import CASES, READS, Read
from simulated_pc import ROOT, SimulatedWindows, evaluate_each, quote, run_powershell

from provision.facts.facts import look_up
from provision.facts.wslconf import WSL_CONF, WSLCONFIG, read_wslconfig

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((ROOT / "provision" / "knowledge" / "facts.schema.json").read_text("utf-8"))


@pytest.mark.parametrize(("edition", "name"), CASES)
def test_facts(read_side: Any, edition: str, name: str) -> None:
    facts, wanted = read_side(edition).seen[name]["facts"], READS[name]
    assert {path: look_up(facts, path) for path in wanted.facts} == dict(wanted.facts)
    assert {path: facts["unknown"].get(path) for path in wanted.unknown} == dict(wanted.unknown)


@pytest.mark.parametrize(("edition", "name"), CASES)
def test_document_has_its_shape_and_a_reason_for_every_gap(read_side: Any, edition: str, name: str) -> None:
    facts = read_side(edition).seen[name]["facts"]
    jsonschema.validate(facts, SCHEMA)
    for half in ("windows", "wsl"):
        assert set(facts[half]) == set(SCHEMA["properties"][half]["properties"])
    gaps = {f"{half}.{key}" for half in ("windows", "wsl") for key, value in facts[half].items() if value is None}
    assert gaps <= set(facts["unknown"])
    assert all(look_up(facts, path) is None for path in facts["unknown"])
    assert all(reason.startswith(("denied", "absent", "timeout", "failed: ")) for reason in facts["unknown"].values())


def test_reading_changes_nothing(read_side: Any, edition: str) -> None:
    for name, pc in read_side(edition).pcs.items():
        assert pc.calls, name
        assert pc.changes == [], name


def test_what_needs_rights_is_not_even_asked(read_side: Any, edition: str) -> None:
    pcs = read_side(edition).pcs
    asked = {call.command for call in pcs["healthy"].calls}
    assert not asked & {"bcdedit.exe", "secedit.exe", "Get-WindowsOptionalFeature", "Get-BitLockerVolume"}
    elevated = [call.line for call in pcs["launch off, elevated"].calls]
    assert "bcdedit.exe /enum {current}" in elevated
    assert sum(line.startswith("Get-WindowsOptionalFeature") for line in elevated) == 1


def test_no_name_of_the_user(read_side: Any, edition: str) -> None:
    facts = read_side(edition).seen["healthy"]["facts"]
    assert "J\u00f6rg" not in json.dumps(facts, ensure_ascii=False)
    [distribution] = facts["wsl"]["distributions"]
    assert distribution["base_path"].startswith("%USERPROFILE%\\AppData")


# ---- .wslconfig ----------------------------------------------------------------------------------------------------

CONFIGS = {
    "empty": b"",
    "plain": b"[wsl2]\nmemory=8GB\nprocessors = 4\nswap=0\n",
    "no section": b"memory=8GB\n",
    "wrong section": b"[wsl2]\nsparseVhd=true\n[experimental]\nmemory=4GB\n",
    "unknown": b"[wsl2]\nqwertz=1\n[nonsense]\nx=2\n",
    "of wsl.conf": b"[boot]\nsystemd=true\n[automount]\nroot=/\n",
    "wrong kinds": b"[wsl2]\ngpuSupport=ja\nprocessors=many\nmemory=8 GB\nswap=8\nnetworkingMode=natt\n",
    "good kinds": (
        b"[wsl2]\nGPUSUPPORT=False\nvmIdleTimeout=-1\nmemory=512mb\nnetworkingMode=NAT\n"
        b"[experimental]\nautoMemoryReclaim=dropCache\n"
    ),
    "paths": b'[wsl2]\nkernel=C:\\temp\\k\nswapFile="C:\\\\a b\\\\s.vhdx"\ncrashDumpFolder=C:\\\\x\n',
    "quotes": b'[wsl2]\nkernelCommandLine="a=1 # b" # c\nvmSwitch="open\n',
    "continued": b"[wsl2]\nkernelCommandLine = a=1 \\\n  b=2\nmemory=4GB\n",
    "twice": b"[wsl2]\nmemory=4GB\nmemory=8GB\n",
    "noise": b"[wsl2\nmemory\n# comment\n\n=5\n[wsl2] # here\nmemory=1GB\r\nswap=1GB\r",
    "latin": b"# f\xfcr mich\n[wsl2]\nmemory=4GB\n",
    "wide": "[wsl2]\nmemory=4GB\n".encode("utf-16-le"),
    "network as an experiment": b"[experimental]\nnetworkingMode=mirrored\n",
}


def test_wslconfig_is_read_as_python_reads_it(edition: str, tmp_path: Path) -> None:
    pc = SimulatedWindows(tmp_path / "pc", edition, machine.ready())
    for name, data in CONFIGS.items():
        (tmp_path / name).write_bytes(data)
    read = f"Read-WslConfig -Bytes ([IO.File]::ReadAllBytes([IO.Path]::Combine({quote(str(tmp_path))}, $_)))"
    lists = ", ".join(quote(name) for name in CONFIGS)
    expression = f"$out = [ordered]@{{}}; {lists} | ForEach-Object {{ $out[$_] = {read} }}; $out"
    seen = evaluate_each(edition, {"pc": pc}, expression)["pc"]
    for name, data in CONFIGS.items():
        settings = read_wslconfig(data)
        assert seen[name]["Encoding"] == settings.encoding, name
        assert seen[name]["Values"] == dict(settings.values), name
        without_guess = [problem.split(" (did you mean")[0] for problem in settings.problems]
        assert seen[name]["Problems"] == without_guess, name


def test_the_same_keys_as_in_python(tmp_path: Path) -> None:
    pc = SimulatedWindows(tmp_path / "pc", "pwsh", machine.ready())
    expression = "@{ config = Get-WslConfigKind; conf = @($script:WslConfKeys.Split(' ')) }"
    keys = evaluate_each("pwsh", {"pc": pc}, expression)["pc"]
    assert {entry["Name"]: entry["Kind"] for entry in keys["config"].values()} == {
        name: {"whole number": "integer"}.get(kind, kind) for name, kind in WSLCONFIG.items()
    }
    assert set(keys["conf"]) == set(WSL_CONF)


# ---- the wrapper of native commands --------------------------------------------------------------------------------

ARGUMENTS = ["plain", "two words", "", 'quo"te', "c:\\dir x\\", 'end\\"', "\\\\server\\share", "{current}", "\u00e4"]


def test_native_wrapper(edition: str, tmp_path: Path) -> None:
    pc = SimulatedWindows(
        tmp_path / "pc",
        edition,
        machine.ready(
            answers=[
                {"command": "dism.exe", "out": "ok", "err": "oh", "code": 3010},
                {"command": "reg.exe", "out": "Zugriff auf L\u00f6schen\r\n", "encoding": "cp850"},
                {"command": "sc.exe", "seconds": 9},
            ]
        ),
    )
    words = ", ".join(quote(word) for word in ARGUMENTS)
    expression = f"""[ordered]@{{
        arguments = Invoke-Native -FilePath msiexec.exe -ArgumentList {words}
        code = Invoke-Native -FilePath dism.exe
        minus = Invoke-Native -FilePath wsl.exe -ArgumentList '--unregister', 'none'
        page = Invoke-Native -FilePath reg.exe
        slow = Invoke-Native -FilePath sc.exe -TimeoutSeconds 1
        absent = Invoke-Native -FilePath none.exe
        input = Invoke-Native -FilePath cat -InputText "gr\u00fc\u00dfe`n"
        whatif = & {{ $WhatIfPreference = $true; Invoke-Native -FilePath shutdown.exe -Changes }}
    }}"""
    seen = evaluate_each(edition, {"pc": pc}, expression)["pc"]
    assert next(call.arguments for call in pc.calls if call.command == "msiexec.exe") == ARGUMENTS
    assert (seen["code"]["ExitCode"], seen["code"]["Out"], seen["code"]["Err"]) == (3010, "ok", "oh")
    assert seen["minus"]["ExitCode"] == -1
    assert "WSL_E_DISTRO_NOT_FOUND\n" in seen["minus"]["Err"]
    assert seen["page"]["Out"].endswith("\n")
    assert (seen["slow"]["Reason"], seen["slow"]["ExitCode"]) == ("timeout", None)
    assert seen["absent"]["Reason"] == "absent"
    assert seen["input"]["Out"] == "gr\u00fc\u00dfe\n"
    assert seen["whatif"]["Reason"] == "whatif"
    assert pc.changes[-1].command == "wsl.exe", "-Changes under -WhatIf must start nothing"


# ---- where it is not Windows, and the simulation itself -------------------------------------------------------------


def test_elsewhere_it_says_so(edition: str) -> None:
    script = (
        f"Import-Module {quote(str(ROOT / 'powershell/DreamRig/DreamRig.psd1'))}; Get-RigFact | ConvertTo-Json -Depth 5"
    )
    ran = run_powershell(edition, ["-Command", script])
    assert (ran.code, ran.err) == (0, "")
    jsonschema.validate(ran.json, SCHEMA)
    assert ran.json["place"] == "other"
    assert ran.json["unknown"] == {"windows": "absent", "wsl": "absent"}


def test_every_scenario_says_something() -> None:
    assert len(READS) >= 40
    assert all(isinstance(read, Read) and (read.facts or read.broken) for read in READS.values())
