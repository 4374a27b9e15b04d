"""Where workers of a crew can be: a card, a part of one, or a machine without any. Loads neither torch nor Ray."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.crew.settings import CrewSettings

WORKS = "dreamrig"
"""The resource of nodes of ours that may draw; another Ray's nodes have none."""
LABEL = "dreamrig-node"
"""The label by which a node is told from every other."""
CARD = "dreamrig-card"
"""The label that names a node's card."""


@dataclass(frozen=True)
class Post:
    """A place for one worker."""

    node: str
    """Ray's id of the machine."""
    index: int
    gpus: float
    """Of a card; 0 = it draws on the CPU."""
    cpus: float

    @property
    def name(self) -> str:
        """For logs and the owner's page."""
        return f"{self.node[:12]}/{self.index}"

    def __str__(self) -> str:
        return self.name


def posts_of(nodes: Sequence[Mapping[str, Any]], settings: CrewSettings, leaving: Sequence[str] = ()) -> list[Post]:
    """The places of these nodes (as ray.nodes() tells them) that the owner's settings allow.

    leaving: labels of nodes that take no more work.

    A card holds as many workers as its share says. A machine without a card draws where no machine has one: one worker
    with all of its cores.
    """
    ours = [node for node in nodes if node["Alive"] and node["Resources"].get(WORKS, 0) > 0]
    ours = [node for node in ours if label_of(node) not in leaving]
    with_cards = [node for node in ours if node["Resources"].get("GPU", 0) >= 1]
    if with_cards:
        return [post for node in with_cards if settings.wants(_card(node)) for post in _on_cards(node, settings)]
    return [Post(node["NodeID"], 0, 0.0, float(node["Resources"].get("CPU", 1.0))) for node in ours]


def label_of(node: Mapping[str, Any]) -> str:
    """What its `dreamrig crew` called it; "" for another Ray's."""
    return str(node.get("Labels", {}).get(LABEL, ""))


def _card(node: Mapping[str, Any]) -> str:
    return str(node.get("Labels", {}).get(CARD, ""))


def _on_cards(node: Mapping[str, Any], settings: CrewSettings) -> list[Post]:
    count = int(node["Resources"]["GPU"]) * math.floor(1 / settings.gpu_share)
    return [Post(node["NodeID"], index, settings.gpu_share, 0.0) for index in range(count)]
