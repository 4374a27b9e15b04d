"""A bar of rich's on standard error that redraws only when told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from generator.sinks.progress import Screen

WIDEST_BAR, NARROWEST_BAR = 40, 6


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
