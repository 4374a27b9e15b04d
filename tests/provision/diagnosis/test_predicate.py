"""Predicates over facts are true, false or unknown; what is not known makes nothing true or false."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.diagnosis.predicate import comparisons, evaluate, facts_behind

T, F, U = {"fact": "t", "is": True}, {"fact": "f", "is": True}, {"fact": "u", "is": True}
FACTS: dict[str, Any] = {
    "t": True, "f": False, "zero": 0, "text": "Abc", "version": "10.2", "driver": "552.86", "list": ["Abc", "d"],
    "empty": "", "none": [], "absent": "absent", "number": 3.5, "mixed": ["a", 1],
}  # fmt: skip


@pytest.mark.parametrize(
    ("predicate", "value"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"all": [T, U]}, None),
        ({"all": [F, U]}, False),
        ({"any": [T, U]}, True),
        ({"any": [F, U]}, None),
        ({"not": T}, False),
        ({"not": U}, None),
        ({"not": {"all": [F, U]}}, True),
        ({"fact": "zero", "is": False}, None),
        ({"fact": "zero", "is": 0}, True),
        ({"fact": "zero", "is": 0.0}, True),
        ({"fact": "f", "is": 0}, None),
        ({"fact": "text", "is": "abc"}, False),
        ({"fact": "text", "one_of": ["x", "Abc"]}, True),
        ({"fact": "text", "one_of": ["x", "y"]}, False),
        ({"fact": "text", "one_of": []}, False),
        ({"fact": "text", "one_of": ["x", 1]}, None),
        ({"fact": "version", "less_than": "10.10"}, True),
        ({"fact": "version", "less_than": "10.2.0"}, False),
        ({"fact": "version", "less_than": "9.9"}, False),
        ({"fact": "version", "less_than": "10.2.0.1"}, True),
        ({"fact": "driver", "less_than": "552.86+x"}, False),
        ({"fact": "driver", "less_than": 553}, None),
        ({"fact": "text", "less_than": "1.0"}, None),
        ({"fact": "number", "less_than": 4}, True),
        ({"fact": "number", "less_than": 3.5}, False),
        ({"fact": "t", "less_than": 3}, None),
        ({"fact": "text", "contains": "BC"}, True),
        ({"fact": "list", "contains": "bc"}, True),
        ({"fact": "list", "contains": "x"}, False),
        ({"fact": "none", "contains": "x"}, False),
        ({"fact": "mixed", "contains": "a"}, None),
        ({"fact": "number", "contains": "3"}, None),
        ({"fact": "empty", "absent": True}, True),
        ({"fact": "none", "absent": True}, True),
        ({"fact": "absent", "absent": True}, True),
        ({"fact": "zero", "absent": True}, False),
        ({"fact": "f", "absent": True}, False),
        ({"fact": "u", "absent": True}, None),
        ({"fact": "u", "unknown": True}, True),
        ({"fact": "f", "unknown": True}, False),
        ({"fact": "f", "unknown": False}, True),
        (None, None),
    ],
)
def test_predicate(predicate: Any, value: bool | None) -> None:
    assert evaluate(predicate, FACTS.get) is value


leaves = st.sampled_from([T, F, U])
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(predicates, st.booleans())
def test_learning_a_fact_never_turns_true_into_false(predicate: Any, learnt: bool) -> None:
    before = evaluate(predicate, FACTS.get)
    after = evaluate(predicate, {**FACTS, "u": learnt}.get)
    assert before is None or before is after


@settings(max_examples=100, deadline=None)
@given(predicates)
def test_the_facts_behind_a_value_are_enough_for_it(predicate: Any) -> None:
    value = evaluate(predicate, FACTS.get)
    if value is not None:
        behind = facts_behind(predicate, FACTS.get, value)
        assert evaluate(predicate, {path: FACTS[path] for path in behind}.get) is value


def test_all_comparisons_of_a_predicate() -> None:
    assert [leaf["fact"] for leaf in comparisons({"all": [T, {"any": [F, {"not": U}]}, {"all": []}]})] == [
        "t",
        "f",
        "u",
    ]
    assert list(comparisons(None)) == []


@pytest.mark.parametrize("kind", ["all", "any"])
def test_what_settles_it_ends_the_walk(kind: str) -> None:
    """Reading a fact may start a program on Windows."""
    asked: list[str] = []

    def read(path: str) -> bool:
        asked.append(path)
        return path == "settles"

    settles = {"fact": "settles", "is": kind == "any"}
    unknown = {"fact": "linux.kernel", "is": 3}
    assert evaluate({kind: [unknown, settles, {"fact": "never", "is": True}]}, read) is (kind == "any")
    assert asked == ["linux.kernel", "settles"]
