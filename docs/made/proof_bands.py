"""The bands with which `dreamrig prove` compares: recorded here for the starter, out of people's files for the others.

`python -m docs.made.proof_bands` draws every preset and prompt with several seeds, on the processor, and writes
generator/front/prove/bands/starter.json; `--wander` draws the first seed once more, with other noise, and tells how far
its curves leave the recorded ones: the reason for NEAR. `python -m docs.made.proof_bands PROOF.zip …` writes the bands
of the other networks that are in somebody's proofs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any

from dreamrig.documents import to_bytes
from generator import devices
from generator.config import GenerateConfig
from generator.engine.augment import chance
from generator.front.prove.bands import BANDS, RecordedBands, make_bands, read_bands
from generator.front.prove.drawing import draw_piece
from generator.front.prove.file import read_proof
from generator.front.prove.subjects import (
    STARTER_SUBJECT,
    SUBJECTS,
    Piece,
    ProofSubject,
    digest_of_settings,
    pieces_of,
)
from generator.models.base import Models
from generator.models.choose import load_models

SEEDS = (1, 2, 3, 4, 5, 6)
Curves = list[tuple[Piece, str, Sequence[float]]]


def record(
    subject: ProofSubject, models: Models, seeds: Sequence[int] = SEEDS, say: Callable[[str], None] = print
) -> RecordedBands:
    """Draw everything on the processor with these networks."""
    curves: Curves = []
    for piece in pieces_of(subject, seeds):
        losses = _draw(piece, models)
        curves.append((piece, digest_of_settings(piece.to_plan("cpu").to_config(models.defaults)), losses))
        say(f"{piece.name}  {losses[0]} -> {losses[-1]}")
    versions = {name: text for name, text in devices.versions().items() if name != "platform"}
    return make_bands(subject, curves, weights=models.sha256, versions=versions, device="cpu")


def _draw(piece: Piece, models: Models) -> list[float]:
    config = replace(piece.to_plan("cpu").to_config(models.defaults), threads=1)
    drawn = draw_piece(config, models, perf_counter, lambda: False)
    assert drawn is not None
    return [loss for loss in drawn.losses if loss is not None]


def of_proofs(documents: Sequence[dict[str, Any]], subject: ProofSubject) -> RecordedBands | None:
    """The bands that people's proofs give for some networks; None where none of them has drawn with those."""
    curves: Curves = []
    told: dict[str, Any] = {}
    for document in documents:
        for facts in document["subjects"]:
            if facts["name"] == subject.name and told.setdefault("weights", facts["weights"]) == facts["weights"]:
                told |= {"versions": document["versions"], "device": document["machine"].get("cuda.gpu_names") or "cpu"}
                curves += _curves_of(facts, subject)
    if not curves:
        return None
    return make_bands(subject, curves, **{**told, "device": str(told["device"])})


def _curves_of(facts: dict[str, Any], subject: ProofSubject) -> Iterator[tuple[Piece, str, Sequence[float]]]:
    for curve in facts["curves"]:
        piece = Piece(subject=subject, preset=curve["preset"], number=curve["prompt"], seed=curve["seed"])
        if None not in curve["losses"]:
            yield piece, curve["settings"], curve["losses"]


def wander(bands: RecordedBands, subject: ProofSubject, models: Models) -> dict[str, float]:
    """Drawing -> how far its curve, with other noise, leaves the recorded one, as a share of its first loss."""
    far = {}
    with other_noise():
        for piece in pieces_of(subject):
            band = bands.find(piece)
            assert band is not None
            own, curve = band.curves[str(piece.seed)], _draw(piece, models)
            far[piece.name] = max(abs(a - b) for a, b in zip(own, curve, strict=True)) / abs(own[0])
    return far


@contextmanager
def other_noise() -> Iterator[None]:
    """Every seed draws the same, but for its noise: what a card does beside a processor."""
    before = chance.NOISE_SEED_OFFSET
    chance.NOISE_SEED_OFFSET = before + 1
    try:
        yield
    finally:
        chance.NOISE_SEED_OFFSET = before


def main() -> None:
    """Record, or read, and write."""
    parser = argparse.ArgumentParser(prog="python -m docs.made.proof_bands", description="Record bands for prove.")
    parser.add_argument("proofs", nargs="*", type=Path, metavar="PROOF.zip")
    parser.add_argument("--wander", action="store_true", help="record nothing; how far do curves go with other noise")
    asked = parser.parse_args()
    if asked.proofs:
        documents = [read_proof(path) for path in asked.proofs]
        others = [subject for subject in SUBJECTS if subject.networks]
        made = [found for subject in others if (found := of_proofs(documents, subject)) is not None]
    elif asked.wander:
        recorded = read_bands(STARTER_SUBJECT)
        assert recorded is not None
        far = wander(recorded, STARTER_SUBJECT, _starter())
        print("\n".join(f"{share:.3f}  {name}" for name, share in sorted(far.items(), key=itemgetter(1))))
        return
    else:
        made = [record(STARTER_SUBJECT, _starter())]
    for bands in made:
        path = BANDS / f"{bands.subject}.json"
        path.write_bytes(to_bytes(bands, indent=None))
        print(path)


def _starter() -> Models:
    return load_models(GenerateConfig(prompt="the sea", device="cpu"))


if __name__ == "__main__":
    main()
