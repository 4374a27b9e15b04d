"""`dreamrig notebook`: the picture notebook as one file that carries dreamrig. Opened in Colab it needs no checkout."""

from pathlib import Path
from typing import Annotated

from bench.colab.carried import unpack_cell
from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError
from generator.front.notebook.build import DRAW, TITLE, WEIGHTS, choices
from generator.front.notebook.build import cells as cells_of_checkout
from generator.front.notebook.file import Cell, to_notebook

FIRST_KIND = "adafruit"
"""What is drawn first where the starter is not carried."""
INTRODUCTION = """
# dreamrig: a sentence in, a picture out

VQGAN+CLIP, as the notebooks of 2021 did it. In Colab choose a GPU first (*Runtime, Change runtime type, T4 GPU*), then
run the cells from top to bottom. This notebook carries dreamrig itself{starter}.
"""
ON_PATH = """
sys.path.insert(0, str(folder))
"""


def notebook(args: list[str]) -> int:
    """`dreamrig notebook [FILE]`; returns the exit code."""
    import typer

    def body(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is written.")] = Path(TITLE),
        with_starter: Annotated[
            bool, typer.Option("--with-starter", help="Carry the small model too (45 MB): pictures without a GPU.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Write the picture notebook as one file that carries dreamrig, for Colab or any Jupyter with PyTorch."""
        if file.suffix != ".ipynb":
            raise UsageError(f"{file} does not end in .ipynb.", hint=f"use: {file.with_suffix('.ipynb')}")
        data = build(with_starter=with_starter).encode()
        paths.write_atomic(file, data)
        if as_json:
            console.print_json("notebook", {"file": file, "bytes": len(data)})
        else:
            print(file)
            console.print_note("open it in Colab: File, Upload notebook; choose a GPU; run the cells")
        return EXIT_GOOD

    return run_one("notebook", body, args)


def build(*, with_starter: bool) -> str:
    """The notebook's text."""
    return to_notebook(cells(with_starter=with_starter), title=TITLE, outputs={})


def cells(*, with_starter: bool) -> list[Cell]:
    """Those of the checkout's notebook, but the first brings dreamrig along; without the starter weights go first."""
    starter = ", with its small model" if with_starter else "; the models are fetched by you, from where they were put"
    words = Cell("markdown", "introduction", INTRODUCTION.format(starter=starter))
    unpack = unpack_cell(with_weights=with_starter)
    unpack = Cell("code", unpack.name, unpack.source + ON_PATH)
    known = {cell.name: cell for cell in cells_of_checkout()}
    if with_starter:
        return [words, unpack, *(known[name] for name in ("draw", "gallery", "download", "weights"))]
    fetch = WEIGHTS.replace("@title 5.", "@title 2.").replace('names = ""', f'names = "{NAMES}"')
    weights = Cell("code", "weights", fetch)
    return [words, unpack, weights, Cell("code", "draw", _draw()), known["gallery"], known["download"]]


NAMES = "imagenet-f16-16384 ViT-B/32"
"""Weights of FIRST_KIND."""


def _draw() -> str:
    """The drawing cell for full-size models."""
    full = DRAW.replace("@title 2.", "@title 3.").replace("(cell 5)", "(cell 2)")
    full = full.replace('kind = "starter"', f'kind = "{FIRST_KIND}"')
    return full.replace('size = "128"', 'size = "480"').format(choices=choices(starter=False))
