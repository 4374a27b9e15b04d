"""The commands end to end: in process with toy networks, and as processes that are stopped and killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dreamrig.errors import FailedError, NotReadyError
from dreamrig.settings import Sources
from generator.config import KEPT, TOWARDS, GenerateConfig
from generator.knobs import knobs_of
from generator.models.base import Models
from generator.pictures.reading import read_recipe
from generator.runs import folder as runs
from generator.starter.examples import example_prompts
from generator.starter.reading import read
from generator.work.door import load_configured
from generator.work.plan import Plan

SCRIPT = Path(__file__).parents[2] / "toy_process.py"
ROOT = Path(__file__).parents[4]
SHORT = [
    "--size",
    "24x16",
    "--steps",
    "6",
    "--seed",
    "3",
    "--threads",
    "1",
    "--cutouts",
    "4",
    "--checkpoint-every",
    "2",
]


Command = Callable[..., Any]


def only_run(home: Path) -> runs.Run:
    (run,) = runs.list_runs(home / "runs")
    return run


# ---- a run that goes well


def test_a_preset_decides_what_nobody_says(command: Command) -> None:
    answer = command("generate", "--preset", "pooling", *SHORT, "--model", "toy", "--json", "fog")
    config = read_recipe(Path(answer.data["picture"])).to_config()
    assert (config.cut_method, config.start, config.step_size) == ("pooling", "uniform", 0.1)
    assert (config.cutouts, config.steps, config.width) == (4, 6, 24)
    assert config.augmentations.startswith("affine(translate_y=0.1,padding=border,p=0.7) perspective(0.7,p=0.7)")
    again = command("again", answer.data["run"], "--json")
    assert Path(again.data["picture"]).read_bytes() == Path(answer.data["picture"]).read_bytes()


def test_a_sentence_becomes_a_picture_and_a_report(command: Command, home: Path) -> None:
    answer = command("generate", "sunset over the zea", *SHORT)
    run = only_run(home)
    assert answer.code == 0
    assert answer.out.splitlines()[0] == f"picture   {run.folder / 'picture.png'}"
    assert re.search(r"steady steps +\d", answer.out)
    assert "by its datasheet, not measured" in answer.out
    assert "cannot draw 'zea' (near: sea, see)" in answer.err
    assert "step 6/6" in answer.err
    assert run.seen() == "done"
    assert {path.name for path in run.folder.iterdir()} == {
        "config.json",
        "run.json",
        "picture.png",
        "picture-large.png",
        "checkpoint.safetensors",
        "timings.json",
    }
    with Image.open(run.folder / "picture.png") as picture:
        assert picture.size == (24, 16)


def test_json_is_one_document_with_the_promised_keys(command: Command, home: Path) -> None:
    answer = command("generate", "sunset over the zea", *SHORT, "--json", "--profile")
    data = answer.data
    assert Path(data["picture"]).is_absolute()
    assert Path(data["picture"]).is_file()
    assert Path(data["picture_large"]).is_file()
    assert (data["run"], data["prompt"], data["seed"]) == (only_run(home).id, "sunset over the zea", 3)
    assert data["plan"] == "a plan for sunset over the zea"
    assert data["unknown_words"] == {"zea": ["sea", "see"]}
    timings = data["timings"]
    assert timings == json.loads((home / "runs" / data["run"] / "timings.json").read_text())
    assert len(timings["steady_step_seconds"]) == 5
    assert timings["flops_method"] == "counted"
    assert set(timings["phase_shares"]) == {"decode", "cutouts", "clip", "backward", "optimiser", "saving", "other"}
    assert "step 6/6" in answer.err


def test_quiet_prints_the_path_alone(command: Command, home: Path) -> None:
    answer = command("generate", "sunset", *SHORT, "--quiet")
    assert answer.out == f"{only_run(home).folder / 'picture.png'}\n"
    assert answer.err == ""


def test_words_without_quotes_are_one_prompt(command: Command, home: Path) -> None:
    command("generate", "sunset", "over", "the", "sea", *SHORT)
    assert only_run(home).prompt == "sunset over the sea"


def test_same_seed_same_bytes_and_the_random_seed_is_told(command: Command) -> None:
    free = [word for word in SHORT if word not in ("--seed", "3")]
    first = command("generate", "sunset", *free, "--json").data
    second = command("generate", "sunset", *free, "--json").data
    assert first["seed"] != second["seed"]
    repeated = command("generate", "sunset", *free, "--json", "--seed", str(first["seed"])).data
    assert Path(repeated["picture"]).read_bytes() == Path(first["picture"]).read_bytes()
    assert Path(second["picture"]).read_bytes() != Path(first["picture"]).read_bytes()


def test_surprise_draws_a_sure_fire_prompt_and_says_which(command: Command, home: Path) -> None:
    answer = command("generate", "--surprise", *SHORT)
    reading = read(only_run(home).prompt)
    assert reading.wanted
    assert not reading.unknown
    assert f"surprise: {only_run(home).prompt}\n" in answer.err
    assert command("generate", "sunset", "--surprise", *SHORT).code == 2


def test_what_is_left_alone_comes_from_settings_then_the_model(command: Command, models: Models) -> None:
    liking = Models(**{**vars(models), "defaults": {"steps": 4, "cutouts": 5, "step_size": 0.5, "seed": 9}})
    sources = Sources({"DREAMRIG_CUTOUTS": "3"}, (("./dreamrig.toml", {"width": 24, "cutouts": 2}),))
    answer = command("generate", "x", "--height", "16", "--json", sources=sources, load_models=lambda *_: liking)
    config = read_recipe(Path(answer.data["picture"])).to_config()
    assert (config.steps, config.cutouts, config.width, config.height, config.step_size) == (4, 3, 24, 16, 0.5)
    assert config.pull == 0.0


def test_a_model_may_like_something_else_for_one_start() -> None:
    defaults = {"step_size": 0.5, "pull": 1.0, "start=grey": {"pull": 0.0}}
    assert Plan(prompt="x", given={}).to_config(defaults).pull == 1.0
    assert Plan(prompt="x", given={"start": "grey"}).to_config(defaults).pull == 0.0
    assert Plan(prompt="x", given={"start": "grey", "pull": 2.0}).to_config(defaults).pull == 2.0
    assert Plan(prompt="x", given={}).to_config({**defaults, "start": "grey"}).pull == 0.0


def test_a_start_image_is_found_from_elsewhere_and_not_told_on(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.effect_noise((24, 16), 80).convert("RGB").save("mine.png")
    first = command("generate", "x", *SHORT, "--start", "mine.png", "--json").data
    assert str(tmp_path).encode() not in Path(first["picture"]).read_bytes()
    monkeypatch.chdir(tmp_path)
    again = command("again", first["run"], "--json").data
    assert Path(again["picture"]).read_bytes() == Path(first["picture"]).read_bytes()
    without = command("again", first["picture"])
    assert (without.code, "mine.png" in without.err) == (2, True)
    given = command("again", first["picture"], "--start", str(tmp_path / "work" / "mine.png"), "--json").data
    assert Path(given["picture"]).read_bytes() == Path(first["picture"]).read_bytes()


# ---- --out


def test_out_takes_a_file_or_a_folder(command: Command, home: Path, tmp_path: Path) -> None:
    data = command("generate", "x", *SHORT, "--out", "mine.png", "--json").data
    assert data["picture"] == str(Path.cwd() / "mine.png")
    assert Path("mine.png").read_bytes() == (home / "runs" / data["run"] / "picture.png").read_bytes()
    data = command("generate", "x", *SHORT, "--out", "made/here/", "--json").data
    assert data["picture"] == str(Path.cwd() / "made" / "here" / f"{data['run']}.png")
    assert Path(data["picture"]).is_file()


def test_out_is_refused_before_anything_starts(command: Command, home: Path) -> None:
    Path("there.png").write_text("mine")
    Path("folder.png").mkdir()
    for out, code in {
        "there.png": 2,
        "nowhere/x.png": 2,
        "there.png/x.png": 2,
        "there.png/": 4,
        "picture.bmp": 2,
        "picture": 2,
        "/proc/x.png": 4,
        os.devnull: 2,
    }.items():
        answer = command("generate", "x", *SHORT, "--out", out, load_models=None)
        assert answer.code == code, (out, answer)
        assert answer.err.splitlines()[-1], out
    assert Path("there.png").read_text() == "mine"
    assert runs.list_runs(home / "runs") == []
    assert command("generate", "x", *SHORT, "--out", "there.png", "--force").code == 0
    with Image.open("there.png") as picture:
        assert picture.size == (24, 16)


# ---- bad input


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 2),
        (["   "], 2),
        ([":2"], 2),
        (["2:1"], 2),
        (["sea:nan"], 2),
        (["sea:0"], 2),
        (["x" * 10_000], 2),
        (["a\x07b"], 2),
        (["a\x00b"], 2),
        (["caf\udce9"], 2),
        (["sea", "--colour", "red"], 2),
        (["sea", "--size", "0"], 2),
        (["sea", "--size", "-8"], 2),
        (["sea", "--size", "100"], 2),
        (["sea", "--size", "big"], 2),
        (["sea", "--size", "1" * 5000], 2),
        (["sea", "--size", "1000000x8"], 2),
        (["sea", "--size", "64", "--width", "64"], 2),
        (["sea", "--width", "1.5"], 2),
        (["sea", "--steps", "0"], 2),
        (["sea", "--seed", "-1"], 2),
        (["sea", "--step-size", "nan"], 2),
        (["sea", "--start", "no-such-file.png"], 2),
        (["sea", "--start", "."], 2),
        (["sea", "--device", "tpu"], 2),
        (["sea", "--graphics", "3d"], 2),
        (["--resume", "nothing"], 2),
        (["sea", "--resume", "nothing"], 2),
    ],
)
def test_bad_input_is_refused_before_the_networks_are_loaded(
    command: Command, home: Path, args: list[str], code: int
) -> None:
    answer = command("generate", *args, load_models=None)
    sentence, hint = answer.err.splitlines()[-2:]
    assert answer.code == code
    assert sentence.endswith(".")
    assert hint
    assert answer.out == ""
    assert runs.list_runs(home / "runs") == []


def test_settings_of_the_wrong_kind_name_their_source(command: Command) -> None:
    answer = command("generate", "x", sources=Sources({"DREAMRIG_STEPS": "many"}), load_models=None)
    assert answer.code == 2
    assert "DREAMRIG_STEPS" in answer.err


def test_too_large_for_the_memory_names_the_largest_that_fits(command: Command, home: Path, models: Models) -> None:
    heavy = Models(**{**vars(models), "memory_mib": lambda width, height, cutouts: 1e9 if width > 64 else 0.0})
    answer = command("generate", "x", *SHORT[2:], "--size", "128x64", load_models=lambda *_: heavy)
    assert answer.code == 4
    assert "--width 64 --height 32" in answer.err
    assert runs.list_runs(home / "runs") == []


def test_missing_cuda_and_unknown_models_are_refused(home: Path, command: Command) -> None:
    import torch

    assert command("generate", "x", "--model", "huge", load_models=load_configured).code == 2
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    answer = command("generate", "x", "--device", "cuda", load_models=load_configured)
    assert answer.code == 4
    assert "CUDA" in answer.err
    assert runs.list_runs(home / "runs") == []


def test_weights_that_cannot_be_loaded_leave_no_run(command: Command, home: Path) -> None:
    def damaged(config: object) -> Models:
        raise NotReadyError("The weight file is damaged.", hint="restore it")

    assert command("generate", "x", *SHORT, load_models=damaged).code == 4
    assert runs.list_runs(home / "runs") == []


def test_a_run_that_fails_says_so_in_history(command: Command, home: Path, models: Models) -> None:
    class Tired:
        size, width = models.guides[0].size, models.guides[0].width
        encode_text, unknown_words = models.guides[0].encode_text, models.guides[0].unknown_words
        calls = 0

        def encode_image(self, cutouts: Any) -> Any:
            self.calls += 1
            if self.calls > 3:
                raise FailedError("The guide fell asleep.", hint="wake it")
            return models.guides[0].encode_image(cutouts)

    tired = Models(**{**vars(models), "guides": (Tired(),)})
    answer = command("generate", "x", *SHORT, load_models=lambda *_: tired)
    assert (answer.code, "wake it" in answer.err) == (1, True)
    (told,) = command("history", "--json").data["runs"]
    assert (told["status"], told["error"], told["steps_done"]) == ("failed", "The guide fell asleep.", 2)
    assert command("generate", "--resume", "last", "--quiet").code == 0
    assert only_run(home).seen() == "done"


# ---- again, history, prompts


def test_again_repeats_a_run_or_a_picture_to_the_same_bytes(command: Command, tmp_path: Path) -> None:
    first = command("generate", "sunset:2 | fog:-0.5", *SHORT, "--json").data
    picture = Path(first["picture"]).read_bytes()
    by_run = command("again", first["run"], "--json")
    assert Path(by_run.data["picture"]).read_bytes() == picture
    assert "different pixels" not in by_run.err
    shutil.copy(first["picture"], tmp_path / "from a friend.png")
    by_picture = command("again", str(tmp_path / "from a friend.png"), "--json")
    assert Path(by_picture.data["picture"]).read_bytes() == picture
    other = command("again", "last", "--seed", "4", "--size", "16", "--json").data
    config = read_recipe(Path(other["picture"])).to_config()
    assert (config.seed, config.width, config.height, config.steps) == (4, 16, 16, 6)


def test_a_size_that_cannot_be_is_told_whole_or_the_nearest_is_taken(command: Command) -> None:
    answer = command("generate", "x", *SHORT[2:], "--size", "50x33")
    assert answer.code == 2
    assert "50x33 cannot be drawn: width and height must be multiples of 8" in answer.err
    assert "--size 48x32" in answer.err
    drawn = command("generate", "x", *SHORT[2:], "--size", "50x33", "--size-nearest", "--json").data
    config = read_recipe(Path(drawn["picture"])).to_config()
    assert (config.width, config.height) == (48, 32)
    again = command("again", "last", "--size", "33x50", "--size-nearest", "--json").data
    config = read_recipe(Path(again["picture"])).to_config()
    assert (config.width, config.height) == (32, 48)


def test_again_says_what_may_change_the_pixels(command: Command, models: Models) -> None:
    first = command("generate", "x", *SHORT, "--json").data
    retrained = Models(**{**vars(models), "sha256": "11"})
    answer = command("again", first["run"], load_models=lambda *_: retrained)
    assert answer.code == 0
    assert "note: weights sha256 was 00, is 11: this may give different pixels" in answer.err


def test_again_refuses_what_carries_no_recipe(command: Command) -> None:
    Image.new("RGB", (8, 8)).save("foreign.png")
    assert command("again", "foreign.png").code == 2
    assert "no picture" in command("again", "gone.png").err
    assert "no run" in command("again", "gone").err


def test_history_is_newest_first_and_bounded(command: Command) -> None:
    assert "No runs yet" in command("history").out
    for prompt in ("one", "two", "three"):
        command("generate", prompt, *SHORT)
    told = command("history", "--json").data["runs"]
    assert {run["prompt"] for run in told} == {"one", "two", "three"}
    assert [run["created_at"] for run in told] == sorted((run["created_at"] for run in told), reverse=True)
    assert set(told[0]) >= {"run", "created_at", "prompt", "seed", "steps_done", "status", "seconds", "picture"}
    assert all(Path(run["picture"]).is_file() and run["seconds"] > 0 for run in told)
    assert len(command("history", "--limit", "2", "--json").data["runs"]) == 2
    assert "done  6/6 steps" in command("history").out
    assert command("history", "--limit", "0").code == 2


def test_prompts_lists_examples_and_words(command: Command) -> None:
    assert all(example in command("prompts").out for example in example_prompts())
    data = command("prompts", "--json").data
    assert data["examples"] == list(example_prompts())
    assert "sea" in data["vocabulary"]["grounds"]
    assert "fox" in data["things"]["animals"]
    assert sum(map(len, data["things"].values())) >= 900


def test_prompts_looks_for_a_word_in_any_language(command: Command) -> None:
    for word in ("fox", "Fuchs", "foxes"):
        assert command("prompts", word, "--json").data["matches"][0]["thing"] == "fox"
    assert "ship" in command("prompts", "submarine").out
    assert command("prompts", "xqzzyv").code == 0


def test_resume_refuses_what_cannot_be_resumed(command: Command) -> None:
    done = command("generate", "x", *SHORT, "--json").data["run"]
    answer = command("generate", "--resume", done)
    assert (answer.code, f"dreamrig again {done}" in answer.err) == (2, True)
    assert "--seed" in command("generate", "--resume", done, "--seed", "4").err


def test_help_names_every_flag_in_full(command: Command) -> None:
    out = command("generate", "--help").out
    for flag in ("--per-dimension-steps", "--checkpoint-every", "--resume", "--surprise", "--size", "--graphics"):
        assert flag in out
    assert command("again", "--help").code == 0


def test_help_puts_every_field_under_its_heading(command: Command) -> None:
    knobs = knobs_of(GenerateConfig)
    for words in (["generate"], ["again"]):
        sections = re.split(r"^(\S.*):$", command(*words, "--help").out, flags=re.MULTILINE)
        under = dict(zip(sections[1::2], sections[2::2], strict=True))
        assert [*under][:3] == ["Arguments", "Options", TOWARDS]
        assert "--frames-every " in under[KEPT]
        for heading, text in under.items():
            shown = [name for name in knobs if re.search(rf"^  --{name.replace('_', '-')}[ ,]", text, re.MULTILINE)]
            assert shown == [
                name for name, knob in knobs.items() if (knob.group or "Options") == heading and name != "prompt"
            ]


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from generator.front.cli import generate, lists\n"
        "for args in (['--size', '7', 'x'], ['']):\n"
        "    try: generate.generate(args)\n"
        "    except Exception as error: assert error.exit_code == 2, error\n"
        "lists.history([]); lists.prompts([])\n"
        "assert not {'torch', 'PIL', 'numpy'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- stopped, killed, and a full disk, in processes of their own

LONG = [*SHORT[:2], "--steps", "40", *SHORT[4:]]


@pytest.fixture
def process(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command with toy networks as a process; whatever is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: float, *args: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(SCRIPT), str(seconds), *args]
        pythonpath = {"PYTHONPATH": str(ROOT)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, env={**os.environ, **pythonpath, **environ}, **pipes))  # type: ignore[call-overload]  # Popen's overloads do not take **kwargs
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for_step(home: Path, step: int) -> runs.Run:
    """The run, once its checkpoint of that step is on disk."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in runs.list_runs(home / "runs"):
            if run.steps_done >= step:
                return run
        time.sleep(0.02)
    raise AssertionError("the run did not get that far")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_once_it_finishes_the_step_and_resumes_to_the_same_bytes(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    running = process(0.05, "generate", "x", *LONG, "--json", "--out", str(home.parent / "mine.png"))
    run = wait_for_step(home, 4)
    assert run.seen() == "running"
    assert command("generate", "--resume", run.id).code == 2
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    document = json.loads(out)
    assert document["ok"] is False
    assert f"--resume {run.id}" in document["errors"][0]["hint"]
    assert "stopping after this step" in err
    stopped = only_run(home)
    assert stopped.seen() == "interrupted"
    assert 4 <= stopped.steps_done == document["data"]["steps_done"] < 40
    assert read_recipe(Path(document["data"]["picture"])).steps_done == stopped.steps_done
    resumed = command("generate", "--resume", run.id, "--json")
    assert (resumed.code, resumed.data["run"]) == (0, run.id)
    assert resumed.data["timings"]["first_step"] == stopped.steps_done
    whole = command("generate", "x", *LONG, "--json").data
    assert (home.parent / "mine.png").read_bytes() == Path(whole["picture"]).read_bytes()
    assert (run.folder / "picture-large.png").read_bytes() == Path(whole["picture_large"]).read_bytes()


def test_stopped_twice_it_aborts_at_once_and_can_be_resumed(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    args = ["x", *LONG[:-1], "1"]
    running = process(1.5, "generate", *args)
    run = wait_for_step(home, 1)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"--resume {run.id}" in err
    assert "Traceback" not in err
    assert only_run(home).seen() == "interrupted"
    assert not (run.folder / "picture.png").exists()
    assert not list(run.folder.glob(".*"))
    resumed = command("generate", "--resume", run.id, "--json").data
    whole = command("generate", *args, "--json").data
    assert Path(resumed["picture"]).read_bytes() == Path(whole["picture"]).read_bytes()


def test_killed_it_has_crashed_and_resumes_to_the_same_bytes(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    running = process(0.05, "generate", "x", *LONG)
    run = wait_for_step(home, 6)
    running.kill()
    running.communicate()
    (told,) = command("history", "--json").data["runs"]
    assert told["status"] == "crashed"
    assert told["picture"].endswith("preview.jpg")
    resumed = command("generate", "--resume", run.id, "--json").data
    assert 6 <= resumed["timings"]["first_step"] < 40
    whole = command("generate", "x", *LONG, "--json").data
    assert Path(resumed["picture"]).read_bytes() == Path(whole["picture"]).read_bytes()


def test_killed_before_its_first_checkpoint_it_starts_over(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    running = process(5, "generate", "x", *LONG)
    deadline = time.monotonic() + 60
    while not list(home.glob("runs/*/run.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.kill()
    running.communicate()
    resumed = command("generate", "--resume", "last", "--json").data
    assert resumed["timings"]["first_step"] == 0
    whole = command("generate", "x", *LONG, "--json").data
    assert Path(resumed["picture"]).read_bytes() == Path(whole["picture"]).read_bytes()


def test_a_full_disk_costs_checkpoints_but_not_the_picture(
    home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    running = process(0, "generate", "x", *SHORT, "--json", TOY_FILE_LIMIT="8000")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    run = only_run(home)
    assert err.count("warning:") == 2  # checkpoint and enlarged picture, each once
    assert json.loads(out)["data"]["picture_large"] is None
    assert read_recipe(run.folder / "picture.png").steps_done == 6
    assert not (run.folder / "checkpoint.safetensors").exists()
    assert not list(run.folder.glob(".*"))


def test_a_picture_that_cannot_be_written_is_not_ready_and_nothing_is_lost(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    args = ["x", "--size", "64", *SHORT[2:]]
    running = process(0, "generate", *args, TOY_FILE_LIMIT="1500", TOY_LIMIT_FROM="5")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 4, err
    run = only_run(home)
    assert f"--resume {run.id}" in err
    assert run.seen() == "failed"
    assert not (run.folder / "picture.png").exists()
    resumed = command("generate", "--resume", run.id, "--json").data
    assert resumed["timings"]["first_step"] == 4
    whole = command("generate", *args, "--json").data
    assert Path(resumed["picture"]).read_bytes() == Path(whole["picture"]).read_bytes()
