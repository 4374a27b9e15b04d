"""What is drawn for a proof: which networks, which prompts, how small. Does not import torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from generator.config import GenerateConfig
from generator.knobs import knobs_of
from generator.models.names import GUIDE
from generator.presets import PRESETS, STARTER
from generator.work.plan import Plan

PROMPTS = ("a red house in the snow", "sunset over the sea", "a fox in a forest at night")
"""The only prompts that a proof knows, and that its file holds. The starter knows their words."""
FIRST_SEED = 1
OF_THE_MACHINE = frozenset({"seed", "device", "threads", "precision", "backend", "deterministic"})
"""Settings that may differ between two proofs of one thing."""


@dataclass(frozen=True, kw_only=True)
class ProofSubject:
    """Networks that are proven, and how small the drawings are."""

    name: str
    model: str
    guides: str = ""
    side: int
    """Pixels of both sides."""
    steps: int
    cutouts: int | None = None
    """None = as each preset has them."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the published networks, the VQGAN first; none for the starter."""
        return () if self.model == STARTER else (self.model, self.guides)


STARTER_SUBJECT = ProofSubject(name="starter", model=STARTER, side=64, steps=24, cutouts=16)
FULL_SIZE_SUBJECT = ProofSubject(name="full-size", model="imagenet-f16-16384", guides=GUIDE, side=256, steps=20)
SUBJECTS = (STARTER_SUBJECT, FULL_SIZE_SUBJECT)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One drawing of a proof."""

    subject: ProofSubject
    preset: str
    number: int
    """Which of PROMPTS."""
    seed: int = FIRST_SEED

    @property
    def name(self) -> str:
        """For a file: "starter-crowson-1-seed1"."""
        return f"{self.subject.name}-{self.preset}-{self.number + 1}-seed{self.seed}"

    def to_plan(self, device: str = "auto") -> Plan:
        """The preset's settings for these networks, but for what makes the drawing small and quiet."""
        subject = self.subject
        given = {
            "model": subject.model,
            "width": subject.side,
            "height": subject.side,
            "steps": subject.steps,
            "seed": self.seed,
            "device": device,
            "preview_every": 0,
            "checkpoint_every": 0,
        }
        given |= {"guides": subject.guides} if subject.guides else {}
        given |= {} if subject.cutouts is None else {"cutouts": subject.cutouts}
        return Plan(prompt=PROMPTS[self.number], given=given, preset=PRESETS[self.preset])


def pieces_of(subject: ProofSubject, seeds: Sequence[int] = (FIRST_SEED,)) -> Iterator[Piece]:
    """Every preset with every prompt and seed."""
    for preset in PRESETS:
        for number in range(len(PROMPTS)):
            for seed in seeds:
                yield Piece(subject=subject, preset=preset, number=number, seed=seed)


def digest_of_settings(config: GenerateConfig) -> str:
    """SHA-256 of all that decides a curve but the seed and the machine's own part: two with one digest compare.

    A setting that is as it always is does not count, so that a new one leaves what was recorded before as it was.
    """
    values, usual = asdict(config), asdict(GenerateConfig(prompt="-"))
    counted = {name for name, knob in knobs_of(GenerateConfig).items() if knob.counts} - OF_THE_MACHINE
    chosen = {name: values[name] for name in sorted(counted) if values[name] != usual[name]}
    text = json.dumps(chosen, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
