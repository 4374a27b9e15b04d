"""For every rule of the checks that are data, a facts document that takes it; found by trying, none is written."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from provision.diagnosis.predicate import comparisons
from provision.doctor.check_book import CheckEntry, CheckRule, check_book
from provision.doctor.wording import PLACEHOLDER
from provision.facts.facts import Facts, facts_schema, put

TRIES = 10_000
REASONS = ("denied", "absent", "timeout", "failed: Out of order.", f"failed: {'It is long. ' * 12}")
MADE_READ = ("windows.cpu_vendor", "windows.nvidia_gpus", "wsl.default_distribution")
"""What the makers of steps look at."""


def documents(entry: CheckEntry, place: str) -> Mapping[int, Mapping[str, Any]]:
    """Index of a rule in this place -> facts of which it is the answer; one that nothing takes is missing."""
    return _documents(entry.name, place)


@functools.cache
def _documents(name: str, place: str) -> Mapping[int, Mapping[str, Any]]:
    entry = next(each for each in check_book().checks if each.name == name)
    rules = (entry.rules or {})[place]
    values = {
        path: tuple({repr(value): value for value in _values(path, rules)}.values()) for path in _mentioned(rules)
    }
    chance, found = random.Random(entry.name + place), dict[int, Mapping[str, Any]]()
    for _ in range(TRIES):
        document = _draw(place, values, chance)
        index = next(number for number, rule in enumerate(rules) if rule.holds(Facts(document)))
        found.setdefault(index, document)
        if len(found) == len(rules):
            break
    return found


def every_document(place: str) -> Iterator[tuple[CheckEntry, Mapping[str, Any]]]:
    """Every check that is data in this place, with each of its documents."""
    for entry in check_book().checks:
        if entry.rules is not None and place in entry.places:
            yield from ((entry, document) for document in documents(entry, place).values())


def _mentioned(rules: tuple[CheckRule, ...]) -> list[str]:
    asked = {leaf["fact"] for rule in rules for part in (rule.when, rule.unless) for leaf in comparisons(part)}
    told = {path for rule in rules for path in (*rule.evidence, *([rule.unknown] if rule.unknown else []))}
    said = {path for rule in rules for path, _ in PLACEHOLDER.findall(rule.sentence)}
    return sorted(asked | told | said | set(MADE_READ))


def _values(path: str, rules: tuple[CheckRule, ...]) -> Iterator[Any]:
    """What a fact is compared with, the values next to that, those that its schema lists or allows, and not known."""
    yield None
    for rule in rules:
        for leaf in (leaf for part in (rule.when, rule.unless) for leaf in comparisons(part) if leaf["fact"] == path):
            yield from leaf.get("one_of", ())
            limit = leaf.get("less_than")
            yield from (limit - 1, limit, limit + 513) if isinstance(limit, int) else ([limit] if limit else ())
            yield from [leaf["is"]] if "is" in leaf else ()
    yield from _typical(_shape(path))


def _shape(path: str) -> Mapping[str, Any]:
    node: Any = facts_schema()
    for part in path.split("."):
        node = node["properties"][part]
    shape: Mapping[str, Any] = node
    return shape


def _typical(shape: Mapping[str, Any]) -> list[Any]:
    if "enum" in shape:
        return [value for value in shape["enum"] if value is not None]
    texts = [["one."], ["One.", "two", "three"], []] if shape.get("items") == {"type": "string"} else [[]]
    typical = {
        "boolean": [True, False],
        "integer": [0, 1, 70000],
        "number": [0.5],
        "string": ["0.9", "5.2.1"],
        "array": texts,
    }
    return [value for kind in shape["type"] if kind != "null" for value in typical[kind]]


def _draw(place: str, values: Mapping[str, tuple[Any, ...]], chance: random.Random) -> dict[str, Any]:
    document: dict[str, Any] = {"schema": 1, "place": place, "unknown": {}}
    for path, choices in values.items():
        value = chance.choice(choices)
        put(document, path, value)
        if value is None and chance.random() < 0.8:
            document["unknown"][path] = chance.choice(REASONS)
    return document
