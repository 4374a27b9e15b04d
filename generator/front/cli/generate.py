"""`dreamrig generate | again`: the words after the command in, the exit code out.

typer, rich and torch are imported by the functions that need them, so that a wrong flag is refused at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from dreamrig import called
from dreamrig.errors import UsageError
from dreamrig.paths import data_folder, given
from dreamrig.settings import Sources
from generator.crew.holding import is_held
from generator.front.cli import flags
from generator.front.cli.command import Values, call
from generator.front.cli.count import count_of
from generator.presets import PRESETS
from generator.wishes.braces import escape, expand
from generator.work.batch_file import WantedPicture, read_batch
from generator.work.door import GeneratorDoor
from generator.work.settings_file import read_config

if TYPE_CHECKING:
    import inspect

    from generator.work.order import Order


def generate(args: list[str], door: GeneratorDoor | None = None) -> int:
    """`dreamrig generate …`; returns the exit code."""
    import typer

    door = door or GeneratorDoor.of_command()
    began_at = door.began_at()

    def body(values: Values) -> int:
        """Draw a picture from a sentence, and tell how long it took.

        Braces make several pictures: "a {red,blue} {house,tree}". What is left alone comes from DREAMRIG_*
        variables, ./dreamrig.toml, your own configuration, and then from what the model likes best. Ctrl-C finishes
        the step and saves; --resume goes on.
        """
        values = with_config_file(values)
        wanted = wanted_pictures(values)
        several = len(wanted) > 1 or count_of(values) > 1 or values["batch"] is not None or values["first"] is not None
        if several or (wanted and values["crew"] is not None):
            from generator.front.cli.batch import run_batch

            if values["surprise"] and not values["words"]:
                values = {**values, "surprise": False}
                print(f"surprise: {wanted[0].prompt}", file=door.stderr().file, flush=True)
            return run_batch(wanted, values, door, began_at)
        if values["contact_sheet"] is not None:
            raise UsageError("--contact-sheet is for several pictures.", hint="add --count 4, or leave it away")
        values = {**values, "words": [one.prompt for one in wanted]}
        from generator.front.cli.orders import order_generate

        return _run("generate", lambda sources: order_generate(values, sources), values, door, began_at)

    words = typer.Argument(metavar="PROMPT", help='e.g. "sunset over the sea"', show_default=False)
    resume = typer.Option("--resume", metavar="RUN", help="Continue an interrupted run.", show_default=False)
    surprise = typer.Option("--surprise", help="Draw one of the sure-fire prompts.")
    preset_help = "A whole set of knobs, stronger than what the model likes, weaker than your own."
    preset = typer.Option("--preset", metavar="|".join(PRESETS), help=preset_help, show_default=False)
    first = typer.Option("--from", metavar="N", help="Begin with the Nth of several pictures.", show_default=False)
    count_help = "Draw each prompt N times: the seed and those that follow it, and a contact sheet."
    count = typer.Option("--count", metavar="N", help=count_help, show_default=False)
    batch_help = "Draw so many pictures at once, in the same steps; left alone, on a GPU as many as fit, up to 8."
    batch_size = typer.Option("--batch-size", metavar="N", help=batch_help, show_default=False)
    crew_help = "Who draws several pictures: local = workers of this machine, ray = all machines of the crew."
    crew = typer.Option("--crew", metavar="local|ray", help=crew_help, show_default=False)
    sheet_help = "All pictures on one; what is there already, --force overwrites."
    sheet = typer.Option("--contact-sheet", metavar="FILE.png", help=sheet_help, show_default=False)
    workers = typer.Option("--workers", metavar="N", help="How many workers of --crew local.", show_default=False)
    parameters = [
        flags.keyword("words", Annotated[list[str] | None, words], None),
        flags.keyword("resume", Annotated[str | None, resume], None),
        flags.keyword("surprise", Annotated[bool, surprise], False),
        flags.keyword("preset", Annotated[str | None, preset], None),
        *_file_parameters(),
        flags.keyword("first", Annotated[int | None, first], None),
        flags.keyword("count", Annotated[int | None, count], None),
        flags.keyword("batch_size", Annotated[int | None, batch_size], None),
        flags.keyword("crew", Annotated[str | None, crew], None),
        flags.keyword("workers", Annotated[int | None, workers], None),
        flags.keyword("contact_sheet", Annotated[str | None, sheet], None),
        *_shared_parameters(),
    ]
    return call("generate", body, parameters, args)


def with_config_file(values: Values) -> Values:
    """The values with those of --config where the command line has none; the prompt among them."""
    if values.get("config") is None:
        return values
    found = read_config(given(values["config"], "--config"))
    prompt = found.pop("prompt", "")
    if values.get("size") is not None:
        found = {name: value for name, value in found.items() if name not in ("width", "height")}
    chosen = {name: value for name, value in values.items() if value is not None}
    return {**values, **found, **chosen, "words": values["words"] or ([escape(prompt)] if prompt else None)}


def wanted_pictures(values: Values) -> list[WantedPicture]:
    """The pictures of --batch, or those that the braces of the prompt stand for; none where there is no prompt.

    --count draws each of them several times; it also draws one surprise several times, or what needs no words.
    """
    words = " ".join(values["words"] or ())
    if values["first"] is not None and (values["resume"] is not None or values["surprise"]):
        raise UsageError("--from is for several pictures.", hint="leave --resume and --surprise away")
    if values["batch"] is None and count_of(values) > 1 and not words:
        from generator.front.cli.orders import sure_fire_prompt

        return [WantedPicture(sure_fire_prompt() if values["surprise"] else "")]
    if values["batch"] is None:
        return [WantedPicture(prompt) for prompt in expand(words)] if words else []
    if words or values["resume"] is not None or values["surprise"]:
        raise UsageError("--batch brings its own prompts.", hint="leave the prompt, --resume and --surprise away")
    return read_batch(given(values["batch"], "--batch"))


def _file_parameters() -> list[inspect.Parameter]:
    """The flags that name files of settings and prompts."""
    import typer

    def option(name: str, flag: str, help_text: str) -> inspect.Parameter:
        declared = typer.Option(flag, metavar="FILE", help=help_text, show_default=False)
        return flags.keyword(name, Annotated[str | None, declared], None)

    return [
        option("config", "--config", "Settings from a TOML file; flags are stronger."),
        option("save_config", "--save-config", "Write all settings to a TOML file, and draw."),
        option("batch", "--batch", "A prompt a line, a CSV, JSON lines, or TOML with [[picture]] or [grid]."),
    ]


def again(args: list[str], door: GeneratorDoor | None = None) -> int:
    """`dreamrig again RUN|PNG …`; returns the exit code."""
    import typer

    door = door or GeneratorDoor.of_command()
    began_at = door.began_at()

    def body(values: Values) -> int:
        """Repeat an earlier run, from its id or from a picture; any flag changes that one thing."""
        from generator.front.cli.orders import order_again

        return _run("again", lambda _: order_again(values), values, door, began_at)

    source = typer.Argument(metavar="RUN|PNG", help='A run of dreamrig history, "last", or a picture.')
    parameters = [flags.keyword("source", Annotated[str, source], ...), *_shared_parameters()]
    return call("again", body, parameters, args)


def _run(
    command: str, make_order: Callable[[Sources], Order], values: Values, door: GeneratorDoor, began_at: float
) -> int:
    from generator.front.cli.draw import Presentation, draw, show
    from generator.front.cli.offer import offer_missing
    from generator.work.plan import plan

    sources = door.sources()
    order = make_order(sources)
    if command == "generate" and not values["quiet"]:
        tell_of_server(order.prompt, door)
    if values.get("surprise"):
        print(f"surprise: {order.prompt}", file=door.stderr().file, flush=True)
    shown, planned = Presentation.from_values(command, values), plan(order)
    began_at += offer_missing([planned], values, door, shown.check(sources, planned))
    return show(draw(planned, shown, door, sources, began_at), shown, door)


def tell_of_server(prompt: str, door: GeneratorDoor) -> None:
    """Where this home's server holds the device, say so, with the command that waits in its line instead."""
    if not is_held(data_folder()):
        return
    words = shlex.join([*(["--"] if prompt.startswith("-") else []), prompt])
    text = f"""note: the server of this home has its networks on the same device: both are slower, and memory may not do
      to wait in its line instead, run: {called.name()} submit {words}"""
    print(text, file=door.stderr().file, flush=True)


def _shared_parameters() -> list[inspect.Parameter]:
    """The flags of generate and again."""
    import typer

    def option(name: str, type_: Any, default: Any, *words: str, **more: Any) -> inspect.Parameter:
        return flags.keyword(name, Annotated[type_, typer.Option(*words, show_default=False, **more)], default)

    size_help = "Width and height in pixels: one number, or WxH."
    upscale_help = "Enlarge the picture N times by a network; the result lies beside it in the run's folder."
    with_help = "Which network enlarges: a name of dreamrig weights list, or a file that spandrel knows."
    out_help = "Also write the picture here: a .png, .jpg or .webp file, or a folder."
    return [
        option("size", str | None, None, "--size", metavar="N|WxH", help=size_help),
        option("size_nearest", bool, False, "--size-nearest", help="Take the nearest size that the model can make."),
        *flags.config_parameters(common=True),
        option("out", str | None, None, "--out", "-o", metavar="FILE|FOLDER", help=out_help),
        option("upscale", int | None, None, "--upscale", metavar="N", help=upscale_help),
        option("upscale_with", str | None, None, "--upscale-with", metavar="NAME|FILE", help=with_help),
        option("force", bool, False, "--force", help="Overwrite the file of --out."),
        option("preview", bool | None, None, "--preview/--no-preview", help="Show the picture while it grows."),
        option("graphics", str | None, None, "--graphics", help="auto, blocks, kitty, iterm2, sixel or off."),
        option("open_it", bool, False, "--open", help="Open the picture in this system's viewer."),
        option("profile", bool, False, "--profile", help="Tell where the time goes, phase by phase."),
        option("as_json", bool, False, "--json", help="One JSON document on standard output."),
        option("quiet", bool, False, "--quiet", "-q", help="No progress and no report: only the picture's path."),
        *flags.config_parameters(common=False),
    ]
