"""The engine as a source of steps, on the real starter and on files as the notebook wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.measure import steps as steps_module
from bench.measure.notebook_files import NotebookFiles, hide, reveal
from bench.measure.steps import EngineSteps
from bench.workloads import Workload, find_workload
from dreamrig.errors import FailedError

SMALL = Workload(
    name="small", about="a test", values={**find_workload("starter-128").values, "width": 32, "height": 32, "steps": 3}
)
FILES = Workload(name="files", about="a test", values=SMALL.values, step_files=True)


@pytest.fixture
def small() -> Iterator[EngineSteps]:
    steps = EngineSteps.load(SMALL, device="cpu", threads=1)
    yield steps
    steps.close()


def test_a_block_does_just_that_many_steps_of_one_run(small: EngineSteps, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin = EngineSteps._begin
    monkeypatch.setattr(EngineSteps, "_begin", lambda self, count: (begun.append(count), begin(self, count))[1])
    monkeypatch.setattr(steps_module, "LEAST_RUN", 10)
    small.first()
    assert begun == [10]
    for _ in range(3):
        small.prepare(4)
        left = small._left
        small.run(4)
        assert small._left == left - 4
    assert begun == [10, 16]  # 1 + 4 + 4 of ten, then a new run for a block that would not have fitted
    small.require_finite()


def test_the_arithmetic_of_a_step_is_counted_on_the_way(small: EngineSteps) -> None:
    """As another count of the same step, done apart, says."""
    from bench.measure.flops import count_work

    small.first()
    counted = small.count_work()
    apart = count_work(small.config, small.models)
    assert counted == small.work
    assert counted.flops_per_step
    assert counted.flops_per_step == pytest.approx(apart.flops_per_step, rel=0.02)


def test_a_run_is_what_the_product_computes(small: EngineSteps) -> None:
    """The first losses of the source are those of the engine called by hand."""
    from dataclasses import replace

    from generator.engine.loop import generate
    from generator.events import Step

    small.first()
    losses = [small._loss()]
    for _ in range(2):
        small.run(1)
        losses.append(small._loss())
    config = replace(small.config, steps=steps_module.LEAST_RUN)
    events = generate(config, small.models)
    expected = [event.loss() for event, _ in zip((e for e in events if isinstance(e, Step)), range(3), strict=False)]
    assert losses == expected


def test_a_picture_is_timed_whole(small: EngineSteps) -> None:
    times = iter([10.0, 12.5])
    picture = small.picture(lambda: next(times))
    assert (picture.steps, picture.seconds) == (3, 2.5)


def test_nonsense_is_no_result(small: EngineSteps) -> None:
    small.first()
    small._loss = lambda: float("nan")
    with pytest.raises(FailedError, match="not a finite number"):
        small.require_finite()


def test_flags_are_those_of_the_steps(small: EngineSteps) -> None:
    assert small.flags() == {
        "precision": "fp32",
        "tf32_matmul": False,
        "tf32_convolutions": False,
        "cudnn_benchmark": False,
        "deterministic": True,
    }


def test_as_shipped_runs_what_dreamrig_would_choose() -> None:
    steps = EngineSteps.load(SMALL.with_profile("as-shipped"), device="cpu", threads=1)
    from generator.config import GenerateConfig

    assert steps.config.precision == GenerateConfig.precision
    assert steps.config.deterministic is True
    assert steps.config.width == 32


def test_step_files_are_written_and_go_away() -> None:
    steps = EngineSteps.load(FILES, device="cpu", threads=1)
    steps.first()
    assert steps._folder is not None
    folder = Path(steps._folder.name)
    assert [path.name for path in folder.iterdir()] == ["0000.png"]
    steps.run(2)
    assert len(list(folder.iterdir())) == 3
    steps.close()
    assert not folder.exists()


def test_files_hold_the_picture_the_hidden_settings_and_the_packet(tmp_path: Path) -> None:
    picture = torch.rand((3, 64, 80), generator=torch.Generator().manual_seed(1))
    config = SMALL.config(prompt='a <b> & "c"')
    path = NotebookFiles(tmp_path, config)(7, picture)
    assert path.name == "0007.png"
    with Image.open(path) as opened:
        assert opened.size == (80, 64)
        pixels = np.asarray(opened)
        packet = opened.info["XML:com.adobe.xmp"]
    wanted = (picture * 255).byte().permute(1, 2, 0).numpy()
    assert np.abs(pixels.astype(int) - wanted).max() <= 1  # the lowest bit carries the settings
    assert '"seed": "0"' in reveal(pixels)
    assert "a &lt;b&gt; &amp;" in packet


def test_hidden_text_comes_back_and_too_long_a_one_stays_within_the_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert reveal(hide(pixels, "ä: 12")) == "ä: 12"
    assert hide(pixels, "x" * 5000).shape == pixels.shape
    assert hashlib.sha256(pixels.tobytes()).digest() != hashlib.sha256(hide(pixels, "a").tobytes()).digest()
