"""Another program as a rival: any that prints its steps. It runs only during its own blocks and is halted between them.

A block begins and ends at lines that the program prints, so what it does before its first step does not count.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import PurePath
from time import perf_counter
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import psutil

from bench.measure.ab import Race, make_race
from bench.result.result import BenchResult
from dreamrig.errors import FailedError, UsageError

if TYPE_CHECKING:
    from bench.measure.session import Session
    from bench.workloads import Workload

PATTERNS = (
    r"(\d+)/\d+ ?\[",  # tqdm: " 12/500 [00:05<..."
    r"\b(?:step|iteration|iter|it|i)\b\W{0,3}(\d+)",  # "step 12/60", "i: 50, loss: 0.93", "iteration 7"
    r"^\s*(\d+)/\d+\b",
)
SILENCE_SECONDS = 600.0
"""Without a step for so long, the program is given up."""
MOST_LINE = 10_000


class Rival:
    """A running program whose steps are counted by what it prints. A source of steps for bench.measure.blocks."""

    def __init__(
        self,
        argv: Sequence[str],
        pattern: str | None = None,
        *,
        clock: Callable[[], float] = perf_counter,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._argv, self._clock, self._silence = list(argv), clock, silence_seconds
        self._patterns = (
            [compile_pattern(pattern)] if pattern else [re.compile(text, re.IGNORECASE) for text in PATTERNS]
        )
        self._counts: queue.Queue[tuple[int, float] | None] = queue.Queue()
        self._tail = ""
        self.step = 0
        """The number in the newest line that had one."""
        self.done = 0
        """Steps seen so far, also where the program began to count anew."""

    def __enter__(self) -> Self:
        environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"Cannot start {self._argv[0]}: {error.strerror}.", hint="check the words of --vs-command"
            ) from None
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.wait()

    def seconds_of(self, steps: int) -> tuple[int, float]:
        """Let it run until it has done `steps` more; returns how many it did, and the seconds they took.

        The clock starts at the first line after it was let go, since it may have been halted in the middle of a step.
        """
        self._drop_stale()
        self._resume()
        try:
            first, began_at = self._next()
            now, ended_at = first, began_at
            while now < first + steps or ended_at <= began_at:  # lines that came at once, from before the halt
                now, ended_at = self._next()
        finally:
            self._halt()
        return now - first, ended_at - began_at

    def _drop_stale(self) -> None:
        """Forget what was printed before; what ended meanwhile stays ended."""
        while not self._counts.empty():
            if self._counts.get() is None:
                self._counts.put(None)
                return

    def _next(self) -> tuple[int, float]:
        """Steps seen so far at the next line that tells of another one, and when it came."""
        while True:
            try:
                found = self._counts.get(timeout=self._silence)
            except queue.Empty:
                raise FailedError(
                    f"{self._name} printed no step for {self._silence:.0f} s; last: {self._tail!r}.",
                    hint="tell what its lines look like: --steps-pattern 'step (\\d+)'",
                ) from None
            if found is None:
                self._counts.put(None)
                raise FailedError(
                    f"{self._name} ended at step {self.step}; last: {self._tail!r}.",
                    hint="give it more steps, or see what it prints: --steps-pattern 'step (\\d+)'",
                )
            number, when = found
            if number != self.step:
                self.done += number - self.step if number > self.step else 1  # it counts from the beginning again
                self.step = number
                return self.done, when

    @property
    def _name(self) -> str:
        return PurePath(self._argv[0]).name

    def _listen(self, stream: IO[bytes]) -> None:
        """Read lines, which also end in a carriage return, and note the step in each."""
        line = b""
        while piece := stream.read1(4096):  # type: ignore[attr-defined]  # a BufferedReader, which Popen makes
            now = self._clock()
            *whole, line = re.split(rb"[\r\n]", line + piece)
            for part in [*whole, line]:
                self._note(part[:MOST_LINE].decode(errors="replace"), now)
            line = line[-MOST_LINE:]
        self._counts.put(None)

    def _note(self, text: str, now: float) -> None:
        if text.strip():
            self._tail = text.strip()[-80:]
        for pattern in self._patterns:
            if match := pattern.search(text):
                self._counts.put((int(match[1]), now))
                return

    def _family(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self._process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.Error:
            return []

    def _resume(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.resume()

    def _halt(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.suspend()


def compile_pattern(text: str) -> re.Pattern[str]:
    """A pattern with one group for the number of steps done; UsageError otherwise."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(
            f"--steps-pattern {text!r} is no regular expression: {error}.", hint=r"e.g. 'step (\d+)'"
        ) from None
    if pattern.groups != 1:
        raise UsageError(f"--steps-pattern {text!r} has {pattern.groups} groups.", hint=r"one is needed: 'step (\d+)'")
    return pattern


def split_command(command: str) -> list[str]:
    """The words of a command line; UsageError where there is none. No shell is started."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--vs-command cannot be read: {error}.", hint="close the quotes") from None
    if not words:
        raise UsageError("--vs-command is empty.", hint='e.g. --vs-command "python generate.py -p sea"')
    return words


def measure_against(
    session: Session, workload: Workload, command: str, pattern: str | None
) -> tuple[BenchResult, Race]:
    """The workload and the program in turn, for as long as the budget of the session lasts."""
    argv = split_command(command)
    if pattern is not None:
        compile_pattern(pattern)
    rates: list[float] = []
    with ExitStack() as stack:
        rival = stack.enter_context(Rival(argv, pattern, clock=session.clock))

        def after_block() -> float:
            """A block of the program after each of ours; returns its seconds."""
            steps, seconds = rival.seconds_of(count_for(rates, session.sitting.budget.block))
            rates.append(seconds / steps)
            return seconds

        after_block()  # warms it up, and tells how long its steps take
        rates[:] = rates[-1:]
        result = session.run(workload, after_block)
    names, ours = (workload.name, PurePath(argv[0]).name), result.step_seconds  # a thorough one drops its first blocks
    return result, make_race(names, ours, rates[1:][-len(ours) :])


def count_for(step_seconds: Sequence[float], block_seconds: float) -> int:
    """Steps that make a block, from how long they took; 1 before that is known."""
    return max(1, round(block_seconds / min(step_seconds))) if step_seconds else 1
