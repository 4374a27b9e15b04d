"""What goes wrong in a run reaches whoever ordered it as a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dreamrig.errors import Code, NotReadyError, RigError
from generator.events import Event, Raised
from generator.models.base import Models
from generator.runs import folder as runs
from generator.starter.shipped import read_manifest
from generator.weights.registry import converted_tensors
from generator.work.execute import execute
from generator.work.job import open_job
from generator.work.order import Order
from generator.work.plan import plan

GIVEN = {"width": 24, "height": 16, "steps": 3, "threads": 1, "cutouts": 4, "start": "noise"}


def out_of_memory() -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def lost() -> Any:
    raise RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with `TORCH_USE_CUDA_DSA`")


def slip() -> Any:
    raise IndexError("a slip of ours")


def nothing() -> Any:
    return float("nan")


@pytest.mark.parametrize(
    ("happens", "code", "words"),
    [
        (out_of_memory, "out_of_memory", "Out of memory at step 0"),
        (lost, "device_lost", "lost at step 0: CUDA error: an illegal memory access was encountered."),
        (nothing, "not_finite", "NaN at step 0"),
        (slip, "bug", "a slip of ours"),
    ],
    ids=["memory", "device", "nan", "slip"],
)
def test_a_run_fails_with_a_code(
    happens: Callable[[], float], code: Code, words: str, models: Models, toy_guide: type[Any], tmp_path: Path
) -> None:
    class Unlucky(toy_guide):  # type: ignore[misc]  # a class known at run time
        def encode_image(self, cutouts: Any) -> Any:
            return super().encode_image(cutouts) * happens()

    seen: list[Event] = []
    unlucky = replace(models, guides=(Unlucky(),))
    with open_job(plan(Order(prompt="fog", given=GIVEN)), unlucky, base=tmp_path) as job, pytest.raises(Exception):  # noqa: B017, PT011 - a slip is of any class
        execute(job, watchers=[seen.append])
    (failed,) = [event for event in seen if isinstance(event, Raised)]
    assert failed.code == code
    assert words in str(failed.error)
    (run,) = runs.list_runs(tmp_path)
    assert run.status == "failed"
    assert words in (run.error or "")


def test_the_code_of_a_hint_that_was_made_longer_stays(models: Models, toy_guide: type[Any], tmp_path: Path) -> None:
    class Unlucky(toy_guide):  # type: ignore[misc]  # a class known at run time
        def encode_image(self, cutouts: Any) -> Any:
            return out_of_memory()

    unlucky = replace(models, guides=(Unlucky(),))
    with (
        open_job(plan(Order(prompt="fog", given=GIVEN)), unlucky, base=tmp_path) as job,
        pytest.raises(NotReadyError) as caught,
    ):
        execute(job)
    assert (caught.value.code, "--resume" in caught.value.hint) == ("out_of_memory", True)


def test_what_does_not_fit_is_said_before_the_first_step(models: Models, tmp_path: Path) -> None:
    large = Order(prompt="fog", given={**GIVEN, "width": 4096, "height": 4096, "cutouts": 1024, "fit": "off"})
    hungry = replace(models, memory_mib=lambda width, height, cutouts: 1e9)
    with (
        open_job(plan(large), hungry, base=tmp_path) as job,
        pytest.raises(RigError) as caught,
    ):
        execute(job)
    assert caught.value.code == "out_of_memory"
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_weights_that_are_not_here_say_so(tmp_path: Path) -> None:
    for load in (lambda: converted_tensors("ViT-B/32", tmp_path), lambda: read_manifest(tmp_path)):
        with pytest.raises(NotReadyError) as caught:
            load()
        assert caught.value.code == "weights_missing"
