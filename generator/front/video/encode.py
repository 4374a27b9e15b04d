"""Frames to a film: MP4 (H.264) or animated WebP, through PyAV. A film is written whole or not at all."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig import extras
from dreamrig.errors import FailedError, NotReadyError, UsageError
from dreamrig.paths import explain_write_failure, whole_file

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from PIL import Image

    from generator.front.video.audio import AudioFeed

FILM_SUFFIXES = (".mp4", ".webp")
DEFAULT_CRF = 17
MOST_RATE = 120
WEBP_QUALITY = "90"
OUR_MATRIX, OUR_RANGE = 1, 1
"""ITU-R BT.709 (also its primaries and transfer), limited range: what players assume."""

DISK_TROUBLES = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
)

Tick = Callable[[int], None]
"""Called with the number of frames done."""


@dataclass(frozen=True, kw_only=True)
class FilmFormat:
    """How frames become a film."""

    rate: Fraction
    """Frames per second."""
    crf: int = DEFAULT_CRF
    """H.264's constant rate factor: 0 = lossless, 17 = hardly to be told apart, 51 = worst."""
    hold_frames: int = 0
    """How often the last frame is repeated."""
    loop: bool = True
    """Whether a WebP begins again."""


def require_av() -> Any:
    """The module `av`, through `./rig` installed on first use; NotReadyError where it is missing or damaged."""
    extras.bring("video")
    try:
        import av
    except ImportError as error:
        raise NotReadyError(
            f"Films need the Python package av: {error}.",
            hint=f"run: {extras.pip_command('--force-reinstall', *extras.EXTRAS['video'].requirements)}",
        ) from error
    return av


def check_suffix(path: Path) -> None:
    """UsageError where no film can be written under this name."""
    if path.suffix.lower() not in FILM_SUFFIXES:
        raise UsageError(f"{path.name}: a film is an MP4 or a WebP file.", hint=f"name it {path.stem}.mp4")


def write_film(
    path: Path,
    frames: Sequence[Path],
    film: FilmFormat,
    *,
    comment: dict[str, Any] | None,
    metadata: tuple[bytes, bytes] | None,
    audio: AudioFeed | None = None,
    tick: Tick | None = None,
) -> None:
    """Encode the frames, all of the first one's size.

    comment: what an MP4 carries as JSON.   metadata: EXIF block and XMP packet for a WebP; None = nothing, where nobody
    knows how the frames were made.   tick: for a progress bar.
    NotReadyError where it cannot be written, UsageError where a frame is damaged.
    """
    check_suffix(path)
    with _explained(path), whole_file(path) as temporary:
        if path.suffix.lower() == ".mp4":
            _write_mp4(temporary, frames, film, comment, audio, tick)
        else:
            _write_webp(temporary, frames, film, metadata, tick)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of the library as errors with a next step."""
    av = require_av()
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in DISK_TROUBLES:
            raise explain_write_failure(path, OSError(error.errno, error.strerror)) from error
        raise FailedError(
            f"Writing the film {path} failed: {error.strerror}.", hint="use another size or format"
        ) from error


def _write_mp4(
    path: Path,
    frames: Sequence[Path],
    film: FilmFormat,
    comment: dict[str, Any] | None,
    audio: AudioFeed | None,
    tick: Tick | None,
) -> None:
    av = require_av()
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        if comment is not None:
            container.metadata["comment"] = json.dumps(comment, ensure_ascii=False, sort_keys=True)
        stream = _h264_stream(container, frames[0], film)
        if audio is not None:
            audio.attach(container)
        for index, image in enumerate(_images(frames, film, tick)):
            if audio is not None:
                audio.feed(float(index / film.rate))
            for packet in stream.encode(_frame(image, index, film)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
        if audio is not None:
            audio.feed(float((len(frames) + film.hold_frames) / film.rate), is_last=True)


def _h264_stream(container: OutputContainer, first: Path, film: FilmFormat) -> VideoStream:
    size = _size(first)
    # Two threads: equal bytes on machines with more cores, and no hundred buffers of large frames. x264's macroblock
    # tree reads memory that nobody wrote: with it the same frames gave other bytes from one process to the next.
    options = {"crf": str(film.crf), "preset": "slow", "threads": "2", "mbtree": "0"}
    stream = container.add_stream("libx264", rate=film.rate, options=options)
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = OUR_MATRIX
    context.color_range = OUR_RANGE
    context.time_base = 1 / film.rate
    return stream


def _frame(image: Any, index: int, film: FilmFormat) -> Any:
    """A picture as a frame in the film's own colours."""
    av = require_av()
    frame = av.VideoFrame.from_image(image).reformat(
        format="yuv420p", dst_colorspace=OUR_MATRIX, dst_color_range=OUR_RANGE
    )
    frame.pts, frame.time_base = index, 1 / film.rate
    return frame


def _write_webp(
    path: Path, frames: Sequence[Path], film: FilmFormat, metadata: tuple[bytes, bytes] | None, tick: Tick | None
) -> None:
    from generator.pictures.containers import add_metadata_to_webp

    av = require_av()
    with av.open(str(path), "w", format="webp", options={"loop": "0" if film.loop else "1"}) as container:
        options = {"quality": WEBP_QUALITY, "compression_level": "4"}
        stream = container.add_stream("libwebp_anim", rate=film.rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *_size(frames[0]), "bgra"
        for index, image in enumerate(_images(frames, film, tick)):
            frame = av.VideoFrame.from_image(image).reformat(format="bgra")
            frame.pts, frame.time_base = index, 1 / film.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if metadata is not None:
        path.write_bytes(add_metadata_to_webp(path.read_bytes(), *metadata))


def _size(frame: Path) -> tuple[int, int]:
    size: tuple[int, int] = read_frame(frame).size
    return size


def _images(frames: Sequence[Path], film: FilmFormat, tick: Tick | None) -> Iterator[Any]:
    """The frames' pictures, the last one as often as it is held."""
    size = _size(frames[0])
    for index, path in enumerate([*frames, *[frames[-1]] * film.hold_frames]):
        image = read_frame(path)
        if image.size != size:
            raise UsageError(
                f"The frame {path} is {image.width}x{image.height}, not {size[0]}x{size[1]}.", hint="make it anew"
            )
        yield image
        if tick is not None:
            tick(index + 1)


def read_frame(path: Path) -> Image.Image:
    """A frame's picture; UsageError where it is damaged."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise UsageError(f"The frame {path} cannot be read: {error}.", hint=f"remove it: rm {path}") from error
