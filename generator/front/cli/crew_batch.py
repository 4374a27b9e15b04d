"""A batch whose pictures are drawn by workers: processes of this machine, or every machine of a crew.

The same command goes on where it was ended: what is asked for names the batch, and the batch its folders. A seed that
nobody gave is drawn once and written down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.documents import DocumentError, read_object
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, InterruptedByUser, RigError, UsageError
from dreamrig.paths import data_folder, ensure_folder, runs_folder, write_atomic
from dreamrig.settings import load_sources
from generator.config import GenerateConfig
from generator.crew.batch import CrewBatch, LocalPlaces, Places, Task, ray_places, run_crew_batch
from generator.crew.cards import several_cards
from generator.crew.protocol import PICTURE
from generator.crew.settings import load_crew_settings
from generator.front.cli.contact import SheetWish
from generator.knobs import knobs_of
from generator.work.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("local", "ray")
MOST_WORKERS = 64
KEEP_SECONDS = 5.0


@dataclass(frozen=True)
class Asked:
    """Who draws, and how it is told."""

    kind: str
    workers: int | None
    """None = one a card."""
    as_json: bool
    quiet: bool
    out: Path | None = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Asked:
        """From the command line; UsageError for a kind that there is not, or workers without meaning."""
        kind, workers = str(values["crew"] or "local"), values.get("workers")
        if kind not in KINDS:
            raise UsageError(f"--crew is {kind!r}.", hint=f"use {' or '.join(KINDS)}")
        if workers is not None and (kind == "ray" or not 1 <= workers <= MOST_WORKERS):
            raise UsageError(f"--workers is {workers}.", hint=f"use 1 to {MOST_WORKERS}, with --crew local")
        if values.get("upscale") is not None or values.get("upscale_with") is not None:
            raise UsageError("Workers do not enlarge.", hint="leave --upscale away, or --crew")
        out = values.get("out")
        told = bool(values["as_json"]), bool(values["quiet"])
        return cls(kind, workers, *told, Path(out) if out else None)


def draw_by_crew(plans: Sequence[Plan], seeded: Sequence[bool], values: Mapping[str, Any], sheet: SheetWish) -> int:
    """Draw every plan's picture; returns the exit code. seeded: whether its seed was given, by plan."""
    asked = Asked.from_values(values)
    if len({_networks(one) for one in plans}) > 1:
        raise UsageError("The pictures need different networks.", hint="make a batch of each, or leave --crew away")
    name, plans = _with_seeds(plans, seeded)
    tasks = [
        Task(number, runs_folder() / f"batch-{name}-{number:04}", partial(_config, one))
        for number, one in enumerate(plans, 1)
    ]
    batch = CrewBatch(tasks, _places(asked, plans[0]), tell_end=_teller(asked, len(tasks)))
    ended: RigError | None = None
    try:
        run_crew_batch(batch)
    except KeyboardInterrupt:
        ended = InterruptedByUser("Interrupted.", hint="to go on, run the same command again")
    except RigError as error:  # what was drawn before is told all the same
        ended = error
    return _tell_all(asked, tasks, plans, ended, sheet)


def cards_for(plans: Sequence[Plan]) -> list[str]:
    """The cards over which these pictures are spread; [] where there are not several, or one device is asked for."""
    if any(one.given.get("device", "auto") != "auto" for one in plans):
        return []
    return several_cards(load_crew_settings({}, load_sources()).wants)


def spreads_by_itself(plans: Sequence[Plan], values: Mapping[str, Any]) -> bool:
    """Whether a batch goes to a worker a card though nobody said so: several cards, and nothing that workers lack.

    A JSON document keeps its shape whatever cards there are.
    """
    lacking = ("first", "upscale", "upscale_with", "as_json", "graphics", "batch_size")
    asks_more = any(values.get(name) for name in lacking)
    if asks_more or len(plans) < 2 or len({_networks(one) for one in plans}) > 1:
        return False
    return len(cards_for(plans)) > 1


def _networks(one: Plan) -> tuple[Any, ...]:
    return tuple(one.given.get(name) for name, knob in knobs_of(GenerateConfig).items() if knob.loads)


def _config(one: Plan, likes: Mapping[str, Any]) -> dict[str, Any]:
    return one.to_config(likes).to_dict()


def _places(asked: Asked, first: Plan) -> Places:
    loads = {
        name: first.given[name] for name, knob in knobs_of(GenerateConfig).items() if knob.loads and name in first.given
    }
    given = {**first.preset_values(), **loads}
    given = {name: value for name, value in given.items() if knobs_of(GenerateConfig)[name].loads}
    if asked.kind == "ray":
        return ray_places(given, KEEP_SECONDS)
    log, cards = ensure_folder(data_folder() / "crew") / "batch.log", cards_for([first])
    return LocalPlaces(asked.workers or max(1, len(cards)), given, KEEP_SECONDS, log, cards)


def _with_seeds(plans: Sequence[Plan], seeded: Sequence[bool]) -> tuple[str, list[Plan]]:
    """The batch's name, and its plans with the seeds that an earlier run of the same batch drew."""
    wanted = [
        [
            one.prompt,
            None if one.preset is None else one.preset.name,
            {**one.given, **({} if given else {"seed": None})},
        ]
        for one, given in zip(plans, seeded, strict=True)
    ]
    name = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]
    ledger = ensure_folder(data_folder() / "batches") / f"{name}.json"
    try:
        seeds = read_object(ledger)["seeds"]
        assert len(seeds) == len(plans)
    except (OSError, DocumentError, KeyError, AssertionError):
        seeds = [one.given["seed"] for one in plans]
        write_atomic(ledger, json.dumps({"seeds": seeds}).encode())
    changed = [
        Plan(prompt=one.prompt, given={**one.given, "seed": seed}, preset=one.preset)
        for one, seed in zip(plans, seeds, strict=True)
    ]
    return name, changed


def _teller(asked: Asked, count: int) -> Callable[[Task], None]:
    ended = 0

    def tell(task: Task) -> None:
        nonlocal ended
        ended += 1
        if task.error is not None:
            console.print_error(task.error)
        elif not asked.as_json:
            path = task.folder / PICTURE
            print(path if asked.quiet else f"picture   {path}   ({ended} of {count})", flush=True)

    return tell


def _tell_all(
    asked: Asked, tasks: Sequence[Task], plans: Sequence[Plan], ended: RigError | None, wish: SheetWish
) -> int:
    """Copies for --out, the JSON document, and the exit code."""
    drawn = [task for task in tasks if task.was_done or task.done is not None]
    if asked.out is not None:
        folder = ensure_folder(asked.out.expanduser())
        for task in drawn:
            write_atomic(folder / f"{task.folder.name}.png", (task.folder / PICTURE).read_bytes())
    sheet = wish.save([task.folder / PICTURE for task in drawn])
    errors = [task.error for task in tasks if task.error is not None] + ([] if ended is None else [ended])
    if asked.as_json:
        pictures = [
            {"prompt": plans[task.number - 1].prompt, "seed": plans[task.number - 1].given["seed"],
             "picture": str(task.folder / PICTURE), "was_done": task.was_done}
            for task in drawn
        ]  # fmt: skip
        console.print_json("generate", {"pictures": pictures, "contact_sheet": sheet}, ok=not errors, errors=errors)
    elif sheet is not None and not asked.quiet:
        print(f"sheet     {sheet}", flush=True)
    if not asked.as_json and any(task.was_done for task in tasks):
        console.print_note(f"note: {sum(task.was_done for task in tasks)} of {len(tasks)} were drawn before")
    if ended is not None:
        console.print_error(ended)
        return ended.exit_code
    return EXIT_FAILED if errors else EXIT_GOOD
