"""A leaderboard as static pages: one for each workload, from nothing but the files that people handed in.

Each page stands alone: no script, no address, nothing fetched. What was measured has a row; what is only bounded stands
in a table of its own, so that none is taken for the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePosixPath

from bench.claims.claims import claims_for
from bench.compare.machines import HARMLESS, Merged, Row, Voice
from bench.report.html_page import POLICY
from bench.report.style import STYLE
from bench.result.figures import short_device
from dreamrig.words import known_digits, known_range, pace, plural

INDEX = "index.html"


def render_board(merged: Merged, files: Mapping[str, str], problems: Sequence[str] = ()) -> dict[str, str]:
    """File name -> page. files: a result's id -> where its raw file lies, as seen from the pages."""
    by_hash: dict[str, list[Row]] = defaultdict(list)
    for row in merged.rows:
        by_hash[row.hash].append(row)
    pages = {page_name(rows[0]): _page(_title(rows[0]), _workload(rows, files)) for rows in by_hash.values()}
    return {INDEX: _page("dreamrig bench: the board", _index(list(by_hash.values()), merged, problems)), **pages}


def page_name(row: Row) -> str:
    """The file of a workload's page."""
    return f"{row.workload}-{row.profile}-{row.hash[:8]}.html"


def _title(row: Row) -> str:
    return f"{row.workload}, {row.profile}"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body><main>"
        f'<header><p class="brand">dreamrig bench</p><h1>{escape(title)}</h1></header>{body}</main></body></html>\n'
    )


def _index(groups: Sequence[Sequence[Row]], merged: Merged, problems: Sequence[str]) -> str:
    rows = [
        [
            _link(page_name(rows[0]), _title(rows[0])),
            plural(sum(len(row.voices) for row in rows), "machine"),
            _best(rows),
        ]
        for rows in groups
    ]
    left_out = [*merged.impossible, *problems]
    told = "".join(f"<li>{escape(problem)}</li>" for problem in left_out)
    note = "<p>it/s are steps per second; only machines that ran the same work stand in one table.</p>"
    body = f"<section>{note}{_table(['workload', 'machines', 'fastest'], rows)}</section>"
    return body + (f"<section><h2>Left out</h2><ul>{told}</ul></section>" if told else "")


def _best(rows: Sequence[Row]) -> str:
    best = max(rows, key=lambda row: row.median)
    return escape(f"{short_device(best.device)}, {pace(best.median, *best.known)}")


def _workload(rows: Sequence[Row], files: Mapping[str, str]) -> str:
    heads = ["device", "it/s, median", "from, to", "machines", "remarks", "files"]
    measured = _table(heads, [_measured_row(row, files) for row in rows])
    return (
        f'<p class="work">workload {escape(rows[0].hash)} · {_link(INDEX, "all workloads")}</p>'
        f"<section><h2>Measured</h2>{measured}<p>Each machine counts once, however many files it sent; machines with a "
        f"remark count only where no other measured the same card, but for {', '.join(sorted(HARMLESS))}.</p></section>"
        f"{_not_measured(rows)}"
    )


def _measured_row(row: Row, files: Mapping[str, str]) -> list[str]:
    counted = f"{len(row.counted)} of {len(row.voices)}" if len(row.counted) < len(row.voices) else str(len(row.voices))
    remarks = ", ".join(f"{word} {number}" for word, number in row.words.items())
    return [
        escape(f"{short_device(row.device)} ({row.effort})"),
        escape(known_digits(row.median, *row.known)),
        escape(known_range(*row.reach)) if row.reach[0] < row.reach[1] else "",
        escape(counted),
        escape(remarks),
        " ".join(_files(voice, files) for voice in row.voices),
    ]


def _files(voice: Voice, files: Mapping[str, str]) -> str:
    known = [(result.id, files[result.id]) for result in voice.results if result.id in files]
    return " ".join(_link(file, id_[:8]) for id_, file in known)


def _not_measured(rows: Sequence[Row]) -> str:
    """Colab's GPUs that nobody measured."""
    results = [result for row in rows for voice in row.voices for result in voice.results]
    claims = [claim for claim in claims_for(results[0], results) if claim.measured is None]
    if not claims:
        return ""
    cells = [[escape(claim.name), escape(claim.figure + claim.reach), claim.kind] for claim in claims]
    return (
        f"<section><h2>Not measured yet</h2>{_table(['GPU of Colab', 'it/s', 'kind'], cells)}<p>A bound is what a "
        "datasheet does not allow to be exceeded; a real card stays well below it. What is expected comes from other "
        "people's networks, with its error.</p></section>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Heads as text, cells as HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _link(address: str, text: str) -> str:
    """A link to a file beside the pages, never to another place."""
    path = PurePosixPath(address)
    if path.is_absolute() or ":" in address or "\\" in address:
        return escape(text)
    return f'<a href="{escape(address)}">{escape(text)}</a>'
