"""The PowerShell evaluator gives what the Python one gives: the shared vectors, the shipped knowledge, real reports."""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from simulated_pc import EDITIONS, MODULE, ROOT, quote, require_powershell, run_powershell

from provision.diagnosis import codes
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.intake import CUT_NOTE
from provision.diagnosis.knowledge import load_knowledge, parse_knowledge

KNOWLEDGE = ROOT / "provision" / "knowledge"
DOCUMENT = json.loads((KNOWLEDGE / "conformance.json").read_text("utf-8"))
VECTORS = DOCUMENT["vectors"]
NAMES = [vector["name"] for vector in VECTORS]
REPORTS = json.loads((ROOT / "tests" / "reports" / "corpus.json").read_text("utf-8"))
PLAY = """
$ErrorActionPreference = 'Stop'
Import-Module {module}
$out = & (Get-Module DreamRig) {{
    $asked = [System.IO.File]::ReadAllText({asked}) | ConvertFrom-Json
    $small = if ($asked.knowledge) {{ ConvertTo-Knowledge -Document $asked.knowledge }} else {{ $null }}
    foreach ($one in $asked.questions) {{
        $text = $one.text
        if ($null -ne $one.base64) {{ $text = [Convert]::FromBase64String($one.base64) }}
        $knowledge = if ($one.shipped) {{ Get-Knowledge }} else {{ $small }}
        Resolve-Diagnosis -Text $text -Facts $one.facts -Knowledge $knowledge
    }}
}}
ConvertTo-Json -Depth 20 -InputObject @($out)
"""


def evaluate_all(edition: str, folder: Path, questions: Sequence[dict[str, Any]]) -> list[Any]:
    """What PowerShell makes of many texts, from one process."""
    require_powershell(edition)
    asked, script = folder / "asked.json", folder / "play.ps1"
    asked.write_text(json.dumps({"knowledge": DOCUMENT["knowledge"], "questions": list(questions)}), "utf-8")
    script.write_text(PLAY.format(module=quote(str(MODULE)), asked=quote(str(asked))), "utf-8-sig")
    ran = run_powershell(edition, ["-File", str(script)], patience_seconds=1200)
    assert ran.code == 0, ran.err
    return list(ran.json)


def question(vector: dict[str, Any]) -> dict[str, Any]:
    return {"text": vector.get("text"), "base64": vector.get("bytes_base64"), "facts": vector.get("facts"),
            "shipped": vector.get("against") == "shipped"}  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """By edition: the answer to every vector, by name."""
    made: dict[str, dict[str, Any]] = {}

    def of(edition: str) -> dict[str, Any]:
        if edition not in made:
            found = evaluate_all(edition, tmp_path_factory.mktemp("vectors"), [question(vector) for vector in VECTORS])
            made[edition] = dict(zip(NAMES, found, strict=True))
        return made[edition]

    return of


def in_python(asked: dict[str, Any]) -> Any:
    """The same by the Python evaluator, through JSON."""
    text = base64.b64decode(asked["base64"]) if asked["base64"] is not None else asked["text"]
    knowledge = load_knowledge() if asked["shipped"] else parse_knowledge(DOCUMENT["knowledge"])
    return json.loads(json.dumps(diagnose(text, asked["facts"], knowledge).to_dict()))


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_vector(answers: Callable[[str], dict[str, Any]], edition: str, vector: dict[str, Any]) -> None:
    found = answers(edition)[vector["name"]]
    told = [{"cause": one["cause"], "verdict": one["verdict"], "score": one["score"]} for one in found["diagnoses"]]
    wanted = vector["expect"]
    if vector.get("against") == "shipped":
        assert [{key: one[key] for key in want} for one, want in zip(told, wanted, strict=False)] == wanted
        assert len(told) >= len(wanted)
    else:
        assert told == wanted
        query = found["next_query"]
        assert (query and query["id"]) == vector["next_query"]
        assert [
            {key: code[key] for key in want} for code, want in zip(found["codes"], vector["codes"], strict=True)
        ] == vector["codes"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_whole_answers_are_those_of_python(answers: Callable[[str], dict[str, Any]], edition: str) -> None:
    """Evidence, explanations, steps, decoded codes, the next query: not only what the vectors name."""
    found = answers(edition)
    different = [vector["name"] for vector in VECTORS if found[vector["name"]] != in_python(question(vector))]
    assert different == []


def test_real_reports_are_judged_as_in_python(tmp_path: Path) -> None:
    """Every third report of the corpus, by the shipped knowledge base, in the edition that a fresh Windows has."""
    questions = [{"text": report["text"], "base64": None, "facts": None, "shipped": True} for report in _reports()[::3]]
    assert len(questions) > 20
    found = evaluate_all("powershell", tmp_path, questions)
    different = [
        asked["text"][:60] for asked, answer in zip(questions, found, strict=True) if answer != in_python(asked)
    ]
    assert different == []


def test_long_and_hostile_texts_are_read_in_bounded_time(tmp_path: Path) -> None:
    """The error is in the middle of a long log; the others are only there to come back at all."""
    line = "2026-11-20 08:00:00 [info] service number {} started at 0x7ffe12345678\n"
    log = [line.format(number) for number in range(12_000)]
    log[6_000] = "WslRegisterDistribution failed with error: 0x80370102\n"
    texts = ["".join(log), "a" * 2_000_000, "\x1b[" * 300_000, "\n" * 300_000, "x\n" * 100_000, "error " * 100_000]
    questions = [{"text": text, "base64": None, "facts": None, "shipped": False} for text in texts]
    found = evaluate_all("powershell", tmp_path, questions)
    assert found[0]["diagnoses"][0]["evidence"][0]["matched"] == "0x80370102"
    assert found[0]["notes"] == [CUT_NOTE]


def _reports() -> list[dict[str, Any]]:
    return list(REPORTS["reports"] if isinstance(REPORTS, dict) else REPORTS)


def test_facilities_are_those_of_python(tmp_path: Path) -> None:
    numbers = [0x80000000 | number << 16 | 1 for number in codes.FACILITIES] + [
        0xC0000000 | number << 16 | 1 for number in codes.NT_FACILITIES
    ]
    questions = [
        {"text": f"0x{number:08x}", "base64": None, "facts": None, "shipped": False}
        for number in [*numbers, 0x87FF0001]
    ]
    found = evaluate_all("pwsh", tmp_path, questions)
    assert [answer["codes"] for answer in found] == [in_python(asked)["codes"] for asked in questions]
