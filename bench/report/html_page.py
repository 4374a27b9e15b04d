"""A page as one HTML document: no script, no address, nothing fetched. Opens from disk, on a phone, light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bench.claims import claims, roofline
from bench.claims.published import Published
from bench.report import svg
from bench.report.chart import PaceBar
from bench.report.details import environment_rows, table_rows, telemetry_series
from bench.report.page import Group, Page, ReportEntry
from bench.report.style import STYLE
from bench.result import figures
from dreamrig.words import duration, percent, short
from generator.stats import Interval

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(page: Page) -> str:
    """The document."""
    group, entry = page.hero
    told = figures.known_pace(entry.summary.steps_per_second, entry.summary.interval)
    title = f"{entry.name}: {told} on {group.title}"
    body = [_hero(group, entry), *(_group(one) for one in page.groups), _published(page.published)]
    body += [_problems(page.problems), READING]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
        f"<body>{svg.HATCH}<main>{''.join(body)}</main></body></html>\n"
    )


def _hero(group: Group, entry: ReportEntry) -> str:
    summary = entry.summary
    amount, unit = figures.known_pace(summary.steps_per_second, summary.interval).split(" ")
    interval = figures.pace_range(summary.interval)
    facts = [
        ("a picture", duration(summary.picture_seconds)),
        ("95 % interval", interval or "too few blocks"),
        ("blocks", str(len(entry.result.timing.blocks))),
    ]
    if entry.standing and entry.standing.share is not None:
        facts.append(("of what it can do", percent(entry.standing.share)))
    headline = f'<p class="headline">{escape(group.headline)}</p>' if group.headline else ""
    marks = _marks([verdict.word for verdict in summary.verdicts])
    tiles = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    return (
        '<header><p class="brand">dreamrig bench</p>'
        f"<h1>{escape(entry.name)}</h1><p class='pace'><b>{amount}</b> {unit}{marks}</p>"
        f"<p class='work'>{escape(group.title)} · {escape(entry.note)}</p>"
        f"{headline}<dl class='tiles'>{tiles}</dl></header>"
    )


def _group(group: Group) -> str:
    return (
        f"<section><h2>{escape(group.title)}</h2><p>{escape(group.about)} "
        f"<span class='hash'>workload {escape(group.hash)}</span></p>"
        f"{_chart(group)}{_table(group)}{_roofline(group)}{_details(group.entries)}</section>"
    )


def _chart(group: Group) -> str:
    rows = "".join(
        f'<div class="row {bar.kind}"><div class="name"><b>{escape(bar.label)}</b> <span>{escape(bar.note)}</span>'
        f'{_marks(bar.doubts)}</div>{svg.bar(bar, group.chart)}<div class="value">{_value(bar)}</div></div>'
        for bar in group.chart.bars
    )
    axis = f'<div class="row axis"><div></div>{svg.bar_axis(group.chart.axis)}<div>it/s</div></div>'
    scale = " The scale is logarithmic: each line is ten times the one before." if group.chart.axis.is_log else ""
    shown = dict.fromkeys(["measured", *(claim.kind for claim in group.claims)])
    form = " dot" if group.chart.axis.is_log else ""  # as it is drawn there: a logarithm has no zero to begin a bar at
    key = " &nbsp; ".join(f'<span class="key {kind}{form}"></span> {escape(claims.MEANING[kind])}' for kind in shown)
    return f'<figure class="bars">{rows}{axis}<figcaption>{key}.{scale}</figcaption></figure>'


def _marks(words: Iterable[str]) -> str:
    return "".join(f' <span class="mark">{escape(word)}</span>' for word in words)


def _value(bar: PaceBar) -> str:
    """The figure, and under one that is expected how far off it may be."""
    return escape(bar.text) + (f" <span>{escape(bar.reach)}</span>" if bar.reach else "")


def _table(group: Group) -> str:
    heads, rows = table_rows(group)
    used = [index for index in range(len(heads)) if any(row[index] for row in rows)]
    head = "".join(f"<th>{escape(heads[index])}</th>" for index in used)
    body = "".join("<tr>" + "".join(f"<td>{escape(row[index])}</td>" for index in used) + "</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _roofline(group: Group) -> str:
    places = [entry.standing for entry in group.entries if entry.standing]
    drawn = svg.roofline(places)
    if not places:
        return ""
    lines = "".join(f"<li>{escape(place.label)}: {escape(roofline.describe(place))}</li>" for place in places)
    note = (
        "<figcaption>The line is what a device can do at most: on the slope memory is the limit, on the flat "
        "arithmetic. Solid: measured on the device. Dashed: the maker's figures. Convolutions count as if done "
        "directly, and bytes as if nothing stayed in a cache, so that a point may come out above its line.</figcaption>"
    )
    figure = f"<figure>{drawn}{note}</figure>" if drawn else ""
    return f"<h3>How much of the device that is</h3><ul>{lines}</ul>{figure}"


def _details(entries: Sequence[ReportEntry]) -> str:
    return "<h3>Each measurement</h3>" + "".join(_detail(entry) for entry in entries)


def _detail(entry: ReportEntry) -> str:
    result = entry.result
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in environment_rows(result))
    charts = [
        _small("blocks, from zero", figures.pace_range(_range(result.step_seconds)), svg.blocks(result.step_seconds))
    ]
    for one in telemetry_series(result):
        low, high = short(min(one.values)), short(max(one.values))
        reach = low if low == high else f"{low}-{high}"
        charts.append(_small(one.label, f"{reach} {one.unit}", svg.series(one)))
    why = "".join(f"<li><b>{escape(v.word)}</b>: {escape(v.why)}</li>" for v in entry.summary.verdicts)
    remarks = f"<ul>{why}</ul>" if why else ""
    summary = f"{escape(entry.name)} <span>{escape(entry.note)}, {escape(result.created[:10])}</span>"
    return (
        f'<details><summary>{summary}</summary>{remarks}<div class="small">{"".join(charts)}</div>'
        f'<dl class="facts">{rows}</dl></details>'
    )


def _range(seconds: Sequence[float]) -> Interval:
    ordered = sorted(seconds)
    return Interval(ordered[0], ordered[len(ordered) // 2], ordered[-1])


def _small(label: str, reach: str, drawn: str) -> str:
    return f"<div><p><b>{escape(label)}</b> <span>{escape(reach)}</span></p>{drawn}</div>"


def _published(figures: Iterable[Published]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.statement)}</td><td>{escape(one.pace)}</td><td>{escape(one.conditions)}</td>"
        f"<td>{escape(one.source)}</td><td>{escape('; '.join(one.doubts))}</td></tr>"
        for one in figures
        if one.subject == "VQGAN+CLIP" and not one.memory_mib
    )
    if not rows:
        return ""
    return (
        "<section><details><summary>What others published <span>quoted, not comparable with the figures above</span>"
        "</summary><p>None of these names its GPU, its settings and its spread together. They stand here so that they "
        'can be looked up, and in no chart.</p><div class="scroll" tabindex="0"><table class="text"><thead><tr>'
        f"<th>statement</th><th>it/s</th><th>conditions</th><th>source</th><th>doubts</th></tr></thead><tbody>{rows}</tbody></table></div>"
        "</details></section>"
    )


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    lines = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f"<section><h2>Left out</h2><ul>{lines}</ul></section>"


READING = """<section class="reading"><h2>How to read this</h2>
<p>A step is one iteration: decode the latent, cut, ask CLIP, go back. it/s is one over the median time of a step; the
device is waited for only at the edges of a block of steps. The 95 % interval of that median allows for
neighbouring blocks that are alike; it speaks of this machine, on that day, and of no other card of the same name.</p>
<p>A hatched bar, on a logarithmic scale an empty circle, is no measurement. It is the datasheet's peak divided by the
least arithmetic this step can be done with, the thriftiest convolution known included; a real card stays well below its
bound. Only work with the same workload number may be compared.</p></section>"""
