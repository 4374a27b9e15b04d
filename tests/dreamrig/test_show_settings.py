"""`dreamrig config show`."""

import json
import tomllib
from pathlib import Path

import pytest

from dreamrig.cli import main


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those a test makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DREAMRIG_STEPS", "DREAMRIG_HOME", "DREAMRIG_SEED"):
        monkeypatch.delenv(name, raising=False)


def test_answer_is_toml_that_gives_the_same_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert tomllib.loads(first.out)["steps"] == 60
    (tmp_path / "dreamrig.toml").write_text(first.out)
    assert main(["config", "show"]) == 0
    assert capsys.readouterr() == first


def test_origin_of_each_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dreamrig.toml").write_text("seed = 7\nsteps = 8\n")
    monkeypatch.setenv("DREAMRIG_STEPS", "9")
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    assert main(["config", "show", "--origin"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["steps"].split() == ["steps", "=", "9", "#", "DREAMRIG_STEPS"]
    assert lines["seed"].split() == ["seed", "=", "7", "#", "./dreamrig.toml"]
    assert lines["width"].endswith("# default")
    assert lines["#"] == f"# data folder: {tmp_path / 'home'}  (DREAMRIG_HOME)"


def test_json_holds_value_and_origin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DREAMRIG_STEPS", "9")
    assert main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["data"]["settings"]["steps"] == {"value": 9, "origin": "DREAMRIG_STEPS"}
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
