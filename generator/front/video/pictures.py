"""A folder of pictures as the frames of a film: which, in which order, and that all of them can be read. No torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dreamrig.errors import UsageError
from generator.front.video.source import LARGEST_PIXELS, SourceFilm, sha256_of
from generator.front.video.spec import DEFAULT_RATE, MOST_FRAMES, parse_rate

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ORIENTATION, UPRIGHT = 0x0112, 1
"""The tag of EXIF that says how the camera was held, and its usual value."""
NUMBERS = re.compile(r"([0-9]+)")
Size = tuple[int, int]
"""Width and height in pixels."""


def natural(path: Path) -> tuple[object, ...]:
    """What sorts frame9 before frame10; names that differ in leading zeros or capitals alone keep one order."""
    parts = NUMBERS.split(path.name.lower())
    return (*[(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts], path.name)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order. Hidden files, folders and other kinds of files are passed over.

    UsageError where there are none, or too many, or one is a link to somewhere outside.
    """
    try:
        found = [path for path in folder.iterdir() if _is_picture(path)]
    except OSError as error:
        raise UsageError(f"Cannot read {folder}: {error.strerror}.", hint="give a folder of pictures") from error
    if not found:
        kinds = ", ".join(SUFFIXES)
        raise UsageError(f"There are no pictures in {folder}.", hint=f"pictures are files that end in {kinds}")
    if len(found) > MOST_FRAMES:
        raise UsageError(f"There are {len(found):,} pictures in {folder}.", hint=f"use {MOST_FRAMES:,} at most")
    inside = folder.resolve()
    for path in found:
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            raise UsageError(f"{path} is a link out of the folder.", hint=f"copy the picture there: cp -L {path} …")
    return sorted(found, key=natural)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and (path.is_symlink() or path.is_file())


def read_upright(path: Path) -> Image.Image:
    """A picture in RGB as it is shown; UsageError naming the file where it cannot be read whole."""
    from generator.pictures.opening import open_picture

    picture = open_picture(str(path.absolute()), "RGB")
    if picture.width * picture.height > LARGEST_PIXELS:
        raise UsageError(
            f"The picture {path} is too large: {picture.width}x{picture.height}.", hint="scale it down first"
        )
    return picture


def sizes_of(pictures: Sequence[Path]) -> list[Size]:
    """Every picture's size, each read whole: a broken one is found before anything is made of the others."""
    return [read_upright(path).size for path in pictures]


def probe_folder(folder: Path, rate: str | None) -> SourceFilm:
    """A folder as a film to paint anew, its pictures as many a second as asked for; UsageError where one is broken."""
    pictures, pace = pictures_in(folder), parse_rate(rate or DEFAULT_RATE)
    width, height = sizes_of(pictures)[0]
    return SourceFilm(
        path=folder,
        width=width,
        height=height,
        rate=pace,
        starts_at=0.0,
        seconds=float(len(pictures) / pace),
        has_audio=False,
        pictures=tuple(pictures),
    )


def read_pictures(film: SourceFilm, rate: Fraction, count: int, first: int = 0) -> Iterator[Image.Image]:
    """Pictures `first` to `count` - 1 at times index / rate: each the last one that is shown by then."""
    for index in range(first, count):
        at = int(index * film.rate / rate)
        yield read_upright(film.pictures[min(at, len(film.pictures) - 1)])


def digest_of_folder(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's pictures, in their order."""
    digest = hashlib.sha256()
    for path in pictures_in(folder):
        digest.update(f"{sha256_of(path)}  {path.name}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def prepare(pictures: Sequence[Path], folder: Path, *, fits: bool) -> list[Path]:
    """The pictures as frames of one even size, that of the first; those that are not so are written anew to `folder`.

    fits: whether pictures of another shape are filled into it, their edges cut; else UsageError for the first of them.
    """
    from PIL import Image, ImageOps

    sizes = sizes_of(pictures)
    width, height = even = (max(2, sizes[0][0] // 2 * 2), max(2, sizes[0][1] // 2 * 2))
    frames = []
    for index, (path, size) in enumerate(zip(pictures, sizes, strict=True)):
        if size != sizes[0] and not fits:
            raise UsageError(
                f"{path.name} is {size[0]}x{size[1]}, and {pictures[0].name} {sizes[0][0]}x{sizes[0][1]}.",
                hint="--fit fills every picture into the size of the first, its edges cut",
            )
        if size == even and _is_as_shown(path):
            frames.append(path)
            continue
        frames.append(folder / f"{index:08}.png")
        ImageOps.fit(read_upright(path), (width, height), Image.Resampling.LANCZOS).save(frames[-1])
    return frames


def _is_as_shown(path: Path) -> bool:
    """Whether the file's own pixels are what is seen: upright, in 8 bits a colour, nothing transparent."""
    from PIL import Image

    with Image.open(path) as opened:
        is_plain = opened.mode in ("L", "RGB") and not opened.has_transparency_data
        return is_plain and opened.getexif().get(ORIENTATION, UPRIGHT) == UPRIGHT
