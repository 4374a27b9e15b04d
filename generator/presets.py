"""Whole sets of knobs under one name: the notebooks of 2021, nerdyrodent's script, and our own.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dreamrig.errors import UsageError

STARTER = "starter"
NEEDS_ITS_NETWORKS = frozenset({"width", "height", "guides"})
"""What belongs to the networks of a preset and not to its way of drawing: the starter keeps its own."""
FOR_THE_STARTER: Mapping[str, Any] = {"per_dimension_steps": True, "guide_weights": ""}
"""The starter's codebook has deviations of about 8: raw steps of 0.05 would never come to another code. And of its
CLIPs only the one that forgets place can make sense of small crops."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A way of drawing: stronger than what a model likes best, weaker than what the user asks for."""

    name: str
    about: str
    """One paragraph: what it is, and what differs from the others."""
    source: str
    values: Mapping[str, Any]
    """GenerateConfig fields, the model among them."""
    starter: Mapping[str, Any] | None = None
    """The fields for the starter; None = `values` without NEEDS_ITS_NETWORKS, with FOR_THE_STARTER."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of all networks that it draws with, the VQGAN first."""
        return (self.values["model"], *(name.strip() for name in self.values["guides"].split(",")))

    def values_for(self, model: str) -> Mapping[str, Any]:
        """The fields for a model that may be another than the preset's own."""
        values = self.values
        if model == STARTER:
            small = {name: value for name, value in values.items() if name not in NEEDS_ITS_NETWORKS}
            values = {**small, **FOR_THE_STARTER} if self.starter is None else self.starter
        return {**values, "model": model}


# Each knob that a model may have set otherwise is said, so that a preset is the same algorithm with every model.
CROWSON: Mapping[str, Any] = {
    "model": "imagenet-f16-1024",
    "guides": "ViT-B/32",
    "width": 480,
    "height": 480,
    "steps": 500,
    "start": "noise",
    "step_size": 0.05,
    "per_dimension_steps": False,
    "shared_moment": False,
    "pull": 0.0,
    "offset_levels": 1,
    "step_schedule": "constant",
    "cutouts": 64,
    "cut_power": 1.0,
    "cut_min_fraction": 0.0,
    "whole_every": 0,
    "cut_method": "crops",
    "cut_clamp": True,
    "augmentations": "",
    "cut_noise": 0.0,
    "boundary_tv": 0.0,
    "preview_every": 50,
}

# kornia 0.5.4 reads the notebooks' translate=0.1 as 0 across and 0.1 down, their sharpness 0.3 as 0 to 0.3 (below 1 is
# softer, not sharper), and their shear=5 as along x alone. These texts say what happened, not what was meant.
ADAFRUIT: Mapping[str, Any] = {
    **CROWSON,
    "model": "imagenet-f16-16384",
    "steps": 800,
    "step_size": 0.1,
    "cut_clamp": False,
    "augmentations": "flip sharpness(0.3,p=0.4) affine(30,translate_y=0.1,padding=border,p=0.8) "
    "perspective(0.2,p=0.4) jitter(saturation=0.01,hue=0.01,p=0.7)",
    "cut_noise": 0.1,
}
POOLING: Mapping[str, Any] = {
    **ADAFRUIT,
    "width": 288,  # what the notebook makes of its 300: whole codes of 16 pixels
    "height": 288,
    "steps": 500,
    "start": "uniform",
    "cutouts": 32,
    "cut_method": "pooling",
    "augmentations": "affine(15,translate_y=0.1,padding=border,p=0.7) perspective(0.7,p=0.7) "
    "jitter(saturation=0.1,hue=0.1,p=0.7) erasing(0.1..0.4,ratio=0.3..3.3333333,together=yes,p=0.7)",
}
NERDYRODENT: Mapping[str, Any] = {
    **POOLING,
    "width": 512,
    "height": 512,
    "start": "noise",
    "augmentations": "affine(15,translate_y=0.1,shear=5,padding=zeros,p=0.7) perspective(0.7,p=0.7) "
    "jitter(brightness=0.1,contrast=0.1,saturation=0.1,hue=0.1,p=0.7) "
    "erasing(0.1..0.4,ratio=0.3..3.3333333,together=yes,p=0.7)",
}
DREAMRIG: Mapping[str, Any] = {
    **CROWSON,
    "model": "imagenet-f16-16384",
    "steps": 300,
    "step_size": 0.1,
    "step_schedule": "cosine",
    "cutouts": 40,
    "whole_every": 5,
    "augmentations": "flip affine(15,translate_x=0.05,translate_y=0.05,padding=border,p=0.7) "
    "perspective(0.2,p=0.4) jitter(saturation=0.05,hue=0.02,p=0.5)",
    "cut_noise": 0.05,
    "preview_every": 10,
}

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="crowson",
            about=(
                "Katherine Crowson's notebook, the beginning of it all: 64 random crops without augmentations, Adam "
                "with step 0.05, ImageNet VQGAN of 1024 codes. It ran until somebody stopped it; here 500 steps."
            ),
            source="VQGAN+CLIP (z+quantize method), 2021; Colab 1L8oL-vLJXVcRzCFbPwOoMkPKJ8-aYdPN",
            values=CROWSON,
        ),
        Preset(
            name="adafruit",
            about=(
                "The form notebook with augmentations that Adafruit's guide walks through: 64 crops, each flipped, "
                "softened, turned, tilted and tinted at random, with noise; step 0.1, 16384 codes. The guide's author "
                "stops at about 800 steps."
            ),
            source=(
                "learn.adafruit.com/generating-ai-art-with-vqgan-clip; VQGAN+CLIP con z+quantize method con "
                "augmentations, Colab 1go6YwMFe5MX6XM9tv-cnQiSTU50N9EeT"
            ),
            values=ADAFRUIT,
        ),
        Preset(
            name="pooling",
            about=(
                "The notebook that never crops: all 32 cutouts are the whole picture, pooled to CLIP's size and then "
                "turned, tilted strongly, tinted, and with a rectangle cut out; it starts from uniform numbers instead "
                "of codes."
            ),
            source="VQGAN+CLIP with augmentations and user-friendly interface, Colab 1ZAus_gn2RhTZWzOWUpPERNC0Q8OhZRTZ",
            values=POOLING,
        ),
        Preset(
            name="nerdyrodent",
            about=(
                "The command line most people met: nerdyrodent's generate.py as it comes, with the pooling notebook's "
                "cutouts, shear, and a jitter of brightness and contrast too; 512x512 as on cards above 8 GiB, 500 "
                "steps."
            ),
            source="github.com/nerdyrodent/VQGAN-CLIP at 592d555",
            values=NERDYRODENT,
        ),
        Preset(
            name="dreamrig",
            about=(
                "Ours: random crops, one in five of them as large as the picture, gentle augmentations, and steps that "
                "fade out over 300. A choice from what is known of the others, not judged by eye with the large "
                "networks yet; with the starter it is the starter's own best, which is."
            ),
            source="dreamrig",
            values=DREAMRIG,
            starter={},
        ),
    )
}


def find_preset(name: str) -> Preset:
    """The preset of that name; UsageError naming all of them where there is none."""
    preset = PRESETS.get(name.strip().lower())
    if preset is None:
        raise UsageError(f"There is no preset {name!r}.", hint=f"use one of: {', '.join(PRESETS)}")
    return preset
