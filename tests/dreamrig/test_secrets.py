"""What `config show` does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.config import show_settings
from generator.pictures.recipe import Recipe

SECRET = "https://discord.example/api/webhooks/1/abc"


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", ["webhook", "discord_token"])
def test_a_secret_of_discord_is_not_shown(
    name: str, as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"DREAMRIG_SERVE_{name.upper()}", SECRET)
    assert show_settings(with_origin=True, as_json=as_json) == 0
    out = capsys.readouterr().out
    assert "abc" not in out
    assert "(set, not shown)" in out
    assert as_json or any(line.startswith(f"# serve.{name}") for line in out.splitlines())


def test_a_picture_of_the_first_starter_says_so() -> None:
    assert Recipe(config={"model": "starter/first"}).public().config["model"] == "starter/first"
    assert Recipe(config={"model": "/home/ben/starter.pt"}).public().config["model"] == "starter.pt"
