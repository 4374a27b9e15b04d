"""`dreamrig bench compare`: the words after it in, the exit code out."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

from bench.result.result import BenchResult
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, UsageError

if TYPE_CHECKING:
    from bench.claims.published import Published


def compare(args: list[str]) -> int:
    """`dreamrig bench compare …`; returns the exit code: 3 where --fail-below was broken."""
    import typer

    def body(
        sources: Annotated[
            list[str], typer.Argument(metavar="RESULT...", help='Files, folders, ids, baselines, or "last".')
        ],
        kwh_price: Annotated[
            float | None, typer.Option(metavar="PRICE", help="What a kWh costs you, for the price of a picture.")
        ] = None,
        fail_below: Annotated[
            float | None,
            typer.Option(metavar="SHARE", help="Exit with 3 where one is slower than this times the first, e.g. 0.95."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Set results against the first of them: how many times as fast, how certain, what else differs."""
        from bench.claims.published import load_published
        from bench.compare.cost import require_price

        price = require_price(kwh_price)
        if fail_below is not None and not 0 <= fail_below <= 1:  # nor NaN, which typer's own bounds let through
            raise UsageError(f"--fail-below is {fail_below:g}.", hint="use a share from 0 to 1, such as 0.95")
        published = [one for one in load_published() if one.id in sources]
        quoted = {one.id for one in published}
        results, bad = gather([source for source in sources if source not in quoted])
        if not results or len(results) + len(published) < 2:
            found = "There is one result" if results else "There are no results"
            skipped = f" Skipped: {bad[0]}" if bad else ""
            raise UsageError(f"{found} to compare.{skipped}", hint="give two, a folder of them, or one and a baseline")
        return _Comparing(results, published, price, fail_below).show(bad, as_json=as_json)

    return run_one("bench compare", body, args)


def gather(sources: Sequence[str]) -> tuple[list[BenchResult], list[str]]:
    """The results that some words mean, each once, and a sentence for each file of a folder that holds none."""
    from bench.result import store

    results: dict[str, BenchResult] = {}
    bad: list[str] = []
    for found in chain.from_iterable(map(store.find, sources)):
        if found.result is not None:
            results.setdefault(found.result.id, found.result)
        elif found.error is not None:
            bad.append(found.error.message)
    return list(results.values()), bad


class _Comparing:
    """The comparisons of some results with the first of them."""

    def __init__(
        self,
        results: Sequence[BenchResult],
        published: "Sequence[Published]",
        kwh_price: float | None,
        fail_below: float | None,
    ) -> None:
        from bench.compare.compare import compare

        self.published = published
        self.results, self.kwh_price, self.fail_below = results, kwh_price, fail_below
        self.comparisons = [compare(results[0], other, self._evidence()) for other in results[1:]]

    def _evidence(self) -> list[BenchResult]:
        """All results of this machine, of the comparison, and what people handed in."""
        from bench.result import store

        return [*self.results, *store.evidence()]

    @property
    def is_broken(self) -> bool:
        """Whether --fail-below was asked for and does not hold."""
        limit = self.fail_below
        return limit is not None and any(comparison.is_regression(limit) for comparison in self.comparisons)

    def show(self, bad: Sequence[str], *, as_json: bool) -> int:
        """Print the answer; returns the exit code."""
        if as_json:
            console.print_json("bench", {**self.data(), "unreadable": list(bad)}, ok=not self.is_broken)
        else:
            for sentence in bad:
                console.print_note(f"skipped: {sentence}")
            print(console.to_printable(self.text()))
        return EXIT_PROBLEM_FOUND if self.is_broken else EXIT_GOOD

    def text(self) -> str:
        """All comparisons for people."""
        parts = [
            "\n".join(_lines_of(result, "A" if result is self.results[0] else "", self.kwh_price))
            for result in self.results[:1]
        ]
        for comparison in self.comparisons:
            lines = _lines_of(comparison.second, "", self.kwh_price)
            lines.append(f"  {comparison.words}")
            lines += [f"    {difference}" for difference in comparison.differences]
            parts.append("\n".join(lines))
        if self.published:
            parts.append("\n".join(["published by others, not comparable:", *map(_quote, self.published)]))
        if self.is_broken:
            parts.append(f"slower than {self.fail_below:g} times the first, or nobody can say")
        return "\n\n".join(parts)

    def data(self) -> dict[str, Any]:
        """All comparisons for programs."""
        from bench.report.show import derived
        from bench.result.verdict import summarise

        return {
            "results": [
                {"id": result.id, "label": result.label, **derived(summarise(result)), "cost": self._cost(result)}
                for result in self.results
            ],
            "comparisons": [
                {
                    "first": comparison.first.id,
                    "second": comparison.second.id,
                    "ratio": None if comparison.ratio is None else vars(comparison.ratio),
                    "is_paired": comparison.is_paired,
                    "is_different": comparison.is_different,
                    "obstacle": comparison.obstacle,
                    "words": comparison.words,
                    "differences": [vars(difference) for difference in comparison.differences],
                }
                for comparison in self.comparisons
            ],
            "published": self.published,
            "is_below_limit": self.is_broken,
        }

    def _cost(self, result: BenchResult) -> Any:
        from bench.compare.cost import cost_of

        cost = cost_of(result, self.kwh_price)
        return None if cost is None else vars(cost)


def _quote(one: "Published") -> str:
    """A published figure in one line, with its first doubt."""
    pace = f"{one.pace} it/s, " if one.pace else ""
    doubt = f" (doubt: {one.doubts[0]})" if one.doubts else ""
    return f"  {one.id}: {pace}{one.conditions}; {one.statement}{doubt}"


def _lines_of(result: BenchResult, mark: str, kwh_price: float | None) -> list[str]:
    """A result in two or three lines: who, how fast, what it costs."""
    from bench.compare.cost import cost_of, cost_words
    from bench.report.show import pace_words, picture_words, workload_words
    from bench.result.verdict import summarise

    summary = summarise(result)
    words = ", ".join(verdict.word for verdict in summary.verdicts)
    lines = [
        f"{result.label}  {workload_words(result)}  {result.created}" + ("  <- the first" if mark else ""),
        f"  {pace_words(summary)}" + (f"  [{words}]" if words else ""),
        f"  {picture_words(summary)}",
    ]
    cost = cost_of(result, kwh_price)
    return [*lines, f"  {cost_words(cost)}"] if cost else lines
