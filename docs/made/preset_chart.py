"""The chart of the presets' curves: an SVG with one panel for each measure. Standard library alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555")
"""Of Okabe and Ito, told apart by colour-blind readers too."""
PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, GAP, BOTTOM = 380, 260, 56, 40, 70, 70
MOST_TICKS = 8

Curve = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class ChartPanel:
    """One measure of all presets."""

    title: str
    curves: Mapping[str, Sequence[Curve]]
    """Preset -> one curve for each seed, all over the same steps."""

    @property
    def top(self) -> float:
        """The highest value."""
        return max(value for curves in self.curves.values() for curve in curves for _, value in curve)

    @property
    def last_step(self) -> int:
        """The last step of the longest curve."""
        return max(step for curves in self.curves.values() for curve in curves for step, _ in curve)


def panels_of(record: Mapping[str, Any]) -> list[ChartPanel]:
    """What the whole picture's distance was, and what each preset's own loss was."""
    runs = {name: facts["runs"] for name, facts in record["presets"].items()}
    whole = {name: [[(step, value) for step, value in run["whole_picture"]] for run in of] for name, of in runs.items()}
    own = {name: [list(enumerate(run["loss"])) for run in of] for name, of in runs.items()}
    return [ChartPanel("the whole picture’s distance to the prompt", whole), ChartPanel("the preset’s own loss", own)]


def band(curves: Sequence[Curve]) -> list[tuple[int, float, float, float]]:
    """Per step the lowest, the mean and the highest value over the seeds."""
    rows = []
    for points in zip(*curves, strict=True):
        values = [value for _, value in points]
        rows.append((points[0][0], min(values), sum(values) / len(values), max(values)))
    return rows


def render_chart(record: Mapping[str, Any]) -> str:
    """The SVG document."""
    panels = panels_of(record)
    width = LEFT + len(panels) * (PANEL_WIDTH + GAP)
    height = TOP + PANEL_HEIGHT + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        'font-family="sans-serif" font-size="12" fill="#222">',
        f"<title>{len(record['presets'])} presets, {record['side']}x{record['side']}, starter networks</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(_render_panel(panel, LEFT + number * (PANEL_WIDTH + GAP)))
    parts += [_legend(index, name) for index, name in enumerate(record["presets"])]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _render_panel(panel: ChartPanel, left: int) -> str:
    def place(step: float, value: float) -> str:
        return f"{left + PANEL_WIDTH * step / panel.last_step:.1f},{_height(value, panel.top):.1f}"

    parts = [f'<text x="{left}" y="{TOP - 16}" font-size="14">{panel.title}</text>', _axes(panel, left)]
    for colour, curves in zip(COLOURS, panel.curves.values(), strict=True):
        rows = band(curves)
        edge = [place(step, low) for step, low, _, _ in rows] + [place(step, high) for step, _, _, high in rows[::-1]]
        middle = " ".join(place(step, mean) for step, _, mean, _ in rows)
        parts.append(f'<polygon points="{" ".join(edge)}" fill="{colour}" fill-opacity="0.15"/>')
        parts.append(f'<polyline points="{middle}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "\n".join(parts)


def _height(value: float, top: float) -> float:
    return TOP + PANEL_HEIGHT * (1 - value / top)


def _axes(panel: ChartPanel, left: int) -> str:
    lines = []
    for value in round_ticks(panel.top):
        y = _height(value, panel.top)
        lines.append(f'<line x1="{left}" x2="{left + PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for step in round_ticks(panel.last_step):
        x = left + PANEL_WIDTH * step / panel.last_step
        lines.append(f'<text x="{x:.1f}" y="{TOP + PANEL_HEIGHT + 18}" text-anchor="middle">{step:g}</text>')
    middle = left + PANEL_WIDTH / 2
    lines.append(f'<text x="{middle:.1f}" y="{TOP + PANEL_HEIGHT + 34}" text-anchor="middle">step</text>')
    return "\n".join(lines)


def round_ticks(top: float) -> list[float]:
    """Round numbers from 0 to at most `top`: multiples of 1, 2 or 5 times a power of ten, three to MOST_TICKS."""
    power = 10.0 ** math.floor(math.log10(top))
    apart = next(power * size for size in (0.1, 0.2, 0.5, 1.0, 2.0) if top / (power * size) < MOST_TICKS)
    return [round(apart * number, 10) for number in range(int(top / apart) + 1)]


def _legend(index: int, name: str) -> str:
    x, y = LEFT + index * 150, TOP + PANEL_HEIGHT + 56
    return (
        f'<line x1="{x}" x2="{x + 24}" y1="{y - 4}" y2="{y - 4}" stroke="{COLOURS[index]}" stroke-width="3"/>'
        f'<text x="{x + 30}" y="{y}">{name}</text>'
    )
