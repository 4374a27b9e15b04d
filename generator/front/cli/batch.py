"""Many pictures on the same networks, one after the other or several in the same steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dreamrig import console, settings
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, FailedError, InterruptedByUser, RigError, UsageError
from dreamrig.paths import ensure_folder, given
from dreamrig.settings import Sources
from generator.config import GenerateConfig, networks_key
from generator.front.cli.contact import SheetWish
from generator.front.cli.count import count_of, repeated
from generator.front.cli.crew_batch import draw_by_crew, spreads_by_itself
from generator.front.cli.draw import Presentation, draw_together, resolve_graphics
from generator.front.cli.offer import EnlargingNeeds, offer_missing
from generator.front.cli.orders import order_generate
from generator.runs.folder import PICTURE
from generator.wishes.braces import MOST_PICTURES
from generator.work.batch_file import WantedPicture
from generator.work.door import GeneratorDoor
from generator.work.given import given_values
from generator.work.plan import Plan, plan
from generator.work.report import resume_hint, to_data

if TYPE_CHECKING:
    from pathlib import Path

    from generator.models.base import Models
    from generator.work.execute import Outcome
    from generator.work.together import Fellows


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
        if values.get("batch_size") is not None:
            hint = "leave it away: each worker draws one picture at a time"
            raise UsageError("--batch-size is not for --crew.", hint=hint)
        if values["first"] is not None:
            raise UsageError("--from is not for --crew.", hint="run the same command again: what is done stays done")
        return draw_by_crew(plans, [one for one in seeded for _ in range(count)], values, sheet)
    if spreads_by_itself(plans, values):
        console.print_note("note: a worker for each card; on one alone with --device cuda:0")
        return draw_by_crew(plans, [one for one in seeded for _ in range(count)], values, sheet)
    batch = Batch(plans, shown, replace(door, load_models=remembering(door.load_models)), sources, sheet)
    batch.tells_seeds = count > 1
    batch.size = batch_size_of(values, sources)
    if count > 1 and not any(seeded):
        batch.same_command = f"the same command with --seed {plans[0].given['seed']}"
    return batch.run(first, began_at)


class Batch:
    """Pictures that are drawn one after the other, or several at once, and what came of them so far."""

    def __init__(
        self, plans: list[Plan], shown: Presentation, door: GeneratorDoor, sources: Sources, sheet: SheetWish
    ) -> None:
        self.plans, self.shown, self.door, self.sources, self.sheet = plans, shown, door, sources, sheet
        self.tells_seeds = False
        self.size = 1
        """Pictures in the same steps, at most; 0 = as the device likes best."""
        self.told_apart = False
        """Whether it was said why there are fewer."""
        self.same_command = "the same command with"
        """How the pictures that are left are drawn, before --from; with the seed where it was drawn for all of them."""
        self.outcomes: list[Outcome] = []
        self.failed: list[RigError] = []
        self.ended: RigError | None = None
        """What ended the batch before its last picture."""

    def run(self, first: int, began_at: float) -> int:
        """Draw the pictures from number `first` on; returns the exit code."""
        number = first
        while number <= len(self.plans) and self.ended is None:
            number += self.draw(number, began_at if number == first else self.door.clock())
            self.door = replace(self.door, start_seconds=None)  # the process was started once
        return self.tell_end()

    def draw(self, number: int, began_at: float) -> int:
        """One picture, or those that go with it, whatever happens is noted; returns how many."""
        found: list[Outcome | BaseException]
        try:
            found = draw_together(
                self.plans[number - 1 :],
                [self.title(at) for at in range(number, len(self.plans) + 1)],
                self.shown,
                self.door,
                self.sources,
                began_at,
                batch_size=self.size,
                on_fellows=lambda fellows: self.tell_apart(number, fellows),
            )
        except (KeyboardInterrupt, RigError) as error:
            found = [error]
        endings = [self.note(at, one) for at, one in enumerate(found, number)]
        self.ended = self.ending([one for one in endings if one is not None], number + len(found))
        bugs = [one for one in found if isinstance(one, Exception) and not isinstance(one, RigError)]
        if bugs:
            raise bugs[0]
        return len(found)

    def title(self, number: int) -> str:
        """What is said before a picture is drawn."""
        planned = self.plans[number - 1]
        return f"picture {number}/{len(self.plans)}: {planned.prompt}{self.seed_of(planned)}"

    def tell_apart(self, first: int, fellows: Fellows) -> None:
        """Say, once, why there are fewer in a step than were asked for."""
        if not fellows.why_no_more or self.told_apart or self.shown.quiet:
            return
        self.told_apart = True
        after = first + fellows.count
        console.print_note(f"note: picture {after} is not drawn together with picture {first}: {fellows.why_no_more}")

    def note(self, number: int, found: Outcome | BaseException) -> Ending | None:
        """Keep what came of a picture; how it ends the batch, None = it does not."""
        planned, pictures = self.plans[number - 1], len(self.plans)
        if isinstance(found, UsageError | FailedError):
            message = f"Picture {number} ({planned.prompt}): {found.message}"
            self.failed.append(type(found)(message, hint=found.hint, code=found.code))
            console.print_error(self.failed[-1])
        elif isinstance(found, KeyboardInterrupt):
            return Ending(number, InterruptedByUser("Interrupted."))
        elif isinstance(found, RigError):
            return Ending(number, found)
        elif not isinstance(found, BaseException):
            self.outcomes.append(found)
            self.tell(found, planned)
            if found.is_interrupted:
                message = f"Interrupted in picture {number} of {pictures}."
                return Ending(number, InterruptedByUser(message, hint=resume_hint(found.run)))
        return None

    def ending(self, endings: Sequence[Ending], following: int) -> RigError | None:
        """All of them as one error, with how to go on; None where there are none.

        following: number of the picture after those that were drawn together.
        """
        if not endings:
            return None
        error = endings[0].error
        if len(endings) > 1 and isinstance(error, InterruptedByUser):
            between = f"{endings[0].number} to {endings[-1].number}"
            error = InterruptedByUser(f"Interrupted in pictures {between} of {len(self.plans)}.")
        hints = [one.error.hint for one in endings if one.error.hint]
        begun_anew = [one.number for one in endings if not one.error.hint]
        hints = [*hints[:1], *(hint.removeprefix("to go on, ") for hint in hints[1:])]
        error.hint = self.and_the_others("; then ".join(hints), begun_anew[0] if begun_anew else following)
        return error

    def seed_of(self, planned: Plan) -> str:
        """In brackets, where one prompt is drawn several times."""
        return f" (seed {planned.given['seed']})" if self.tells_seeds else ""

    def tell(self, outcome: Outcome, planned: Plan) -> None:
        """Where a picture is, as soon as it is there."""
        if not self.shown.as_json:
            words = f"picture   {outcome.picture}{self.seed_of(planned)}"
            print(outcome.picture if self.shown.quiet else words, flush=True)

    def and_the_others(self, hint: str, following: int) -> str:
        """How to go on: as the hint says, then with picture `following` and those after it."""
        if not hint:
            return f"to go on, run {self.same_command} --from {following}"
        is_last = following > len(self.plans)
        return hint if is_last else f"{hint}; then, for the others, {self.same_command} --from {following}"

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


@dataclass(frozen=True)
class Ending:
    """What came of a picture that ends the batch."""

    number: int
    error: RigError
    """Its hint says how to go on with that picture; "" = it was not begun."""


def batch_size_of(values: Mapping[str, Any], sources: Sources) -> int:
    """How many pictures are drawn in the same steps at most; 0 = as the device likes best."""
    said = values.get("batch_size")
    size: int = settings.resolve("batch_size", int, said, 0, sources=sources).value
    if not 0 <= size <= MOST_PICTURES:
        raise UsageError(f"--batch-size is {size}.", hint=f"use 1 to {MOST_PICTURES}, or 0: as the device likes")
    if not values["profile"]:
        return size
    if (said or 0) > 1:
        raise UsageError("--profile looks at one picture at a time.", hint="leave --batch-size away")
    return 1


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
