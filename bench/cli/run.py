"""`dreamrig bench run`: the words after it in, the exit code out. typer, rich and torch come late."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

from bench.cli.run_suite import run_suite
from bench.cli.run_words import (
    default_workload,
    effort_of,
    known_device,
    place_of,
    short_note,
    split_workload,
    writable,
)
from bench.measure.blocks import BUDGETS, TimeBudget
from bench.measure.measured import MeasureWishes
from bench.measure.session import Session, names_of
from bench.measure.sessions import Start, require_count, run_sessions, start_process
from bench.result.result import BenchResult, Effort
from bench.workloads import DEFAULT, ON_GPU, Workload, find_workload
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, RigError, UsageError
from dreamrig.screen import Screen

if TYPE_CHECKING:
    from rich.console import Console

    from bench.measure.ab import Race
    from bench.measure.steps import EngineSteps


@dataclass(frozen=True, kw_only=True)
class BenchDoor:
    """What the command takes from outside; tests bring their own."""

    clock: Callable[[], float] = perf_counter
    budgets: Mapping[Effort, TimeBudget] = field(default_factory=lambda: BUDGETS)
    stderr: "Callable[[], Console]" = console.stderr_console
    start: Start = start_process


@dataclass(frozen=True, kw_only=True)
class BenchOrder:
    """What was asked for."""

    workload: Workload
    rival: Workload | None
    command: str | None
    pattern: str | None
    wishes: MeasureWishes
    out: Path | None
    as_json: bool
    quiet: bool


def run(args: list[str], door: BenchDoor | None = None) -> int:
    """`dreamrig bench run …`; returns the exit code."""
    import typer

    def body(
        workload: Annotated[
            str | None,
            typer.Argument(metavar="[WORKLOAD]", help=f"See: dreamrig bench list. {ON_GPU} on a GPU, else {DEFAULT}."),
        ] = None,
        suite: Annotated[
            str | None, typer.Option(metavar="speed", help="Every figure of a table of goals, instead of a workload.")
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="About 30 seconds.")] = False,
        thorough: Annotated[bool, typer.Option("--thorough", help="Ten minutes and more.")] = False,
        profile: Annotated[
            str, typer.Option(help="strict (fp32, no TF32: for comparing cards) or as-shipped.", metavar="NAME")
        ] = "strict",
        vs: Annotated[
            str | None, typer.Option(metavar="WORKLOAD[@PROFILE]", help="Measure this one in turn with the first.")
        ] = None,
        vs_command: Annotated[
            str | None, typer.Option(metavar="COMMAND", help="The same with any program that prints its steps.")
        ] = None,
        sessions: Annotated[
            int, typer.Option(metavar="N", help="In N fresh processes, 3 at least: what one gets by chance shows.")
        ] = 1,
        steps_pattern: Annotated[
            str | None, typer.Option(metavar="REGEX", help="What such a line looks like; group 1 = steps done.")
        ] = None,
        device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute.")] = "auto",
        threads: Annotated[int, typer.Option(min=0, max=1024, help="CPU threads; 0 = torch's own choice.")] = 0,
        random_weights: Annotated[
            bool, typer.Option("--random-weights", help="Do not look for the real weights: random ones are as fast.")
        ] = False,
        place: Annotated[str | None, typer.Option(metavar="PLACE", help="Where this is.")] = None,
        note: Annotated[str | None, typer.Option(metavar="TEXT", help="A remark to keep in the result.")] = None,
        out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it here too.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress: only the answer.")] = False,
    ) -> int:
        """Measure how many steps per second this machine does on a pinned workload.

        Warms up until the pace settles, then times blocks of steps. The result is kept; see: dreamrig bench history.
        """
        if suite is not None:
            given: dict[str, object] = {
                "WORKLOAD": workload,
                "--vs": vs,
                "--vs-command": vs_command,
                "--out": out,
                "--quick": quick,
            }
            given |= {"--sessions": sessions > 1, "--device": device != "auto", "--threads": threads, "--note": note}
            others = [word for word, value in given.items() if value]
            return run_suite(suite, others, thorough=thorough, as_json=as_json, quiet=quiet)
        chosen = find_workload(*split_workload(workload or default_workload(device), profile))
        order = BenchOrder(
            workload=chosen,
            rival=None if vs is None else find_workload(*split_workload(vs, profile)),
            command=vs_command,
            pattern=steps_pattern,
            wishes=MeasureWishes(
                effort=effort_of(quick=quick, thorough=thorough),
                device=known_device(device),
                threads=threads,
                random_weights=random_weights,
                place=place_of(place),
                note=short_note(note),
            ),
            out=None if out is None else writable(out),
            as_json=as_json,
            quiet=quiet,
        )
        if vs is not None and vs_command is not None:
            raise UsageError("--vs and --vs-command are both given.", hint="use one of the two")
        if require_count(sessions) > 1:
            if vs_command is not None:
                raise UsageError("--sessions and --vs-command are both given.", hint="use one of the two")
            return _run_in_sessions(order, sessions, _without_own_words(args, chosen.name), door or BenchDoor())
        return _Command(order, door or BenchDoor()).run()

    return run_one("bench run", body, args)


class _Command:
    """The command once its words are understood."""

    def __init__(self, order: BenchOrder, door: BenchDoor) -> None:
        from bench.cli.live import LiveDisplay

        self.order, self.door = order, door
        self.screen = Screen(door.stderr())
        self.display = LiveDisplay(self.screen, self._newest)
        self.session: Session | None = None

    def _newest(self) -> dict[str, float]:
        sampler = self.session.sampler if self.session else None
        return sampler.newest() if sampler else {}

    def run(self) -> int:
        """Measure, keep, show."""
        from generator.work.stop import StopSwitch

        with StopSwitch(lambda: self.screen.say("ending after this block; once more ends at once")) as stop:
            stop.arm()
            self.session = Session(
                self.order.wishes,
                watch=(lambda _: None) if self.order.quiet else self.display,
                say=self.screen.say,
                should_stop=stop.is_pressed,
                clock=self.door.clock,
                budget=self.door.budgets[self.order.wishes.effort],
            )
            self.session.on_loaded = self._announce
            try:
                results, race = self._measure(self.session)
            finally:
                self.display.close()
        return self.show(results, race)

    def _announce(self, steps: "EngineSteps") -> None:
        from generator.devices import describe

        if not self.order.quiet:
            workload = steps.workload
            where = f"{describe(steps.device)}, {steps.threads} thread{'s' * (steps.threads > 1)}"
            self.screen.say(f"{workload.name} {workload.profile} · {workload.hash} · {where}")

    def _measure(self, session: Session) -> "tuple[list[BenchResult], Race | None]":
        from bench.measure.ab import make_race

        order = self.order
        if order.rival is not None:
            pair = session.run_pair(order.workload, order.rival)
            names = names_of(order.workload, order.rival)
            race = make_race(names, pair.first.step_seconds, pair.second.step_seconds)
            return [pair.first, pair.second], race
        if order.command is not None:
            from bench.measure.vs_command import measure_against

            result, race = measure_against(session, order.workload, order.command, order.pattern)
            return [result], race
        return [session.run(order.workload)], None

    def show(self, results: list[BenchResult], race: "Race | None") -> int:
        """Keep the results, then the answer."""
        from bench.measure.ab import race_data
        from bench.report.show import to_data
        from bench.result import store
        from bench.result.result import write_result

        if self.order.out is not None:
            write_result(results[0], self.order.out)
        files, errors = _keep(results)
        if self.order.as_json:
            data: dict[str, Any] = {
                "files": files,
                "results": [to_data(result, store.evidence()) for result in results],
            }
            data["race"] = None if race is None else race_data(race)
            console.print_json("bench", data, ok=not errors, errors=errors)
        else:
            _print(results, race, files)
            for error in errors:
                console.print_error(error)
        return errors[0].exit_code if errors else EXIT_GOOD


def _keep(results: list[BenchResult]) -> tuple[list[Path], list[RigError]]:
    """Where they are kept. A full disk takes nobody the figures that were minutes of work."""
    from bench.result import store

    files, errors = [], []
    for result in results:
        try:
            files.append(store.keep(result))
        except RigError as error:
            errors.append(error)
    return files, errors


def _without_own_words(args: list[str], workload: str) -> list[str]:
    """The words for one session: the workload by name, and neither what is done with the answer nor the number."""
    own = {"--sessions": True, "--out": True, "-o": True, "--json": False}
    words, skip = [], False
    for word in args:
        name, _, value = word.partition("=")
        if skip or name in own:
            skip = not skip and own.get(name, False) and not value
        else:
            words.append(word)
    return words if any(word.partition("@")[0] == workload for word in words) else [workload, *words]


def _run_in_sessions(order: BenchOrder, count: int, words: list[str], door: BenchDoor) -> int:
    """The same in fresh processes, which show their own progress."""
    from bench.measure.ab import make_race
    from generator.work.stop import StopSwitch

    screen = Screen(door.stderr())
    say = (lambda _: None) if order.quiet else screen.say
    with StopSwitch(lambda: screen.say("ending with the sessions that are done; once more ends at once")) as stop:
        stop.arm()  # the process that measures hears of it too, and ends after its block
        results = run_sessions(words, count, say, door.start, stop.is_pressed)
    race = None
    if order.rival is not None:
        names, (first, second) = names_of(order.workload, order.rival), results
        race = make_race(names, first.samples, second.samples, are_sessions=first.has_sessions)
    return _Command(order, door).show(results, race)


def _print(results: list[BenchResult], race: "Race | None", files: list[Path]) -> None:
    """The answer for people: wrapped between words on a terminal, one line per fact elsewhere; paths never wrapped."""
    from bench.measure.ab import race_lines
    from bench.report.show import claim_lines, result_rows
    from bench.result import store

    if race is not None:
        _print_lines(race_lines(race))
        print()
    if len(results) == 1:
        _print_rows(result_rows(results[0]))
        print()
        claims = claim_lines(results[0], store.evidence())
        _print_lines([*claims, ""] if claims else [])
    sys.stdout.flush()
    print("\n".join(f"kept: {file}" for file in files))


def _print_rows(rows: list[tuple[str, str]]) -> None:
    from bench.report.show import render
    from generator.sinks.report import render_table

    if os.isatty(1):
        console.stdout_console().print(render_table(rows))
    else:
        print(render(rows))


def _print_lines(lines: list[str]) -> None:
    if not os.isatty(1):
        print("\n".join(lines))
        return
    from rich.text import Text

    console.stdout_console().print(Text("\n".join(lines)))
