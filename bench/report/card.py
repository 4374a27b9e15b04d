"""A picture to share: 1200x630 PNG of the result that stands on top of a report. Drawn with Pillow's own letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from bench.report.chart import BarChart, PaceBar, bar_chart
from bench.result import figures
from dreamrig.words import duration

if TYPE_CHECKING:
    from bench.report.page import Group, Page, ReportEntry

WIDTH, HEIGHT, MARGIN = 1200, 630, 64
PAPER, INK, SOFT = "#16131d", "#f3f0f8", "#a9a1b8"
ACCENT, ACCENT_SOFT, BOUND, BOUND_GROUND = "#ab8dff", "#3a2f5c", "#8a8299", "#2b2637"
MOST_BARS = 5
SMALLEST = 15
"""Letters below cannot be read on a phone."""
BARS_TOP, BAR_STEP, BAR_THICK = 352, 46, 26
BAR_LEFT, BAR_RIGHT = 380, 960
BAR_LETTERS = 24
FACTS_TOP, FACTS_BOTTOM = 154, 262
FACT_SIZES = (25, 22, 20, 18, 16, SMALLEST)
LEADING = 1.28
"""Lines apart, in heights of letters."""
FINE = 2
"""Drawn at this many times the size, then made smaller: smooth edges."""


def draw(page: Page) -> Image.Image:
    """The card, (1200, 630) RGB."""
    canvas = _Canvas()
    _compose(canvas, page)
    return canvas.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _compose(canvas: _Canvas, page: Page) -> None:
    """Everything that stands on the card."""
    group, entry = page.hero
    _head(canvas, group, entry)
    _bars(canvas, bar_chart(_chosen(group)))
    _foot(canvas, group)


class _Canvas:
    """A picture of FINE times the size whose coordinates are those of the card."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str = "ls") -> float:
        """Write words with their base line at y; returns where they end."""
        letters = ImageFont.load_default(size * FINE)
        self.pen.text((x * FINE, y * FINE), words, colour, font=letters, anchor=anchor)
        return x + self.width(words, size)

    def width(self, words: str, size: float) -> float:
        """Pixels of the card that words take."""
        return float(self.pen.textlength(words, ImageFont.load_default(size * FINE))) / FINE

    def fitting(self, words: str, size: float, room: float) -> str:
        """The words, cut where they would leave the room; between two of them, so that no number loses a digit."""
        if self.width(words, size) <= room:
            return words
        kept, dots = words, "..."
        while " " in kept and self.width(kept + dots, size) > room:
            kept = kept.rpartition(" ")[0]
        while kept and self.width(kept + dots, size) > room:  # one long word, such as a name
            kept = kept[:-1]
        return kept.rstrip(" ,;:") + dots

    def size_for(self, words: str, size: float, room: float) -> float:
        """The size at which words fit, not below SMALLEST."""
        found = min(size, size * room / self.width(words, size))
        while found > SMALLEST and self.width(words, found) > room:  # letters of other sizes have other shapes
            found -= 0.5
        return max(SMALLEST, found)

    def box(self, x: float, y: float, right: float, bottom: float, colour: str, radius: float = 0) -> None:
        """A filled box with round corners."""
        corners = (x * FINE, y * FINE, max(right, x + 1) * FINE, bottom * FINE)
        self.pen.rounded_rectangle(corners, radius * FINE, fill=colour)

    def hatched(self, x: float, y: float, right: float, bottom: float) -> None:
        """A box of slanted lines: a bound."""
        width, height = max(1, round((right - x) * FINE)), round((bottom - y) * FINE)
        patch = Image.new("RGB", (width, height), BOUND_GROUND)
        pen = ImageDraw.Draw(patch)
        for start in range(-height, width, 9 * FINE):
            pen.line((start, height, start + height, 0), BOUND, 2 * FINE)
        pen.rectangle((0, 0, width - 1, height - 1), outline=BOUND, width=FINE)
        self.image.paste(patch, (round(x * FINE), round(y * FINE)))


def _head(canvas: _Canvas, group: Group, entry: ReportEntry) -> None:
    """Name, figure, and what follows against Colab."""
    room = WIDTH - 2 * MARGIN
    canvas.text(MARGIN, 78, "dreamrig bench", 26, ACCENT)
    canvas.text(WIDTH - MARGIN, 78, canvas.fitting(group.title, 26, room - 240), 26, SOFT, "rs")
    mark = f"{entry.result.created[:10]}, workload {group.hash[:8]}"
    canvas.text(WIDTH - MARGIN, 108, mark, 19, SOFT, "rs")
    canvas.text(MARGIN, 138, canvas.fitting(entry.name, 46, room - 290), 46, INK)
    amount, unit = figures.known_pace(entry.summary.steps_per_second, entry.summary.interval).split(" ")
    end = canvas.text(MARGIN, 248, amount, canvas.size_for(amount, 112, room / 2), INK)
    end = canvas.text(end + 16, 248, unit, 46, SOFT)
    _facts(canvas, entry, end + 40)
    if group.headline:
        _headline(canvas, group.headline.replace(entry.result.device.name, canvas.fitting(entry.name, 24, room / 4)))


def _facts(canvas: _Canvas, entry: ReportEntry, left: float) -> None:
    """Interval, picture and every verdict beside the figure, as large as there is room for."""
    facts = [figures.pace_range(entry.summary.interval), f"a picture in {duration(entry.summary.picture_seconds)}"]
    words = [verdict.word for verdict in entry.summary.verdicts]
    right = WIDTH - MARGIN
    for size in FACT_SIZES:
        lines = [*filter(None, facts), *_wrapped(canvas, words, size, right - left)]
        if len(lines) * size * LEADING <= FACTS_BOTTOM - FACTS_TOP:
            break
    for number, line in enumerate(lines, 1):
        canvas.text(right, FACTS_TOP + number * size * LEADING, line, size, SOFT, "rs")


def _wrapped(canvas: _Canvas, words: Sequence[str], size: float, room: float) -> list[str]:
    """Words with commas, in lines that have room."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}, {word}" if lines else word
        if lines and canvas.width(longer + ",", size) <= room:
            lines[-1] = longer
        else:
            lines = [*(f"{line.rstrip(',')}," for line in lines), word]
    return lines


def _headline(canvas: _Canvas, said: str) -> None:
    """What follows against Colab, in a box."""
    room = WIDTH - 2 * MARGIN - 40
    canvas.box(MARGIN, 276, WIDTH - MARGIN, 326, ACCENT_SOFT, 12)
    if canvas.width(said, SMALLEST) > room:  # what follows a semicolon says how sure that is; the page has it
        said = said.partition(";")[0] + "."
    size = canvas.size_for(said, 24, room)
    canvas.text(MARGIN + 20, 309, canvas.fitting(said, size, room), size, INK)


def _chosen(group: Group) -> list[PaceBar]:
    """The bars that fit: the reference, the others that were measured, then the bounds nearest to the reference."""
    own = group.reference.summary.steps_per_second
    bars = sorted(group.chart.bars, key=lambda bar: (bar.kind != "measured", abs(bar.value / own - 1)))
    return bars[:MOST_BARS]


def _bars(canvas: _Canvas, chart: BarChart) -> None:
    reach = _bars_reach(canvas, chart)
    for index, bar in enumerate(chart.bars):
        top = BARS_TOP + BAR_STEP * index
        right = BAR_LEFT + reach * chart.axis.at(bar.value)
        is_measured = bar.kind == "measured"
        name = f"{bar.label}, {bar.note.partition(',')[0]}" if is_measured else bar.label
        label = canvas.fitting(name, BAR_LETTERS, BAR_LEFT - MARGIN - 20)
        canvas.text(MARGIN, top + 21, label, BAR_LETTERS, INK if is_measured else SOFT)
        left = max(BAR_LEFT, right - BAR_THICK) if chart.axis.is_log else BAR_LEFT  # a logarithm has no zero
        if is_measured:
            canvas.box(left, top, right, top + BAR_THICK, ACCENT, 5)
        elif bar.kind == "expected":
            canvas.box(left, top, right, top + BAR_THICK, ACCENT_SOFT, 5)
        else:
            canvas.hatched(left, top, right, top + BAR_THICK)
        canvas.text(right + 14, top + 21, bar.words, BAR_LETTERS, INK if is_measured else SOFT)


def _bars_reach(canvas: _Canvas, chart: BarChart) -> float:
    """Pixels that the axis takes: as many as leave room for the words behind every bar."""
    rooms = [
        (WIDTH - MARGIN - BAR_LEFT - 14 - canvas.width(bar.words, BAR_LETTERS)) / max(chart.axis.at(bar.value), 0.01)
        for bar in chart.bars
    ]
    return min(BAR_RIGHT - BAR_LEFT, *rooms)


def _foot(canvas: _Canvas, group: Group) -> None:
    """What the bars mean."""
    scale = "logarithmic scale; " if bar_chart(_chosen(group)).axis.is_log else ""
    key = f"{scale}filled: measured; hatched: the most its datasheet allows; dim: expected, not measured"
    canvas.text(MARGIN, 607, key, 19, SOFT)
