"""The picture on disk, with its recipe inside (generator.sinks.reading is the way back).

Three text chunks: `dreamrig` (iTXt, JSON: the recipe), `parameters` (the line that picture sites read, in the style of
AUTOMATIC1111's web UI), and XMP with the IPTC's word for "made by a trained model". No times: same run, same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from dreamrig import __version__
from dreamrig.errors import FailedError
from dreamrig.paths import write_atomic
from generator.events import Event, Finished, Preview
from generator.recipe import IMAGE_START, Recipe
from generator.runs import PICTURE, PICTURE_LARGE, PREVIEW, Run
from generator.sinks.reading import RECIPE_KEY
from generator.upscale import Enlarge

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

PARAMETERS_KEY, XMP_KEY = "parameters", "XML:com.adobe.xmp"
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
        picture, recipe = to_picture(event.image()), replace(self.recipe, steps_done=event.index)
        write_atomic(self.run.folder / PICTURE, encode_png(picture, recipe))
        if self.out is not None:
            from generator.sinks.formats import encode_picture  # late: it needs this module

            write_new(self.out, encode_picture(picture, recipe, self.out.suffix), overwrite=self.overwrite)


class LargePictureSink:
    """Writes the final picture enlarged, for people to look at."""

    def __init__(self, run: Run, recipe: Recipe, enlarge: Enlarge | None = None) -> None:
        """enlarge: the user's own way to do it; None = Lanczos."""
        self.run, self.recipe, self.enlarge = run, recipe, enlarge or enlarge_smoothly

    def __call__(self, event: Event) -> None:
        """Write on Finished; NotReadyError where that fails."""
        if isinstance(event, Finished):
            recipe = replace(self.recipe, steps_done=event.index)
            write_atomic(self.run.folder / PICTURE_LARGE, encode_png(self.enlarge(to_picture(event.image())), recipe))


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


def enlarge_smoothly(picture: Image.Image) -> Image.Image:
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
