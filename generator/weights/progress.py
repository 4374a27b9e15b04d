"""How far a download is, on standard error: a bar on a terminal, a plain line every tenth elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dreamrig.console import to_printable
from dreamrig.paths import MIB

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

TENTHS = 10
MIB_BETWEEN_LINES = 100
"""Where the length is not known."""


class Progress:
    """Takes lines and byte counts of one download."""

    def __init__(self, title: str, screen: Console, clock: Callable[[], float]) -> None:
        self.title, self.screen, self.clock = title, screen, clock
        self.began_at: float | None = None
        self.began_bytes = 0
        self.last_mark = 0
        self.bar: Bar | None = None

    def say(self, line: str) -> None:
        """One line of talk, above the bar where there is one."""
        from rich.text import Text

        if self.bar is None:
            print(to_printable(line), file=self.screen.file, flush=True)
        else:
            self.bar.console.print(Text(to_printable(line)))

    def on_bytes(self, done: int, total: int | None) -> None:
        """Show that `done` bytes of `total` are here."""
        if self.began_at is None or done < self.began_bytes:
            self.began_at, self.began_bytes, self.last_mark = self.clock(), done, self.mark(done, total)
        if self.screen.is_terminal and not self.screen.is_dumb_terminal:
            self.bar = self.bar or self.make_bar()
            self.bar.update(self.bar.task_ids[0], completed=done, total=total)
        elif (mark := self.mark(done, total)) > self.last_mark:
            self.last_mark = mark
            self.say(self.line(done, total))

    @staticmethod
    def mark(done: int, total: int | None) -> int:
        """A number that grows when another line is due."""
        return TENTHS * done // total if total else done // (MIB_BETWEEN_LINES * MIB)

    def line(self, done: int, total: int | None) -> str:
        """Name, share, bytes, and bytes per second of this connection."""
        seconds = self.clock() - (self.began_at or 0.0)
        pace = f"  {(done - self.began_bytes) / MIB / seconds:.1f} MiB/s" if seconds > 0 else ""
        if not total:
            return f"{self.title}  {done / MIB:.0f} MiB{pace}"
        return f"{self.title}  {100 * done // total}%  {done / MIB:.0f}/{total / MIB:.0f} MiB{pace}"

    def make_bar(self) -> Bar:
        """A rich bar that has begun."""
        from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
        bar = Bar("{task.description}", *columns, console=self.screen, transient=True)
        bar.add_task(self.title, total=None)
        bar.start()
        return bar

    def close(self) -> None:
        """Give the terminal back; harmless when there is no bar."""
        bar, self.bar = self.bar, None
        if bar is not None:
            bar.stop()
