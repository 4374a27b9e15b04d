"""One maker of command lines."""

from typing import Annotated

import pytest
import typer

from dreamrig.cli import to_rig_error
from dreamrig.command import make_app, run_group, run_one


def test_one_command_takes_its_words_from_a_signature(capsys: pytest.CaptureFixture[str]) -> None:
    def body(name: Annotated[str, typer.Argument()], loud: bool = False) -> int:
        """Greet somebody."""
        print(name.upper() if loud else name)
        return 3

    assert run_one("greet", body, ["sea", "--loud"]) == 3
    assert capsys.readouterr().out == "SEA\n"
    assert run_one("greet", body, ["--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: dreamrig greet" in shown
    assert "Greet somebody." in shown
    assert "\u256d" not in shown  # no boxes
    assert "completion" not in shown


def test_a_group_without_a_word_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    app = make_app("Greetings.")

    @app.command()
    def greet() -> int:
        """Greet."""
        return 0

    assert run_group(app, "greetings", []) == 0
    shown = capsys.readouterr().out
    assert "Greetings." in shown
    assert "greet" in shown
    assert run_group(app, "greetings", ["greet"]) == 0


def test_a_wrong_word_becomes_our_error() -> None:
    with pytest.raises(Exception, match="nonsense") as caught:
        run_one("greet", lambda: 0, ["--nonsense"])
    error = to_rig_error(caught.value, "greet")
    assert error.exit_code == 2
    assert error.hint == "see: dreamrig greet --help"
