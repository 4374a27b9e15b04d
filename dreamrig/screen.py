"""Standard error while something runs: lines, a bar, a picture, none of them writing over the other.

One Screen owns the terminal during a run. rich is imported when something is drawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dreamrig.console import to_printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

REFRESH_SECONDS = 0.25
"""A bar is redrawn at most this often."""
LINES_OFF_A_TERMINAL = 10
"""Where nothing can be redrawn: a line each tenth."""
WIDEST_BAR, NARROWEST_BAR = 40, 6


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


class Bar:
    """Count, bar and some words; it appears with the first `show`. No thread: it never writes at the wrong moment."""

    def __init__(self, screen: Screen, width_beside: int, label: str = "") -> None:
        """width_beside: columns to keep for what stands beside the bar.   label: what stands before the count."""
        self.screen, self.width_beside, self.label = screen, width_beside, label
        self.drawn: Progress | None = None

    def show(self, done: int, total: int, stats: str) -> None:
        """Redraw it."""
        with self.screen.turn():
            bar = self.drawn = self.drawn or self._start(done, total)
            bar.update(bar.task_ids[0], completed=done, stats=stats)
            bar.refresh()

    def _start(self, done: int, total: int) -> Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        room = self.screen.console.width - self.width_beside
        bar = Progress(
            *([TextColumn(self.label)] if self.label else []),
            MofNCompleteColumn(),
            BarColumn(bar_width=min(WIDEST_BAR, max(NARROWEST_BAR, room))),
            TextColumn("{task.fields[stats]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self.screen.console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task("", total=total, completed=done, stats="")
        bar.start()
        return bar

    def close(self) -> None:
        """Leave it as it stands and give the terminal back; harmless where there is none."""
        bar, self.drawn = self.drawn, None
        if bar is not None:
            with self.screen.turn():
                bar.stop()
