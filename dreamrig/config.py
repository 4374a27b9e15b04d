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


def config(args: list[str]) -> int:
    """Run `dreamrig config …` with the words after `config`; returns the exit code."""
    import typer

    app = make_app("What is set, and where it was set.")

    @app.command()
    def show(
        origin: Annotated[bool, typer.Option("--origin", help="Tell where each value came from.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Show every setting in the form in which ./dreamrig.toml takes it."""
        return show_settings(with_origin=origin, as_json=as_json)

    return run_group(app, "config", args)


def show_settings(*, with_origin: bool, as_json: bool) -> int:
    """Print the settings on standard output, misspelt keys on standard error."""
    sources = settings.load_sources()
    known = known_settings()
    found = {
        name: settings.resolve(name, type_, None, default, sources=sources) for name, (type_, default) in known.items()
    }
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


def settings_of_serve() -> dict[str, tuple[type[Any], Any]]:
    """What `[serve]` in a file sets."""
    from generator.serve.settings import ServeSettings  # late, as above

    kinds = typing.get_type_hints(ServeSettings)
    return {f"serve.{one.name}": (kinds[one.name], one.default) for one in dataclasses.fields(ServeSettings)}


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
    return {**knobs, "upscale.command": (str, ""), **settings_of_serve()}


def render(folder: Resolved[str], found: dict[str, Resolved[Any]], *, with_origin: bool) -> str:
    """The settings as TOML for ./dreamrig.toml; the data folder, which only the environment sets, as a comment."""
    cells = [(name, json.dumps(row.value, ensure_ascii=False), row.origin) for name, row in found.items()]
    name_width = max(len(name) for name, _, _ in cells)
    value_width = max(len(value) for _, value, _ in cells)
    lines = [f"# data folder: {folder.value}" + (f"  ({folder.origin})" if with_origin else "")]
    for name, value, origin in cells:
        tail = f"  # {origin}" if with_origin else ""
        lines.append(f"{name:<{name_width}} = {value:<{value_width}}{tail}".rstrip())
    return "\n".join(lines)


def report_unknown(known: dict[str, tuple[type[Any], Any]], sources: Sources) -> None:
    """Name the keys that nothing reads, with a near one where there is one."""
    for origin, key in settings.unknown_keys(known, sources):
        near = difflib.get_close_matches(key, known, n=1)
        console.print_note(
            f"note: {origin} sets {key}, which nothing reads" + (f"; did you mean {near[0]}?" if near else ".")
        )
