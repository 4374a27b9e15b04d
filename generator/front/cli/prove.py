"""`dreamrig prove`: the words after the command in, the exit code out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from dreamrig.errors import MissingWeightsError, UsageError
from generator.front.cli import flags
from generator.front.cli.command import Values, call
from generator.work.door import GeneratorDoor

if TYPE_CHECKING:
    import inspect
    from collections.abc import Sequence

    from generator.front.prove.session import ProofScope
    from generator.front.prove.subjects import ProofSubject

MOST_SEEDS = 6


def prove(args: list[str], door: GeneratorDoor | None = None, scope: ProofScope | None = None) -> int:
    """`dreamrig prove …`; returns 0 where no line differs, 3 where one does, 4 where networks are missing."""
    door = door or GeneratorDoor.of_command()
    began_at = door.began_at()

    def body(values: Values) -> int:
        """Prove that this machine draws as it should: fixed prompts in every preset, compared with recorded curves.

        First the starter, which needs nothing; then the two networks of full size, about 1.3 GB, which are fetched
        after a yes. One ZIP file tells the machine, the curves, the verdicts and small pictures; it holds no names, no
        paths and no prompts but the three fixed ones, and nothing is sent. Killed or interrupted, the same command
        goes on. Exit code 0: no line differs; 3: one does; 4: networks are missing, or the machine is not ready.
        """
        return _prove(values, door, scope, began_at)

    return call("prove", body, _parameters(), args)


def _prove(values: Values, door: GeneratorDoor, scope: ProofScope | None, began_at: float) -> int:
    from dataclasses import replace

    from generator.front.prove.session import ProofScope, ProofSession, ProofWish
    from generator.front.prove.subjects import SUBJECTS

    if not 1 <= values["seeds"] <= MOST_SEEDS:
        raise UsageError(f"--seeds is {values['seeds']}.", hint=f"use 1 to {MOST_SEEDS}")
    scope = scope or ProofScope(subjects=SUBJECTS)
    if values["starter"]:
        scope = replace(scope, subjects=[one for one in scope.subjects if not one.networks])
    wish = ProofWish(**{name: values[name] for name in ProofWish.__dataclass_fields__})
    wish.file()  # before somebody waits for a download
    began_at += _fetch(scope.subjects, values, door)
    return ProofSession(wish, scope, door, began_at).run()


def _fetch(subjects: Sequence[ProofSubject], values: Values, door: GeneratorDoor) -> float:
    """Fetch what is missing after a yes; returns the seconds that took. MissingWeightsError where it stays missing."""
    from generator.front.cli.offer import offer_missing
    from generator.front.prove.subjects import pieces_of
    from generator.weights import registry

    names = [name for one in subjects for name in one.networks]
    known = registry.entries(door.weights().registry_file)
    try:
        waited = offer_missing([next(pieces_of(one)).to_plan() for one in subjects], values, door)
        registry.require_ready(names, door.weights().weights_folder())
    except MissingWeightsError as error:
        if any(known[name].is_import_only for name in names):
            raise  # it says what a person can do
        hint = "run: dreamrig prove --yes, which fetches them, or without any: dreamrig prove --starter"
        raise MissingWeightsError(error.message, hint=hint) from None
    return waited


def _parameters() -> list[inspect.Parameter]:
    import typer

    def option(name: str, type_: Any, default: Any, *words: str, **more: Any) -> inspect.Parameter:
        return flags.keyword(name, Annotated[type_, typer.Option(*words, show_default=False, **more)], default)

    seeds_help = "Drawings of each preset and prompt, instead of one; six are recorded."
    return [
        option("starter", bool, False, "--starter", help="Only the starter: nothing is fetched, a minute or two."),
        option("yes", bool, False, "--yes", "-y", help="Fetch missing networks under their terms without asking."),
        option("device", str, "auto", "--device", metavar="auto|cpu|cuda|cuda:N", help="What to prove."),
        option("seeds", int, 1, "--seeds", metavar="N", help=seeds_help),
        option("anew", bool, False, "--anew", help="Forget the drawings of an interrupted proof."),
        option("out", str | None, None, "--out", "-o", metavar="FILE.zip|FOLDER", help="Where the file goes."),
        option("force", bool, False, "--force", help="Overwrite the file of --out."),
        option("as_json", bool, False, "--json", help="One JSON document on standard output."),
        option("quiet", bool, False, "--quiet", "-q", help="Only the file's path."),
    ]
