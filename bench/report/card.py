"""A picture to share: 1200x630 PNG of the result that stands on top of a report. Drawn with Pillow's own letters."""

from __future__ import annotations

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
FINE = 2
"""Drawn at this many times the size, then made smaller: smooth edges."""


def draw(page: Page) -> Image.Image:
    """The card, (1200, 630) RGB."""
    canvas = _Canvas()
    group, entry = page.hero
    _head(canvas, group, entry)
    _bars(canvas, bar_chart(_chosen(group)))
    _foot(canvas, group)
    return canvas.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


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
        return max(SMALLEST, min(size, size * room / self.width(words, size)))

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
    canvas.text(WIDTH - MARGIN, 78, group.title, 26, SOFT, "rs")
    mark = f"{entry.result.created[:10]}, workload {group.hash[:8]}"
    canvas.text(WIDTH - MARGIN, 108, mark, 19, SOFT, "rs")
    canvas.text(MARGIN, 138, canvas.fitting(entry.name, 46, room - 280), 46, INK)
    amount, unit = figures.known_pace(entry.summary.steps_per_second, entry.summary.interval).split(" ")
    end = canvas.text(MARGIN, 248, amount, 112, INK)
    canvas.text(end + 16, 248, unit, 46, SOFT)
    picture = f"a picture in {duration(entry.summary.picture_seconds)}"
    verdicts = ", ".join(verdict.word for verdict in entry.summary.verdicts)
    right = WIDTH - MARGIN
    for line, text in enumerate(filter(None, [figures.pace_range(entry.summary.interval), picture, verdicts])):
        canvas.text(right, 186 + 32 * line, text, 25, SOFT, "rs")
    if group.headline:
        canvas.box(MARGIN, 276, right, 326, ACCENT_SOFT, 12)
        said = group.headline
        if canvas.width(said, SMALLEST) > room - 40:  # what follows a semicolon says how sure that is; the page has it
            said = said.partition(";")[0] + "."
        size = canvas.size_for(said, 24, room - 40)
        canvas.text(MARGIN + 20, 309, canvas.fitting(said, size, room - 40), size, INK)


def _chosen(group: Group) -> list[PaceBar]:
    """The bars that fit: the reference, the others that were measured, then the bounds nearest to the reference."""
    own = group.reference.summary.steps_per_second
    bars = sorted(group.chart.bars, key=lambda bar: (bar.kind != "measured", abs(bar.value / own - 1)))
    return bars[:MOST_BARS]


def _bars(canvas: _Canvas, chart: BarChart) -> None:
    for index, bar in enumerate(chart.bars):
        top = BARS_TOP + BAR_STEP * index
        right = BAR_LEFT + (BAR_RIGHT - BAR_LEFT) * chart.axis.at(bar.value)
        is_measured = bar.kind == "measured"
        name = f"{bar.label}, {bar.note.partition(',')[0]}" if is_measured else bar.label
        label = canvas.fitting(name, 24, BAR_LEFT - MARGIN - 20)
        canvas.text(MARGIN, top + 21, label, 24, INK if is_measured else SOFT)
        left = max(BAR_LEFT, right - BAR_THICK) if chart.axis.is_log else BAR_LEFT  # a logarithm has no zero
        if is_measured:
            canvas.box(left, top, right, top + BAR_THICK, ACCENT, 5)
        elif bar.kind == "expected":
            canvas.box(left, top, right, top + BAR_THICK, ACCENT_SOFT, 5)
        else:
            canvas.hatched(left, top, right, top + BAR_THICK)
        text = bar.words
        canvas.text(max(right, BAR_LEFT) + 14, top + 21, text, 24, INK if is_measured else SOFT)


def _foot(canvas: _Canvas, group: Group) -> None:
    """What the bars mean."""
    scale = "logarithmic scale; " if bar_chart(_chosen(group)).axis.is_log else ""
    key = f"{scale}filled: measured; hatched: the most its datasheet allows; dim: expected, not measured"
    canvas.text(MARGIN, 607, key, 19, SOFT)
