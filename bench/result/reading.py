"""Documents from strangers: read with the floor's limits, turned into dataclasses, and every text looked at.

Every refusal is one UsageError that names the file and, inside it, the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dreamrig.documents import DocumentError, convert, one_line, parse_object, quote, read_object
from dreamrig.errors import UsageError

T = TypeVar("T")

HINT = "make it anew: dreamrig bench run"
LONGEST_PROBLEM = 300
LONGEST_TEXT, LONGEST_KEY = 2000, 200
MOST_FIELDS, MOST_ENTRIES = 200, 100_000
LARGEST = 1e18


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; UsageError where there is none."""
    name = show_path(path)
    try:
        return read_object(path)
    except DocumentError as error:
        raise UsageError(error.about(name), hint=HINT) from None
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}.", hint=f"see: ls -l {name}") from None


def parse_json(data: bytes, source: str) -> dict[str, Any]:
    """The JSON object in some bytes. source: what to call them in an error."""
    try:
        return parse_object(data)
    except DocumentError as error:
        raise UsageError(error.about(source), hint=HINT) from None


def show_path(path: Path) -> str:
    """A path in one line that drives no terminal, whatever the file is called."""
    return one_line(str(path))


def build(kind: type[T], document: Mapping[str, Any], source: str) -> T:
    """A dataclass from a document, unknown keys left out; UsageError with the first thing that is wrong."""
    try:
        made = convert(kind, document)
    except DocumentError as error:
        raise _refusal(source, str(error)) from None
    wrong = next(oddities(document), None)
    if wrong is not None:
        raise _refusal(source, wrong)
    return made


def _refusal(source: str, problem: str) -> UsageError:
    words = one_line(problem)  # it may quote a field's name
    words = words if len(words) <= LONGEST_PROBLEM else words[: LONGEST_PROBLEM - 3] + "..."
    return UsageError(f"{source}: {words}.", hint=HINT)


def oddities(value: Any, where: str = "") -> Iterator[str]:
    """What no kind forbids and no reader wants: control characters, endless texts and lists, numbers without end.

    Also where a document may hold anything, such as the measured ceilings.
    """
    if isinstance(value, str):
        yield from _text_oddities(value, where)
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:
        yield f"{where} is {quote(value)}, beyond {LARGEST:g}"
    elif isinstance(value, Mapping):
        yield from _object_oddities(value, where)
    elif isinstance(value, Sequence):
        if len(value) > MOST_ENTRIES:
            yield f"{where} has {len(value)} entries, above {MOST_ENTRIES}"
        for index, item in enumerate(value):
            yield from oddities(item, f"{where}[{index}]")


def _text_oddities(value: str, where: str) -> Iterator[str]:
    if len(value) > LONGEST_TEXT:
        yield f"{where} is {len(value)} characters long, above {LONGEST_TEXT}"
    elif not value.isprintable():
        yield f"{where} has control characters"


def _object_oddities(value: Mapping[str, Any], where: str) -> Iterator[str]:
    here = where or "the document"
    if len(value) > MOST_FIELDS:
        yield f"{here} has {len(value)} fields"
    for key, item in value.items():
        if len(key) > LONGEST_KEY or not key.isprintable():
            yield f"{here} has a field with the name {quote(key)}"
            return
        yield from oddities(item, f"{where}.{key}".lstrip("."))
