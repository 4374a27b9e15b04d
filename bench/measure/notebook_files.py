"""What the notebook of Adafruit's guide wrote at every step, so that timing it includes what people timed.

Its cell saved the picture as a PNG, opened it again and hid the settings as JSON in the lowest bits of the pixels,
saved that, then rewrote the file with an XMP packet: two PNG encodings, a decoding and a rewrite at each step, with the
picture fetched from the device. The same work is done here, with Pillow and numpy.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from generator.config import GenerateConfig

if TYPE_CHECKING:
    from torch import Tensor

SIGNATURE_AND_HEADER_BYTES = 8 + 25
"""Of a PNG: what stands before the first chunk that may be put in."""
XMP_KEYWORD = b"XML:com.adobe.xmp"
XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF \
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" \
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:source>{source}</dc:source>\
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


class NotebookFiles:
    """Writes steps/NNNN.png into a folder, as the notebook did."""

    def __init__(self, folder: Path, config: GenerateConfig) -> None:
        self.folder, self.config = folder, config

    def __call__(self, index: int, picture: Tensor) -> Path:
        """Write the picture (3, H, W) of step `index`; returns the file."""
        path = self.folder / f"{index:04}.png"
        pixels = (picture.clamp(0, 1) * 255).byte().permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(path)
        with Image.open(path) as opened:
            hidden = hide(np.asarray(opened), self._settings(index))
        Image.fromarray(hidden).save(path)
        path.write_bytes(with_xmp(path.read_bytes(), self.config.prompt, self._settings(index)))
        return path

    def _settings(self, index: int) -> str:
        config = self.config
        settings = {"title": config.prompt, "notebook": "VQGAN+CLIP", "i": index, "model": config.model}
        return json.dumps({**settings, "seed": str(config.seed), "input_images": ""})


def hide(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Pixels (H, W, 3) with the length and the letters of a text in the lowest bits, one bit per value."""
    data = text.encode()
    bits = np.unpackbits(np.frombuffer(struct.pack(">I", len(data)) + data, dtype=np.uint8))
    flat = pixels.copy().reshape(-1)
    room = min(len(bits), len(flat))
    flat[:room] = (flat[:room] & 0xFE) | bits[:room]
    return flat.reshape(pixels.shape)


def reveal(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """The text that `hide` put there."""
    bits = pixels.reshape(-1) & 1
    (length,) = struct.unpack(">I", np.packbits(bits[:32]).tobytes())
    return np.packbits(bits[32 : 32 + 8 * length]).tobytes().decode()


def with_xmp(png: bytes, title: str, source: str) -> bytes:
    """A PNG with an XMP packet, put behind its header."""
    packet = XMP.format(title=_escaped(title), source=_escaped(source)).encode()
    body = b"iTXt" + XMP_KEYWORD + bytes(5) + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = io.BytesIO()
    whole.write(png[:SIGNATURE_AND_HEADER_BYTES])
    whole.write(chunk)
    whole.write(png[SIGNATURE_AND_HEADER_BYTES:])
    return whole.getvalue()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
