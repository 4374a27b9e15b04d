"""Weight files: safetensors only, checked against the manifest's SHA-256 before anything is parsed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig.documents import read_object
from dreamrig.errors import MissingWeightsError

if TYPE_CHECKING:
    from torch import Tensor

STARTER_FOLDER = Path(__file__).parent / "weights"
_HINT = "restore the shipped files: git checkout -- generator/starter/weights"


def read_manifest(folder: Path = STARTER_FOLDER) -> dict[str, Any]:
    """The manifest of a weight folder: `files` (name -> sha256, bytes) and what the training noted."""
    try:
        manifest = read_object(folder / "manifest.json")
    except FileNotFoundError:
        raise MissingWeightsError("The starter's weights are missing.", hint=_HINT) from None
    except (OSError, ValueError) as error:
        raise MissingWeightsError(f"The starter's weight manifest cannot be read: {error}.", hint=_HINT) from None
    if not isinstance(manifest.get("files"), dict):
        raise MissingWeightsError("The starter's weight manifest names no files.", hint=_HINT)
    return manifest


def digest_of(manifest: dict[str, Any]) -> str:
    """One SHA-256 over all files of a manifest, in name order."""
    text = "".join(f"{name} {entry['sha256']}\n" for name, entry in sorted(manifest["files"].items()))
    return hashlib.sha256(text.encode()).hexdigest()


def load_checked(name: str, manifest: dict[str, Any], folder: Path = STARTER_FOLDER) -> dict[str, Tensor]:
    """The tensors of one file, as float32; MissingWeightsError when it is missing, cut short or changed."""
    import torch
    from safetensors.torch import load

    expected = manifest["files"].get(name)
    if expected is None:
        raise MissingWeightsError(f"The starter's manifest does not list {name}.", hint=_HINT)
    try:
        data = (folder / name).read_bytes()
    except OSError:
        raise MissingWeightsError(f"The weight file {name} is missing.", hint=_HINT) from None
    if len(data) != expected["bytes"]:
        raise MissingWeightsError(f"The weight file {name} has {len(data)} bytes, not {expected['bytes']}.", hint=_HINT)
    if hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise MissingWeightsError(f"The weight file {name} is damaged: its SHA-256 is not the manifest's.", hint=_HINT)
    tensors = load(data)
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in tensors.items()}
