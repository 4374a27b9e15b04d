"""The vectors that both readers must pass, the Python one here: texts and facts in, ranked verdicts out."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.diagnose import CONFIRMED, RULED_OUT, Report, diagnose
from provision.diagnosis.knowledge import load_knowledge, parse_knowledge

FILE = Path(__file__).parents[3] / "provision" / "knowledge" / "conformance.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
OWN = [vector for vector in DOCUMENT["vectors"] if vector.get("against") != "shipped"]
SHIPPED = [vector for vector in DOCUMENT["vectors"] if vector.get("against") == "shipped"]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return parse_knowledge(DOCUMENT["knowledge"], "conformance.json")


def run(vector: dict[str, Any], knowledge: Knowledge) -> Report:
    text = base64.b64decode(vector["bytes_base64"]) if "bytes_base64" in vector else vector["text"]
    return diagnose(text, vector["facts"], knowledge)


@pytest.mark.parametrize("vector", OWN, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any], knowledge: Knowledge) -> None:
    report = run(vector, knowledge)
    found = [{"cause": one.cause.slug, "verdict": one.verdict, "score": one.rank} for one in report.diagnoses]
    assert found == vector["expect"]
    assert (report.next_query.id if report.next_query else None) == vector["next_query"]
    assert [code.to_dict() for code in report.codes] == vector["codes"]
    if "evidence" in vector:
        assert list(report.diagnoses[0].evidence) == vector["evidence"]


@pytest.mark.parametrize("vector", SHIPPED, ids=lambda vector: vector["name"])
def test_vector_against_the_shipped_knowledge(vector: dict[str, Any]) -> None:
    report = run(vector, load_knowledge())
    found = [{"cause": one.cause.slug, "verdict": one.verdict} for one in report.diagnoses]
    assert found[: len(vector["expect"])] == vector["expect"]
    wanted = {one["cause"] for one in vector["expect"]}
    assert not [one.cause.slug for one in report.diagnoses if one.verdict == CONFIRMED and one.cause.slug not in wanted]
    if "ruled_out" in vector:
        ruled_out = {one.cause.slug for one in report.diagnoses if one.verdict == RULED_OUT}
        assert set(vector["ruled_out"]) <= ruled_out
    if "has_query" in vector:
        assert (report.next_query is not None) == vector["has_query"]


def test_there_are_enough_vectors_and_each_has_a_name_of_its_own() -> None:
    names = [vector["name"] for vector in DOCUMENT["vectors"]]
    assert len(OWN) >= 40
    assert len(SHIPPED) >= 5
    assert len(set(names)) == len(names)


def test_every_cause_and_every_query_of_the_small_knowledge_is_used() -> None:
    causes = {one["cause"] for vector in OWN for one in vector["expect"]}
    assert causes == {cause["slug"] for cause in DOCUMENT["knowledge"]["causes"]}
    verdicts = {one["verdict"] for vector in OWN for one in vector["expect"]}
    assert verdicts == {"confirmed", "likely", "possible", "ruled out"}
