"""Write the trained networks as the fp16 safetensors that are shipped, with their manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from generator.starter.shipped import PAINTER, PICTURES, STARTER_FOLDER, THINGS, WORDS, read_manifest

_STAGES = {"vqgan": "vqgan.", "clip": "clip.", "layout": "", "composer": "", "painter": ""}
"""Stage -> the prefix of its network within what is trained."""
_NOT_SHIPPED = ("attributes.",)
"""Training heads that generation does not need."""
_FIRST = [f"{stage}.safetensors" for stage in _STAGES]
_SECOND = [*_FIRST[:-1], PAINTER, THINGS, WORDS]
STARTERS = {"starter": [PICTURES, *_SECOND[1:]], "starter/second": _SECOND, "starter/first": _FIRST}
"""Which files each starter is made of: the earlier ones repeat what was drawn with them."""


def export(work: Path, folder: Path = STARTER_FOLDER) -> None:
    """Export the first five networks from the checkpoints in `work`."""
    for stage, prefix in _STAGES.items():
        state = torch.load(work / f"{stage}.checkpoint.pt", weights_only=True)
        tensors = {
            key.removeprefix(prefix): value
            for key, value in state["averaged"].items()
            if key.startswith(prefix) and not key.removeprefix(prefix).startswith(_NOT_SHIPPED)
        }
        write(f"{stage}.safetensors", save(halved(tensors)), cost(state), folder)


def export_words(work: Path, folder: Path = STARTER_FOLDER) -> None:
    """Export what came later: the painter of several grids, the library of things and the word table."""
    from generator.starter.making.library.drawings import open_drawings, read_things
    from generator.starter.making.library.table import compressed, word_table
    from generator.starter.making.library.train_things import ThingTrainer, to_library

    grids = torch.load(work / "grids" / "painter.checkpoint.pt", weights_only=True)
    write(PAINTER, save(halved(grids["averaged"])), cost(grids), folder)
    drawings = open_drawings(work / "packages", work / "drawings")
    state = torch.load(work / "things.checkpoint.pt", weights_only=True)
    trained = ThingTrainer()
    trained.load_state_dict(state["averaged"])
    write(THINGS, save(halved(to_library(trained.eval(), drawings).state_dict())), cost(state), folder)
    table = word_table(read_things(work / "packages"), drawings, work / "packages")
    write(WORDS, compressed(table), {}, folder)


def export_codes(work: Path, folder: Path = STARTER_FOLDER) -> None:
    """Export the VQGAN with the larger codebook."""
    state = torch.load(work / "codes" / "codes.checkpoint.pt", weights_only=True)
    write(PICTURES, save(halved(state["averaged"])), cost(state), folder)


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with floats as fp16, as they are shipped."""
    return {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}


def cost(state: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint cost."""
    return {"steps": state["step"], "cpu_minutes": round(state["cpu_seconds"] / 60, 1)}


def write(name: str, data: bytes, noted: dict[str, Any], folder: Path) -> None:
    """Write one file and its line of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(folder) if (folder / "manifest.json").exists() else {"files": {}, "training": {}}
    (folder / name).write_bytes(data)
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    if noted:
        manifest["training"][name.partition(".")[0]] = noted
    whole = {"schema": 2, "starters": STARTERS, "files": manifest["files"], "training": manifest["training"]}
    (folder / "manifest.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
