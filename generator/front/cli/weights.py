"""`dreamrig weights list | show | fetch | verify | import | remove`: the words after the command in, the exit code out.

typer, rich and torch are imported by the functions that need them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dreamrig import console
from dreamrig.command import make_app, run_group
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, InterruptedByUser, NotReadyError, RigError, UsageError
from dreamrig.words import MIB, memory
from generator.front.cli.fetching import fetch_one
from generator.models.outline import outline
from generator.presets import PRESETS, find_preset
from generator.weights import registry
from generator.weights import store as weights_store
from generator.weights.door import WeightsDoor
from generator.weights.fetch import other_ways
from generator.weights.registry import Entry
from generator.weights.words import describe, render_list, render_ready, render_show, render_terms

if TYPE_CHECKING:
    import typer

COMMAND = "weights"


def weights(args: list[str], door: WeightsDoor | None = None) -> int:
    """`dreamrig weights …`; returns the exit code."""
    door = door or WeightsDoor()
    app = make_app("The networks of 2021: what there is, where it comes from, and what of it is here.")
    for register in (_add_list, _add_show, _add_fetch, _add_verify, _add_import, _add_remove):
        register(app, door)
    return run_group(app, COMMAND, args)


def _json_option() -> Any:
    import typer

    return typer.Option("--json", help="One JSON document on standard output.")


def _find_all(names: Sequence[str], door: WeightsDoor) -> list[Entry]:
    return [registry.find(name, door.registry_file) for name in names]


# ---- list ------------------------------------------------------------------------------------------------------------


def _add_list(app: "typer.Typer", door: WeightsDoor) -> None:
    @app.command("list")
    def list_(as_json: Annotated[bool, _json_option()] = False) -> int:
        """List every published network and its state."""
        base = door.weights_folder()
        found = [weights_store.status(entry, base) for entry in registry.entries(door.registry_file).values()]
        if as_json:
            console.print_json(COMMAND, {"folder": base, "weights": [describe(one) for one in found]})
        else:
            print(render_list(found, base))
        return EXIT_GOOD


def _add_show(app: "typer.Typer", door: WeightsDoor) -> None:
    import typer

    name_argument = typer.Argument(metavar="NAME", help="One network of dreamrig weights list.", show_default=False)

    @app.command("show")
    def show(name: Annotated[str, name_argument], as_json: Annotated[bool, _json_option()] = False) -> int:
        """Show one network: terms, every address, and what else there is."""
        (entry,) = _find_all([name], door)
        found, known = weights_store.status(entry, door.weights_folder()), registry.entries(door.registry_file).values()
        if as_json:
            console.print_json(COMMAND, {"weights": [describe(found)], "other_ways": other_ways(entry, known)})
        else:
            print(console.to_printable(render_show(found, known)))
        return EXIT_GOOD


# ---- fetch -----------------------------------------------------------------------------------------------------------


def _add_fetch(app: "typer.Typer", door: WeightsDoor) -> None:
    import typer

    names_argument = typer.Argument(
        metavar="[NAME]...", help="One or more of dreamrig weights list.", show_default=False
    )
    preset_option = typer.Option("--preset", metavar="PRESET", help="All that a preset needs.", show_default=False)
    yes_option = typer.Option("--yes", "-y", help="Accept licence and terms without being asked.")
    keep_option = typer.Option("--keep-original", help="Keep the published file beside the converted one.")
    again_option = typer.Option("--again", help="Also when it is here already.")
    unchecked_option = typer.Option("--unchecked", help="Also what nobody tells a SHA-256 of; the first seen is noted.")

    @app.command("fetch")
    def fetch(
        names: Annotated[list[str] | None, names_argument] = None,
        preset: Annotated[str | None, preset_option] = None,
        yes: Annotated[bool, yes_option] = False,
        keep_original: Annotated[bool, keep_option] = False,
        again: Annotated[bool, again_option] = False,
        unchecked: Annotated[bool, unchecked_option] = False,
        as_json: Annotated[bool, _json_option()] = False,
    ) -> int:
        """Download, check and convert networks.

        Licence and terms are shown first. An interrupted download goes on where it stopped.
        """
        base = door.weights_folder()
        wanted = _with_needs(_find_all(_wanted_names(names or [], preset), door), door)
        missing = [entry for entry in wanted if again or not registry.is_ready(entry.name, base)]
        for entry in missing:
            weights_store.require_fetchable(entry, base, unchecked=unchecked)
        if missing:
            _accept(missing, door, yes=yes)
        for entry in missing:
            fetch_one(entry, door, keep_original=keep_original)
        facts = [weights_store.verify_model(entry, base) for entry in wanted]
        if as_json:
            console.print_json(COMMAND, {"fetched": [entry.name for entry in missing], "weights": facts})
        else:
            for one, entry in zip(facts, wanted, strict=True):
                print(render_ready(one, base, "fetched and converted" if entry in missing else "already here"))
        return EXIT_GOOD


def _wanted_names(names: Sequence[str], preset: str | None) -> list[str]:
    """The names given and those that the preset needs, each once; UsageError where there are none."""
    found = [*names, *(() if preset is None else find_preset(preset).networks)]
    if not found:
        hint = f"see: dreamrig weights list, or take all a preset needs: --preset {next(iter(PRESETS))}"
        raise UsageError("Nothing is named to be fetched.", hint=hint)
    return list(dict.fromkeys(found))


def _with_needs(wanted: Sequence[Entry], door: WeightsDoor) -> list[Entry]:
    """These entries and those that they are of no use without, each once."""
    needed = _find_all([name for entry in wanted for name in entry.needs], door)
    return list({entry.name: entry for entry in (*wanted, *needed)}.values())


def _accept(missing: Sequence[Entry], door: WeightsDoor, *, yes: bool) -> None:
    """Show licence and terms; UsageError where nobody can be asked, InterruptedByUser on a no."""
    screen = door.stderr()
    for entry in missing:
        print(console.to_printable(render_terms(entry)), file=screen.file, flush=True)
    if yes:
        return
    answer = door.ask("Download under these terms? [y/N]")
    if answer is None:
        raise UsageError("Nobody is there to accept the terms.", hint="read them above, then add --yes")
    if not answer:
        raise InterruptedByUser("Nothing was downloaded.")


# ---- verify, import, remove ------------------------------------------------------------------------------------------


def _add_verify(app: "typer.Typer", door: WeightsDoor) -> None:
    import typer

    name_argument = typer.Argument(metavar="[NAME]", help="One network; all that are here, without a name.")

    @app.command("verify")
    def verify(
        name: Annotated[str | None, name_argument] = None, as_json: Annotated[bool, _json_option()] = False
    ) -> int:
        """Compare what is here with the SHA-256 noted."""
        base = door.weights_folder()
        known = registry.entries(door.registry_file).values()
        chosen = [entry for entry in known if _has_files(entry, base)] if name is None else _find_all([name], door)
        problems: list[RigError] = []
        rows = []
        for entry in chosen:
            problem = _problem(lambda: weights_store.verify_model(entry, base))  # noqa: B023 - called at once
            problems += [] if problem is None else [problem]
            rows.append({"name": entry.name, "ok": problem is None})
        if name is not None and problems and not _has_files(chosen[0], base):
            raise problems[0]
        if as_json:
            console.print_json(COMMAND, {"verified": rows}, ok=not problems, errors=problems)
        else:
            print(
                "\n".join(f"{row['name']}: {'good' if row['ok'] else 'DAMAGED'}" for row in rows) or "Nothing is here."
            )
            for problem in problems:
                console.print_error(problem)
        return EXIT_PROBLEM_FOUND if problems else EXIT_GOOD


def _has_files(entry: Entry, base: Path) -> bool:
    folder = registry.folder_of(entry.name, base)
    return (folder / registry.MODEL).exists() or (folder / registry.META).exists()


def _problem(work: Callable[[], object]) -> RigError | None:
    try:
        work()
    except NotReadyError as error:
        return error
    return None


def _add_import(app: "typer.Typer", door: WeightsDoor) -> None:
    import typer

    file_argument = typer.Argument(
        metavar="FILE", help="A .ckpt, .pt, .safetensors or .model file.", show_default=False
    )
    name_option = typer.Option("--as", metavar="NAME", help="Which network of dreamrig weights list it is.")

    @app.command("import")
    def import_(
        file: Annotated[Path, file_argument],
        name: Annotated[str, name_option],
        as_json: Annotated[bool, _json_option()] = False,
    ) -> int:
        """Convert a file that you have already.

        It needs no network. The file itself stays where it is.
        """
        (entry,) = _find_all([name], door)
        screen = door.stderr()
        facts = weights_store.import_model(
            entry,
            file,
            door,
            lambda line: print(console.to_printable(line), file=screen.file, flush=True),
            outline=partial(outline, name=entry.name),
        )
        if as_json:
            console.print_json(COMMAND, {"weights": [facts]})
        else:
            print(render_ready(facts, door.weights_folder(), "imported", needs=entry.needs))
        return EXIT_GOOD


def _add_remove(app: "typer.Typer", door: WeightsDoor) -> None:
    import typer

    name_argument = typer.Argument(metavar="NAME", help="The network.", show_default=False)
    original_option = typer.Option("--original", help="Only the kept original and unfinished downloads.")
    forget_option = typer.Option("--forget", help="Also the SHA-256 that the first fetch noted.")

    @app.command("remove")
    def remove(
        name: Annotated[str, name_argument],
        original: Annotated[bool, original_option] = False,
        forget: Annotated[bool, forget_option] = False,
        as_json: Annotated[bool, _json_option()] = False,
    ) -> int:
        """Delete a network from this machine."""
        (entry,) = _find_all([name], door)
        freed = weights_store.remove_model(entry, door.weights_folder(), original_only=original, forget=forget)
        if as_json:
            console.print_json(COMMAND, {"removed": entry.name, "freed_bytes": freed})
        else:
            print(f"{entry.name}: {memory(freed / MIB)} freed" if freed else f"{entry.name}: there was nothing")
        return EXIT_GOOD
