"""Files with many pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.errors import UsageError
from generator.wishes.braces import MOST_PICTURES
from generator.work.batch_file import Wanted, read_batch


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
