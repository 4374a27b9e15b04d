"""Talk on standard error: a bar on a terminal, a plain line every tenth elsewhere.

The loss makes the host wait for the device, so it is asked for only when a line or a bar is due.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from dreamrig import words
from dreamrig.called import as_called
from dreamrig.screen import LINES_OFF_A_TERMINAL, NARROWEST_BAR, REFRESH_SECONDS, Bar, Screen
from generator.events import Event, Finished, Raised, Started, Step
from generator.starter.reading import missed_subject

WIDTH_BESIDE_BAR = 64
"""Columns for the numbers and some free ones: the terminal's own ^C at the end of a full line would begin a new one."""
ANY_WORD = "dreamrig weights fetch imagenet-f16-16384 ViT-B/32"
"""The way to networks that know every word."""
MOST_NAMED = 6
"""Unknown words in the sentence about them; the others are counted."""
RECENT = 0.3
"""Weight of the newest step in the running mean of the pace."""


def announce(screen: Screen, *, quiet: bool = False) -> Callable[[Event], None]:
    """A sink that says at the start what is going to happen, and which words were not understood."""

    def listen(event: Event) -> None:
        if isinstance(event, Step):
            for note in event.notes:
                screen.say(as_called(f"note: {note}"))
        if not isinstance(event, Started):
            return
        missed = describe_unknown_words(event)
        if missed:
            screen.say(as_called(missed))
        if not quiet:
            for line in describe_start(event):
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


def describe_unknown_words(event: Started) -> str:
    """One sentence: what the model cannot draw, what is near to it, and the way to any word at all; "" = all known."""
    if not event.unknown_words:
        return ""
    subjects = [missed_subject(prompt.text) for prompt in event.config.wishes().texts]
    missed = sorted(event.unknown_words, key=lambda word: word not in subjects)  # what the picture is of comes first
    shown = [_with_near(word, event.unknown_words[word]) for word in missed[:MOST_NAMED]]
    more = [f"{len(missed) - MOST_NAMED} more"] if len(missed) > MOST_NAMED else []
    known = "" if all(event.unknown_words.values()) else "; what it can: dreamrig prompts"
    return f"note: the starter cannot draw {_listed([*shown, *more])}{known}; for any word at all run: {ANY_WORD}"


def _with_near(word: str, near: list[str]) -> str:
    return f"'{word}' (near: {', '.join(near)})" if near else f"'{word}'"


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + f" or {parts[-1]}" if len(parts) > 1 else parts[0]


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
        elif isinstance(event, Finished | Raised):
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
        pace = words.pace(1 / seconds) if seconds else "-.-- it/s"
        facts = [pace, f"ETA {words.clock_face((self.total - self.done) * seconds)}", f"loss {loss:.3f}"]
        return facts if peak_memory_mib is None else [*facts, f"peak {words.memory(peak_memory_mib)}"]

    def close(self) -> None:
        """Leave the bar as it stands and give the terminal back; harmless when there is none."""
        self.bar.close()
