"""A run: what moves from step to step, and how it is kept between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from dreamrig.errors import FailedError, code_of
from generator import devices
from generator.config import GenerateConfig
from generator.engine import schedules
from generator.engine.aims import MASK, START, Aims
from generator.engine.augment.chance import Chance
from generator.engine.draws import Draws, Frame, draw
from generator.engine.latents import Latent
from generator.engine.likenesses import LIKENESS
from generator.engine.objective import Now, Objective, Painter, Phases
from generator.engine.optimisers import make_optimiser
from generator.engine.overlays import load_overlay
from generator.engine.restraints import Anchor, Restraints
from generator.engine.stages import Leg, enlarged_crisply, grown, leg_at, legs_of, sampled
from generator.engine.step import EagerStep, StepFunction, Taken
from generator.engine.watch import Average, LossWatch
from generator.models.base import Models
from generator.models.codebook import codebook_deviation
from generator.state import State

NO_BAD_STEP = 2**62


@dataclass
class LatentDescent:
    """A latent on its way, with everything that its steps read."""

    config: GenerateConfig
    models: Models
    """With the guides that count in this run."""
    kept: dict[str, Tensor]
    """What generator.engine.aims.gather gave, the start among it."""
    aims: Aims
    chance: Chance
    plan_words: str = ""
    unknown_words: dict[str, list[str]] = field(default_factory=dict)
    done: int = 0
    """Steps completed."""
    notes: list[str] = field(default_factory=list)
    """What was changed on the way and was not told yet."""

    def __post_init__(self) -> None:
        config, image = self.config, self.models.image
        self.device = image.codebook.device
        self.overlay = load_overlay(config, self.device)
        plateaus = config.step_schedule == "plateau"
        patience = config.patience if plateaus else 0
        self.watch = LossWatch(patience, config.stop_after) if plateaus or config.stop_after else None
        self.first_bad_step = torch.full((), NO_BAD_STEP, device=self.device)
        self.paint = Painter.of(config, image)
        self.cut_batch = config.cut_batch
        self.legs = legs_of(config, image.factor)
        self._begin(self.legs[0])

    def _begin(self, leg: Leg) -> None:
        """Stand at the start of a leg, with an optimiser of its own."""
        config, image = self.config, self.models.image
        self.leg = leg
        self.latent = Latent(
            self._on_grid_of(leg, self.kept[START]),
            image.codebook,
            config.offset_levels,
            per_dimension_steps=config.per_dimension_steps,
            mask=self.kept.get(MASK),
        )
        self.optimiser = make_optimiser(config, self.latent.parameters)
        self.average = Average(self.latent.start, config.ema) if config.ema else None
        self.paint = replace(self.paint, frame=leg.frame(image.factor))
        objective = Objective.of(config, self.models, self.paint, Restraints.of(config, self._anchor()))
        cutting = replace(objective.cutting, count=leg.cutouts)
        self.objective = replace(objective, cutting=cutting, cut_batch=self.cut_batch)
        self.step: StepFunction = EagerStep(self.latent, self.objective, self.optimiser)

    def _go_on(self) -> None:
        """Begin the next leg where the one at hand has come to, when it is time for it."""
        leg = leg_at(self.legs, self.done)
        if leg is not self.leg:
            reached = self._on_grid_of(leg, self.latent.compose())
            self._begin(leg)
            self.latent.move_to(reached)

    @torch.no_grad()
    def _on_grid_of(self, leg: Leg, latent: Tensor) -> Tensor:
        """A latent (1, C, h, w) of any leg on the grid of this one.

        In windows by its picture, enlarged and encoded: codes between codes would be patterns of their own.
        """
        (rows, columns), factor = latent.shape[2:], self.models.image.factor
        windows = self.paint.windows
        if (rows, columns) == (leg.rows, leg.columns):
            return latent.detach()
        if rows > leg.rows or columns > leg.columns:
            return sampled(latent, leg)
        if windows is None:
            return grown(latent, leg)
        paint = replace(self.paint, frame=(columns * factor, rows * factor), pixel_art=None)
        return windows.encode(self.models.image.encode, enlarged_crisply(paint(latent), leg.frame(factor)))

    def _anchor(self) -> Anchor:
        with torch.no_grad():
            picture = self.paint(self.latent.start) if self.config.pixel_pull else None
        image = self.models.image
        deviation = codebook_deviation(image.codebook)
        pictures = {name: tensor for name, tensor in self.kept.items() if name.startswith(LIKENESS)}
        return Anchor(self.latent.start, picture, deviation, image.factor, pictures, self.models.perceptual)

    def advance(self, phases: Phases) -> Taken:
        """Take the next step."""
        return self.finish(self.take(*self.prepare(), phases))

    def prepare(self) -> tuple[Draws, Now]:
        """All that the next step needs beside the latent; to be asked for once a step."""
        if self.overlay is not None and self.overlay.is_due(self.done):
            self.overlay.lay(self.latent, self.models.image, self.paint, self.paint.windows)
        now = self.now()
        return self.draw(now), now

    def finish(self, taken: Taken) -> Taken:
        """The same; the run stands before the step after it."""
        # Remembered on the device, without waiting for it.
        bad = self.first_bad_step.clamp(max=self.done)
        self.first_bad_step = torch.where(taken.is_healthy, self.first_bad_step, bad)
        self.done += 1
        self._look_back(taken.loss)
        self._go_on()
        return taken

    def take(self, draws: Draws, now: Now, phases: Phases) -> Taken:
        """The step alone; where the memory is too small and the config's `fit` allows, the same more thriftily."""
        while True:
            try:
                return self.step(draws, now, phases)
            except (RuntimeError, MemoryError) as error:
                # Nothing has moved yet: the memory runs out in the networks, before the optimiser.
                if code_of(error) != "out_of_memory" or not self._save_memory():
                    raise
            # By now the error is gone, and with it what its frames held.
            devices.release_memory(self.device)

    def _save_memory(self) -> bool:
        """Half as many cutouts at a time, in the end decode twice; False where nothing is left to save."""
        batch = self.cut_batch or self.objective.cutting.count
        if self.config.fit == "off" or (batch == 1 and self.paint.twice):
            return False
        if batch > 1:
            self.cut_batch = batch // 2
            self.objective = replace(self.objective, cut_batch=self.cut_batch)
            self.notes.append(f"the memory ran out: {batch // 2} cutouts at a time from step {self.done} on")
        else:
            self.paint = replace(self.paint, twice=True)
            self.objective = replace(self.objective, paint=self.paint)
            self.notes.append(f"the memory ran out: decoding twice from step {self.done} on")
        self.step = EagerStep(self.latent, self.objective, self.optimiser)
        return True

    def now(self) -> Now:
        """What the schedules say about the step to come."""
        config, index = self.config, self.done
        step_size = config.step_size * schedules.step_factor(config, index)
        return Now(
            panels=self.aims.panels(schedules.scene_shares(config, self.aims.scenes, index)),
            pull=schedules.pull_factor(config, index),
            step_size=step_size * (1.0 if self.watch is None else self.watch.factor),
            count=index + 1 - self.leg.first,
        )

    def draw(self, now: Now) -> Draws:
        """All chance of the step to come."""
        self.chance.begin(self.done)
        frames = [self.paint.frame if panel.region is None else panel.region.frame for panel in now.panels]
        sizes = [guide.size for guide in self.models.guides]
        paint = self.paint
        return draw(self.objective.cutting, self.chance, paint.frame, paint.rings, frames, sizes, paint.first_cuts())

    def _look_back(self, loss: Tensor) -> None:
        """Keep of a done step what is asked for: the average latent, and the loss (this waits for its value)."""
        if self.average is not None:
            self.average.see(self.latent.compose())
        if self.watch is not None:
            self.watch.see(float(loss))

    @property
    def is_done(self) -> bool:
        """Whether no step is left, or none is worth it any more."""
        return self.done >= self.config.steps or (self.watch is not None and self.watch.has_settled)

    def final_picture(self) -> Tensor:
        """The picture the run has come to, (1, 3, H, W), in its full size also where that leg was not reached."""
        latent, seen = self.latent.compose(), self.done - self.leg.first
        if self.average is not None and seen:
            latent = self.average.value(seen)
        whole = replace(self.paint, frame=self.frame)
        return whole(self._on_grid_of(self.legs[-1], latent))

    @property
    def frame(self) -> Frame:
        """Width and height of the picture in the end."""
        return self.config.width, self.config.height

    def require_finite(self) -> None:
        """Raise FailedError when some step so far went wrong; this waits for the device."""
        bad = int(self.first_bad_step)
        if bad != NO_BAD_STEP:
            hint = "use a smaller step size or prompt weight"
            raise FailedError(f"The loss became NaN at step {bad}.", hint=hint, code="not_finite")

    def state(self) -> State:
        """The state between two steps, copied to the host."""
        self.require_finite()
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in self.named_tensors().items()}
        return State(
            step=self.done,
            config=self.config.to_dict(),
            models_name=self.models.name,
            models_sha256=self.models.sha256,
            tensors=tensors | self.chance.states(),
            plan_words=self.plan_words,
            unknown_words=self.unknown_words,
        )

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Take over a state; its start is already kept."""
        if (leg := leg_at(self.legs, state.step)) is not self.leg:
            self._begin(leg)
        for name, tensor in self.named_tensors().items():
            tensor.copy_(state.tensors[name])
        self.chance.restore(state.tensors, state.step)
        self.done = state.step

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
