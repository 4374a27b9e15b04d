"""One job of a worker: networks, folder, checkpoint, run, and what went wrong as a code. Imports torch."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from PIL import Image

from dreamrig.errors import NotReadyError, RigError, UsageError
from dreamrig.paths import ensure_folder
from generator.config import GenerateConfig, networks_key
from generator.crew.protocol import CODES, LIVE, PICTURE, Code
from generator.engine import memory
from generator.events import Checkpointed, Event, Finished, Started, Step
from generator.models.base import Models
from generator.models.choose import load_models
from generator.pictures.png import to_picture
from generator.runs import folder as runs
from generator.runs.folder import PICTURE_LARGE, RECORD, Run
from generator.sinks import Sink, optional
from generator.sinks.frames import FramesSink
from generator.work.door import Beginning
from generator.work.execute import Outcome, execute
from generator.work.job import Job, hold_run, make_recipe
from generator.work.resume import usable_state
from generator.work.rhythm import Rhythm
from generator.work.stop import Stop

SECONDS_BETWEEN_PREVIEWS = 0.5
PREVIEW_QUALITY = 80
MOST_FRAMES = 96
"""Looks at a growing picture that are kept, so that a friend can see it grow: four seconds of film."""
FRAME_QUALITY = 85
THUMBNAIL_SIDES = (256, 512)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Networks:
    """Keeps the networks of the newest job loaded."""

    def __init__(self, load: Callable[[GenerateConfig], Models] = load_models) -> None:
        self._load = load
        self._key: tuple[Any, ...] | None = None
        self._models: Models | None = None

    @property
    def are_loaded(self) -> bool:
        """Whether a job of the same networks begins at once."""
        return self._models is not None

    @property
    def device(self) -> torch.device | None:
        """Where they lie; None = they are not loaded."""
        return None if self._models is None else self._models.image.codebook.device

    def get(self, config: GenerateConfig) -> tuple[Models, float]:
        """The networks of a config, and the seconds that loading them took (0 = they were there)."""
        key = networks_key(config)
        if self._models is not None and key == self._key:
            return self._models, 0.0
        self.unload()
        before = perf_counter()
        self._models, self._key = self._load(config), key
        return self._models, perf_counter() - before

    def unload(self) -> None:
        """Give their memory back, as far as this process can: a CUDA context stays until the process ends."""
        self._models = self._key = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class Begun:
    """What is known when the first step comes next."""

    resumed_at: int
    load_seconds: float
    unknown_words: Mapping[str, list[str]]
    note: str


class Watch:
    """Tells about a run: previews by seconds, as JPEG without recipe and without waiting for the disk."""

    def __init__(self, folder: Path, tell: Callable[[Event, Any], None]) -> None:
        """tell: called with an event and what belongs to it: nothing, or how much the newest preview changed."""
        self.folder, self.tell = folder, tell
        self.last_preview_at = -1.0
        self.last_picture: Image.Image | None = None

    def __call__(self, event: Event) -> None:
        """Show a step where half a second has passed since the last one shown."""
        if isinstance(event, Step):
            now = perf_counter()
            if now - self.last_preview_at >= SECONDS_BETWEEN_PREVIEWS:
                self.last_preview_at = now
                self.tell(event, self._show(event))
        elif isinstance(event, Started | Checkpointed | Finished):
            self.tell(event, None)

    def _show(self, event: Step) -> float | None:
        picture = to_picture(event.image())
        temporary = self.folder / f".{LIVE}"
        try:
            picture.save(temporary, "JPEG", quality=PREVIEW_QUALITY)
            os.replace(temporary, self.folder / LIVE)
        except OSError:  # a full disk: nobody needs a preview
            temporary.unlink(missing_ok=True)
        change = None if self.last_picture is None else difference(self.last_picture, picture)
        self.last_picture = picture
        return change


class KeptWatch:
    """Tells about checkpoints that are on the disk. Watchers hear of one before it is written: so at the next event."""

    def __init__(self, folder: Path, kept: Callable[[int], None]) -> None:
        self.folder, self.kept = folder, kept
        self.pending: int | None = None

    def __call__(self, event: Event) -> None:
        """Tell about the checkpoint before, where the run's record says that it was written."""
        pending, self.pending = self.pending, event.index if isinstance(event, Checkpointed) else None
        if pending is not None and runs.load_run(self.folder).steps_done == pending:
            self.kept(pending)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of one size, 0 to 1, looked at coarsely."""
    small = [picture.resize((32, 32), Image.Resampling.BOX).tobytes() for picture in (one, other)]
    total = sum(abs(a - b) for a, b in zip(small[0], small[1], strict=True))
    return total / len(small[0]) / 255.0


def draw(
    config: GenerateConfig,
    folder: Path,
    networks: Networks,
    *,
    rhythm: Rhythm,
    stop: Stop,
    begun: Callable[[Begun], None],
    tell: Callable[[Event, Any], None],
    kept: Callable[[int], None],
    say: Callable[[str], None],
    asked: Mapping[str, Any] | None = None,
) -> Outcome:
    """Make the picture in `folder`, or go on with it. Errors go to the caller: see code_of.

    asked: the config as it was asked for, where pictures that it names lie elsewhere on this machine: what the recipe
    says.
    """
    ensure_folder(folder)
    models, load_seconds = networks.get(config)
    run, is_new = _run_in(folder, config)
    recipe, began_at = make_recipe(config, models), perf_counter()
    recipe = recipe if asked is None else replace(recipe, config=GenerateConfig.from_dict(asked).to_dict())
    with hold_run(run, recipe) as run:
        notes: list[str] = []
        resume = usable_state(run, config, models, notes.append)

        def on_event(event: Event, change: Any) -> None:
            if isinstance(event, Started):
                begun(Begun(event.first_step, load_seconds, event.unknown_words, " ".join(notes)))
            else:
                tell(event, change)

        every = -(-config.steps // MOST_FRAMES)
        frames = FramesSink(run, every, durable=False, quality=FRAME_QUALITY)
        watchers: list[Sink] = [
            Watch(folder, on_event),
            KeptWatch(folder, kept),
            optional(frames, say, "its film will lack what is not written"),
        ]
        job = Job(
            config=config,
            models=models,
            run=run,
            recipe=recipe,
            beginning=Beginning(began_at=began_at, load_seconds=load_seconds),
            rhythm=rhythm,
            is_new=is_new,
            resume=resume,
            overwrite=True,
        )
        outcome = execute(job, watchers=watchers, say=say, stop=stop)
    if not outcome.is_interrupted:
        make_thumbnails(folder)
        (folder / LIVE).unlink(missing_ok=True)
    return outcome


def _run_in(folder: Path, config: GenerateConfig) -> tuple[Run, bool]:
    """The run in that folder as it was left, or a new one; and whether it is new."""
    if (folder / RECORD).is_file():
        try:
            return runs.load_run(folder), False
        except ValueError:
            pass  # a record that cannot be read: its run starts anew
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    facts: dict[str, Any] = {"prompt": config.prompt, "seed": config.seed, "steps": config.steps}
    return Run(folder=folder, status="running", created_at=created_at, **facts), True


def make_thumbnails(folder: Path) -> None:
    """Small JPEGs of the final picture for walls and cards: thumb-256.jpg, thumb-512.jpg."""
    source = folder / PICTURE_LARGE
    with Image.open(source if source.is_file() else folder / PICTURE) as picture:
        for side in THUMBNAIL_SIDES:
            small = picture.convert("RGB")
            small.thumbnail((side, side), Image.Resampling.LANCZOS)
            temporary = folder / f".thumb-{side}.jpg"
            small.save(temporary, "JPEG", quality=PREVIEW_QUALITY)
            os.replace(temporary, folder / f"thumb-{side}.jpg")


def code_of(error: BaseException) -> Code:
    """What kind of failure it is, for a server to act on."""
    told = getattr(error, "code", None)
    if told in CODES:
        return next(code for code in CODES if code == told)
    if any(isinstance(cause, OSError) and cause.errno in NO_ROOM for cause in causes(error)):
        return "disk_full"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "out of memory" in str(error):
        return "out_of_memory"
    if isinstance(error, RuntimeError) and "CUDA" in str(error):
        return "device_lost"
    if "not finite" in str(error):
        return "not_finite"
    if isinstance(error, UsageError):
        return "bad_request"
    return "weights_missing" if isinstance(error, NotReadyError) else "bug"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


def words_of(error: BaseException) -> str:
    """For the owner: the sentence of an error of ours, the kind and text of another."""
    return error.message if isinstance(error, RigError) else f"{type(error).__name__}: {error}"


def thriftier(config: GenerateConfig, models: Models) -> GenerateConfig | None:
    """The same picture in the least memory; None where it is drawn so already."""
    batch = 1 if models.checkpointed_memory_mib is None else max(1, config.cutouts // 4)
    twice = models.checkpointed_memory_mib is not None
    changed = replace(config, cut_batch=config.cut_batch or batch, checkpointed_decoding=twice)
    return None if changed == config else changed


def largest_width(config: GenerateConfig, models: Models, available_mib: float) -> int:
    """The largest width of this shape that fits into so much, drawn as thriftily as can be; 0 = none."""
    return memory.largest_size_that_fits(available_mib, thriftier(config, models) or config, models)
