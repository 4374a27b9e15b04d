"""`dreamrig bench sweep`: what each setting of a grid costs, drawn by whatever workers there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.sweep_reuse import Here, forget_what_is_past, note
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, UsageError
from dreamrig.paths import data_folder, ensure_folder
from generator.config import GenerateConfig
from generator.crew.batch import CrewBatch, LocalPlaces, Places, Task, ray_places, run_crew_batch
from generator.knobs import knobs_of
from generator.work.batch_file import WantedPicture, read_batch
from generator.work.plan import Plan

KINDS = ("local", "ray")
KEEP_SECONDS = 30.0
SEED = 1


def sweep(args: list[str]) -> int:
    """`dreamrig bench sweep FILE …`; returns the exit code."""

    def body(
        file: Annotated[str, typer.Argument(help="What to try: TOML with [grid], a CSV, JSON lines.")],
        crew: Annotated[str, typer.Option("--crew", metavar="local|ray", help="Who draws.")] = "local",
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> int:
        """Draw every combination of a grid, and tell how long a step took with each.

        What was measured before, by the same dreamrig and torch on the same device with as many threads, is told again.
        One worker draws one picture at a time. Over Ray every machine takes its share, so compare figures of one
        device alone: the table names none that it does not know.
        """
        if crew not in KINDS:
            raise UsageError(f"--crew is {crew!r}.", hint=f"use {' or '.join(KINDS)}")
        wanted = read_batch(Path(file).expanduser())
        tasks = [_task(number, one, file) for number, one in enumerate(wanted, 1)]
        for sentence in forget_what_is_past(tasks, wanted, Here(is_this_machine=crew == "local")):
            console.print_note(sentence)
        run_crew_batch(CrewBatch(tasks, _places(wanted, crew), tell_end=_told))
        rows = [row_of(task, one) for task, one in zip(tasks, wanted, strict=True)]
        errors = [task.error for task in tasks if task.error is not None]
        if as_json:
            console.print_json("bench sweep", {"rows": rows}, ok=not errors, errors=errors)
        else:
            print("\n".join(table(rows)))
        return EXIT_FAILED if errors else EXIT_GOOD

    return run_one("bench sweep", body, args)


def _task(number: int, one: WantedPicture, file: str) -> Task:
    """A picture of its own folder, by what was asked for."""
    plan = Plan(prompt=one.prompt, given={"seed": SEED, **one.settings})
    plan.check()
    facts = json.dumps([one.prompt, dict(plan.given)], sort_keys=True)
    name = hashlib.sha256(facts.encode()).hexdigest()[:16]

    def to_config(likes: Mapping[str, Any]) -> Mapping[str, Any]:
        return plan.to_config(likes).to_dict()

    return Task(number, ensure_folder(data_folder() / "sweeps") / name, to_config)


def _places(wanted: Sequence[WantedPicture], crew: str) -> Places:
    knobs = knobs_of(GenerateConfig)
    loads = [{name: value for name, value in one.settings.items() if knobs[name].loads} for one in wanted]
    if any(one != loads[0] for one in loads):
        raise UsageError("The pictures need different networks.", hint="sweep each of them by itself")
    if crew == "ray":
        return ray_places(loads[0], KEEP_SECONDS)
    return LocalPlaces(1, loads[0], KEEP_SECONDS, ensure_folder(data_folder() / "crew") / "sweep.log")


def _told(task: Task) -> None:
    note(task)
    if task.error is not None:
        console.print_error(task.error)


def row_of(task: Task, one: WantedPicture) -> dict[str, Any]:
    """One combination: its settings, and what its timing report says; None = not drawn."""
    try:
        report = json.loads((task.folder / "timings.json").read_text())
    except (OSError, ValueError):
        report = {}
    return {
        "prompt": one.prompt,
        "settings": dict(one.settings),
        "step_seconds": report.get("median_step_seconds"),
        "peak_memory_mib": report.get("peak_memory_mib"),
        "device": report.get("device"),
        "picture": str(task.folder / "picture.png") if (task.folder / "picture.png").is_file() else None,
    }


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a combination, the settings that differ as columns."""
    differing = [
        name
        for name in dict.fromkeys(key for row in rows for key in row["settings"])
        if len({str(row["settings"].get(name)) for row in rows}) > 1
    ]
    head = [*differing, "s a step", "MiB", "device", "prompt"]
    lines = [[str(row["settings"].get(name, "")) for name in differing] + _measured(row) for row in rows]
    widths = [max(len(line[place]) for line in [head, *lines]) for place in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *lines]
    ]


def _measured(row: Mapping[str, Any]) -> list[str]:
    seconds, memory = row["step_seconds"], row["peak_memory_mib"]
    return [
        "-" if seconds is None else f"{seconds:.4f}",
        "-" if memory is None else f"{memory:.0f}",
        str(row["device"] or "-"),
        str(row["prompt"])[:40],
    ]
