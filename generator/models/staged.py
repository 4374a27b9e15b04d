"""The start of a picture of things: read the prompt, paint the scene, draw the things into it, encode the whole."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from generator.models.base import StartPlan
from generator.models.composing import compose, paint
from generator.models.tiny import collage, surfaces
from generator.models.tiny.start import Composer, ScenePainter
from generator.models.tiny.things import ThingLibrary
from generator.models.tiny.vqgan import TinyVQGAN
from generator.starter.lexicon import Lexicon, Thing, lexicon
from generator.starter.materials import MATERIALS
from generator.starter.reading import PromptReading, WantedThing, read
from generator.starter.setting import setting
from generator.starter.staging import Ground, Outline, Placed, stage
from generator.starter.world import HORIZON_Y, Scene, replace, spots

_HORIZON_OF = {"space": 1.6, "underwater": -0.35, "sky": 1.02}
"""Special places are a landscape whose horizon is out of the picture."""


@dataclass(frozen=True)
class Staged:
    """A painted scene before it is encoded."""

    picture: Tensor
    """(3, H, W) in [0, 1]."""
    placed: list[Placed]
    scene: Scene


class StagedStart:
    """Text -> things and scene -> a picture -> codes.

    What is said in the composer's own words alone is composed as before. Everything is drawn from the seed and the
    prompt together, on the CPU, so that a seed means the same scene on every device.
    """

    def __init__(
        self,
        composer: Composer,
        painter: ScenePainter,
        vqgan: TinyVQGAN,
        library: ThingLibrary,
        known: Lexicon | None = None,
    ) -> None:
        self._composer, self.painter, self.vqgan, self._library = composer, painter, vqgan, library
        self._given = known

    @cached_property
    def _known(self) -> Lexicon:
        return lexicon() if self._given is None else self._given

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        """The plan of one seed."""
        reading = read(text, self._known)
        with torch.no_grad():
            if reading.is_own:
                scene = compose(self._composer, text, torch.Generator().manual_seed(_mixed(seed, text)))
                latent = paint(self.painter, scene, spots(scene), rows, columns)
                return StartPlan(self.vqgan.nearest(latent)[0], scene.plan())
            staged = self.stage(text, seed, rows, columns)
            codes = self.vqgan.nearest(self.vqgan.encode(staged.picture[None]))[0]
            return StartPlan(codes, describe(reading, staged.scene))

    def stage(self, text: str, seed: int, rows: int, columns: int) -> Staged:
        """What a text's things and scene are painted as."""
        reading, rng = read(text, self._known), random.Random(f"{seed}/{text}")
        chosen = {one.thing: self._choose(one.thing, rng) for one in reading.wanted}
        materials = {one.made_of: self._choose(one.made_of, rng) for one in reading.wanted if one.made_of is not None}
        numbers = list(dict.fromkeys((*chosen.values(), *materials.values())))
        drawn = dict(zip(numbers, self.drawings(numbers), strict=True))
        chief = _chief_of(reading.wanted, chosen, drawn)
        scene = setting(reading, chief, rng)
        picture = self._background(scene, reading.place, rows, columns)
        ground = _ground(scene, reading, columns / rows)
        outlines = _Outlines(drawn)
        placed = stage(reading, outlines, chosen.__getitem__, ground, rng) if reading.wanted else []
        from_left = _light_side(scene)
        for one in placed:
            material = None if one.wanted.made_of is None else drawn[materials[one.wanted.made_of]]
            _draw(picture, one, drawn[one.drawing], material, scene, ground, from_left)
        return Staged(collage.styled(picture, reading.style).clamp(0, 1), placed, scene)

    def _choose(self, thing: Thing, rng: random.Random) -> int:
        return rng.choice(self._known.whole_drawings(thing))

    def drawings(self, numbers: Sequence[int]) -> list[Tensor]:
        """The drawings (4, h, w) of these numbers, cut to where they show."""
        if not numbers:
            return []
        device = self._library.codes.device
        drawn = self._library.draw(self._library.embedding(torch.tensor(numbers, device=device)))
        return [collage.crop(one) for one in drawn]

    def _background(self, scene: Scene, place: str, rows: int, columns: int) -> Tensor:
        plain = replace(scene, style="plain")
        latent = paint(self.painter, plain, spots(plain, horizon=_HORIZON_OF.get(place)), rows, columns)
        return self.vqgan.decode(latent)[0].clamp(0, 1)


class _Outlines(Sequence[Outline]):
    """Outlines by the drawing's number, measured when asked for."""

    def __init__(self, drawn: dict[int, Tensor]) -> None:
        self._drawn = drawn

    def __len__(self) -> int:
        return len(self._drawn)

    def __getitem__(self, number: int) -> Outline:  # type: ignore[override]  # there are no slices of drawings
        drawing = self._drawn[number]
        return Outline(drawing.shape[2] / drawing.shape[1], collage.head_of(drawing))


def _mixed(seed: int, text: str) -> int:
    """One number of the seed and the prompt: the same seed has the moon elsewhere for another prompt."""
    return random.Random(f"{seed}/{text}").getrandbits(63)


def _chief_of(wanted: Sequence[WantedThing], chosen: dict[Thing, int], drawn: dict[int, Tensor]) -> str:
    """The starter's colour that is nearest to most of the first thing."""
    if not wanted:
        return ""
    first = wanted[0]
    if first.material and not first.colour:
        return collage.nearest_to(MATERIALS[first.material].usual)
    return first.colour or collage.nearest_colour(drawn[chosen[first.thing]])


def _ground(scene: Scene, reading: PromptReading, aspect: float) -> Ground:
    if scene["kind"] != "landscape":
        return Ground(0.5, "backdrop", aspect)
    if reading.place:
        return Ground(0.5, "air", aspect)
    horizon = HORIZON_Y[int(scene["horizon"])]
    flies = bool(reading.wanted) and all(one.thing.home == "air" for one in reading.wanted)
    return Ground(horizon, "air" if flies else "water" if scene["ground"] == "sea" else "ground", aspect)


def _light_side(scene: Scene) -> float:
    """Where the light comes from: 1 left, -1 right."""
    if scene["kind"] != "landscape" or scene["light"] == "none":
        return 0.35
    return 1 - 2 * spots(scene)[1][0]


def _draw(
    picture: Tensor, one: Placed, drawing: Tensor, material: Tensor | None, scene: Scene, ground: Ground, side: float
) -> None:
    unit = min(picture.shape[1:])
    height, width = max(2, round(one.height * unit)), max(2, round(one.width * unit))
    if one.wanted.material:
        drawing = surfaces.in_material(drawing, one.wanted.material, one.wanted.colour)
    elif one.wanted.colour:
        drawing = collage.recolour(drawing, one.wanted.colour)
    if material is not None:
        drawing = collage.made_of(drawing, material)
    drawing = collage.resize(drawing, height, width)
    drawing = drawing.flip(2) if one.mirrored else drawing
    if scene["kind"] == "landscape":
        drawing = collage.light(drawing, scene["sky"], side)
    left, top = round(one.x * unit - width / 2), round(one.foot * unit) - height
    if one.stands and ground.kind == "water":
        collage.reflection(picture, drawing, top + height, left)
    elif one.stands or ground.kind == "backdrop":
        collage.shadow(picture, one.x * unit, one.foot * unit - 0.01 * height, width, side)
    collage.lay(picture, drawing, top, left)


def describe(reading: PromptReading, scene: Scene) -> str:
    """A short description for people, `blue cat on chair, night sky, meadow`."""
    parts = []
    relations = ("", *reading.relations)[: len(reading.wanted)]
    for relation, one in zip(relations, reading.wanted, strict=True):
        count = f"{one.count} x" if one.count > 1 else ""
        surface = one.material if one.made_of is None else one.made_of.name
        material = f"made of {surface}" if surface else ""
        parts.append(" ".join(filter(None, (relation, count, one.size, one.colour, one.thing.name, material))))
    style = f"{reading.style} style" if reading.style else ""
    return ", ".join(filter(None, (" ".join(parts), reading.place, scene.plan(), style)))
