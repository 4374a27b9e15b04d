"""How far a download is, on standard error: a bar on a terminal, a plain line every tenth elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from dreamrig import words
from dreamrig.screen import LINES_OFF_A_TERMINAL, REFRESH_SECONDS, Bar, Screen
from dreamrig.words import MIB

MIB_BETWEEN_LINES = 100
"""Where the length is not known, on a terminal too: a bar needs an end."""
WIDTH_BESIDE_BAR = 60


class DownloadProgress:
    """Takes lines and byte counts of one download."""

    def __init__(self, title: str, screen: Screen, clock: Callable[[], float]) -> None:
        self.title, self.screen, self.clock = title, screen, clock
        self.began_at: float | None = None
        self.began_bytes = 0
        self.last_at, self.last_bytes = 0.0, 0
        self.last_mark = 0
        self.shown_at = float("-inf")
        self.bar = Bar(screen, WIDTH_BESIDE_BAR, title)

    def say(self, line: str) -> None:
        """One line of talk, above the bar where there is one."""
        self.screen.say(line)

    def on_bytes(self, done: int, total: int | None) -> None:
        """Show that `done` bytes of `total` are here."""
        if self.began_at is None or done < self.began_bytes:
            self.began_at, self.began_bytes, self.last_mark = self.clock(), done, self.mark(done, total)
        self.last_at, self.last_bytes = self.clock(), done
        if self.screen.is_terminal and total:
            self.redraw(done, total)
        elif (mark := self.mark(done, total)) > self.last_mark:
            self.last_mark = mark
            self.say(self.line(done, total))

    def redraw(self, done: int, total: int) -> None:
        """The bar in MiB, where it is due."""
        now = self.clock()
        if done < total and now - self.shown_at < REFRESH_SECONDS:
            return
        self.shown_at = now
        pace = self.mib_per_second(now, done)
        left = f"  ETA {words.clock_face((total - done) / MIB / pace)}" if pace else ""
        self.bar.show(round(done / MIB), round(total / MIB), f"MiB  {words.rate(pace)}{left}")

    def mib_per_second(self, now: float, done: int) -> float:
        """Of this connection; 0 before anything came."""
        seconds = now - (self.began_at or 0.0)
        return (done - self.began_bytes) / MIB / seconds if seconds > 0 else 0.0

    def received(self) -> tuple[int, float]:
        """Bytes of the last connection that told any, and the seconds in which they came."""
        if self.began_at is None:
            return 0, 0.0
        return self.last_bytes - self.began_bytes, self.last_at - self.began_at

    @staticmethod
    def mark(done: int, total: int | None) -> int:
        """A number that grows when another line is due."""
        return LINES_OFF_A_TERMINAL * done // total if total else done // (MIB_BETWEEN_LINES * MIB)

    def line(self, done: int, total: int | None) -> str:
        """Name, share, bytes, and bytes per second of this connection."""
        pace = self.mib_per_second(self.clock(), done)
        come = f"  {words.rate(pace)}" if pace else ""
        if not total:
            return f"{self.title}  {done / MIB:.0f} MiB{come}"
        return f"{self.title}  {100 * done // total}%  {done / MIB:.0f}/{total / MIB:.0f} MiB{come}"

    def close(self) -> None:
        """Give the terminal back; harmless when there is no bar."""
        self.bar.close()
