"""Every flag and word that is a path goes through one door: what no file can be called is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.cli import main

WRONG = ("~nobody-of-that-name/x.png", "a\0b.png", "\udc80\ud800.png", "x" * 300 + ".png")
COMMANDS = {
    "generate --out": ["generate", "the sea", "--out", "{}"],
    "generate --out of several": ["generate", "a {red,blue} sea", "--out", "{}"],
    "generate --config": ["generate", "--config", "{}"],
    "generate --batch": ["generate", "--batch", "{}"],
    "generate --start": ["generate", "the sea", "--start", "{}"],
    "again": ["again", "{}"],
    "video pictures": ["video", "pictures", "{}"],
    "video film --keyframes": ["video", "film", "--keyframes", "{}"],
    "video restyle": ["video", "restyle", "{}", "the sea"],
    "bench compare": ["bench", "compare", "{}", "{}"],
    "bench run --out": ["bench", "run", "--out", "{}"],
    "doctor --report": ["doctor", "--report", "{}"],
    "doctor --facts": ["doctor", "--facts", "{}"],
    "facts --facts": ["facts", "--facts", "{}"],
    "diagnose --file": ["diagnose", "--file", "{}"],
    "prove --out": ["prove", "--starter", "--out", "{}"],
    "weights import": ["weights", "import", "{}"],
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_a_sentence_and_no_bug(
    command: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code = main([word.replace("{}", wrong) for word in COMMANDS[command]])
    said = capsys.readouterr().err
    assert code in (2, 3, 4), said
    assert "error:" in said
    assert "bug" not in said
    assert list(tmp_path.glob("**/*.png")) == []
