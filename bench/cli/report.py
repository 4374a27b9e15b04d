"""`dreamrig bench report`: results in, an HTML page, a card to share and bars in the terminal out."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.compare.cost import require_price
from bench.result import store
from bench.result.result import BenchResult
from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError

if TYPE_CHECKING:
    from bench.report.page import Page

PAGE, CARD = Path("dreamrig-bench.html"), Path("dreamrig-bench.png")
MOST_OF_HISTORY = 20
"""Results of this machine that a report without names takes."""


def report(args: list[str]) -> int:
    """`dreamrig bench report …`; returns the exit code."""
    import typer

    def body(
        sources: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[RESULT]...", help="Files, folders, baselines, ids or last; the first stands on top."
            ),
        ] = None,
        out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page.")] = PAGE,
        card: Annotated[Path, typer.Option("--card", metavar="FILE", help="The card, 1200x630 PNG.")] = CARD,
        kwh_price: Annotated[
            float | None,
            typer.Option("--kwh-price", metavar="PRICE", help="Of your electricity: what a picture costs."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Draw results as one page that opens anywhere, and as a card to share.

        Without names: the newest result of this machine on top, and those before it.
        """
        price = require_price(kwh_price)
        results, problems = gather(sources or [])
        _require_endings(out, card)
        page, files = write_report(results, problems, out, card, price)
        if as_json:
            console.print_json("bench", {"page": out, "card": card, "results": len(results), "problems": page.problems})
        else:
            _print(page, files)
        return EXIT_GOOD

    return run_one("bench report", body, args)


def gather(sources: Sequence[str]) -> tuple[list[BenchResult], list[str]]:
    """Results, the first named on top, and a sentence for each file of a folder that holds none.

    No names: the newest results of this machine. UsageError where that leaves nothing.
    """
    found = [one for source in sources for one in store.find(source)] if sources else _newest()
    results = [one.result for one in found if one.result is not None]
    if not results:
        raise UsageError("There is no result to report on.", hint="make one: dreamrig bench run --quick")
    return results, [one.error.message for one in found if one.error is not None]


def _newest() -> list[store.Found]:
    folder = store.results_folder()
    found = store.read_folder(folder) if folder.is_dir() else []
    good = [one for one in found if one.result is not None]
    good.sort(key=lambda one: one.result.created if one.result else "", reverse=True)
    return good[:MOST_OF_HISTORY] + [one for one in found if one.error is not None]


def _require_endings(out: Path, card: Path) -> None:
    """A page that ends in .png, or the like, was a slip of the hand."""
    for name, path, ending in (("--out", out, ".html"), ("--card", card, ".png")):
        if path.suffix.lower() != ending:
            raise UsageError(f"{name} {path} does not end in {ending}.", hint=f"use: {name} {path.with_suffix(ending)}")


def write_report(
    results: Sequence[BenchResult], problems: Sequence[str], out: Path, card: Path, kwh_price: float | None = None
) -> "tuple[Page, list[Path]]":
    """Write page and card, whole or not at all; returns what they say, and the files."""
    from bench.report.card import draw
    from bench.report.html_page import render
    from bench.report.page import build_page

    page = build_page(results, problems, kwh_price, store.evidence())
    picture = io.BytesIO()
    draw(page).save(picture, format="PNG", optimize=True)
    paths.write_atomic(out, render(page).encode())
    paths.write_atomic(card, picture.getvalue())
    return page, [out, card]


def _print(page: "Page", files: Sequence[Path]) -> None:
    """Bars for every group, then the files."""
    from bench.report.terminal import bars_table, scale_note

    screen = console.stdout_console()
    plain = not (screen.encoding or "").lower().startswith("utf")
    for group in page.groups:
        print(f"{group.title} ({group.hash})")
        screen.print(bars_table(group, plain=plain))
        if not plain:
            print(scale_note(group.chart))
        print(f"{group.headline}\n" if group.headline else "")
    for problem in page.problems:
        console.print_note(f"left out: {problem}")
    print("\n".join(map(str, files)))
