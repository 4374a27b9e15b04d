"""No step runs an operator that CUDA cannot repeat: torch raises there, in the first step, and no CPU would notice.

The operators are those that torch.use_deterministic_algorithms documents as raising on CUDA (torch 2.13), as the ATen
operators that they are when they are differentiated. grid_sampler_2d is not among them: augment_geometry.read takes it
on a CPU and indexes on CUDA, which test_augment.py compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from generator.config import GenerateConfig
from generator.engine.flops import Operator, watch_operators
from generator.engine.loop import generate
from generator.models.base import Models
from generator.models.choose import load_models
from generator.models.perceptual import Perceptual
from generator.presets import find_preset
from generator.work.plan import Plan

RAISING = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "max_unpool2d",
    "max_unpool3d",
    "upsample_linear1d_backward",
    "upsample_bilinear2d_backward",
    "_upsample_bilinear2d_aa_backward",
    "upsample_bicubic2d_backward",
    "_upsample_bicubic2d_aa_backward",
    "upsample_trilinear3d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "nll_loss_forward",
    "nll_loss2d_forward",
    "_ctc_loss_backward",
    "_embedding_bag",
    "put",
    "put_",
    "histc",
    "bincount",
    "median",
    "nanmedian",
    "kthvalue",
    "grid_sampler_3d_backward",
    "cumsum",
    "scatter_reduce",
}


def operators_of(config: GenerateConfig, models: Models) -> set[str]:
    seen: set[str] = set()

    def see(operator: Operator) -> None:
        name = operator.func.overloadpacket.__name__
        if name != "cumsum" or operator.args[0].dtype.is_floating_point:
            seen.add(name)

    with watch_operators(see):
        for _ in generate(config, models):
            pass
    return seen


@pytest.fixture(scope="module")
def starter() -> Iterator[Models]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_models(GenerateConfig(prompt="x"))
    torch.set_num_threads(threads)


RUNS: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "from grey": {"start": "grey"},
    "both guides": {"start": "noise", "guide_weights": "1, 1"},
    "seamless": {"start": "grey", "seamless": "both"},
    "pooling": {"start": "grey", "cut_method": "pooling"},
    "what else a picture has to be": {
        "tv": 1.0,
        "palette": 1.0,
        "palette_colours": "red, blue",
        "symmetry": 1.0,
        "symmetry_axis": "both",
        "edge": 1.0,
        "edge_colour": "white",
        "saturation": 1.0,
        "pixel_pull": 1.0,
        "init_weight": 1.0,
    },
    "pixel art": {"block_size": 5, "palette_exact": True, "palette_colours": "red, blue"},
    "less memory": {"cut_batch": 2, "checkpointed_decoding": True, "ema": 0.9},
    "every augmentation": {
        "augmentations": "flip sharpness(0.3) affine(30,translate_y=0.1,shear=5,padding=border) perspective(0.2) "
        "jitter(saturation=0.1,hue=0.1,brightness=0.1,contrast=0.1) erasing(0.1..0.4) noise(0.1) elastic thinplate "
        "resizedcrop rotation(20)",
        "start": "grey",
    },
}


@pytest.mark.parametrize("given", RUNS.values(), ids=RUNS)
def test_the_starter_runs_what_cuda_can_repeat(starter: Models, given: Mapping[str, Any]) -> None:
    config = Plan(prompt="a | b:-0.5", given={"width": 64, "height": 64, "steps": 2, "seed": 1, **given})
    seen = operators_of(config.to_config(starter.defaults), starter)
    assert "convolution_backward" in seen  # the backward pass was watched
    assert sorted(seen & RAISING) == []


def test_a_picture_to_take_after_is_compared_by_what_cuda_can_repeat(starter: Models, tmp_path: Path) -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU())
    models = replace(starter, perceptual=Perceptual(layers, (1, 4), 4))
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "photo.png")
    taken = dict.fromkeys(("outline", "style", "content"), str(tmp_path / "photo.png"))
    config = Plan(prompt="a", given={"width": 64, "height": 64, "steps": 2, "seed": 1, **taken})
    seen = operators_of(config.to_config(models.defaults), models)
    assert "max_pool2d_with_indices_backward" in seen  # the network's way back was watched
    assert sorted(seen & RAISING) == []


@pytest.mark.parametrize("preset", ["crowson", "adafruit", "nerdyrodent", "dreamrig"])
def test_a_preset_runs_what_cuda_can_repeat(starter: Models, preset: str) -> None:
    given = {"model": "starter", "width": 64, "height": 64, "steps": 1, "cutouts": 4, "seed": 1}
    config = Plan(prompt="fog", given=given, preset=find_preset(preset)).to_config(starter.defaults)
    assert sorted(operators_of(config, starter) & RAISING) == []


@pytest.mark.parametrize("guides", ["ViT-B/32", "RN50"])
def test_the_full_size_networks_run_what_cuda_can_repeat(guides: str) -> None:
    config = GenerateConfig(
        prompt="fog",
        model="imagenet-f16-1024",
        guides=guides,
        random_weights=True,
        width=32,
        height=32,
        steps=1,
        cutouts=1,
        start="noise",
        seed=1,
    )
    seen = operators_of(config, load_models(config))
    assert "convolution_backward" in seen
    assert sorted(seen & RAISING) == []
