"""Pictures on the way, kept in the run's folder so that a film can be made of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from dreamrig.paths import ensure_folder, write_atomic
from generator.events import Event, Finished, Step
from generator.pictures.png import to_picture
from generator.runs.folder import FRAMES, Run

if TYPE_CHECKING:
    from PIL import Image

JPEG_QUALITY = 95
FRAME_SUFFIXES = (".jpg", ".png")


class FramesSink:
    """Writes frames/<steps done>.jpg every so many steps, and the last picture of a run that is done."""

    def __init__(self, run: Run, every: int, *, durable: bool = True, quality: int = JPEG_QUALITY) -> None:
        """durable: False = a power cut may take the newest, and no step waits for the disk.   quality: of the JPEGs."""
        self.run, self.every, self.durable, self.quality = run, every, durable, quality

    def wants(self, event: Event) -> bool:
        """Whether this event brings a frame. The same ones, however often the run was interrupted."""
        if isinstance(event, Step):
            return event.index % self.every == 0
        return isinstance(event, Finished) and event.reason == "done"

    def __call__(self, event: Event) -> None:
        """Write, where this is a frame; NotReadyError where that fails."""
        if isinstance(event, Step | Finished) and self.wants(event):
            data = encode_jpeg(to_picture(event.image()), self.quality)
            write_atomic(frame_path(self.run, event.index, ".jpg"), data, durable=self.durable)


def frame_path(run: Run, index: int, suffix: str) -> Path:
    """The file of a frame; its folder is made where it is missing."""
    return ensure_folder(run.folder / FRAMES) / f"{index:06}{suffix}"


def frames_of(run: Run) -> list[Path]:
    """The frames that are there, in order."""
    folder = run.folder / FRAMES
    found = [path for path in folder.iterdir() if _is_frame(path)] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.stem))


def _is_frame(path: Path) -> bool:
    return path.suffix in FRAME_SUFFIXES and path.stem.isascii() and path.stem.isdigit()


def encode_jpeg(picture: Image.Image, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG in which, by itself, nothing is to be seen of its being one."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
