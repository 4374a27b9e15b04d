"""`dreamrig config show`."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from dreamrig.cli import main
from dreamrig.settings import load_sources
from generator.models.likes import DEFAULTS
from generator.work.given import given_values
from generator.work.plan import Plan


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those a test makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DREAMRIG_STEPS", "DREAMRIG_HOME", "DREAMRIG_SEED"):
        monkeypatch.delenv(name, raising=False)


def drawn_with() -> dict[str, object]:
    """What a picture would be drawn with from the settings of this place, seeds apart: as generate has it."""
    given = given_values({}, load_sources())
    return Plan(prompt="fog", given=given).to_config(DEFAULTS).to_dict() | {"seed": given.get("seed")}


@pytest.mark.parametrize("mine", ["", 'steps = 9\nseed = "red dragon"\n', 'start = "grey"\n[serve]\nport = 9000\n'])
def test_pasted_back_it_changes_nothing(mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dreamrig.toml"
    file.write_text(mine)
    before = drawn_with()
    assert main(["config", "show"]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    file.write_text(first.out)
    assert drawn_with() == before
    assert main(["config", "show"]) == 0
    assert capsys.readouterr() == first


def test_what_nobody_set_is_a_comment_with_what_would_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show"]) == 0
    answer = capsys.readouterr().out
    assert tomllib.loads(answer) == {}
    shown = {line.split()[1]: line.split(" = ")[1] for line in answer.splitlines()[1:]}
    assert shown.pop("seed") == "random"
    drawn = drawn_with()
    assert {name: drawn[name] for name in shown if name in drawn} == {
        name: json.loads(value) for name, value in shown.items() if name in drawn
    }
    (tmp_path / "dreamrig.toml").write_text('start = "grey"\n')
    assert main(["config", "show"]) == 0
    assert re.search(r"^# pull +\= 0\.0$", capsys.readouterr().out, re.MULTILINE)


def test_every_key_that_something_reads_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dreamrig.toml").write_text('graphics = "off"\n')
    assert main(["config", "show"]) == 0
    answer = capsys.readouterr()
    assert answer.err == ""
    assert tomllib.loads(answer.out) == {"graphics": "off"}


def test_origin_of_each_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dreamrig.toml").write_text("seed = 7\nsteps = 8\n")
    monkeypatch.setenv("DREAMRIG_STEPS", "9")
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    assert main(["config", "show", "--origin"]) == 0
    answer = capsys.readouterr().out
    lines = {line.split()[0]: line for line in answer.splitlines()}
    assert lines["steps"].split() == ["steps", "=", "9", "#", "DREAMRIG_STEPS"]
    assert lines["seed"].split() == ["seed", "=", "7", "#", "./dreamrig.toml"]
    assert re.search(r"^# width += 256 +# what the model likes$", answer, re.MULTILINE)
    assert re.search(r"^# tv += 0.0 +# default$", answer, re.MULTILINE)
    assert answer.splitlines()[0] == f"# data folder: {tmp_path / 'home'}  (DREAMRIG_HOME)"


def test_json_holds_value_and_origin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DREAMRIG_STEPS", "9")
    assert main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["data"]["settings"]["steps"] == {"value": 9, "origin": "DREAMRIG_STEPS"}
    assert document["data"]["settings"]["seed"] == {"value": None, "origin": "a new one each time"}
    assert document["data"]["settings"]["home"]["origin"] == "default"
    assert "prompt" not in document["data"]["settings"]


def test_misspelt_key_is_named_with_the_right_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dreamrig.toml").write_text("stpes = 8\n")
    assert main(["config", "show"]) == 0
    assert capsys.readouterr().err == "note: ./dreamrig.toml sets stpes, which nothing reads; did you mean steps?\n"


def test_wrong_value_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DREAMRIG_STEPS", "many")
    assert main(["config", "show"]) == 2
    assert capsys.readouterr().err.startswith("error: DREAMRIG_STEPS is 'many'")


def test_without_a_word_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert "show" in capsys.readouterr().out
