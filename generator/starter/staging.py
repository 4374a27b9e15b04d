"""Where the things of a prompt stand: relations first, then the group as a whole on its ground. Standard library only.

Lengths are in units of the picture's shorter side, y downwards.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from generator.starter.lexicon import Thing
from generator.starter.reading import BEHIND, BESIDE, HOLDING, IN, ON, OVER, UNDER, WEARING, PromptReading, WantedThing


@dataclass(frozen=True)
class Placed:
    """One drawing on the picture."""

    drawing: int
    wanted: WantedThing
    x: float
    """Of its middle."""
    foot: float
    """y of its lower rim."""
    width: float
    height: float
    mirrored: bool = False
    stands: bool = True
    """Whether it touches the ground, and so throws a shadow there."""

    @property
    def top(self) -> float:
        """y of its upper rim."""
        return self.foot - self.height

    def moved(self, across: float, down: float) -> Placed:
        """The same elsewhere."""
        return replace(self, x=self.x + across, foot=self.foot + down)

    def scaled(self, factor: float) -> Placed:
        """The same, larger or smaller about the origin."""
        lengths = {name: getattr(self, name) * factor for name in ("x", "foot", "width", "height")}
        return replace(self, **lengths)


@dataclass(frozen=True)
class Outline:
    """What is known about a drawing: width over height, and where its head is, as a fraction from the left."""

    aspect: float
    head: float = 0.5


@dataclass(frozen=True)
class Ground:
    """What the things stand before."""

    horizon: float
    """y of the horizon as a fraction of the height."""
    kind: str
    """ground, water, air or backdrop."""
    aspect: float = 1.0
    """Width over height of the picture."""


_STEP = 0.14
"""How much larger a thing of the next size class is drawn; far less than in life, so that a bee beside a cow shows."""
_PLACED_SIZE = {"small": 0.62, "": 1.0, "big": 1.25}

Choose = Callable[[Thing], int]


def stage(
    reading: PromptReading, outlines: Sequence[Outline], choose: Choose, ground: Ground, rng: random.Random
) -> list[Placed]:
    """The things of a reading in their places, those behind first."""
    blocks = [_block(one, outlines, choose, rng) for one in reading.wanted]
    first = _scaled(blocks[0], _extent(reading.wanted[0]))
    group, last = list(first), first
    for relation, one, block in zip(reading.relations, reading.wanted[1:], blocks[1:], strict=True):
        own = _scaled(block, _extent(one))
        last, behind = _RELATED[relation](last, own, outlines, rng)
        group = [*last, *group] if behind else [*group, *last]
    return _settle(group, reading, ground, rng)


def _extent(one: WantedThing) -> float:
    return (1 + _STEP * (one.thing.size - 2)) * _PLACED_SIZE[one.size]


def _block(one: WantedThing, outlines: Sequence[Outline], choose: Choose, rng: random.Random) -> list[Placed]:
    """One thing, or several of its kind in a row and a row behind it: about 1 high, around x = 0, foot at 0."""
    drawing, mirrored = choose(one.thing), rng.random() < 0.5
    aspect = outlines[drawing].aspect
    width, height = (1.0, 1 / aspect) if aspect > 1 else (aspect, 1.0)
    single = Placed(drawing, one, 0.0, 0.0, width, height, mirrored)
    if one.count == 1:
        return [single]
    front = min(one.count, 3)
    placed = []
    for row, count, size in ((1, one.count - front, 0.5), (0, front, 0.62)):
        for column in range(count):
            across = (column - (count - 1) / 2) * width * 0.68 + rng.uniform(-0.03, 0.03)
            foot = -0.34 * row * height + rng.uniform(-0.03, 0.03)
            copy = replace(single.scaled(size), mirrored=mirrored != (rng.random() < 0.25))
            placed.append(copy.moved(across, foot))
    return placed


def _scaled(block: list[Placed], factor: float) -> list[Placed]:
    return [one.scaled(factor) for one in block]


def _box(block: list[Placed]) -> tuple[float, float, float, float]:
    """left, top, right, foot."""
    return (
        min(one.x - one.width / 2 for one in block),
        min(one.top for one in block),
        max(one.x + one.width / 2 for one in block),
        max(one.foot for one in block),
    )


def _put(block: list[Placed], x: float, foot: float, *, stands: bool = False) -> list[Placed]:
    left, _, right, bottom = _box(block)
    return [replace(one.moved(x - (left + right) / 2, foot - bottom), stands=stands) for one in block]


Related = tuple[list[Placed], bool]
"""The later things in their places, and whether they lie behind the earlier ones."""


def _on(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    """The first on top of the second: the second goes under it, behind it."""
    left, _, right, foot = _box(first)
    width, height = _size(then)
    rides = then[0].wanted.thing.category in ("animal", "vehicle", "plant")
    least = (1.7 if rides else 1.3) * (right - left)
    if width < least:
        then = _scaled(then, least / width)
        width, height = _size(then)
    return _put(then, (left + right) / 2, foot + (0.62 if rides else 0.78) * height, stands=True), True


def _over(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    left, _, right, foot = _box(first)
    return _put(then, (left + right) / 2 + rng.uniform(-0.2, 0.2), foot + 0.12 + _size(then)[1], stands=True), False


def _under(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    left, top, right, _ = _box(first)
    return _put(then, (left + right) / 2 + rng.uniform(-0.1, 0.1), top + 0.1), False


def _in(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    """The first looks out of the second, which hides its lower part."""
    left, top, right, foot = _box(first)
    width, height = _size(then)
    factor = max(1.0, 1.15 * (right - left) / width)
    then = _scaled(then, factor)
    return _put(then, (left + right) / 2, foot - 0.35 * (foot - top) + 0.85 * height * factor, stands=True), False


def _beside(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    left, _, right, foot = _box(first)
    side = 1 if rng.random() < 0.65 else -1
    at = (right if side > 0 else left) + side * (_size(then)[0] / 2 + 0.04)
    return _put(then, at, foot + rng.uniform(-0.06, 0.1), stands=True), False


def _wearing(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    """A hat or crown on the head, glasses before the eyes, the rest round the body."""
    wearer, name = first[-1], then[0].wanted.thing.name
    head = outlines[wearer.drawing].head
    x = wearer.x + (0.5 - head if wearer.mirrored else head - 0.5) * wearer.width
    is_face = wearer.wanted.thing.category in ("face", "fantasy", "animal") and abs(head - 0.5) < 0.06
    width = (0.62 if is_face else 0.45) * min(wearer.width, wearer.height)
    then = _scaled(then, width / _size(then)[0])
    height = _size(then)[1]
    if any(part in name for part in ("hat", "crown", "cap", "helmet", "headphone", "bow", "ribbon")):
        foot = wearer.top + 0.14 * wearer.height
    elif any(part in name for part in ("glasses", "goggles")):
        foot = wearer.top + (0.42 if is_face else 0.2) * wearer.height + height / 2
    elif any(part in name for part in ("scarf", "tie", "beads")):
        foot = wearer.top + 0.62 * wearer.height + height / 2
    else:
        foot = wearer.foot - 0.08 * wearer.height
    return _put(then, x, foot), False


def _holding(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    left, top, right, foot = _box(first)
    side = -1 if first[-1].mirrored else 1
    width, height = _size(then)
    then = _scaled(then, 0.55 * (foot - top) / max(width, height))
    middle = (left + right) / 2 + side * 0.42 * (right - left)
    return _put(then, middle + side * 0.12, foot - 0.12 * (foot - top)), False


def _behind(first: list[Placed], then: list[Placed], outlines: Sequence[Outline], rng: random.Random) -> Related:
    """The first is half hidden by the second."""
    left, top, right, foot = _box(first)
    return _put(then, (left + right) / 2 + 0.3 * (right - left), foot + 0.3 * (foot - top), stands=True), False


def _size(block: list[Placed]) -> tuple[float, float]:
    left, top, right, foot = _box(block)
    return right - left, foot - top


_RELATED = {
    ON: _on, OVER: _over, UNDER: _under, IN: _in, BESIDE: _beside, WEARING: _wearing, HOLDING: _holding,
    BEHIND: _behind,
}  # fmt: skip


def _settle(group: list[Placed], reading: PromptReading, ground: Ground, rng: random.Random) -> list[Placed]:
    """The group as large as it may be, on its ground, where chance puts it."""
    left, top, right, foot = _box(group)
    wide, high = max(1.0, ground.aspect), max(1.0, 1 / ground.aspect)
    alone = len(reading.wanted) == 1
    class_size = max(one.thing.size for one in reading.wanted)
    share = (0.6 + 0.03 * class_size) * (_PLACED_SIZE[reading.wanted[0].size] if alone else 1.12)
    factor = min(share * wide / (right - left), min(share, 0.84) * high / (foot - top))
    if alone:
        factor = min(factor, 0.86 / max(right - left, foot - top))
    group = [one.scaled(factor) for one in group]
    width, height = factor * (right - left), factor * (foot - top)
    room = max(0.0, wide - width - 0.06)
    x = wide / 2 + (rng.random() - 0.5) * room * 0.75
    if ground.kind in ("air", "backdrop"):
        spread = 0.3 if ground.kind == "air" else 0.12
        low = (high + height) / 2 + (rng.random() - 0.5) * spread * (high - height)
    else:
        horizon = ground.horizon * high
        low = max(horizon + 0.1 * high, min(0.93 * high, horizon + (0.5 + 0.4 * rng.random()) * (high - horizon)))
        low = min(0.95 * high, max(low, height + 0.04 * high))
    across, down = x - factor * (left + right) / 2, low - factor * foot
    placed = [one.moved(across, down) for one in group]
    return [replace(one, stands=one.stands and ground.kind not in ("air", "backdrop")) for one in placed]
