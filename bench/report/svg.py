"""Charts as inline SVG. Coordinates are percentages and letters keep their size, so that a chart fits any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import count, pairwise

from bench.claims.roofline import Roof, Standing
from bench.report.chart import Axis, BarChart, PaceBar, axis_for, decades
from bench.report.details import Series
from dreamrig.words import short

BAR_HEIGHT, AXIS_HEIGHT = 26, 22
ROOFLINE_HEIGHT, SERIES_HEIGHT = 320, 74
LEFT, RIGHT, TOP, BOTTOM = 9.0, 97.0, 4.0, 88.0
"""Percent: the frame of a chart with two axes."""
MOST_POINTS = 240
MIDDLE = 50.0
"""Percent."""
MOST_LABEL = 24
"""Characters of a name inside the roofline."""
LINE_HEIGHT = 18
"""Pixels from one name there to the next."""

HATCH = (
    '<svg width="0" height="0" class="defs" aria-hidden="true"><defs><pattern id="hatch" width="7" height="7" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" class="hatch-ground"/>'
    '<line x1="0" y1="0" x2="0" y2="7" class="hatch-line"/></pattern></defs></svg>'
)
"""Once per document: what bounds are filled with."""


def bar(one: PaceBar, chart: BarChart) -> str:
    """One bar with its whisker and the lines of the axis behind it."""
    width = 100 * chart.axis.at(one.value)
    parts = [_line(x, 0, x, 100, "grid") for x in _tick_places(chart.axis)]
    shape = one.kind
    if chart.axis.is_log:  # a length from nowhere means nothing: a logarithm has no zero
        parts.append(f'<circle cx="{width:.2f}%" cy="13" r="6" class="mark-{shape}"/>')
    else:
        parts.append(f'<rect x="0" y="4" width="{width:.2f}%" height="18" rx="3" class="{shape}"/>')
    if one.low is not None and one.high is not None:
        parts += _whisker(100 * chart.axis.at(one.low), 100 * chart.axis.at(one.high))
    title = f"<title>{escape(f'{one.label}: {one.words}. {one.tip}')}</title>"
    return f'<svg class="plot" width="100%" height="{BAR_HEIGHT}" role="img">{title}{"".join(parts)}</svg>'


def _whisker(low: float, high: float) -> list[str]:
    ends = [f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="9" y2="17" class="whisker"/>' for x in (low, high)]
    return [f'<line x1="{low:.2f}%" x2="{high:.2f}%" y1="13" y2="13" class="whisker"/>', *ends]


def bar_axis(axis: Axis) -> str:
    """The numbers under a bar chart."""
    parts = []
    for value, x in zip(axis.ticks(), _tick_places(axis), strict=True):
        anchor = "start" if x < 1 else "end" if x > 99 else "middle"
        parts.append(f'<text x="{x:.2f}%" y="15" text-anchor="{anchor}" class="tick">{value:,g}</text>')
    return f'<svg class="plot" width="100%" height="{AXIS_HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def _tick_places(axis: Axis) -> list[float]:
    return [100 * axis.at(value) for value in axis.ticks()]


def roofline(places: Sequence[Standing]) -> str:
    """Points under their roofs: TFLOP/s over FLOP per byte, both logarithmic; "" where no point has both."""
    points = [place for place in places if place.intensity]
    found = dict.fromkeys(roof for place in points for roof in place.roofs)
    roofs = sorted(found, key=lambda roof: -roof.peak_tflops)
    if not points or not roofs:
        return ""
    across, up = _roofline_axes(points, roofs)
    parts = _frame(across, up)
    parts += [piece for index, roof in enumerate(roofs) for piece in _roof(roof, across, up, index)]
    parts += [_circle(place, across, up) for place in points]
    named = {place.label: place for place in reversed(points)}  # of several results of one device the first is named
    parts += _point_names(list(reversed(named.values())), across, up)
    return (
        f'<svg class="plot roofline" width="100%" height="{ROOFLINE_HEIGHT}" role="img">'
        f"<title>roofline: arithmetic per second over arithmetic per byte</title>{''.join(parts)}</svg>"
    )


def _roofline_axes(points: Sequence[Standing], roofs: Sequence[Roof]) -> tuple[Axis, Axis]:
    intensities = [place.intensity for place in points if place.intensity]
    ridges = [roof.ridge for roof in roofs if roof.ridge]
    across = decades(min([*intensities, *ridges]) / 4, max([*intensities, *ridges]) * 4)
    heights = [place.tflops for place in points] + [roof.peak_tflops for roof in roofs]
    return across, decades(min(heights) / 3, max(heights) * 1.5)


def _x(axis: Axis, value: float) -> float:
    return LEFT + (RIGHT - LEFT) * axis.at(value)


def _y(axis: Axis, value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * axis.at(value)


def _frame(across: Axis, up: Axis) -> list[str]:
    parts = []
    for value in across.ticks():
        x = _x(across, value)
        parts.append(_line(x, TOP, x, BOTTOM, "grid"))
        parts.append(_text(x, BOTTOM, _power(value), "tick", dy=15, anchor="middle"))
    for value in up.ticks():
        y = _y(up, value)
        parts.append(_line(LEFT, y, RIGHT, y, "grid"))
        parts.append(_text(LEFT, y, _power(value), "tick", dx=-5, dy=4, anchor="end"))
    parts.append(_text((LEFT + RIGHT) / 2, 100, "FLOP per byte", "tick", dy=-3, anchor="middle"))
    parts.append(_text(LEFT, TOP, "TFLOP/s", "tick", dx=4, dy=4))
    return parts


def _power(value: float) -> str:
    """ "0.01", "1", "1k"."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _roof(roof: Roof, across: Axis, up: Axis, index: int) -> list[str]:
    """The slope of memory, the flat of arithmetic, and the name: above the highest roof, below the others."""
    shape = "roof" if roof.is_measured else "roof sheet"
    flat_from = roof.ridge or across.low
    peak = _y(up, roof.peak_tflops)
    parts = [_line(_x(across, flat_from), peak, RIGHT, peak, shape)]
    if roof.ridge is not None:
        start = max(across.low, up.low / roof.peak_tflops * roof.ridge)
        parts.append(_line(_x(across, start), _y(up, roof.at(start)), _x(across, roof.ridge), peak, shape))
    label = f"{roof.label}: {short(roof.peak_tflops)} TFLOP/s"
    return [*parts, _text(RIGHT, peak, label, "roof-name", dy=14 if index else -6, anchor="end")]


def _circle(place: Standing, across: Axis, up: Axis) -> str:
    x, y = _point_at(place, across, up)
    tip = f"{place.label}: {short(place.tflops)} TFLOP/s at {short(place.intensity or 0)} FLOP per byte"
    return f'<circle cx="{x:.2f}%" cy="{y:.2f}%" r="6" class="point"><title>{escape(tip)}</title></circle>'


def _point_at(place: Standing, across: Axis, up: Axis) -> tuple[float, float]:
    assert place.intensity is not None
    return _x(across, place.intensity), _y(up, place.tflops)


def _point_names(places: Sequence[Standing], across: Axis, up: Axis) -> list[str]:
    """Beside their points, a line above or below where another name stands already; a phone has room for figures."""
    parts: list[str] = []
    taken: list[float] = []
    for place in places:
        x, y = _point_at(place, across, up)
        height = y / 100 * ROOFLINE_HEIGHT
        shift = next(dy for dy in _shifts() if all(abs(height + dy - other) >= LINE_HEIGHT for other in taken))
        taken.append(height + shift)
        anchor, dx = ("end", -10) if x > MIDDLE else ("start", 10)  # the names of roofs stand at the right
        spot = f'x="{x:.2f}%" y="{y:.2f}%" dx="{dx}" dy="{5 + shift}" text-anchor="{anchor}"'
        whose = f'<tspan class="whose">{escape(_clipped(place.label))} </tspan>'
        parts.append(f'<text {spot} class="point-name">{whose}{short(place.tflops)}</text>')
    return parts


def _shifts() -> Iterator[int]:
    """0, then a line up, a line down, two up ...: pixels."""
    yield 0
    for lines in count(1):
        yield from (-lines * LINE_HEIGHT, lines * LINE_HEIGHT)


def _clipped(label: str) -> str:
    """A name that leaves room for the other names of a chart; the whole one shows when pointed at."""
    return label if len(label) <= MOST_LABEL else label[: MOST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def series(one: Series) -> str:
    """A quantity over time, thinned; the lowest and the highest value stand at the side."""
    every = -(-len(one.values) // MOST_POINTS)
    seconds, values = one.seconds[::every], one.values[::every]
    low, high = min(one.values), max(one.values)
    room = (high - low) or abs(high) * 0.1 or 1.0
    begin, length = seconds[0], (seconds[-1] - seconds[0]) or 1.0
    places = [
        (100 * (second - begin) / length, 88 - 76 * (value - low + 0.1 * room) / (1.2 * room))
        for second, value in zip(seconds, values, strict=True)
    ]
    lines = [_line(*before, *after, "series") for before, after in pairwise(places)]
    return f'<svg class="plot" width="100%" height="{SERIES_HEIGHT}" aria-hidden="true">{"".join(lines)}</svg>'


def blocks(step_seconds: Sequence[float]) -> str:
    """Every block as a dot, from the first to the last, in it/s; the median as a line."""
    rates = [1 / seconds for seconds in step_seconds]
    axis = axis_for(rates)
    middle = 1 / sorted(step_seconds)[len(step_seconds) // 2]
    wide = max(1, len(rates) - 1)
    dots = [
        f'<circle cx="{2 + 96 * index / wide:.2f}%" cy="{_height(axis, rate):.2f}%" r="2.5" class="dot"/>'
        for index, rate in enumerate(rates)
    ]
    line = _line(0, _height(axis, middle), 100, _height(axis, middle), "middle")
    return f'<svg class="plot" width="100%" height="{SERIES_HEIGHT}" aria-hidden="true">{line}{"".join(dots)}</svg>'


def _height(axis: Axis, value: float) -> float:
    """Percent from above, zero at the bottom."""
    return 94 - 88 * axis.at(value)


def _line(x1: float, y1: float, x2: float, y2: float, shape: str) -> str:
    return f'<line x1="{x1:.2f}%" y1="{y1:.2f}%" x2="{x2:.2f}%" y2="{y2:.2f}%" class="{shape}"/>'


def _text(x: float, y: float, text: str, shape: str, *, dx: float = 0, dy: float = 0, anchor: str = "start") -> str:
    place = f'x="{x:.2f}%" y="{y:.2f}%" dx="{dx:g}" dy="{dy:g}" text-anchor="{anchor}"'
    return f'<text {place} class="{shape}">{escape(text)}</text>'
