"""Pictures for somebody to name who has seen nothing else, and the key to compare the answers with.

`python -m generator.starter.making.library.eyes --work FOLDER --set NAME` types 40 prompts with things drawn at random,
draws each as `dreamrig generate` would with seed 1, and writes numbered sheets of ten into FOLDER, the key beside them.
Each NAME has prompts of its own: who has read a key needs another one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from generator.models.starter import load_starter
from generator.starter.lexicon import Lexicon, lexicon
from generator.starter.making.evaluate import drawn
from generator.starter.making.library.drawings import open_drawings
from generator.starter.making.library.packages import JUDGES
from generator.starter.making.library.typed import Typed, held_out

COLUMNS, ON_A_SHEET, GAP, LINE = 5, 10, 10, 20


def to_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in [0, 1] -> (H, W, 3)."""
    return np.asarray((picture * 255).round().byte().movedim(0, -1).numpy())


def numbered(pictures: Sequence[NDArray[np.uint8]], first: int) -> Image.Image:
    """A sheet of pictures with their numbers, the first one's given, above them."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + GAP), rows * (height + LINE + GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    for at, picture in enumerate(pictures):
        left, top = at % COLUMNS * (width + GAP), at // COLUMNS * (height + LINE + GAP)
        pen.text((left + GAP // 2, top), str(first + at), fill="black")
        sheet.paste(Image.fromarray(picture), (left + GAP // 2, top + LINE))
    return sheet


def key_of(prompts: Sequence[Typed], known: Lexicon) -> list[dict[str, object]]:
    """Number, prompt and the names of the things it asks for, the main one first."""
    names = {thing.number: thing.name for thing in known.things}
    return [
        {"number": number, "prompt": one.text, "things": [names[thing] for thing in one.things]}
        for number, one in enumerate(prompts, 1)
    ]


def main() -> None:
    """Draw the sheets and write the key."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--set", required=True, help="any name; each has prompts of its own")
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    judged = open_drawings(options.work / "packages", options.work / "judge-drawings", JUDGES)
    prompts = held_out(options.set, lexicon(), set(judged.things.tolist()), options.count)
    models = load_starter()
    pictures = [to_bytes(drawn(one.text, models, {"seed": 1})) for one in prompts]
    for first in range(0, len(pictures), ON_A_SHEET):
        name = f"{options.set}-{first // ON_A_SHEET + 1}.png"
        numbered(pictures[first : first + ON_A_SHEET], first + 1).save(options.work / name)
    (options.work / f"{options.set}-key.json").write_text(json.dumps(key_of(prompts, lexicon()), indent=1))


if __name__ == "__main__":
    main()
