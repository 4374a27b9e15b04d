"""What happens to cutouts after they are cut, as text: `flip sharpness(0.3,p=0.4) jitter(hue=0.01)`.

Each augmentation is a name with settings in brackets: the first may go without its name, a range is written
`0.1..0.4`, and what is left out has its default. Importing this module does not import torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dreamrig.errors import UsageError

Range = tuple[float, float]
Value = float | bool | str | Range

MOST = 32
"""Augmentations of one text: more is a slip, and each takes time in every step."""
KEPT = 64
"""Texts that are remembered as read: a run asks for the same one again and again."""
ITEM = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\(([^()]*)\))?(?:\s+|$)")
PADDINGS = ("zeros", "border", "reflection")
TRUE_WORDS, FALSE_WORDS = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True)
class Setting:
    """One knob of an augmentation: its default, whose type it keeps, and what is allowed."""

    default: Value
    low: float = 0.0
    high: float = 1.0
    words: tuple[str, ...] = ()


def _chance(default: float) -> Setting:
    return Setting(default)


KINDS: Mapping[str, Mapping[str, Setting]] = {
    "flip": {"p": _chance(0.5)},
    "sharpness": {"factor": Setting(0.5, high=10.0), "p": _chance(0.5)},
    "affine": {
        "degrees": Setting(15.0, high=180.0),
        "translate_x": Setting(0.0),
        "translate_y": Setting(0.0),
        "shear": Setting(0.0, high=80.0),
        "padding": Setting("zeros", words=PADDINGS),
        "p": _chance(0.5),
    },
    "perspective": {"distortion": Setting(0.5), "p": _chance(0.5)},
    "jitter": {
        "brightness": Setting(0.0),
        "contrast": Setting(0.0),
        "saturation": Setting(0.0),
        "hue": Setting(0.0, high=0.5),
        "p": _chance(1.0),
    },
    "erasing": {
        "area": Setting((0.02, 0.33)),
        "ratio": Setting((0.3, 3.3), low=0.01, high=100.0),
        "together": Setting(False),
        "p": _chance(0.5),
    },
    "noise": {"factor": Setting(0.1, high=10.0), "p": _chance(1.0)},
    "gaussian": {"std": Setting(1.0, high=10.0), "p": _chance(0.5)},
    "rotation": {"degrees": Setting(15.0, high=180.0), "p": _chance(0.5)},
    "elastic": {
        "alpha": Setting(1.0, high=10.0),
        "sigma": Setting(32.0, low=0.1, high=256.0),
        "p": _chance(0.5),
    },
    "thinplate": {"scale": Setting(0.2, low=0.01), "together": Setting(False), "p": _chance(0.5)},
    "crop": {"margin": Setting(0.0, high=0.9), "p": _chance(1.0)},
    "resizedcrop": {
        "area": Setting((0.08, 1.0), low=0.001),
        "ratio": Setting((0.75, 1.333), low=0.01, high=100.0),
        "p": _chance(1.0),
    },
}
"""Name -> settings in the order of their first need; defaults are those of the kornia classes the notebooks used."""


@dataclass(frozen=True)
class Augmentation:
    """One of KINDS with all its settings, in their order."""

    name: str
    settings: tuple[tuple[str, Value], ...]

    def number(self, setting: str) -> float:
        """The value of a setting that is one number."""
        value = dict(self.settings)[setting]
        assert isinstance(value, float)
        return value

    @property
    def share(self) -> float:
        """Of the cutouts that it changes, on average."""
        share = dict(self.settings).get("p", 1.0)
        assert isinstance(share, float)
        return share

    def range(self, setting: str) -> Range:
        """The value of a setting that is a range, (low, high)."""
        value = dict(self.settings)[setting]
        assert isinstance(value, tuple)
        return value

    def is_on(self, setting: str) -> bool:
        """The value of a setting that is yes or no; no where there is no such setting."""
        return dict(self.settings).get(setting) is True

    def word(self, setting: str) -> str:
        """The value of a setting that is one of several words."""
        value = dict(self.settings)[setting]
        assert isinstance(value, str)
        return value


def make(name: str, **given: Value) -> Augmentation:
    """An augmentation from values that are known to be good."""
    settings = KINDS[name]
    assert given.keys() <= settings.keys()
    return Augmentation(name, tuple((key, given.get(key, setting.default)) for key, setting in settings.items()))


@lru_cache(maxsize=KEPT)
def parse(text: str) -> tuple[Augmentation, ...]:
    """All augmentations of a text, in order; none for an empty text. UsageError names what cannot be meant."""
    found = tuple(_parse_one(name, inside) for name, inside in _items(text))
    if len(found) > MOST:
        raise UsageError(f"augmentations names {len(found)}.", hint=f"use at most {MOST}")
    return found


def format(augmentations: tuple[Augmentation, ...]) -> str:  # noqa: A001  # the pair of parse
    """The shortest text that parse reads back as the same augmentations."""
    return " ".join(map(_format_one, augmentations))


# Reading ----------------------------------------------------------------------------------------------------


def _items(text: str) -> Iterator[tuple[str, str]]:
    """Name and the text between its brackets, one after another."""
    place = 0
    while place < len(text.rstrip()):
        match = ITEM.match(text, place)
        if match is None:
            raise UsageError(
                f"augmentations cannot be read at {text[place : place + 20].strip()!r}.",
                hint='write names with settings in brackets: "flip sharpness(0.3,p=0.4)"',
            )
        yield match[1], match[2] or ""
        place = match.end()


def _parse_one(name: str, inside: str) -> Augmentation:
    settings = KINDS.get(name.lower())
    if settings is None:
        raise UsageError(f"augmentations names {name!r}, which is none.", hint=f"use: {', '.join(KINDS)}")
    given: dict[str, Value] = {}
    for number, part in enumerate(inside.split(",") if inside.strip() else []):
        key, is_named, value = part.partition("=")
        if not is_named:
            key, value = next(iter(settings)), part
        key = key.strip().lower()
        if key not in settings or key in given or (not is_named and number):
            raise UsageError(
                f"augmentations: {name.lower()} cannot take {part.strip()!r}.",
                hint=f"its settings, each once and by name: {', '.join(settings)}",
            )
        given[key] = _parse_value(f"{name.lower()}({key})", value.strip(), settings[key])
    return make(name.lower(), **given)


def _parse_value(where: str, text: str, setting: Setting) -> Value:
    if isinstance(setting.default, bool):
        return _parse_bool(where, text)
    if isinstance(setting.default, str):
        if text.lower() not in setting.words:
            raise UsageError(f"augmentations: {where} is {text!r}.", hint=f"use one of: {', '.join(setting.words)}")
        return text.lower()
    if not isinstance(setting.default, tuple):
        return _parse_number(where, text, setting)
    low, dots, high = text.partition("..")
    pair = _parse_number(where, low, setting), _parse_number(where, high if dots else low, setting)
    if pair[0] > pair[1]:
        raise UsageError(f"augmentations: {where} is {text!r}.", hint="a range goes from the lower to the higher")
    return pair


def _parse_bool(where: str, text: str) -> bool:
    if text.lower() in (*TRUE_WORDS, *FALSE_WORDS):
        return text.lower() in TRUE_WORDS
    raise UsageError(f"augmentations: {where} is {text!r}.", hint="use yes or no")


def _parse_number(where: str, text: str, setting: Setting) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not setting.low <= value <= setting.high:  # also refuses NaN
        kind = "a range, e.g. 0.1..0.4, with numbers" if isinstance(setting.default, tuple) else "a number"
        raise UsageError(
            f"augmentations: {where} is {text.strip()!r}.", hint=f"use {kind} from {setting.low:g} to {setting.high:g}"
        )
    return value + 0.0  # no negative zero


# Writing ----------------------------------------------------------------------------------------------------


def _format_one(augmentation: Augmentation) -> str:
    """The first setting goes without its name, the defaults go unsaid."""
    settings = KINDS[augmentation.name]
    first = next(iter(settings))
    parts = []
    for key, value in augmentation.settings:
        if value != settings[key].default:
            parts.append(_format_value(value) if key == first else f"{key}={_format_value(value)}")
    return f"{augmentation.name}({','.join(parts)})" if parts else augmentation.name


def _format_value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "..".join(map(_format_value, value))
    return value if isinstance(value, str) else repr(value).removesuffix(".0")
