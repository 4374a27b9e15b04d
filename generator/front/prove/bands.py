"""Recorded loss curves, the band in which a machine's own has to lie, and the comparison. Does not import torch.

A curve is not the same on every machine: sums in another order, half precision and a card's own noise change its last
digits, and as codes are chosen, one or the other, the changes grow from step to step. But where a picture begins, what
is cut out of it and how that is turned is drawn on the processor, the same for one seed on every device. So a curve is
compared with the recorded one of its own seed, and may leave it by NEAR.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, convert, read_object
from dreamrig.errors import FailedError
from generator.front.prove.subjects import Piece, ProofSubject

BANDS = Path(__file__).with_name("bands")
SCHEMA = 1
NEAR = 0.12
"""Share of a curve's first loss. Drawn with other noise, which is what another kind of device does, the starter's
curves leave their own by 0.04 at most (`python -m docs.made.proof_bands --wander`): thrice that, for what comes on top.
"""
MOST_OUTSIDE = 0.1
"""Share of the steps that may lie outside: a code that is chosen otherwise shows in a step or two."""
SAME = 1e-4
"""Loss by which a curve may differ from the recorded one and still be called the same."""


class ProofVerdict(StrEnum):
    """What comes of a line, or of all."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    """Of the whole alone: nothing differs, but not everything was compared."""
    DIFFERS = "differs"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Band:
    """What one preset and prompt gave, by seed."""

    settings: str
    """Digest, see digest_of_settings."""
    curves: Mapping[str, Sequence[float]]
    """Seed -> its loss in every step."""


@dataclass(frozen=True, kw_only=True)
class RecordedBands:
    """One file of bands."""

    schema: int
    subject: str
    weights: str
    """SHA-256 over the networks that were drawn with, see Models.sha256."""
    versions: Mapping[str, str]
    device: str
    presets: Mapping[str, Sequence[Band]]
    """Preset -> a band for each prompt."""

    def find(self, piece: Piece) -> Band | None:
        """The band of a drawing; None where there is none."""
        bands = self.presets.get(piece.preset, ())
        return bands[piece.number] if piece.number < len(bands) else None


@dataclass(frozen=True, kw_only=True)
class BandComparison:
    """A curve beside its band."""

    verdict: ProofVerdict
    why: str = ""
    """Of one that differs or was not recorded."""
    outside: int = 0
    """Steps outside of the band."""
    farthest: float | None = None
    """Greatest distance from the recorded curve; None where there is none."""


def read_bands(subject: ProofSubject, folder: Path = BANDS) -> RecordedBands | None:
    """The recorded bands of some networks; None where nobody has sent any yet. FailedError for a damaged file."""
    path = folder / f"{subject.name}.json"
    if not path.is_file():
        return None
    try:
        found = convert(RecordedBands, read_object(path))
        _require_usable(found)
    except (OSError, DocumentError) as error:
        hint = f"restore it: git checkout -- {path}"
        raise FailedError(f"The recorded bands {path.name} cannot be used: {error}.", hint=hint) from None
    return found


def _require_usable(found: RecordedBands) -> None:
    """DocumentError for another schema, no seed, or curves without an end or of several lengths."""
    if found.schema != SCHEMA:
        raise DocumentError(f"has schema {found.schema}, not {SCHEMA}")
    for preset, bands in found.presets.items():
        for band in bands:
            lengths = {len(curve) for curve in band.curves.values()}
            if len(lengths) != 1 or 0 in lengths:
                raise DocumentError("needs curves of one length", preset)


def compare(losses: Sequence[float | None], seed: int, band: Band | None, settings: str) -> BandComparison:
    """A curve beside its band. None in `losses` = not finite.

    band: None = not recorded.   settings: digest of what the curve was drawn with.
    """
    bad = next((index for index, loss in enumerate(losses) if loss is None or not math.isfinite(loss)), None)
    if bad is not None or not losses:
        return BandComparison(verdict=ProofVerdict.DIFFERS, why=f"the loss became NaN at step {bad or 0}")
    if band is None:
        return BandComparison(verdict=ProofVerdict.NOT_RECORDED, why="nothing to compare with yet")
    if band.settings != settings:
        return BandComparison(verdict=ProofVerdict.NOT_RECORDED, why="the band is of other settings")
    own = band.curves.get(str(seed))
    if own is None:
        return BandComparison(verdict=ProofVerdict.NOT_RECORDED, why=f"seed {seed} is not recorded")
    return _within([loss for loss in losses if loss is not None], own)


def _within(losses: Sequence[float], own: Sequence[float]) -> BandComparison:
    if len(losses) != len(own):
        why = f"{len(losses)} steps were taken, not {len(own)}"
        return BandComparison(verdict=ProofVerdict.DIFFERS, why=why)
    distances = [abs(loss - recorded) for loss, recorded in zip(losses, own, strict=True)]
    outside = sum(distance > NEAR * abs(own[0]) for distance in distances)
    holds = outside <= MOST_OUTSIDE * len(own)
    return BandComparison(
        verdict=ProofVerdict.HOLDS if holds else ProofVerdict.DIFFERS,
        why="" if holds else f"{outside} of {len(own)} steps lie outside of the band",
        outside=outside,
        farthest=round(max(distances), 5),
    )


def make_bands(
    subject: ProofSubject, drawn: Sequence[tuple[Piece, str, Sequence[float]]], **facts: Any
) -> RecordedBands:
    """Bands out of curves: (piece, digest of its settings, losses). facts: weights, versions, device."""
    presets: dict[str, dict[int, Band]] = {}
    for piece, settings, losses in drawn:
        bands = presets.setdefault(piece.preset, {})
        before = bands.get(piece.number, Band(settings, {}))
        if before.settings != settings:
            raise FailedError(f"The curves of {piece.name} are of two settings.", hint="draw all of them anew")
        bands[piece.number] = Band(settings, {**before.curves, str(piece.seed): tuple(losses)})
    rows = {preset: tuple(bands[number] for number in sorted(bands)) for preset, bands in presets.items()}
    made = RecordedBands(schema=SCHEMA, subject=subject.name, presets=rows, **facts)
    try:
        _require_usable(made)
    except DocumentError as error:
        raise FailedError(f"No band comes of these curves: {error}.", hint="draw all of them anew") from None
    return made
