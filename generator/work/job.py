"""One run to be done, all its decisions made, in a folder that this process holds alone.

Importing this module does not import torch; opening a job does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from dreamrig.errors import InterruptedByUser, RigError
from generator.config import GenerateConfig
from generator.pictures.paths import describe_pictures
from generator.pictures.recipe import BATCH_SIZE, Recipe, describe_start_image, differences
from generator.pictures.upscale import Enlarge
from generator.runs import folder as runs
from generator.runs.folder import CONFIG, RECORD, Kind, Run
from generator.sinks import Say
from generator.work.door import Beginning
from generator.work.out import out_file
from generator.work.plan import Plan
from generator.work.resume import usable_state
from generator.work.rhythm import Rhythm

if TYPE_CHECKING:
    from generator.models.base import Models
    from generator.state import State

Clock = Callable[[], float]
"""Seconds."""


def silent(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run to be done."""

    config: GenerateConfig
    models: Models
    run: Run
    recipe: Recipe
    beginning: Beginning
    rhythm: Rhythm = field(default_factory=Rhythm)
    """How often it is shown and kept."""
    clock: Clock = perf_counter
    is_new: bool = True
    """Whether the run's folder was made for this job."""
    resume: State | None = None
    """Where to continue; None = at the beginning."""
    out: Path | None = None
    """Where the picture is written too."""
    overwrite: bool = False
    profile: bool = False
    """Tell where the time goes, phase by phase."""
    upscale: Enlarge | None = None
    """How the large picture is made; None = Lanczos."""
    batch_size: int = 1
    """Pictures whose steps are taken together with this one's, itself among them."""


@contextmanager
def open_job(
    plan: Plan,
    models: Models,
    *,
    base: Path | None = None,
    folder: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    profile: bool = False,
    upscale: Enlarge | None = None,
    batch_size: int = 1,
    beginning: Beginning | None = None,
    rhythm: Rhythm | None = None,
    clock: Clock = perf_counter,
    say: Say = silent,
) -> Iterator[Job]:
    """Settle the plan with the networks' own defaults, fit it into the free memory, and claim its run folder.

    base: the folder of runs; None = this machine's.   folder: name of a new run's folder; None = from time and prompt.
    out: a file, or an existing folder, for the picture too.   overwrite: out may exist.
    rhythm: None = the usual one, but for what the plan's steps were given for.
    say: is told what was changed, and what may change the pixels.
    A checkpoint that cannot be used is told, and the run begins anew.
    A body that fails before `execute` began leaves no folder of a new run, and an old run as failed or interrupted.
    UsageError where another process is at work in the folder.
    """
    config = plan.to_config(models.defaults)
    if plan.run is None:
        config = fitted(config, models, say)
    recipe = make_recipe(config, models, _noted_batch_size(plan, batch_size))
    tell_differences(plan.recipe, recipe, say)
    beginning = beginning or Beginning(began_at=clock())
    with hold_run(plan.run, recipe, base=base, folder=folder, out=out) as run:
        state = None if plan.run is None else usable_state(run, config, models, lambda why: say(f"note: {why}"))
        yield Job(
            config=config,
            models=models,
            run=run.record(steps_done=0) if state is None and run.steps_done else run,
            recipe=recipe,
            beginning=beginning,
            rhythm=rhythm or Rhythm.around(plan.given),
            clock=clock,
            is_new=plan.run is None,
            resume=state,
            out=None if run.out is None else Path(run.out),
            overwrite=overwrite or plan.run is not None,
            profile=profile,
            upscale=upscale,
            batch_size=batch_size,
        )


@contextmanager
def hold_run(
    continued: Run | None,
    recipe: Recipe,
    *,
    kind: Kind = "picture",
    steps: int | None = None,
    base: Path | None = None,
    folder: str | None = None,
    out: Path | None = None,
    suffix: str = ".png",
) -> Iterator[Run]:
    """The folder of a run, made or continued, claimed by this process alone, with its recipe written down.

    steps: None = the config's.   out, suffix: see generator.work.out.out_file.
    """
    config = recipe.config
    steps = int(config["steps"]) if steps is None else steps
    run = continued or runs.new_run(
        prompt=config["prompt"],
        seed=config["seed"],
        steps=steps,
        kind=kind,
        base=base,
        folder=folder,
        recipe=recipe.to_dict(),
    )
    with runs.sole_worker(run):
        file = out_file(out, run.id, suffix)
        run = run.claim(out=None if file is None else str(file))
        try:
            runs.write_json(run.folder / CONFIG, recipe.to_dict())
            yield run
        except BaseException as error:
            _abandon(run, error, is_new=continued is None)
            raise


def _abandon(run: Run, error: BaseException, *, is_new: bool) -> None:
    """Where nobody noted the end of a claimed run, do it: forget a new one that never began, else tell how it ended."""
    with suppress(ValueError, OSError, RigError):  # gone already, or a full disk: the dead process tells as much
        if runs.load_run(run.folder).status != "running":
            return
        if is_new and {path.name for path in run.folder.iterdir()} <= {CONFIG, RECORD}:
            runs.discard(run)
        elif isinstance(error, KeyboardInterrupt | InterruptedByUser):
            run.record(status="interrupted")
        else:
            run.record(status="failed", error=str(error))


def fitted(config: GenerateConfig, models: Models, say: Say, *, in_windows: bool = True) -> GenerateConfig:
    """The config as it fits into the memory that is free now, its changes told; in_windows: see fit_to_memory."""
    from generator.devices import available_memory_mib
    from generator.engine.memory import fit_to_memory

    free_mib = available_memory_mib(models.image.codebook.device)
    config, changes = fit_to_memory(config, models, free_mib, in_windows=in_windows)
    if changes:
        say(f"note: little memory is free: {changes}")
    return config


def make_recipe(config: GenerateConfig, models: Models, batch_size: int = 1) -> Recipe:
    """The recipe of a run that is about to start here, with so many pictures in a step."""
    import torch

    from generator import devices

    device = models.image.codebook.device
    return Recipe(
        config=config.to_dict(),
        versions=dict(devices.versions()),
        weights={"name": models.name, "sha256": models.sha256},
        machine={
            "device": devices.describe(device),
            "threads": config.threads or torch.get_num_threads(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            **({BATCH_SIZE: batch_size} if batch_size > 1 else {}),
        },
        start_image=describe_start_image(config.start),
        pictures=tuple(describe_pictures(config.to_dict())),
    )


def _noted_batch_size(plan: Plan, now: int) -> int:
    """Of a recipe: a run that goes on alone was begun together with others."""
    before = 1 if plan.run is None or plan.recipe is None else plan.recipe.machine.get(BATCH_SIZE, 1)
    return max(now, before) if isinstance(before, int) else now


def tell_differences(before: Recipe | None, now: Recipe, say: Say) -> None:
    """Say what may change the pixels although the recipe is the same."""
    for difference in [] if before is None else differences(before, now):
        say(f"note: {difference}: this may give different pixels")
