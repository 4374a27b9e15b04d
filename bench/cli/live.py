"""What is seen while a measurement runs, on standard error: phase, bar, pace with its interval, blocks, gauges.

Redrawn between two blocks only, so that nothing of it happens while the clock runs. Off a terminal: a few plain lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.measure.blocks import PhaseProgress
from bench.result.figures import known_pace
from dreamrig.screen import Screen
from dreamrig.words import duration, known_range, pace
from generator import stats

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

BARS = "▁▂▃▄▅▆▇█"
BAR_WIDTH = 24
LABEL_WIDTH = 14
PLAIN_BARS = ("#", ".")
FULL_BARS = ("█", "░")
TELL_EVERY = 5
"""Lines per phase off a terminal."""


class LiveDisplay:
    """A listener of bench.measure.blocks that draws on a Screen."""

    def __init__(self, screen: Screen, newest: Callable[[], Mapping[str, float]]) -> None:
        """newest: the last reading of the gauges."""
        self.screen, self._newest = screen, newest
        self._live: Live | None = None
        self._seen: dict[tuple[str, str], PhaseProgress] = {}
        self._told: dict[tuple[str, str], int] = {}

    def __call__(self, progress: PhaseProgress) -> None:
        """Show how far it is."""
        key = (progress.phase, progress.name)
        self._seen[key] = progress
        if self.screen.is_terminal:
            self._redraw()
        else:
            self._tell(key, progress)

    def close(self) -> None:
        """Leave the last picture as it stands."""
        live, self._live = self._live, None
        if live is not None:
            with self.screen.turn():
                live.stop()

    def _redraw(self) -> None:
        from rich.live import Live

        with self.screen.turn():
            if self._live is None:
                self._live = Live(console=self.screen.console, auto_refresh=False, redirect_stdout=False)
                self._live.start()
            self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        from rich.text import Text

        lines = [phase_line(progress, self._marks()) for progress in self._seen.values()]
        newest = list(self._seen.values())[-1]
        width = max(8, min(60, self.screen.console.width - LABEL_WIDTH - 3))
        if newest.step_seconds and self._can_draw():
            lines.append(f"{'':{LABEL_WIDTH}} {sparkline(newest.step_seconds, width)}")
        gauges = gauge_line(self._newest())
        if gauges:
            lines.append(f"{'':{LABEL_WIDTH}} {gauges}")
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")

    def _can_draw(self) -> bool:
        return "utf" in (self.screen.console.encoding or "").lower()

    def _marks(self) -> tuple[str, str]:
        return FULL_BARS if self._can_draw() else PLAIN_BARS

    def _tell(self, key: tuple[str, str], progress: PhaseProgress) -> None:
        """A line at the beginning of a phase and at each fifth of it."""
        share = min(1.0, progress.seconds / (progress.most_seconds or progress.seconds or 1.0))
        fifth = int(share * TELL_EVERY)
        if self._told.get(key, -1) < fifth:
            self._told[key] = fifth
            self.screen.say(phase_line(progress, None))


def phase_line(progress: PhaseProgress, marks: tuple[str, str] | None) -> str:
    """ "measuring      ██████░░░░  6.1 of 12 s  23.5 it/s (23.3 to 23.7)  spread 2 %", without the bar for no marks."""
    parts = [f"{progress.phase:<{LABEL_WIDTH}}" if marks else progress.phase]
    if progress.name:
        parts.append(progress.name)
    if progress.most_seconds and progress.step_seconds:
        parts += [bar(progress.seconds / progress.most_seconds, marks)] if marks else []
        parts.append(f"{progress.seconds:.1f} of {_least(progress)} s")
    elif progress.most_seconds:
        parts.append(f"about {progress.most_seconds:.0f} s")
    elif progress.seconds:
        parts.append(duration(progress.seconds))
    return " ".join([*parts, *_pace(progress)]).rstrip()


def _least(progress: PhaseProgress) -> str:
    """ "at most 8" for the warm-up, "12" for the rest."""
    most = progress.most_seconds or 0.0
    return f"at most {most:.0f}" if progress.phase == "warming up" else f"{max(most, progress.seconds):.0f}"


def _pace(progress: PhaseProgress) -> list[str]:
    """it/s, then what can be said about how certain that is."""
    paces = progress.step_seconds
    if not paces:
        return []
    if progress.phase != "measuring":
        return [f" {pace(1 / paces[-1])}"]
    interval = stats.median_interval(paces)
    words = [f" {known_pace(1 / stats.median(paces), interval)}"]
    if interval is not None:
        words.append(f"({known_range(1 / interval.high, 1 / interval.low)})")
    spread = stats.spread(paces)
    return [*words, f" spread {spread:.0%}"] if spread is not None else words


def bar(share: float, marks: tuple[str, str]) -> str:
    """A bar of BAR_WIDTH characters."""
    full = round(BAR_WIDTH * min(1.0, share))
    return marks[0] * full + marks[1] * (BAR_WIDTH - full)


def sparkline(step_seconds: Sequence[float], width: int) -> str:
    """The speed of the newest blocks as little bars: high is fast, all the same is all in the middle."""
    speeds = [1 / seconds for seconds in step_seconds[-width:]]
    middle = stats.median(speeds)
    reach = max(0.1, *(abs(speed / middle - 1) for speed in speeds))
    levels = [round((speed / middle - 1 + reach) / (2 * reach) * (len(BARS) - 1)) for speed in speeds]
    return "".join(BARS[level] for level in levels)


def gauge_line(reading: Mapping[str, float]) -> str:
    """Clock, power, temperature, load: what of it there is."""
    shown = {
        "sm_clock_mhz": "{:.0f} MHz",
        "cpu_clock_mhz": "{:.0f} MHz",
        "power_watts": "{:.0f} W",
        "temperature_celsius": "{:.0f} °C",
        "memory_used_mib": "{:.0f} MiB",
    }
    words = [text.format(reading[name]) for name, text in shown.items() if name in reading]
    if "other_cpu_share" in reading:
        words.append(f"other programs {reading['other_cpu_share']:.0%} of the processor")
    return " · ".join(words)
