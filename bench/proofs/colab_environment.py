"""An environment as Colab's newest runtime has it, as far as pip can give it, without dreamrig.

The versions are those of bench/colab/colab_versions.json. torch is not: Colab's is a build of gigabytes for CUDA, so
the one of the tests is linked, with what it needs. Neither is Python itself.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

VERSIONS = Path(__file__).parents[1] / "colab" / "colab_versions.json"
LINKED = "torch"
TOOLS = ("pip", "ipykernel")
"""What a runtime of Colab has besides, in whatever version."""


HIDE = f"""
import importlib.util
import sys

sys.path[:] = [path for path in sys.path if path != {str(Path(__file__).parents[2])!r}]
sys.path_hooks[:] = [hook for hook in sys.path_hooks if "editable" not in repr(hook).lower()]
assert importlib.util.find_spec("dreamrig") is None
"""
"""A first cell: the checkout that runs the kernel is not in Colab."""
IN_A_MOMENT = """
import contextlib

with contextlib.suppress(ImportError):  # the kernel itself need not know the package
    from bench.measure.blocks import BUDGETS, TimeBudget

    BUDGETS["quick"] = TimeBudget(warmup=0.1, warmup_most=1.0, measuring=1.0, block=0.1, picture=0.0, ceiling=0.05)
"""
"""sitecustomize.py of a measuring process: half a minute's budget would prove no more."""


class PipFailed(RuntimeError):
    """pip could not bring the packages; its last line."""


def pins() -> dict[str, str]:
    """Package -> version of the newest runtime, but for what is linked."""
    runtime = json.loads(VERSIONS.read_text(encoding="utf-8"))["runtimes"][0]
    return {name: version for name, version in runtime["packages"].items() if name != LINKED}


def make(folder: Path) -> Path:
    """A fresh environment in a folder; returns its Python. PipFailed where the registry cannot be reached."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    words = [*(f"{name}=={version}" for name, version in pins().items()), *TOOLS]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    ended = subprocess.run([*pip, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise PipFailed((ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1])
    link(LINKED, folder)
    return python


def link(package: str, folder: Path) -> None:
    """Make a package of this environment, and all that it needs, part of another one that lacks it."""
    (site,) = folder.glob("lib/python*/site-packages")
    for name in sorted(needs(package)):
        for top in tops(name):
            if top.exists() and not (site / top.name).exists():
                (site / top.name).symlink_to(top)


def needs(package: str) -> set[str]:
    """A package and whatever it requires here, however indirectly."""
    found, ahead = set(), [package]
    while ahead:
        name = ahead.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if name not in found:
            found.add(name)
            required = [line for line in distribution.requires or () if "extra ==" not in line]
            ahead += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required]
    return found


def tops(name: str) -> set[Path]:
    """What a package has at the top of site-packages."""
    distribution = importlib.metadata.distribution(name)
    parts = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__", "bin")}
    return {Path(str(distribution.locate_file(part))) for part in parts}
