"""`-h` is short, `--help` is long, and the examples of both can be typed."""

from __future__ import annotations

import re
import shlex

import pytest

from dreamrig.cli import COMMANDS, main
from dreamrig.complete import read_table
from dreamrig.help import EXAMPLES, shorten

TABLE = read_table(COMMANDS)
LONG = """Usage: dreamrig dream [OPTIONS] WORD

  Dream of something, e.g. of "a fox". And of more.

  With a second paragraph.

Arguments:
  WORD <text>  Of what. Twice.

Options:
  --size N|WxH                    Pixels: one number,
                                  or two. Not three.
  --kind a|b|c|d|e|f|g|h|i|j|k|l
                                  Which one.
  --bare
  --help                          Show this message and exit.

Rare things:
  --rare                          Nobody needs it.
"""
SHORT = """Usage: dreamrig dream [OPTIONS] WORD

Dream of something, e.g. of "a fox".

Arguments:
  WORD <text>                 Of what.

Options:
  --size N|WxH                Pixels: one number, or two.
  --kind …                    Which one.
  --bare
  --help                      Show this message and exit."""


def test_short_is_usage_and_a_sentence_a_row() -> None:
    assert shorten(LONG, 80) == SHORT


def test_a_help_of_another_shape_stays_whole() -> None:
    assert shorten("usage: x\n\n  one  two\n", 80) == "usage: x\n\n  one  two"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(command: str) -> None:
    assert EXAMPLES[command]


@pytest.mark.parametrize("path", EXAMPLES)
def test_examples_name_commands_and_flags_that_there_are(path: str) -> None:
    assert path in TABLE
    for line, about in EXAMPLES[path]:
        words = shlex.split(line.partition(">")[0])
        known = next(" ".join(words[:size]) for size in (3, 2, 1) if " ".join(words[:size]) in TABLE)
        assert known == path or known.startswith(f"{path} ")
        assert {word for word in words if word.startswith("--")} <= set(TABLE[known].flags)
        assert about


def test_short_help_ends_with_examples_and_the_way_to_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "-h"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("All of it: dreamrig history --help\n")
    assert "Examples:\n  dreamrig history" in said


def test_long_help_has_everything_and_the_examples_of_the_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "--help"]) == 0
    said = capsys.readouterr().out
    assert set(TABLE["weights fetch"].flags) <= set(re.findall(r"--[a-z][\w-]*", said))
    assert said.rstrip().endswith("dreamrig weights fetch --preset adafruit  all that a preset needs")


def test_short_is_shorter_and_leaves_the_rare_flags_out(capsys: pytest.CaptureFixture[str]) -> None:
    main(["generate", "-h"])
    short = capsys.readouterr().out
    main(["generate", "--help"])
    long = capsys.readouterr().out
    assert "--augmentations" in long
    assert "--augmentations" not in short
    assert len(short.splitlines()) < len(long.splitlines()) / 3


def test_a_prompt_behind_two_dashes_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", "--", "-h"])
    assert "Usage" not in capsys.readouterr().out
