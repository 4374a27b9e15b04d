"""One notebook that carries dreamrig: `dreamrig bench colab --notebook FILE`. Opened in Colab it needs nothing else.

Nothing is installed that is there, torch is never replaced, what goes on is seen while it goes on, and without a GPU it
stops in words.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from bench.colab import form
from bench.colab.packing import needed_packages, pack
from bench.workloads import WORKLOADS
from generator.front.notebook.file import Cell, to_notebook

TITLE = "dreamrig-bench.ipynb"
LINE = 4000

INTRODUCTION = """
# dreamrig bench: how fast is this GPU

Choose a GPU (*Runtime, Change runtime type*), then *Runtime, Run all*. This notebook carries all it needs; it measures
with random weights of the exact networks, which are as fast as the real ones, and offers one JSON file at the end. On
your own machine compare it: `dreamrig bench compare RESULT.json last`.

{cost}
"""
UNPACK = '''
# @title 1. Unpack dreamrig, and look for the GPU
without_gpu = False  # @param {{type:"boolean"}}

import base64
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import zipfile

ARCHIVE = """
{archive}
"""
NEEDED = {needed}


class Stop(Exception):
    """Ends the cell, and with it "Run all", in words instead of a traceback."""

    def _render_traceback_(self):
        return ["", "STOPPED: " + str(self), ""]


folder = pathlib.Path(tempfile.mkdtemp(prefix="dreamrig-"))
zipfile.ZipFile(io.BytesIO(base64.b64decode(ARCHIVE))).extractall(folder)
if importlib.util.find_spec("torch") is None:
    raise Stop("PyTorch is not here, and dreamrig does not replace it. Use a runtime of Colab.")
missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
if missing:
    print("installing:", ", ".join(missing))
    words = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode:
        raise Stop("installing failed:\\n" + (ended.stdout + ended.stderr)[-1500:])
ASK = "import torch; print(torch.__version__, torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')"
asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True)
version, _, gpu = asked.stdout.strip().partition(" ")
if asked.returncode:
    raise Stop("PyTorch cannot be imported:\\n" + asked.stderr[-1500:])
if not gpu and not without_gpu:
    raise Stop(
        "PyTorch " + version + " sees no GPU here. In Colab: Runtime > Change runtime type > T4 GPU, then run all "
        "cells again. To measure the processor anyway, tick without_gpu above."
    )
print("PyTorch", version, "on", gpu or "the processor")
'''
MEASURE = """
# @title 2. Measure
workload = "{default}"  # @param {choices}
effort = "default"  # @param ["quick", "default", "thorough"]
{sessions}

import json
import os

is_colab = importlib.util.find_spec("google") is not None and importlib.util.find_spec("google.colab") is not None
out = folder / (workload + ".json")
words = [sys.executable, "-m", "dreamrig", "bench", "run", workload, "--out", str(out), "--sessions", sessions]
words += dict(quick=["--quick"], default=[], thorough=["--thorough"])[effort]
words += ["--place", "colab-hosted"] if is_colab else []
words += [] if gpu else ["--device", "cpu"]
environ = dict(os.environ, PYTHONPATH=str(folder), DREAMRIG_HOME=str(folder / "home"), PYTHONUNBUFFERED="1")
process = subprocess.Popen(words, env=environ, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
said = []
for line in process.stdout:
    said.append(line)
    print(line, end="", flush=True)
if process.wait():
    raise Stop("the measurement failed; its last lines:\\n" + "".join(said[-12:]))
print(json.dumps(json.loads(out.read_text(encoding="utf-8"))))
if is_colab:
    from google.colab import files

    files.download(str(out))
else:
    print("the result lies in", out)
"""


def build(workload: str, *, with_weights: bool = False, sessions: int = form.SESSIONS) -> str:
    """The notebook's text.

    workload, sessions: what its form says first.   with_weights: carry the starter (36 MB) too.
    """
    return to_notebook(cells(workload, with_weights=with_weights, sessions=sessions), title=TITLE, outputs={})


def cells(workload: str, *, with_weights: bool, sessions: int = form.SESSIONS) -> list[Cell]:
    """Words, the cell that unpacks, the cell that measures."""
    choices = str(_choices(with_weights=with_weights)).replace("'", '"')
    return [
        Cell("markdown", "introduction", INTRODUCTION.format(cost=form.cost())),
        unpack_cell(with_weights=with_weights),
        Cell(
            "code",
            "measure",
            MEASURE.format(default=workload, choices=choices, sessions=form.sessions_line(sessions)),
        ),
    ]


def unpack_cell(*, with_weights: bool) -> Cell:
    """The cell that brings dreamrig along, and looks for the GPU. with_weights: the starter's too."""
    archive = base64.b64encode(pack(with_weights=with_weights)).decode()
    lines = "\n".join(archive[at : at + LINE] for at in range(0, len(archive), LINE))
    return Cell("code", "unpack", UNPACK.format(archive=lines, needed=needed_packages()))


def _choices(*, with_weights: bool) -> Sequence[str]:
    """The workloads that the notebook can run: the starter's weights cannot be drawn at random."""
    return [name for name, workload in WORKLOADS.items() if with_weights or workload.networks[0] != "starter"]
