"""One run's knobs, each with all there is to know about it. Importing this module does not import torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from dreamrig.errors import UsageError
from generator.knobs import Knob, kinds_of, knobs_of, later_defaults_of, typed
from generator.wishes import augmentations as augment_spec
from generator.wishes.colours import parse_colours
from generator.wishes.parse import Wishes, parse_weights, parse_wishes
from generator.wishes.seeds import LARGEST_SEED
from generator.wishes.stages import format_stages, parse_stages

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
CARD = "cuda:[0-9]{1,2}"
"""One of several, by its number."""
BACKENDS = ("own", "reference")
PRECISIONS = ("fp32", "mixed", "bf16")
SIZE_MULTIPLE = 8
SMALLEST_SIDE = 16
LARGEST_SIDE = 4096

NOT_OF_A_STEP = frozenset(("prompt", "seed", "steps", "start", "step_size", "precision", "random_weights"))
"""Settings that count and leave the work of a step as it is; whoever compares paces asks for precision and weights."""

# Headings of the help; settings under none of them are those that most people want.
TOWARDS = "What to move towards"
BEGINNING = "What it begins with"
STEPS = "Steps"
CUTOUTS = "Cutouts"
RESTRAINTS = "What else the picture has to be"
NETWORKS = "Networks, memory and speed"
KEPT = "Kept on the way"


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """Everything that decides one picture; impossible values raise UsageError."""

    prompt: str
    """What to draw: `text:weight:stop`, several separated by `|`, scenes of a story by `^`; `text @left` for a part."""
    image_prompts: Annotated[str, Knob(group=TOWARDS, metavar="PATH")] = ""
    """Pictures to resemble: `PATH:weight:stop`, several separated by `|`, scenes by `^`; `PATH @left` is for a part."""
    noise_prompts: Annotated[str, Knob(group=TOWARDS)] = ""
    """Random directions to move in: `SEED:weight:stop`, several separated by `|`."""
    regions: Annotated[str, Knob(group=TOWARDS, metavar="NAME=PATH")] = ""
    """Masks that a prompt can name with `@NAME`: `NAME=PATH`, several separated by `|`; white is inside."""
    story_every: Annotated[int, Knob(low=0, high=1_000_000, group=TOWARDS)] = 0
    """Steps of each scene of a story; 0 = as many for each."""
    story_blend: Annotated[float, Knob(low=0.0, high=1.0, group=TOWARDS)] = 0.0
    """Share of a scene in which it turns into the next."""
    story_repeat: Annotated[bool, Knob(group=TOWARDS)] = False
    """After the last scene comes the first again; else the last one stays."""
    width: Annotated[int, Knob(low=SMALLEST_SIDE, high=LARGEST_SIDE, multiple=SIZE_MULTIPLE)] = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    height: Annotated[int, Knob(low=SMALLEST_SIDE, high=LARGEST_SIDE, multiple=SIZE_MULTIPLE)] = 128
    """Pixels, a multiple of 8 (and of the model's factor)."""
    steps: Annotated[int, Knob(low=1, high=1_000_000)] = 60
    """Optimisation steps."""
    seed: Annotated[int, Knob(low=0, high=LARGEST_SEED, metavar="N|WORDS")] = 0
    """Same seed, same machine, same versions: same bytes."""
    start: Annotated[str, Knob(metavar="|".join((*STARTS, "IMAGE")))] = "predicted"
    """predicted, grey, noise, uniform, pixels, gradient, fractal, or the path of an image."""
    start_noise: Annotated[float, Knob(low=0.0, high=100.0, group=BEGINNING)] = 0.0
    """Gaussian noise on the start, in codebook standard deviations."""
    mask: Annotated[str, Knob(group=BEGINNING, metavar="PATH")] = ""
    """Path of a picture that is white where the run may paint; elsewhere the start stays."""
    step_size: Annotated[float, Knob(low=0.0, high=1000.0)] = 0.05
    """Adam's step; in units of the codebook's standard deviation when per_dimension_steps, else raw."""
    per_dimension_steps: Annotated[bool, Knob(group=STEPS)] = False
    """Scale each latent channel's step by the codebook's standard deviation in that channel."""
    shared_moment: Annotated[bool, Knob(group=STEPS)] = False
    """One second moment for the whole grid instead of one per number, so that steps follow the gradient's direction."""
    pull: Annotated[float, Knob(low=0.0, high=1e6)] = 0.0
    """Weight of the squared distance to the start; one codebook standard deviation apart costs 1.0."""
    init_weight: Annotated[float, Knob(low=0.0, high=1e6, group=BEGINNING)] = 0.0
    """The notebooks' pull: half of this, times the mean squared distance of the latent to init_target."""
    init_target: Annotated[str, Knob(choices=INIT_TARGETS, group=BEGINNING)] = "start"
    """start, or zero: flat grey, what the later notebooks pull to."""
    init_decay: Annotated[str, Knob(choices=DECAYS, group=BEGINNING)] = "constant"
    """How pull, pixel_pull and init_weight fade: constant, linear or cosine to 0, inverse as 1 / (2 step + 1)."""
    pixel_pull: Annotated[float, Knob(low=0.0, high=1e6, group=BEGINNING)] = 0.0
    """Weight of the mean squared distance of the picture to the start's picture."""
    offset_levels: Annotated[int, Knob(low=1, high=12, group=STEPS)] = 1
    """1 = optimise the latent itself; n > 1 = a pyramid of n offset grids, coarse to fine."""
    step_schedule: Annotated[str, Knob(choices=STEP_SCHEDULES, group=STEPS)] = "constant"
    """constant; cosine or linear to 0, exponential to 1 %; drop (to 10 % at 75 %); restarts of the cosine; plateau."""
    warmup_steps: Annotated[int, Knob(low=0, high=1_000_000, group=STEPS)] = 0
    """Steps in which the step size grows from nothing."""
    schedule_every: Annotated[int, Knob(low=0, high=1_000_000, group=STEPS)] = 0
    """Steps between the restarts; 0 = a quarter of the run."""
    patience: Annotated[int, Knob(low=1, high=1_000_000, group=STEPS)] = 20
    """The plateau schedule halves the step after so many steps without a lower loss."""
    stop_after: Annotated[int, Knob(low=0, high=1_000_000, group=STEPS)] = 0
    """End the run after so many steps without a lower loss; 0 = never."""
    stages: Annotated[str, Knob(group=STEPS, metavar="PART:STEPS", is_later=True)] = ""
    """Coarse to fine: "1/4:60:2, 1/2:60" begins with 60 steps at a quarter of the sides and 2 cutouts, 60 at half."""
    optimiser: Annotated[str, Knob(choices=OPTIMISERS, group=STEPS)] = "adam"
    """adam, adamw, adamax, adagrad, rmsprop, radam, diffgrad or adamp."""
    weight_decay: Annotated[float, Knob(low=0.0, high=1.0, group=STEPS)] = 0.01
    """Of adamw alone."""
    ema: Annotated[float, Knob(low=0.0, high=0.9999, group=STEPS)] = 0.0
    """Draw the last picture from the moving average of the latent, which keeps this share at each step; 0 = none."""
    cutouts: Annotated[int, Knob(low=1, high=1_024)] = 8
    """Crops the guide looks at per step."""
    cut_power: Annotated[float, Knob(low=0.0, high=100.0, group=CUTOUTS)] = 1.0
    """Above 1 favours small cutouts, below 1 large ones."""
    cut_min_fraction: Annotated[float, Knob(low=0.0, high=1.0, group=CUTOUTS)] = 0.0
    """Smallest cutout side as a fraction of the picture's shorter side."""
    whole_every: Annotated[int, Knob(low=0, high=1_024, group=CUTOUTS)] = 0
    """Every n-th cutout is the largest centred square; 0 = none."""
    cut_noise: Annotated[float, Knob(low=0.0, high=10.0, group=CUTOUTS)] = 0.0
    """Largest factor of the gaussian noise added to each cutout."""
    cut_method: Annotated[str, Knob(choices=CUT_METHODS, group=CUTOUTS)] = "crops"
    """crops, or pooling: the whole picture every time, mean and maximum pooling averaged; made for augmentations."""
    cut_clamp: Annotated[bool, Knob(group=CUTOUTS)] = True
    """Clamp cutouts to [0, 1] before they are augmented."""
    augmentations: Annotated[str, Knob(group=CUTOUTS)] = ""
    """What happens to each cutout, in order, e.g. "flip sharpness(0.3,p=0.4) jitter(hue=0.01,p=0.7)"."""
    boundary_tv: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS)] = 0.0
    """Weight of the jumps across code-block boundaries of the decoded picture."""
    tv: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS)] = 0.0
    """Weight of the differences between all neighbouring pixels (total variation): more is smoother."""
    palette: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS)] = 0.0
    """Weight of the squared distance of each pixel to the nearest of palette_colours."""
    palette_colours: Annotated[str, Knob(group=RESTRAINTS)] = "black, white"
    """Colours by name or as #rrggbb, separated by commas."""
    palette_exact: Annotated[bool, Knob(group=RESTRAINTS, is_later=True)] = False
    """Every pixel is one of palette_colours, the nearest."""
    block_size: Annotated[int, Knob(low=1, high=512, group=RESTRAINTS, is_later=True)] = 1
    """Pixel art: the picture in squares of one colour, so many pixels wide; 1 = as it is."""
    symmetry: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS)] = 0.0
    """Weight of the squared difference between the picture and its mirror image."""
    symmetry_axis: Annotated[str, Knob(choices=SYMMETRY_AXES, group=RESTRAINTS)] = "vertical"
    """Where the mirror stands: vertical (left is as right), horizontal or both."""
    edge: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS)] = 0.0
    """Weight of the squared distance of the picture's border to edge_colour."""
    edge_colour: Annotated[str, Knob(group=RESTRAINTS)] = "white"
    """A colour by name or as #rrggbb."""
    edge_width: Annotated[float, Knob(low=0.0, high=0.5, group=RESTRAINTS)] = 0.1
    """Of the border, as a fraction of the shorter side."""
    aesthetic: Annotated[float, Knob(low=-1e6, high=1e6, group=RESTRAINTS, loads=True, is_later=True)] = 0.0
    """Weight of what LAION's aesthetic predictor misses, 1 - score / 10; for the guides ViT-L/14 and ViT-B/32."""
    outline: Annotated[str, Knob(group=RESTRAINTS, metavar="PATH", is_later=True)] = ""
    """Path of a picture, a photograph or a drawing, whose outlines the picture is to have."""
    outline_weight: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS, is_later=True)] = 0.3
    """Weight of the squared difference of the outlines (Sobel), as a share of those of `outline`."""
    style: Annotated[str, Knob(group=RESTRAINTS, metavar="PATH", loads=True, is_later=True)] = ""
    """Path of a picture whose colours, strokes and textures the picture is to have; needs torchvision."""
    style_weight: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS, is_later=True)] = 0.3
    """Weight of the relative difference of the Gram matrices of VGG-19 to those of `style`."""
    content: Annotated[str, Knob(group=RESTRAINTS, metavar="PATH", loads=True, is_later=True)] = ""
    """Path of a picture whose things the picture is to have where they are; needs torchvision."""
    content_weight: Annotated[float, Knob(low=0.0, high=1e6, group=RESTRAINTS, is_later=True)] = 0.3
    """Weight of the relative difference of the activations of VGG-19 to those of `content`."""
    saturation: Annotated[float, Knob(low=-1e6, high=1e6, group=RESTRAINTS)] = 0.0
    """Above 0 for stronger colours, below 0 for weaker ones."""
    seamless: Annotated[str, Knob(choices=SEAMLESS, group=RESTRAINTS)] = "no"
    """no, x, y or both: the directions in which the picture can be put beside itself without a seam."""
    overlay: Annotated[str, Knob(group=RESTRAINTS, metavar="PATH")] = ""
    """Path of a picture that is laid over the growing one again and again; its own transparency counts."""
    overlay_every: Annotated[int, Knob(low=0, high=1_000_000, group=RESTRAINTS)] = 10
    """Steps between two overlays, the first one before step 0; 0 = that one only."""
    overlay_until: Annotated[int, Knob(low=0, high=1_000_000, group=RESTRAINTS)] = 0
    """The step from which on nothing is laid over any more; 0 = half of the run."""
    overlay_alpha: Annotated[float, Knob(low=0.0, high=1.0, group=RESTRAINTS)] = 0.5
    """How much the overlay covers: 1 hides what was there."""
    model: Annotated[str, Knob(group=NETWORKS, loads=True)] = "starter"
    """Which networks: starter, or a VQGAN of `dreamrig weights list`."""
    guides: Annotated[str, Knob(group=NETWORKS, loads=True)] = ""
    """Which CLIPs guide, separated by commas; empty = the ones the model goes with."""
    backend: Annotated[str, Knob(choices=BACKENDS, group=NETWORKS, loads=True)] = "own"
    """own, or reference: the networks of taming-transformers and openai-clip, where those can be imported."""
    precision: Annotated[str, Knob(choices=PRECISIONS, group=NETWORKS, loads=True)] = "fp32"
    """fp32; mixed: CLIP in half precision, TF32 on CUDA; bf16: CLIP and decoder in bfloat16, for devices with units."""
    random_weights: Annotated[bool, Knob(group=NETWORKS, loads=True)] = False
    """Weights drawn at random instead of trained ones: as fast, and no picture."""
    guide_weights: Annotated[str, Knob(group=NETWORKS)] = ""
    """How much each guide counts, e.g. "1, 0.5"; empty = as the model likes it, mostly all alike."""
    cut_batch: Annotated[int, Knob(low=0, high=1_024, group=NETWORKS)] = 0
    """The guide looks at so many cutouts at a time: less memory, the same picture up to rounding; 0 = at all."""
    tile: Annotated[int, Knob(low=0, high=LARGEST_SIDE, multiple=SIZE_MULTIPLE, group=NETWORKS, is_later=True)] = 0
    """Decode a larger picture in windows of so many pixels, without seams, in the memory of one; 0 = all at once."""
    checkpointed_decoding: Annotated[bool, Knob(group=NETWORKS)] = False
    """Decode a second time instead of remembering: less memory, a third more work in the decoder."""
    fit: Annotated[str, Knob(choices=FITS, group=NETWORKS, counts=False)] = "slower"
    """What to do when the memory is too small: off (refuse), slower (same size, at worst in windows), or smaller."""
    device: Annotated[str, Knob(choices=DEVICES, pattern=CARD, counts=False, loads=True)] = "auto"
    """auto, cpu, cuda, a card by its number (cuda:1), or mps."""
    threads: Annotated[int, Knob(low=0, high=1_024, counts=False)] = 0
    """CPU threads of a step; 0 = torch's own choice."""
    preview_every: Annotated[int, Knob(low=0, high=1_000_000, group=KEPT, counts=False)] = 10
    """Steps between previews; 0 = none. Where left alone, two a second at most."""
    checkpoint_every: Annotated[int, Knob(low=0, high=1_000_000, group=KEPT, counts=False)] = 10
    """Steps between checkpoints; 0 = only at the end. Where left alone, also not before 5 s, and after 30 s."""
    frames_every: Annotated[int, Knob(low=0, high=1_000_000, group=KEPT, counts=False)] = 0
    """Steps between the frames that are kept for `dreamrig video timelapse`; 0 = none."""
    deterministic: Annotated[bool, Knob(group=NETWORKS)] = True
    """Refuse operations that may give other bytes the next time."""

    def __post_init__(self) -> None:
        """Bring whole numbers into float fields, then refuse what cannot be."""
        for name, kind in kinds_of(GenerateConfig).items():
            object.__setattr__(self, name, typed(name, getattr(self, name), kind))
        for name, knob in knobs_of(GenerateConfig).items():
            knob.check(name, getattr(self, name))
        if self.shared_moment and self.optimiser != "adam":
            raise UsageError(f"shared_moment is not for {self.optimiser}.", hint="use the optimiser adam with it")
        if self.step_size == 0.0:
            raise UsageError("step_size is 0: nothing would ever change.", hint="use a step_size above 0")
        _not_blank("start", self.start, hint=f"use {', '.join(STARTS)}, or the path of an image")
        _not_blank("model", self.model, hint="use starter")
        self.wishes()
        parse_weights(self.guide_weights)
        parse_colours(f"{self.palette_colours}, {self.edge_colour}")
        # One spelling, so that the same work has the same workload id.
        object.__setattr__(self, "augmentations", augment_spec.format(augment_spec.parse(self.augmentations)))
        object.__setattr__(self, "stages", format_stages(self.stages))
        if self.tile >= max(self.width, self.height):
            object.__setattr__(self, "tile", 0)
        self._require_fitting_stages()

    def _require_fitting_stages(self) -> None:
        """UsageError for stages with more cutouts than the run, or with what has its place in the full size alone."""
        stages = parse_stages(self.stages)
        if not stages:
            return
        if max(stage.cutouts or 0 for stage in stages) > self.cutouts:
            raise UsageError(f"A stage has more than the {self.cutouts} cutouts.", hint="use more --cutouts")
        placed = [name for name in ("mask", "regions", "overlay") if getattr(self, name)]
        wishes = self.wishes()
        if any(prompt.region for prompt in (*wishes.texts, *wishes.pictures)):
            placed.append("a prompt for a part (@)")
        if placed:
            raise UsageError(f"stages is not for {', '.join(placed)}.", hint="leave one of the two away")

    def wishes(self) -> Wishes:
        """What to move towards."""
        return parse_wishes(self.prompt, self.image_prompts, self.noise_prompts, self.regions)

    def workload_id(self) -> str:
        """Short sha256 over the fields that change the work or the picture; equal on every machine."""
        knobs = knobs_of(GenerateConfig)
        chosen = {name: value for name, value in self.to_dict().items() if knobs[name].counts}
        return _short_hash(chosen)

    def step_id(self) -> str:
        """Short sha256 over what decides the work of a step: pictures with the same one take as long for each."""
        knobs, wishes = knobs_of(GenerateConfig), self.wishes()
        chosen = {
            name: value for name, value in self.to_dict().items() if knobs[name].counts and name not in NOT_OF_A_STEP
        }
        chosen["texts"] = [[aim.region, aim.scene] for aim in wishes.texts]
        return _short_hash(chosen)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; without those of later knobs that are at their defaults."""
        later = later_defaults_of(GenerateConfig)
        return {name: value for name, value in asdict(self).items() if name not in later or value != later[name]}

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


def networks_key(config: GenerateConfig) -> tuple[Any, ...]:
    """What decides which networks a config loads, and where: equal for two configs that can share them."""
    return tuple(getattr(config, name) for name, knob in knobs_of(GenerateConfig).items() if knob.loads)


def _short_hash(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def _not_blank(name: str, value: str, *, hint: str) -> None:
    if not value.strip():
        raise UsageError(f"{name} is empty.", hint=hint)
