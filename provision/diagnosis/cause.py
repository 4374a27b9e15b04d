"""What the knowledge base is made of. The data stand in knowledge/causes.json; `knowledge` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.diagnosis.predicate import Predicate

LAYERS = (
    "firmware", "windows", "wsl", "network", "disk", "guest", "driver", "cuda", "torch", "python",
    "container", "usage",
)  # fmt: skip
"""Where causes lie, in fixing order: what is broken further down cannot be told before what is above works."""


@dataclass(frozen=True)
class Code:
    """A code and what it means. ids: what it is compared by."""

    ids: frozenset[str]
    hex: str | None
    name: str | None
    decimal: int | None
    weight: float = 0.0
    """How strongly it points to the cause that carries it."""
    kind: str | None = None
    meaning: str | None = None


@dataclass(frozen=True)
class Signature:
    """Words that point to a cause. states: they say the cause outright."""

    regex: str
    weight: float
    states: bool
    raises: bool
    """They are no evidence alone: a name, a product, a number. They count where something else points to the cause."""
    said: tuple[str, ...] = ()
    """In place of `regex`: the patterns of notions that stand near one another, in any order (words.json)."""


@dataclass(frozen=True)
class Query:
    """A command that reads facts."""

    id: str
    facts: tuple[str, ...]
    needs_admin: bool
    document: Mapping[str, Any]
    """As it stands in the file."""


@dataclass(frozen=True)
class Cause:
    """Something that can be wrong with a machine."""

    slug: str
    title: str
    explanation: str
    effect: str
    layer: str
    """One of LAYERS; "" where it is not said."""
    prior: float
    codes: tuple[Code, ...]
    signatures: tuple[Signature, ...]
    context: tuple[tuple[str, float], ...]
    when: Predicate | None
    decisive: bool
    document: Mapping[str, Any]
    """As it stands in the file: fix, differs, check and sources are not needed to find it."""


@dataclass(frozen=True)
class Telling:
    """How a fact stands in a text. regex: with one group, the value."""

    fact: str
    regex: str
    kind: str
    """yes-no, mention, word, text, number, capability or cuda."""


@dataclass(frozen=True)
class Knowledge:
    """All that is known."""

    version: str
    causes: tuple[Cause, ...]
    queries: tuple[Query, ...]
    codes: tuple[Code, ...]
    name_ids: Mapping[str, str]
    """Symbolic name in capitals -> the id of its number, or itself where it has none."""
    carried: frozenset[str]
    """The ids that some cause carries."""
    known: frozenset[str]
    """All ids and names, those of `codes` included."""
    told: tuple[Telling, ...] = ()
    """How facts stand in texts."""
