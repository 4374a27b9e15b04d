"""Builds bench/colab.ipynb: `python -m bench.colab.notebook`. One cell: install, measure, hand over the result.

The same file runs in Colab's cloud (place colab-hosted) and in Colab's page on one's own card (`dreamrig colab`, place
colab-local), so that only the hardware differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.colab import form
from bench.workloads import WORKLOADS
from generator.front.notebook.file import INSTALL, NEEDED, Cell, address, badge, to_notebook

FILE = Path(__file__).parents[1] / "colab.ipynb"
TITLE = "dreamrig-bench.ipynb"

INTRODUCTION = """
# dreamrig bench: iterations per second on this machine

Choose a GPU (*Runtime, Change runtime type*), then run the one cell. It installs dreamrig, measures the workload with
random weights of the exact networks (as fast as the real ones, and nothing to download), prints one JSON result and
offers it for download. On your own machine compare it: `dreamrig bench compare RESULT.json YOURS.json`.

{cost}
"""
MEASURE = """
# ---- measure

workload = "{default}"  # @param {choices}
effort = "default"  # @param ["quick", "default", "thorough"]
{sessions}

import json
import tempfile

is_colab = importlib.util.find_spec("google") is not None and importlib.util.find_spec("google.colab") is not None
out = pathlib.Path(tempfile.mkdtemp()) / (workload + ".json")
environ = dict(os.environ)
environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(checkout or ""), environ.get("PYTHONPATH", "")]))
place = "colab-hosted" if is_colab else environ.get("DREAMRIG_PLACE", "")  # set by `dreamrig colab`
flags = dict(quick=["--quick"], default=[], thorough=["--thorough"])[effort]
words = [sys.executable, "-P", "-m", "dreamrig", "bench", "run", workload, *flags, "--out", str(out)]
words += ["--sessions", sessions]
words += ["--place", place] if place else []
ended = subprocess.run(words, env=environ, capture_output=True, text=True)
print(ended.stdout)
if ended.returncode:
    raise Stop("the measurement failed:\\n" + ended.stderr[-2000:])
print(json.dumps(json.loads(out.read_text(encoding="utf-8"))))
if is_colab:
    from google.colab import files

    files.download(str(out))
else:
    print("the result lies in", out)
"""


def cells() -> list[Cell]:
    """The notebook's cells: words, and one cell that does it all."""
    choices = str(list(WORKLOADS)).replace("'", '"')
    install = INSTALL.format(number=1, needed=repr(NEEDED), repository=address()).replace(
        "Install and look for the GPU", "Install and measure"
    )
    measure = MEASURE.format(default="adafruit-480-pure", choices=choices, sessions=form.sessions_line())
    words = f"{badge('bench/colab.ipynb')}\n{INTRODUCTION.format(cost=form.cost())}"
    return [Cell("markdown", "introduction", words), Cell("code", "bench", install + measure)]


def build() -> str:
    """The file's text; it carries no outputs, since they would be those of another machine."""
    return to_notebook(cells(), title=TITLE, outputs={})


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
    print(FILE, file=sys.stderr)
