"""Talk on standard error: a bar on a terminal, a plain line every tenth elsewhere.

One Screen owns standard error during a run, so that the bar, the notes above it and the picture above those do not
write over each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from dreamrig.console import to_printable
from generator.events import Event, Failed, Finished, Started, Step
from generator.sinks.bar import NARROWEST_BAR, Bar

if TYPE_CHECKING:
    from rich.console import Console

REFRESH_SECONDS = 0.25
"""The loss makes the host wait for the device, so it is asked for at most this often."""
LINES_OFF_A_TERMINAL = 10
WIDTH_BESIDE_BAR = 64
"""Columns for the numbers and some free ones: the terminal's own ^C at the end of a full line would begin a new one."""
RECENT = 0.3
"""Weight of the newest step in the running mean of the pace."""


class Screen:
    """Standard error during a run: `say` for lines, `write` for what a preview draws above the bar."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.lines_since_mark = 0
        """Lines said below the place that `reserve` made."""
        self._busy = self._gone = False
        self._waiting: list[str] = []

    @property
    def is_terminal(self) -> bool:
        """Whether lines can be redrawn here. FORCE_COLOR asks for colours in a log, not for a cursor that moves."""
        return self.console.file.isatty() and not self.console.is_dumb_terminal

    def say(self, text: str) -> None:
        """One line of talk, above the bar where there is one. Safe in a signal handler: it waits for its turn."""
        self._waiting.append(to_printable(text))
        if not self._busy:
            with self.turn():
                pass

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Write to the terminal inside of this; what was said meanwhile follows.

        A terminal that has been closed is not a reason to lose a run: from then on nothing is written.
        """
        if self._busy:
            yield
            return
        self._busy = True
        try:
            yield
            while self._waiting:
                self._print(self._waiting.pop(0))
        except OSError:
            self._gone = True
        finally:
            self._busy = False

    def _print(self, text: str) -> None:
        from rich.text import Text

        if self._gone:
            return
        if not self.is_terminal:  # no wrapping: a log has no width
            print(text, file=self.console.file, flush=True)
            return
        line = Text(text)
        self.lines_since_mark += len(self.console.render_lines(line, pad=False))
        self.console.print(line)

    def reserve(self, rows: int) -> None:
        """Make `rows` empty lines above the bar, and count what is said from here on."""
        with self.turn():
            if not self._gone:
                self.console.print("\n" * (rows - 1))
        self.lines_since_mark = 0

    def write(self, sequence: str) -> None:
        """Send characters and control sequences as they are."""
        with self.turn():
            if not self._gone:
                self.console.file.write(sequence)
                self.console.file.flush()


def announce(screen: Screen, *, quiet: bool = False) -> Callable[[Event], None]:
    """A sink that says at the start what is going to happen, and which words were not understood."""

    def listen(event: Event) -> None:
        if not isinstance(event, Started):
            return
        if not quiet:
            for line in describe_start(event):
                screen.say(line)
        for line in describe_unknown_words(event):
            screen.say(line)

    return listen


def describe_start(event: Started) -> list[str]:
    """Seed, size and device in one line, the planned start in another."""
    config = event.config
    facts = [f"seed {config.seed}", f"{config.width}x{config.height}", f"{config.steps} steps", event.device]
    if event.first_step:
        facts.append(f"from step {event.first_step}")
    lines = [" · ".join(facts)]
    if event.plan_words:
        lines.append(f"start: {event.plan_words}")
    return lines


def describe_unknown_words(event: Started) -> list[str]:
    """One line per word that the guide never learnt."""
    lines = []
    for word, near in event.unknown_words.items():
        instead = f"; near ones: {', '.join(near)}" if near else "; see: dreamrig prompts"
        lines.append(f"note: the word {word!r} is unknown to this model{instead}")
    return lines


class ProgressSink:
    """A bar with steps, it/s, loss, time left and peak memory; off a terminal a line every ~10 %."""

    def __init__(self, screen: Screen, clock: Callable[[], float] = perf_counter) -> None:
        self.screen, self.clock = screen, clock
        self.total = self.first = self.done = 0
        self.step_seconds: float | None = None
        """Running mean of the wall seconds from step to step."""
        self.last_step_at = self.last_shown_at = 0.0
        self.last_tenth = 0
        self.bar = Bar(screen, WIDTH_BESIDE_BAR)

    def __call__(self, event: Event) -> None:
        """Show the event."""
        if isinstance(event, Started):
            self.start(event)
        elif isinstance(event, Step):
            self.count(event)
            if self.is_due():
                self.show(event)
        elif isinstance(event, Finished | Failed):
            self.close()

    def start(self, event: Started) -> None:
        """Begin to count; the bar appears with the first step."""
        self.total, self.first, self.done = event.config.steps, event.first_step, event.first_step
        self.last_step_at, self.last_shown_at = self.clock(), float("-inf")
        self.last_tenth = self._tenth()

    def count(self, event: Step) -> None:
        """Take a step into the running mean; the first one, which warms up, only until there is a second."""
        now = self.clock()
        took, self.last_step_at, self.done = now - self.last_step_at, now, event.index + 1
        if self.step_seconds is None or event.index <= self.first + 1:
            self.step_seconds = took
        else:
            self.step_seconds += RECENT * (took - self.step_seconds)

    def is_due(self) -> bool:
        """Whether to show this step: the last one, or one late enough (terminal) or far enough (elsewhere)."""
        if self.screen.is_terminal:
            now = self.clock()
            due = self.done == self.total or now - self.last_shown_at >= REFRESH_SECONDS
            self.last_shown_at = now if due else self.last_shown_at
            return due
        tenth, before = self._tenth(), self.last_tenth
        self.last_tenth = tenth
        return tenth > before

    def _tenth(self) -> int:
        return LINES_OFF_A_TERMINAL * self.done // self.total

    def show(self, event: Step) -> None:
        """Redraw the bar, or print a line."""
        facts = self.describe(event.loss(), event.peak_memory)
        if not self.screen.is_terminal:
            self.screen.say("  ".join([f"step {self.done}/{self.total}", *facts]))
            return
        room = self.screen.console.width - 2 * len(str(self.total)) - NARROWEST_BAR - 4
        while len(facts) > 1 and len("  ".join(facts)) > room:
            facts.pop()
        self.bar.show(self.done, self.total, "  ".join(facts))

    def describe(self, loss: float, peak_memory_mib: float | None) -> list[str]:
        """it/s, time left, loss and peak memory in words, what matters most first."""
        seconds = self.step_seconds or 0.0
        pace = f"{1 / seconds:.2f} it/s" if seconds else "-.-- it/s"
        facts = [pace, f"ETA {clock_face((self.total - self.done) * seconds)}", f"loss {loss:.3f}"]
        return facts if peak_memory_mib is None else [*facts, f"peak {peak_memory_mib:.0f} MiB"]

    def close(self) -> None:
        """Leave the bar as it stands and give the terminal back; harmless when there is none."""
        self.bar.close()


def clock_face(seconds: float) -> str:
    """ "0:07", "12:30", "1:02:03"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
