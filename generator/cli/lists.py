"""`dreamrig history | prompts`: what there is already. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, UsageError
from generator.cli import flags
from generator.cli.command import Values, call
from generator.runs import folder as runs
from generator.runs.folder import Run

DEFAULT_HISTORY = 20


def history(args: list[str]) -> int:
    """`dreamrig history …`; returns the exit code."""
    import typer

    def body(values: Values) -> int:
        """List the runs of this machine, the newest first."""
        if values["limit"] < 1:
            raise UsageError(f"--limit is {values['limit']}.", hint="use 1 or more")
        known = runs.list_runs()[: values["limit"]]
        if values["as_json"]:
            console.print_json("history", {"runs": [describe_run(run) for run in known]})
        else:
            print("\n".join(map(render_run, known)) or 'No runs yet. Make one: dreamrig generate "sunset over the sea"')
        return EXIT_GOOD

    parameters = [
        flags.keyword("limit", Annotated[int, typer.Option("--limit", "-n", help="How many.")], DEFAULT_HISTORY),
        flags.keyword("as_json", Annotated[bool, typer.Option("--json", help="One JSON document.")], False),
    ]
    return call("history", body, parameters, args)


def describe_run(run: Run) -> dict[str, Any]:
    """A run as `history --json` tells it."""
    return {
        "run": run.id,
        "created_at": run.created_at,
        "prompt": run.prompt,
        "seed": run.seed,
        "steps": run.steps,
        "steps_done": run.steps_done,
        "kind": run.kind,
        "status": run.seen(),
        "seconds": run.seconds,
        "picture": run.picture,
        "error": run.error,
    }


def render_run(run: Run) -> str:
    """Three lines: what and how far, the prompt, the picture."""
    seen = run.seen()
    seconds = "" if run.seconds is None else f"  {run.seconds:.1f} s"
    unit = "frames" if run.kind == "film" else "steps"
    lines = [
        f"{run.id}  {_local_time(run.created_at)}  {seen}  {run.steps_done}/{run.steps} {unit}{seconds}",
        f"    {run.prompt}  (seed {run.seed})",
    ]
    if run.picture is not None:
        lines.append(f"    {run.picture}")
    if seen in runs.RESUMABLE:
        command = "dreamrig video resume" if run.kind == "film" else "dreamrig generate --resume"
        lines.append(f"    go on: {command} {run.id}")
    return console.to_printable("\n".join(lines))


def _local_time(created_at: str) -> str:
    try:
        return f"{datetime.fromisoformat(created_at).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return created_at


# ---- prompts -------------------------------------------------------------------------------------------------------


def prompts(args: list[str]) -> int:
    """`dreamrig prompts …`; returns the exit code."""
    import typer

    def body(values: Values) -> int:
        """Print prompts that are sure to work, and the words that the model knows."""
        from generator.starter.words import example_prompts, vocabulary

        if values["as_json"]:
            console.print_json("prompts", {"examples": example_prompts(), "vocabulary": vocabulary()})
        else:
            print(render_prompts(example_prompts(), vocabulary()))
        return EXIT_GOOD

    as_json = typer.Option("--json", help="One JSON document.")
    return call("prompts", body, [flags.keyword("as_json", Annotated[bool, as_json], False)], args)


def render_prompts(examples: tuple[str, ...], vocabulary: Mapping[str, list[str]]) -> str:
    """The examples as commands to paste, then the words by group."""
    lines = [f'  dreamrig generate "{example}"' for example in examples]
    words = [f"  {group}: {', '.join(known)}" for group, known in vocabulary.items()]
    return "\n".join(["Sure to work:", *lines, "", "Words the starter model knows (and many synonyms):", *words])
