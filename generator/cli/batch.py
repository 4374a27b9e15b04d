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
from generator.cli.draw import Presentation, draw, resolve_graphics
from generator.cli.orders import order_generate
from generator.config import GenerateConfig
from generator.knobs import knobs_of
from generator.work.batch_file import Wanted
from generator.work.door import GeneratorDoor
from generator.work.plan import Plan, plan
from generator.work.report import resume_hint, to_data

if TYPE_CHECKING:
    from generator.models.base import Models
    from generator.work.execute import Outcome


def run_batch(wanted: list[Wanted], values: Mapping[str, Any], door: GeneratorDoor, began_at: float) -> int:
    """Draw every picture, or those from `values["first"]` on; returns the exit code.

    Everything that can be refused is refused before the first one. One that fails later does not keep the others from
    being drawn.
    """
    sources = door.sources()
    shown = Presentation.from_values("generate", values)
    _check(shown, sources)
    first = _first(values["first"], len(wanted))
    plans = [_plan(number, one, values, sources) for number, one in enumerate(wanted, 1)]
    return Batch(plans, shown, replace(door, load_models=remembering(door.load_models)), sources).run(first, began_at)


class Batch:
    """Pictures that are drawn one after the other, and what came of them so far."""

    def __init__(self, plans: list[Plan], shown: Presentation, door: GeneratorDoor, sources: Sources) -> None:
        self.plans, self.shown, self.door, self.sources = plans, shown, door, sources
        self.outcomes: list[Outcome] = []
        self.failed: list[RigError] = []
        self.ended: RigError | None = None
        """What ended the batch before its last picture."""

    def run(self, first: int, began_at: float) -> int:
        """Draw the pictures from number `first` on; returns the exit code."""
        for number in range(first, len(self.plans) + 1):
            self.draw(number, began_at if number == first else self.door.clock())
            if self.ended is not None:
                break
        return self.tell_end()

    def draw(self, number: int, began_at: float) -> None:
        """One picture; whatever happens is noted."""
        planned, pictures = self.plans[number - 1], len(self.plans)
        title = f"picture {number}/{pictures}: {planned.prompt}"
        try:
            outcome = draw(planned, self.shown, self.door, self.sources, began_at, title)
        except (UsageError, FailedError) as error:
            message = f"Picture {number} ({planned.prompt}): {error.message}"
            self.failed.append(type(error)(message, hint=error.hint, code=error.code))
            console.print_error(self.failed[-1])
        except KeyboardInterrupt:
            self.ended = InterruptedByUser("Interrupted.", hint=_and_the_others("", number, pictures))
        except RigError as error:
            self.ended = error
            error.hint = _and_the_others(error.hint, number, pictures)
        else:
            self.outcomes.append(outcome)
            _tell(outcome, self.shown)
            if outcome.is_interrupted:
                hint = _and_the_others(resume_hint(outcome.run), number, pictures)
                self.ended = InterruptedByUser(f"Interrupted in picture {number} of {pictures}.", hint=hint)

    def tell_end(self) -> int:
        """The JSON document, also of a batch that was cut short; returns the exit code."""
        errors = [*self.failed, *([] if self.ended is None else [self.ended])]
        if self.shown.as_json:
            data = {"pictures": [to_data(outcome) for outcome in self.outcomes]}
            console.print_json("generate", data, ok=not errors, errors=errors)
        if self.ended is not None:
            console.print_error(self.ended)
            return self.ended.exit_code
        return EXIT_FAILED if self.failed else EXIT_GOOD


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


def _check(shown: Presentation, sources: Sources) -> None:
    """UsageError for what fits no batch, or is wrong for each of its pictures."""
    resolve_graphics(shown.graphics, sources)
    shown.to_delivery(sources)
    if shown.save_config is not None:
        raise UsageError("--save-config is for one picture.", hint="leave the braces or --batch away")
    if shown.open_it:
        raise UsageError("--open is for one picture.", hint="leave the braces or --batch away; then: dreamrig open RUN")
    if shown.out is None:
        return
    if Path(shown.out).suffix and not Path(shown.out).is_dir() and not shown.out.endswith("/"):
        raise UsageError(f"--out {shown.out} is one file for several pictures.", hint=f"name a folder: {shown.out}/")
    ensure_folder(Path(shown.out).expanduser())


def _plan(number: int, wanted: Wanted, values: Mapping[str, Any], sources: Any) -> Plan:
    """The plan of one picture; its own settings are weaker than the command line's."""
    chosen = {name: value for name, value in values.items() if value is not None}
    own = dict(wanted.settings)
    if values.get("size") is not None:
        own = {name: value for name, value in own.items() if name not in ("width", "height")}
    try:
        return plan(order_generate({**values, **own, **chosen, "words": [wanted.prompt], "resume": None}, sources))
    except UsageError as error:
        raise UsageError(f"Picture {number} ({wanted.prompt[:60]}): {error.message}", hint=error.hint) from error


def remembering(load: Callable[[GenerateConfig], Models]) -> Callable[[GenerateConfig], Models]:
    """`load`, which is asked again only where other networks are needed than the time before."""
    known: dict[tuple[object, ...], Models] = {}

    def load_once(config: GenerateConfig) -> Models:
        key = tuple(getattr(config, name) for name, knob in knobs_of(GenerateConfig).items() if knob.loads)
        if key not in known:
            known.clear()  # the memory of the ones before is needed
            known[key] = load(config)
        return known[key]

    return load_once


def _tell(outcome: Outcome, shown: Presentation) -> None:
    if not shown.as_json:
        print(outcome.picture if shown.quiet else f"picture   {outcome.picture}", flush=True)
