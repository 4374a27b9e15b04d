"""What a run minimises: a function of the latent and of what was drawn. Nothing is random here, nothing looked up.

latent (1, C, h, w) -> nearest codes -> picture (1, 3, H, W) -> cutouts (N, 3, S, S) -> embeddings (N, D)
-> squared angles to the prompts -> loss, the restraints added
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from torch import Tensor

from generator.config import GenerateConfig
from generator.engine import cutouts, losses, seams
from generator.engine.aims import Panel
from generator.engine.augment import apply as augment
from generator.engine.draws import Cutting, Draws, Frame, Look
from generator.engine.latents import clamp_with_grad, quantise
from generator.engine.pixel_art import PixelArt
from generator.engine.released import recomputed, released, released_rows
from generator.engine.restraints import Restraints
from generator.engine.windows import Cuts, Windows
from generator.models.base import AestheticModel, GuideModel, ImageModel, Models

LARGEST_SCORE = 10.0
"""Of LAION's aesthetic predictor."""
Phases = Callable[[str], AbstractContextManager[object]]
"""Phase name (decode, cutouts, clip, backward, optimiser) -> what to run that phase inside, e.g. a stopwatch."""


def no_phases(name: str) -> AbstractContextManager[object]:
    """Nobody wants to know."""
    return nullcontext()


@dataclass(frozen=True)
class Now:
    """What the schedules say about a step: all that changes from one to the next and is not chance."""

    panels: tuple[Panel, ...]
    pull: float
    """Factor of everything that pulls to the start."""
    step_size: float
    count: int
    """Steps including this one, from 1."""


@dataclass(frozen=True)
class Painter:
    """From a latent to a picture."""

    image: ImageModel
    frame: Frame
    rings: tuple[int, ...]
    twice: bool
    """Remember little, and decode a second time on the way back."""
    pixel_art: PixelArt | None = None
    """What the picture is brought to in the end; None = as it is decoded."""
    windows: Windows | None = None
    """In which a larger picture is decoded; None = all at once."""

    @classmethod
    def of(cls, config: GenerateConfig, image: ImageModel) -> Painter:
        """As a config has it."""
        rings = seams.DIRECTIONS[config.seamless]
        pixel_art = PixelArt.of(config, image.codebook.device)
        windows = Windows.of(config, image.factor)
        return cls(image, (config.width, config.height), rings, config.checkpointed_decoding, pixel_art, windows)

    def __call__(self, latent: Tensor, cuts: Cuts | None = None) -> Tensor:
        """Unquantised latent (1, C, h, w) -> picture (1, 3, H, W) in [0, 1].

        cuts: where windows end in this step; None = as in the finished picture.
        """
        quantised = self.quantise(latent)
        return self.finish(
            self.decode(quantised) if self.windows is None else self.windows.decode(self.decode, quantised, cuts)
        )

    @property
    def grid(self) -> tuple[int, ...]:
        """Rows and columns of cells that are decoded."""
        return seams.extended([side // self.image.factor for side in reversed(self.frame)], self.rings)

    def first_cuts(self) -> tuple[range, ...]:
        """Where the first cut down, and across, between two windows may be drawn; () = there is one window alone."""
        grid = self.grid
        return self.windows.first_cuts(grid) if self.windows is not None and self.windows.divide(grid) else ()

    def quantise(self, latent: Tensor) -> Tensor:
        """Unquantised latent (1, C, h, w) -> codes (1, C, *grid), ready for the decoder."""
        codebook = self.image.codebook
        codes = quantise(latent, codebook) if self.windows is None else self.windows.quantise(latent, codebook)
        return seams.extend(codes, self.rings)

    def finish(self, decoded: Tensor) -> Tensor:
        """What the decoder made of the codes -> picture (1, 3, H, W) in [0, 1]."""
        picture = seams.trim(decoded, self.rings, *self.frame)
        picture = clamp_with_grad(picture.float(), 0.0, 1.0)
        return picture if self.pixel_art is None else self.pixel_art(picture)

    def decode(self, quantised: Tensor) -> Tensor:
        """The model's decode; the second time level by level where the model can, else as a whole."""
        if hasattr(self.image, "checkpointed"):
            self.image.checkpointed = self.twice
        elif self.twice and quantised.requires_grad:
            return recomputed(self.image.decode, quantised)
        return self.image.decode(quantised)


Miss = Callable[[Tensor], Tensor]
"""Embeddings (N, D) of a guide -> what they lack, scalar."""


@dataclass(frozen=True)
class Aesthetic:
    """What a picture costs that the aesthetic predictor would not call beautiful."""

    weight: float = 0.0
    heads: tuple[AestheticModel | None, ...] = ()
    """One for each guide, or none at all."""

    def of_guide(self, number: int, share: float) -> Miss | None:
        """What is added to each look of a guide; None = nothing. The heads count alike and once, whatever `share`.

        share: by what the loss of a look is multiplied, times the number of looks.
        """
        head = self.heads[number] if self.weight and self.heads else None
        if head is None:
            return None
        factor = self.weight / (share * sum(one is not None for one in self.heads))
        return lambda embeddings: factor * (1 - head.scores(embeddings) / LARGEST_SCORE).mean()


@dataclass(frozen=True)
class View:
    """What a guide is to look at in one part of the picture."""

    number: int
    """Of the guide."""
    guide: GuideModel
    share: float
    """Of the guide, in the mean over all."""
    panel: Panel
    cut: Tensor
    """Cutouts (N, 3, S, S)."""
    miss: Miss | None = None
    """What their embeddings cost besides; None = nothing."""

    def loss(self, embeddings: Tensor) -> Tensor:
        """Of embeddings (N, D) of these cutouts or of some of them; scalar, not yet times the share."""
        distances = losses.spherical(embeddings, self.panel.embeddings[self.number])
        loss = losses.prompt_loss(distances, self.panel.weights, self.panel.stops)
        return loss if self.miss is None else loss + self.miss(embeddings)


@dataclass(frozen=True)
class Objective:
    """latent, Draws -> loss, picture."""

    paint: Painter
    guides: tuple[tuple[GuideModel, float], ...]
    """Those that count, each with its share."""
    cutting: Cutting
    cut_batch: int
    """Cutouts that are looked at together; 0 = all."""
    restraints: Restraints
    aesthetic: Aesthetic = field(default_factory=Aesthetic)

    @classmethod
    def of(cls, config: GenerateConfig, models: Models, paint: Painter, restraints: Restraints) -> Objective:
        """As a config has it; models: with the guides that count."""
        guides = tuple(zip(models.guides, models.guide_weights, strict=True))
        aesthetic = Aesthetic(config.aesthetic, models.aesthetic)
        return cls(paint, guides, Cutting.of(config), config.cut_batch, restraints, aesthetic)

    def __call__(self, latent: Tensor, draws: Draws, now: Now, phases: Phases = no_phases) -> tuple[Tensor, Tensor]:
        """The loss, a scalar, and the picture (1, 3, H, W) it is of, both differentiable in the latent."""
        with phases("decode"):
            picture = self.paint(latent, draws.cuts)
        loss = self.guidance(picture, draws, now, phases)
        return loss + self.restraints(latent, picture, now.pull), picture

    def guidance(self, picture: Tensor, draws: Draws, now: Now, phases: Phases) -> Tensor:
        """Mean over the guides of the losses of all prompts; with a cut_batch, one look after the other."""
        if self.cut_batch:
            return released(picture, lambda leaf: self.looks(leaf, draws, now, phases))
        return sum(self.looks(picture, draws, now, phases), picture.new_zeros(()))

    def looks(self, picture: Tensor, draws: Draws, now: Now, phases: Phases) -> Iterator[Tensor]:
        """Per guide and region the loss of what counts there, its guide's share of the mean."""
        for view in self.views(picture, draws, now, phases):
            with phases("clip"):
                yield view.share * self.compare(view)

    def views(self, picture: Tensor, draws: Draws, now: Now, phases: Phases) -> Iterator[View]:
        """Per guide and region what there is to look at."""
        turned = seams.turn(picture, self.paint.rings, draws.shifts)
        looks = iter(draws.looks)
        for number, (guide, share) in enumerate(self.guides):
            miss = self.aesthetic.of_guide(number, share * len(now.panels))
            for panel in now.panels:
                with phases("cutouts"):
                    seen = turned if panel.region is None else panel.region.view(picture)
                    cut = self.cut(seen, next(looks), guide.size)
                yield View(number, guide, share, panel, cut, miss)

    def cut(self, picture: Tensor, look: Look, size: int) -> Tensor:
        """Cutouts (N, 3, S, S): cut, clamped to [0, 1], augmented, with noise; each where asked for."""
        if look.boxes is None:
            cut = cutouts.pool(picture, size).expand(self.cutting.count, -1, -1, -1)
        else:
            cut = cutouts.apply(picture, look.boxes, size)
        if self.cutting.clamped:
            cut = clamp_with_grad(cut, 0.0, 1.0)
        cut = augment.apply(cut, look.changes)
        return cut if look.noise is None else cut + look.noise

    def compare(self, view: View) -> Tensor:
        """The loss of a view, scalar; so many cutouts at a time as the config says."""

        def loss_of(part: Tensor) -> Tensor:
            return view.loss(view.guide.encode_image(part).float())

        if not self.cut_batch or self.cut_batch >= len(view.cut):
            return loss_of(view.cut)
        return released_rows(view.cut, loss_of, self.cut_batch)
