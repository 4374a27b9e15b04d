"""What people would write about a scene: a grammar over its slots, and which slots each sentence really states."""

import random
import re
from dataclasses import dataclass, field

from generator.starter.world import NONE, Scene


@dataclass
class Caption:
    """A sentence and the slots it states (slot -> value); a slot it leaves out is free."""

    text: str
    stated: dict[str, str] = field(default_factory=dict)
    swapped: bool = False
    """Whether it names the scene's second object before the first."""


def caption(scene: Scene, rng: random.Random, *, full: bool = False) -> Caption:
    """A random caption of `scene`; `full` states all that the grammar can state."""
    stated: dict[str, str] = {}
    keep = _Keeper(rng, full)
    keep.swapped = rng.random() < 0.5 and scene["object_2"] != NONE
    parts = _landscape(scene, keep, stated) if scene["kind"] == "landscape" else _shapes(scene, keep, stated)
    text = _with_style(scene, " ".join(parts), keep, stated)
    if rng.random() < 0.04:
        text = text.removeprefix("a ").removeprefix("the ")
    text = re.sub(r"\ba ([aeiou])", r"an \1", " ".join(text.split()).replace(" ,", ","))
    return Caption(text, stated, keep.swapped)


class _Keeper:
    """Chance with one generator: `keep(p)` is true with probability p, always when the caption is full."""

    def __init__(self, rng: random.Random, full: bool) -> None:
        self.rng, self.full, self.swapped = rng, full, False

    def __call__(self, chance: float) -> bool:
        return self.full or self.rng.random() < chance

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)


def _with_style(scene: Scene, text: str, keep: _Keeper, stated: dict[str, str]) -> str:
    style = scene["style"]
    if style == "plain" or not keep(0.9):
        return text
    stated["style"] = style
    name = {"pixel": keep.pick("pixel art", "pixel art", "pixel"), "sketch": "sketch"}.get(style, style)
    bare = text.removeprefix("a ").removeprefix("the ")
    choices = [f"{text}, {name}", f"{text}, {name} style", f"{text} in {name} style", f"a {name} picture of {text}"]
    if style in ("pixel", "sketch"):
        choices += [f"{name} of {text}", f"a {name} of {text}"]
    if style in ("neon", "pastel"):
        choices += [f"{name} {bare}", f"a {name} {bare}", f"{text} in {name} colours"]
    return keep.rng.choice(choices)


def _object(scene: Scene, number: int, keep: _Keeper, stated: dict[str, str]) -> str:
    kind = scene[f"object_{number}"]
    if kind == NONE:
        return ""
    stated[f"object_{number}"] = kind
    words_ = ["a"]
    size = scene[f"size_{number}"]
    if size != "medium" and keep(0.35):
        stated[f"size_{number}"] = size
        words_.append(size)
    if keep(0.72):
        stated[f"colour_{number}"] = scene[f"colour_{number}"]
        words_.append(scene[f"colour_{number}"])
    words_.append(kind)
    if keep.rng.random() < 0.12 and scene["object_2"] == NONE:
        words_.append(_side(int(scene[f"x_{number}"]), f"x_{number}", keep, stated))
    return " ".join(words_)


def _side(column: int, slot: str, keep: _Keeper, stated: dict[str, str]) -> str:
    if column < 4:
        stated[slot] = "left"
        return keep.pick("on the left", "to the left")
    if column > 7:
        stated[slot] = "right"
        return keep.pick("on the right", "to the right")
    stated[slot] = "middle"
    return "in the middle"


def _objects(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    order = [2, 1] if keep.swapped else [1, 2]
    found = [text for text in (_object(scene, number, keep, stated) for number in order) if text]
    if len(found) < 2:
        return "".join(found)
    if abs(int(scene["x_1"]) - int(scene["x_2"])) > 3 and keep.rng.random() < 0.3:
        first_is_left = int(scene[f"x_{order[0]}"]) < int(scene[f"x_{order[1]}"])
        return f"{found[0]} {'left' if first_is_left else 'right'} of {found[1]}"
    return f"{found[0]} {keep.pick('and', 'and', 'with', ',')} {found[1]}"


def _shapes(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> list[str]:
    things = _objects(scene, keep, stated)
    pattern = scene["pattern"]
    if things and not keep(0.92):
        return [things]
    stated["colour_a"] = scene["colour_a"]
    stated["pattern"] = pattern
    if pattern == "plain":
        ground = f"a {scene['colour_a']} background"
    else:
        stated["colour_b"] = scene["colour_b"]
        colours = [scene["colour_a"], scene["colour_b"]]
        if pattern != "gradient":
            keep.rng.shuffle(colours)
        mixed = " and ".join(colours)
        ground = keep.pick(f"{mixed} {pattern}", f"a {mixed} {pattern} {'background' if things else 'pattern'}")
        ground = (
            ground
            if pattern != "checkerboard"
            else ground.replace(f"{mixed} check", f"a {mixed} check").replace("a a", "a")
        )
    return [things, keep.pick("on", "on", "in front of", "over"), ground] if things else [ground]


# ---------------------------------------------------------------- landscapes


def _landscape(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> list[str]:
    things = _objects(scene, keep, stated)
    lead = "" if things else _lead(scene, keep, stated)
    tail: list[str] = []
    ground = _ground(scene, keep, stated, bool(things)) if keep(0.85 if things else 0.95) else ""
    back = _back(scene, keep, stated) if scene["back"] != NONE and keep(0.85) else ""
    sky = "" if "sky" in stated else (_sky(scene, keep, stated) if keep(0.72) else "")
    tail.extend(part for part in (back, sky, _in_the_sky(scene, keep, stated)) if part)
    if keep.rng.random() < 0.35:
        keep.rng.shuffle(tail)
    if keep.rng.random() < 0.2:
        tail = [f", {part.removeprefix('with ')}" for part in tail]
    first = things or lead
    if not (first or ground or tail):
        ground = _ground(scene, keep, stated, False)
    return [first, ground, *tail]


def _lead(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    """What a landscape without a thing in it begins with, e.g. `sunset over`; its ground follows."""
    sky = scene["sky"]
    roll = keep.rng.random()
    if sky in ("sunset", "night", "storm") and roll < 0.4:
        stated["sky"] = sky
        if sky == "night" and scene["stars"] != NONE and keep.rng.random() < 0.5:
            stated["stars"] = "stars"
            return keep.pick("a stars night over", "stars night sky over", "a night sky with stars over")
        return keep.pick(f"{sky} over", f"a {sky} over", f"{sky} over", f"a {sky} at")
    if sky == "storm" and roll < 0.6:
        stated["sky"] = sky
        return "a storm"
    for slot, value, name in (("extra", "rainbow", "a rainbow over"), ("extra", "lightning", "lightning over")):
        if scene[slot] == value and keep.rng.random() < 0.5:
            stated[slot] = value
            return name
    if scene["light"] == "moon" and roll > 0.8:
        stated["light"] = "moon"
        return keep.pick("the moon over", "a moon over", "the full moon over")
    return ""


_GROUND_NAMES = {
    "sea": ("the sea", "the sea", "a calm sea", "sea"),
    "meadow": ("a meadow", "the meadow", "a green meadow"),
    "desert": ("the desert", "a desert", "desert"),
    "snow": ("the snow", "a snowy meadow", "snow"),
}


def _ground(scene: Scene, keep: _Keeper, stated: dict[str, str], things: bool) -> str:
    ground = scene["ground"]
    stated["ground"] = ground
    if not things:
        return keep.rng.choice(_GROUND_NAMES[ground])
    if ground == "sea":
        return keep.pick("on the sea", "in the sea", "over the sea", "by the sea", "at sea")
    if ground == "meadow":
        return keep.pick("on a meadow", "on a green meadow", "in a meadow", "on the meadow", "over a meadow")
    if ground == "desert":
        return keep.pick("in the desert", "in a desert", "on desert", "over the desert")
    return keep.pick("in the snow", "on snow", "in a snowy meadow", "in the snow")


def _back(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    back = scene["back"]
    stated["back"] = back
    colour = ""
    if scene["back_colour"] != NONE and keep(0.85):
        stated["back_colour"] = colour = scene["back_colour"]
    article = "a" if back in ("forest", "city") else keep.pick("", "", "the")
    snowy = "snowy" if back == "mountains" and not colour and keep.rng.random() < 0.15 else ""
    before = keep.pick("in front of", "in front of", "with", "before", "and", "by").replace("before", "in front of")
    return f"{before} {article} {snowy} {colour} {back}"


def _sky(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    sky = scene["sky"]
    stated["sky"] = sky
    if sky == "day":
        return keep.pick(
            "under a blue sky",
            "in daylight",
            "by daylight",
            "under a clear blue sky",
            "on a sunny daylight",
            "with a blue sky",
            "at daylight",
        )
    if sky == "sunset":
        return keep.pick(
            "at sunset",
            "at sunset",
            "in the evening",
            "under an orange sky",
            "under a sunset sky",
            "in sunset",
            "with a sunset",
        )
    if sky == "night":
        return keep.pick(
            "at night",
            "at night",
            "under a night sky",
            "under a dark sky",
            "in the night",
            "by night",
            "under a black sky",
        )
    if sky == "storm":
        return keep.pick("in a storm", "under a storm sky", "under a gray sky", "with a dark storm sky", "in the storm")
    return keep.pick(f"under a {sky} sky", f"with a {sky} sky", f"and a {sky} sky", f"under the {sky} sky")


def _in_the_sky(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    found = [part for part in (_light(scene, keep, stated), _clouds(scene, keep, stated)) if part]
    if scene["stars"] != NONE and "stars" not in stated and keep(0.55):
        stated["stars"] = "stars"
        found.append(keep.pick("stars", "the stars", "bright stars"))
    if scene["extra"] != NONE and "extra" not in stated and keep(0.9):
        stated["extra"] = scene["extra"]
        found.append(keep.pick("", "a") + " " + scene["extra"])
    keep.rng.shuffle(found)
    return keep.pick("with", "with", "and", "under") + " " + " and ".join(found) if found else ""


def _light(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    light = scene["light"]
    if light == NONE or "light" in stated or not keep(0.6):
        return ""
    stated["light"] = light
    colour = ""
    usual = {"sun": "yellow", "moon": "white"}[light]
    if keep(0.25 if scene["light_colour"] == usual else 0.9):
        stated["light_colour"] = colour = scene["light_colour"]
    adjective = keep.pick("", "", "", "bright", "big", "full" if light == "moon" else "bright")
    if scene["light_y"] == "low" and light == "sun" and keep.rng.random() < 0.15:
        stated["light_y"] = adjective = "low"
    side = ""
    if keep.rng.random() < 0.1:
        side = _side(int(scene["light_x"]), "light_x", keep, stated)
    return f"{keep.pick('a', 'the')} {adjective} {colour} {light} {side}"


def _clouds(scene: Scene, keep: _Keeper, stated: dict[str, str]) -> str:
    clouds = scene["clouds"]
    if clouds == NONE or not keep(0.35 if scene["sky"] == "storm" else 0.6):
        return ""
    stated["clouds"] = clouds
    return (
        keep.pick("", clouds) + " clouds" if clouds == "white" or scene["sky"] in ("storm", "night") else "dark clouds"
    )


def noisy(text: str, rng: random.Random) -> str:
    """`text` with a word lost or a foreign word slipped in, as in real prompts; for training only."""
    parts = text.split()
    if rng.random() < 0.15:
        parts.insert(
            rng.randrange(len(parts) + 1), rng.choice(("zorblax", "picture", "zorblax", "bright", "art", "zorblax"))
        )
    return " ".join(parts)
