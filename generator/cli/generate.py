"""`dreamrig generate | again`: the words after the command in, the exit code out.

typer, rich and torch are imported by the functions that need them, so that a wrong flag is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dreamrig.errors import UsageError
from dreamrig.settings import Sources
from generator.cli import flags
from generator.cli.command import Values, call
from generator.presets import PRESETS
from generator.wishes.braces import escape, expand
from generator.work.batch_file import Wanted, read_batch
from generator.work.door import GeneratorDoor
from generator.work.settings_file import read_config

if TYPE_CHECKING:
    import inspect

    from generator.work.order import Order


def generate(args: list[str], door: GeneratorDoor | None = None) -> int:
    """`dreamrig generate …`; returns the exit code."""
    import typer

    door = door or GeneratorDoor()
    began_at = door.clock()

    def body(values: Values) -> int:
        """Draw a picture from a sentence, and tell how long it took.

        Braces make several pictures: "a {red,blue} {house,tree}". What is left alone comes from DREAMRIG_*
        variables, ./dreamrig.toml, your own configuration, and then from what the model likes best. Ctrl-C finishes
        the step and saves; --resume goes on.
        """
        values = with_config_file(values)
        wanted = wanted_pictures(values)
        if len(wanted) > 1 or values["batch"] is not None or values["first"] is not None:
            from generator.cli.batch import run_batch

            return run_batch(wanted, values, door, began_at)
        values = {**values, "words": [one.prompt for one in wanted]}
        from generator.cli.orders import order_generate

        return _run("generate", lambda sources: order_generate(values, sources), values, door, began_at)

    words = typer.Argument(metavar="PROMPT", help='e.g. "sunset over the sea"', show_default=False)
    resume = typer.Option("--resume", metavar="RUN", help="Continue an interrupted run.", show_default=False)
    surprise = typer.Option("--surprise", help="Draw one of the sure-fire prompts.")
    preset_help = "A whole set of knobs, stronger than what the model likes, weaker than your own."
    preset = typer.Option("--preset", metavar="|".join(PRESETS), help=preset_help, show_default=False)
    first = typer.Option("--from", metavar="N", help="Begin with the Nth of several pictures.", show_default=False)
    parameters = [
        flags.keyword("words", Annotated[list[str] | None, words], None),
        flags.keyword("resume", Annotated[str | None, resume], None),
        flags.keyword("surprise", Annotated[bool, surprise], False),
        flags.keyword("preset", Annotated[str | None, preset], None),
        *_file_parameters(),
        flags.keyword("first", Annotated[int | None, first], None),
        *_shared_parameters(),
    ]
    return call("generate", body, parameters, args)


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
    if values["first"] is not None and (values["resume"] is not None or values["surprise"]):
        raise UsageError("--from is for several pictures.", hint="leave --resume and --surprise away")
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


def again(args: list[str], door: GeneratorDoor | None = None) -> int:
    """`dreamrig again RUN|PNG …`; returns the exit code."""
    import typer

    door = door or GeneratorDoor()
    began_at = door.clock()

    def body(values: Values) -> int:
        """Repeat an earlier run, from its id or from a picture; any flag changes that one thing."""
        from generator.cli.orders import order_again

        return _run("again", lambda _: order_again(values), values, door, began_at)

    source = typer.Argument(metavar="RUN|PNG", help='A run of dreamrig history, "last", or a picture.')
    parameters = [flags.keyword("source", Annotated[str, source], ...), *_shared_parameters()]
    return call("again", body, parameters, args)


def _run(
    command: str, make_order: Callable[[Sources], Order], values: Values, door: GeneratorDoor, began_at: float
) -> int:
    from generator.cli.draw import Presentation, draw, show
    from generator.work.plan import plan

    sources = door.sources()
    order = make_order(sources)
    if values.get("surprise"):
        print(f"surprise: {order.prompt}", file=door.stderr().file, flush=True)
    shown = Presentation.from_values(command, values)
    return show(draw(plan(order), shown, door, sources, began_at), shown, door)


def _shared_parameters() -> list[inspect.Parameter]:
    """The flags of generate and again."""
    import typer

    def option(name: str, type_: Any, default: Any, *words: str, **more: Any) -> inspect.Parameter:
        return flags.keyword(name, Annotated[type_, typer.Option(*words, show_default=False, **more)], default)

    size_help = "Width and height in pixels: one number, or WxH."
    out_help = "Also write the picture here: a .png, .jpg or .webp file, or a folder."
    return [
        option("size", str | None, None, "--size", metavar="N|WxH", help=size_help),
        option("size_nearest", bool, False, "--size-nearest", help="Take the nearest size that the model can make."),
        *flags.config_parameters(common=True),
        option("out", str | None, None, "--out", "-o", metavar="FILE|FOLDER", help=out_help),
        option("force", bool, False, "--force", help="Overwrite the file of --out."),
        option("preview", bool | None, None, "--preview/--no-preview", help="Show the picture while it grows."),
        option("graphics", str | None, None, "--graphics", help="auto, blocks, kitty, iterm2, sixel or off."),
        option("open_it", bool, False, "--open", help="Open the picture in this system's viewer."),
        option("profile", bool, False, "--profile", help="Tell where the time goes, phase by phase."),
        option("as_json", bool, False, "--json", help="One JSON document on standard output."),
        option("quiet", bool, False, "--quiet", "-q", help="No progress and no report: only the picture's path."),
        *flags.config_parameters(common=False),
    ]
