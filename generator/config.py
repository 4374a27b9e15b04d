"""One run's knobs. Importing this module does not import torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from dreamrig.errors import UsageError
from generator import prompts

STARTS = ("predicted", "grey", "noise")
STEP_SCHEDULES = ("constant", "cosine")
DEVICES = ("auto", "cpu", "cuda", "mps")
BACKENDS = ("own", "reference")
PRECISIONS = ("fp32", "mixed")
SIZE_MULTIPLE = 8
SMALLEST_SIDE = 16
LARGEST_SIDE = 4096

# Where and how often somebody looks, not what is computed.
NOT_PART_OF_WORKLOAD = frozenset({"device", "threads", "preview_every", "checkpoint_every"})

# (lowest, highest), both allowed.
LIMITS: dict[str, tuple[float, float]] = {
    "steps": (1, 1_000_000),
    "seed": (0, 2**63 - 1),
    "step_size": (0.0, 1000.0),
    "pull": (0.0, 1e6),
    "offset_levels": (1, 12),
    "cutouts": (1, 1024),
    "cut_power": (0.0, 100.0),
    "cut_min_fraction": (0.0, 1.0),
    "whole_every": (0, 1024),
    "cut_noise": (0.0, 10.0),
    "boundary_tv": (0.0, 1e6),
    "threads": (0, 1024),
    "preview_every": (0, 1_000_000),
    "checkpoint_every": (0, 1_000_000),
}


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """Everything that decides one picture; impossible values raise UsageError."""

    prompt: str
    """What to draw: `text:weight:stop`, several separated by `|`."""
    width: int = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    height: int = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    steps: int = 60
    """Optimisation steps."""
    seed: int = 0
    """Same seed, same machine, same versions: same bytes."""
    start: str = "predicted"
    """predicted, grey, noise, or the path of an image."""
    step_size: float = 0.05
    """Adam's step; in units of the codebook's standard deviation when per_dimension_steps, else raw."""
    per_dimension_steps: bool = False
    """Scale each latent channel's step by the codebook's standard deviation in that channel."""
    shared_moment: bool = False
    """One second moment for the whole grid instead of one per number, so that steps follow the gradient's direction."""
    pull: float = 0.0
    """Weight of the squared distance to the start; one codebook standard deviation apart costs 1.0."""
    offset_levels: int = 1
    """1 = optimise the latent itself; n > 1 = a pyramid of n offset grids, coarse to fine."""
    step_schedule: str = "constant"
    """constant, or cosine (falls to 0 at the last step)."""
    cutouts: int = 8
    """Crops the guide looks at per step."""
    cut_power: float = 1.0
    """Above 1 favours small cutouts, below 1 large ones."""
    cut_min_fraction: float = 0.0
    """Smallest cutout side as a fraction of the picture's shorter side."""
    whole_every: int = 0
    """Every n-th cutout is the largest centred square; 0 = none."""
    cut_noise: float = 0.0
    """Largest factor of the gaussian noise added to each cutout."""
    boundary_tv: float = 0.0
    """Weight of the jumps across code-block boundaries of the decoded picture."""
    model: str = "starter"
    """Which networks: starter, or a VQGAN of `dreamrig weights list`."""
    guides: str = ""
    """Which CLIPs guide, separated by commas; empty = the ones the model goes with."""
    backend: str = "own"
    """own, or reference: the networks of taming-transformers and openai-clip, where those can be imported."""
    precision: str = "fp32"
    """fp32, or mixed: CLIP in half precision and TF32 where the device has them."""
    random_weights: bool = False
    """Weights drawn at random instead of trained ones: as fast, and no picture."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    threads: int = 0
    """CPU threads of a step; 0 = torch's own choice."""
    preview_every: int = 10
    """Steps between previews; 0 = none."""
    checkpoint_every: int = 10
    """Steps between checkpoints; 0 = only at the end."""
    deterministic: bool = True
    """Refuse operations that may give other bytes the next time."""

    def __post_init__(self) -> None:
        """Bring whole numbers into float fields, then refuse what cannot be."""
        for name, kind in _types().items():
            object.__setattr__(self, name, _typed(name, getattr(self, name), kind))
        for name, (low, high) in LIMITS.items():
            _within(name, getattr(self, name), low, high)
        for name in ("width", "height"):
            _side(name, getattr(self, name))
        if self.step_size == 0.0:
            raise UsageError("step_size is 0: nothing would ever change.", hint="use a step_size above 0")
        _one_of("step_schedule", self.step_schedule, STEP_SCHEDULES)
        _one_of("device", self.device, DEVICES)
        _one_of("backend", self.backend, BACKENDS)
        _one_of("precision", self.precision, PRECISIONS)
        _not_blank("start", self.start, hint="use predicted, grey, noise, or the path of an image")
        _not_blank("model", self.model, hint="use starter")
        prompts.parse(self.prompt)

    def workload_id(self) -> str:
        """Short sha256 over the fields that change the work or the picture; equal on every machine."""
        chosen = {name: value for name, value in self.to_dict().items() if name not in NOT_PART_OF_WORKLOAD}
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GenerateConfig:
        """The inverse of to_dict; unknown or missing fields and wrong types raise UsageError."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(str(name) for name in values if name not in known)
        if unknown:
            raise UsageError(f"Unknown setting: {', '.join(unknown)}.", hint=f"known settings: {', '.join(known)}")
        if "prompt" not in values:
            raise UsageError("There is no prompt.", hint='say what to draw, e.g. "sunset over the sea"')
        return cls(**values)


@cache
def _types() -> dict[str, type]:
    """Field name -> bool, int, float or str."""
    return get_type_hints(GenerateConfig)


def _typed(name: str, value: object, kind: type) -> object:
    """The value as the field's type; a whole number is fine where a fraction is, nothing else is bent."""
    if kind is float and type(value) is int:
        return _as_float(name, value)
    if type(value) is not kind:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
        raise UsageError(f"{name} is {value!r}.", hint=f"{name} takes {words}")
    return value


def _as_float(name: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{name} is far too large.", hint=f"use a smaller {name}") from None


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise UsageError(f"{name} is {value}.", hint=f"{name} must be from {low:g} to {high:g}")


def _side(name: str, pixels: int) -> None:
    if not SMALLEST_SIDE <= pixels <= LARGEST_SIDE:
        raise UsageError(f"{name} is {pixels}.", hint=f"use {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, e.g. 128")
    if pixels % SIZE_MULTIPLE:
        near = max(SMALLEST_SIDE, round(pixels / SIZE_MULTIPLE) * SIZE_MULTIPLE)
        raise UsageError(f"{name} {pixels} is not a multiple of {SIZE_MULTIPLE}.", hint=f"the nearest is {near}")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} is {value!r}.", hint=f"use one of: {', '.join(allowed)}")


def _not_blank(name: str, value: str, *, hint: str) -> None:
    if not value.strip():
        raise UsageError(f"{name} is empty.", hint=hint)
