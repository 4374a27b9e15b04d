"""A damaged knowledge file is refused with the place of the first field that is wrong."""

from typing import Any

import pytest
from small_knowledge import cause, know, says

from provision.checked_json import KnowledgeError
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import parse_knowledge


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ([], "is not an object"),
        ({"schema": 2}, "has schema 2, and this version reads 1"),
        ({"schema": 1, "version": "1"}, "has no 'causes' that is a list"),
        ({"schema": 1, "version": 1, "causes": []}, "has no 'version' that is a text"),
        ({"schema": 1, "version": "1", "causes": [1]}, r"causes\[0\] is not an object"),
    ],
)
def test_a_damaged_file_is_named(node: Any, message: str) -> None:
    with pytest.raises(KnowledgeError, match=message):
        parse_knowledge(node, "causes.json")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prior": 2}, r"causes\[0\] has 'prior' = 2.0, which is not from 0 to 1"),
        ({"prior": True}, r"causes\[0\] has no 'prior' that is a number"),
        ({"effect": "bad"}, r"causes\[0\] has 'effect' = 'bad', which is none of blocks"),
        ({"decisive": None}, r"causes\[0\] has no 'decisive' that is true or false"),
        ({"codes": [{"weight": 1}]}, r"causes\[0\].codes\[0\] has neither hex nor name nor decimal"),
        ({"codes": [{"hex": "80370102", "weight": 1}]}, r"codes\[0\] has hex '80370102'"),
        ({"signatures": [{"weight": 1}]}, r"signatures\[0\] has no 'regex' that is a text"),
        ({"context": [{"regex": "x"}]}, r"context\[0\] has no 'factor' that is a number"),
        ({"when": {"all": [{"fact": "a"}]}}, r"when.all\[0\] needs exactly one of is"),
        ({"when": {"fact": "a", "is": 1, "absent": True}}, "when needs exactly one of is"),
        ({"when": {"not": None}}, "when.not is null"),
        ({"when": {"fact": "a", "one_of": 1}}, "when has no 'one_of' that is a list"),
        ({"fix": [{"text": "x", "where": "mars"}]}, r"fix\[0\] has 'where' = 'mars'"),
    ],
)
def test_a_damaged_cause_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(KnowledgeError, match=message) as error:
        know(cause("one", **wrong))
    assert error.value.hint


def test_a_cause_twice_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="'one' twice"):
        know(cause("one"), cause("one"))


def test_a_regular_expression_that_is_none_is_named() -> None:
    with pytest.raises(KnowledgeError, match=r"boom\("):
        diagnose("boom(", None, know(cause("one", signatures=[says("boom(", 0.5)])))
