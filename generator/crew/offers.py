"""What this machine can draw for friends: every preset, shape and kind of wish as a whole config. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from generator import devices
from generator.config import GenerateConfig
from generator.crew.drawing import largest_width
from generator.crew.menu import CHOICES, KINDS, SHAPES, Choice, Kind, Offer, side
from generator.engine import memory
from generator.models.base import Models
from generator.work.plan import Plan

SAMPLES: Mapping[Kind, tuple[str, dict[str, Any]]] = {
    "plain": ("a house", {}),
    "story": ("a house ^ a tree", {}),
    "picture": ("a house", {"start": "/a/picture.png"}),
}
"""Per kind a prompt, and what is given: what a model likes best depends on both."""
StepSeconds = Mapping[tuple[str, int, int, int], float]
"""(model, width, height, steps' cutouts) -> seconds a step took here."""


def usual_config(defaults: Mapping[str, Any], kind: Kind, given: Mapping[str, Any]) -> GenerateConfig:
    """What the model likes best for a kind of wish, with the owner's `given` fields over it."""
    prompt, more = SAMPLES[kind]
    return Plan(prompt=prompt, given={"seed": 0, **given, **more}).to_config(defaults)


def step_key(config: GenerateConfig) -> tuple[str, int, int, int]:
    """What decides how long a step takes on one machine."""
    return config.model, config.width, config.height, config.cutouts


@dataclass(frozen=True)
class DeviceRoom:
    """Memory of a device for a run beside the loaded networks; MiB."""

    free_mib: float
    """Now."""
    whole_mib: float
    """If nobody else were on it."""


def room_on(device: torch.device) -> DeviceRoom:
    """As the device says."""
    return DeviceRoom(devices.available_memory_mib(device), devices.whole_memory_mib(device))


def offers(models: Models, given: Mapping[str, Any], step_seconds: StepSeconds, room: DeviceRoom) -> Iterator[Offer]:
    """Every offer of these networks; those that do not fit say the largest width that would.

    What fits goes by the whole device: a card that is busy now is waited for, and refuses nothing.
    """
    for choice in CHOICES.values():
        for shape in SHAPES:
            for kind in KINDS:
                yield _offer(choice, shape, kind, models, given, step_seconds, room)


def _offer(
    choice: Choice,
    shape: str,
    kind: Kind,
    models: Models,
    given: Mapping[str, Any],
    step_seconds: StepSeconds,
    room: DeviceRoom,
) -> Offer:
    usual = usual_config(models.defaults, kind, given)
    across, down = SHAPES[shape]
    config = replace(
        usual,
        width=side(usual.width * choice.side_factor * across),
        height=side(usual.height * choice.side_factor * down),
        steps=max(1, round(usual.steps * choice.steps_factor)),
        preview_every=0,  # the worker shows steps by seconds
        frames_every=0,
    )
    thrifty, needs = _fitted(config, models, room)
    fits = needs <= room.whole_mib
    return Offer(
        preset=choice.name,
        shape=shape,
        kind=kind,
        model=models.name or config.model,
        config=(thrifty if fits else config).to_dict(),
        fits=fits,
        largest_width=config.width if fits else largest_width(config, models, room.whole_mib),
        needs_mib=round(needs, 1),
        step_seconds=step_seconds.get(step_key(config)),
    )


def _fitted(config: GenerateConfig, models: Models, room: DeviceRoom) -> tuple[GenerateConfig, float]:
    """The config as it fits now, else as it fits the whole device; and the MiB that it needs so.

    In no windows: whichever machine draws it, a picture of a line is the same.
    """
    thrifty, _ = memory.fit_to_memory(config, models, room.free_mib, in_windows=False)
    if (needs := memory.estimate_memory_mib(thrifty, models)) <= room.free_mib:
        return thrifty, needs
    thrifty, _ = memory.fit_to_memory(config, models, room.whole_mib, in_windows=False)
    return thrifty, memory.estimate_memory_mib(thrifty, models)


def as_dicts(found: Iterator[Offer]) -> tuple[dict[str, Any], ...]:
    """Offers as a message carries them."""
    return tuple(asdict(offer) for offer in found)
