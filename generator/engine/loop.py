"""The loop: latent -> picture -> cutouts -> guide -> loss -> latent, as a stream of events.

The engine knows no terminal, no file and no web, draws from its own random generators only, and leaves grad mode,
thread count and the determinism flag as it found them whenever it hands over an event. It never waits for the
device by itself except where a preview, a checkpoint or the end needs the values anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from time import perf_counter
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from dreamrig.errors import FailedError, NotReadyError, RigError, code_of
from generator import devices
from generator.config import GenerateConfig
from generator.engine import memory
from generator.engine.aims import gather, kept_of, make_aims
from generator.engine.arithmetic import step_mode
from generator.engine.augment.chance import Chance
from generator.engine.draws import Frame
from generator.engine.objective import Phases, no_phases
from generator.engine.pace import BySteps, Cadence
from generator.engine.run import LatentDescent
from generator.engine.stages import enlarged
from generator.engine.starts import grid
from generator.engine.together import Due
from generator.engine.windows import Windows
from generator.events import Checkpointed, Event, Finished, Preview, Raised, Reason, Started, Step
from generator.models.base import Models
from generator.state import State, require_same_run, state_from_bytes, state_to_bytes
from generator.wishes.parse import parse_weights
from generator.wishes.prompts import Prompt

__all__ = ["Phases", "State", "generate", "state_from_bytes", "state_to_bytes", "turns"]


def _never() -> bool:
    return False


class Circumstances(TypedDict, total=False):
    """What a run finds around it, all of it optional."""

    clock: Callable[[], float]
    """Seconds. On CUDA a step's are those from the end of the one before to its own, one step late."""
    resume: State | None
    """Continue that state to the same bytes."""
    should_stop: Callable[[], bool]
    """Looked at after each step."""
    phases: Phases | None
    pace: Cadence | None
    available_mib: float | None
    """Free memory; None = ask the machine."""
    run_id: str
    """Passed on in Started, like the two that follow."""
    load_seconds: float | None
    import_seconds: float | None


def generate(config: GenerateConfig, models: Models, **around: Unpack[Circumstances]) -> Iterator[Event]:
    """One picture, as the events described in generator.events.

    Impossible requests raise before Started; any later error is yielded as Raised and then raised.
    """
    for turn in turns(config, models, **around):
        if not isinstance(turn, Due):
            yield turn


def turns(
    config: GenerateConfig,
    models: Models,
    *,
    clock: Callable[[], float] = perf_counter,
    resume: State | None = None,
    should_stop: Callable[[], bool] = _never,
    phases: Phases | None = None,
    pace: Cadence | None = None,
    available_mib: float | None = None,
    run_id: str = "",
    load_seconds: float | None = None,
    import_seconds: float | None = None,
) -> Iterator[Event | Due]:
    """The same, and before each step that it is due: whoever drives several runs may take theirs together."""
    device = models.image.codebook.device
    with step_mode(config, device):
        run = _prepare(config, models, resume, available_mib)
    started_at = clock()
    yield Started(
        config=config,
        run_id=run_id,
        versions=devices.versions(),
        device=devices.describe(device),
        load_seconds=load_seconds,
        import_seconds=import_seconds,
        plan_words=run.plan_words,
        unknown_words=run.unknown_words,
        first_step=run.done,
    )
    try:
        reason = yield from _steps(run, clock, should_stop, phases or no_phases, pace or BySteps(config))
        with step_mode(config, device):
            picture = run.final_picture()
        yield Finished(run.done, partial(_to_host, picture, run.frame), reason, seconds=clock() - started_at)
    except Exception as error:
        actionable = _actionable(error, run)
        yield Raised(actionable)
        if actionable is error:
            raise
        raise actionable from error


def _steps(
    run: LatentDescent, clock: Callable[[], float], should_stop: Callable[[], bool], phases: Phases, pace: Cadence
) -> Generator[Event | Due, None, Reason]:
    """All steps that are left; returns why they ended."""
    interrupted, lead = False, devices.Lead(run.device)
    while not run.is_done and not interrupted:
        index = run.done
        before = clock()
        due = Due(run, phases)
        yield due
        taken = due.result()
        lead.asked_for_a_step()
        image = partial(_to_host, taken.picture, run.frame)
        memory_mib = devices.peak_memory_mib(run.device)
        notes, run.notes = tuple(run.notes), []
        yield Step(index, partial(_to_number, taken.loss), clock() - before, image, memory_mib, notes)
        if pace.wants_preview(index):
            run.require_finite()
            yield Preview(index, image)
        interrupted = should_stop() and not run.is_done
        is_last = interrupted or run.is_done
        if not is_last and pace.wants_checkpoint(run.done):
            yield Checkpointed(run.done, run.state())
    yield Checkpointed(run.done, run.state())
    return "interrupted" if interrupted else "done"


def _prepare(
    config: GenerateConfig, models: Models, resume: State | None, available_mib: float | None
) -> LatentDescent:
    """Check what can be checked, then make or restore the run."""
    device = models.image.codebook.device
    grid(config, models.image.factor)
    Windows.of(config, models.image.factor)
    if available_mib is None:
        available_mib = devices.available_memory_mib(device)
    memory.require_fit(config, models, available_mib)
    if resume is not None:
        require_same_run(resume, config, models.name, models.sha256)
    models = models.with_guides_that_count(parse_weights(config.guide_weights))
    wishes = config.wishes()
    chance = Chance(config.seed, device)
    with torch.no_grad():
        if resume is None:
            kept, plan_words = gather(config, models, wishes, chance.draws)
        else:
            kept, plan_words = kept_of(resume.tensors, device), resume.plan_words
        aims = make_aims(config, models, wishes, kept)
    run = LatentDescent(
        config=config,
        models=models,
        kept=kept,
        aims=aims,
        chance=chance,
        plan_words=plan_words,
        unknown_words=_unknown_words(models, wishes.texts),
    )
    if resume is not None:
        run.restore(resume)
    return run


def _unknown_words(models: Models, parsed: tuple[Prompt, ...]) -> dict[str, list[str]]:
    unknown: dict[str, list[str]] = {}
    for guide in models.guides:
        for prompt in parsed:
            unknown |= guide.unknown_words(prompt.text)
    return unknown


def _actionable(error: Exception, run: LatentDescent) -> Exception:
    """A device that ran full or was lost in mid-run as an error with a next step; everything else as it is."""
    if isinstance(error, RigError):
        return error
    if code_of(error) == "out_of_memory":
        hint = memory.advice(run.config, run.models)
        return NotReadyError(f"Out of memory at step {run.done}.", hint=hint, code="out_of_memory")
    if code_of(error) == "device_lost":
        first = str(error).strip().splitlines()[0]
        hint = "see: dreamrig doctor"
        return FailedError(f"The device was lost at step {run.done}: {first}.", hint=hint, code="device_lost")
    return error


def _to_host(picture: Tensor, frame: Frame) -> Tensor:
    """(1, 3, h, w) anywhere -> (3, H, W) on the CPU, with the width and height of the frame."""
    return enlarged(picture.detach(), frame)[0].cpu()


def _to_number(loss: Tensor) -> float:
    return float(loss)
