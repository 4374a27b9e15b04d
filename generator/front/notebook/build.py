"""Builds generator/dreamrig.ipynb: `python -m generator.front.notebook.build` runs every cell and keeps the outputs.

One file for Colab's cloud, for Colab's page on a local runtime (`dreamrig colab`) and for plain Jupyter.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from generator.front.notebook.file import Cell, badge, install_cell, outputs_of, to_notebook
from generator.presets import PRESETS

TITLE = "dreamrig.ipynb"
FILE = Path(__file__).parents[2] / TITLE

INTRODUCTION = """
# dreamrig: a sentence in, a picture out

VQGAN+CLIP, as the notebooks of 2021 did it. Run the cells from top to bottom (in Colab: *Runtime, Run all*).

- **In Colab's cloud:** choose a GPU first (*Runtime, Change runtime type, T4 GPU*).
- **In Colab's page, on your own card:** run `dreamrig colab` on your machine and connect to the address it prints.
- **In plain Jupyter:** open this file from the checkout.

The first cell stops loudly when the installation failed or when there is no GPU; nothing falls back to the processor
unless you say so.
"""
DRAW = """
# @title 2. Draw
prompt = "sunset over the sea"  # @param {{type:"string"}}
kind = "starter"  # @param {choices}
size = "128"  # @param {{type:"string"}}
steps = 0  # @param {{type:"integer"}}
seed = 3  # @param {{type:"integer"}}

from generator.front.notebook.cells import draw

# starter = the small model that comes with dreamrig; the others are full-size and need their weights (cell 5).
# steps 0 = as many as the model likes; seed -1 = another picture every time.
picture = draw(prompt, preset=None if kind == "starter" else kind, size=size, steps=steps, seed=seed)
"""
GALLERY = """
# @title 3. Gallery
count = 12  # @param {type:"integer"}

from generator.front.notebook.cells import gallery

gallery(count)
"""
DOWNLOAD = """
# @title 4. Download the last picture
from generator.front.notebook.cells import download

download(picture)
"""
WEIGHTS = """
# @title 5. Weights of the full-size models (about 1 GB; fetched by you, from where their authors put them)
names = ""  # @param {type:"string"}
i_have_read_the_terms = False  # @param {type:"boolean"}

from generator.front.notebook.cells import fetch_weights

# For example: imagenet-f16-16384 ViT-B/32. Left empty, the list is shown.
fetch_weights(names, yes=i_have_read_the_terms)
"""


def choices(*, starter: bool) -> str:
    """What can be drawn, as a form's list."""
    kinds = [*(["starter"] if starter else []), *(name for name in PRESETS if name != "dreamrig")]
    return str(kinds).replace("'", '"')


def cells() -> list[Cell]:
    """The notebook's cells, in order."""
    return [
        Cell("markdown", "introduction", f"{badge('generator/dreamrig.ipynb')}\n{INTRODUCTION}"),
        install_cell(1),
        Cell("code", "draw", DRAW.format(choices=choices(starter=True))),
        Cell("code", "gallery", GALLERY),
        Cell("code", "download", DOWNLOAD),
        Cell("code", "weights", WEIGHTS),
    ]


def build() -> str:
    """The file's text, its outputs from a run of every cell on this machine. Needs nbclient and nbformat."""
    nbformat: Any = importlib.import_module("nbformat")
    nbclient: Any = importlib.import_module("nbclient")
    plain = nbformat.reads(to_notebook(cells(), title=TITLE, outputs={}), as_version=4)
    here = {"metadata": {"path": str(FILE.parent)}}
    nbclient.NotebookClient(plain, timeout=600, kernel_name="python3", resources=here).execute()
    return to_notebook(cells(), title=TITLE, outputs=outputs_of(plain))


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
    print(FILE, file=sys.stderr)
