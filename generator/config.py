"""One run's knobs. Importing this module does not import torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from dreamrig.errors import UsageError
from generator.wishes import augmentations as augment_spec
from generator.wishes.colours import parse_colours
from generator.wishes.parse import Wishes, parse_weights, parse_wishes

STARTS = ("predicted", "grey", "noise", "uniform", "pixels", "gradient", "fractal")
CUT_METHODS = ("crops", "pooling")
STEP_SCHEDULES = ("constant", "cosine", "linear", "exponential", "drop", "restarts", "plateau")
OPTIMISERS = ("adam", "adamw", "adamax", "adagrad", "rmsprop", "radam", "diffgrad", "adamp")
INIT_TARGETS = ("start", "zero")
DECAYS = ("constant", "linear", "cosine", "inverse")
SYMMETRY_AXES = ("vertical", "horizontal", "both")
SEAMLESS = ("no", "x", "y", "both")
FITS = ("off", "slower", "smaller")
DEVICES = ("auto", "cpu", "cuda", "mps")
BACKENDS = ("own", "reference")
PRECISIONS = ("fp32", "mixed")
SIZE_MULTIPLE = 8
SMALLEST_SIDE = 16
LARGEST_SIDE = 4096

# Where and how often somebody looks, not what is computed.
NOT_PART_OF_WORKLOAD = frozenset({"device", "threads", "fit", "preview_every", "checkpoint_every", "frames_every"})

CHOICES: dict[str, tuple[str, ...]] = {
    "step_schedule": STEP_SCHEDULES,
    "optimiser": OPTIMISERS,
    "init_target": INIT_TARGETS,
    "init_decay": DECAYS,
    "symmetry_axis": SYMMETRY_AXES,
    "seamless": SEAMLESS,
    "cut_method": CUT_METHODS,
    "device": DEVICES,
    "backend": BACKENDS,
    "precision": PRECISIONS,
    "fit": FITS,
}

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
    "story_every": (0, 1_000_000),
    "story_blend": (0.0, 1.0),
    "start_noise": (0.0, 100.0),
    "init_weight": (0.0, 1e6),
    "pixel_pull": (0.0, 1e6),
    "weight_decay": (0.0, 1.0),
    "warmup_steps": (0, 1_000_000),
    "schedule_every": (0, 1_000_000),
    "patience": (1, 1_000_000),
    "stop_after": (0, 1_000_000),
    "ema": (0.0, 0.9999),
    "tv": (0.0, 1e6),
    "palette": (0.0, 1e6),
    "symmetry": (0.0, 1e6),
    "edge": (0.0, 1e6),
    "edge_width": (0.0, 0.5),
    "saturation": (-1e6, 1e6),
    "cut_batch": (0, 1024),
    "threads": (0, 1024),
    "preview_every": (0, 1_000_000),
    "checkpoint_every": (0, 1_000_000),
    "frames_every": (0, 1_000_000),
    "overlay_every": (0, 1_000_000),
    "overlay_until": (0, 1_000_000),
    "overlay_alpha": (0.0, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """Everything that decides one picture; impossible values raise UsageError."""

    prompt: str
    """What to draw: `text:weight:stop`, several separated by `|`, scenes of a story by `^`; `text @left` for a part."""
    image_prompts: str = ""
    """Pictures to resemble: `PATH:weight:stop`, several separated by `|`, scenes by `^`; `PATH @left` is for a part."""
    noise_prompts: str = ""
    """Random directions to move in: `SEED:weight:stop`, several separated by `|`."""
    regions: str = ""
    """Masks that a prompt can name with `@NAME`: `NAME=PATH`, several separated by `|`; white is inside."""
    story_every: int = 0
    """Steps of each scene of a story; 0 = as many for each."""
    story_blend: float = 0.0
    """Share of a scene in which it turns into the next."""
    story_repeat: bool = False
    """After the last scene comes the first again; else the last one stays."""
    width: int = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    height: int = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    steps: int = 60
    """Optimisation steps."""
    seed: int = 0
    """Same seed, same machine, same versions: same bytes."""
    start: str = "predicted"
    """predicted, grey, noise, uniform, pixels, gradient, fractal, or the path of an image."""
    start_noise: float = 0.0
    """Gaussian noise on the start, in codebook standard deviations."""
    mask: str = ""
    """Path of a picture that is white where the run may paint; elsewhere the start stays."""
    step_size: float = 0.05
    """Adam's step; in units of the codebook's standard deviation when per_dimension_steps, else raw."""
    per_dimension_steps: bool = False
    """Scale each latent channel's step by the codebook's standard deviation in that channel."""
    shared_moment: bool = False
    """One second moment for the whole grid instead of one per number, so that steps follow the gradient's direction."""
    pull: float = 0.0
    """Weight of the squared distance to the start; one codebook standard deviation apart costs 1.0."""
    init_weight: float = 0.0
    """The notebooks' pull: half of this, times the mean squared distance of the latent to init_target."""
    init_target: str = "start"
    """start, or zero: flat grey, what the later notebooks pull to."""
    init_decay: str = "constant"
    """How pull, pixel_pull and init_weight fade: constant, linear or cosine to 0, inverse as 1 / (2 step + 1)."""
    pixel_pull: float = 0.0
    """Weight of the mean squared distance of the picture to the start's picture."""
    offset_levels: int = 1
    """1 = optimise the latent itself; n > 1 = a pyramid of n offset grids, coarse to fine."""
    step_schedule: str = "constant"
    """constant; cosine or linear to 0, exponential to 1 %; drop (to 10 % at 75 %); restarts of the cosine; plateau."""
    warmup_steps: int = 0
    """Steps in which the step size grows from nothing."""
    schedule_every: int = 0
    """Steps between the restarts; 0 = a quarter of the run."""
    patience: int = 20
    """The plateau schedule halves the step after so many steps without a lower loss."""
    stop_after: int = 0
    """End the run after so many steps without a lower loss; 0 = never."""
    optimiser: str = "adam"
    """adam, adamw, adamax, adagrad, rmsprop, radam, diffgrad or adamp."""
    weight_decay: float = 0.01
    """Of adamw alone."""
    ema: float = 0.0
    """Draw the last picture from the moving average of the latent, which keeps this share at each step; 0 = none."""
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
    cut_method: str = "crops"
    """crops, or pooling: the whole picture every time, mean and maximum pooling averaged; made for augmentations."""
    cut_clamp: bool = True
    """Clamp cutouts to [0, 1] before they are augmented."""
    augmentations: str = ""
    """What happens to each cutout, in order, e.g. "flip sharpness(0.3,p=0.4) jitter(hue=0.01,p=0.7)"."""
    boundary_tv: float = 0.0
    """Weight of the jumps across code-block boundaries of the decoded picture."""
    tv: float = 0.0
    """Weight of the differences between all neighbouring pixels (total variation): more is smoother."""
    palette: float = 0.0
    """Weight of the squared distance of each pixel to the nearest of palette_colours."""
    palette_colours: str = "black, white"
    """Colours by name or as #rrggbb, separated by commas."""
    symmetry: float = 0.0
    """Weight of the squared difference between the picture and its mirror image."""
    symmetry_axis: str = "vertical"
    """Where the mirror stands: vertical (left is as right), horizontal or both."""
    edge: float = 0.0
    """Weight of the squared distance of the picture's border to edge_colour."""
    edge_colour: str = "white"
    """A colour by name or as #rrggbb."""
    edge_width: float = 0.1
    """Of the border, as a fraction of the shorter side."""
    saturation: float = 0.0
    """Above 0 for stronger colours, below 0 for weaker ones."""
    seamless: str = "no"
    """no, x, y or both: the directions in which the picture can be put beside itself without a seam."""
    overlay: str = ""
    """Path of a picture that is laid over the growing one again and again; its own transparency counts."""
    overlay_every: int = 10
    """Steps between two overlays, the first one before step 0; 0 = that one only."""
    overlay_until: int = 0
    """The step from which on nothing is laid over any more; 0 = half of the run."""
    overlay_alpha: float = 0.5
    """How much the overlay covers: 1 hides what was there."""
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
    guide_weights: str = ""
    """How much each guide counts, e.g. "1, 0.5"; empty = as the model likes it, mostly all alike."""
    cut_batch: int = 0
    """The guide looks at so many cutouts at a time: less memory, the same picture up to rounding; 0 = at all."""
    checkpointed_decoding: bool = False
    """Decode a second time instead of remembering: less memory, a third more work in the decoder."""
    fit: str = "slower"
    """What to do when the memory is too small: off (refuse), slower (same picture), or smaller (another size too)."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    threads: int = 0
    """CPU threads of a step; 0 = torch's own choice."""
    preview_every: int = 10
    """Steps between previews; 0 = none."""
    checkpoint_every: int = 10
    """Steps between checkpoints; 0 = only at the end."""
    frames_every: int = 0
    """Steps between the frames that are kept for `dreamrig video timelapse`; 0 = none."""
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
        if self.shared_moment and self.optimiser != "adam":
            raise UsageError(f"shared_moment is not for {self.optimiser}.", hint="use the optimiser adam with it")
        if self.step_size == 0.0:
            raise UsageError("step_size is 0: nothing would ever change.", hint="use a step_size above 0")
        for name, allowed in CHOICES.items():
            _one_of(name, getattr(self, name), allowed)
        _not_blank("start", self.start, hint=f"use {', '.join(STARTS)}, or the path of an image")
        _not_blank("model", self.model, hint="use starter")
        self.wishes()
        parse_weights(self.guide_weights)
        parse_colours(f"{self.palette_colours}, {self.edge_colour}")
        # One spelling, so that the same work has the same workload id.
        object.__setattr__(self, "augmentations", augment_spec.format(augment_spec.parse(self.augmentations)))

    def wishes(self) -> Wishes:
        """What to move towards."""
        return parse_wishes(self.prompt, self.image_prompts, self.noise_prompts, self.regions)

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
