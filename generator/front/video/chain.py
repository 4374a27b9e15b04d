"""The runs of a film, one a frame, each from the picture before. Importing this module imports torch.

A frame on disk is all there is to know for the next one, so a film that was killed goes on where it was, to the same
bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from dreamrig.errors import UsageError
from dreamrig.paths import write_atomic
from generator.config import GenerateConfig
from generator.engine import loop as engine
from generator.events import Finished
from generator.front.video.encode import read_frame
from generator.front.video.movement import move
from generator.front.video.pictures import read_pictures
from generator.front.video.source import SourceFilm, read_frames
from generator.front.video.spec import FilmSpec, parse_rate
from generator.models.base import Models
from generator.pictures.png import to_picture
from generator.runs.folder import Run
from generator.sinks.frames import frame_path, frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence

START = "start.png"
OnFrame = Callable[[int, Image.Image], None]


@dataclass(frozen=True)
class Chain:
    """A film in its folder, and all that its frames need."""

    run: Run
    config: GenerateConfig
    """Of the first frame."""
    spec: FilmSpec
    models: Models
    source: SourceFilm | None = None
    """What is painted anew; None = a film out of nothing."""

    def make(
        self, should_stop: Callable[[], bool], on_frame: OnFrame, clock: Callable[[], float] = perf_counter
    ) -> int:
        """Make the frames that are missing; returns how many there are, all of them unless it was stopped.

        on_frame: called with the number of frames done and the newest picture, once that is on disk.
        """
        done = len(whole_frames(self.run))
        before = None if not done else read_frame(frame_path(self.run, done - 1, ".png"))
        sources = self._sources(done)
        for index in range(done, self.spec.frames):
            start = None if should_stop() else self._start(index, before, next(sources))
            picture = None if should_stop() else self._draw(index, start, should_stop)
            if picture is None:
                return index
            write_atomic(frame_path(self.run, index, ".png"), encode(picture))
            on_frame(index + 1, picture)
            before = picture
        with suppress(OSError):
            (self.run.folder / START).unlink(missing_ok=True)
        return self.spec.frames

    def _sources(self, first: int) -> Iterator[Image.Image | None]:
        """The pictures to paint anew from frame `first` on; None for each where there are none."""
        if self.source is not None:
            read = read_pictures if self.source.pictures else read_frames
            yield from read(self.source, parse_rate(self.spec.rate), self.spec.frames, first)
        while True:
            yield None

    def _start(self, index: int, before: Image.Image | None, source: Image.Image | None) -> Image.Image | None:
        """What a frame's run starts from; None = as the settings say."""
        if self.source is not None:
            return self._blend(index, before, source)
        if before is None:
            return None
        movement = self.spec.to_movement()
        return move(before, movement.at(index), movement.border)

    def _blend(self, index: int, before: Image.Image | None, source: Image.Image | None) -> Image.Image:
        """The source's picture in our size, with the share of the frame before that keeps it from flickering."""
        if source is None:
            raise UsageError(f"The film to paint anew ends before frame {index}.", hint="was the file changed?")
        fitted = ImageOps.fit(source.convert("RGB"), (self.config.width, self.config.height), Image.Resampling.LANCZOS)
        if before is None or not self.spec.smoothing:
            return fitted
        return Image.blend(fitted, before, self.spec.smoothing)

    def _draw(self, index: int, start: Image.Image | None, should_stop: Callable[[], bool]) -> Image.Image | None:
        """One frame; None where the run was stopped on the way."""
        path = self.run.folder / START
        if start is not None:
            write_atomic(path, encode(start))
        config = self.spec.config_at(self.config, index, None if start is None else str(path))
        picture: Image.Image | None = None
        for event in engine.generate(config, self.models, should_stop=should_stop, run_id=self.run.id):
            if isinstance(event, Finished) and event.reason == "done":
                picture = to_picture(event.image())
        return picture


def whole_frames(run: Run) -> Sequence[Path]:
    """The frames from the first one to the last before a gap."""
    numbered = [path for path in frames_of(run) if path.suffix == ".png"]
    return [path for index, path in enumerate(numbered) if int(path.stem) == index]


def encode(picture: Image.Image) -> bytes:
    """A PNG without anything but the picture."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
