"""The picture on disk, with its recipe inside; and the way back from a picture to its recipe.

Three text chunks: `dreamrig` (iTXt, JSON: the recipe), `parameters` (the line that picture sites read, in the style of
AUTOMATIC1111's web UI), and XMP with the IPTC's word for "made by a trained model". No times: same run, same bytes.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.sax.saxutils import quoteattr

from dreamrig import __version__
from dreamrig.errors import FailedError, UsageError
from dreamrig.paths import write_atomic
from generator.events import Event, Finished, Preview
from generator.recipe import IMAGE_START, Recipe
from generator.runs import PICTURE, PICTURE_LARGE, PREVIEW, Run

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

RECIPE_KEY, PARAMETERS_KEY, XMP_KEY = "dreamrig", "parameters", "XML:com.adobe.xmp"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_RECIPE_BYTES = 1024 * 1024
MOST_CHUNKS = 4096
ENLARGEMENT = 4
SMALLEST_LARGE_SIDE = 512
LARGEST_LARGE_SIDE = 4096
# Controlled vocabulary of the IPTC; the second one where a person's picture was the start.
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MADE, MADE_FROM_IMAGE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
XMP_TEMPLATE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool={tool}
 Iptc4xmpExt:AISystemUsed={system}
 Iptc4xmpExt:DigitalSourceType={source}/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class PictureSink:
    """Writes the final picture into the run folder, and to `out` where that is given."""

    def __init__(self, run: Run, recipe: Recipe, out: Path | None = None, overwrite: bool = False) -> None:
        self.run, self.recipe, self.out, self.overwrite = run, recipe, out, overwrite

    def __call__(self, event: Event) -> None:
        """Write on Finished; NotReadyError where that fails."""
        if not isinstance(event, Finished):
            return
        (self.run.folder / PREVIEW).unlink(missing_ok=True)  # first, so that on a full disk its room is free again
        data = encode_png(to_picture(event.image()), replace(self.recipe, steps_done=event.index))
        write_atomic(self.run.folder / PICTURE, data)
        if self.out is not None:
            write_new(self.out, data, overwrite=self.overwrite)


class LargePictureSink:
    """Writes the final picture enlarged, for people to look at."""

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self.run, self.recipe = run, recipe

    def __call__(self, event: Event) -> None:
        """Write on Finished; NotReadyError where that fails."""
        if isinstance(event, Finished):
            recipe = replace(self.recipe, steps_done=event.index)
            write_atomic(self.run.folder / PICTURE_LARGE, encode_png(enlarge(to_picture(event.image())), recipe))


def preview_sink(run: Run, recipe: Recipe) -> Callable[[Event], None]:
    """A sink that keeps preview.png up to date, for whoever looks into the folder of a run that goes on."""

    def listen(event: Event) -> None:
        if isinstance(event, Preview):
            made = replace(recipe, steps_done=event.index)
            write_atomic(run.folder / PREVIEW, encode_png(to_picture(event.image()), made))

    return listen


def write_new(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a picture the user asked for by name; a file that appeared meanwhile is not overwritten unasked."""
    if path.exists() and not overwrite:
        raise FailedError(f"{path} exists by now.", hint="the picture is in the run's folder: dreamrig history")
    write_atomic(path, data)


def to_picture(image: Tensor) -> Image.Image:
    """(3, H, W) in [0, 1] -> an 8-bit RGB picture, W x H."""
    from PIL import Image

    pixels = (image.detach().clamp(0.0, 1.0) * 255.0).round().byte().permute(1, 2, 0).contiguous().cpu()
    return Image.fromarray(pixels.numpy(), mode=None)


def enlarge(picture: Image.Image) -> Image.Image:
    """The picture for people to look at: 4 times as large, more where it is tiny, never beyond 4096 px a side."""
    from PIL import Image

    wanted = max(ENLARGEMENT, -(-SMALLEST_LARGE_SIDE // min(picture.size)))
    times = max(1, min(wanted, LARGEST_LARGE_SIDE // max(picture.size)))
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.LANCZOS)


def encode_png(picture: Image.Image, recipe: Recipe) -> bytes:
    """The bytes of a PNG that carries the public part of the recipe."""
    from PIL.PngImagePlugin import PngInfo

    public = recipe.public()
    chunks = PngInfo()
    chunks.add_text(PARAMETERS_KEY, render_parameters(public))  # tEXt, or iTXt where it is not Latin-1
    chunks.add_itxt(RECIPE_KEY, json.dumps(public.to_dict(), ensure_ascii=False, sort_keys=True))
    chunks.add_itxt(XMP_KEY, render_xmp(public))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def render_parameters(recipe: Recipe) -> str:
    """The two lines that readers of AUTOMATIC1111's pictures understand."""
    config = recipe.config
    facts = {
        "Steps": config.get("steps") if recipe.steps_done is None else recipe.steps_done,
        "Sampler": "VQGAN+CLIP Adam",
        "CFG scale": 1,
        "Seed": config.get("seed"),
        "Size": f"{config.get('width')}x{config.get('height')}",
        "Model": f"dreamrig-{recipe.weights.get('name') or config.get('model')}",
        "Version": recipe.tool,
    }
    return f"{config.get('prompt', '')}\n" + ", ".join(f"{key}: {value}" for key, value in facts.items())


def render_xmp(recipe: Recipe) -> str:
    """The XMP packet: made by a trained model, with this tool. The prompt is not in it."""
    source = SOURCE_TYPES + (MADE_FROM_IMAGE if recipe.config.get("start") == IMAGE_START else MADE)
    system = f"dreamrig {__version__} VQGAN+CLIP"
    return XMP_TEMPLATE.format(tool=quoteattr(recipe.tool), system=quoteattr(system), source=quoteattr(source))


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a picture; UsageError, in words, for anything that is not a picture of ours.

    A picture may come from a stranger: sizes and counts are bounded, no pixel is decoded, nothing it names is opened.
    """
    try:
        with path.open("rb") as file:
            text = _find_recipe(file, path)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint="give a picture that dreamrig made") from error
    try:
        facts = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(facts, dict):
        raise _damaged(path)
    return Recipe.from_dict(facts)


def _find_recipe(file: BinaryIO, path: Path) -> str:
    for kind, data in _text_chunks(file, path):
        key, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and key == RECIPE_KEY.encode():
            return _international_text(rest, path)
    raise UsageError(
        f"{path} carries no dreamrig recipe.",
        hint="some sites and programs remove it; use the file as dreamrig wrote it",
    )


def _text_chunks(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(kind, data) of the small text chunks of a PNG, in order; the others are skipped unread."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise UsageError(f"{path} is not a PNG picture.", hint="give a picture that dreamrig made")
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind != b"iTXt" or length > LARGEST_RECIPE_BYTES:
            file.seek(length + 4, io.SEEK_CUR)
            continue
        data, checksum = file.read(length), file.read(4)
        if checksum != zlib.crc32(kind + data).to_bytes(4, "big"):
            raise _damaged(path)
        yield kind, data


def _international_text(rest: bytes, path: Path) -> str:
    """The text of an iTXt chunk, after its key: compression flag and method, language, translated key, text."""
    if len(rest) < 2:
        raise _damaged(path)
    _, _, rest_of_language = rest[2:].partition(b"\0")
    _, _, text = rest_of_language.partition(b"\0")
    try:
        return (_inflate(text) if rest[0] else text).decode("utf-8")
    except (UnicodeDecodeError, zlib.error):
        raise _damaged(path) from None


def _inflate(data: bytes) -> bytes:
    """Decompressed bytes, at most LARGEST_RECIPE_BYTES of them: a small chunk may unfold to gigabytes."""
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, LARGEST_RECIPE_BYTES)
    if not inflater.eof:
        raise zlib.error("too large or cut off")
    return text


def _damaged(path: Path) -> UsageError:
    return UsageError(f"The recipe in {path} is damaged.", hint="use another copy of the picture, or the run's folder")


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON
