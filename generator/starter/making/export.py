"""Write the trained networks as the fp16 safetensors that are shipped, with their manifest."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save

from generator.models.starter import networks
from generator.starter.shipped import STARTER_FOLDER

_PREFIX = {"vqgan": "vqgan.", "clip": "clip."}
_NOT_SHIPPED = ("attributes.",)
"""Training heads that generation does not need."""


def export(work: Path, folder: Path = STARTER_FOLDER) -> None:
    """Export all five networks from the checkpoints in `work`."""
    folder.mkdir(parents=True, exist_ok=True)
    files, training = {}, {}
    for name in networks():
        stage = name.removesuffix(".safetensors")
        state = torch.load(work / f"{stage}.checkpoint.pt", weights_only=True)
        prefix = _PREFIX.get(stage, "")
        tensors = {
            key.removeprefix(prefix): value.half().contiguous() if value.is_floating_point() else value
            for key, value in state["averaged"].items()
            if key.startswith(prefix) and not key.removeprefix(prefix).startswith(_NOT_SHIPPED)
        }
        data = save(tensors)
        (folder / name).write_bytes(data)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        training[stage] = {"steps": state["step"], "cpu_minutes": round(state["cpu_seconds"] / 60, 1)}
    manifest = {"schema": 1, "files": files, "training": training}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
