"""The picture on disk, with its recipe inside (generator.pictures.reading is the way back).

Three text chunks: `dreamrig` (iTXt, JSON: the recipe), `parameters` (the line that picture sites read, in the style of
AUTOMATIC1111's web UI), and XMP with the IPTC's word for "made by a trained model". No times: same run, same bytes.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from dreamrig import __version__
from generator.pictures.reading import RECIPE_KEY
from generator.pictures.recipe import IMAGE_START, Recipe

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


def to_picture(image: Tensor) -> Image.Image:
    """(3, H, W) in [0, 1] -> an 8-bit RGB picture, W x H."""
    from PIL import Image

    pixels = (image.detach().clamp(0.0, 1.0) * 255.0).round().byte().permute(1, 2, 0).contiguous().cpu()
    return Image.fromarray(pixels.numpy(), mode=None)


def enlarge_smoothly(picture: Image.Image) -> Image.Image:
    """The picture for people to look at: 4 times as large, more where it is tiny, never beyond 4096 px a side."""
    from PIL import Image

    return picture.resize(_large_size(picture), Image.Resampling.LANCZOS)


def enlarge_sharply(picture: Image.Image) -> Image.Image:
    """As large as enlarge_smoothly makes it, without a colour that was not there: for pixel art."""
    from PIL import Image

    return picture.resize(_large_size(picture), Image.Resampling.NEAREST)


def _large_size(picture: Image.Image) -> tuple[int, int]:
    wanted = max(ENLARGEMENT, -(-SMALLEST_LARGE_SIDE // min(picture.size)))
    times = max(1, min(wanted, LARGEST_LARGE_SIDE // max(picture.size)))
    return picture.width * times, picture.height * times


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
