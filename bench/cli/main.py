"""`dreamrig bench SUBCOMMAND`: a table name -> module, imported only when chosen. Imports no torch, rich or typer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from dreamrig.commands import Command, help_rows, load
from dreamrig.errors import EXIT_GOOD, UsageError

SUBCOMMANDS: Mapping[str, Command] = {
    "run": Command("bench.cli.run", "run", "measure a workload on this machine; --vs measures a second one beside it"),
    "sweep": Command("bench.cli.sweep", "sweep", "what each setting of a grid costs, drawn by however many workers"),
    "compare": Command("bench.cli.compare", "compare", "two or more results: how much faster, and is it certain"),
    "ceiling": Command("bench.cli.ceiling", "ceiling", "what this device can do at most, measured in seconds"),
    "report": Command("bench.cli.report", "report", "results as one HTML page and a card to share"),
    "history": Command("bench.cli.history", "history", "the results of this machine"),
    "list": Command("bench.cli.history", "list_workloads", "the workloads, their hashes and what they pin"),
    "validate": Command("bench.cli.validate", "validate", "is a file a result that can be trusted to be read"),
    "submit": Command("bench.cli.board", "submit", "write a result to results/, and say how to hand it in"),
    "board": Command("bench.cli.board", "board", "a folder of results as a leaderboard of static pages"),
    "merge": Command("bench.cli.merge", "merge", "a folder of results of many people as one table"),
    "baselines": Command("bench.cli.history", "baselines", "the results and published figures that come with dreamrig"),
    "colab": Command("bench.colab.hosted", "bench_colab", "the same workload on a GPU of Google Colab"),
}
EXAMPLE = "dreamrig bench run --quick"


def bench(args: list[str]) -> int:
    """`dreamrig bench …`; returns the exit code."""
    words = list(args)
    name = next((word for word in words if not word.startswith("-")), None)
    if name is None or words[0] in ("-h", "--help"):
        return _without_name(words)
    if name not in SUBCOMMANDS:
        raise _unknown(name)
    words.remove(name)  # flags before the name (`dreamrig bench --json run`) are the subcommand's
    code = load(SUBCOMMANDS[name])(words) or EXIT_GOOD
    from bench.cli.measured_cards import keep_current

    keep_current()
    return code


def _without_name(words: list[str]) -> int:
    if words and words[0] not in ("-h", "--help"):
        raise UsageError(f"There is no option {words[0]} without a subcommand.", hint="see: dreamrig bench --help")
    print(render_help())
    return EXIT_GOOD


def _unknown(name: str) -> UsageError:
    near = difflib.get_close_matches(name.lower(), SUBCOMMANDS, n=1)
    hint = f"did you mean: dreamrig bench {near[0]}" if near else "see: dreamrig bench --help"
    return UsageError(f"There is no subcommand {name!r} of bench.", hint=hint)


def render_help(subcommands: Mapping[str, Command] = SUBCOMMANDS) -> str:
    """The text of `dreamrig bench --help`."""
    return "\n".join(
        [
            "how fast is this rig, against Colab and against what physics allows",
            "",
            "usage: dreamrig bench SUBCOMMAND [options]",
            "",
            *help_rows(subcommands),
            "",
            f"example: {EXAMPLE}",
        ]
    )
