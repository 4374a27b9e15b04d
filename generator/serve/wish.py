"""What a friend may ask for: a list of its own, six fields, none of them a knob of the machine.

Everything else comes from the owner's offers. No path, no model, no device and no number of steps comes from a client.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.crew.menu import CHOICES, SHAPES, STYLES, Kind, Offer
from generator.wishes.prompts import SCENES, parse, refuse_unreadable

LONGEST_PROMPT = 500
LARGEST_SEED = 999_999
KEY = re.compile(r"[A-Za-z0-9_-]{12}")
FIELDS = ("prompt", "preset", "shape", "seed", "style", "parent")
# What may stand at the end of one part of a prompt: a region, a weight, a stop.
TAIL = re.compile(r"(?P<text>.*?)(?P<tail>(?:\s+@\S+)?(?::[+-]?[0-9.]+){0,2}\s*)", re.DOTALL)
WORD = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]|[^\W_\u3041-\u30ff\u3400-\u9fff]+")
UNSEEN = ("M", "Cf")
"""Marks on letters, and formats such as the soft hyphen."""


class WishError(UsageError):
    """A wish that cannot be granted, in words for a page. field: which of FIELDS is meant."""

    def __init__(self, field: str, message: str, *, hint: str = "", reason: str = "bad_request") -> None:
        super().__init__(message, hint=hint)
        self.field, self.reason = field, reason


@dataclass(frozen=True, kw_only=True)
class FriendWish:
    """A wish as it came, each field checked by itself."""

    prompt: str
    preset: str = "quick"
    shape: str = "square"
    seed: int | None = None
    """None = the server draws one."""
    style: str = "none"
    parent: str | None = None
    """Key of the picture it starts from."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @property
    def kind(self) -> Kind:
        """What decides the settings that a model likes best."""
        if self.parent is not None:
            return "picture"
        return "story" if SCENES in self.prompt else "plain"


def read_wish(body: Mapping[str, Any]) -> FriendWish:
    """The wish in a JSON object or a form; WishError names the field that is wrong."""
    for name in body:
        if name not in FIELDS:
            raise WishError(str(name)[:40], f"There is no field {str(name)[:40]!r}.", hint=f"use {', '.join(FIELDS)}")
    return FriendWish(
        prompt=_prompt(body.get("prompt")),
        preset=_one_of("preset", body.get("preset"), CHOICES, "quick"),
        shape=_one_of("shape", body.get("shape"), SHAPES, "square"),
        seed=_seed(body.get("seed")),
        style=_one_of("style", body.get("style"), STYLES, "none"),
        parent=_parent(body.get("parent")),
    )


def recorded_wish(values: Mapping[str, Any]) -> FriendWish:
    """The wish of a row, which another version may have written; WishError for what this one does not know of."""
    try:
        return FriendWish(**values)
    except TypeError as error:
        raise WishError("body", "This version does not know all that was asked for.", hint="ask for it anew") from error


def _prompt(value: Any) -> str:
    if not isinstance(value, str):
        raise WishError("prompt", "There is no prompt.", hint="say what to draw")
    text = " ".join(value.split())
    try:
        refuse_unreadable(text, LONGEST_PROMPT)
    except UsageError as error:
        raise WishError("prompt", error.message, hint=error.hint) from error
    return text


def _one_of(field: str, value: Any, known: Mapping[str, Any], usual: str) -> str:
    if value is None or value == "":
        return usual
    if not isinstance(value, str) or value not in known:
        raise WishError(field, f"There is no {field} {str(value)[:40]!r}.", hint=f"use one of: {', '.join(known)}")
    return value


def _seed(value: Any) -> int | None:
    if value is None or value == "":
        return None
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value) else value
    if isinstance(number, float) and number.is_integer():  # JSON has one kind of numbers: 7.0 is 7
        number = int(number)
    if type(number) is not int or not 0 <= number <= LARGEST_SEED:
        raise WishError("seed", "That is no seed.", hint=f"use a whole number from 0 to {LARGEST_SEED}")
    return number


def _parent(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise WishError("parent", "There is no such picture.", hint="choose one from the gallery")
    return value


def has_held(prompt: str, phrases: Iterable[str]) -> bool:
    """Whether one part of the prompt, read as the generator reads it, has one of the phrases in whole words."""
    try:
        parts = [one.text for one in parse(prompt)]
    except UsageError:
        parts = [prompt]
    texts = [f" {' '.join(words_in(part))} " for part in parts]
    wanted = [f" {' '.join(words)} " for phrase in phrases if (words := words_in(phrase))]
    return any(one in text for text in texts for one in wanted)


def words_in(text: str) -> list[str]:
    """Its words in small letters without accents; what is not seen parts none, signs of Chinese or kana are words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return WORD.findall("".join(one for one in plain if not unicodedata.category(one).startswith(UNSEEN)))


def styled(prompt: str, style: str) -> str:
    """The prompt with a style's words in every part of it, before that part's region, weight and stop."""
    words = STYLES[style]
    if not words:
        return prompt
    return SCENES.join("|".join(_append(part, words) for part in scene.split("|")) for scene in prompt.split(SCENES))


def _append(part: str, words: str) -> str:
    found = TAIL.fullmatch(part)
    assert found is not None
    return f"{found['text']}{words}{found['tail']}"


def to_config(wish: FriendWish, offers: Sequence[Offer], start: str | None = None) -> GenerateConfig:
    """The whole config of a wish; WishError where this machine cannot draw it.

    offers: what the worker published.   start: the picture of the wish's parent, on this disk.
    """
    offer = find_offer(offers, wish.preset, wish.shape, wish.kind)
    if offer is None:
        raise WishError("preset", "Nobody here can draw this.", hint="choose another", reason="nobody_can")
    if not offer.fits:
        size = f"the largest width that fits is {offer.largest_width}" if offer.largest_width else "no size fits"
        raise WishError("preset", f"This does not fit into the memory here: {size}.", reason="does_not_fit")
    seed = secrets.randbelow(LARGEST_SEED + 1) if wish.seed is None else wish.seed
    changes = {"prompt": styled(wish.prompt, wish.style), "seed": seed}
    if wish.kind == "picture":
        assert start is not None
        changes["start"] = start
    try:
        return GenerateConfig.from_dict({**offer.config, **changes})
    except UsageError as error:
        raise WishError("prompt", error.message, hint=error.hint) from error


def find_offer(offers: Sequence[Offer], preset: str, shape: str, kind: Kind) -> Offer | None:
    """The offer for a choice; None where the worker has published none."""
    fitting = (offer for offer in offers if (offer.preset, offer.shape, offer.kind) == (preset, shape, kind))
    return next(fitting, None)
