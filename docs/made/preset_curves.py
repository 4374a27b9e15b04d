"""The presets' losses over the steps and over seeds, with the starter networks: recorded, and drawn on a chart.

`python -m docs.made.preset_curves` writes docs/preset-losses.json and docs/pictures/preset-losses.svg. Each preset
minimises a loss of its own, over its own cutouts; to compare them, the whole picture is looked at as well, without
augmentations and in the same way for all.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from docs.made.preset_chart import render_chart
from generator import devices
from generator.config import GenerateConfig
from generator.engine import cutouts, losses
from generator.engine import loop as engine
from generator.events import Step
from generator.models.base import Models
from generator.models.choose import load_models
from generator.presets import PRESETS, Preset
from generator.wishes.parse import parse_weights
from generator.work.plan import Plan

DOCS = Path(__file__).parents[1]
RECORD, CHART = DOCS / "preset-losses.json", DOCS / "pictures" / "preset-losses.svg"
SCHEMA = 1
PROMPT, SIDE, STEPS, SEEDS, LOOK_EVERY = "a castle in the snow at night", 64, 40, (1, 2, 3), 2


def record_run(config: GenerateConfig, models: Models, look_every: int) -> dict[str, Any]:
    """One run: its loss in every step, and the whole picture's distance to the prompt every few steps.

    Both are from before the step's update. Half the squared angle between embeddings; averaged over the guides.
    """
    looking = models.with_guides_that_count(parse_weights(config.guide_weights))
    aims = [guide.encode_text([config.prompt]).detach() for guide in looking.guides]
    losses_seen, distances = [], []
    for event in engine.generate(config, models):
        if isinstance(event, Step):
            losses_seen.append(round(event.loss(), 5))
            if event.index % look_every == 0 or event.index == config.steps - 1:
                distances.append([event.index, round(_whole_distance(event, looking, aims), 5)])
    return {"seed": config.seed, "loss": losses_seen, "whole_picture": distances}


@torch.no_grad()
def _whole_distance(event: Step, models: Models, aims: Sequence[torch.Tensor]) -> float:
    picture = event.image()[None].to(models.image.codebook.device)
    box = torch.tensor([[0, 0, min(picture.shape[2:])]])
    seen = [
        losses.spherical(guide.encode_image(cutouts.apply(picture, box, guide.size)), aim).mean()
        for guide, aim in zip(models.guides, aims, strict=True)
    ]
    return float(torch.stack(seen).mean())


def config_of(preset: Preset, models: Models, given: Mapping[str, Any]) -> GenerateConfig:
    """The preset's settings for the starter, but for the size, the steps and the like of `given`."""
    return Plan(prompt=PROMPT, given={"model": "starter", **given}, preset=preset).to_config(models.defaults)


def record_all(models: Models, *, side: int, steps: int, seeds: Sequence[int], look_every: int) -> dict[str, Any]:
    """Every preset with every seed, and what was run on."""
    given = {"width": side, "height": side, "steps": steps, "threads": 1, "preview_every": 0, "checkpoint_every": 0}
    presets = {}
    for preset in PRESETS.values():
        configs = [config_of(preset, models, {**given, "seed": seed}) for seed in seeds]
        presets[preset.name] = {
            "start": configs[0].start,
            "cutouts": configs[0].cutouts,
            "step_size": configs[0].step_size,
            "runs": [record_run(config, models, look_every) for config in configs],
        }
    return {
        "schema": SCHEMA,
        "prompt": PROMPT,
        "side": side,
        "steps": steps,
        "weights": {"name": models.name, "sha256": models.sha256},
        "versions": {name: text for name, text in devices.versions().items() if name in ("python", "torch")},
        "device": models.image.codebook.device.type,
        "presets": presets,
    }


def main() -> None:
    """Run, record, draw."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.made.preset_curves", description="Record the presets' losses."
    )
    parser.add_argument("--chart", action="store_true", help="draw the chart from what is recorded, and run nothing")
    if not parser.parse_args().chart:
        models = load_models(GenerateConfig(prompt=PROMPT, device="cpu"))
        record = record_all(models, side=SIDE, steps=STEPS, seeds=SEEDS, look_every=LOOK_EVERY)
        RECORD.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    CHART.write_text(render_chart(json.loads(RECORD.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
