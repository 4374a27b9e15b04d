"""The same measurement in several fresh processes, joined into one result: a session is not the machine.

What one process gets by chance, such as where its memory lies, stays with it until it ends; blocks of one process say
nothing of that (Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013). Imports no torch.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.result.limits import FEWEST_SESSIONS, MOST_BLOCKS, MOST_SAMPLES, MOST_SESSIONS
from bench.result.reading import parse_json
from bench.result.result import BenchResult, Energy, Memory, Telemetry
from dreamrig import paths
from dreamrig.errors import FailedError, InterruptedByUser, RigError, UsageError

Start = Callable[[list[str], dict[str, str]], tuple[int, bytes]]


def require_count(sessions: int) -> int:
    """A number of sessions; UsageError for one that makes no interval."""
    if sessions != 1 and not FEWEST_SESSIONS <= sessions <= MOST_SESSIONS:
        raise UsageError(
            f"--sessions is {sessions}.", hint=f"use {FEWEST_SESSIONS} to {MOST_SESSIONS}, or 1; 5 is a good number"
        )
    return sessions


def start_process(argv: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
    """Run a program with its talk on our standard error; returns its exit code and its answer."""
    ended = subprocess.run(argv, stdout=subprocess.PIPE, env=environ, check=False)
    return ended.returncode, ended.stdout


def run_sessions(
    words: Sequence[str],
    count: int,
    say: Callable[[str], None],
    start: Start = start_process,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[BenchResult]:
    """`dreamrig bench run WORDS` in `count` fresh processes, one after the other; the results joined, one or two.

    words: as for one session, without --sessions, --json and --out.   start: the door to processes.
    should_stop: whether somebody wants to end: then those that are done are the answer, and it says so.
    """
    found: list[list[BenchResult]] = []
    with _home_of_its_own() as environ:
        for number in range(1, count + 1):
            say(f"session {number} of {count}")
            argv = [sys.executable, "-m", "dreamrig", "bench", "run", *words, "--json"]
            code, answer = start(argv, environ)
            if code and should_stop():
                if not found:
                    raise InterruptedByUser("Interrupted before a session was done.", hint="take less: --quick")
                break
            found.append(_read(code, answer, number))
            if should_stop():
                break
    return [join(list(results), ended_early=len(found) < count) for results in zip(*found, strict=True)]


@contextlib.contextmanager
def _home_of_its_own() -> Iterator[dict[str, str]]:
    """An environment whose results nobody sees, with the weights that are here."""
    with tempfile.TemporaryDirectory(prefix="dreamrig-sessions-") as name:
        weights = paths.weights_folder()
        if weights.is_dir():
            (Path(name) / "weights").symlink_to(weights.absolute())
        yield {**os.environ, "DREAMRIG_HOME": name}


def _read(code: int, answer: bytes, number: int) -> list[BenchResult]:
    source = f"session {number}"
    try:
        document = parse_json(answer, source)
    except RigError as error:
        raise FailedError(f"The {source} ended with exit code {code}: {error.message}", hint="see above") from None
    if code:
        told = "; ".join(str(error.get("message")) for error in document.get("errors") or [])
        kind = InterruptedByUser if code == InterruptedByUser.exit_code else FailedError
        raise kind(f"The {source} failed: {told}", hint="the same command without --sessions shows why")
    rows = document["data"]["results"]
    return [BenchResult.from_dict(row["result"], source) for row in rows]


def join(results: Sequence[BenchResult], *, ended_early: bool = False) -> BenchResult:
    """Sessions of one machine as one result; ValueError where the work, the device or the software differ.

    ended_early: whether more of them were asked for.
    """
    first = results[0]
    for other in results[1:]:
        if (other.workload, other.device, other.software) != (first.workload, first.device, first.software):
            raise ValueError("sessions of different work, devices or software")
    blocks = tuple(block for result in results for block in result.timing.blocks)[:MOST_BLOCKS]
    counts = tuple(len(result.timing.blocks) for result in results)
    warmups = [result.timing.warmup for result in results if result.timing.warmup is not None]
    unsettled = next((warmup for warmup in warmups if not warmup.is_settled), first.timing.warmup)
    return replace(
        first,
        id=str(uuid.uuid4()),
        timing=replace(
            first.timing,
            blocks=blocks,
            session_blocks=counts,
            warmup=unsettled,
            ended_early=ended_early or any(result.timing.ended_early for result in results),
        ),
        memory=_highest([result.memory for result in results]),
        telemetry=_joined([result.telemetry for result in results]),
        energy=_sum([result.energy for result in results]),
    )


def _highest(found: Sequence[Memory]) -> Memory:
    names = ("peak_allocated_mib", "peak_reserved_mib", "peak_process_mib")
    known = {name: [value for one in found if (value := getattr(one, name)) is not None] for name in names}
    return Memory(**{name: max(values) for name, values in known.items() if values})


def _sum(found: Sequence[Energy]) -> Energy:
    """Of all sessions; nothing where one of them does not know."""
    if any(one.joules is None or one.steps is None for one in found):
        return Energy()
    joules, steps = sum(one.joules or 0.0 for one in found), sum(one.steps or 0 for one in found)
    return Energy(joules=joules, steps=steps, source=found[0].source)


def _joined(found: Sequence[Telemetry | None]) -> Telemetry | None:
    """One after the other, the seconds going on."""
    known = [one for one in found if one is not None]
    if not known:
        return None
    names = sorted({name for one in known for name in one.samples})
    seconds: list[float] = []
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    for one in known:
        begin = seconds[-1] + one.interval_seconds if seconds else 0.0
        seconds += [round(begin + second, 3) for second in one.seconds]
        for name in names:
            columns[name] += one.samples.get(name, (None,) * len(one.seconds))
    every = -(-len(seconds) // MOST_SAMPLES) or 1
    return replace(
        known[0],
        seconds=tuple(seconds[::every]),
        samples={name: tuple(column[::every]) for name, column in columns.items()},
    )
