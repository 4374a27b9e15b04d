"""`dreamrig generate --count`: one prompt several times, with braces, batches, --from, --resume and workers."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.events import Step
from generator.front.cli.contact import GAP, SIDE
from generator.pictures.reading import read_recipe
from generator.runs import folder as runs
from generator.sinks.progress import ProgressSink
from generator.wishes.seeds import LARGEST_SEED

Command = Callable[..., Any]
SHORT = ["--size", "24x16", "--steps", "3", "--threads", "1", "--cutouts", "4", "--start", "noise"]


def columns_and_rows(sheet: str) -> tuple[int, int]:
    with Image.open(sheet) as opened:
        width, height = opened.size
    return (width + GAP) // (SIDE + GAP), (height + GAP) // (SIDE + GAP)


def prompts_and_seeds(data: Any) -> list[tuple[str, int]]:
    return [(one["prompt"], one["seed"]) for one in data["pictures"]]


def test_four_pictures_with_seeds_that_follow_each_of_which_can_be_repeated(command: Command, home: Path) -> None:
    data = command("generate", "fog", *SHORT, "--seed", "7", "--count", "4", "--json").data
    assert prompts_and_seeds(data) == [("fog", 7), ("fog", 8), ("fog", 9), ("fog", 10)]
    pictures = [Path(one["picture"]) for one in data["pictures"]]
    assert len({file.read_bytes() for file in pictures}) == 4
    for file, seed in zip(pictures, range(7, 11), strict=True):
        assert read_recipe(file).config["seed"] == seed
        assert Path(command("again", str(file), "--json").data["picture"]).read_bytes() == file.read_bytes()
    alone = command("generate", "fog", *SHORT, "--seed", "8", "--json").data
    assert Path(alone["picture"]).read_bytes() == pictures[1].read_bytes()


def test_the_seeds_and_the_sheet_are_told(command: Command, home: Path) -> None:
    answer = command("generate", "fog", *SHORT, "--count", "4")
    seeds = [int(seed) for seed in re.findall(r"^picture   \S+ \(seed (\d+)\)$", answer.out, re.MULTILINE)]
    assert seeds == [(seeds[0] + number) % (LARGEST_SEED + 1) for number in range(4)]
    assert f"picture 2/4: fog (seed {seeds[1]})" in answer.err
    (sheet,) = re.findall(r"^sheet     (\S+)$", answer.out, re.MULTILINE)
    first = next(run for run in runs.list_runs(home / "runs") if run.seed == seeds[0])
    assert Path(sheet) == first.folder / "contact-sheet.png"
    assert columns_and_rows(sheet) == (2, 2)


def test_a_sheet_lies_beside_the_files_of_out_or_where_it_is_asked_for(command: Command, home: Path) -> None:
    data = command("generate", "fog", *SHORT, "--count", "2", "--out", "made", "--json").data
    assert Path(data["contact_sheet"]).parent == Path("made").absolute()
    assert len(list(Path("made").iterdir())) == 3
    named = command("generate", "fog", *SHORT, "--count", "2", "--out", "made", "--contact-sheet", "all.png", "--json")
    assert named.data["contact_sheet"] == "all.png"
    assert Path("all.png").is_file()
    assert len(list(Path("made").glob("*contact-sheet.png"))) == 1


def test_a_sheet_overwrites_a_file_by_force_or_where_a_batch_goes_on(command: Command, home: Path) -> None:
    Path("all.png").write_text("precious")
    words = ["generate", "fog", *SHORT, "--seed", "1", "--count", "2", "--contact-sheet", "all.png"]
    refused = command(*words)
    assert (refused.code, "all.png exists already" in refused.err) == (2, True)
    assert Path("all.png").read_text() == "precious"
    assert not (home / "runs").exists() or runs.list_runs(home / "runs") == []
    assert command(*words, "--force").code == 0
    assert columns_and_rows("all.png") == (2, 1)
    assert command(*words, "--from", "2").code == 0
    assert columns_and_rows("all.png") == (1, 1)


def test_a_sheet_that_cannot_be_written_costs_no_picture(command: Command, home: Path) -> None:
    Path("all.png").mkdir()
    answer = command("generate", "fog", *SHORT, "--count", "2", "--contact-sheet", "all.png", "--json")
    assert answer.code == 1
    assert "all.png" in answer.err
    assert [Path(one["picture"]).is_file() for one in answer.data["pictures"]] == [True, True]
    assert answer.data["contact_sheet"] is None


def test_quiet_tells_pictures_alone_and_makes_no_sheet_by_itself(command: Command, home: Path) -> None:
    answer = command("generate", "fog", *SHORT, "--count", "2", "--quiet")
    assert sorted(answer.out.split()) == sorted(str(run.picture) for run in runs.list_runs(home / "runs"))
    assert not list(home.rglob("contact-sheet.png"))


def test_braces_and_count_are_a_grid_with_one_seed_a_column(command: Command, home: Path) -> None:
    data = command("generate", "{fog,sea}", *SHORT, "--count", "4", "--json").data
    base = data["pictures"][0]["seed"]
    assert prompts_and_seeds(data) == [(prompt, base + number) for prompt in ("fog", "sea") for number in range(4)]
    assert columns_and_rows(data["contact_sheet"]) == (4, 2)  # eight alone would be three wide


def test_the_seeds_of_a_batch_file_are_where_its_pictures_begin(command: Command, home: Path) -> None:
    Path("batch.csv").write_text("prompt,seed\nfog,5\nsea,\n")
    data = command("generate", "--batch", "batch.csv", *SHORT, "--count", "2", "--json").data
    base = data["pictures"][2]["seed"]
    assert prompts_and_seeds(data) == [("fog", 5), ("fog", 6), ("sea", base), ("sea", base + 1)]


def test_from_counts_every_picture_and_needs_the_seed_that_was_told(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = 0

    def stops_in_the_second(sink: object, event: object) -> None:
        nonlocal told
        told += isinstance(event, Step)
        if told == 5 and isinstance(event, Step):
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with monkeypatch.context() as patched:
        patched.setattr(ProgressSink, "__call__", stops_in_the_second)
        stopped = command("generate", "fog", *SHORT, "--count", "3")
    signal.signal(signal.SIGINT, before)
    assert stopped.code == 130
    run = next(run for run in runs.list_runs(home / "runs") if run.seen() == "interrupted")
    (found,) = re.findall(r"the same command with --seed (\d+) --from 3", stopped.err)
    assert f"--resume {run.id}" in stopped.err
    assert command("generate", "--resume", run.id).code == 0
    rest = command("generate", "fog", *SHORT, "--count", "3", "--seed", found, "--from", "3", "--json").data
    assert prompts_and_seeds(rest) == [("fog", int(found) + 2)]
    assert rest["contact_sheet"] is None  # of a single picture
    assert {one.seed - int(found) for one in runs.list_runs(home / "runs") if one.seen() == "done"} == {0, 1, 2}


def test_one_is_as_without_and_a_surprise_is_drawn_as_often_as_asked(command: Command, home: Path) -> None:
    assert "pictures" not in command("generate", "fog", *SHORT, "--count", "1", "--json").data
    answer = command("generate", *SHORT, "--surprise", "--count", "2", "--json")
    (prompt,) = {one["prompt"] for one in answer.data["pictures"]}
    assert f"surprise: {prompt}" in answer.err


def test_after_the_largest_seed_comes_the_smallest(command: Command, home: Path) -> None:
    data = command("generate", "fog", *SHORT, "--seed", str(LARGEST_SEED), "--count", "2", "--json").data
    assert [one["seed"] for one in data["pictures"]] == [LARGEST_SEED, 0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fog", "--count", "0"], "--count is 0"),
        (["fog", "--count", "1001"], "--count is 1001"),
        (["{fog,sea}", "--count", "501"], "more than 1000 pictures"),
        (["--resume", "last", "--count", "2"], "--resume goes on with one picture"),
        (["fog", "--count", "2", "--from", "3"], "--from is 3"),
        (["fog", "--count", "2", "--out", "one.png"], "one file for several pictures"),
        (["fog", "--count", "2", "--open"], "--open is for one picture"),
        (["fog", "--count", "2", "--surprise"], "--surprise brings its own prompt"),
        (["--count", "2"], "prompt"),
        (["fog", "--contact-sheet", "all.png"], "--contact-sheet is for several pictures"),
        (["fog", "--count", "2", "--contact-sheet", "~nosuchuser/all.png"], "there is no such home folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_drawn(
    command: Command, home: Path, words: list[str], says: str
) -> None:
    answer = command("generate", *SHORT, *words)
    assert answer.code == 2, answer.out
    assert says in answer.err
    assert not (home / "runs").exists() or runs.list_runs(home / "runs") == []


@pytest.mark.slow
def test_workers_draw_each_seed_once_and_the_same_command_draws_none_twice(command: Command, home: Path) -> None:
    """With the real starter: a worker is a process of its own, which takes no toy."""
    words = ["fog", "--count", "2", "--size", "32", "--steps", "2", "--cutouts", "4", "--threads", "1", "--json"]
    first = command("generate", *words, "--crew", "local")
    assert first.code == 0, first.err
    base = first.data["pictures"][0]["seed"]
    assert prompts_and_seeds(first.data) == [("fog", base), ("fog", base + 1)]
    assert columns_and_rows(first.data["contact_sheet"]) == (2, 1)
    again = command("generate", *words, "--crew", "local").data
    assert [one["was_done"] for one in again["pictures"]] == [True, True]
    assert prompts_and_seeds(again) == prompts_and_seeds(first.data)
