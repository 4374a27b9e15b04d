"""Braces in prompts."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.wishes.braces import MOST_PICTURES, escape, expand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fog", ["a fog"]),
        ("a {red,blue} fog", ["a red fog", "a blue fog"]),
        ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
        ("x{a,b{1,2}}", ["xa", "xb1", "xb2"]),
        ("{only}", ["{only}"]),
        ("{x{a,b}}", ["{xa}", "{xb}"]),
        ("{a,b", ["{a,b"]),
        ("{ {a,b}", ["{ a", "{ b"]),
        ("} a{,s}", ["} a", "} as"]),
        ("\\{a,b}", ["{a,b}"]),
        ("{a\\,b,c}", ["a,b", "c"]),
        ("", [""]),
    ],
)
def test_braces(text: str, expected: list[str]) -> None:
    assert expand(text) == expected


@given(st.lists(st.lists(st.text("abc ", min_size=1, max_size=3), min_size=2, max_size=3), max_size=4))
def test_all_combinations_in_order(choices: list[list[str]]) -> None:
    text = "-".join("{" + ",".join(some) + "}" for some in choices)
    assert expand(text) == ["-".join(some) for some in itertools.product(*choices)]


@given(st.text("ab{},\\ ", max_size=12))
def test_any_text_expands_and_escaped_text_stays(text: str) -> None:
    assert expand(text)
    if "\\" not in text:
        assert expand(escape(text)) == [text]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_ordinary_braces_are_those_of_bash() -> None:
    for text in ("a{b,c}d", "{a,b}{c,d,e}", "{a,{b,c}x}y", "p{,q}", "{{a,b},{c,d}}"):
        told = subprocess.run(["bash", "-c", f"printf '%s\\n' {text}"], capture_output=True, text=True, check=True)
        assert expand(text) == told.stdout.splitlines()


def test_too_many_are_refused_at_once() -> None:
    with pytest.raises(UsageError, match=str(MOST_PICTURES)):
        expand("{a,b}" * 40)
    with pytest.raises(UsageError):
        expand("{" + "a," * (MOST_PICTURES + 1) + "}")
