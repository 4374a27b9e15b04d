"""A codebook that grows keeps its rows, and only the decoder learns what the new ones look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from generator.models.codebook import nearest_codes
from generator.models.likes import NAME, SECOND
from generator.models.staged import StagedStart
from generator.models.starter import load_starter
from generator.models.tiny.vqgan import CODES, TinyVQGAN
from generator.starter.making import train_codes
from generator.starter.making.fidelity import shown_by
from generator.starter.making.loop import Schedule


@pytest.fixture(scope="module")
def before() -> StagedStart:
    start = load_starter(name=SECOND).start
    assert isinstance(start, StagedStart)
    return start


@pytest.fixture(scope="module")
def now() -> StagedStart:
    start = load_starter(name=NAME).start
    assert isinstance(start, StagedStart)
    return start


def distances(cells: Tensor, rows: Tensor) -> Tensor:
    return torch.cdist(cells.double(), rows.double()).amin(1)


def test_rows_that_are_there_stay_and_no_cell_is_farther_from_its_row() -> None:
    chance = torch.Generator().manual_seed(4)
    known = torch.randn(16, 5, generator=chance)
    cells = torch.cat((known.repeat(20, 1), 6 + 0.1 * torch.randn(200, 5, generator=chance)))
    grown = train_codes.grow_codebook(known, cells, 24, seed=1)
    assert torch.equal(grown[:16], known)
    assert len(grown) == 24
    assert (distances(cells, grown) <= distances(cells, known) + 1e-6).all()
    assert distances(cells[320:], grown).mean() < 0.3, "what was far from every row has rows now"


def test_the_shipped_codebook_has_the_rows_of_the_one_before(before: StagedStart, now: StagedStart) -> None:
    assert now.vqgan.codebook.shape == (CODES, before.vqgan.codebook.shape[1])
    assert torch.equal(now.vqgan.codebook[: len(before.vqgan.codebook)], before.vqgan.codebook)
    for old, new in zip(before.vqgan.encoder.parameters(), now.vqgan.encoder.parameters(), strict=True):
        assert torch.equal(old, new), "the painter paints in the latents of this encoder"


def test_what_the_start_lays_out_is_shown_better(before: StagedStart, now: StagedStart) -> None:
    """By the same layouts, after their codes: by a decibel and a half at least."""
    gains = []
    for seed, text in enumerate(("a cat in space", "a red dragon on a castle", "sunset over the sea", "three owls")):
        laid_out = before.stage(text, seed, 32, 32).picture
        gains.append(shown_by(now.vqgan, laid_out)[0] - shown_by(before.vqgan, laid_out)[0])
    assert min(gains) > 0
    assert sum(gains) / len(gains) > 1.5, gains


@pytest.mark.parametrize(("rows", "width"), [(2048, 24), (2049, 24), (8192, 24), (4096, 65)])
def test_the_nearest_row_is_found_by_either_sum(rows: int, width: int) -> None:
    chance = torch.Generator().manual_seed(rows)
    codebook = torch.randn(rows, width, generator=chance)
    latent = torch.randn(2, width, 9, 17, generator=chance)
    codes = nearest_codes(latent, codebook)
    cells = latent.movedim(1, -1).flatten(0, 2).double()
    assert codes.shape == (2, 9, 17)
    found = (cells - codebook.double()[codes.flatten()]).norm(dim=1)
    assert torch.allclose(found, distances(cells, codebook), atol=1e-5)


def test_of_equal_rows_the_first_is_taken() -> None:
    row = torch.randn(1, 24, generator=torch.Generator().manual_seed(3))
    codebook = torch.cat((torch.full((3008, 24), 9.0), row.repeat(3008, 1)))
    assert nearest_codes(row[:, :, None, None], codebook).item() == 3008


def test_the_decoder_alone_is_trained_and_an_interruption_changes_nothing(tmp_path: Path, before: StagedStart) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 255, (4, train_codes.SIDE, train_codes.SIDE, 3), dtype=np.uint8)
    rows = torch.cat((before.vqgan.codebook, before.vqgan.codebook[:64] + 1))

    def trained(folder: Path, steps: int) -> TinyVQGAN:
        model = train_codes.with_codebook(before.vqgan, rows)
        return train_codes.train_decoder(pictures, model, folder, Schedule(steps=steps, learning_rate=1e-3), seed=5)

    model = trained(tmp_path, 2)
    assert torch.equal(model.codebook, rows)
    for name, value in model.state_dict().items():
        changed = name.startswith(("linear_out", "decoder")) and not torch.equal(value, before.vqgan.state_dict()[name])
        assert changed or name == "codebook" or torch.equal(value, before.vqgan.state_dict()[name]), name
    assert not torch.equal(model.decoder[0].weight, before.vqgan.decoder[0].weight)


def test_pictures_to_learn_from_are_typed_prompts_and_the_own_world(before: StagedStart) -> None:
    pictures = train_codes.draw_pictures(before, seed=3, typed=2, rendered=1)
    assert pictures.shape == (3, train_codes.SIDE, train_codes.SIDE, 3)
    cells = train_codes.cells_of(pictures, before.vqgan, before.painter, seed=3, count=500)
    assert cells.shape == (500, before.vqgan.codebook.shape[1])
    assert (train_codes.draw_pictures(before, seed=3, typed=2, rendered=1) == pictures).all()
