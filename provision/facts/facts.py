"""The facts document: what could be read about one machine, and why the rest could not.

Its contract is knowledge/facts.schema.json. A fact that could not be read is null, and `unknown` has the reason under
its dotted path: "denied" (needs elevation), "absent" (no such command), "timeout", "failed: ...", "not-asked".
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, parse_object, read_object
from dreamrig.errors import UsageError
from provision.facts import shape

SCHEMA = 1
KNOWLEDGE = Path(__file__).parents[1] / "knowledge"
HALVES = ("windows", "wsl", "linux", "cuda", "torch", "python")
FILE_LIMIT_BYTES = 4 * 2**20
NOT_ASKED = "not-asked"


@functools.cache
def facts_schema() -> Mapping[str, Any]:
    """facts.schema.json."""
    schema: Mapping[str, Any] = read_object(KNOWLEDGE / "facts.schema.json")
    return schema


@dataclass(frozen=True)
class Part:
    """What one collector found: values by dotted path, and reasons for those that it could not read."""

    values: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    collector: str | None = None
    """Who found it, where that is worth naming."""


@dataclass(frozen=True)
class Facts:
    """A facts document that has the shape of facts.schema.json."""

    document: Mapping[str, Any]

    @property
    def place(self) -> str:
        """windows, wsl, linux, colab or other."""
        return str(self.document["place"])

    def get(self, path: str) -> Any:
        """The fact under a dotted path, e.g. "windows.build"; None where it is not known."""
        return look_up(self.document, path)

    def reason(self, path: str) -> str:
        """Why a fact is not known; "not-asked" where nobody has tried."""
        unknown = self.document.get("unknown") or {}
        parts = path.split(".")
        heads = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((unknown[head] for head in heads if head in unknown), NOT_ASKED)

    def to_json(self) -> dict[str, Any]:
        """The document in JSON's own types."""
        return dict(self.document)


def look_up(document: Mapping[str, Any], path: str) -> Any:
    """What stands under a dotted path, None where a part of it is missing."""
    node: Any = document
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Write `value` under a dotted path, making the objects on the way."""
    *heads, last = path.split(".")
    for head in heads:
        if not isinstance(document.get(head), dict):
            document[head] = {}
        document = document[head]
    document[last] = value


def make_facts(place: str, parts: Iterator[Part], collected_at: str | None = None) -> Facts:
    """One document from what the collectors found; the earlier part wins."""
    document: dict[str, Any] = {"schema": SCHEMA, "place": place, "collected_at": collected_at, "collectors": []}
    unknown: dict[str, str] = {}
    for part in parts:
        if part.collector is not None:
            document["collectors"].append(part.collector)
        for path, value in part.values.items():
            if value is not None and look_up(document, path) is None:
                put(document, path, value)
        unknown.update(part.unknown)
    document |= {half: document.get(half) for half in HALVES}
    known = {path for path in unknown if look_up(document, path) is not None and path not in HALVES}
    document["unknown"] = {path: unknown[path] for path in sorted(unknown.keys() - known)}
    return Facts(document)


def merge(first: Facts, second: Facts) -> Facts:
    """Two views of one machine as one: a known value wins over an unknown one, and the first over the second.

    The Linux side names the place: it knows that it runs in WSL.
    """
    places = {first.place, second.place}
    document = _merge_values(first.document, second.document)
    document["place"] = next((place for place in ("colab", "wsl") if place in places), first.place)
    collectors = [*first.document.get("collectors", ()), *second.document.get("collectors", ())]
    document["collectors"] = list(dict.fromkeys(collectors))
    reasons = {**(second.document.get("unknown") or {}), **(first.document.get("unknown") or {})}
    document["unknown"] = {
        path: reason
        for path, reason in sorted(reasons.items())
        if look_up(document, path) is None or isinstance(look_up(document, path), Mapping)
    }
    for half in HALVES:  # "the whole half is missing" is no longer true once the other side has it
        if document.get(half) is not None:
            document["unknown"].pop(half, None)
    return Facts(document)


def _merge_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(second)
    for key, value in first.items():
        other = second.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            merged[key] = _merge_values(value, other)
        elif value is not None:
            merged[key] = value
    return merged


def from_json(found: Any, source: str = "the facts") -> Facts:
    """Facts from a parsed JSON value; UsageError names the first thing that is wrong with it.

    The whole document of `dreamrig facts --json` or `doctor --json`, or of doctor.ps1, is taken as well. Fields that a
    newer version has are left out.
    """
    document = _unwrap(found)
    if not isinstance(document, Mapping) or "place" not in document:
        raise UsageError(f"{source} is no facts document.", hint="make one with: dreamrig facts --json > facts.json")
    wrong = next(shape.problems(document, facts_schema()), None)
    if wrong is not None:
        raise UsageError(f"{source} is no facts document: {wrong}.", hint="make it anew: dreamrig facts --json")
    plain = shape.without_unknown(document, facts_schema())
    plain["unknown"] = dict(document.get("unknown") or {})
    return Facts(plain)


def _unwrap(found: Any) -> Any:
    """The facts inside the `--json` document of a command."""
    for key in ("data", "facts"):
        if isinstance(found, Mapping) and "place" not in found and isinstance(found.get(key), Mapping):
            found = found[key]
    if isinstance(found, Mapping) and isinstance(
        found.get("facts"), Mapping
    ):  # data of the doctor: has a place as well
        return found["facts"]
    return found


def load_facts(path: Path) -> Facts:
    """Facts from a JSON file in any encoding that Windows writes; UsageError where it is none."""
    from provision.machine.machine import decode

    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"Cannot read {path}: {error.strerror}.", hint="make it: dreamrig facts --json > facts.json"
        ) from None
    if len(data) > FILE_LIMIT_BYTES:
        raise UsageError(f"{path} is too long for a facts document.", hint="make one with: dreamrig facts --json")
    try:
        document = parse_object(decode(data).lstrip("\ufeff"))
    except DocumentError as error:
        raise UsageError(error.about(str(path)), hint="make it anew: dreamrig facts --json > facts.json") from None
    return from_json(document, str(path))
