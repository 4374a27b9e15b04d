"""One iteration of a run, and the state between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dreamrig.errors import FailedError
from generator.augment import apply as augment
from generator.config import GenerateConfig
from generator.engine import cutouts, losses, schedules, seams
from generator.engine.aims import MASK, START, Aims, Panel
from generator.engine.latents import Latent, clamp_with_grad, quantise
from generator.engine.optimisers import make_optimiser
from generator.engine.overlays import load_overlay
from generator.engine.released import recomputed, released, released_rows
from generator.engine.restraints import Sight, restraint
from generator.engine.watch import Average, Watch
from generator.models.base import GuideModel, Models
from generator.models.codebook import codebook_deviation
from generator.state import State
from generator.wishes import augmentations as augment_spec

Phases = Callable[[str], AbstractContextManager[object]]
"""Phase name (decode, cutouts, clip, backward, optimiser) -> what to run that phase inside, e.g. a stopwatch."""

NO_BAD_STEP = 2**62


@dataclass
class Run:
    """Everything that moves between two steps, and what the steps read."""

    config: GenerateConfig
    models: Models
    """With the guides that count in this run."""
    kept: dict[str, Tensor]
    """What generator.engine.aims.gather gave, the start among it."""
    aims: Aims
    draws: torch.Generator
    """On the CPU: the start and where to cut, the same on every device."""
    noise: torch.Generator
    """On the device: noise on cutouts."""
    plan_words: str = ""
    unknown_words: dict[str, list[str]] = field(default_factory=dict)
    step: int = 0
    """Steps completed."""

    def __post_init__(self) -> None:
        config, image = self.config, self.models.image
        self.device = image.codebook.device
        self.deviation = codebook_deviation(image.codebook)
        self.latent = Latent(
            self.kept[START],
            image.codebook,
            config.offset_levels,
            per_dimension_steps=config.per_dimension_steps,
            mask=self.kept.get(MASK),
        )
        self.overlay = load_overlay(config, self.device)
        self.optimiser = make_optimiser(config, self.latent.parameters)
        self.average = Average(self.latent.start, config.ema) if config.ema else None
        plateaus = config.step_schedule == "plateau"
        patience = config.patience if plateaus else 0
        self.watch = Watch(patience, config.stop_after) if plateaus or config.stop_after else None
        self.augmentations = augment_spec.parse(config.augmentations)
        self.first_bad_step = torch.tensor(NO_BAD_STEP, device=self.device)
        with torch.no_grad():
            self.start_picture = self.decode(self.latent.start) if config.pixel_pull else None

    def optimise_once(self, phases: Phases) -> tuple[Tensor, Tensor]:
        """One iteration; returns the picture (1, 3, H, W) and the loss from before the update, both detached."""
        if self.overlay is not None and self.overlay.is_due(self.step):
            self.overlay.lay(self.latent, self.models.image, self.decode)
        with phases("decode"):
            latent = self.latent.compose()
            picture = self.decode(latent)
        loss = self.guidance(picture, phases) + self.restraint(latent, picture)
        with phases("backward"):
            gradients = torch.autograd.grad(loss, self.latent.parameters)
        with phases("optimiser"):
            self.optimiser.step(gradients, self.step + 1, self.step_size())
            self.latent.after_step()
        self.note_health(loss.detach(), gradients)
        self.step += 1
        self.look_back(loss.detach())
        return picture.detach(), loss.detach()

    def look_back(self, loss: Tensor) -> None:
        """Keep of a done step what is asked for: the average latent, and the loss (this waits for its value)."""
        if self.average is not None:
            self.average.see(self.latent.compose())
        if self.watch is not None:
            self.watch.see(float(loss))

    @property
    def is_done(self) -> bool:
        """Whether no step is left, or none is worth it any more."""
        return self.step >= self.config.steps or (self.watch is not None and self.watch.has_settled)

    def decode(self, latent: Tensor) -> Tensor:
        """Unquantised latent -> picture (1, 3, H, W) in [0, 1]."""
        config = self.config
        quantised = seams.extend(quantise(latent, self.models.image.codebook), config.seamless)
        picture = seams.trim(self.decode_codes(quantised), config.seamless, config.height, config.width)
        return clamp_with_grad(picture.float(), 0.0, 1.0)

    def decode_codes(self, quantised: Tensor) -> Tensor:
        """The model's decode, level by level or as a whole a second time on the way back where that is asked for."""
        image, twice = self.models.image, self.config.checkpointed_decoding
        if hasattr(image, "checkpointed"):
            image.checkpointed = twice
        elif twice and quantised.requires_grad:
            return recomputed(image.decode, quantised)
        return image.decode(quantised)

    def final_picture(self) -> Tensor:
        """The picture the run has come to, (1, 3, H, W)."""
        if self.average is not None and self.step:
            return self.decode(self.average.value(self.step))
        return self.decode(self.latent.compose())

    def guidance(self, picture: Tensor, phases: Phases) -> Tensor:
        """Mean over the guides of the losses of all prompts; with a cut_batch, one look after the other."""
        if self.config.cut_batch:
            return released(picture, lambda leaf: self.looks(leaf, phases))
        return sum(self.looks(picture, phases), picture.new_zeros(()))

    def looks(self, picture: Tensor, phases: Phases) -> Iterator[Tensor]:
        """Per guide and region the loss of what counts there, its guide's share of the mean."""
        panels = self.aims.panels(schedules.scene_shares(self.config, self.aims.scenes, self.step))
        turned = seams.turn(picture, self.config.seamless, self.draws)
        for number, (guide, weight) in enumerate(zip(self.models.guides, self.models.guide_weights, strict=True)):
            for panel in panels:
                with phases("cutouts"):
                    cut = self.cut(turned if panel.region is None else panel.region.view(picture), guide.size)
                with phases("clip"):
                    yield weight * self.compare(cut, guide, panel, number)

    def compare(self, cut: Tensor, guide: GuideModel, panel: Panel, number: int) -> Tensor:
        """The loss of cutouts (N, 3, S, S) at a panel, as its guide with this number sees them; scalar."""

        def loss_of(part: Tensor) -> Tensor:
            distances = losses.spherical(guide.encode_image(part).float(), panel.embeddings[number])
            return losses.prompt_loss(distances, panel.rows)

        batch = self.config.cut_batch
        if not batch or batch >= len(cut):
            return loss_of(cut)
        return released_rows(cut, loss_of, batch)

    def cut(self, picture: Tensor, size: int) -> Tensor:
        """Cutouts of this step (N, 3, S, S): cut, clamped to [0, 1], augmented, with noise; each where asked for."""
        config = self.config
        cut = self.crop(picture, size)
        if config.cut_clamp:
            cut = clamp_with_grad(cut, 0.0, 1.0)
        cut = augment.apply(cut, augment.draw(self.augmentations, self.draws, len(cut), size), self.noise)
        if not config.cut_noise:
            return cut
        factors = config.cut_noise * torch.rand((len(cut), 1, 1, 1), generator=self.noise, device=self.device)
        return cut + factors * torch.randn(cut.shape, generator=self.noise, device=self.device)

    def crop(self, picture: Tensor, size: int) -> Tensor:
        """Random crops of the picture, or the whole of it as often (N, 3, S, S)."""
        config = self.config
        if config.cut_method == "pooling":
            return cutouts.pool(picture, size).expand(config.cutouts, -1, -1, -1)
        boxes = cutouts.draw(
            self.draws,
            config.cutouts,
            picture.shape[3],
            picture.shape[2],
            size,
            power=config.cut_power,
            min_fraction=config.cut_min_fraction,
            whole_every=config.whole_every,
        )
        return cutouts.apply(picture, boxes, size)

    def restraint(self, latent: Tensor, picture: Tensor) -> Tensor:
        """The optional terms that do not look at the prompts."""
        return restraint(
            Sight(
                config=self.config,
                latent=latent,
                picture=picture,
                start=self.latent.start,
                start_picture=self.start_picture,
                deviation=self.deviation,
                factor=self.models.image.factor,
                step=self.step,
            )
        )

    def step_size(self) -> float:
        """The optimiser's step for the step to come."""
        factor = 1.0 if self.watch is None else self.watch.factor
        return self.config.step_size * schedules.step_factor(self.config, self.step) * factor

    def note_health(self, loss: Tensor, gradients: tuple[Tensor, ...]) -> None:
        """Remember on the device, without waiting for it, the first step whose loss or gradient was not finite.

        The gradient counts because a NaN latent still quantises to some code, and the loss looks healthy again.
        """
        healthy = torch.isfinite(loss)
        for gradient in gradients:
            healthy = healthy & torch.isfinite(gradient).all()
        self.first_bad_step = torch.where(healthy, self.first_bad_step, self.first_bad_step.clamp(max=self.step))

    def require_finite(self) -> None:
        """Raise FailedError when some step so far went wrong; this waits for the device."""
        bad = int(self.first_bad_step)
        if bad != NO_BAD_STEP:
            raise FailedError(f"The loss became NaN at step {bad}.", hint="use a smaller step size or prompt weight")

    def state(self) -> State:
        """The state between two steps, copied to the host."""
        self.require_finite()
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in self.named_tensors().items()}
        tensors["random.draws"] = self.draws.get_state()
        tensors["random.noise"] = self.noise.get_state()
        return State(
            step=self.step,
            config=self.config.to_dict(),
            models_name=self.models.name,
            models_sha256=self.models.sha256,
            tensors=tensors,
            plan_words=self.plan_words,
            unknown_words=self.unknown_words,
        )

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Take over a state; its start is already in the latent."""
        for name, tensor in self.named_tensors().items():
            tensor.copy_(state.tensors[name])
        self.draws.set_state(state.tensors["random.draws"])
        self.noise.set_state(state.tensors["random.noise"])
        self.step = state.step

    def named_tensors(self) -> dict[str, Tensor]:
        """The tensors of a state, as they live in this run."""
        named = dict(self.kept)
        for group, tensors in {"parameters": self.latent.parameters, **self.optimiser.named_state()}.items():
            named |= {f"{group}.{number}": tensor for number, tensor in enumerate(tensors)}
        if self.average is not None:
            named["average"] = self.average.total
        if self.watch is not None:
            named["watch"] = self.watch.numbers
        return named
