"""docs/features.md: what the programs of this family can do, who can, how to ask for it here, which test says so.

`python -m docs.made.features` writes it anew from features.json; a test keeps it current and true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS = Path(__file__).with_name("features.json")
PAGE = Path(__file__).parents[1] / "features.md"
INTRODUCTION = """\
# Features

What the programs of the VQGAN+CLIP family can do, and what of it dreamrig does. A flag stands for `dreamrig generate`
with that flag, words in quotation marks for a prompt. Each row of the tables names a test; `./rig test PROOF` runs it.
What has none, and what is missing, stands at the end.

CK is Katherine Crowson's notebook, AD the notebook of the Adafruit guide, NR nerdyrodent, RKH rkhamilton, EAI
EleutherAI, TN tnwei, PIX pixray, KC kcosta42, FF the feed-forward model of mehdidc, T2A text2art, ZC zecloud, BS
big-sleep, DD deep-daze, MK MattKevan; C is the notebook of the preset pooling. They were read in their public sources;
"none" means that it was found in none of them. A proof says that the thing does what it should on small networks; the
published weights themselves have not been at hand.

This page is made from `docs/made/features.json` by `python -m docs.made.features`.
"""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One row."""

    feature: str
    peers: str
    """Who has it, in short."""
    ours: tuple[str, ...]
    """Flags of `dreamrig generate`, whole commands, or prompts in quotation marks; none = not there."""
    proof: str | None
    """The pytest node that would fail without it."""
    remark: str = ""


def read_features() -> dict[str, list[Feature]]:
    """Heading -> rows, in the order of features.json."""
    sections = json.loads(ROWS.read_text(encoding="utf-8"))
    return {
        heading: [Feature(**{**row, "ours": tuple(row["ours"])}) for row in rows] for heading, rows in sections.items()
    }


def render_page() -> str:
    """The page as text."""
    sections = read_features()
    every = [row for rows in sections.values() for row in rows]
    parts = [INTRODUCTION]
    for heading, rows in sections.items():
        parts.append(_render_table(heading, [row for row in rows if row.ours and row.proof]))
    parts.append(_render_rest("There, without a test", [row for row in every if row.ours and not row.proof]))
    parts.append(_render_rest("Not there", [row for row in every if not row.ours]))
    return "\n".join(part for part in parts if part)


def _render_table(heading: str, rows: Sequence[Feature]) -> str:
    if not rows:
        return ""
    lines = [f"## {heading}\n", "| feature | peers | here | proof |", "|---|---|---|---|"]
    lines += [f"| {_words(row)} | {row.peers} | {_ours(row)} | `{row.proof}` |" for row in rows]
    return "\n".join(lines) + "\n"


def _render_rest(heading: str, rows: Sequence[Feature]) -> str:
    if not rows:
        return ""
    lines = [f"## {heading}\n", "| feature | peers | here |", "|---|---|---|"]
    lines += [f"| {_words(row)} | {row.peers} | {_ours(row) or '–'} |" for row in rows]
    return "\n".join(lines) + "\n"


def _words(row: Feature) -> str:
    return in_cell(f"{row.feature} ({row.remark})" if row.remark else row.feature)


def _ours(row: Feature) -> str:
    return ", ".join(f"`{in_cell(one)}`" for one in row.ours)


def in_cell(text: str) -> str:
    """A bar inside a table's cell is written with a backslash, in code too."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
