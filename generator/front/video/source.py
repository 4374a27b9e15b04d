"""A film to paint anew: what it is, and its pictures at even distances in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig.errors import UsageError
from generator.front.video.encode import MOST_RATE, require_av
from generator.weights import registry

if TYPE_CHECKING:
    from PIL import Image

LARGEST_PIXELS = 8192 * 8192


@dataclass(frozen=True)
class SourceFilm:
    """What is to be known about a film before its pictures are wanted."""

    path: Path
    width: int
    """Pixels as shown: a film from a telephone held upright is higher than wide."""
    height: int
    rate: Fraction
    """Frames per second, on average."""
    starts_at: float
    """Time of the first picture, seconds."""
    seconds: float
    """From the first picture to the end of the last."""
    has_audio: bool
    pictures: tuple[Path, ...] = ()
    """Where it is a folder of pictures: those, in their order."""

    def frames_at(self, rate: Fraction, seconds: float | None = None) -> int:
        """How many pictures the film has at another rate; of its first `seconds` where those are given."""
        length = self.seconds if seconds is None else min(self.seconds, seconds)
        return max(1, int(length * rate + Fraction(1, 1000)))


def probe_film(path: Path) -> SourceFilm:
    """Read a film's facts; UsageError for what is no film, or has no picture."""
    with _opened(path) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, 1000)
        times = sorted(packet.pts * base for packet in container.demux(stream) if packet.pts is not None)
    if not times:
        raise _no_film(path, "it has no picture")
    rate = _rate(stream, times)
    with _opened(path) as container:
        first = _first_picture(container, path)
        return SourceFilm(
            path=path,
            width=first.width,
            height=first.height,
            rate=rate,
            starts_at=float(times[0]),
            seconds=float(times[-1] - times[0] + 1 / rate),
            has_audio=bool(container.streams.audio),
        )


def _rate(stream: Any, times: list[Fraction]) -> Fraction:
    """From the times themselves where there are several: headers are often wrong."""
    span = times[-1] - times[0]
    rate = Fraction(len(times) - 1) / span if span > 0 else Fraction(stream.average_rate or 25)
    return min(max(rate, Fraction(1, 10)), Fraction(MOST_RATE)).limit_denominator(1001)


def _first_picture(container: Any, path: Path) -> Image.Image:
    frame = next(container.decode(video=0), None)
    if frame is None:
        raise _no_film(path, "none of its pictures can be read")
    if frame.width * frame.height > LARGEST_PIXELS:
        raise _no_film(path, f"its pictures are {frame.width}x{frame.height}")
    return _upright(frame)


def read_frames(film: SourceFilm, rate: Fraction, count: int, first: int = 0) -> Iterator[Image.Image]:
    """Pictures `first` to `count` - 1 at times index / rate: each the last one that is shown by then."""
    index, shown = first, None
    with _opened(film.path) as container:
        for frame in container.decode(video=0):
            if frame.pts is None:
                continue
            time = float(frame.pts * frame.time_base) - film.starts_at
            while shown is not None and index < count and index / rate < time - 1e-6:
                yield _upright(shown)
                index += 1
            if index >= count:
                return
            shown = frame
    while shown is not None and index < count:
        yield _upright(shown)
        index += 1


def _upright(frame: Any) -> Image.Image:
    """The frame as it is to be shown."""
    image: Image.Image = frame.to_image()
    return image.rotate(frame.rotation, expand=True) if frame.rotation % 360 else image


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    av = require_av()
    try:
        # No other file and no network, whatever a playlist inside says.
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            if not container.streams.video:
                raise _no_film(path, "it has no picture")
            yield container
    except (av.FFmpegError, OSError) as error:
        raise _no_film(path, error.strerror or str(error)) from error


def _no_film(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is no film that can be read: {why}.", hint="give an MP4, WebM, MOV, MKV or GIF file")


def sha256_of(path: Path) -> str:
    """The file's sha256, in hexadecimal digits; UsageError where it cannot be read."""
    try:
        return registry.sha256_of(path)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint="give the path of a film") from error
