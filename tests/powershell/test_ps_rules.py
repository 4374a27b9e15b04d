"""The checks that are data, in both editions: over facts that take every rule, PowerShell finds what Python finds.

The facts are those that tests/provision/building/rule_documents.py finds for each rule, and those that tests/machines
has of Windows itself.
"""

import functools
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from simulated_pc import MODULE, ROOT, quote, require_powershell, run_powershell

from provision.doctor.checks import CHECKS
from provision.facts.facts import Facts
from provision.machine.recorded import load_transcript

sys.path.insert(0, str(ROOT / "tests" / "provision" / "building"))
from rule_documents import every_document

LOOKS = {check.name: check.look for check in CHECKS}
SCRIPT = """
Import-Module {module}
$answers = & (Get-Module DreamRig) {{
    $checks = @{{}}
    foreach ($check in Get-Check) {{ $checks[$check.Name] = $check }}
    foreach ($one in [System.IO.File]::ReadAllText({asked}) | ConvertFrom-Json | ForEach-Object {{ $_ }}) {{
        Get-CheckAnswer $checks[$one.check] (New-FactReader -Facts $one.facts)
    }}
}}
[System.IO.File]::WriteAllText({told}, (ConvertTo-Json -Depth 12 -InputObject @($answers)))
"""


def of_powershell() -> list[str]:
    return [check.name for check in CHECKS if "windows" in check.places and check.name not in OF_PYTHON]


OF_PYTHON = ("cuda-init", "nvml", "torch-build", "torch-cuda", "torch-arch", "gpu-kernel", "gpu-identity",
             "package-names", "python", "colab-page")  # fmt: skip


def recorded_facts() -> Iterator[dict[str, Any]]:
    """What doctor.ps1 read on the recorded machines that are looked at from Windows."""
    for path in sorted((ROOT / "tests" / "machines").glob("windows-*.json")):
        half = load_transcript(path.parent, path.stem).get("windows_half")
        if half is not None:
            yield {"schema": 1, "place": "windows", "unknown": {}, **half}


@functools.cache
def asked() -> list[dict[str, Any]]:
    """Every pair of a check and facts."""
    names = of_powershell()
    of_rules = [(entry.name, facts) for entry, facts in every_document("windows") if entry.name in names]
    of_machines = [(name, facts) for facts in recorded_facts() for name in names]
    return [{"check": name, "facts": facts} for name, facts in of_rules + of_machines]


@pytest.fixture(scope="module", params=["pwsh", "powershell"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What an edition says to each, from one process."""
    require_powershell(request.param)
    folder = tmp_path_factory.mktemp("rules")
    question, answer, script = (folder / name for name in ("asked.json", "told.json", "run.ps1"))
    question.write_text(json.dumps(asked()), "ascii")
    filled = SCRIPT.format(module=quote(str(MODULE)), asked=quote(str(question)), told=quote(str(answer)))
    script.write_text(filled, "utf-8-sig")
    ran = run_powershell(request.param, ["-File", str(script)], patience_seconds=600)
    assert ran.code == 0, ran.err or ran.out
    found: list[dict[str, Any]] = json.loads(answer.read_text("utf-8"))
    return found


def test_both_editions_say_the_same(told: list[dict[str, Any]]) -> None:
    assert len(told) == len(asked())
    for question, answer in zip(asked(), told, strict=True):
        ours = LOOKS[question["check"]](Facts(question["facts"]))
        assert {key: answer[key] for key in WORDS} == {key: ours.to_dict()[key] for key in WORDS}, question["check"]
        assert (answer["stops"], answer["general"]) == (ours.stops, ours.general), question["check"]


WORDS = ("verdict", "sentence", "evidence", "fix", "blocked_by")


def test_there_are_questions_enough() -> None:
    assert {question["check"] for question in asked()} == set(of_powershell())
    assert len(asked()) > 500
