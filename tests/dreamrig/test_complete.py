"""The tab key: what each shell offers behind some words, asked of the shell itself."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dreamrig.cli import COMMANDS, main
from dreamrig.complete import complete, read_help, read_table
from dreamrig.shells import SHELLS, Table
from generator.config import GenerateConfig
from generator.knobs import kinds_of


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table(COMMANDS)


def test_the_table_has_every_command_and_every_knob(table: Table) -> None:
    assert {name for name in table if " " not in name} == {"", "help", *COMMANDS}
    knobs = {"--" + name.replace("_", "-") for name in kinds_of(GenerateConfig) if name != "prompt"}
    assert knobs <= set(table["generate"].flags)
    assert {"--no-preview", "--out", "--json"} <= set(table["generate"].flags)
    assert {"run", "compare"} <= set(table["bench"].commands)
    assert "--quick" in table["bench run"].flags
    assert "invite" in table["serve friends"].commands
    assert all(words.commands or words.flags for words in table.values())


def test_a_row_of_a_help_text_is_a_command_only_in_a_group() -> None:
    text = "Usage: dreamrig x [OPTIONS]\n\n  Draw.\n\nOptions:\n  -a, --all / --no-all  All of it: --not-this.\n"
    assert read_help(text).flags == ("--all", "--no-all", "--help")
    assert read_help(text + "  word  no command\n").commands == ()
    assert read_help(
        text.replace("[OPTIONS]", "[OPTIONS] COMMAND [ARGS]...") + "\nCommands:\n  go  Go.\n"
    ).commands == ("go",)


def ask_bash(script: Path, *words: str) -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    body = f"source '{script}'; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _dreamrig; "
    return _lines(["bash", "--norc", "-c", body + "printf '%s\\n' \"${COMPREPLY[@]}\""])


def ask_zsh(script: Path, *words: str) -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    fakes = 'compadd() { shift; print -l -- "$@"; }; _files() { :; }'
    found = _lines(["zsh", "-f", "-c", f"{fakes}; words=({line}); CURRENT={len(words)}; source '{script}'"])
    return [word for word in found if word.startswith(words[-1])]  # compadd itself leaves the others out


def ask_fish(script: Path, *words: str) -> list[str]:
    line = " ".join(words)
    return _lines(["fish", "--no-config", "-c", f"source '{script}'; complete -C '{line}'"])


def ask_powershell(script: Path, *words: str) -> list[str]:
    line = " ".join(words)
    body = f". '{script}'; (TabExpansion2 '{line}' {len(line)}).CompletionMatches.CompletionText"
    return _lines(["pwsh", "-NoProfile", "-Command", body])


def _lines(argv: list[str]) -> list[str]:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not on this machine")
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


ASKED = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish, "powershell": ask_powershell}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_itself_offers_what_follows(shell: str, table: Table, tmp_path: Path) -> None:
    script = tmp_path / "script.ps1"
    script.write_text(SHELLS[shell](table))
    ask: Callable[..., list[str]] = ASKED[shell]
    assert ask(script, "dreamrig", "gen") == ["generate"]
    assert ask(script, "dreamrig", "bench", "com") == ["compare"]
    assert ask(script, "dreamrig", "bench", "compare", "--fail") == ["--fail-below"]
    assert ask(script, "dreamrig", "generate", "bench", "--sympho") == []
    assert ask(script, "dreamrig", "generate", "bench", "--surp") == ["--surprise"]
    assert ask(script, "dreamrig", "help", "doc") == ["doctor"]


def test_a_shell_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "tcsh"]) == 2
    assert "use one of: bash, zsh, fish, powershell" in capsys.readouterr().err
    assert complete(["bash"]) == 0
    assert "complete -o default -F _dreamrig dreamrig" in capsys.readouterr().out
