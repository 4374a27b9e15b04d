"""Training is resumable and repeatable; its parts do what their names say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.starter.making import processor
from generator.starter.making.captions import Caption
from generator.starter.making.loop import Schedule, train
from generator.starter.making.pool import Pool, open_pool
from generator.starter.making.train_clip import ClipTrainer, _matches, train_clip
from generator.starter.making.train_start import caption_batch, train_composer, train_painter
from generator.starter.making.train_vqgan import VqganTrainer, picture_loss, train_vqgan
from generator.starter.world import SLOTS

SCHEDULE = Schedule(steps=2, learning_rate=1e-3, average=0.9)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return open_pool(tmp_path_factory.mktemp("pool"), seed=1, count=160, workers=1)


class Stopped(Exception):
    """Stands for the plug being pulled."""


def fit(folder: Path, *, stop_at: int | None = None) -> Tensor:
    torch.manual_seed(3)
    model = nn.Linear(4, 1)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        if index == stop_at:
            raise Stopped
        x = torch.from_numpy(rng.standard_normal((8, 4), dtype=np.float32))
        return {"loss": F.mse_loss(model(x), x.sum(1, keepdim=True))}

    schedule = Schedule(steps=30, learning_rate=0.05, warmup=3, average=0.9, weight_decay=0.01)
    train("line", model, step, schedule, folder, seed=9, save_seconds=0)
    return model.weight.detach()


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole")
    for stop_at in (7, 19):
        with pytest.raises(Stopped):
            fit(tmp_path / "parts", stop_at=stop_at)
    assert torch.equal(fit(tmp_path / "parts"), whole)


def test_the_schedule_warms_up_and_falls() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warmup=10)
    assert schedule.factor(0) == pytest.approx(0.1)
    assert schedule.factor(10) > 0.95
    assert schedule.factor(100) == pytest.approx(0.02)


def test_picture_loss_is_zero_only_for_the_same_picture() -> None:
    picture = torch.rand(1, 3, 16, 16)
    assert float(picture_loss(picture, picture)) == 0
    assert float(picture_loss(picture + 0.1, picture)) == pytest.approx(0.3, rel=1e-3)


def test_the_codebook_follows_the_batch_and_dead_codes_come_back(pool: Pool, tmp_path: Path) -> None:
    vqgan = train_vqgan(pool, tmp_path, SCHEDULE, seed=1)
    state = torch.load(tmp_path / "vqgan.checkpoint.pt", weights_only=True)["model"]
    assert {"counts", "sums", "spread"} <= set(state)
    trainer = VqganTrainer(vqgan, torch.rand(40, 3, 64, 64), seed=1)
    trainer.counts[5] = 0.0
    latent = torch.randn(4, 24, 8, 8)
    quantised = trainer.quantise(latent, np.random.default_rng(0))
    assert float(trainer.counts[5]) == 1.0
    rows = quantised.movedim(1, -1).reshape(-1, 24)
    nearest = vqgan.codebook[torch.cdist(rows, vqgan.codebook).argmin(1)]
    assert torch.equal(rows, nearest)


def test_a_picture_that_has_all_a_caption_states_is_no_wrong_answer() -> None:
    names = list(SLOTS)
    slots = np.zeros((3, len(names)), dtype=np.uint8)
    slots[1, names.index("sky")] = SLOTS["sky"].index("night")
    captions = [Caption("", {"sky": "day"}), Caption("", {"sky": "night", "x_1": "left"}), Caption("", {})]
    assert _matches(captions, slots).tolist() == [[True, False, True], [False, True, False], [True, True, True]]


def test_caption_batches_are_repeatable_and_trimmed() -> None:
    import random

    first, second = (caption_batch(random.Random(4), 16) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert (first[0] != 0).any(0).all()
    assert first[1].shape == (16, len(SLOTS))


def test_every_stage_runs_and_resumes(pool: Pool, tmp_path: Path) -> None:
    """Two real steps of each, the CLIP's second one with reconstructions and fooling images."""
    vqgan = train_vqgan(pool, tmp_path, SCHEDULE, seed=1).eval()
    painter = train_painter(pool, vqgan, tmp_path, SCHEDULE, seed=1, batch=4)
    composer = train_composer(tmp_path, SCHEDULE, seed=1, batch=8)
    train_clip(pool, 1, tmp_path, tmp_path, SCHEDULE, seed=1)
    state = torch.load(tmp_path / "clip.checkpoint.pt", weights_only=True)
    assert int((state["model"]["fooling_scenes"] >= 0).sum()) == 32
    assert float(state["model"]["perturbation"].abs().max()) > 0
    trainer = ClipTrainer()
    trainer.load_state_dict(state["model"])
    for model in (vqgan, painter, composer):
        assert all(torch.isfinite(value).all() for value in model.state_dict().values() if value.is_floating_point())


def test_which_arithmetic_trains_is_asked_in_one_place() -> None:
    """Where a processor does not multiply bfloat16 itself, it is eight times slower."""
    making = Path(processor.__file__).parent
    asking = [path.name for path in sorted(making.rglob("*.py")) if "torch.autocast(" in path.read_text("utf-8")]
    assert asking == ["processor.py"]
