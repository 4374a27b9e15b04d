"""`dreamrig generate --batch-size`: several pictures in the same steps, each with its own folder, ending and recipe."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from dreamrig.settings import Sources
from generator.events import Started, Step
from generator.models.base import Models
from generator.pictures.reading import read_recipe
from generator.runs import folder as runs
from generator.sinks.progress import ProgressSink

Command = Callable[..., Any]
ROOT = Path(__file__).parents[4]
SCRIPT = Path(__file__).parents[2] / "toy_process.py"
SHORT = ["--size", "24x16", "--steps", "3", "--threads", "1", "--cutouts", "4", "--start", "noise", "--seed", "3"]
SHADES = 2
"""Of 255: what a batch that rounds otherwise may come to in so few steps."""


@pytest.fixture
def decoded(models: Models) -> list[int]:
    """How many pictures came to the decoder, call by call."""
    sizes: list[int] = []
    decode = models.image.decode

    def seen_decode(latent: Tensor) -> Tensor:
        sizes.append(len(latent))
        return decode(latent)

    models.image.decode = seen_decode  # type: ignore[method-assign]  # a spy at the door
    return sizes


def pixels(picture: object) -> Any:
    with Image.open(str(picture)) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def require_alike(picture: object, other: object) -> None:
    assert np.abs(pixels(picture) - pixels(other)).max() <= SHADES


def test_four_pictures_are_drawn_in_the_same_steps(command: Command, home: Path, decoded: list[int]) -> None:
    words = ["{fog,sea}", *SHORT, "--count", "2", "--json"]
    data = command("generate", *words, "--batch-size", "4").data
    assert [(one["prompt"], one["seed"]) for one in data["pictures"]] == [
        ("fog", 3), ("fog", 4), ("sea", 3), ("sea", 4)
    ]  # fmt: skip
    assert decoded.count(4) == 3
    assert Path(data["contact_sheet"]).is_file()
    assert len({one["run"] for one in data["pictures"]}) == 4
    alone = command("generate", *words).data
    assert 4 not in decoded[7:]
    for mine, theirs in zip(data["pictures"], alone["pictures"], strict=True):
        require_alike(mine["picture"], theirs["picture"])
        assert mine["timings"]["batch_size"] == 4
        assert (mine["timings"]["steps_done"], mine["status"]) == (3, "done")
        assert mine["timings"]["flops_per_step"] is None  # a step's seconds are those of four
        assert theirs["timings"]["batch_size"] == 1


def test_the_recipe_says_so_and_again_warns_of_other_pixels(command: Command, home: Path) -> None:
    data = command("generate", "fog", *SHORT, "--count", "2", "--batch-size", "2", "--json").data
    picture = data["pictures"][1]["picture"]
    assert read_recipe(Path(picture)).machine["batch_size"] == 2
    again = command("again", picture, "--json")
    assert "batch_size was 2, is 1: this may give different pixels" in again.err
    assert "batch_size" not in read_recipe(Path(again.data["picture"])).machine
    require_alike(again.data["picture"], picture)
    assert "batch_size" not in command("again", again.data["picture"], "--json").err


def test_on_a_cpu_one_by_one_unless_somebody_says_otherwise(command: Command, home: Path, decoded: list[int]) -> None:
    command("generate", "fog", *SHORT, "--count", "3")
    assert set(decoded) == {1}
    sources = Sources(environ={"DREAMRIG_BATCH_SIZE": "2"})
    command("generate", "fog", *SHORT, "--count", "3", sources=sources)
    assert decoded.count(2) == 3
    decoded.clear()
    command("generate", "fog", *SHORT, "--count", "3", "--batch-size", "1", sources=sources)
    assert set(decoded) == {1}


def test_what_has_another_size_comes_after_and_is_told_once(command: Command, home: Path, decoded: list[int]) -> None:
    text = "\n".join(f'[[picture]]\nprompt = "p{number}"\nwidth = {24 + 8 * (number > 1)}' for number in range(5))
    Path("batch.toml").write_text(text)
    words = ["--height", "16", "--steps", "3", "--threads", "1", "--cutouts", "4", "--start", "noise"]
    answer = command("generate", "--batch", "batch.toml", *words, "--batch-size", "4")
    assert answer.code == 0
    assert decoded.count(2) == decoded.count(3) == 3
    assert answer.err.count("is not drawn together with") == 1
    assert "note: picture 3 is not drawn together with picture 1: another size" in answer.err


@pytest.mark.parametrize("flag", ["--cut-batch=2", "--checkpointed-decoding"])
def test_what_saves_memory_otherwise_goes_alone(command: Command, home: Path, decoded: list[int], flag: str) -> None:
    answer = command("generate", "fog", *SHORT, flag, "--count", "2", "--batch-size", "2")
    assert (answer.code, set(decoded)) == (0, {1})
    assert (
        f"picture 2 is not drawn together with picture 1: {'some' if '2' in flag else 'decoding twice'}" in answer.err
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--batch-size", "-1"], "--batch-size is -1"),
        (["--batch-size", "2", "--profile"], "--profile looks at one picture at a time"),
        (["--batch-size", "2", "--crew", "local"], "--batch-size is not for --crew"),
    ],
)
def test_what_it_does_not_go_with(command: Command, home: Path, words: Sequence[str], says: str) -> None:
    answer = command("generate", "fog", *SHORT, "--count", "2", *words)
    assert (answer.code, says in answer.err) == (2, True)


def test_one_that_fails_leaves_and_the_others_go_on(
    command: Command, home: Path, picky: Models, decoded: list[int]
) -> None:
    words = ["{fog,bad,sea}", *SHORT, "--batch-size", "3", "--json"]
    answer = command("generate", *words, load_models=lambda config: picky)
    assert answer.code == 1
    assert [one["prompt"] for one in answer.data["pictures"]] == ["fog", "sea"]
    assert "Picture 2 (bad): It does not want to." in answer.err
    assert decoded.count(2) == 3
    assert len(runs.list_runs(home / "runs")) == 2


def test_one_with_fewer_steps_ends_before_the_others(command: Command, home: Path, decoded: list[int]) -> None:
    text = "\n".join(f'[[picture]]\nprompt = "p{number}"\nsteps = {2 + number}' for number in range(3))
    Path("batch.toml").write_text(text)
    words = [*SHORT[:2], *SHORT[4:]]
    data = command("generate", "--batch", "batch.toml", *words, "--batch-size", "3", "--json").data
    assert [one["steps_done"] for one in data["pictures"]] == [2, 3, 4]
    assert [decoded.count(size) for size in (3, 2)] == [2, 1]


def test_the_words_say_which_picture_is_which_and_one_line_how_far_all_are(command: Command, home: Path) -> None:
    answer = command("generate", "{fog,zea}", *SHORT, "--batch-size", "2")
    lines = answer.err.splitlines()
    assert [line for line in lines if line.startswith("picture ")] == ["picture 1/2: fog", "picture 2/2: zea"]
    assert lines.index("picture 2/2: zea") < next(at for at, line in enumerate(lines) if "'zea'" in line)
    assert [line.split("  ")[0] for line in lines if line.startswith("step ")] == ["step 1/3", "step 2/3", "step 3/3"]
    assert len(re.findall(r"^picture   \S+$", answer.out, re.MULTILINE)) == 2


# ---- ends before the end


def interrupting(times: int, at_step: int, kind: type[Any] = Step) -> Callable[[object, object], None]:
    """A sink in the place of the bar, that presses Ctrl-C so many times at a step."""
    told = 0

    def listen(sink: object, event: object) -> None:
        nonlocal told
        told += isinstance(event, kind)
        if told == at_step and isinstance(event, kind):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return listen


def stopped(command: Command, monkeypatch: pytest.MonkeyPatch, listen: Callable[..., None], *words: str) -> Any:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with monkeypatch.context() as patched:
            patched.setattr(ProgressSink, "__call__", listen)
            return command("generate", *words)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_first_ctrl_c_ends_all_after_the_step_and_each_can_go_on(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["{fog,sea,sky}", *SHORT[:2], "--steps", "8", *SHORT[4:], "--batch-size", "2", "--out", "made"]
    whole = {one["prompt"]: one["picture"] for one in command("generate", *words, "--json").data["pictures"]}
    whole = {prompt: pixels(picture) for prompt, picture in whole.items()}
    answer = stopped(command, monkeypatch, interrupting(1, 3), *words)
    assert answer.code == 130
    assert "Interrupted in pictures 1 to 2 of 3." in answer.err
    left = {run.prompt: run for run in runs.list_runs(home / "runs") if run.seen() == "interrupted"}
    assert sorted(left) == ["fog", "sea"]
    expected = (
        f"to go on, run: dreamrig generate --resume {left['fog'].id}; then "
        f"run: dreamrig generate --resume {left['sea'].id}; then, for the others, the same command with --from 3"
    )
    assert expected in answer.err
    assert {run.steps_done for run in left.values()} <= {3, 4}
    for prompt, run in left.items():
        resumed = command("generate", "--resume", run.id, "--json")
        assert "batch_size" not in resumed.err
        assert read_recipe(Path(resumed.data["picture"])).machine["batch_size"] == 2
        assert np.abs(pixels(resumed.data["picture"]) - whole[prompt]).max() <= SHADES


def test_the_second_ctrl_c_ends_all_at_once(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = stopped(command, monkeypatch, interrupting(2, 2), "{fog,sea,sky}", *SHORT, "--batch-size", "3")
    assert answer.code == 130
    assert "Traceback" not in answer.err
    found = runs.list_runs(home / "runs")
    assert {run.seen() for run in found} == {"interrupted"}
    assert all(f"--resume {run.id}" in answer.err for run in found)
    assert len(found) == 3


def test_ctrl_c_before_all_have_begun_leaves_no_empty_folders(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = stopped(command, monkeypatch, interrupting(2, 2, Started), "{fog,sea,sky}", *SHORT, "--batch-size", "3")
    assert answer.code == 130
    found = runs.list_runs(home / "runs")
    assert sorted(run.prompt for run in found) == ["fog", "sea"]
    assert {run.seen() for run in found} == {"interrupted"}
    assert "for the others, the same command with --from 3" in answer.err


def test_after_kill_9_each_goes_on_from_its_own_checkpoint(command: Command, home: Path) -> None:
    steps = ["--steps", "12", "--checkpoint-every", "1"]
    words = ["{fog,sea}", *SHORT[:2], *steps, *SHORT[4:], "--batch-size", "2"]
    whole = [pixels(one["picture"]) for one in command("generate", *words, "--json").data["pictures"]]
    before = {run.id for run in runs.list_runs(home / "runs")}
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(SCRIPT), "0.05", "generate", *words], env=environ)
    deadline = time.monotonic() + 120
    fresh: list[runs.Run] = []
    while time.monotonic() < deadline and (len(fresh) < 2 or min(run.steps_done for run in fresh) < 3):
        time.sleep(0.05)
        fresh = [run for run in runs.list_runs(home / "runs") if run.id not in before]
    process.kill()
    process.wait()
    killed = {run.prompt: run for run in runs.list_runs(home / "runs") if run.id not in before}
    assert {run.seen() for run in killed.values()} == {"crashed"}
    for prompt, expected in zip(("fog", "sea"), whole, strict=True):
        resumed = command("generate", "--resume", killed[prompt].id, "--json").data
        assert (resumed["status"], resumed["timings"]["first_step"] >= 3) == ("done", True)
        assert np.abs(pixels(resumed["picture"]) - expected).max() <= SHADES
