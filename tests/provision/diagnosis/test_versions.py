"""Dotted versions: by number and not by letter, zeros at the end without weight, the same for checks and predicates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.diagnosis.predicate import evaluate
from provision.versions import compare_less, is_less, version_tuple

versions = st.lists(st.integers(0, 40), min_size=1, max_size=5).map(lambda numbers: ".".join(map(str, numbers)))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("552.86", (552, 86)),
        ("2.5.1+cu121", (2, 5, 1)),
        ("12.0", (12,)),
        ("12.0.0.1", (12, 0, 0, 1)),
        ("0.0", ()),
        ("none", ()),
        ("", ()),
    ],
)
def test_the_numbers_of_a_version(text: str, numbers: tuple[int, ...]) -> None:
    assert version_tuple(text) == numbers


@pytest.mark.parametrize(
    ("version", "other", "less"),
    [
        ("10.2", "10.10", True),
        ("12.0", "12.0.0", False),
        ("12.0.0", "12.0", False),
        ("12.0", "12.0.1", True),
        ("0", "0.1", True),
        ("0.0", "0", False),
        ("none", "1.0", None),
        ("1.0", "", None),
    ],
)
def test_older_than(version: str, other: str, less: bool | None) -> None:
    assert compare_less(version, other) is less
    assert is_less(version, other) is bool(less)


@settings(max_examples=60, deadline=None)
@given(versions, versions)
def test_predicates_compare_as_checks_do(version: str, other: str) -> None:
    assert evaluate({"fact": "v", "less_than": other}, {"v": version}.get) is is_less(version, other)
    assert is_less(version, version + ".0") is False
    assert not (is_less(version, other) and is_less(other, version))
