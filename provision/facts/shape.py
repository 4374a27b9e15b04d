"""The little of JSON Schema that our own schemas use: type, enum, const, properties, required, items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": Mapping,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def problems(value: Any, schema: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """One sentence for each place where `value` is not what `schema` asks; properties that it does not know pass.

    A document of a newer version has more properties, and is still read.
    """
    name = where or "the document"
    if "const" in schema and value != schema["const"]:
        yield f"{name} is {_show(value)}, not {_show(schema['const'])}"
    elif "enum" in schema and not any(type(choice) is type(value) and choice == value for choice in schema["enum"]):
        yield f"{name} is {_show(value)}, not one of {', '.join(_show(choice) for choice in schema['enum'])}"
    elif "type" in schema and not _is_kind(value, schema["type"]):
        yield f"{name} is {_show(value)}, not {_kinds(schema['type'])}"
    elif isinstance(value, Mapping):
        yield from _in_object(value, schema, where)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], f"{where}[{index}]")


def _in_object(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{where or 'the document'} has no {key!r}"
    rest = schema.get("additionalProperties")
    for key, item in value.items():
        inner = schema.get("properties", {}).get(key, rest if isinstance(rest, Mapping) else {})
        yield from problems(item, inner, f"{where}.{key}".lstrip("."))


def without_unknown(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` without the properties that `schema` does not know, at every depth."""
    if isinstance(value, Mapping) and "properties" in schema:
        known = schema["properties"]
        return {key: without_unknown(item, known[key]) for key, item in value.items() if key in known}
    if isinstance(value, list) and "items" in schema:
        return [without_unknown(item, schema["items"]) for item in value]
    return value


def _is_kind(value: Any, kinds: str | list[str]) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):  # to Python, true is the whole number 1
        return "boolean" in names
    return any(isinstance(value, KINDS[name]) for name in names)


def _kinds(kinds: str | list[str]) -> str:
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
