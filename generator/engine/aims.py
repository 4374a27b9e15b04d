"""What the guides compare cutouts with: embeddings of texts, of pictures, and random ones, by region and scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.devices import to_like
from generator.engine import cutouts
from generator.engine.draws import Cutting
from generator.engine.latents import clamp_with_grad
from generator.engine.likenesses import LIKENESS, read_pictures
from generator.engine.regions import Region, cell_mask, find_region, read_mask
from generator.engine.stages import config_of_start
from generator.engine.starts import initial
from generator.models.base import GuideModel, Models
from generator.pictures.load import read_picture_within
from generator.wishes.parse import Wishes, count_scenes
from generator.wishes.prompts import Prompt

# A run's tensors that come from files or from draws made once. A checkpoint carries them, so that a resumed run needs
# no file and draws nothing again: the start, "mask" (per cell), "mask.NAME" (per pixel), "picture.NUMBER.GUIDE",
# "likeness.NAME".
START, MASK, PICTURE = "start", "mask", "picture."


@dataclass(frozen=True)
class Aim:
    """One thing to move towards or away from."""

    prompt: Prompt
    embeddings: tuple[Tensor, ...]
    """Per guide (E, D) float32, any one of them as good as the others; E is the same for all guides."""
    is_lasting: bool
    """Whether it holds in every scene."""

    def weight(self, shares: Sequence[float]) -> float:
        """Of each of its embeddings, when the scenes count by these shares."""
        share = 1.0 if self.is_lasting else shares[self.prompt.scene]
        return self.prompt.weight * share / len(self.embeddings[0])


@dataclass(frozen=True)
class Panel:
    """All that counts in one region at one moment."""

    region: Region | None
    embeddings: tuple[Tensor, ...]
    """Per guide (T, D)."""
    weights: Tensor
    """(T,) on the embeddings' device; below 0 = away from it."""
    stops: Tensor
    """(T,): a cutout whose signed distance is below this gives no gradient any more."""


@dataclass
class Aims:
    """All aims of a run."""

    aims: tuple[Aim, ...]
    regions: Mapping[str, Region | None]
    scenes: int
    _last: tuple[tuple[float, ...], tuple[Panel, ...]] = field(default=((), ()), repr=False)

    def panels(self, shares: tuple[float, ...]) -> tuple[Panel, ...]:
        """One panel per region in which something counts; made again only when the shares have changed."""
        if self._last[0] != shares:
            self._last = shares, tuple(self._make_panels(shares))
        return self._last[1]

    def _make_panels(self, shares: tuple[float, ...]) -> Iterator[Panel]:
        counting = [aim for aim in self.aims if aim.is_lasting or shares[aim.prompt.scene]]
        for name in dict.fromkeys(aim.prompt.region for aim in counting):
            here = [aim for aim in counting if aim.prompt.region == name]
            embeddings = tuple(torch.cat(parts) for parts in zip(*(aim.embeddings for aim in here), strict=True))
            rows = [(aim.weight(shares), aim.prompt.stop) for aim in here for _ in aim.embeddings[0]]
            weights, stops = to_like(torch.tensor(rows), embeddings[0]).unbind(1)
            yield Panel(self.regions[name], embeddings, weights, stops)


def gather(
    config: GenerateConfig, models: Models, wishes: Wishes, draws: torch.Generator
) -> tuple[dict[str, Tensor], str]:
    """The tensors of a new run that come from files and draws, and what was planned in words."""
    device, factor = models.image.codebook.device, models.image.factor
    start, words = initial(config_of_start(config, factor), models, wishes.texts, draws)
    kept = {START: start}
    if config.mask:
        kept[MASK] = _paintable(config, factor).to(device)
    for name, path in wishes.masks.items():
        kept[f"{MASK}.{name}"] = read_mask(path, config.width, config.height).to(device)
    kept |= read_pictures(config, device)
    for number, prompt in enumerate(wishes.pictures):
        picture = read_picture_within(prompt.text, config.width * config.height).to(device)
        for guide_number, guide in enumerate(models.guides):
            kept[f"{PICTURE}{number}.{guide_number}"] = look_at(picture, guide, config, draws)
    return kept, words


def _paintable(config: GenerateConfig, factor: int) -> Tensor:
    """The mask per cell (1, 1, h, w); UsageError where it leaves nothing to paint."""
    mask = read_mask(config.mask, config.width, config.height)
    cells = cell_mask(mask, factor)
    if not cells.any():
        dark = "darker than middle grey everywhere" if mask.any() else "all black (or transparent)"
        raise UsageError(f"The mask {config.mask} is {dark}: nothing may be painted.", hint="white is what may change")
    return cells


def kept_of(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """What gather() gave, out of a checkpoint's tensors."""
    prefixes = (START, MASK, PICTURE, LIKENESS)
    return {name: tensor.to(device).clone() for name, tensor in tensors.items() if name.startswith(prefixes)}


def look_at(picture: Tensor, guide: GuideModel, config: GenerateConfig, draws: torch.Generator) -> Tensor:
    """A picture (1, 3, h, w) to resemble, as the guide sees its cutouts: (E, D).

    Cut as the run's own picture is, but not augmented; pooling gives one cutout, since all would be alike.
    """
    cutting = Cutting.of(config)
    if cutting.pooled:
        return guide.encode_image(cutouts.pool(picture, guide.size)).float()
    boxes = cutting.boxes(draws, (picture.shape[3], picture.shape[2]), guide.size)
    return guide.encode_image(clamp_with_grad(cutouts.apply(picture, boxes, guide.size), 0.0, 1.0)).float()


def make_aims(config: GenerateConfig, models: Models, wishes: Wishes, kept: Mapping[str, Tensor]) -> Aims:
    """All aims; `kept` as gather() gives it."""
    guides = range(len(models.guides))
    texts = _text_embeddings(models.guides, wishes.texts)
    pictures = [tuple(kept[f"{PICTURE}{n}.{g}"] for g in guides) for n in range(len(wishes.pictures))]
    noises = [tuple(_random(guide, prompt, models) for guide in models.guides) for prompt in wishes.noises]
    aims: list[Aim] = []
    for prompts, embeddings in ((wishes.texts, texts), (wishes.pictures, pictures), (wishes.noises, noises)):
        is_lasting = count_scenes(prompts) == 1
        aims += [Aim(prompt, each, is_lasting) for prompt, each in zip(prompts, embeddings, strict=True)]
    masks = {name: kept[f"{MASK}.{name}"] for name in wishes.masks}
    names = {aim.prompt.region for aim in aims}
    regions = {name: find_region(name, masks, config.width, config.height) for name in names}
    return Aims(tuple(aims), regions, wishes.scenes)


def _text_embeddings(guides: Sequence[GuideModel], texts: Sequence[Prompt]) -> list[tuple[Tensor, ...]]:
    """Per text, per guide (1, D)."""
    if not texts:
        return []
    embedded = [guide.encode_text([prompt.text for prompt in texts]).float() for guide in guides]
    return [tuple(of_guide[number : number + 1] for of_guide in embedded) for number in range(len(texts))]


def _random(guide: GuideModel, prompt: Prompt, models: Models) -> Tensor:
    """A standard normal vector that the seed alone decides, (1, D)."""
    generator = torch.Generator().manual_seed(int(prompt.text))
    return torch.randn((1, guide.width), generator=generator).to(models.image.codebook.device)
