"""`dreamrig history | rm | prompts`: what there is already. Does not import torch."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from dreamrig import console
from dreamrig.called import as_called
from dreamrig.errors import EXIT_FAILED, EXIT_GOOD, RigError, UsageError
from dreamrig.words import MIB, duration, memory, plural
from generator.front.cli import flags
from generator.front.cli.command import Values, call
from generator.runs import folder as runs
from generator.runs import tidy
from generator.runs.folder import Damaged, Run
from generator.wishes.prompts import fold

DEFAULT_HISTORY = 20
MOST_HISTORY = 1_000_000
COLUMNS = 80
DEFAULT_KEEP_LAST = 20
MOST_DAYS = 36_500


def history(args: list[str]) -> int:
    """`dreamrig history …`; returns the exit code."""
    import typer

    def body(values: Values) -> int:
        """List the runs of this machine, the newest first; keep house among them."""
        _require_possible(values)
        for name, wanted in ((values["star"], True), (values["unstar"], False)):
            if name is not None:
                tidy.star(runs.find_run(name), wanted=wanted)
        return _prune(values) if values["prune"] else _list(values)

    return call("history", body, _history_parameters(typer.Option), args)


def _history_parameters(option: Any) -> list[inspect.Parameter]:
    would = "Say which runs would go; with --yes they go."
    return [
        flags.keyword("limit", Annotated[int, option("--limit", "-n", help="How many.")], DEFAULT_HISTORY),
        flags.keyword("star", Annotated[str | None, option("--star", metavar="RUN", help="Keep this one.")], None),
        flags.keyword("unstar", Annotated[str | None, option("--unstar", metavar="RUN", help="No longer.")], None),
        flags.keyword("prune", Annotated[bool, option("--prune", help=would)], False),
        flags.keyword("older_than", Annotated[float | None, option("--older-than", help="Days: prune these.")], None),
        flags.keyword(
            "keep_last", Annotated[int, option("--keep-last", help="Never prune so many.")], DEFAULT_KEEP_LAST
        ),
        flags.keyword("yes", Annotated[bool, option("--yes", help="Remove what --prune names.")], False),
        flags.keyword("as_json", Annotated[bool, option("--json", help="One JSON document.")], False),
    ]


def _require_possible(values: Values) -> None:
    if not 1 <= values["limit"] <= MOST_HISTORY:
        raise UsageError(f"--limit is {values['limit']}.", hint=f"use 1 to {MOST_HISTORY:,}")
    if values["keep_last"] < 0:
        raise UsageError(f"--keep-last is {values['keep_last']}.", hint="use 0 or more")
    if values["older_than"] is not None and not 0 <= values["older_than"] <= MOST_DAYS:
        raise UsageError(f"--older-than is {values['older_than']:g}.", hint=f"use days, from 0 to {MOST_DAYS}")


def _list(values: Values) -> int:
    found = runs.look(limit=values["limit"])
    if values["as_json"]:
        damaged = [{"run": one.folder.name, "why": one.why} for one in found if isinstance(one, Damaged)]
        whole = [describe_run(one) for one in found if isinstance(one, Run)]
        console.print_json("history", {"runs": whole, "damaged": damaged})
    else:
        rows = [render_run(one) if isinstance(one, Run) else render_damaged(one) for one in found]
        print(as_called("\n".join(rows)) or as_called('No runs yet. Make one: dreamrig generate "sunset over the sea"'))
    return EXIT_GOOD


def _prune(values: Values) -> int:
    """Name what would go, or remove it."""
    chosen = tidy.to_prune(runs.look(), older_than_days=values["older_than"], keep_last=values["keep_last"])
    errors: list[RigError] = []
    if values["yes"]:
        sizes, errors = _remove_each(chosen)
    else:
        sizes = {run.id: tidy.bytes_of(run.folder) for run in chosen}
    if values["as_json"]:
        data = {"removed": values["yes"], "runs": sizes, "bytes": sum(sizes.values())}
        console.print_json("history", data, ok=not errors, errors=errors)
    else:
        _tell_pruned(sizes, is_removed=values["yes"], is_none_chosen=not chosen)
        for error in errors:
            console.print_error(error)
    return EXIT_FAILED if errors else EXIT_GOOD


def _remove_each(chosen: Sequence[Run]) -> tuple[dict[str, int], list[RigError]]:
    """The bytes freed by run, and why others stayed: one that cannot go keeps no other."""
    sizes, errors = {}, []
    for run in chosen:
        try:
            sizes[run.id] = tidy.remove(run)
        except RigError as error:
            errors.append(error)
    return sizes, errors


def _tell_pruned(sizes: Mapping[str, int], *, is_removed: bool, is_none_chosen: bool) -> None:
    for run_id, size in sizes.items():
        print(f"{run_id}  {memory(size / MIB)}")
    total = f"{plural(len(sizes), 'run')}, {memory(sum(sizes.values()) / MIB)}"
    if is_none_chosen:
        print("No run would go: the last ones, starred ones and those that go on stay. See: --keep-last, --older-than")
    else:
        print(f"Removed {total}." if is_removed else f"{total} would go. Remove them: add --yes")


def remove(args: list[str]) -> int:
    """`dreamrig rm RUN`; returns the exit code."""
    import typer

    def body(values: Values) -> int:
        """Remove a run with its pictures (a picture asked for with --out stays where it is)."""
        run_id, freed = _remove(values["run"], force=values["force"])
        if values["as_json"]:
            console.print_json("rm", {"run": run_id, "bytes": freed})
        else:
            print(f"Removed {run_id}, {memory(freed / MIB)}.")
        return EXIT_GOOD

    argument, option, which = typer.Argument, typer.Option, "Id, part of it, folder, or last."
    parameters = [
        flags.keyword("run", Annotated[str, argument(metavar="RUN", help=which)], inspect.Parameter.empty),
        flags.keyword("force", Annotated[bool, option("--force", help="Even if it is starred, or damaged.")], False),
        flags.keyword("as_json", Annotated[bool, option("--json", help="One JSON document.")], False),
    ]
    return call("rm", body, parameters, args)


def _remove(name: str, *, force: bool) -> tuple[str, int]:
    """The id of what was removed, and the bytes freed; a damaged run goes by its whole name, and by force alone."""
    damaged = runs.damaged_with_id(name) if force else None
    if damaged is not None:
        return name, tidy.remove_damaged(damaged)
    run = runs.find_run(name)
    return run.id, tidy.remove(run, force=force)


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
        "bytes": tidy.bytes_of(run.folder),
        "starred": tidy.is_starred(run.folder),
        "error": run.error,
    }


def render_run(run: Run) -> str:
    """Its name; how far, how long, how large; the prompt; the picture. Paths and commands alone may be wide."""
    seen = run.seen()
    seconds = "" if run.seconds is None else f"  {duration(run.seconds)}"
    unit = "frames" if run.kind == "film" else "steps"
    size = memory(tidy.bytes_of(run.folder) / MIB)
    lines = [
        run.id + ("  *" if tidy.is_starred(run.folder) else ""),
        f"    {_local_time(run.created_at)}  {seen}  {run.steps_done}/{run.steps} {unit}{seconds}  {size}",
        f"    {fit(fold(run.prompt), COLUMNS - 4 - len(_seed(run)))}{_seed(run)}",
    ]
    if run.picture is not None:
        lines.append(f"    {run.picture}")
    if seen in runs.RESUMABLE:
        command = "dreamrig video resume" if run.kind == "film" else "dreamrig generate --resume"
        lines.append(f"    go on: {command} {run.id}")
    return console.to_printable("\n".join(lines))


def render_damaged(one: Damaged) -> str:
    """A damaged run is named, and why it cannot be read."""
    return console.to_printable(f"{one.folder.name}\n    damaged: {one.why}")


def _seed(run: Run) -> str:
    return f"  (seed {run.seed})"


def fit(text: str, columns: int) -> str:
    """The text in at most so many columns of a terminal, with an ellipsis where it is cut."""
    if sum(map(_columns, text)) <= columns:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _columns(character: str) -> int:
    """Of a terminal: 2 for wide letters of East Asia and most pictograms (Unicode Standard Annex 11)."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _local_time(created_at: str) -> str:
    try:
        return f"{datetime.fromisoformat(created_at).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return created_at


# ---- prompts -------------------------------------------------------------------------------------------------------


def prompts(args: list[str]) -> int:
    """`dreamrig prompts …`; returns the exit code."""
    import typer

    def body(values: Values) -> int:
        """Print prompts that are sure to work and what the starter can draw, or what it has for some words."""
        from generator.starter.examples import example_prompts, search, themes
        from generator.starter.lexicon import lexicon
        from generator.starter.words import vocabulary

        query = " ".join(values["words"] or ())
        found = search(lexicon(), query) if query else []
        if values["as_json"]:
            everything = {"examples": example_prompts(), "things": themes(lexicon()), "vocabulary": vocabulary()}
            matches = [{"thing": thing.name, "words": words} for thing, words in found]
            console.print_json("prompts", {"query": query, "matches": matches} if query else everything)
        elif query:
            print(render_search(query, [(thing.name, words) for thing, words in found], lexicon().suggest(query)))
        else:
            print(as_called(render_prompts(example_prompts(), themes(lexicon()), vocabulary())))
        return EXIT_GOOD

    words = Annotated[list[str] | None, typer.Argument(metavar="[WORDS]...", help="What to look for.")]
    as_json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
    parameters = [flags.keyword("words", words, None), flags.keyword("as_json", as_json, False)]
    return call("prompts", body, parameters, args)


SHOWN_OF_A_THEME = 24
"""Names of a theme's things that fit where all of them are listed."""
SHOWN_WORDS = 12


def render_prompts(
    examples: tuple[str, ...], things: Mapping[str, list[str]], vocabulary: Mapping[str, list[str]]
) -> str:
    """The examples as commands to paste, then things by theme and the scene's words by group."""
    lines = [f'  dreamrig generate "{example}"' for example in examples]
    drawn = [f"  {theme} ({len(names)}): {_first(names, SHOWN_OF_A_THEME)}" for theme, names in things.items()]
    words = [f"  {group}: {', '.join(known)}" for group, known in vocabulary.items()]
    count = sum(map(len, things.values()))
    many = f"{count:,} things, in any colour; look for one: dreamrig prompts fox"
    return "\n".join(
        ["Sure to work:", *lines, "", many, *drawn, "", "Words for the scene (and many synonyms):", *words]
    )


def render_search(query: str, found: list[tuple[str, list[str]]], near: list[str]) -> str:
    """The things found with the words for them; where there are none, what is near."""
    if not found:
        instead = f"; near: {', '.join(near)}" if near else ""
        return f"The starter has nothing for {query!r}{instead}. Everything: dreamrig prompts"
    return "\n".join(f"  {name}: {_first(words, SHOWN_WORDS)}" for name, words in found)


def _first(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
