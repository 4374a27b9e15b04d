"""JSON from strangers: read with limits, checked against a schema, and turned into dataclasses.

Every refusal is one UsageError that names the file and, inside it, the field.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dreamrig.errors import UsageError
from provision.facts import shape

T = TypeVar("T")

LARGEST_BYTES = 4 * 2**20
LONGEST_PROBLEM = 300
DEEPEST = 32
"""Objects and lists inside each other."""
HERE = Path(__file__).parents[1]


@cache
def load_schema(name: str) -> Mapping[str, Any]:
    """A JSON Schema of bench/, by its path in there."""
    schema: Mapping[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return schema


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; UsageError where there is none, or one with numbers that are none (NaN)."""
    name = show_path(path)
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise UsageError(f"Cannot read {name}: it is no file.", hint=f"see: ls -l {name}")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}.", hint=f"see: ls -l {name}") from None
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{name} is larger than {LARGEST_BYTES // 2**20} MiB.", hint="a result is a few kilobytes")
    return parse_json(data, name)


def show_path(path: Path) -> str:
    """A path in one line that drives no terminal, whatever the file is called."""
    return one_line(str(path))


def one_line(text: str) -> str:
    """A text of a stranger with what is not printable as escapes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def parse_json(data: bytes, source: str) -> dict[str, Any]:
    """The JSON object in some bytes. source: what to call them in an error."""
    hint = "make it anew: dreamrig bench run"
    if not data.strip():
        raise UsageError(f"{source} is empty.", hint=hint)
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_no_doubles)
    except UnicodeDecodeError:
        raise UsageError(f"{source} is not UTF-8 text.", hint=hint) from None
    except RecursionError:
        raise UsageError(f"{source} is nested too deeply.", hint=hint) from None
    except ValueError as error:  # also numbers of thousands of digits
        raise UsageError(f"{source} is not JSON: {error}.", hint=hint) from None
    if not isinstance(found, dict):
        raise UsageError(f"{source} holds no JSON object.", hint=hint)
    if not _is_shallow(found):
        raise UsageError(f"{source} is nested too deeply.", hint=hint)
    return found


def _is_shallow(document: Any) -> bool:
    """Whether nothing lies deeper than DEEPEST; what reads a document afterwards may then descend into it."""
    layer = [document]
    for _ in range(DEEPEST):
        layer = [item for node in layer for item in _children(node)]
        if not layer:
            return True
    return False


def _children(node: Any) -> list[Any]:
    """What an object or a list holds of objects and lists."""
    items = node.values() if isinstance(node, dict) else node
    return [item for item in items if isinstance(item, dict | list)]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{_short(key)} occurs twice")
        found[key] = value
    return found


def problems(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each place where a document is not what its schema asks; those about kinds come first."""
    kinds = list(islice(shape.problems(document, schema), 100))
    return chain(kinds, () if kinds else range_problems(document, schema))


def require_shape(document: Mapping[str, Any], schema: Mapping[str, Any], source: str) -> None:
    """Refuse a document that breaks its schema, with the first thing that is wrong."""
    wrong = next(problems(document, schema), None)
    if wrong is not None:
        words = one_line(wrong)  # it may quote a field's name
        words = words if len(words) <= LONGEST_PROBLEM else words[: LONGEST_PROBLEM - 3] + "..."
        raise UsageError(f"{source}: {words}.", hint=f"what is allowed: {HERE.name}/{schema.get('title', 'schema')}")


def range_problems(value: Any, schema: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Where numbers, lengths and texts leave the limits of a schema; kinds are taken as right already."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where} is no finite number"
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield from _number_problems(value, schema, where)
    elif isinstance(value, str):
        yield from _text_problems(value, schema, where)
    elif isinstance(value, Mapping):
        yield from _object_problems(value, schema, where)
    elif isinstance(value, Sequence):
        yield from _list_problems(value, schema, where)


def _number_problems(value: float, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{where} is {_short(value)}, below {schema['minimum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{where} is {_short(value)}, not above {schema['exclusiveMinimum']}"
    if value > schema.get("maximum", 1e18) or value < -1e18:
        yield f"{where} is {_short(value)}, above {schema.get('maximum', 1e18):g}"


def _text_problems(value: str, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) > schema.get("maxLength", 2000):
        yield f"{where} is {len(value)} characters long, above {schema.get('maxLength', 2000)}"
    elif not value.isprintable():
        yield f"{where} has control characters"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} is {_short(value)}, which is not of the form {schema['pattern']}"


def _object_problems(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    rest = schema.get("additionalProperties")
    if len(value) > 200:
        yield f"{where or 'the document'} has {len(value)} fields"
    for key, item in islice(value.items(), 200):
        if len(key) > 200 or not key.isprintable():
            yield f"{where or 'the document'} has a field with the name {_short(key)}"
        inner = schema.get("properties", {}).get(key, rest if isinstance(rest, Mapping) else {})
        yield from range_problems(item, inner, f"{where}.{_short_key(key)}".lstrip("."))


def _list_problems(value: Sequence[Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{where} has {len(value)} entries, below {schema['minItems']}"
    if len(value) > schema.get("maxItems", 100_000):
        yield f"{where} has {len(value)} entries, above {schema.get('maxItems', 100_000)}"
    for index, item in enumerate(value):
        yield from range_problems(item, schema.get("items", {}), f"{where}[{index}]")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _short_key(key: str) -> str:
    return key if len(key) <= 40 and key.isprintable() else _short(key)


def build(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass from values of the right shape, its dataclass fields from mappings; unknown keys are left out."""
    hints = _hints(cast("Any", kind))
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # dataclasses only
    return kind(**{name: _convert(hints[name], value) for name, value in values.items() if name in known})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _convert(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value)
    if get_origin(hint) is tuple:
        return tuple(_convert(get_args(hint)[0], item) for item in value)
    if get_origin(hint) is Mapping:
        return {key: _convert(get_args(hint)[1], item) for key, item in value.items()}
    return float(value) if hint is float else value
