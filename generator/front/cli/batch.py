"""Many pictures on the same networks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, FailedError, InterruptedByUser, RigError, UsageError
from dreamrig.paths import ensure_folder, given
from dreamrig.settings import Sources
from generator.config import GenerateConfig, networks_key
from generator.front.cli.contact import SheetWish
from generator.front.cli.count import count_of, repeated
from generator.front.cli.crew_batch import draw_by_crew
from generator.front.cli.draw import Presentation, draw, resolve_graphics
from generator.front.cli.offer import EnlargingNeeds, offer_missing
from generator.front.cli.orders import order_generate
from generator.runs.folder import PICTURE
from generator.work.batch_file import WantedPicture
from generator.work.door import GeneratorDoor
from generator.work.given import given_values
from generator.work.plan import Plan, plan
from generator.work.report import resume_hint, to_data

if TYPE_CHECKING:
    from pathlib import Path

    from generator.models.base import Models
    from generator.work.execute import Outcome


def run_batch(wanted: list[WantedPicture], values: Mapping[str, Any], door: GeneratorDoor, began_at: float) -> int:
    """Draw every picture, or those from `values["first"]` on; returns the exit code.

    Everything that can be refused is refused before the first one. One that fails later does not keep the others from
    being drawn.
    """
    sources = door.sources()
    shown, count = Presentation.from_values("generate", values), count_of(values)
    sheet = SheetWish.from_values(values, len(wanted), count)
    needs = _check(shown, sources)
    first = _first(values["first"], len(wanted) * count)
    seed = values.get("seed") is not None or given_values({}, sources).get("seed") is not None
    seeded = [seed or "seed" in one.settings for one in wanted]
    plans = [_plan(number, one, values, sources) for number, one in enumerate(wanted, 1)]
    plans = repeated(plans, seeded, count)
    if values.get("crew") != "ray":  # whose machines have weights of their own
        began_at += offer_missing(plans[first - 1 :], values, door, needs)
    if values.get("crew") is not None:
        if values["first"] is not None:
            raise UsageError("--from is not for --crew.", hint="run the same command again: what is done stays done")
        return draw_by_crew(plans, [one for one in seeded for _ in range(count)], values, sheet)
    batch = Batch(plans, shown, replace(door, load_models=remembering(door.load_models)), sources, sheet)
    batch.tells_seeds = count > 1
    if count > 1 and not any(seeded):
        batch.same_command = f"the same command with --seed {plans[0].given['seed']}"
    return batch.run(first, began_at)


class Batch:
    """Pictures that are drawn one after the other, and what came of them so far."""

    def __init__(
        self, plans: list[Plan], shown: Presentation, door: GeneratorDoor, sources: Sources, sheet: SheetWish
    ) -> None:
        self.plans, self.shown, self.door, self.sources, self.sheet = plans, shown, door, sources, sheet
        self.tells_seeds = False
        self.same_command = "the same command with"
        """How the pictures that are left are drawn, before --from; with the seed where it was drawn for all of them."""
        self.outcomes: list[Outcome] = []
        self.failed: list[RigError] = []
        self.ended: RigError | None = None
        """What ended the batch before its last picture."""

    def run(self, first: int, began_at: float) -> int:
        """Draw the pictures from number `first` on; returns the exit code."""
        for number in range(first, len(self.plans) + 1):
            self.draw(number, began_at if number == first else self.door.clock())
            self.door = replace(self.door, start_seconds=None)  # the process was started once
            if self.ended is not None:
                break
        return self.tell_end()

    def draw(self, number: int, began_at: float) -> None:
        """One picture; whatever happens is noted."""
        planned, pictures = self.plans[number - 1], len(self.plans)
        title = f"picture {number}/{pictures}: {planned.prompt}{self.seed_of(planned)}"
        try:
            outcome = draw(planned, self.shown, self.door, self.sources, began_at, title)
        except (UsageError, FailedError) as error:
            message = f"Picture {number} ({planned.prompt}): {error.message}"
            self.failed.append(type(error)(message, hint=error.hint, code=error.code))
            console.print_error(self.failed[-1])
        except KeyboardInterrupt:
            self.ended = InterruptedByUser("Interrupted.", hint=self.and_the_others("", number))
        except RigError as error:
            self.ended = error
            error.hint = self.and_the_others(error.hint, number)
        else:
            self.outcomes.append(outcome)
            self.tell(outcome, planned)
            if outcome.is_interrupted:
                hint = self.and_the_others(resume_hint(outcome.run), number)
                self.ended = InterruptedByUser(f"Interrupted in picture {number} of {pictures}.", hint=hint)

    def seed_of(self, planned: Plan) -> str:
        """In brackets, where one prompt is drawn several times."""
        return f" (seed {planned.given['seed']})" if self.tells_seeds else ""

    def tell(self, outcome: Outcome, planned: Plan) -> None:
        """Where a picture is, as soon as it is there."""
        if not self.shown.as_json:
            words = f"picture   {outcome.picture}{self.seed_of(planned)}"
            print(outcome.picture if self.shown.quiet else words, flush=True)

    def and_the_others(self, hint: str, number: int) -> str:
        """How to go on: with picture `number` as the hint says, or anew where that says nothing; then the rest."""
        if not hint:
            return f"to go on, run {self.same_command} --from {number}"
        is_last = number == len(self.plans)
        return hint if is_last else f"{hint}; then, for the others, {self.same_command} --from {number + 1}"

    def save_sheet(self) -> Path | None:
        """All pictures on one, where that is wanted; a failure is noted, the pictures are there."""
        try:
            return self.sheet.save([outcome.run.folder / PICTURE for outcome in self.outcomes])
        except RigError as error:
            self.failed.append(error)
            console.print_error(error)
            return None

    def tell_end(self) -> int:
        """The contact sheet; the JSON document, also of a batch that was cut short; returns the exit code."""
        sheet = self.save_sheet()
        errors = [*self.failed, *([] if self.ended is None else [self.ended])]
        if self.shown.as_json:
            data = {"pictures": [to_data(outcome) for outcome in self.outcomes], "contact_sheet": sheet}
            console.print_json("generate", data, ok=not errors, errors=errors)
        elif sheet is not None and not self.shown.quiet:
            print(f"sheet     {sheet}", flush=True)
        if self.ended is not None:
            console.print_error(self.ended)
            return self.ended.exit_code
        return EXIT_FAILED if self.failed else EXIT_GOOD


def _first(number: int | None, pictures: int) -> int:
    """Where to begin, 1 where nobody says."""
    if number is not None and not 1 <= number <= pictures:
        raise UsageError(f"--from is {number}.", hint=f"use 1 to {pictures}: there are so many pictures")
    return number or 1


def _check(shown: Presentation, sources: Sources) -> EnlargingNeeds:
    """What enlarging needs; UsageError for what fits no batch, or is wrong for each of its pictures."""
    resolve_graphics(shown.graphics, sources)
    needs = shown.check(sources)
    if shown.save_config is not None:
        raise UsageError("--save-config is for one picture.", hint="leave braces, --batch and --count away")
    if shown.open_it:
        raise UsageError(
            "--open is for one picture.", hint="leave braces, --batch and --count away; then: dreamrig open RUN"
        )
    if shown.out is None:
        return needs
    folder = given(shown.out, "--out")
    if folder.suffix and not folder.is_dir() and not shown.out.endswith("/"):
        raise UsageError(f"--out {shown.out} is one file for several pictures.", hint=f"name a folder: {shown.out}/")
    ensure_folder(folder)
    return needs


def _plan(number: int, wanted: WantedPicture, values: Mapping[str, Any], sources: Any) -> Plan:
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
        key = networks_key(config)
        if key not in known:
            known.clear()  # the memory of the ones before is needed
            known[key] = load(config)
        return known[key]

    return load_once
