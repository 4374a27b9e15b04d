"""The owner's settings of a crew: `[crew]` in dreamrig.toml, DREAMRIG_CREW_*, flags over both."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from dreamrig import settings
from dreamrig.errors import UsageError
from dreamrig.settings import Sources

KINDS = ("local", "ray")


@dataclass(frozen=True, kw_only=True)
class CrewSettings:
    """What an owner may set; every field is also `crew.<name>` in a file."""

    kind: str = "local"
    """Who draws: local = a worker of this machine; ray = every machine that joined."""
    address: str = ""
    """HOST:PORT of the crew's head; empty = the one of this home."""
    gpu_share: float = 1.0
    """How much of a card one worker takes: 0.5 = two workers a card."""
    lease_seconds: float = 30.0
    """Silence of a machine after which its attempt is over, whatever it says later."""
    station: str = "generator.crew.station"
    """The module whose Station draws on a node; tests bring their own."""
    cards: str = ""
    """Names of cards that may draw, separated by commas, e.g. "RTX 3090"; empty = every card."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"crew.kind is {self.kind!r}.", hint=f"use {' or '.join(KINDS)}")
        if not 10.0 <= self.lease_seconds <= 3600.0:
            raise UsageError(f"crew.lease_seconds is {self.lease_seconds}.", hint="use 30; a worker beats every 5 s")
        if not 0.01 <= self.gpu_share <= 1.0:
            raise UsageError(
                f"crew.gpu_share is {self.gpu_share}.", hint="use 1 for whole cards, 0.5 for two workers each"
            )

    def wants(self, card: str) -> bool:
        """Whether a card of that label may draw."""
        wanted = [slug(name) for name in self.cards.split(",") if name.strip()]
        return not wanted or any(name in card for name in wanted)


def slug(name: str) -> str:
    """A card's name as a label of Ray: "NVIDIA GeForce RTX 3090" -> nvidia-geforce-rtx-3090, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-")


def choose(kind: str | None, address: str | None) -> None:
    """Take what a command line says into the environment, where this process and its children read their settings.

    An address alone is a choice of Ray. UsageError where it is one without the other.
    """
    if address is not None and kind == "local":
        raise UsageError("--address is for --crew ray.", hint="leave one of them away")
    kind = "ray" if address is not None else kind
    for name, value in (("kind", kind), ("address", address)):
        if value is not None:
            os.environ[settings.environment_name(f"crew.{name}")] = value


def load_crew_settings(flags: Mapping[str, Any], sources: Sources) -> CrewSettings:
    """Flags over variables over files over defaults. flags: by field name, None = not given."""
    kinds, usual = get_type_hints(CrewSettings), CrewSettings()
    found = {
        one.name: settings.resolve(
            f"crew.{one.name}", kinds[one.name], flags.get(one.name), getattr(usual, one.name), sources=sources
        ).value
        for one in fields(CrewSettings)
    }
    return replace(usual, **found)
