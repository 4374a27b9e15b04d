"""Weight files: safetensors only, checked against the manifest's SHA-256 before anything is parsed."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig.documents import read_object
from dreamrig.errors import MissingWeightsError

if TYPE_CHECKING:
    from torch import Tensor

STARTER_FOLDER = Path(__file__).parent / "weights"
PICTURES, PAINTER = "codes.safetensors", "grids.safetensors"
THINGS, WORDS = "things.safetensors", "words.json.xz"
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


def files_of(starter: str, manifest: dict[str, Any]) -> list[str]:
    """The files of one of the starters there are; MissingWeightsError where the manifest has none of that name."""
    try:
        files: list[str] = manifest["starters"][starter]
    except (KeyError, TypeError):
        raise MissingWeightsError(f"The starter's manifest lists no {starter}.", hint=_HINT) from None
    return files


def starter_of(sha256: str) -> str | None:
    """Which of the shipped starters has this digest; None for another's weights."""
    manifest = read_manifest()
    return next((name for name, files in manifest["starters"].items() if digest_of(manifest, files) == sha256), None)


def read_table(manifest: dict[str, Any] | None = None, folder: Path = STARTER_FOLDER) -> dict[str, Any]:
    """The word table's values; MissingWeightsError where the file is missing or damaged."""
    table: dict[str, Any] = json.loads(lzma.decompress(read_checked(WORDS, manifest, folder)))
    return table


def digest_of(manifest: dict[str, Any], names: Iterable[str]) -> str:
    """One SHA-256 over the files of a starter, in name order."""
    text = "".join(f"{name} {manifest['files'][name]['sha256']}\n" for name in sorted(names))
    return hashlib.sha256(text.encode()).hexdigest()


def load_checked(name: str, manifest: dict[str, Any], folder: Path = STARTER_FOLDER) -> dict[str, Tensor]:
    """The tensors of one file, as float32 where they were half; MissingWeightsError when it is missing or changed."""
    import torch
    from safetensors.torch import load

    tensors = load(read_checked(name, manifest, folder))
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in tensors.items()}


def read_checked(name: str, manifest: dict[str, Any] | None = None, folder: Path = STARTER_FOLDER) -> bytes:
    """The bytes of one file; MissingWeightsError when it is missing, cut short or changed."""
    manifest = read_manifest(folder) if manifest is None else manifest
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
    return data
