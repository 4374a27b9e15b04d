"""A picture from its plan to its outcome, the way every front end of one picture goes. Does not import torch itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.pictures.upscale import Enlarge
from generator.sinks import Say, Sink
from generator.work.door import Beginning, GeneratorDoor
from generator.work.job import Job, open_job
from generator.work.out import check_out, require_room
from generator.work.plan import Plan
from generator.work.stop import StopSwitch

if TYPE_CHECKING:
    from generator.engine.together import Due
    from generator.models.base import Models
    from generator.work.execute import Outcome
    from generator.work.together import Fellows

STOPPING = "stopping after this step; once more stops at once"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Where a picture goes besides its run's folder, and what is to be made of it."""

    out: str | None = None
    """A file or a folder; None = where a run that goes on was to go, else nowhere."""
    force: bool = False
    """Overwrite the file of `out`."""
    profile: bool = False
    upscale: Enlarge | None = None

    def check(self, plan: Plan) -> Path | None:
        """The file or existing folder of `out`, None where there is none; UsageError where it cannot be."""
        require_room(plan.run)
        asked = self.out or (plan.run.out if plan.run else None)
        if asked is None:
            return None
        return check_out(asked, force=self.force, continues=plan.recipe if plan.run else None)


def _opener(
    models: Models, delivery: Delivery, door: GeneratorDoor, *, out: Path | None, beginning: Beginning, say: Say
) -> Callable[..., AbstractContextManager[Job]]:
    """open_job of any plan, all but that plan settled."""
    return partial(
        open_job,
        models=models,
        out=out,
        overwrite=delivery.force,
        profile=delivery.profile,
        upscale=delivery.upscale,
        beginning=beginning,
        clock=door.clock,
        say=say,
    )


def perform(
    plan: Plan,
    delivery: Delivery,
    door: GeneratorDoor,
    began_at: float,
    *,
    watchers: Sequence[Sink] = (),
    say: Say,
    on_job: Callable[[Job], None] = lambda job: None,
) -> Outcome:
    """Check, load, and do the run; the first Ctrl-C ends it after the step at hand.

    began_at: what the door's clock said when the command began.   on_job: called before the first step.
    """
    plan.to_config({})  # refuses what cannot be, before torch is imported
    out = delivery.check(plan)
    with StopSwitch(lambda: say(STOPPING)) as stop:
        models, beginning = door.load(plan.to_config, began_at)
        opening = _opener(models, delivery, door, out=out, beginning=beginning, say=say)
        from generator.work.execute import execute

        with opening(plan) as job:
            on_job(job)
            return execute(job, watchers=watchers, stop=stop, say=say)


def perform_together(
    plans: Sequence[Plan],
    delivery: Delivery,
    door: GeneratorDoor,
    began_at: float,
    *,
    batch_size: int,
    watching: Callable[[Fellows], Sequence[Sequence[Sink]]],
    say: Say,
) -> list[Outcome | BaseException]:
    """The first of these new pictures, and those after it that can be drawn in the same steps: what came of each.

    batch_size: so many at most; 0 = as the device likes best.   watching: who shows each of those that are drawn.
    The first Ctrl-C ends all of them after the step at hand. What keeps the first from being begun is raised.
    """
    plans[0].to_config({})  # refuses what cannot be, before torch is imported
    out = delivery.check(plans[0])
    with StopSwitch(lambda: say(STOPPING)) as stop:
        models, beginning = door.load(plans[0].to_config, began_at)
        opening = _opener(models, delivery, door, out=out, beginning=beginning, say=say)
        from generator.work.execute import undertake
        from generator.work.together import drive, fellows_of

        fellows = fellows_of(plans, models, batch_size)

        def do(opened: AbstractContextManager[Job], watchers: Sequence[Sink]) -> Generator[Due, None, Outcome]:
            with opened as job:
                return (yield from undertake(job, watchers=watchers, stop=stop, say=say))

        doings = [
            do(opening(plan, batch_size=fellows.count), watchers)
            for plan, watchers in zip(plans[: fellows.count], watching(fellows), strict=True)
        ]
        return drive(doings)
