"""How an attempt ends when the networks fail: the worker's own words for it, and whether the worker lives on.

In one process, with toy networks that fail on purpose.
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from generator import state
from generator.config import GenerateConfig
from generator.crew.drawing import Networks
from generator.crew.offers import DeviceRoom
from generator.crew.protocol import Began, Done, Draw, Failed, Telling
from generator.crew.worker import Worker
from generator.runs.folder import CHECKPOINT
from generator.work.rhythm import Rhythm

CONFIG = GenerateConfig(
    prompt="a house", width=24, height=16, steps=6, seed=3, start="noise", cutouts=4, threads=1, checkpoint_every=2
)


class Faulty:
    """Toy networks whose guide fails so many times as it is told to."""

    def __init__(self, toy_guide: Any, toy_models: Any, error: Exception | None) -> None:
        self.times = 0
        outer = self

        class Guide(toy_guide):  # type: ignore[misc]
            def encode_image(self, cutouts: Any) -> Any:
                seen = super().encode_image(cutouts)
                if outer.times == 0:
                    return seen
                outer.times -= 1
                if error is not None:
                    raise error
                return seen * float("nan")

        self.models = toy_models(guides=(Guide(),))


@pytest.fixture
def worker_of(toy_guide: Any, toy_models: Any) -> Callable[..., tuple[Worker, Faulty, list[Telling]]]:
    """A worker whose guide fails with `error`; None = its numbers are no numbers."""

    def make(error: Exception | None = None) -> tuple[Worker, Faulty, list[Telling]]:
        told: list[Telling] = []
        faulty = Faulty(toy_guide, toy_models, error)
        worker = Worker(told.append, Networks(lambda config: faulty.models), {}, Rhythm(checkpoint_apart_seconds=0.0))
        return worker, faulty, told

    return make


def draw(worker: Worker, folder: Path, config: GenerateConfig = CONFIG, attempt: int = 1) -> bool:
    return worker.draw(Draw(1, attempt, config.to_dict(), str(folder)))


def test_out_of_memory_says_what_fits_and_how_to_try_again_and_the_worker_lives_on(
    worker_of: Any, tmp_path: Path
) -> None:
    worker, faulty, told = worker_of(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    faulty.times = 100
    assert draw(worker, tmp_path / "1")
    failed = told[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "out_of_memory"
    assert failed.fits is not None
    assert failed.thriftier is not None
    thrifty = GenerateConfig.from_dict(failed.thriftier)
    assert (thrifty.cut_batch, thrifty.prompt, thrifty.seed) == (1, CONFIG.prompt, CONFIG.seed)
    assert draw(worker, tmp_path / "1", thrifty, 2)
    failed = told[-1]
    assert isinstance(failed, Failed)
    assert failed.thriftier is None, "it was drawn as thriftily as can be: no third try"
    faulty.times = 0
    assert draw(worker, tmp_path / "1", thrifty, 3)
    assert isinstance(told[-1], Done)


def test_the_width_that_fits_is_told_after_the_failed_steps_tensors_are_gone(
    toy_guide: Any, toy_models: Any, tmp_path: Path
) -> None:
    held: list[weakref.ref[Any]] = []

    class Guide(toy_guide):  # type: ignore[misc]
        def encode_image(self, cutouts: Any) -> Any:
            large = torch.zeros(1000)
            held.append(weakref.ref(large))
            raise torch.OutOfMemoryError(f"CUDA out of memory beside {large.shape}")

    were_gone: list[bool] = []

    def room_on(device: Any) -> DeviceRoom:
        were_gone.append(bool(held) and all(one() is None for one in held))
        return DeviceRoom(1000.0, 1000.0)

    told: list[Telling] = []
    models = toy_models(guides=(Guide(),))
    worker = Worker(told.append, Networks(lambda config: models), {}, Rhythm(), room_on)
    assert draw(worker, tmp_path / "1")
    assert isinstance(told[-1], Failed)
    assert told[-1].fits is not None
    assert were_gone[-1]


@pytest.mark.parametrize(("free_mib", "is_crowded"), [(100.0, True), (900.0, False)])
def test_networks_that_find_no_room_end_the_worker_only_where_others_fill_the_card(
    toy_models: Any, tmp_path: Path, free_mib: float, is_crowded: bool
) -> None:
    loads: list[str] = []

    def load(config: GenerateConfig) -> Any:
        loads.append(config.model)
        if config.model == "starter/first":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return toy_models()

    told: list[Telling] = []
    worker = Worker(told.append, Networks(load), {}, Rhythm(), lambda device: DeviceRoom(free_mib, 1000.0))
    worker.be_ready()
    other = replace(CONFIG, model="starter/first")
    if is_crowded:
        with pytest.raises(MemoryError):
            draw(worker, tmp_path / "1", other)
    else:
        assert draw(worker, tmp_path / "1", other)
        assert isinstance(told[-1], Failed)
        assert (told[-1].code, told[-1].fits) == ("out_of_memory", None)
        assert draw(worker, tmp_path / "2")
        assert isinstance(told[-1], Done)
    assert loads.count("starter/first") == 1, "it is not loaded once more to say what fits"


@pytest.mark.parametrize(
    "text", ["CUDA error: an illegal memory access was encountered", "CUDA error: unspecified launch failure"]
)
def test_any_other_cuda_error_ends_the_worker(worker_of: Any, tmp_path: Path, text: str) -> None:
    worker, faulty, told = worker_of(RuntimeError(text))
    faulty.times = 1
    assert not draw(worker, tmp_path / "1")
    failed = told[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "device_lost"


def test_numbers_that_are_none_are_told_and_the_worker_lives_on(worker_of: Any, tmp_path: Path) -> None:
    worker, faulty, told = worker_of()
    faulty.times = 100
    assert draw(worker, tmp_path / "1")
    failed = told[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "not_finite"
    faulty.times = 0
    assert draw(worker, tmp_path / "2")
    assert isinstance(told[-1], Done)


def test_a_checkpoint_of_another_version_restarts_at_0_and_says_so(worker_of: Any, tmp_path: Path) -> None:
    worker, _, told = worker_of()
    folder = tmp_path / "1"
    assert draw(worker, folder)
    expected = (folder / "picture.png").read_bytes()
    (folder / CHECKPOINT).write_bytes(of_schema(9, (folder / CHECKPOINT).read_bytes()))
    assert draw(worker, folder, attempt=2)
    began = [telling for telling in told if isinstance(telling, Began)][-1]
    assert (began.attempt, began.resumed_at) == (2, 0)
    assert "another version" in began.note
    assert not began.note.startswith("note:"), "a page shows it as it is"
    assert isinstance(told[-1], Done)
    assert (folder / "picture.png").read_bytes() == expected


def of_schema(number: int, data: bytes) -> bytes:
    """A checkpoint as another version writes it: whole by its checksum, with another number."""
    text = state._metadata(data)["dreamrig"][state.DIGEST_LENGTH :]
    text = text.replace(f'"schema": {state.SCHEMA}', f'"schema": {number}')
    tensors = safetensors.torch.load(data)
    return safetensors.torch.save(tensors, metadata={"dreamrig": state._digest(text, tensors) + text})


def test_words_that_the_log_has_no_room_for_stop_no_worker() -> None:
    script = "from generator.crew.worker import say; say('x' * 100_000); say('y'); import os; os._exit(0)"
    with open("/dev/full", "w") as full:
        found = subprocess.run([sys.executable, "-c", script], stderr=full, check=False)
    assert found.returncode == 0
