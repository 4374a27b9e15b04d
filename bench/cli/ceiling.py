"""`dreamrig bench ceiling`: what this device can do, in words or as JSON."""

from typing import TYPE_CHECKING, Annotated

from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError

if TYPE_CHECKING:
    from bench.measure.ceilings import Ceilings

LONGEST_SECONDS = 60.0


def ceiling(args: list[str]) -> int:
    """`dreamrig bench ceiling …`; returns the exit code."""
    import typer

    def body(
        device: Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda|cuda:1|mps")] = "auto",
        seconds: Annotated[float, typer.Option("--seconds", help="For each precision, and for the copy.")] = 1.0,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Measure what this device can do at most: large products in each precision, and a large copy."""
        if not 0 < seconds <= LONGEST_SECONDS:
            raise UsageError(f"--seconds is {seconds:g}.", hint=f"use a number above 0, up to {LONGEST_SECONDS:g}")
        from bench.measure.products import measure_ceilings
        from generator.devices import resolve_device

        found = measure_ceilings(resolve_device(device), seconds_each=seconds, say=_say)
        if as_json:
            console.print_json("bench", {**found.to_dict(), "datasheet_shares": found.shares()})
        else:
            print("\n".join(describe(found)))
        return EXIT_GOOD

    return run_one("bench ceiling", body, args)


def _say(what: str) -> None:
    console.print_note(f"measuring: {what}")


def describe(found: "Ceilings") -> list[str]:
    """The ceilings as lines; beside each what part of the datasheet's figure it is, where there is one."""
    shares, sheet = found.shares(), found.sheet
    threads = f", {found.threads} thread{'s' * (found.threads > 1)}" if found.threads else ""
    lines = [f"{found.device}{threads}, torch {found.torch}"]
    for name, tflops in found.matmul_tflops.items():
        side = found.matmul_side.get(name)
        size = f" (squares of {side})" if side else ""
        lines.append(f"  {'product ' + name:<14} {tflops:>8.3g} TFLOP/s{size}{_beside(shares.get(name))}")
    lines.append(f"  {'copy':<14} {found.copy_gb_per_second:>8.3g} GB/s, read and written{_beside(shares.get('copy'))}")
    if sheet is not None and (low := shares.get("fp32")) is not None:
        lines.append(f"in fp32 it reaches {low:.0%} of what the datasheet says of the {sheet.name}")
    return lines


def _beside(share: float | None) -> str:
    return "" if share is None else f", {share:.0%} of the datasheet"
