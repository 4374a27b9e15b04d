"""What the tensors of networks look like that are not ours to compute: Real-ESRGAN's, and LAION's linear heads.

For whoever has a strange file to compare with them. The names: XPixelGroup/BasicSR, basicsr/archs/rrdbnet_arch.py;
xinntao/Real-ESRGAN, realesrgan/archs/srvgg_arch.py; LAION-AI/aesthetic-predictor. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.models.clip_sizes import ARCHITECTURES, count
from generator.models.names import HEADS
from generator.weights.convert import Misfit, Shape

FIRST_OF_LARGE, FIRST_OF_COMPACT = "conv_first.weight", "body.0.weight"
READS: Mapping[str, tuple[str, int]] = {
    "realesrgan-x4plus": (FIRST_OF_LARGE, 3),
    "realesrgan-x2plus": (FIRST_OF_LARGE, 12),  # squares of 2x2 pixels
    "realesr-general-x4v3": (FIRST_OF_COMPACT, 3),
}
"""The first convolution of a published upscaler, and how many channels it reads."""


def upscaler_shapes(shapes: Mapping[str, Shape], name: str) -> dict[str, Shape]:
    """The shapes of all tensors of the upscaler of Real-ESRGAN with these; Misfit where they are of something else.

    name: of the published one that it is said to be, any other = whichever.
    """
    first = next((mark for mark in (FIRST_OF_LARGE, FIRST_OF_COMPACT) if mark in shapes), "")
    if len(shapes.get(first, ())) != 4:
        raise Misfit(f"is no upscaler of Real-ESRGAN: it lacks {FIRST_OF_LARGE} and {FIRST_OF_COMPACT}")
    if READS.get(name, (first, shapes[first][1])) != (first, shapes[first][1]):
        raise Misfit(f"is another upscaler than {name}: its first layer is {first}, reading {shapes[first][1]} numbers")
    return _large(shapes) if first == FIRST_OF_LARGE else _compact(shapes)


def _large(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """RRDBNet: dense blocks, three in each of a row of blocks."""
    width, reads = shapes[FIRST_OF_LARGE][:2]
    grown = shapes["body.0.rdb1.conv1.weight"][0]
    found = _convolution("conv_first", reads, width) | _convolution("conv_last", width, 3)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        found |= _convolution(name, width, width)
    for block in range(count(shapes, "body.")):
        for dense in (1, 2, 3):
            for number in range(5):
                name = f"body.{block}.rdb{dense}.conv{number + 1}"
                found |= _convolution(name, width + number * grown, grown if number < 4 else width)
    return found


def _compact(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """SRVGGNetCompact: a row of convolutions, PReLUs between them that have numbers too."""
    width, reads = shapes[FIRST_OF_COMPACT][:2]
    last = 2 * (count(shapes, "body.") // 2)
    found = _convolution("body.0", reads, width)
    for place in range(2, last, 2):
        found |= _convolution(f"body.{place}", width, width)
    for place in range(1, last, 2):
        found[f"body.{place}.weight"] = (width,)
    return found | _convolution(f"body.{last}", width, shapes[f"body.{last}.weight"][0])


def _convolution(name: str, reads: int, gives: int) -> dict[str, Shape]:
    return {f"{name}.weight": (gives, reads, 3, 3), f"{name}.bias": (gives,)}


def head_shapes(shapes: Mapping[str, Shape], name: str) -> dict[str, Shape]:
    """The shapes of both tensors of a linear head; Misfit where these are of something else, or of another CLIP's.

    name: of the published head that it is said to be, any other = whichever.
    """
    weight = shapes.get("weight", ())
    if len(weight) != 2 or weight[0] != 1 or shapes.get("bias") != (1,):
        raise Misfit("is no linear head: it lacks one row of weights, and one bias")
    guide = next((guide for guide, head in HEADS.items() if head == name), None)
    if guide is not None and weight[1] != ARCHITECTURES[guide].width:
        raise Misfit(f"is the head of another CLIP than {guide}: it reads {weight[1]} numbers")
    return {"weight": weight, "bias": (1,)}
