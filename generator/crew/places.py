"""Where workers of a crew can be: a card, a part of one, or a machine without any. Loads neither torch nor Ray."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.crew.settings import CrewSettings

WORKS = "dreamrig"
"""The resource of nodes of ours that may draw; another Ray's nodes have none."""
LABEL = "dreamrig-node"
"""The label by which a node is told from every other."""
CARD, UUID = "dreamrig-card", "dreamrig-uuid"
"""The labels that name a node's first card; those of the others end in -1, -2 ..."""


@dataclass(frozen=True)
class Post:
    """A place for one worker."""

    node: str
    """Ray's id of the machine."""
    index: int
    gpus: float
    """Of a card; 0 = it draws on the CPU."""
    cpus: float
    card: str = ""
    """UUID of the one that it draws on; "" = whichever Ray gives it, because all of its machine's are welcome."""

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
        return [post for node in with_cards for post in _on_cards(node, settings)]
    return [Post(node["NodeID"], 0, 0.0, float(node["Resources"].get("CPU", 1.0))) for node in ours]


def label_of(node: Mapping[str, Any]) -> str:
    """What its `dreamrig crew` called it; "" for another Ray's."""
    return str(node.get("Labels", {}).get(LABEL, ""))


def labelled(name: str, index: int) -> str:
    """The label CARD or UUID of a node's card number `index`, from 0 on."""
    return f"{name}-{index}" if index else name


def cards_among(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of all cards of these nodes, each once."""
    return sorted({name for node in nodes if node["Alive"] for name, _ in _cards(node) if name})


def _cards(node: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, UUID) of each, as far as its `dreamrig crew` told them."""
    labels = node.get("Labels", {})
    count = next(index for index in itertools.count() if labelled(CARD, index) not in labels)
    return [(str(labels[labelled(CARD, one)]), str(labels.get(labelled(UUID, one), ""))) for one in range(count)]


def _on_cards(node: Mapping[str, Any], settings: CrewSettings) -> list[Post]:
    """Where a machine has several kinds and some are not wanted, a worker is bound to its card."""
    count, a_card = int(node["Resources"]["GPU"]), math.floor(1 / settings.gpu_share)
    cards = _cards(node) or [("", "")]
    wanted = [index for index, (name, _) in enumerate(cards) if settings.wants(name)]
    if not wanted:
        return []
    is_told = len(cards) == count and all(uuid for _, uuid in cards)
    if len(wanted) == len(cards) or not is_told:
        return [Post(node["NodeID"], index, settings.gpu_share, 0.0) for index in range(count * a_card)]
    return [
        Post(node["NodeID"], index * a_card + part, settings.gpu_share, 0.0, cards[index][1])
        for index in wanted
        for part in range(a_card)
    ]
