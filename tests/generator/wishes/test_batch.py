"""Braces in prompts and files with many pictures."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.wishes.batch import MOST_PICTURES, Wanted, escape, expand, read_batch


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


def test_a_text_file_has_a_prompt_a_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeff# mine\n\nfog: a study\n  a {red,blue} house  \r\n", encoding="utf-8")
    assert read_batch(path) == [Wanted("fog: a study"), Wanted("a red house"), Wanted("a blue house")]


def test_a_toml_file_has_settings_for_all_and_for_each(tmp_path: Path) -> None:
    path = tmp_path / "batch.toml"
    path.write_text('steps = 5\nseed = "x"\n[[picture]]\nprompt = "a {b,c}"\nsteps = 7\n[[picture]]\nprompt = "d"\n')
    one, two, three = read_batch(path)
    assert [one.prompt, two.prompt, three.prompt] == ["a b", "a c", "d"]
    assert [one.settings["steps"], two.settings["steps"], three.settings["steps"]] == [7, 7, 5]
    assert type(one.settings["seed"]) is int


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"# nothing\n", "names no picture"),
        ("a.txt", b"\xff\xfe", "UTF-8"),
        ("a.toml", b"steps = ", "TOML"),
        ("a.toml", b"picture = 3", "list of tables"),
        ("a.toml", b"[[picture]]\nsteps = 3", "Picture 1"),
        ("a.toml", b"[[picture]]\nprompt = 3", "Picture 1"),
        ("a.toml", b'[[picture]]\nprompt = "x"\n[[picture]]\nprompt = "x"\ncolour = 3', "picture 2"),
        ("a.toml", b'colour = 3\n[[picture]]\nprompt = "x"', "colour"),
        ("a.txt", b"x\n" * (MOST_PICTURES + 1), "1001 pictures"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_place(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        read_batch(path)
    assert caught.value.hint
