"""What came of a run, for people and for programs. Importing this module does not import torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.errors import InterruptedByUser
from generator.runs.folder import Run
from generator.sinks.report import render_table, report_rows
from generator.work.viewers import linked, windows_path
from provision.cards.measured import read_cards

if TYPE_CHECKING:
    from generator.work.execute import Outcome


def resume_hint(run: Run) -> str:
    """The command that goes on where a run ended."""
    return f"to go on, run: dreamrig generate --resume {run.id}"


def interruption(outcome: Outcome) -> InterruptedByUser | None:
    """How far an interrupted run came and how to go on; None for one that is done."""
    if not outcome.is_interrupted:
        return None
    done, steps = outcome.run.steps_done, outcome.run.steps
    message = f"Interrupted after step {done} of {steps}; the picture so far is saved."
    return InterruptedByUser(message, hint=resume_hint(outcome.run))


def to_data(outcome: Outcome) -> dict[str, Any]:
    """The `data` of the JSON document."""
    return {
        "picture": outcome.picture,
        "picture_large": outcome.picture_large,
        "run": outcome.run.id,
        "run_folder": outcome.run.folder,
        "status": outcome.run.status,
        "prompt": outcome.run.prompt,
        "seed": outcome.run.seed,
        "steps_done": outcome.run.steps_done,
        "plan": outcome.plan_words or None,
        "known_words": outcome.known_words,
        "unknown_words": outcome.unknown_words,
        "timings": outcome.report.to_dict(),
    }


def show_text(outcome: Outcome, environ: Mapping[str, str] = os.environ) -> None:
    """Paths on lines of their own, never wrapped, and the report: as a table on a terminal, plain elsewhere.

    environ: what tells about the terminal, which may know links, and may run on Windows.
    """
    rows = [("run", outcome.run.id), ("seed", str(outcome.run.seed)), *report_rows(outcome.report, read_cards())]
    print(f"picture   {linked(outcome.picture, environ) if os.isatty(1) else outcome.picture}")
    if (on_windows := windows_path(outcome.picture, environ)) is not None:
        print(f"windows   {on_windows}")
    if outcome.picture_large is not None:
        print(f"enlarged  {outcome.picture_large}", flush=True)
    if os.isatty(1):
        console.stdout_console().print(render_table(rows))
    else:
        width = max(len(label) for label, _ in rows)
        print("\n".join(f"{label:<{width}}  {text}" for label, text in rows))
