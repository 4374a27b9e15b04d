"""A Jupyter notebook as a value, and as the text of an .ipynb file (format 4.5). Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

REPOSITORY = ""
"""owner/name on GitHub, as soon as the project has an address there; it alone puts the badges in."""
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


def badge(path: str, repository: str = REPOSITORY) -> str:
    """Markdown that opens a notebook of the repository in Colab; "" without an address. path: in the repository."""
    return f"{BADGE}(https://colab.research.google.com/github/{repository}/blob/main/{path})" if repository else ""


def address(repository: str = REPOSITORY) -> str:
    """Where Git finds the project; "" without an address."""
    return f"https://github.com/{repository}" if repository else ""


@dataclass(frozen=True)
class Cell:
    """One cell. name: its id in the file, so that the file stays the same from one building to the next."""

    kind: Literal["markdown", "code"]
    name: str
    source: str

    def to_json(self, outputs: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """As nbformat 4.5 has it."""
        common = {"id": self.name, "metadata": {}, "source": self.source.strip("\n").splitlines(keepends=True)}
        if self.kind == "markdown":
            return {"cell_type": "markdown", **common}
        form = {"cellView": "form"} if self.source.lstrip().startswith("# @title") else {}
        return {
            "cell_type": "code",
            **common,
            "metadata": form,
            "execution_count": None,
            "outputs": [dict(output) for output in outputs],
        }


def to_notebook(cells: Sequence[Cell], *, title: str, outputs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The file's text; outputs: cell name -> what its last execution showed."""
    document = {
        "cells": [cell.to_json(outputs.get(cell.name, ())) for cell in cells],
        "metadata": {
            "accelerator": "GPU",
            "colab": {"name": title, "provenance": []},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def outputs_of(notebook: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Cell name -> outputs, of a notebook that was run; without execution counts, which only say how often."""
    found = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell.get("outputs"):
            found[str(cell["id"])] = [{**output, **_without_count(output)} for output in cell["outputs"]]
    return found


def _without_count(output: Mapping[str, Any]) -> dict[str, Any]:
    return {"execution_count": None} if "execution_count" in output else {}


INSTALL = '''
# @title {number}. Install and look for the GPU
repository = "{repository}"  # @param {{type:"string"}}
without_gpu = False  # @param {{type:"boolean"}}

import importlib.util
import os
import pathlib
import subprocess
import sys

NEEDED = {needed}


class Stop(Exception):
    """Ends the cell, and with it "Run all", in words instead of a traceback."""

    def _render_traceback_(self):
        return ["", "STOPPED: " + str(self), ""]


def find_checkout():
    here = pathlib.Path.cwd()
    for folder in (here, *here.parents, here / "dreamrig"):
        if (folder / "rig").is_file() and (folder / "generator").is_dir():
            return folder
    return None


def run(*words):
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode:
        last = "\\n".join((ended.stdout + ended.stderr).strip().splitlines()[-12:])
        raise Stop(" ".join(map(str, words)) + " failed:\\n" + last)


checkout = find_checkout()
if checkout is None and repository:
    run("git", "clone", "--depth=1", "--", repository, "dreamrig")
    checkout = find_checkout()
if checkout is None and importlib.util.find_spec("generator") is None:
    raise Stop(
        "dreamrig is not here. Write the address of its Git repository into the form above, "
        "or upload the checkout as a folder named dreamrig, then run this cell again."
    )
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    print("installing:", ", ".join(missing))
    run(sys.executable, "-m", "pip", "install", "--quiet", "-e", str(checkout))
    importlib.invalidate_caches()
if checkout is not None and str(checkout) not in sys.path:
    sys.path.insert(0, str(checkout))

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait sleep instead of taking a core

import torch

import dreamrig

print("dreamrig", dreamrig.__version__, "with torch", torch.__version__)
if torch.cuda.is_available():
    print("Using device: cuda:0,", torch.cuda.get_device_name(0))
elif without_gpu or os.environ.get("DREAMRIG_DEVICE") == "cpu":
    print("Using device: cpu, because you asked for it. The starter takes seconds here, a full-size model hours.")
else:
    raise Stop(
        "PyTorch " + torch.__version__ + " sees no GPU here, and a processor by mistake costs an evening. "
        "In Colab: Runtime > Change runtime type > T4 GPU, then run this cell again. "
        "On your own machine run: dreamrig doctor. To use the processor anyway, tick without_gpu above."
    )
'''
"""The cell that both notebooks begin with. It imports nothing of ours before it has found or installed it."""

NEEDED = ("torch", "typer", "rich", "platformdirs", "psutil", "pynvml", "numpy", "PIL", "safetensors", "msgspec")


def install_cell(number: int) -> Cell:
    """The first code cell: install loudly, look for the GPU, stop where either fails."""
    return Cell("code", "install", INSTALL.format(number=number, needed=repr(NEEDED), repository=address()))
