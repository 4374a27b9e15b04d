"""A predicate over facts is true, false or unknown (None), after Kleene: what is not known makes nothing true or false.

    {"all": [P..]}  {"any": [P..]}  {"not": P}
    {"fact": "windows.build", "less_than": 19041}   numbers, or dotted versions as strings: "10.2" < "10.10"
    {"fact": F, "is": value}      {"fact": F, "one_of": [values]}     equal in kind and value, letter case included
    {"fact": F, "contains": "x"}  substring, whatever the letter case, of a string or of any string of a list
    {"fact": F, "absent": true}   known and empty: "absent", "" or []
    {"fact": F, "unknown": true}  null, or not in the document; the only one that is never unknown

A comparison with an unknown fact, or with one of another kind, is unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from provision.versions import compare_less

Predicate = Mapping[str, Any]
FactReader = Callable[[str], Any]
"""Dotted path -> value, None where it is not known."""

COMPARISONS = ("is", "one_of", "less_than", "contains", "absent", "unknown")


def evaluate(predicate: Predicate | None, read: FactReader) -> bool | None:
    """Whether `predicate` holds; None = cannot be told, also where there is no predicate."""
    if predicate is None:
        return None
    if "all" in predicate:
        return _all(evaluate(part, read) for part in predicate["all"])
    if "any" in predicate:
        return _not(_all(_not(evaluate(part, read)) for part in predicate["any"]))
    if "not" in predicate:
        return _not(evaluate(predicate["not"], read))
    return _compare(predicate, read(predicate["fact"]))


def _all(values: Iterable[bool | None]) -> bool | None:
    """What settles it ends the walk: a fact may take seconds to read."""
    is_unknown = False
    for value in values:
        if value is False:
            return False
        is_unknown = is_unknown or value is None
    return None if is_unknown else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _compare(leaf: Predicate, value: Any) -> bool | None:
    if "unknown" in leaf:
        return (value is None) is leaf["unknown"]
    if value is None:
        return None
    if "is" in leaf:
        return _equal(value, leaf["is"])
    if "one_of" in leaf:
        return _not(_all(_not(_equal(value, choice)) for choice in leaf["one_of"]))
    if "less_than" in leaf:
        return _less(value, leaf["less_than"])
    if "contains" in leaf:
        return _contains(value, leaf["contains"])
    return (value in ("absent", "", [])) is leaf["absent"]


def _equal(value: Any, wanted: Any) -> bool | None:
    return bool(value == wanted) if _kind(value) == _kind(wanted) else None


def _less(value: Any, limit: Any) -> bool | None:
    if _kind(value) == _kind(limit) == "number":
        return bool(value < limit)
    if _kind(value) == _kind(limit) == "text":
        return compare_less(value, limit)
    return None


def _contains(value: Any, part: str) -> bool | None:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return None
    return any(part.lower() in text.lower() for text in texts)


def _kind(value: Any) -> str:
    if isinstance(value, bool):  # before numbers: to Python, true is the whole number 1
        return "yes-no"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def comparisons(predicate: Predicate | None) -> Iterator[Predicate]:
    """Every comparison in a predicate, in its order."""
    if predicate is None:
        return
    if "fact" in predicate:
        yield predicate
        return
    inner = predicate.get("all") or predicate.get("any") or [predicate.get("not")]
    for part in inner:
        yield from comparisons(part)


def facts_behind(predicate: Predicate | None, read: FactReader, result: bool) -> list[str]:
    """The dotted paths of the known facts that make `predicate` come out as `result`, in its order, each once."""
    return list(dict.fromkeys(_behind(predicate, read, result)))


def _behind(predicate: Predicate | None, read: FactReader, result: bool) -> Iterator[str]:
    if predicate is None or evaluate(predicate, read) is not result:
        return
    if "not" in predicate:
        yield from _behind(predicate["not"], read, not result)
    elif "fact" in predicate:
        if read(predicate["fact"]) is not None:
            yield predicate["fact"]
    else:
        for part in predicate.get("all") or predicate.get("any") or ():
            yield from _behind(part, read, result)
