"""`dreamrig config show`: every setting, its value, and where the value came from."""

import dataclasses
import difflib
import json
import os
import typing
from typing import Annotated, Any

from dreamrig import console, paths, settings
from dreamrig.command import make_app, run_group
from dreamrig.settings import Resolved, Sources

LIKED, DRAWN = "what the model likes", "a new one each time"
"""Where a value comes from that nobody set and that is no plain default."""


def config(args: list[str]) -> int:
    """Run `dreamrig config …` with the words after `config`; returns the exit code."""
    import typer

    app = make_app("What is set, and where it was set.")

    @app.command()
    def show(
        origin: Annotated[bool, typer.Option("--origin", help="Tell where each value came from.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Show every setting in the form in which ./dreamrig.toml takes it.

        What nobody set is a comment with what would be used: take the # away to keep it so.
        """
        return show_settings(with_origin=origin, as_json=as_json)

    return run_group(app, "config", args)


def show_settings(*, with_origin: bool, as_json: bool) -> int:
    """Print the settings on standard output, misspelt keys on standard error."""
    sources = settings.load_sources()
    known = known_settings()
    found = without_secrets(would_be_used(known, sources))
    folder = Resolved(
        str(paths.data_folder()), "DREAMRIG_HOME" if os.environ.get("DREAMRIG_HOME") else settings.DEFAULT
    )
    if as_json:
        rows = {"home": folder, **found}
        console.print_json("config", {"settings": {name: row._asdict() for name, row in rows.items()}})
    else:
        print(render(folder, found, with_origin=with_origin))
    report_unknown(known, sources)
    return 0


SECRETS = ("serve.webhook", "serve.discord_token")
"""Settings whose value is told to nobody: whoever has it may post in the owner's name."""


def without_secrets(found: dict[str, Resolved[Any]]) -> dict[str, Resolved[Any]]:
    """The settings, of a secret one only that it is set."""
    return {
        name: Resolved("(set, not shown)", row.origin) if name in SECRETS and row.value else row
        for name, row in found.items()
    }


def settings_of_serve() -> dict[str, tuple[type[Any], Any]]:
    """What `[serve]` and `[crew]` in a file set."""
    from generator.crew.settings import CrewSettings  # late, as above
    from generator.serve.settings import ServeSettings

    return {
        f"{section}.{one.name}": (typing.get_type_hints(kind)[one.name], one.default)
        for section, kind in (("serve", ServeSettings), ("crew", CrewSettings))
        for one in dataclasses.fields(kind)
    }


def known_settings() -> dict[str, tuple[type[Any], Any]]:
    """Every setting that a file or a variable can set, as name -> (type, default): of `generate` and of `serve`."""
    from generator.config import GenerateConfig  # late: only this command needs it
    from generator.knobs import kinds_of

    kinds = kinds_of(GenerateConfig)
    knobs = {
        field.name: (kinds[field.name], field.default)
        for field in dataclasses.fields(GenerateConfig)
        if field.default is not dataclasses.MISSING
    }
    return {
        **knobs,
        "graphics": (str, "auto"),
        "batch_size": (int, 0),
        "upscale.command": (str, ""),
        "interpolate.command": (str, ""),
        **settings_of_serve(),
    }


def would_be_used(known: dict[str, tuple[type[Any], Any]], sources: Sources) -> dict[str, Resolved[Any]]:
    """Each setting as a picture drawn now would have it: what somebody set, else what the model likes with that.

    A seed that nobody set is None: a new one for each picture. What only a GPU likes, only torch can tell.
    """
    from generator.models.likes import likes_of, settle
    from generator.work.given import with_seed_numbers

    numbers = with_seed_numbers(sources)
    found = {name: settings.resolve(name, kind, None, usual, sources=numbers) for name, (kind, usual) in known.items()}
    chosen = {name: row.value for name, row in found.items() if row.origin != settings.DEFAULT}
    liked = settle(likes_of(found["model"].value, on_cpu=found["device"].value == "cpu"), chosen)
    liked = {name: Resolved(value, LIKED) for name, value in liked.items() if name not in chosen}
    unset: dict[str, Resolved[Any]] = {} if "seed" in chosen else {"seed": Resolved(None, DRAWN)}
    return {**found, **liked, **unset}


def render(folder: Resolved[str], found: dict[str, Resolved[Any]], *, with_origin: bool) -> str:
    """The settings as TOML for ./dreamrig.toml; what nobody set there, and the data folder, as comments."""
    cells = [(_key(name, row), _as_toml(row.value), row.origin) for name, row in found.items()]
    name_width = max(len(name) for name, _, _ in cells)
    value_width = max(len(value) for _, value, _ in cells)
    lines = [f"# data folder: {folder.value}" + (f"  ({folder.origin})" if with_origin else "")]
    for name, value, origin in cells:
        tail = f"  # {origin}" if with_origin else ""
        lines.append(f"{name:<{name_width}} = {value:<{value_width}}{tail}".rstrip())
    return "\n".join(lines)


def _key(name: str, row: Resolved[Any]) -> str:
    """The name as TOML has it, behind a # where nobody set it: a line that is only read changes nothing."""
    return f"# {name}" if name in SECRETS or row.origin in (settings.DEFAULT, LIKED, DRAWN) else name


def _as_toml(value: Any) -> str:
    return "random" if value is None else json.dumps(value, ensure_ascii=False)


def report_unknown(known: dict[str, tuple[type[Any], Any]], sources: Sources) -> None:
    """Name the keys that nothing reads, with a near one where there is one."""
    for origin, key in settings.unknown_keys(known, sources):
        near = difflib.get_close_matches(key, known, n=1)
        console.print_note(
            f"note: {origin} sets {key}, which nothing reads" + (f"; did you mean {near[0]}?" if near else ".")
        )
