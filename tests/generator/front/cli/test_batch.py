"""`dreamrig generate` with braces, batch files, configuration files and seeds in words, with toy networks."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.events import Step
from generator.models.base import Models
from generator.pictures.reading import read_recipe
from generator.runs import folder as runs
from generator.sinks.progress import ProgressSink
from generator.wishes.seeds import parse_seed

Command = Callable[..., Any]
SHORT = ["--size", "24x16", "--steps", "3", "--threads", "1", "--cutouts", "4", "--start", "noise"]


def prompts_of(home: Path) -> list[str]:
    return sorted(run.prompt for run in runs.list_runs(home / "runs") if run.seen() == "done")


# ---- batches


def test_braces_draw_every_combination_with_networks_loaded_once(command: Command, home: Path, models: Models) -> None:
    loads: list[GenerateConfig] = []

    def load(config: GenerateConfig) -> Models:
        loads.append(config)
        return models

    words = ["a {red,blue} {house,tree}", *SHORT, "--seed", "3", "--out", "made", "--json"]
    answer = command("generate", *words, load_models=load)
    assert answer.code == 0, answer.err
    assert prompts_of(home) == ["a blue house", "a blue tree", "a red house", "a red tree"]
    assert len(loads) == 1
    assert [picture["prompt"] for picture in answer.data["pictures"]][:2] == ["a red house", "a red tree"]
    for picture in answer.data["pictures"]:
        assert Path(picture["picture"]).parent == Path("made").absolute()
        alone = command("generate", picture["prompt"], *SHORT, "--seed", "3", "--json").data
        assert Path(alone["picture"]).read_bytes() == Path(picture["picture"]).read_bytes()


def test_a_brace_after_a_backslash_is_text(command: Command, home: Path) -> None:
    assert command("generate", "a \\{b,c}", *SHORT).code == 0
    assert prompts_of(home) == ["a {b,c}"]


def test_a_batch_file_and_the_stronger_flags(command: Command, home: Path) -> None:
    text = 'steps = 9\nseed = "blue moon"\n[[picture]]\nprompt = "fog"\nwidth = 32\n[[picture]]\nprompt = "sea"\n'
    Path("batch.toml").write_text(text)
    data = command("generate", "--batch", "batch.toml", *SHORT[2:], "--height", "16", "--json").data
    sizes = []
    for picture in data["pictures"]:
        with Image.open(picture["picture"]) as opened:
            sizes.append(opened.size)
        assert (picture["steps_done"], picture["seed"]) == (3, parse_seed("blue moon"))
    assert sizes == [(32, 16), (128, 16)]


def test_one_that_fails_does_not_keep_the_others_from_being_drawn(command: Command, home: Path, picky: Models) -> None:
    answer = command("generate", "{fog,bad,sea}", *SHORT, "--json", load_models=lambda config: picky)
    assert answer.code == 1
    assert prompts_of(home) == ["fog", "sea"]
    assert "Picture 2 (bad): It does not want to." in answer.err
    assert len(answer.data["pictures"]) == 2


def test_the_rest_of_a_batch_that_was_stopped(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["{fog,sea,sky,sun}", *SHORT, "--seed", "3", "--out", "made", "--json"]
    whole = {one["prompt"]: Path(one["picture"]).read_bytes() for one in command("generate", *words).data["pictures"]}
    told = 0

    def stops_in_the_second(sink: object, event: object) -> None:
        nonlocal told
        told += isinstance(event, Step)
        if told == 5 and isinstance(event, Step):
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with monkeypatch.context() as patched:
        patched.setattr(ProgressSink, "__call__", stops_in_the_second)
        stopped = command("generate", *words)
    signal.signal(signal.SIGINT, before)
    assert stopped.code == 130
    assert "Interrupted in picture 2 of 4." in stopped.err
    assert "--from 3" in stopped.err
    document = json.loads(stopped.out)
    assert [one["status"] for one in document["data"]["pictures"]] == ["done", "interrupted"]
    assert document["errors"][0]["exit_code"] == 130
    run = next(run for run in runs.list_runs(home / "runs") if run.seen() == "interrupted")
    assert f"--resume {run.id}" in stopped.err
    resumed = command("generate", "--resume", run.id, "--json").data
    assert Path(resumed["picture"]).read_bytes() == whole["sea"]
    rest = command("generate", *words, "--from", "3").data["pictures"]
    assert {one["prompt"]: Path(one["picture"]).read_bytes() for one in rest} == {n: whole[n] for n in ("sky", "sun")}


def test_stopped_before_a_picture_began_the_rest_begins_with_it(command: Command, home: Path, models: Models) -> None:
    def load(config: GenerateConfig) -> Models:
        raise KeyboardInterrupt

    answer = command("generate", "{fog,sea}", *SHORT, "--from", "2", load_models=load)
    assert answer.code == 130
    assert "the same command with --from 2" in answer.err
    assert runs.list_runs(home / "runs") == []


def test_a_batch_of_pictures_to_resemble_needs_no_words(command: Command, home: Path) -> None:
    Image.new("RGB", (16, 16), "red").save("red.png")
    Path("batch.toml").write_text('[[picture]]\nimage_prompts = "red.png"\n[[picture]]\nnoise_prompts = "7"\n')
    assert command("generate", "--batch", "batch.toml", *SHORT).code == 0
    assert prompts_of(home) == ["", ""]


@pytest.mark.parametrize(
    "args",
    [
        ["--batch", "absent.txt"],
        ["--batch", "wordless.toml"],
        ["--batch", "blind.toml"],
        ["--batch", "good.txt", "--from", "3"],
        ["--batch", "good.txt", "--from", "0"],
        ["--surprise", "--from", "1"],
        ["--batch", "good.txt", "fog"],
        ["--batch", "good.txt", "--surprise"],
        ["--batch", "good.txt", "--out", "one.png"],
        ["--batch", "bad.txt"],
        ["{fog,sea}", "--save-config", "x.toml"],
        ["{fog,sea}", "--steps", "0"],
        ["{a,b}" * 30],
        ["fog", "--config", "absent.toml"],
        ["fog", "--config", "bad.toml"],
        ["fog", "--save-config", "absent/x.toml"],
        ["fog", "--save-config", "x.txt"],
        ["fog", "--save-config", "bad.toml"],
        ["fog", "--seed", "-1"],
        ["fog", "--seed", " "],
    ],
)
def test_what_cannot_be_is_refused_before_the_first_picture(args: list[str], command: Command, home: Path) -> None:
    Path("good.txt").write_text("fog\nsea\n")
    Path("bad.txt").write_text("fog\n" + "x" * 5000 + "\n")
    Path("bad.toml").write_text('colour = "red"')
    Path("wordless.toml").write_text("[[picture]]\nsteps = 3\n")
    Path("blind.toml").write_text('[[picture]]\nprompt = "fog"\n[[picture]]\nprompt = "sea"\nmask = "absent.png"\n')
    answer = command("generate", *args)
    assert answer.code == 2, answer
    assert answer.err.splitlines()[-1]
    assert runs.list_runs(home / "runs") == []


# ---- configuration files and seeds


def test_saved_settings_draw_the_same_picture(command: Command, home: Path) -> None:
    first = command(
        "generate", "fog {x} \\{a,b}", *SHORT, "--seed", "blue moon", "--save-config", "x.toml", "--json"
    ).data
    assert first["seed"] == parse_seed("blue moon")
    second = command("generate", "--config", "x.toml", "--json").data
    assert Path(second["picture"]).read_bytes() == Path(first["picture"]).read_bytes()
    third = command("generate", "--config", "x.toml", "--size", "16", "--seed", "4", "sea", "--json").data
    config = read_recipe(Path(third["picture"])).to_config()
    assert (config.prompt, config.width, config.height, config.seed, config.steps) == ("sea", 16, 16, 4, 3)


def test_seed_0_is_a_seed(command: Command, home: Path) -> None:
    seeds = {command("generate", "fog", *SHORT, "--seed", "0", "--json").data["seed"] for _ in range(2)}
    assert seeds == {0}
    assert command("generate", "fog", *SHORT, "--json", sources=Sources({"DREAMRIG_SEED": "0"})).data["seed"] == 0


def test_a_config_file_is_stronger_than_the_environment(command: Command, home: Path) -> None:
    Path("x.toml").write_text("steps = 2\n")
    sources = Sources(environ={"DREAMRIG_STEPS": "5", "DREAMRIG_SEED": "Blue Moon", "DREAMRIG_CUTOUTS": "3"})
    data = command("generate", "fog", *SHORT[:2], *SHORT[4:], "--config", "x.toml", "--json", sources=sources).data
    assert (data["steps_done"], data["seed"]) == (2, parse_seed("blue moon"))
    files = (("./dreamrig.toml", {"seed": "blue moon"}),)
    assert command("generate", "fog", *SHORT, "--json", sources=Sources(files=files)).data["seed"] == data["seed"]


# ---- the user's own upscaler


def upscaler(body: str) -> str:
    return f'{sys.executable} -c "{body}" {{input}} {{output}}'


DOUBLE = "import sys; from PIL import Image; Image.open(sys.argv[1]).resize((48, 32)).save(sys.argv[2])"


def large_size(data: dict[str, Any]) -> tuple[int, int] | None:
    if data["picture_large"] is None:
        return None
    with Image.open(data["picture_large"]) as opened:
        assert "dreamrig" in opened.info
        return opened.size


def test_a_program_of_the_users_own_enlarges(command: Command, home: Path) -> None:
    sources = Sources(environ={"DREAMRIG_UPSCALE_COMMAND": upscaler(DOUBLE)})
    assert large_size(command("generate", "fog", *SHORT, "--json", sources=sources).data) == (48, 32)
    own = Sources(files=(("/home/me/config.toml", {"upscale": {"command": upscaler(DOUBLE)}}),))
    assert large_size(command("generate", "fog", *SHORT, "--json", sources=own).data) == (48, 32)


def test_a_folders_file_starts_no_program(command: Command, home: Path) -> None:
    body = "open('started', 'w')"
    sources = Sources(files=(("./dreamrig.toml", {"upscale": {"command": upscaler(body)}}),))
    assert large_size(command("generate", "fog", *SHORT, "--json", sources=sources).data) == (768, 512)
    assert not Path("started").exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit('no such network')", "no such network"),
        ("pass", "no picture"),
        ("import sys; open(sys.argv[2], 'w').write('text')", "no picture"),
    ],
)
def test_an_upscaler_that_fails_costs_only_the_large_picture(
    body: str, words: str, command: Command, home: Path
) -> None:
    sources = Sources(environ={"DREAMRIG_UPSCALE_COMMAND": upscaler(body)})
    answer = command("generate", "fog", *SHORT, "--json", sources=sources)
    assert answer.code == 0
    assert answer.data["picture_large"] is None
    assert words in answer.err


@pytest.mark.parametrize("text", ["upscale", "upscale {input}", "upscale '{input} {output}"])
def test_an_upscaler_that_cannot_be_is_refused(text: str, command: Command, home: Path) -> None:
    answer = command("generate", "fog", *SHORT, sources=Sources(environ={"DREAMRIG_UPSCALE_COMMAND": text}))
    assert answer.code == 2
    assert runs.list_runs(home / "runs") == []
    absent = Sources(environ={"DREAMRIG_UPSCALE_COMMAND": "/absent/upscale {input} {output}"})
    assert "cannot be started" in command("generate", "fog", *SHORT, sources=absent).err


# ---- by workers


def test_a_contact_sheet_holds_every_picture(command: Command, home: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "made" / "sheet.png"
    assert command("generate", "a {b,c,d} house", *SHORT, "--seed", "1", "--contact-sheet", str(sheet)).code == 0
    with Image.open(sheet) as opened:
        assert opened.size == (2 * 192 + 4, 2 * 192 + 4)
        assert opened.convert("RGB").getpixel((192 + 4 + 96, 192 + 4 + 96)) == (
            255,
            255,
            255,
        )  # the fourth place is empty
        assert opened.convert("RGB").getpixel((96, 96)) != (255, 255, 255)
    refused = command("generate", "a {b,c}", *SHORT, "--contact-sheet", "sheet.jpg")
    assert refused.code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--crew", "slurm"], "slurm"),
        (["--crew", "local", "--workers", "0"], "--workers is 0"),
        (["--crew", "ray", "--workers", "2"], "--workers is 2"),
        (["--crew", "local", "--from", "2"], "--from is not for --crew"),
        (["--crew", "ray"], "token"),
    ],
)
def test_what_no_crew_can_do_is_refused(command: Command, home: Path, words: list[str], says: str) -> None:
    answer = command("generate", "a {b,c}", *SHORT, *words)
    assert answer.code in (2, 4)
    assert says in answer.err


@pytest.mark.slow
def test_workers_draw_the_same_bytes_and_the_same_command_draws_none_twice(
    command: Command, home: Path, tmp_path: Path
) -> None:
    """With the real starter: a worker is a process of its own, which takes no toy."""
    batch = tmp_path / "batch.csv"
    batch.write_text('prompt,seed\n"a house",1\n"a tree",\n')
    words = ["--batch", str(batch), "--size", "32", "--steps", "2", "--cutouts", "4", "--threads", "1", "--json"]
    first = command("generate", *words, "--crew", "local", "--out", str(tmp_path / "out"))
    assert first.code == 0, first.err
    again = command("generate", *words, "--crew", "local")
    assert [one["was_done"] for one in again.data["pictures"]] == [True, True]
    assert [one["seed"] for one in again.data["pictures"]] == [one["seed"] for one in first.data["pictures"]]
    seed = str(first.data["pictures"][1]["seed"])
    assert read_recipe(Path(first.data["pictures"][1]["picture"])).config["seed"] == int(seed)
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
