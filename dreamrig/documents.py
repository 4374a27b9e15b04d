"""JSON in and out, and TOML in: one policy for every folder.

In: one object, UTF-8, of bounded size and depth, no key twice, no number that is none or endless (NaN, 1e999). Out:
whole or not at all, what is not finite as null. msgspec turns a document into a dataclass and names the field that is
wrong; it takes the last of doubled keys and any nesting, so those are looked for here. It is imported by `convert`
only: provision, which needs the standard library alone, reads its documents without it.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from dreamrig.paths import write_atomic
from dreamrig.plain import to_plain
from dreamrig.words import MIB

T = TypeVar("T")

LARGEST_BYTES = 4 * MIB
DEEPEST = 32
"""Objects and lists inside each other; what reads a document afterwards may then descend into it."""
LONGEST_QUOTE = 60
MOST_UNKNOWN = 20


class DocumentError(ValueError):
    """Bytes are no document of the kind that was asked for.

    what: the end of a sentence, e.g. "is empty".   where: the field, e.g. "timing.blocks[0].seconds"; "" = the whole.
    """

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where} {what}".lstrip())
        self.what, self.where = what, where

    def about(self, source: str) -> str:
        """The whole sentence about a source, in one line that drives no terminal."""
        colon = ": " if self.where else " "
        return f"{one_line(source)}{colon}{one_line(str(self))}."


# ---- in --------------------------------------------------------------------------------------------------------------


def read_object(path: Path, *, most_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """The JSON object in a file. OSError where it cannot be read, DocumentError where it holds something else."""
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise DocumentError("is no file")
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise DocumentError(f"is larger than {most_bytes / MIB:g} MiB")
    return parse_object(data)


def parse_object(data: bytes | str) -> dict[str, Any]:
    """The JSON object in some bytes or text; DocumentError where there is none."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("is not UTF-8 text") from None
    if not text.strip():
        raise DocumentError("is empty")
    try:
        found = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_no_doubles)
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except ValueError as error:  # also numbers of thousands of digits
        raise DocumentError(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise DocumentError("holds no JSON object")
    if not _is_shallow(found):
        raise DocumentError("is nested too deeply")
    return found


def read_toml(path: Path, *, most_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """The settings in a TOML file. OSError where it cannot be read, DocumentError where it holds something else."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DocumentError("is no file")
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise DocumentError(f"is larger than {most_bytes / MIB:g} MiB")
    return parse_toml(data)


def parse_toml(data: bytes | str) -> dict[str, Any]:
    """The settings in TOML; DocumentError where it is none, is nested too deeply or has endless numbers."""
    try:
        found = tomllib.loads(data if isinstance(data, str) else data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DocumentError("is not valid TOML: it is not UTF-8 text") from None
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise DocumentError(f"is not valid TOML: {error}") from None
    if not _is_shallow(found):
        raise DocumentError("is nested too deeply")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{quote(text)} is too large")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{quote(key)} occurs twice")
        found[key] = value
    return found


def _is_shallow(document: Any) -> bool:
    layer = [document]
    for _ in range(DEEPEST):
        layer = [item for node in layer for item in _children(node)]
        if not layer:
            return True
    return False


def _children(node: Any) -> list[Any]:
    items = node.values() if isinstance(node, dict) else node
    return [item for item in items if isinstance(item, dict | list)]


# ---- into dataclasses ------------------------------------------------------------------------------------------------


def convert(kind: type[T], document: Mapping[str, Any]) -> T:
    """A dataclass from a document, its fields' kinds and limits (Annotated[float, msgspec.Meta(gt=0)]) checked.

    Unknown keys are passed over, because a newer version writes more of them: `unknown_keys` names them. DocumentError
    tells the first field that is wrong.
    """
    import msgspec

    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `")
        raise DocumentError(f"is wrong: {_in_words(what)}", _dotted(place.rstrip("`"))) from None
    except OverflowError:
        raise DocumentError("holds a number that is too large") from None
    except UnicodeEncodeError:
        raise DocumentError("holds half a letter (a lone surrogate)") from None


def _in_words(what: str) -> str:
    """msgspec's sentence within ours: a small letter first, no backticks."""
    plain = what.replace("`", "")
    return plain[:1].lower() + plain[1:]


def _dotted(place: str) -> str:
    """ "$.blocks[0].seconds" -> "blocks[0].seconds"; "the document" for the whole."""
    return place.removeprefix("$").removeprefix(".") or "the document"


def unknown_keys(kind: Any, document: Any, where: str = "") -> Iterator[str]:
    """Dotted names of the keys that no field of a dataclass, or of those inside it, reads: most likely slips."""
    if isinstance(document, Mapping) and is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {field.name for field in fields(kind)}
        for key, value in document.items():
            name = f"{where}.{key}".lstrip(".")
            if key in known:
                yield from unknown_keys(_kind_of(hints[key]), value, name)
            else:
                yield name
    elif isinstance(document, Sequence) and not isinstance(document, str):
        for index, item in enumerate(document):
            yield from unknown_keys(kind, item, f"{where}[{index}]")


def _kind_of(hint: Any) -> Any:
    """The dataclass inside of an optional field, of a tuple, of an annotated kind; the hint itself otherwise."""
    if get_origin(hint) in (Union, UnionType, tuple, Annotated):
        parts = [_kind_of(part) for part in get_args(hint)]
        return next((part for part in parts if is_dataclass(part)), hint)
    return hint


# ---- out -------------------------------------------------------------------------------------------------------------


def to_bytes(document: Any, *, indent: int | None = 2) -> bytes:
    """JSON as UTF-8 with a line's end, dataclasses and paths included; a number that is not finite becomes null."""
    return (json.dumps(to_plain(document), ensure_ascii=False, allow_nan=False, indent=indent) + "\n").encode()


def write_object(path: Path, document: Any, *, indent: int | None = 2) -> None:
    """Write a document, whole or not at all; its folder must exist."""
    write_atomic(path, to_bytes(document, indent=indent))


# ---- in words --------------------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """A stranger's text with what is not printable as escapes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quote(value: object) -> str:
    """A value in an error, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 3] + "..."
