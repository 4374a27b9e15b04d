"""Progress of anything that can be counted, such as the frames of a film: a bar on a terminal, some lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from dreamrig import words
from dreamrig.screen import LINES_OFF_A_TERMINAL, REFRESH_SECONDS, Bar, Screen

WIDTH_BESIDE_BAR = 50
SECONDS_BETWEEN_LINES = 1.0
"""A log needs no ten lines for what is done at once."""


class CountProgress:
    """Shows how far the count is; give back the terminal with `close`."""

    def __init__(
        self, screen: Screen, clock: Callable[[], float], noun: str, total: int, done: int = 0, label: str = ""
    ) -> None:
        """noun: what is counted, in the singular.   done: so many were there before.   label: instead of the noun."""
        self.screen, self.clock, self.noun, self.label = screen, clock, noun, label or noun
        self.total = max(1, total)
        self.first = self.done = done
        self.began_at = clock()
        self.shown_at = float("-inf") if screen.is_terminal else self.began_at
        self.tenth = LINES_OFF_A_TERMINAL * done // self.total
        self.bar = Bar(screen, WIDTH_BESIDE_BAR, self.label)

    def __call__(self, done: int) -> None:
        """So many are done now."""
        self.done = done
        if self._is_due():
            self._show()

    def _is_due(self) -> bool:
        if self.screen.is_terminal:
            now = self.clock()
            due = self.done == self.total or now - self.shown_at >= REFRESH_SECONDS
            self.shown_at = now if due else self.shown_at
            return due
        tenth, now = LINES_OFF_A_TERMINAL * self.done // self.total, self.clock()
        due = self.done == self.total or (tenth > self.tenth and now - self.shown_at >= SECONDS_BETWEEN_LINES)
        if due:
            self.tenth, self.shown_at = tenth, now
        return due

    def describe(self) -> str:
        """Seconds apiece and time left, of what was done since the beginning of this attempt."""
        made = self.done - self.first
        if not made:
            return ""
        seconds = (self.clock() - self.began_at) / made
        return f"{words.duration(seconds)} a {self.noun}  ETA {words.clock_face((self.total - self.done) * seconds)}"

    def _show(self) -> None:
        if not self.screen.is_terminal:
            self.screen.say(f"{self.label} {self.done}/{self.total}  {self.describe()}".rstrip())
            return
        self.bar.show(self.done, self.total, self.describe())

    def close(self) -> None:
        """Leave the bar as it stands; harmless where there is none."""
        self.bar.close()
