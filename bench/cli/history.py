"""`dreamrig bench history | list | baselines`: what there is, as tables."""

from typing import Annotated, Any

from bench.result import store
from bench.result.figures import known_rate
from bench.result.result import BenchResult
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD

NONE_YET = "No results of this machine yet. Make one: dreamrig bench run --quick"


def history(args: list[str]) -> int:
    """`dreamrig bench history …`; returns the exit code."""
    import typer

    def body(
        limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """List the results of this machine, the newest first."""
        found = store.read_folder(store.results_folder()) if store.results_folder().is_dir() else []
        good = [(one.path, one.result) for one in found if one.result is not None]
        good.sort(key=lambda pair: pair[1].created, reverse=True)
        bad = [one.error.message for one in found if one.error is not None]
        if as_json:
            rows = [{"file": path, **describe(result)} for path, result in good[:limit]]
            console.print_json("bench", {"results": rows, "unreadable": bad})
        else:
            for sentence in bad:
                console.print_note(f"skipped: {sentence}")
            print(console.to_printable("\n".join(_line(result) for _, result in good[:limit]) or NONE_YET))
        return EXIT_GOOD

    return run_one("bench history", body, args)


def describe(result: BenchResult) -> dict[str, Any]:
    """A result in a few JSON fields."""
    from bench.result.verdict import summarise

    summary = summarise(result)
    return {
        "id": result.id,
        "created": result.created,
        "workload": result.workload.name,
        "profile": result.workload.profile,
        "hash": result.workload.hash,
        "device": result.device.name,
        "place": result.place,
        "steps_per_second": summary.steps_per_second,
        "verdicts": [verdict.word for verdict in summary.verdicts],
    }


def _line(result: BenchResult) -> str:
    from bench.result.verdict import summarise

    summary, used = summarise(result), result.workload
    words = ", ".join(verdict.word for verdict in summary.verdicts)
    rate = known_rate(summary.steps_per_second, summary.interval)
    return f"{result.id[:8]}  {result.created}  {rate:>8} it/s  {used.name} {used.profile}  {result.label}" + (
        f"  [{words}]" if words else ""
    )


def list_workloads(args: list[str]) -> int:
    """`dreamrig bench list …`; returns the exit code."""
    import typer

    def body(
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """List the workloads, their hashes under both profiles, and what they pin."""
        from bench.workloads import PROFILES, WORKLOADS

        hashes = {
            name: {profile: workload.with_profile(profile) for profile in PROFILES}
            for name, workload in WORKLOADS.items()
        }
        if as_json:
            data = {
                name: {
                    "about": WORKLOADS[name].about,
                    "profiles": {profile: {"hash": one.hash, **one.pins} for profile, one in by_profile.items()},
                }
                for name, by_profile in hashes.items()
            }
            console.print_json("bench", {"workloads": data})
        else:
            print("\n".join(_describe(name, by_profile) for name, by_profile in hashes.items()))
        return EXIT_GOOD

    return run_one("bench list", body, args)


def _describe(name: str, by_profile: Any) -> str:
    """Three lines: the name and what it is, the networks and sizes, the hashes."""
    workload = next(iter(by_profile.values()))
    params = workload.params
    networks = " + ".join(filter(None, workload.networks))
    sizes = f"{params['width']}x{params['height']}, {params['cutouts']} cutouts, {params['steps']} steps a picture"
    hashes = ", ".join(f"{profile} {one.hash}" for profile, one in by_profile.items())
    return f"{name}  {workload.about}\n    {networks}, {sizes}\n    {hashes}"


def baselines(args: list[str]) -> int:
    """`dreamrig bench baselines …`; returns the exit code."""
    import typer

    def body(
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """List the results that come with dreamrig, and what others published about programs like it."""
        from bench.claims.published import load_published

        measured = {name: next(store.find(name)).result for name in store.baseline_names()}
        if as_json:
            found = {name: describe(result) for name, result in measured.items() if result is not None}
            console.print_json("bench", {"measured": found, "published": load_published()})
            return EXIT_GOOD
        lines = ["measured (dreamrig bench compare NAME last):"]
        lines += [f"  {name}  {_line(result)}" for name, result in measured.items() if result is not None]
        lines += [] if measured else ["  none yet"]
        lines += ["", "published by others: for orientation, never comparable"]
        for one in load_published():
            lines.append(f"  {one.id}  {one.pace + ' it/s  ' if one.pace else ''}{one.conditions}")
            lines += [
                f"      {one.statement}",
                f"      {one.source}",
                *(f"      doubt: {doubt}" for doubt in one.doubts),
            ]
        print(console.to_printable("\n".join(lines)))
        return EXIT_GOOD

    return run_one("bench baselines", body, args)
