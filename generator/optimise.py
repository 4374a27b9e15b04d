"""One iteration of a run, and the state between two."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dreamrig.errors import FailedError
from generator import cutouts, losses
from generator.adam import Adam
from generator.codebook import codebook_deviation
from generator.config import GenerateConfig
from generator.latents import Latent, clamp_with_grad, quantise
from generator.models.base import Models
from generator.prompts import Prompt
from generator.state import State

Phases = Callable[[str], AbstractContextManager[object]]
"""Phase name (decode, cutouts, clip, backward, optimiser) -> what to run that phase inside, e.g. a stopwatch."""

NO_BAD_STEP = 2**62


@dataclass
class Run:
    """Everything that moves between two steps, and what the steps read."""

    config: GenerateConfig
    models: Models
    prompts: tuple[Prompt, ...]
    targets: list[Tensor]
    """Per guide the prompts' embeddings, (P, D) float32."""
    latent: Latent
    adam: Adam
    draws: torch.Generator
    """On the CPU: the start and where to cut, the same on every device."""
    noise: torch.Generator
    """On the device: noise on cutouts."""
    plan_words: str = ""
    unknown_words: dict[str, list[str]] = field(default_factory=dict)
    step: int = 0
    """Steps completed."""

    def __post_init__(self) -> None:
        self.device = self.models.image.codebook.device
        self.deviation = codebook_deviation(self.models.image.codebook)
        self.first_bad_step = torch.tensor(NO_BAD_STEP, device=self.device)

    def optimise_once(self, phases: Phases) -> tuple[Tensor, Tensor]:
        """One iteration; returns the picture (1, 3, H, W) and the loss from before the update, both detached."""
        with phases("decode"):
            latent = self.latent.compose()
            picture = self.decode(latent)
        loss = self.guidance(picture, phases) + self.restraint(latent, picture)
        with phases("backward"):
            gradients = torch.autograd.grad(loss, self.latent.parameters)
        with phases("optimiser"):
            self.adam.step(gradients, self.step + 1, self.step_size())
            self.latent.after_step()
        self.note_health(loss.detach(), gradients)
        self.step += 1
        return picture.detach(), loss.detach()

    def decode(self, latent: Tensor) -> Tensor:
        """Unquantised latent -> picture (1, 3, H, W) in [0, 1]."""
        quantised = quantise(latent, self.models.image.codebook)
        return clamp_with_grad(self.models.image.decode(quantised).float(), 0.0, 1.0)

    def guidance(self, picture: Tensor, phases: Phases) -> Tensor:
        """Mean over the guides of the prompts' losses."""
        total = picture.new_zeros(())
        for guide, target in zip(self.models.guides, self.targets, strict=True):
            with phases("cutouts"):
                cut = self.cut(picture, guide.size)
            with phases("clip"):
                embedded = guide.encode_image(cut).float()
                total = total + losses.prompt_loss(losses.spherical(embedded, target), self.prompts)
        return total / len(self.models.guides)

    def cut(self, picture: Tensor, size: int) -> Tensor:
        """Cutouts of this step (N, 3, S, S): clamped to [0, 1], then with noise where that is asked for."""
        config = self.config
        boxes = cutouts.draw(
            self.draws,
            config.cutouts,
            config.width,
            config.height,
            size,
            power=config.cut_power,
            min_fraction=config.cut_min_fraction,
            whole_every=config.whole_every,
        )
        cut = clamp_with_grad(cutouts.apply(picture, boxes, size), 0.0, 1.0)
        if not config.cut_noise:
            return cut
        factors = config.cut_noise * torch.rand((len(cut), 1, 1, 1), generator=self.noise, device=self.device)
        return cut + factors * torch.randn(cut.shape, generator=self.noise, device=self.device)

    def restraint(self, latent: Tensor, picture: Tensor) -> Tensor:
        """The optional terms that do not look at the prompts."""
        total = picture.new_zeros(())
        if self.config.pull:
            total = total + self.config.pull * losses.pull_to_start(latent, self.latent.start, self.deviation)
        if self.config.boundary_tv:
            total = total + self.config.boundary_tv * losses.boundary_tv(picture, self.models.image.factor)
        return total

    def step_size(self) -> float:
        """Adam's step for the step to come."""
        if self.config.step_schedule == "constant":
            return self.config.step_size
        return self.config.step_size * 0.5 * (1 + math.cos(math.pi * self.step / self.config.steps))

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
        named = {"start": self.latent.start}
        groups = {"parameters": self.latent.parameters, "adam.mean": self.adam.means, "adam.square": self.adam.squares}
        for group, tensors in groups.items():
            named |= {f"{group}.{number}": tensor for number, tensor in enumerate(tensors)}
        return named
