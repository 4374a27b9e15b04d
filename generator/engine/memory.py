"""Will it fit? Said before a run starts, not after the machine has swapped for ten minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from dreamrig.errors import NotReadyError
from dreamrig.words import MIB, memory
from generator.config import SIZE_MULTIPLE, SMALLEST_SIDE, GenerateConfig
from generator.engine.seams import AROUND_CELLS
from generator.engine.windows import FEWEST_CELLS
from generator.models.allocators import allocator_of
from generator.models.base import Models
from generator.models.codebook import floats_while_choosing
from generator.wishes import augmentations as augment_spec
from generator.wishes.colours import parse_colours
from generator.wishes.parse import parse_weights

FLOAT_BYTES = 4
SAFETY = 1.15
"""By how much the prediction may be too low, see docs/memory.md."""
SMALLER = 0.75
"""Of the memory that was predicted, what the next try should need at most."""
KEPT_SQUARES = {
    "jitter": 14.0,
    **dict.fromkeys(("sharpness", "resizedcrop"), 2.0),
    **dict.fromkeys(("affine", "perspective", "rotation", "elastic", "thinplate"), 1.7),
}
"""Tensors of a cutout's size that an augmentation keeps of a cutout it changes; tests count them. Others keep none."""
INDEX_SQUARES = 1.2
"""The same where only some cutouts are changed: their places, for every number."""
NOISE_PLANES = {"noise": 3, "gaussian": 3, "elastic": 2}
"""Numbers per pixel that are drawn for an augmentation of a cutout."""
LEFT_BY_WINDOWS_MIB = 24
"""What windows of many sizes leave on a heap, and what the guides left there before: small windows showed it, measured
against the rows of docs/full-size.md."""
VGG_FLOATS_PER_PIXEL = 700
"""What VGG-19 up to conv5_1 keeps of a picture: 2 x 2 x 64 numbers a pixel, half, half, a quarter of that, and so on,
each before and after its ReLU; and the largest of their gradients."""
UNKNOWN_NETWORK_FLOATS_PER_PIXEL = 2000
"""For networks without a hint of their own: roughly a 128-channel VQGAN decoder with its gradients."""


def estimate_memory_mib(config: GenerateConfig, models: Models) -> float:
    """Upper estimate of the MiB a run takes at its peak on top of the loaded networks, on CPU or CUDA."""
    return SAFETY * predict_memory_mib(config, models)


def predict_memory_mib(config: GenerateConfig, models: Models) -> float:
    """The MiB a run will take at its peak on top of the loaded networks, as near as can be said beforehand.

    Counted, each in float32: the pictures, the resample matrices and cutouts of all guides, the latent with the
    optimiser's state, and at the same time what the networks themselves say (Models.memory_mib); or, where that is
    more, the distances of every cell to every codebook row, which are gone before the networks begin.
    """
    return predict_together_mib((config,), models)


def estimate_together_mib(configs: Sequence[GenerateConfig], models: Models) -> float:
    """Upper estimate of the MiB that runs take at their peak whose steps are taken together."""
    return SAFETY * predict_together_mib(configs, models)


def predict_together_mib(configs: Sequence[GenerateConfig], models: Models) -> float:
    """The same as predict_memory_mib, of runs whose steps are taken together, at least one.

    All that one keeps, each keeps; what the networks say they need whatever is asked of them, they need once. Codes are
    chosen picture by picture.
    """
    kept, networks, distances = 0, 0.0, 0.0
    for config in configs:
        own = models.with_guides_that_count(parse_weights(config.guide_weights))
        kept += _picture_floats(config) + _cutout_floats(config, own) + _latent_floats(config, own)
        networks += _network_mib(config, own)
        distances = max(distances, _distance_floats(config, own) * FLOAT_BYTES / MIB)
    networks -= (len(configs) - 1) * _told_by(models, configs[0])(0, 0, 0)
    return kept * FLOAT_BYTES / MIB + max(networks, distances)


def fit_to_memory(
    config: GenerateConfig, models: Models, available_mib: float, *, in_windows: bool = True
) -> tuple[GenerateConfig, str]:
    """The config changed as little as its `fit` allows until it fits, and in words what was changed ("" = nothing).

    First fewer cutouts at a time, then decoding twice, then windows, or a smaller picture where that is allowed;
    unchanged where nothing helps.   in_windows: False where it has to be the picture that it is at once.
    """
    for candidate in _candidates(config, models, available_mib, in_windows=in_windows):
        if estimate_memory_mib(candidate, models) <= available_mib:
            return candidate, _describe_changes(config, candidate)
    return config, ""


def _candidates(
    config: GenerateConfig, models: Models, available_mib: float, *, in_windows: bool
) -> Iterator[GenerateConfig]:
    """From as asked for to the thriftiest."""
    yield config
    if config.fit == "off":
        return
    batches = _batches(config)
    slower = [replace(config, cut_batch=batch) for batch in batches]
    twice = [replace(candidate, checkpointed_decoding=True) for candidate in slower[2:] or slower]
    slower = [*slower[:2], *(twice if models.checkpointed_memory_mib is not None else slower[2:])]
    yield from slower
    width = largest_size_that_fits(available_mib, (slower or [config])[-1], models)
    if config.fit == "smaller" and width:
        height = height_for(width, config, models)
        yield replace((slower or [config])[-1], width=width, height=height)
    elif config.fit == "slower" and in_windows:
        forms = (config, *(replace(config, cut_batch=batch) for batch in batches))
        yield from _in_windows(forms, models, available_mib)


def _in_windows(whole: Iterable[GenerateConfig], models: Models, available_mib: float) -> Iterator[GenerateConfig]:
    """These in the largest windows that fit, if any do; a window is decoded twice in any case, so first only once."""
    for form in whole:
        tried = [form] if models.checkpointed_memory_mib is None else [form, replace(form, checkpointed_decoding=True)]
        for one in tried:
            if tile := largest_tile_that_fits(available_mib, one, models):
                yield replace(one, tile=tile)


def _batches(config: GenerateConfig) -> list[int]:
    """Half of the cutouts at a time, a quarter, and so on to one."""
    batch = config.cut_batch or config.cutouts
    return [batch >> halvings for halvings in range(1, batch.bit_length())] or [batch]


def _describe_changes(before: GenerateConfig, after: GenerateConfig) -> str:
    changes = []
    if (before.width, before.height) != (after.width, after.height):
        changes.append(f"{after.width}x{after.height} instead of {before.width}x{before.height}")
    if before.cut_batch != after.cut_batch:
        changes.append(f"{after.cut_batch} cutouts at a time")
    if before.checkpointed_decoding != after.checkpointed_decoding:
        changes.append("decoding twice")
    if before.tile != after.tile:
        changes.append(
            f"in windows of {after.tile} pixels, which is slower and another picture than at once "
            f"(again anywhere: --tile {after.tile}; refused instead: --fit off)"
        )
    return ", ".join(changes)


def largest_size_that_fits(available_mib: float, config: GenerateConfig, models: Models) -> int:
    """Largest width, a multiple of 8 and the model's factor, at which the same shape of picture fits; 0 = none."""
    step = math.lcm(SIZE_MULTIPLE, models.image.factor)
    for width in range(config.width - config.width % step, SMALLEST_SIDE - 1, -step):
        height = height_for(width, config, models)
        if estimate_memory_mib(replace(config, width=width, height=height), models) <= available_mib:
            return width
    return 0


def largest_tile_that_fits(available_mib: float, config: GenerateConfig, models: Models) -> int:
    """Largest windows, in pixels, in which a picture of this size fits; 0 = none."""
    factor, longest = models.image.factor, max(config.width, config.height)
    step = math.lcm(SIZE_MULTIPLE, factor)
    for tile in range((longest - 1) // step * step, FEWEST_CELLS * factor - 1, -step):
        if estimate_memory_mib(replace(config, tile=tile), models) <= available_mib:
            return tile
    return 0


def height_for(width: int, config: GenerateConfig, models: Models) -> int:
    """The height that keeps the config's aspect at another width, as near as the model's multiples allow."""
    step = math.lcm(SIZE_MULTIPLE, models.image.factor)
    smallest = math.ceil(SMALLEST_SIDE / step) * step
    return max(smallest, round(width * config.height / config.width / step) * step)


def require_fit(config: GenerateConfig, models: Models, available_mib: float | None) -> None:
    """Raise NotReadyError, naming windows or the largest size that fit, when the run would not.

    available_mib: None = unknown, let it try.
    """
    if available_mib is None or estimate_memory_mib(config, models) <= available_mib:
        return
    width = largest_size_that_fits(available_mib, config, models)
    hint = "no size fits: close other programs, or use fewer cutouts"
    if width:
        hint = f"the largest size that fits: --width {width} --height {height_for(width, config, models)}"
    if tile := largest_tile_that_fits(available_mib, config, models):
        hint = f"in windows it fits: --tile {tile}; else {hint}"
    raise NotReadyError(
        f"{config.width}x{config.height} with {config.cutouts} cutouts needs about "
        f"{memory(estimate_memory_mib(config, models))}; {memory(available_mib)} are free.",
        hint=hint,
        code="out_of_memory",
    )


def advice(config: GenerateConfig, models: Models) -> str:
    """What to do when a run that should have fitted did not: the size that surely takes less by a quarter."""
    width = largest_size_that_fits(SMALLER * estimate_memory_mib(config, models), config, models)
    if not width:
        return "close other programs, or use fewer --cutouts"
    return f"use --width {width} --height {height_for(width, config, models)}, or fewer --cutouts"


def _picture_floats(config: GenerateConfig) -> int:
    """Decoded, clamped, both gradients, one copy for a sink; of pixel art blocks, gradients and distances as well."""
    floats = 5 * 3
    if config.style.strip() or config.content.strip():
        floats += VGG_FLOATS_PER_PIXEL
    if config.tile:  # put together before it is clamped, and on the way back taken apart
        floats += 4 * 3
    if config.block_size > 1:
        floats += 2 * 3
    if config.palette_exact:
        floats += 4 * 3 + len(parse_colours(config.palette_colours))
    return floats * config.width * config.height


def _cutout_floats(config: GenerateConfig, models: Models) -> int:
    """Of all guides and regions, since all are held until the backward pass; with a cut_batch, one after the other."""
    cuts = []
    holes = 1 + allocator_of(models.image.codebook.device.type).guide_spread
    for guide in models.guides:
        matrices = guide.size * (config.width + config.height)
        # The cutouts; looked at in batches, also the batches' gradients and these in one.
        squares = (3 if config.cut_batch else 1) + holes * _augmentation_squares(config)
        cuts.append(int(config.cutouts * (matrices + squares * 3 * guide.size**2)))
    held = max(cuts) if config.cut_batch else sum(cuts) * _regions(config)
    return held + _noise_floats(config, models)


def _noise_floats(config: GenerateConfig, models: Models) -> int:
    """Noise of all guides and regions, since all of a step's chance is drawn before it."""
    planes = 3.0 if config.cut_noise else 0.0
    for augmentation in augment_spec.parse(config.augmentations):
        planes += augmentation.share * NOISE_PLANES.get(augmentation.name, 0)
    pixels = sum(guide.size**2 for guide in models.guides)
    return int(config.cutouts * planes * pixels * _regions(config))


def _augmentation_squares(config: GenerateConfig) -> float:
    """Tensors of a cutout's size that the augmentations keep of one cutout for the way back, on average."""
    kept = 0.0
    for augmentation in augment_spec.parse(config.augmentations):
        share = augmentation.share
        kept += share * (KEPT_SQUARES.get(augmentation.name, 0.0) + (INDEX_SQUARES if share < 1 else 0.0))
    return kept


def _regions(config: GenerateConfig) -> int:
    """How many parts of the picture are looked at by themselves, at most."""
    wishes = config.wishes()
    return len({aim.region for aim in (*wishes.texts, *wishes.pictures)} | ({""} if wishes.noises else set()))


def _latent_floats(config: GenerateConfig, models: Models) -> int:
    """Offsets, their gradients, Adam's two moments, the latent and what it is pulled to."""
    return 12 * _cells(config, models) * models.image.codebook.shape[1]


def _distance_floats(config: GenerateConfig, models: Models) -> int:
    return floats_while_choosing(_cells_at_once(config, models), models.image.codebook)


def _cells_at_once(config: GenerateConfig, models: Models) -> int:
    """Cells whose codes are chosen together."""
    cells = _cells(config, models)
    if not config.tile or config.start == "predicted":  # which is chosen as a whole
        return cells
    return min(cells, (config.tile // models.image.factor) ** 2)


def _cells(config: GenerateConfig, models: Models) -> int:
    return (config.width // models.image.factor) * (config.height // models.image.factor)


def _network_mib(config: GenerateConfig, models: Models) -> float:
    around = {"no": (0, 0), "x": (1, 0), "y": (0, 1), "both": (1, 1)}[config.seamless]
    width, height = (
        side + 2 * AROUND_CELLS * models.image.factor * rings
        for side, rings in zip((config.width, config.height), around, strict=True)
    )
    cutouts = min(config.cut_batch, config.cutouts) if config.cut_batch else config.cutouts * _regions(config)
    told = _told_by(models, config)
    if not config.tile:
        return told(width, height, cutouts)
    # While the guides look nothing of the decoder is kept, and while a window is decoded again they are done.
    left = LEFT_BY_WINDOWS_MIB if models.image.codebook.device.type == "cpu" else 0
    return left + max(told(min(width, config.tile), min(height, config.tile), 0), told(0, 0, cutouts))


def _told_by(models: Models, config: GenerateConfig) -> Callable[[int, int, int], float]:
    """What the networks say about a run: (width, height, cutouts at a time) -> MiB."""
    if config.checkpointed_decoding and models.checkpointed_memory_mib is not None:
        return models.checkpointed_memory_mib
    return models.memory_mib or _unknown_mib


def _unknown_mib(width: int, height: int, cutouts: int) -> float:
    return UNKNOWN_NETWORK_FLOATS_PER_PIXEL * width * height * FLOAT_BYTES / MIB
