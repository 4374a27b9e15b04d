"""Which things there are, and each artist's drawing of them: rendered once, the same size for all."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.starter.making.library.packages import ARTISTS, FLUENT, GROUPS, Package, open_package, read_json

SIDE = 96
"""Side of a rendered drawing, in pixels: below 60 things are mush to the VQGAN, at 96 they are clear."""
_MARGIN = 1
_DRAWN_AT = 2 * SIDE

CATEGORIES: dict[str, str] = {
    **dict.fromkeys(("animal-mammal", "animal-bird", "animal-amphibian", "animal-reptile", "animal-marine"), "animal"),
    "animal-bug": "animal",
    "monkey-face": "animal",
    "cat-face": "face",
    "face-costume": "fantasy",
    **dict.fromkeys(("plant-flower", "plant-other"), "plant"),
    **dict.fromkeys(("food-fruit", "food-vegetable", "food-prepared", "food-asian", "food-sweet", "drink"), "food"),
    "dishware": "object",
    **dict.fromkeys(("place-geographic", "place-map"), "nature"),
    **dict.fromkeys(("place-building", "place-religious", "place-other"), "building"),
    **dict.fromkeys(("transport-ground", "transport-water", "transport-air"), "vehicle"),
    "sky-weather": "sky",
    **dict.fromkeys(("person", "person-role", "person-activity", "person-sport", "person-resting"), "person"),
    "person-fantasy": "fantasy",
    "body-parts": "body",
    "hand-fingers-open": "body",
    "hand-fingers-partial": "body",
    "hand-fingers-closed": "body",
    "hands": "body",
    "clothing": "clothing",
    **dict.fromkeys(("face-smiling", "face-hat", "face-glasses", "face-affection", "face-negative"), "face"),
    **dict.fromkeys(("face-concerned", "face-sleepy", "face-tongue", "emotion", "heart"), "face"),
    **dict.fromkeys(("event", "award-medal", "sport", "game", "arts-crafts", "sound", "music"), "object"),
    **dict.fromkeys(("musical-instrument", "phone", "computer", "light-video", "book-paper", "money"), "object"),
    **dict.fromkeys(("mail", "writing", "office", "lock", "tool", "science", "medical", "household"), "object"),
    **dict.fromkeys(("other-object", "time", "hotel"), "object"),
    "flag": "object",
}
"""emojibase's subgroup -> the starter's category. Signs, arrows, letters and countries' flags are no things."""

_NO_THINGS_TEXT = """
    1F550 1F551 1F552 1F553 1F554 1F555 1F556 1F557 1F558 1F559 1F55A 1F55B 1F55C 1F55D 1F55E 1F55F 1F560 1F561
    1F562 1F563 1F564 1F565 1F566 1F567 1F5FA 1F5FE 1F4A2 1F4AF 1F4AB 1F5EF 1F5E8 1F441-FE0F-200D-1F5E8-FE0F
    1F573 1F32B 1F301 1F303 1F304 1F305 1F306 1F307 1F309 1F30C 1F6A7 1F6D1 1F6A5 1F49F 2763 1F3F3-FE0F 1F3F4
    1F3F3-FE0F-200D-1F308 1F3F3-FE0F-200D-26A7-FE0F 1F38C 1FAE8 1F9D1-200D-1F384 1FAC3 1FAC4
    1F9D1-200D-1F91D-200D-1F9D1
"""
_NO_THINGS = frozenset(_NO_THINGS_TEXT.split())
"""Drawings that are scenes, signs or one hour of the clock."""


@dataclass(frozen=True)
class DrawnThing:
    """Something that can be drawn."""

    code: str
    """Its Unicode sequence, in hexadecimal with dashes, without the variation selector."""
    name: str
    """Its CLDR short name."""
    category: str
    subgroup: str
    tags: tuple[str, ...]


def read_things(folder: Path) -> list[DrawnThing]:
    """The things of the groups that hold some, in Unicode's order."""
    package = open_package(GROUPS, folder)
    subgroups = read_json(package / "meta" / "groups.json")["subgroups"]
    entries = sorted(read_json(package / "en" / "data.json"), key=lambda entry: int(entry.get("order", 0)))
    names = {entry["label"] for entry in entries}
    found = []
    for entry in entries:
        subgroup = subgroups.get(str(entry.get("subgroup")), "")
        code, name = entry["hexcode"], entry["label"]
        if subgroup in CATEGORIES and code not in _NO_THINGS and not _is_variant(name, names):
            plain = code.replace("-FE0F", "")
            found.append(DrawnThing(plain, name, CATEGORIES[subgroup], subgroup, tuple(entry.get("tags", ()))))
    return found


def _is_variant(name: str, names: set[str]) -> bool:
    """Whether it is somebody's sex, hair or direction: the plain one stands for all."""
    sex, _, rest = name.partition(" ")
    same = {rest, f"person {rest}", f"people {rest}", f"pregnant {rest}"}
    return ":" in name or (sex in ("man", "woman", "men", "women") and bool(rest) and bool(same & names))


def render_all(
    things: Iterable[DrawnThing], artist: str, package: Package, folder: Path
) -> Iterator[tuple[int, Image.Image]]:
    """(number of the thing, its picture fitted into SIDE) for each thing the artist has drawn."""
    source = _Folder(package, folder) if package == FLUENT else _Icons(package, folder)
    for number, thing in enumerate(things):
        drawn = source.draw(thing)
        if drawn is not None:
            yield number, fit(drawn)


class _Folder:
    """A package of one picture per thing."""

    def __init__(self, package: Package, folder: Path) -> None:
        self._assets = open_package(package, folder) / "assets"

    def draw(self, thing: DrawnThing) -> Image.Image | None:
        code = thing.code.lower()
        for name in (code, f"{code}-fe0f", code.replace("-200d", "-fe0f-200d", 1)):
            path = self._assets / f"{name}.webp"
            if path.exists():
                return Image.open(path).convert("RGBA")
        return None


class _Icons:
    """A package of one JSON with the SVG of every thing, by name."""

    def __init__(self, package: Package, folder: Path) -> None:
        root = open_package(package, folder)
        icons = read_json(root / "icons.json")
        self._bodies: dict[str, str] = {name: icon["body"] for name, icon in icons["icons"].items()}
        self._aliases = {name: alias["parent"] for name, alias in icons.get("aliases", {}).items()}
        self._side = icons.get("height", 16)
        self._sides = {name: icon.get("height", self._side) for name, icon in icons["icons"].items()}
        chars = read_json(root / "chars.json") if (root / "chars.json").exists() else {}
        self._by_code = {code.upper().replace("-FE0F", ""): name for code, name in chars.items()}

    def draw(self, thing: DrawnThing) -> Image.Image | None:
        import resvg_py

        slug = "-".join(_slug(thing.name))
        for name in (self._by_code.get(thing.code, ""), slug, slug.removesuffix("-face"), f"{slug}-face"):
            found = self._aliases.get(name, name)
            if found in self._bodies:
                side = self._sides[found]
                svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">{self._bodies[found]}</svg>'
                png = resvg_py.svg_to_bytes(svg_string=svg, width=_DRAWN_AT, height=_DRAWN_AT)
                return Image.open(io.BytesIO(bytes(png))).convert("RGBA")
        return None


def _slug(name: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in name.lower().replace("’", "").replace("ñ", "n")).split()


def fit(drawn: Image.Image) -> Image.Image:
    """The drawing's bounding box as large as fits into SIDE, in its middle."""
    box = drawn.getchannel("A").point(lambda alpha: 255 * (alpha > 16)).getbbox()
    if box is None:
        return drawn.resize((SIDE, SIDE))
    cut = drawn.crop(box)
    inside = SIDE - 2 * _MARGIN
    scale = inside / max(cut.size)
    width, height = (max(1, round(length * scale)) for length in cut.size)
    # Premultiplied, so that the colour of what is transparent does not bleed into the rim.
    small = cut.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
    whole = Image.new("RGBa", (SIDE, SIDE))
    whole.paste(small, ((SIDE - width) // 2, (SIDE - height) // 2))
    return Image.frombytes("RGBA", whole.size, whole.tobytes())


@dataclass(frozen=True)
class Drawings:
    """pictures (N, SIDE, SIDE, 4) uint8, colours premultiplied; things, artists (N): whose drawing of what each is."""

    pictures: NDArray[np.uint8]
    things: NDArray[np.int64]
    artists: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.things)


def open_drawings(packages: Path, folder: Path, artists: dict[str, Package] | None = None) -> Drawings:
    """All drawings of the artists, rendered into `folder` first where they are missing or others."""
    artists = ARTISTS if artists is None else artists
    things = read_things(packages)
    wanted = {"side": SIDE, "artists": [p.spec for p in artists.values()], "things": [t.code for t in things]}
    done, stored = folder / "drawings.json", folder / "drawings.npz"
    if not (done.exists() and json.loads(done.read_text()) == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        rows = [
            (np.asarray(picture, dtype=np.uint8), number, at)
            for at, (artist, package) in enumerate(artists.items())
            for number, picture in render_all(things, artist, package, packages)
        ]
        pictures, numbers, whose = (np.stack(list(part)) for part in zip(*rows, strict=True))
        np.savez(stored, pictures=pictures, things=numbers, artists=whose)
        done.write_text(json.dumps(wanted))
    loaded = np.load(stored)
    return Drawings(loaded["pictures"], loaded["things"], loaded["artists"])
