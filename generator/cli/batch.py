"""Many pictures on the same networks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, FailedError, InterruptedByUser, RigError, UsageError
from dreamrig.paths import ensure_folder
from dreamrig.settings import Sources
from generator.cli.session import Session, Wishes, require_pictures, to_data
from generator.wishes.batch import Wanted
from generator.work.door import Door
from generator.work.plan import Plan, plan_generate

if TYPE_CHECKING:
    from generator.config import GenerateConfig
    from generator.models.base import Models
    from generator.work.execute import Outcome

MODEL_FIELDS = ("model", "guides", "backend", "precision", "random_weights", "device")
"""Settings that decide which networks are loaded."""


def run_batch(wanted: list[Wanted], values: Mapping[str, Any], door: Door, began_at: float) -> int:
    """Draw every picture, or those from `values["first"]` on; returns the exit code.

    Everything that can be refused is refused before the first one. One that fails later does not keep the others from
    being drawn.
    """
    sources = door.sources()
    wishes = Wishes.from_values("generate", values)
    _check_wishes(wishes)
    first = _first(values["first"], len(wanted))
    plans = [_plan(number, one, values, sources) for number, one in enumerate(wanted, 1)]
    return Batch(plans, wishes, replace(door, load_models=remembering(door.load_models)), sources).run(first, began_at)


class Batch:
    """Pictures that are drawn one after the other, and what came of them so far."""

    def __init__(self, plans: list[Plan], wishes: Wishes, door: Door, sources: Sources) -> None:
        self.plans, self.wishes, self.door, self.sources = plans, wishes, door, sources
        self.outcomes: list[Outcome] = []
        self.failed: list[RigError] = []
        self.ended: RigError | None = None
        """What ended the batch before its last picture."""

    def run(self, first: int, began_at: float) -> int:
        """Draw the pictures from number `first` on; returns the exit code."""
        for number, plan in list(enumerate(self.plans, 1))[first - 1 :]:
            session = Session(
                plan, self.wishes, self.door, self.sources, began_at if number == first else self.door.clock()
            )
            if not self.wishes.quiet:
                session.screen.say(f"picture {number}/{len(self.plans)}: {plan.prompt}")
            self.draw(number, session)
            if self.ended is not None:
                break
        return self.tell_end()

    def draw(self, number: int, session: Session) -> None:
        """One picture; whatever happens is noted."""
        pictures = len(self.plans)
        try:
            outcome = session.perform()
        except (UsageError, FailedError) as error:
            message = f"Picture {number} ({session.plan.prompt}): {error.message}"
            self.failed.append(type(error)(message, hint=error.hint))
            console.print_error(self.failed[-1])
        except KeyboardInterrupt:
            self.ended = InterruptedByUser("Interrupted.", hint=_and_the_others("", number, pictures))
        except RigError as error:
            self.ended = error
            error.hint = _and_the_others(error.hint, number, pictures)
        else:
            self.outcomes.append(outcome)
            _tell(outcome, self.wishes)
            if outcome.is_interrupted:
                hint = _and_the_others(_hint(outcome), number, pictures)
                self.ended = InterruptedByUser(f"Interrupted in picture {number} of {pictures}.", hint=hint)

    def tell_end(self) -> int:
        """The JSON document, also of a batch that was cut short; returns the exit code."""
        errors = [*self.failed, *([] if self.ended is None else [self.ended])]
        if self.wishes.as_json:
            data = {"pictures": [to_data(outcome) for outcome in self.outcomes]}
            console.print_json("generate", data, ok=not errors, errors=errors)
        if self.ended is not None:
            console.print_error(self.ended)
            return self.ended.exit_code
        return EXIT_FAILED if self.failed else EXIT_GOOD


def _hint(outcome: Outcome) -> str:
    from generator.work.execute import resume_hint

    return resume_hint(outcome.run)


def _first(number: int | None, pictures: int) -> int:
    """Where to begin, 1 where nobody says."""
    if number is not None and not 1 <= number <= pictures:
        raise UsageError(f"--from is {number}.", hint=f"use 1 to {pictures}: there are so many pictures")
    return number or 1


def _and_the_others(hint: str, number: int, pictures: int) -> str:
    """How to go on: with picture `number` as the hint says, or with it anew where that says nothing; then the rest."""
    if not hint:
        return f"to go on, run the same command with --from {number}"
    return f"{hint}; then, for the others, the same command with --from {number + 1}" if number < pictures else hint


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
        require_pictures(plan.to_config({}))
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
