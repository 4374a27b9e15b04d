"""Writes workloads.json: settings, the workload id they had when this was written, and the SHA-256 of their JSON.

    PYTHONPATH=. python tests/golden/make_workloads.py > tests/golden/workloads.json

A workload id that changes makes every benchmark result ever handed in incomparable, and a field that moves changes the
bytes of every recipe: only a new setting is a reason to write the file anew, and then the old rows stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "generator"))

from test_config import LATER, OTHER_VALUES

from generator.config import GenerateConfig
from generator.knobs import knobs_of
from generator.presets import PRESETS

PROMPT = "sunset over the sea:2 | fog:-0.5"


def cases() -> list[dict[str, Any]]:
    """The settings of each row: defaults, each field by itself, all of them, every preset with two models.

    Fields that came later follow at the end, so that the rows before them never change.
    """
    first = {name: value for name, value in OTHER_VALUES.items() if name not in LATER}
    alone = [{"prompt": PROMPT, name: value} for name, value in first.items()]
    later = [{"prompt": PROMPT, name: OTHER_VALUES[name]} for name in knobs_of(GenerateConfig) if name in LATER]
    together = {**first, "optimiser": "adam", "regions": "", "image_prompts": "a.png"}
    presets = [
        {"prompt": PROMPT, **preset.values_for(model)}
        for preset in PRESETS.values()
        for model in (preset.values["model"], "starter")
    ]
    return [{"prompt": PROMPT}, *alone, together, *presets, *later]


def describe(values: dict[str, Any]) -> dict[str, Any]:
    """One row."""
    config = GenerateConfig.from_dict(values)
    document = json.dumps(config.to_dict()).encode()
    return {"values": values, "workload": config.workload_id(), "document": hashlib.sha256(document).hexdigest()}


if __name__ == "__main__":
    rows = [describe(values) for values in cases()]
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")
