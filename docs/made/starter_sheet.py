"""Draw the sheet of typed prompts that docs/starter-model.md counts: `python -m docs.made.starter_sheet OUT.webp`.

Each prompt at two seeds, beside one another, the start alone as the default size shows it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image

from generator.models.base import Models
from generator.models.starter import load_starter

PROMPTS = (
    "a cat in space", "an astronaut riding a horse", "a dragon on a castle", "a red fox in the snow",
    "a teapot made of gold", "zwei bäume neben einem haus", "a burger", "a robot holding a flower",
    "a pirate ship at sunset", "a wooden horse", "an octopus wearing a top hat", "a blue elephant",
    "a unicorn under a rainbow", "a volcano at night", "a penguin on a skateboard", "deux chats sur une maison",
    "a skull with sunglasses", "a rocket over the moon", "watercolor of a butterfly", "a pizza castle",
    "a bear in a canoe", "a ghost in the forest", "three owls on a tree", "a cyberpunk car",
    "a snowman with a carrot", "a whale in the sky", "a koala on a bicycle", "un gato negro al lado de un árbol",
    "a wizard with a cat", "a giant mushroom in a meadow", "a train in the desert", "a glass elephant",
    "a cup of coffee and a croissant", "a shark in a bathtub", "an owl reading a book", "a guitar on fire",
    "a t-rex in the city", "a chocolate rabbit", "a samurai with a sword", "my grandma's kitchen",
)  # fmt: skip
SEEDS, SIDE, SHOWN, PER_ROW = (1, 2), 256, 112, 5
"""Pixels drawn and shown, prompts to a row."""


def draw(models: Models, prompt: str, seed: int) -> Image.Image:
    """The start of one prompt, through the codes as the loop gets it."""
    assert models.start is not None
    with torch.no_grad():
        codes = models.start.predict(prompt, seed, SIDE // 8, SIDE // 8).codes
        picture = models.image.decode(models.image.codebook[codes].movedim(-1, 0)[None])[0].clamp(0, 1)
    pixels = (picture.movedim(0, -1) * 255).round().to(torch.uint8).numpy()
    return Image.fromarray(pixels).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)


def sheet(models: Models) -> Image.Image:
    """All prompts in rows of PER_ROW, each prompt's seeds side by side."""
    width = SHOWN * len(SEEDS)
    made = Image.new("RGB", (PER_ROW * (width + 6), -(-len(PROMPTS) // PER_ROW) * (SHOWN + 6)), "white")
    for number, prompt in enumerate(PROMPTS):
        row, column = divmod(number, PER_ROW)
        for at, seed in enumerate(SEEDS):
            made.paste(draw(models, prompt, seed), (column * (width + 6) + at * SHOWN, row * (SHOWN + 6)))
    return made


if __name__ == "__main__":
    sheet(load_starter()).save(Path(sys.argv[1]), quality=72, method=6)
