"""A checkpoint that cannot be used costs the steps before it, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from generator.models.base import Models
from generator.runs import folder as runs
from generator.runs.folder import CHECKPOINT, Run
from generator.state import DIGEST_LENGTH, _digest, _metadata, state_from_bytes, state_to_bytes
from generator.work.execute import Outcome, execute
from generator.work.job import open_job
from generator.work.order import Order
from generator.work.plan import plan
from generator.work.stop import StopButton

GIVEN = {"width": 24, "height": 16, "steps": 5, "seed": 3, "threads": 1, "cutouts": 4, "start": "noise", "ema": 0.5}
Damage = Callable[[bytes], bytes]


def stopped(models: Models, base: Path) -> Run:
    """A run that was ended after its first step."""
    button = StopButton()
    button.press()
    with open_job(plan(Order(prompt="fog", given=GIVEN)), models, base=base, folder="part") as job:
        return execute(job, stop=button).run


def go_on(models: Models, base: Path) -> tuple[Outcome, list[str]]:
    said: list[str] = []
    order = Order(continues=runs.load_run(base / "part"))
    with open_job(plan(order), models, base=base, say=said.append) as job:
        return execute(job, say=said.append), said


@pytest.fixture
def whole(models: Models, tmp_path: Path) -> bytes:
    """The picture of an uninterrupted run."""
    with open_job(plan(Order(prompt="fog", given=GIVEN)), models, base=tmp_path, folder="whole") as job:
        return execute(job).picture.read_bytes()


def changed(**changes: Any) -> Damage:
    """A checkpoint that is whole, and of something else."""
    return lambda data: state_to_bytes(replace(state_from_bytes(data), **changes))


def without(name: str) -> Damage:
    def damage(data: bytes) -> bytes:
        state = state_from_bytes(data)
        return state_to_bytes(replace(state, tensors={key: one for key, one in state.tensors.items() if key != name}))

    return damage


def smaller(name: str) -> Damage:
    def damage(data: bytes) -> bytes:
        state = state_from_bytes(data)
        return state_to_bytes(replace(state, tensors={**state.tensors, name: torch.zeros(1, 2, 3)}))

    return damage


def of_a_later_version(data: bytes) -> bytes:
    """Whole by its checksum, with a schema that is to come."""
    text = _metadata(data)["dreamrig"][DIGEST_LENGTH:]
    facts, tensors = json.loads(text), safetensors.torch.load(data)
    text = json.dumps({**facts, "schema": facts["schema"] + 1})
    return safetensors.torch.save(tensors, metadata={"dreamrig": _digest(text, tensors) + text})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"", "damaged"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], "checksum"),
        (lambda data: b"\x80\x04pickle", "damaged"),
        (of_a_later_version, "another version"),
        (changed(models_sha256="11"), "other weights"),
        (changed(config={**GIVEN, "prompt": "sea"}), "another run: prompt changed"),
        (changed(step=99), "at step 99 of 5"),
        (without("average"), "does not fit"),
        (smaller("average"), "does not fit"),
    ],
    ids=["empty", "cut short", "a bit", "foreign", "later", "weights", "run", "steps", "lacks", "shape"],
)
def test_what_cannot_be_continued_begins_anew_and_says_so(
    damage: Damage, words: str, whole: bytes, models: Models, tmp_path: Path
) -> None:
    run = stopped(models, tmp_path)
    path = run.folder / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    outcome, said = go_on(models, tmp_path)
    assert (outcome.run.status, outcome.run.steps_done, outcome.report.first_step) == ("done", 5, 0)
    assert outcome.picture.read_bytes() == whole
    (line,) = [line for line in said if "starts again at step 0" in line]
    assert words in line
    assert line.startswith("note: ")
    assert "--" not in line


def test_a_run_that_begins_anew_says_so_in_its_record_too(models: Models, tmp_path: Path) -> None:
    """Else a history, or a server, would tell of steps that nobody has any more."""
    run = stopped(models, tmp_path)
    (run.folder / CHECKPOINT).write_bytes(b"")
    assert runs.load_run(run.folder).steps_done == 1
    with open_job(plan(Order(continues=runs.load_run(run.folder))), models, base=tmp_path) as job:
        assert runs.load_run(run.folder).steps_done == job.run.steps_done == 0
        execute(job)


def test_a_good_one_goes_on_without_a_word(whole: bytes, models: Models, tmp_path: Path) -> None:
    stopped(models, tmp_path)
    outcome, said = go_on(models, tmp_path)
    assert (outcome.report.first_step, outcome.picture.read_bytes() == whole, said) == (1, True, [])


def test_a_checkpoint_that_is_a_folder_is_no_reason_to_lose_the_picture(
    whole: bytes, models: Models, tmp_path: Path
) -> None:
    run = stopped(models, tmp_path)
    (run.folder / CHECKPOINT).unlink()
    (run.folder / CHECKPOINT).mkdir()
    outcome, said = go_on(models, tmp_path)
    assert outcome.picture.read_bytes() == whole
    assert "cannot be read" in said[0]


def test_what_is_wrong_with_a_new_run_is_not_called_a_checkpoint(
    models: Models, toy_guide: type[Any], tmp_path: Path
) -> None:
    class Broken(toy_guide):  # type: ignore[misc]  # a class known at run time
        def encode_text(self, texts: Any) -> Any:
            raise ValueError("a slip of ours")

    said: list[str] = []
    with (
        open_job(plan(Order(prompt="fog", given=GIVEN)), replace(models, guides=(Broken(),)), base=tmp_path) as job,
        pytest.raises(ValueError, match="a slip of ours"),
    ):
        execute(job, say=said.append)
    assert said == []
