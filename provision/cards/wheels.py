"""Which build of PyTorch fits a GPU, its driver and a Python. From knowledge/wheels.json, for the doctor and diagnose.

The command and the sentence are made from one value, so that they cannot disagree.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.checked_json import Reader, read_json
from provision.versions import version_tuple

SCHEMA = 1
STATUSES = ("stable", "legacy", "experimental")
"""In the order of preference."""
INDEX_URL = "https://download.pytorch.org/whl/"
BOTH = ("torch", "torchvision")
COMMON_DRIVER_CUDA = 12
"""What every driver since December 2022 runs."""


@dataclass(frozen=True)
class Wheel:
    """One index, and the PyTorch releases in it with kernels for the same GPUs."""

    index: str
    cuda: str
    torch: tuple[str, str]
    """The oldest and the newest release."""
    archs: tuple[str, ...]
    """Capabilities that kernels were compiled for, as 8.6."""
    status: str

    @property
    def url(self) -> str:
        """Where pip finds it."""
        return INDEX_URL + self.index

    def covers(self, capability: str) -> bool:
        """Whether a GPU of that capability runs its kernels: of the same major number, and of its minor or a lower."""
        major, minor = _pair(capability)
        return any(_pair(arch)[0] == major and _pair(arch)[1] <= minor for arch in self.archs)

    def runs_on(self, driver_cuda: str) -> bool:
        """Whether a driver that runs CUDA up to `driver_cuda` runs it: docs.nvidia.com/deploy/cuda-compatibility."""
        return _pair(driver_cuda)[0] >= _pair(self.cuda)[0]

    def command(self, packages: Sequence[str] = BOTH) -> str:
        """What installs it. torch and torchvision belong together: renewing one alone breaks the other."""
        return f"python -m pip install --upgrade --force-reinstall {' '.join(packages)} --index-url {self.url}"

    def sentence(self, capability: str | None = None) -> str:
        """What it is, and for which GPUs and drivers."""
        oldest, newest = self.torch
        releases = newest if oldest == newest else f"{oldest} to {newest}"
        reach = f"for sm_{capability.replace('.', '')}" if capability else f"for {_reach(self.archs)}"
        needs = f"a driver for CUDA {_pair(self.cuda)[0]} or later"
        return (
            f"{self.index} has PyTorch {releases}, built with CUDA {self.cuda}, with kernels {reach}; it needs {needs}."
        )


def _pair(version: str) -> tuple[int, int]:
    """The first two numbers: 12.6 is (12, 6), 13 is (13, 0)."""
    numbers = (*version_tuple(version), 0, 0)
    return numbers[0], numbers[1]


def _reach(archs: Sequence[str]) -> str:
    return f"sm_{archs[0].replace('.', '')} to sm_{archs[-1].replace('.', '')}"


@functools.cache
def load_wheels() -> tuple[Wheel, ...]:
    """Every build of the table; KnowledgeError where the file is damaged."""
    top = Reader(read_json("wheels.json"), "wheels.json")
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    return tuple(_parse(item) for item in top.objects("builds"))


def _parse(item: Reader) -> Wheel:
    oldest, newest = item.texts("torch")
    status = item.choice("status", STATUSES)
    return Wheel(item.get("index", "a text"), item.get("cuda", "a text"), (oldest, newest), item.texts("archs"), status)


@functools.cache
def _pythons() -> tuple[Mapping[str, Any], ...]:
    return tuple(item.node for item in Reader(read_json("wheels.json"), "wheels.json").objects("pythons"))


def newest_for(wheel: Wheel, python: str | None) -> tuple[int, int] | None:
    """The newest release of a build that has wheels for a Python; None where it has none."""
    last = _pair(wheel.torch[1])
    if python is None:
        return last
    best = None
    for row in _pythons():
        (first, newest), (oldest_python, newest_python) = map(_pair, row["torch"]), map(_pair, row["python"])
        release = min(newest, last)
        if oldest_python <= _pair(python) <= newest_python and release >= max(first, _pair(wheel.torch[0])):
            best = max(best or release, release)
    return best


def choose_wheel(capability: str | None, driver_cuda: str | None, python: str | None = None) -> Wheel | None:
    """The build that fits a GPU (8.6), the newest CUDA of its driver (12.4) and a Python (3.12); None where none does.

    What is not known limits nothing; where the driver is not known, the build that asks least of it comes first. Then
    the newest PyTorch, the stable build, the older CUDA.
    """
    fitting = [
        (wheel, newest)
        for wheel in load_wheels()
        if (capability is None or wheel.covers(capability))
        and (driver_cuda is None or wheel.runs_on(driver_cuda))
        and (newest := newest_for(wheel, python)) is not None
    ]

    def rank(pair: tuple[Wheel, tuple[int, int]]) -> tuple[int, int, int, tuple[int, int]]:
        wheel, newest = pair
        asks = max(_pair(wheel.cuda)[0], COMMON_DRIVER_CUDA) if driver_cuda is None else 0
        return asks, -newest[1], STATUSES.index(wheel.status), _pair(wheel.cuda)

    return min(fitting, key=rank, default=(None, (0, 0)))[0]


def overview() -> str:
    """One sentence for whoever knows neither GPU nor driver."""
    old, new, newest = choose_wheel("8.9", "12.0"), choose_wheel("12.0", "12.8"), choose_wheel("12.0", "13.0")
    if old is None or new is None or newest is None:
        raise Reader(read_json("wheels.json"), "wheels.json").error("serves neither RTX 40 nor RTX 50")
    return (
        f"INDEX is {old.index} up to RTX 40, {new.index} for RTX 50, and {newest.index} from RTX 20 on "
        f"where nvidia-smi shows CUDA Version {_pair(newest.cuda)[0]} or later."
    )
