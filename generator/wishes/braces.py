"""Braces in a prompt: many pictures at once. Does not import torch.

"a {red,blue} {house,tree}" is four prompts. Braces without a comma, and those after a backslash, are text. Braces may
stand inside of braces.
"""

from __future__ import annotations

from dreamrig.errors import UsageError

MOST_PICTURES = 1000


def expand(text: str) -> list[str]:
    """Every prompt that a text with braces stands for, in order; UsageError where there are too many."""
    found = _expand(text)
    if len(found) > MOST_PICTURES:
        raise _too_many()
    return [prompt.replace("\\{", "{").replace("\\}", "}").replace("\\,", ",") for prompt in found]


def escape(text: str) -> str:
    """The text as one prompt, whatever braces are in it."""
    return "".join(f"\\{character}" if character in "{}," else character for character in text)


def _expand(text: str) -> list[str]:
    start = 0
    while (span := _next_braces(text, start)) is not None:
        opening, closing = span
        choices = _split(text[opening + 1 : closing])
        if len(choices) == 1:  # no comma: text, but what is inside may have some
            start = opening + 1
            continue
        tails = _expand(text[closing + 1 :])
        heads = [inner for choice in choices for inner in _expand(choice)]
        if len(heads) * len(tails) > MOST_PICTURES:
            raise _too_many()
        return [text[:opening] + head + tail for head in heads for tail in tails]
    return [text]


def _next_braces(text: str, start: int) -> tuple[int, int] | None:
    """Where the first pair of matching braces from `start` on begins and ends."""
    for opening in (place for place in range(start, len(text)) if _is(text, place, "{")):
        depth = 0
        for place in range(opening, len(text)):
            depth += _is(text, place, "{") - _is(text, place, "}")
            if not depth:
                return opening, place
    return None


def _split(text: str) -> list[str]:
    """The text at its outermost commas."""
    parts, depth, start = [], 0, 0
    for place in range(len(text)):
        depth += _is(text, place, "{") - _is(text, place, "}")
        if not depth and _is(text, place, ","):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _is(text: str, place: int, character: str) -> bool:
    """Whether this character stands there without a backslash before it."""
    return text[place] == character and (place == 0 or text[place - 1] != "\\")


def _too_many() -> UsageError:
    return UsageError(f"The braces stand for more than {MOST_PICTURES} prompts.", hint="use fewer of them")
