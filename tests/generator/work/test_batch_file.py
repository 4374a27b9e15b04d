"""Files with many pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.errors import UsageError
from generator.wishes.braces import MOST_PICTURES
from generator.work.batch_file import WantedPicture, read_batch


def test_a_text_file_has_a_prompt_a_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeff# mine\n\nfog: a study\n  a {red,blue} house  \r\n", encoding="utf-8")
    assert read_batch(path) == [
        WantedPicture("fog: a study"),
        WantedPicture("a red house"),
        WantedPicture("a blue house"),
    ]


def test_a_toml_file_has_settings_for_all_and_for_each(tmp_path: Path) -> None:
    path = tmp_path / "batch.toml"
    path.write_text('steps = 5\nseed = "x"\n[[picture]]\nprompt = "a {b,c}"\nsteps = 7\n[[picture]]\nprompt = "d"\n')
    one, two, three = read_batch(path)
    assert [one.prompt, two.prompt, three.prompt] == ["a b", "a c", "d"]
    assert [one.settings["steps"], two.settings["steps"], three.settings["steps"]] == [7, 7, 5]
    assert type(one.settings["seed"]) is int


def test_a_csv_has_a_column_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    path.write_text('prompt,seed,steps,cut-power,checkpointed_decoding\n"a, b",7,,0.5,yes\n\n"{c,d}",my seed,9\n')
    one, two, three = read_batch(path)
    assert one == WantedPicture("a, b", {"seed": 7, "cut_power": 0.5, "checkpointed_decoding": True})
    assert [(each.prompt, each.settings["steps"]) for each in (two, three)] == [("c", 9), ("d", 9)]
    assert type(two.settings["seed"]) is int


def test_json_lines_are_an_object_each(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_text('{"prompt": "a", "steps": 5}\n\n{"prompt": "b", "seed": "x"}\n')
    one, two = read_batch(path)
    assert (one, two.prompt) == (WantedPicture("a", {"steps": 5}), "b")


def test_a_grid_is_every_combination(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text('steps = 5\n[grid]\nprompt = ["a", "b"]\nseed = [1, 2]\ncutouts = [4, 8]\n')
    found = [(one.prompt, one.settings["seed"], one.settings["cutouts"]) for one in read_batch(path)]
    assert found == [(prompt, seed, cutouts) for prompt in "ab" for seed in (1, 2) for cutouts in (4, 8)]
    assert {one.settings["steps"] for one in read_batch(path)} == {5}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"seed\n3\n", "no column prompt"),
        ("a.csv", b"prompt,steps\na,soon\n", "line 2 of .*steps is 'soon'"),
        ("a.csv", b"prompt\na,b\n", "line 2 .* more cells"),
        ("a.csv", b"prompt,colour\na,b\n", "colour"),
        ("a.csv", b"prompt,seed\n,3\n", "Line 2 of .* no prompt"),
        ("a.csv", b'prompt\n"a\n', "no CSV"),
        ("a.jsonl", b'{"prompt": "a"}\n[1]\n', "line 2"),
        ("a.jsonl", b'{"seed": 1}\n', "no prompt"),
        ("a.toml", b"grid = 3\n", "grid is no table"),
        ("a.toml", b"[grid]\nprompt = []\n", "is empty"),
        ("a.toml", b'[grid]\nprompt = ["a"]\nseed = [' + b"1," * 1001 + b"]\n", "comes to 1001"),
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
