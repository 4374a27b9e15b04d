"""The doctor's last line promises what setup.ps1 has in its plan for the same facts, and no more."""

import copy
import json
from typing import Any

import pytest
from read_scenarios import READS
from simulated_pc import EDITIONS, MODULE, quote, require_powershell, run_powershell

SCRIPT = """
Import-Module {module}
$answers = & (Get-Module DreamRig) {{
    $option = New-SetupOption -Bound @{{}} -Script 'C:\\dreamrig\\powershell\\setup.ps1'
    $option.user = 'PC\\anna'
    foreach ($facts in [System.IO.File]::ReadAllText({asked}) | ConvertFrom-Json | ForEach-Object {{ $_ }}) {{
        $broken = @(Get-CheckFinding -Facts $facts | Where-Object {{ $_.verdict -in 'FAIL', 'CRASH' }})
        $checkup = [pscustomobject]@{{ facts = $facts; findings = $broken; first_broken = $null; next = $null }}
        if ($broken.Count) {{ $checkup.first_broken, $checkup.next = $broken[0].check, $broken[0].fix[0] }}
        @{{
            broken = $checkup.first_broken
            offer = Get-SetupOffer -Check $checkup.first_broken -Facts $facts
            line = "$(Format-ShortNextStep -Checkup $checkup)"
            plan = @(Get-SetupPlan -Fact $facts -Option $option -Guest $null -WslConfig (Get-WslConfigPlan))
        }}
    }}
}}
[System.IO.File]::WriteAllText({told}, (ConvertTo-Json -Depth 6 -InputObject @($answers)))
"""

STEPS = {
    "firmware-virtualization": "firmware", "firmware-nx": "firmware", "hypervisor": "launch-type",
    "virtual-machine-platform": "feature-virtual-machine-platform", "wsl-feature": "feature-wsl",
    "pending-reboot": "restart", "wsl-version": "wsl-package", "distribution-version-2": "distribution",
}  # fmt: skip
"""The step of setup's plan that mends a broken link."""

EXPECTED = {
    "healthy": "", "bare": "does", "firmware off": "leads", "NX off": "leads", "no SLAT": "",
    "launch off, elevated": "does", "launch off, not elevated": "tries", "waiting for a restart": "does",
    "half enabled": "", "Hyper-V without the platform": "does", "device disabled": "", "guest without nesting": "",
    "too old": "", "inbox WSL without a kernel": "does", "WSL 1": "", "too little room": "",
}  # fmt: skip
"""What setup.ps1 offers on the PCs of read_scenarios.py."""

VARIANTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a guest whose host hides it": (
        "firmware off", {"windows.is_virtual_machine": True}, "firmware-virtualization", "",
    ),
    "no room for Linux": ("bare", {"windows.system_drive_free_mib": 12_000}, "virtual-machine-platform", ""),
    "a Windows without the feature": (
        "bare", {"windows.features.virtual_machine_platform": "absent"}, "virtual-machine-platform", "",
    ),
    "a 32-bit Windows": ("bare", {"windows.architecture": "x86"}, "virtual-machine-platform", ""),
    "Windows 10 of 2019": ("bare", {"windows.build": 18363, "windows.revision": 2274}, "virtual-machine-platform", ""),
    "Windows 10 without the feature": (
        "healthy", {"windows.build": 19045, "windows.features.wsl": "disabled"}, "wsl-feature", "does",
    ),
    "Windows 10 where the feature waits": (
        "healthy", {"windows.build": 19045, "windows.features.wsl": "enable-pending"}, "pending-reboot", "does",
    ),
    "a Windows 10 that has no such feature": (
        "healthy", {"windows.build": 19045, "windows.features.wsl": "absent"}, "wsl-feature", "",
    ),
    "WSL 1's feature waits on Windows 11": (
        "healthy", {"windows.features.wsl": "enable-pending"}, "pending-reboot", "",
    ),
    "no WSL": (
        "healthy", {"wsl.is_installed": False, "wsl.version": None, "wsl.distributions": []}, "wsl-version", "does",
    ),
    "a kernel that its package has lost": ("healthy", {"wsl.kernel": "absent"}, "wsl-version", ""),
    "an old package without a kernel": (
        "healthy", {"wsl.kernel": "absent", "wsl.version": "2.3.26.0"}, "wsl-version", "does",
    ),
    "no distribution": (
        "healthy", {"wsl.distribution_count": 0, "wsl.distributions": [], "wsl.default_distribution": None},
        "distribution-version-2", "does",
    ),
    "Debian under WSL 1": (
        "healthy", {"windows.features.wsl": "enabled", "wsl.default_distribution_version": 1, "wsl.distributions":
                    [{"name": "Debian", "version": 1, "state": "installed"}]}, "distribution-version-2", "",
    ),
}  # fmt: skip
"""Name -> the PC it is made of, what is otherwise, the first broken link, the offer."""


def patched(facts: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The facts document with other values under some dotted paths."""
    facts = copy.deepcopy(facts)
    for path, value in patch.items():
        *groups, name = path.split(".")
        node = facts
        for group in groups:
            node = node[group]
        node[name] = value
    return facts


@pytest.fixture(scope="module", params=EDITIONS)
def told(request: pytest.FixtureRequest, read_side: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an edition offers and plans, for each PC and variant, from one process."""
    edition = str(request.param)
    require_powershell(edition)
    seen = {name: found["facts"] for name, found in read_side(edition).seen.items()}
    made = {name: patched(seen[pc], patch) for name, (pc, patch, *_) in VARIANTS.items() if pc in seen}
    asked = {**seen, **made}
    folder = tmp_path_factory.mktemp("offer")
    question, answer, script = (folder / name for name in ("asked.json", "told.json", "run.ps1"))
    question.write_text(json.dumps(list(asked.values())), "utf-8")
    filled = SCRIPT.format(module=quote(str(MODULE)), asked=quote(str(question)), told=quote(str(answer)))
    script.write_text(filled, "utf-8-sig")
    ran = run_powershell(edition, ["-File", str(script)], read_side(edition).pcs["bare"].environment)
    assert ran.code == 0, ran.err or ran.out
    return dict(zip(asked, json.loads(answer.read_text("utf-8")), strict=True))


def test_what_is_offered(told: dict[str, Any]) -> None:
    offers = {name: one["offer"] for name, one in told.items()}
    assert {name: offers[name] for name in EXPECTED if name in told} == {
        name: offer for name, offer in EXPECTED.items() if name in told
    }
    wanted = {name: one[2:] for name, one in VARIANTS.items() if name in told}
    assert {name: (told[name]["broken"], offers[name]) for name in wanted} == wanted
    assert set(EXPECTED) <= set(READS)


def test_an_offer_stands_in_the_plan(told: dict[str, Any]) -> None:
    for name, one in told.items():
        steps = {step["id"]: step for step in one["plan"]}
        step = steps.get(STEPS.get(one["broken"], ""), {"status": "no such step"})
        is_open = step["status"] in ("needed", "later", "waiting")
        if any(each["status"] == "blocked" for each in one["plan"]):
            assert one["offer"] == "", name
        elif one["offer"] == "does":
            assert is_open, (name, step)
        elif one["offer"] == "leads":
            assert (step["status"], step["needs_restart"]) == ("advice", True), (name, step)
        elif one["offer"] == "tries":
            assert is_open or steps["restart"]["status"] == "needed", (name, step)


def test_the_last_line_is_the_offer(told: dict[str, Any]) -> None:
    begins = {
        "does": "setup.ps1 does this for you",
        "leads": "Only you can turn it on, in the firmware: setup.ps1 shows where",
        "tries": "setup.ps1 tries",
    }
    for name, one in told.items():
        line = one["line"]
        assert ("setup.ps1" in line) == bool(one["offer"]), name
        if one["offer"]:
            assert line.startswith(f"First broken link: {one['broken']}. {begins[one['offer']]}"), name
            assert line.endswith(": powershell -ExecutionPolicy Bypass -File powershell\\setup.ps1")
