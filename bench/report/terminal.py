"""A group's bars for a terminal: full blocks were measured, light ones bound; on a logarithmic axis only their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report.chart import BarChart, PaceBar
from dreamrig.console import to_printable

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from bench.report.page import Group

BAR_WIDTH = 30
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL, MIDDLE, LIGHT = "█", "▒", "░"
MARKS = {"measured": (FULL, "#"), "expected": (MIDDLE, "+"), "bound": (LIGHT, ".")}
"""And for a terminal that cannot write blocks."""
KEY = (
    f"{FULL} measured   {MIDDLE} expected, not measured   "
    f"{LIGHT} bound: what the card's datasheet does not allow it to exceed, not a measurement"
)


def bar_text(bar: PaceBar, chart: BarChart, width: int = BAR_WIDTH, *, plain: bool = False) -> str:
    """A bar as characters, at most `width`, on a logarithmic axis its end alone; something is left of the smallest."""
    cells, mark = chart.axis.at(bar.value) * width, MARKS[bar.kind][plain]
    if chart.axis.is_log:
        return mark.rjust(max(1, round(cells)))
    if bar.kind != "measured" or plain:
        return mark * max(1, round(cells))
    whole, eighth = divmod(round(cells * 8), 8)
    return (FULL * whole + EIGHTHS[eighth]).rstrip() or EIGHTHS[1]


def bars_table(group: Group, *, plain: bool = False) -> Table:
    """The group's chart as a table of rich: name, bar, value."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for bar in group.chart.bars:
        table.add_row(*_row(bar, group.chart, plain=plain))
    return table


def _row(bar: PaceBar, chart: BarChart, *, plain: bool) -> tuple[Text, Text, Text]:
    from rich.text import Text

    is_measured = bar.kind == "measured"
    style = "bold" if is_measured else "dim"
    name = f"{bar.label} ({bar.note.partition(',')[0]})" if is_measured else bar.label
    value = bar.words
    drawn = Text(bar_text(bar, chart, plain=plain), "magenta" if is_measured else "dim")
    return Text(to_printable(name), style), drawn, Text(value, style)


def scale_note(chart: BarChart) -> str:
    """What has to be known to read the bars."""
    return f"{KEY}; logarithmic scale" if chart.axis.is_log else KEY
