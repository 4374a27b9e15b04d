"""JSON read field by field: what is wrong is said with its place, e.g. causes.json: causes[3].codes[0]."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, parse_object
from dreamrig.errors import FailedError

REPAIR = "repair the installation: git checkout provision/knowledge, or install dreamrig again"
KNOWLEDGE = Path(__file__).parent / "knowledge"
JSON_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "a text": str,
    "a number": (int, float),
    "a whole number": int,
    "true or false": bool,
    "a list": list,
    "an object": dict,
}


class KnowledgeError(FailedError):
    """A knowledge file is damaged. The message names the file and the field."""


@dataclass(frozen=True)
class Reader:
    """A JSON object and where it stands, e.g. causes.json: causes[3]."""

    node: Mapping[str, Any]
    where: str

    def __post_init__(self) -> None:
        """Refuse what is no object."""
        if not isinstance(self.node, dict):
            raise self.error("is not an object")

    def error(self, what: str) -> KnowledgeError:
        """The error for this place."""
        return KnowledgeError(f"The knowledge base is damaged: {self.where} {what}.", hint=REPAIR)

    def get(self, key: str, kind: str, *, optional: bool = False) -> Any:
        """The value of `key`; where optional, None for null or absent."""
        value = self.node.get(key)
        if value is None and optional:
            return None
        wrong_bool = isinstance(value, bool) and kind != "true or false"  # to Python, true is a whole number
        if wrong_bool or not isinstance(value, JSON_KINDS[kind]):
            raise self.error(f"has no {key!r} that is {kind}")
        return value

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        value = float(self.get(key, "a number"))
        if not 0 <= value <= 1:
            raise self.error(f"has {key!r} = {value}, which is not from 0 to 1")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.get(key, "a list")
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"has a {key!r} that is not a list of texts")
        return tuple(values)

    def objects(self, key: str, *, optional: bool = False) -> Iterator["Reader"]:
        """A list of objects."""
        for index, item in enumerate(self.get(key, "a list", optional=optional) or ()):
            yield Reader(item, f"{self.where}{': ' if self.where.endswith('.json') else '.'}{key}[{index}]")

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of some texts."""
        value = self.get(key, "a text")
        if value not in choices:
            raise self.error(f"has {key!r} = {value!r}, which is none of {', '.join(choices)}")
        return str(value)


def read_json(name: str) -> dict[str, Any]:
    """The parsed content of a file in provision/knowledge; KnowledgeError where it cannot be read."""
    try:
        return parse_object((KNOWLEDGE / name).read_bytes())
    except (OSError, DocumentError) as error:
        raise KnowledgeError(f"The knowledge file {name} cannot be read: {error}.", hint=REPAIR) from error
