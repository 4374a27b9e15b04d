"""A package beside torch that has to be of its own release and build: how to install it. Nothing here imports it."""

from __future__ import annotations

import torch

from dreamrig.extras import pip_command

INDEX = "https://download.pytorch.org/whl"
MINOR_AHEAD = 15
"""torchvision 0.(n + 15) belongs to torch 2.n: 0.21 to 2.6, 0.28 to 2.13, 0.29 to 2.14."""


def torchvision_command(version: str = torch.__version__) -> str:
    """What installs the torchvision of this torch, also over one of another build; all it needs is here already.

    version: as torch tells its own, e.g. "2.13.0+cpu"; what stands behind the plus names the index it came from.
    """
    release, _, build = version.partition("+")
    minor = int(release.split(".")[1]) + MINOR_AHEAD
    index = ("--index-url", f"{INDEX}/{build}") if build else ()
    return pip_command("--force-reinstall", "--no-deps", f"torchvision==0.{minor}.*", *index)
