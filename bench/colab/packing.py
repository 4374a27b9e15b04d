"""What travels to a machine that has no dreamrig: our packages as an archive, and what they import."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePath

from generator.front.notebook.file import NEEDED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("dreamrig", "provision", "generator", "bench")
STAYS_AT_HOME = ("bench/proofs", "generator/starter/making")
"""They prove figures of docs/ and trained the starter; neither is part of the product, nor in the wheel."""
PACKAGES = {"pynvml": "nvidia-ml-py", "PIL": "pillow"}
"""Module -> package, where their names differ."""


def needed_packages() -> dict[str, str]:
    """Module -> package of all that is imported, but for torch, which is there or is not touched."""
    return {module: PACKAGES.get(module, module) for module in NEEDED if module != "torch"}


def pack(*, with_weights: bool) -> bytes:
    """Our packages as a zip archive; the starter's weights (33 MB) only where they are run."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(ROOT / "pyproject.toml", "pyproject.toml")
        for folder in FOLDERS:
            for path in sorted((ROOT / folder).rglob("*")):
                is_weight = path.suffix in (".safetensors", ".xz")
                is_left_out = not travels(path.relative_to(ROOT)) or (is_weight and not with_weights)
                if path.is_file() and not is_left_out:  # numbers at random do not get smaller, only slower
                    how = zipfile.ZIP_STORED if is_weight else zipfile.ZIP_DEFLATED
                    archive.write(path, path.relative_to(ROOT).as_posix(), how)
    return file.getvalue()


def travels(path: PurePath) -> bool:
    """Whether a file of ours, by its path in the checkout, is part of what runs elsewhere."""
    is_made = path.suffix == ".ipynb" or "__pycache__" in path.parts
    return not is_made and not any(path.is_relative_to(folder) for folder in STAYS_AT_HOME)
