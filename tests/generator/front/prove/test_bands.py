"""Bands: what is inside, what is not, what cannot be compared; and that the recorded ones fit what is drawn today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from docs.made.proof_bands import of_proofs, record, wander
from dreamrig.documents import to_bytes
from dreamrig.errors import FailedError
from generator.config import GenerateConfig
from generator.front.prove.bands import (
    NEAR,
    Band,
    ProofVerdict,
    compare,
    make_bands,
    read_bands,
)
from generator.front.prove.drawing import draw_piece
from generator.front.prove.subjects import (
    PROMPTS,
    STARTER_SUBJECT,
    SUBJECTS,
    Piece,
    digest_of_settings,
    pieces_of,
)
from generator.models.base import Models
from generator.models.likes import DEFAULTS
from generator.presets import PRESETS
from generator.starter.reading import unknown_words
from generator.starter.shipped import starter_of

CURVES = {"1": [1.0, 0.8, 0.6, 0.5], "2": [1.0, 0.9, 0.7, 0.5]}
BAND = Band("digest", CURVES)
TOY = replace(STARTER_SUBJECT, name="toy", side=16, steps=3, cutouts=4)
RECORDED = read_bands(STARTER_SUBJECT)


def test_a_curve_is_the_same_or_near_or_too_far() -> None:
    same = compare(CURVES["2"], 2, BAND, "digest")
    assert (same.verdict, same.farthest, same.outside) == (ProofVerdict.HOLDS, 0.0, 0)
    near = compare([loss + 0.99 * NEAR for loss in CURVES["2"]], 2, BAND, "digest")
    assert (near.verdict, near.outside) == (ProofVerdict.HOLDS, 0)
    assert near.farthest == pytest.approx(0.99 * NEAR)
    assert compare([loss - 1.01 * NEAR for loss in CURVES["2"]], 2, BAND, "digest").outside == 4


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        ([1.0, 0.8, 0.6, 0.9], "1 of 4 steps lie outside of the band"),
        ([1.0, None, 0.6, 0.5], "the loss became NaN at step 1"),
        ([None], "the loss became NaN at step 0"),
        ([1.0, 0.8, 0.6, float("nan")], "the loss became NaN at step 3"),
        ([], "the loss became NaN at step 0"),
        ([1.0, 0.8], "2 steps were taken, not 4"),
    ],
)
def test_what_differs_says_why(losses: list[float | None], why: str) -> None:
    found = compare(losses, 1, BAND, "digest")
    assert (found.verdict, found.why) == (ProofVerdict.DIFFERS, why)


def test_a_step_in_ten_may_lie_outside() -> None:
    band = Band("digest", {"1": [1.0] * 10})
    assert compare([1.0] * 9 + [2.0], 1, band, "digest").verdict is ProofVerdict.HOLDS
    assert compare([1.0] * 8 + [2.0] * 2, 1, band, "digest").verdict is ProofVerdict.DIFFERS


def test_nothing_is_claimed_without_a_band_of_these_settings() -> None:
    assert compare([1.0], 1, None, "digest").verdict is ProofVerdict.NOT_RECORDED
    assert compare(CURVES["1"], 1, BAND, "another").verdict is ProofVerdict.NOT_RECORDED
    assert compare(CURVES["1"], 3, BAND, "digest").why == "seed 3 is not recorded"
    assert compare([float("inf")], 1, None, "digest").verdict is ProofVerdict.DIFFERS  # whatever was recorded


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: found | {"schema": 2},
        lambda found: found | {"presets": {"crowson": [{"settings": "d", "curves": {}}]}},
        lambda found: found | {"presets": {"crowson": [{"settings": "d", "curves": {"1": []}}]}},
        lambda found: found | {"presets": {"crowson": [{"settings": "d", "curves": {"1": [1], "2": [1, 2]}}]}},
        lambda found: {"schema": 1},
    ],
)
def test_a_damaged_file_of_bands_is_a_sentence(tmp_path: Path, damage: Any) -> None:
    assert read_bands(TOY, tmp_path) is None
    good = make_bands(TOY, [(Piece(subject=TOY, preset="crowson", number=0, seed=s), "d", [1.0]) for s in (1, 2, 3)],
                      weights="00", versions={}, device="cpu")  # fmt: skip
    (tmp_path / "toy.json").write_bytes(to_bytes(good))
    assert read_bands(TOY, tmp_path) is not None
    (tmp_path / "toy.json").write_text(json.dumps(damage(json.loads(to_bytes(good)))))
    with pytest.raises(FailedError, match=r"recorded bands toy\.json cannot be used"):
        read_bands(TOY, tmp_path)


def test_curves_of_two_settings_or_lengths_are_no_band() -> None:
    piece = Piece(subject=TOY, preset="crowson", number=0)
    facts: dict[str, Any] = {"weights": "00", "versions": {}, "device": "cpu"}
    with pytest.raises(FailedError, match="two settings"):
        make_bands(TOY, [(piece, "a", [1.0]), (replace(piece, seed=2), "b", [1.0])], **facts)
    with pytest.raises(FailedError, match="one length"):
        make_bands(TOY, [(piece, "a", [1.0]), (replace(piece, seed=2), "a", [1.0, 2.0])], **facts)


# ---- recorded


def test_the_makers_bands_hold_what_they_were_made_of(models: Models) -> None:
    said: list[str] = []
    bands = record(TOY, models, seeds=(1, 2), say=said.append)
    assert len(said) == len(PRESETS) * len(PROMPTS) * 2
    piece = Piece(subject=TOY, preset="crowson", number=1, seed=2)
    config = piece.to_plan("cpu").to_config(models.defaults)
    drawn = draw_piece(replace(config, threads=1), models, perf_counter, lambda: False)
    assert drawn is not None
    found = compare(drawn.losses, 2, bands.find(piece), digest_of_settings(config))
    assert (found.verdict, found.farthest) == (ProofVerdict.HOLDS, 0.0)
    assert of_proofs([], TOY) is None
    far = wander(bands, TOY, models)
    assert far["toy-crowson-1-seed1"] == 0.0  # it has no noise
    assert far["toy-adafruit-1-seed1"] > 0.0


def test_a_preset_that_is_changed_needs_new_bands() -> None:
    assert RECORDED is not None, "run: python -m docs.made.proof_bands"
    assert starter_of(RECORDED.weights) == "starter", "run: python -m docs.made.proof_bands"
    pieces = list(pieces_of(STARTER_SUBJECT))
    assert len(pieces) == len(PRESETS) * len(PROMPTS)
    for piece in pieces:
        band = RECORDED.find(piece)
        config = piece.to_plan().to_config(DEFAULTS)
        assert band is not None
        assert band.settings == digest_of_settings(config), f"{piece.name}; run: python -m docs.made.proof_bands"
        assert set(band.curves) == set("123456")
        assert {len(curve) for curve in band.curves.values()} == {STARTER_SUBJECT.steps}


def refused(curve: Sequence[float], band: Band, seed: str) -> bool:
    return compare(curve, int(seed), band, band.settings).verdict is ProofVerdict.DIFFERS


def test_the_recorded_bands_know_a_run_that_learns_nothing_and_another_preset() -> None:
    assert RECORDED is not None
    frozen, others = [], []
    for name, bands in RECORDED.presets.items():
        for number, band in enumerate(bands):
            for seed, curve in band.curves.items():
                assert not refused(curve, band, seed)
                if name != "dreamrig":  # the starter's own begins where it ends
                    frozen.append(refused([curve[0]] * len(curve), band, seed))
                rivals = [rows[number].curves[seed] for rival, rows in RECORDED.presets.items() if rival != name]
                others += [refused(rival, band, seed) for rival in rivals]
    assert all(frozen)
    assert sum(others) / len(others) > 0.8


def test_this_machine_draws_within_the_recorded_band() -> None:
    from generator.models.choose import load_models

    models = load_models(GenerateConfig(prompt="x", device="cpu"))
    piece = Piece(subject=STARTER_SUBJECT, preset="dreamrig", number=1)
    config = replace(piece.to_plan("cpu").to_config(models.defaults), threads=1)
    drawn = draw_piece(config, models, perf_counter, lambda: False)
    assert drawn is not None
    assert RECORDED is not None
    found = compare(drawn.losses, piece.seed, RECORDED.find(piece), digest_of_settings(config))
    assert found.verdict is ProofVerdict.HOLDS, found


def test_the_starter_knows_every_word_of_the_prompts() -> None:
    assert [unknown_words(prompt) for prompt in PROMPTS] == [{}, {}, {}]


def test_the_digest_is_of_what_decides_a_curve() -> None:
    config = GenerateConfig(prompt="fog")
    of_the_machine = {"seed": 5, "device": "cpu", "threads": 3, "precision": "mixed", "preview_every": 3}
    assert digest_of_settings(replace(config, **of_the_machine)) == digest_of_settings(config)  # type: ignore[arg-type]
    others = [replace(config, prompt="sea"), replace(config, step_size=0.3), replace(config, cutouts=3)]
    assert len({digest_of_settings(one) for one in [config, *others]}) == 4


def test_subjects_draw_with_their_networks_in_every_preset() -> None:
    full = SUBJECTS[1]
    for piece in pieces_of(full):
        config = piece.to_plan().to_config({})
        assert (config.model, config.guides) == full.networks == ("imagenet-f16-16384", "ViT-B/32")
        assert (config.width, config.height, config.steps) == (256, 256, 20)
        assert config.cutouts == PRESETS[piece.preset].values["cutouts"]
