"""Facts that stand in a text: systeminfo's block, nvidia-smi's table, versions. The twin is Read-ToldFact.ps1.

A fact that is told in two ways, as in a report of before and after, is not known.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.diagnosis.cause import Telling
from provision.diagnosis.knowledge import compiled, literals

YES = frozenset(
    {"yes", "true", "ja", "oui", "s\u00ed", "si", "sim", "\u662f", "\u306f\u3044", "\u0434\u0430", "\uc608"}
)
"""In lower case; every other word that a yes-no fact is told by means no."""


def facts_told(flat: str, joined: str, tellings: Iterable[Telling]) -> Mapping[str, Any]:
    """Dotted path -> value, of the facts that stand in a text.

    flat: its line breaks as spaces.   joined: without them, for values that a terminal broke; read where flat has none.
    """
    views = [(text, text.lower()) for text in dict.fromkeys((flat, joined))]
    found: dict[str, list[Any]] = {}
    for telling in tellings:
        values = next((values for view in views if (values := list(_values(telling, *view)))), [])
        found.setdefault(telling.fact, []).extend(values)
    return {fact: values[0] for fact, values in found.items() if values and all(value == values[0] for value in values)}


def _values(telling: Telling, text: str, lowered: str) -> Iterator[Any]:
    needed = literals(telling.regex)
    if needed and not any(literal in lowered for literal in needed):
        return
    for match in compiled(telling.regex).finditer(text):
        yield read_value(match.group(1), telling.kind)


def read_value(word: str, kind: str) -> Any:
    """What a word of a text says: "Yes" as yes-no True, "120" as capability "12.0", "12040" as cuda "12.4"."""
    match kind:
        case "yes-no":
            return word.lower() in YES
        case "mention":
            return True
        case "word":
            return word.lower()
        case "number":
            return int(word)
        case "capability":
            return f"{word[:-1]}.{word[-1]}"
        case "cuda":
            return f"{int(word) // 1000}.{int(word) % 1000 // 10}"
        case _:
            return word
