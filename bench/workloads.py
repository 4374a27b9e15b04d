"""What is measured: named, versioned workloads with every value pinned, and a hash that tells one from another.

Speed depends on sizes, counts and kinds, never on what the weights say, so random weights of the same networks do.
Importing this module imports no torch.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.result.pins import AS_SHIPPED, hash_of, pins_of
from bench.result.result import Profile
from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.models.likes import NAME, SECOND
from generator.presets import PRESETS

PROFILES: tuple[Profile, ...] = ("strict", "as-shipped")
STRICT: Mapping[str, Any] = {"precision": "fp32"}
"""What strict pins besides, with TF32 off: the same arithmetic on every generation of GPU, so that they compare."""
DEFAULT, ON_GPU = "starter-128", "adafruit-480-pure"
"""What is measured where nobody said: on a GPU the launches bound the starter, so that it tells little of the card."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One piece of work, the same everywhere."""

    name: str
    about: str
    """One sentence."""
    values: Mapping[str, Any]
    """GenerateConfig fields; `steps` are those of one picture."""
    version: int = 1
    """Counts up when the work changes in a way that no value shows."""
    profile: Profile = "strict"
    batch: int = 1
    """Pictures at a time."""
    step_files: bool = False
    """Whether every step writes its picture and metadata: bench.measure.notebook_files."""
    params: Mapping[str, Any] = field(init=False)
    """The pinned values as a config spells them."""

    def __post_init__(self) -> None:
        """Let the config check and spell the values."""
        config = GenerateConfig(**self.values)
        chosen = {**self.values, **(STRICT if self.profile == "strict" else {})}
        object.__setattr__(self, "params", {name: getattr(config, name) for name in sorted(chosen)})

    def with_profile(self, profile: str) -> Workload:
        """The same work under another profile; UsageError for one that nobody knows."""
        if profile not in PROFILES:
            raise UsageError(f"There is no profile {profile!r}.", hint=f"use one of: {', '.join(PROFILES)}")
        return replace(self, profile=profile)

    @property
    def pins(self) -> dict[str, Any]:
        """Everything that changes the work, ready for JSON."""
        return pins_of(
            version=self.version,
            profile=self.profile,
            params=self.params,
            batch=self.batch,
            step_files=self.step_files,
        )

    @property
    def hash(self) -> str:
        """Shortened sha256 over the pins; equal on every machine."""
        return hash_of(self.pins)

    @property
    def networks(self) -> tuple[str, str]:
        """Names of the VQGAN and of the guides."""
        return str(self.params["model"]), str(self.params.get("guides", ""))

    def config(self, **changes: Any) -> GenerateConfig:
        """The config of one picture. changes: where and how often to look, device, weights."""
        params = dict(self.params)
        if self.profile == "as-shipped":
            for name in AS_SHIPPED:
                params.pop(name, None)
        if params["model"] == NAME:
            params["model"] = SECOND  # whose work it pins: what came later has more codes to choose from
        return GenerateConfig(**{**params, **changes})


def _from_preset(preset: str, **values: Any) -> dict[str, Any]:
    """A preset's values; the notebooks let CUDA choose its fastest kernels, repeatable or not."""
    return {"deterministic": False, "backend": "own", "seed": 0, **PRESETS[preset].values, **values}


STARTER_VALUES: Mapping[str, Any] = {
    "prompt": "sunset over the sea",
    "model": "starter",
    "guides": "",
    "backend": "own",
    "width": 128,
    "height": 128,
    "steps": 30,
    "seed": 0,
    "start": "predicted",
    "step_size": 0.02,
    "per_dimension_steps": True,
    "shared_moment": False,
    "pull": 0.3,
    "offset_levels": 1,
    "step_schedule": "cosine",
    "cutouts": 8,
    "cut_power": 1.0,
    "cut_min_fraction": 0.6,
    "whole_every": 4,
    "cut_noise": 0.02,
    "cut_method": "crops",
    "cut_clamp": True,
    "augmentations": "",
    "boundary_tv": 0.0,
    "preview_every": 10,
    "deterministic": True,
}
ADAFRUIT_VALUES = _from_preset("adafruit", prompt="sunset over the sea", width=480, height=480)

WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            name="starter-128",
            about="the model that comes with dreamrig, 128x128: runs anywhere in seconds",
            values=STARTER_VALUES,
        ),
        Workload(
            name="adafruit-480",
            about="the notebook of Adafruit's guide as people timed it: 480x480, 64 cutouts, files at every step",
            values=ADAFRUIT_VALUES,
            step_files=True,
        ),
        Workload(
            name="adafruit-480-pure",
            about="the same mathematics without the files",
            values=ADAFRUIT_VALUES,
        ),
        Workload(
            name="crowson-480",
            about="the first notebook: 480x480, 64 plain cutouts",
            values=_from_preset("crowson", prompt="the first day of the waters"),
        ),
        Workload(
            name="nerdyrodent-512",
            about="the command line of 2021: 512x512, 32 pooled and augmented cutouts",
            values=_from_preset("nerdyrodent", prompt="a cute, smiling, nerdy rodent"),
        ),
    )
}


def find_by_hash(workload_hash: str) -> Workload | None:
    """The workload with that hash, under either profile; None for work of another version."""
    known = (workload.with_profile(profile) for workload in WORKLOADS.values() for profile in PROFILES)
    return next((workload for workload in known if workload.hash == workload_hash), None)


def find_workload(name: str, profile: str = "strict") -> Workload:
    """The workload of that name; UsageError naming what is near where there is none."""
    workload = WORKLOADS.get(name)
    if workload is None:
        near = difflib.get_close_matches(name, WORKLOADS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use one of: {', '.join(WORKLOADS)}"
        raise UsageError(f"There is no workload {name!r}.", hint=hint)
    return workload.with_profile(profile)
