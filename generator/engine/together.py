"""One step of several runs: their pictures are decoded in one call, and each guide looks at all their cutouts in one.

Many small kernels become a few large ones, which is what a GPU is for. Everything else stays each run's own: chance,
schedules, restraints, gradients, optimiser, health. No loss depends on another run's latent, so the gradient of their
sum is each one's gradient, up to how a batch of another size rounds.

One thread drives it, and no run waits for another: each run is a generator that says when its step is due and goes on
when it is asked to. Whoever has all of them (generator.work.together) hands over the steps that are due at the time; a
run that ended is not among them, so nothing can wait for it. A step that nobody took is taken by the run alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamrig.errors import code_of
from generator import devices
from generator.engine.arithmetic import Arithmetic, step_mode
from generator.engine.draws import Draws
from generator.engine.objective import Now, Phases, View, no_phases
from generator.engine.run import LatentDescent
from generator.engine.step import EagerStep, Taken


class Due:
    """The next step of a run, before anybody took it."""

    def __init__(self, run: LatentDescent, phases: Phases = no_phases) -> None:
        self.run, self.phases = run, phases
        self._answer: Taken | Exception | None = None

    def answer(self, taken: Taken | Exception) -> None:
        """It was taken together with others, or this happened to it."""
        self._answer = taken

    def result(self) -> Taken:
        """What became of it; where nobody answered, it is taken now, alone."""
        if self._answer is None:
            with step_mode(self.run.config, self.run.device):
                self._answer = self.run.advance(self.phases)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@dataclass(frozen=True)
class ReadyStep:
    """A step with all that was drawn for it."""

    due: Due
    draws: Draws
    now: Now

    @property
    def step(self) -> EagerStep:
        """What moves the run."""
        step = self.due.run.step
        assert isinstance(step, EagerStep)
        return step


class Company:
    """Runs whose steps are taken together wherever they can be."""

    def __init__(self) -> None:
        self.most: int | None = None
        """How many fit into the memory; None = all that came so far."""

    def take(self, dues: Sequence[Due]) -> None:
        """Answer the steps that can be taken together with another; the others are left to their runs."""
        groups: dict[Hashable, list[Due]] = {}
        for due in dues:
            if (kind := kind_of(due)) is not None:
                groups.setdefault(kind, []).append(due)
        for group in groups.values():
            if len(group) > 1:
                with step_mode(group[0].run.config, group[0].run.device):
                    self._take(list(_prepared(group)))

    def _take(self, ready: Sequence[ReadyStep]) -> None:
        """Answer these; in halves, at last one by one, where the memory is too small for all."""
        while ready:
            size = self.most or len(ready)
            if _took(ready[:size]):
                ready = ready[size:]
            else:  # nothing has moved yet, and what the try held is gone
                self._save_memory(ready[:size])

    def _save_memory(self, ready: Sequence[ReadyStep]) -> None:
        run = ready[0].due.run
        devices.release_memory(run.device)
        self.most = len(ready) // 2
        now = f"{self.most} pictures in a step" if self.most > 1 else "one picture in a step"
        run.notes.append(f"the memory ran out: {now} from step {run.done} on")


def kind_of(due: Due) -> Hashable | None:
    """Steps of the same kind can be taken together; None = this one alone."""
    run = due.run
    is_piecemeal = run.objective.cut_batch or run.paint.twice or run.paint.windows is not None
    if is_piecemeal or due.phases is not no_phases or not isinstance(run.step, EagerStep):
        return None
    networks = (id(run.paint.image), *(id(guide) for guide, _ in run.objective.guides))
    return networks, run.paint.grid, Arithmetic.of(run.config, run.device)


@contextmanager
def _told(*dues: Due) -> Iterator[None]:
    """What goes wrong inside is said to these runs; each raises it where its step was due."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised by Due.result
        for due in dues:
            due.answer(error)


def _prepared(dues: Sequence[Due]) -> Iterator[ReadyStep]:
    """Those with which nothing is wrong."""
    for due in dues:
        with _told(due):
            draws, now = due.run.prepare()
            yield ReadyStep(due, draws, now)


def _took(ready: Sequence[ReadyStep]) -> bool:
    """Whether these were answered; False where the memory is too small for so many."""
    dues = [one.due for one in ready]
    with _told(*dues):
        if len(ready) == 1:
            (due,), (one,) = dues, ready
            due.answer(due.run.finish(due.run.take(one.draws, one.now, due.phases)))
            return True
        found = _gradients_that_fit(ready)
        if found is None:
            return False
        _move(ready, found)
    return True


@dataclass(frozen=True)
class Downhill:
    """Where a run would go, before it moves."""

    gradients: tuple[Tensor, ...]
    loss: Tensor
    picture: Tensor


def _move(ready: Sequence[ReadyStep], found: Sequence[Downhill]) -> None:
    for one, down in zip(ready, found, strict=True):
        with _told(one.due):
            taken = one.step.move(down.gradients, down.loss, down.picture, one.now)
            one.due.answer(one.due.run.finish(taken))


def _gradients_that_fit(ready: Sequence[ReadyStep]) -> list[Downhill] | None:
    """None where the memory is too small for all of them at once."""
    try:
        return _gradients(ready)
    except (RuntimeError, MemoryError) as error:
        if code_of(error) != "out_of_memory":
            raise
        return None


def _gradients(ready: Sequence[ReadyStep]) -> list[Downhill]:
    """Loss, picture and gradients of each, from one pass over all of them; nothing moves."""
    parameters = [one.step.latent.parameters for one in ready]
    losses, pictures = losses_of(ready)
    gradients = iter(torch.autograd.grad(torch.stack(losses).sum(), [number for own in parameters for number in own]))
    return [
        Downhill(tuple(next(gradients) for _ in own), loss, picture)
        for own, loss, picture in zip(parameters, losses, pictures, strict=True)
    ]


def losses_of(ready: Sequence[ReadyStep]) -> tuple[list[Tensor], list[Tensor]]:
    """Each one's loss, a scalar, and picture (1, 3, H, W), with one decode and one look per guide for all."""
    objectives = [one.step.objective for one in ready]
    latents = [one.step.latent.compose() for one in ready]
    codes = [each.paint.quantise(latent) for each, latent in zip(objectives, latents, strict=True)]
    decoded = torch.split(objectives[0].paint.decode(torch.cat(codes)), 1)
    pictures = [each.paint.finish(part) for each, part in zip(objectives, decoded, strict=True)]
    views = [
        list(each.views(picture, one.draws, one.now, no_phases))
        for each, picture, one in zip(objectives, pictures, ready, strict=True)
    ]
    losses = [
        sum(looks, picture.new_zeros(())) + each.restraints(latent, picture, one.now.pull)
        for each, looks, latent, picture, one in zip(objectives, _looks(views), latents, pictures, ready, strict=True)
    ]
    return losses, pictures


def _looks(views: Sequence[Sequence[View]]) -> list[list[Tensor]]:
    """The losses of each run's views, in their order; every guide looks once."""
    looks: list[list[Tensor]] = [[] for _ in views]
    for number in range(1 + views[0][-1].number):
        seen = [(run, view) for run, own in enumerate(views) for view in own if view.number == number]
        cuts = [view.cut for _, view in seen]
        embeddings = seen[0][1].guide.encode_image(torch.cat(cuts)).float()
        for (run, view), own in zip(seen, torch.split(embeddings, [len(cut) for cut in cuts]), strict=True):
            looks[run].append(view.share * view.loss(own))
    return looks
