"""Many pictures on the same networks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, FailedError, InterruptedByUser, RigError, UsageError
from dreamrig.paths import ensure_folder
from generator.batch import Wanted
from generator.door import Door
from generator.plan import Plan, plan_generate
from generator.session import Session, Wishes, to_data

if TYPE_CHECKING:
    from generator.config import GenerateConfig
    from generator.execute import Outcome
    from generator.models.base import Models

MODEL_FIELDS = ("model", "guides", "backend", "precision", "random_weights", "device")
"""Settings that decide which networks are loaded."""


def run_batch(wanted: list[Wanted], values: Mapping[str, Any], door: Door, began_at: float) -> int:
    """Draw every picture; returns the exit code. One that fails does not keep the others from being drawn.

    Everything that can be refused is refused before the first one.
    """
    sources = door.sources()
    wishes = Wishes.from_values("generate", values)
    _check_wishes(wishes)
    plans = [_plan(number, one, values, sources) for number, one in enumerate(wanted, 1)]
    door = replace(door, load_models=remembering(door.load_models))
    outcomes: list[Outcome] = []
    failed: list[RigError] = []
    for number, plan in enumerate(plans, 1):
        session = Session(plan, wishes, door, sources, began_at if number == 1 else door.clock())
        if not wishes.quiet:
            session.screen.say(f"picture {number}/{len(plans)}: {plan.prompt}")
        try:
            outcomes.append(session.perform())
        except (UsageError, FailedError) as error:
            failed.append(type(error)(f"Picture {number} ({plan.prompt}): {error.message}", hint=error.hint))
            console.print_error(failed[-1])
            continue
        except RigError as error:
            error.hint = "; ".join(filter(None, [error.hint, _left(number - 1, len(plans))]))
            raise
        _tell(outcomes[-1], wishes)
        if outcomes[-1].is_interrupted:
            raise InterruptedByUser(f"Interrupted in picture {number} of {len(plans)}.", hint=_hint(outcomes[-1]))
    if wishes.as_json:
        data = {"pictures": [to_data(outcome) for outcome in outcomes]}
        console.print_json("generate", data, ok=not failed, errors=failed)
    return EXIT_FAILED if failed else EXIT_GOOD


def _hint(outcome: Outcome) -> str:
    from generator.execute import resume_hint

    return resume_hint(outcome.run)


def _left(done: int, all_of_them: int) -> str:
    return f"{done} of {all_of_them} pictures are done: dreamrig history"


def _check_wishes(wishes: Wishes) -> None:
    if wishes.save_config is not None:
        raise UsageError("--save-config is for one picture.", hint="leave the braces or --batch away")
    if wishes.out is None:
        return
    if Path(wishes.out).suffix and not Path(wishes.out).is_dir() and not wishes.out.endswith("/"):
        raise UsageError(f"--out {wishes.out} is one file for several pictures.", hint=f"name a folder: {wishes.out}/")
    ensure_folder(Path(wishes.out).expanduser())


def _plan(number: int, wanted: Wanted, values: Mapping[str, Any], sources: Any) -> Plan:
    """The plan of one picture; its own settings are weaker than the command line's."""
    chosen = {name: value for name, value in values.items() if value is not None}
    own = dict(wanted.settings)
    if values.get("size") is not None:
        own = {name: value for name, value in own.items() if name not in ("width", "height")}
    try:
        plan = plan_generate({**values, **own, **chosen, "words": [wanted.prompt], "resume": None}, sources)
        plan.to_config({})
    except UsageError as error:
        raise UsageError(f"Picture {number} ({wanted.prompt[:60]}): {error.message}", hint=error.hint) from error
    return plan


def remembering(load: Callable[[GenerateConfig], Models]) -> Callable[[GenerateConfig], Models]:
    """`load`, which is asked again only where other networks are needed than the time before."""
    known: dict[tuple[object, ...], Models] = {}

    def load_once(config: GenerateConfig) -> Models:
        key = tuple(getattr(config, name) for name in MODEL_FIELDS)
        if key not in known:
            known.clear()  # the memory of the ones before is needed
            known[key] = load(config)
        return known[key]

    return load_once


def _tell(outcome: Outcome, wishes: Wishes) -> None:
    if not wishes.as_json:
        print(outcome.picture if wishes.quiet else f"picture   {outcome.picture}", flush=True)
