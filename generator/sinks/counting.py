"""Progress of anything that can be counted, such as the frames of a film: a bar on a terminal, some lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from generator.sinks.progress import (
    LINES_OFF_A_TERMINAL,
    NARROWEST_BAR,
    REFRESH_SECONDS,
    WIDEST_BAR,
    Screen,
    clock_face,
)

if TYPE_CHECKING:
    from rich.progress import Progress

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
        self.bar: Progress | None = None

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
        return f"{seconds:.2f} s a {self.noun}  ETA {clock_face((self.total - self.done) * seconds)}"

    def _show(self) -> None:
        if not self.screen.is_terminal:
            self.screen.say(f"{self.label} {self.done}/{self.total}  {self.describe()}".rstrip())
            return
        with self.screen.turn():
            bar = self.bar = self.bar or self._make_bar()
            bar.update(bar.task_ids[0], completed=self.done, stats=self.describe())
            bar.refresh()

    def _make_bar(self) -> Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        room = self.screen.console.width - WIDTH_BESIDE_BAR
        bar = Progress(
            TextColumn(self.label),
            MofNCompleteColumn(),
            BarColumn(bar_width=min(WIDEST_BAR, max(NARROWEST_BAR, room))),
            TextColumn("{task.fields[stats]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self.screen.console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task("", total=self.total, completed=self.done, stats="")
        bar.start()
        return bar

    def close(self) -> None:
        """Leave the bar as it stands; harmless where there is none."""
        bar, self.bar = self.bar, None
        if bar is not None:
            with self.screen.turn():
                bar.stop()
