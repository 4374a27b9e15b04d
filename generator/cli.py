"""`dreamrig generate | again | history | prompts`: the words after the command in, the exit code out.

typer, rich and torch are imported by the functions that need them, so that a wrong flag is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.settings import Sources
from generator import flags, runs
from generator.batch import Wanted, escape, expand, read_batch
from generator.config_file import read_config
from generator.door import Door
from generator.plan import Plan, plan_again, plan_generate
from generator.presets import PRESETS
from generator.runs import Run

if TYPE_CHECKING:
    import inspect

Values = Mapping[str, Any]
DEFAULT_HISTORY = 20


def generate(args: list[str], door: Door | None = None) -> int:
    """`dreamrig generate …`; returns the exit code."""
    import typer

    door = door or Door()
    began_at = door.clock()

    def body(values: Values) -> int:
        """Draw a picture from a sentence, and tell how long it took.

        Braces make several pictures: "a {red,blue} {house,tree}". What is left alone comes from DREAMRIG_*
        variables, ./dreamrig.toml, your own configuration, and then from what the model likes best. Ctrl-C finishes
        the step and saves; --resume goes on.
        """
        values = with_config_file(values)
        wanted = wanted_pictures(values)
        if len(wanted) > 1 or values["batch"] is not None:
            from generator.batch_session import run_batch

            return run_batch(wanted, values, door, began_at)
        values = {**values, "words": [one.prompt for one in wanted]}
        return _run("generate", lambda sources: plan_generate(values, sources), values, door, began_at)

    words = typer.Argument(metavar="PROMPT", help='e.g. "sunset over the sea"', show_default=False)
    resume = typer.Option("--resume", metavar="RUN", help="Continue an interrupted run.", show_default=False)
    surprise = typer.Option("--surprise", help="Draw one of the sure-fire prompts.")
    preset_help = "A whole set of knobs, stronger than what the model likes, weaker than your own."
    preset = typer.Option("--preset", metavar="|".join(PRESETS), help=preset_help, show_default=False)
    parameters = [
        flags.keyword("words", Annotated[list[str] | None, words], None),
        flags.keyword("resume", Annotated[str | None, resume], None),
        flags.keyword("surprise", Annotated[bool, surprise], False),
        flags.keyword("preset", Annotated[str | None, preset], None),
        *_file_parameters(),
        *_shared_parameters(),
    ]
    return _call("generate", body, parameters, args)


def with_config_file(values: Values) -> Values:
    """The values with those of --config where the command line has none; the prompt among them."""
    if values.get("config") is None:
        return values
    found = read_config(Path(values["config"]).expanduser())
    prompt = found.pop("prompt", "")
    if values.get("size") is not None:
        found = {name: value for name, value in found.items() if name not in ("width", "height")}
    chosen = {name: value for name, value in values.items() if value is not None}
    return {**values, **found, **chosen, "words": values["words"] or ([escape(prompt)] if prompt else None)}


def wanted_pictures(values: Values) -> list[Wanted]:
    """The pictures of --batch, or those that the braces of the prompt stand for; none where there is no prompt."""
    words = " ".join(values["words"] or ())
    if values["batch"] is None:
        return [Wanted(prompt) for prompt in expand(words)] if words else []
    if words or values["resume"] is not None or values["surprise"]:
        raise UsageError("--batch brings its own prompts.", hint="leave the prompt, --resume and --surprise away")
    return read_batch(Path(values["batch"]).expanduser())


def _file_parameters() -> list[inspect.Parameter]:
    """The flags that name files of settings and prompts."""
    import typer

    def option(name: str, flag: str, help_text: str) -> inspect.Parameter:
        declared = typer.Option(flag, metavar="FILE", help=help_text, show_default=False)
        return flags.keyword(name, Annotated[str | None, declared], None)

    return [
        option("config", "--config", "Settings from a TOML file; flags are stronger."),
        option("save_config", "--save-config", "Write all settings to a TOML file, and draw."),
        option("batch", "--batch", "A prompt a line, or a TOML file with [[picture]] tables."),
    ]


def again(args: list[str], door: Door | None = None) -> int:
    """`dreamrig again RUN|PNG …`; returns the exit code."""
    import typer

    door = door or Door()
    began_at = door.clock()

    def body(values: Values) -> int:
        """Repeat an earlier run, from its id or from a picture; any flag changes that one thing."""
        return _run("again", lambda _: plan_again(values), values, door, began_at)

    source = typer.Argument(metavar="RUN|PNG", help='A run of dreamrig history, "last", or a picture.')
    parameters = [flags.keyword("source", Annotated[str, source], ...), *_shared_parameters()]
    return _call("again", body, parameters, args)


def _run(command: str, make_plan: Callable[[Sources], Plan], values: Values, door: Door, began_at: float) -> int:
    from generator.session import Session, Wishes

    sources = door.sources()
    plan = make_plan(sources)
    if values.get("surprise"):
        print(f"surprise: {plan.prompt}", file=door.stderr().file, flush=True)
    return Session(plan, Wishes.from_values(command, values), door, sources, began_at).run()


def _call(name: str, body: Callable[[Values], int], parameters: list[inspect.Parameter], args: list[str]) -> int:
    """Let typer parse `args` for these parameters, and run `body` with the values."""
    import typer

    # Plain help: the boxed one cuts long flags off at 80 columns.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(flags.make_command(body, parameters))
    return app(args, prog_name=f"dreamrig {name}", standalone_mode=False) or EXIT_GOOD


def _shared_parameters() -> list[inspect.Parameter]:
    """The flags of generate and again."""
    import typer

    def option(name: str, type_: Any, default: Any, *words: str, **more: Any) -> inspect.Parameter:
        return flags.keyword(name, Annotated[type_, typer.Option(*words, show_default=False, **more)], default)

    size_help = "Width and height in pixels: one number, or WxH."
    out_help = "Also write the picture here: a .png, .jpg or .webp file, or a folder."
    return [
        option("size", str | None, None, "--size", metavar="N|WxH", help=size_help),
        *flags.config_parameters(common=True),
        option("out", str | None, None, "--out", "-o", metavar="FILE|FOLDER", help=out_help),
        option("force", bool, False, "--force", help="Overwrite the file of --out."),
        option("preview", bool | None, None, "--preview/--no-preview", help="Show the picture while it grows."),
        option("graphics", str | None, None, "--graphics", help="auto, blocks, kitty, iterm2, sixel or off."),
        option("profile", bool, False, "--profile", help="Tell where the time goes, phase by phase."),
        option("as_json", bool, False, "--json", help="One JSON document on standard output."),
        option("quiet", bool, False, "--quiet", "-q", help="No progress and no report: only the picture's path."),
        *flags.config_parameters(common=False),
    ]


# ---- history -------------------------------------------------------------------------------------------------------


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
    return _call("history", body, parameters, args)


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
    return _call("prompts", body, [flags.keyword("as_json", Annotated[bool, as_json], False)], args)


def render_prompts(examples: tuple[str, ...], vocabulary: Mapping[str, list[str]]) -> str:
    """The examples as commands to paste, then the words by group."""
    lines = [f'  dreamrig generate "{example}"' for example in examples]
    words = [f"  {group}: {', '.join(known)}" for group, known in vocabulary.items()]
    return "\n".join(["Sure to work:", *lines, "", "Words the starter model knows (and many synonyms):", *words])
