"""The lines of a proof: what was looked at, what was found, the verdict; as values, and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamrig.words import plural
from generator.front.prove.bands import SAME, BandComparison, ProofVerdict
from generator.front.prove.subjects import FULL_SIZE_SUBJECT, ProofSubject
from generator.presets import PRESETS
from generator.weights import registry
from generator.weights.registry import Entry
from generator.weights.store import verify_model

SHOWN_DIGITS = 12
"""Of a SHA-256, for people."""
FIRST_FILE = (
    "Not compared: {them}. Nobody has sent or told what they should be so far, so that this proves nothing about them. "
    "Your file will be the first."
)

RECORDED = "This machine computes what was recorded: {them}."
MORE = "The networks of full size as well: dreamrig prove"
DIFFERENT = "A line differs: what was found or drawn here is not what was recorded."


@dataclass(frozen=True, kw_only=True)
class ProofLine:
    """One thing that was looked at."""

    subject: str
    what: str
    """A network, or a preset."""
    found: str
    verdict: ProofVerdict


def starter_line(subject: ProofSubject, sha256: str, recorded: str | None) -> ProofLine:
    """The shipped networks: every file was checked against its manifest on loading; are they the recorded ones?"""
    if recorded is None:
        return ProofLine(subject=subject.name, what="weights", found=_sha(sha256), verdict=ProofVerdict.NOT_RECORDED)
    same = sha256 == recorded
    found = f"{_sha(sha256)}, {'as' if same else 'not as'} recorded"
    verdict = ProofVerdict.HOLDS if same else ProofVerdict.DIFFERS
    return ProofLine(subject=subject.name, what="weights", found=found, verdict=verdict)


def network_line(subject: ProofSubject, entry: Entry, base: Path | None) -> tuple[ProofLine, dict[str, Any]]:
    """A published network: its file read through once more, and whether what it was made of is what was published.

    Also its hashes, for the file. MissingWeightsError where it is not here, or is damaged.
    """
    folder = registry.folder_of(entry.name, base).parent
    facts = verify_model(entry, folder)
    known = {source.sha256 for source in entry.sources} - {None}
    if facts.is_published:
        words, verdict = "as published", ProofVerdict.HOLDS
    elif known:
        words, verdict = "not one that was published", ProofVerdict.DIFFERS
    else:
        words, verdict = "its publisher tells none", ProofVerdict.NOT_RECORDED
    found = f"file whole; original {_sha(facts.original_sha256)}, {words}"
    hashes = {"sha256": facts.sha256, "original_sha256": facts.original_sha256, "is_published": facts.is_published}
    return ProofLine(subject=subject.name, what=entry.name, found=found, verdict=verdict), hashes


def preset_line(subject: ProofSubject, preset: str, compared: Sequence[BandComparison]) -> ProofLine:
    """All curves of one preset: it holds where every one does."""
    curves, found = plural(len(compared), "curve"), _first_reason(compared)
    verdicts = {one.verdict for one in compared}
    if ProofVerdict.DIFFERS in verdicts:
        verdict = ProofVerdict.DIFFERS
    elif ProofVerdict.NOT_RECORDED in verdicts:
        verdict = ProofVerdict.NOT_RECORDED
    else:
        verdict, found = ProofVerdict.HOLDS, _nearness(compared)
    return ProofLine(subject=subject.name, what=preset, found=f"{curves}: {found}", verdict=verdict)


def _first_reason(compared: Sequence[BandComparison]) -> str:
    by_weight = sorted(compared, key=lambda one: one.verdict is not ProofVerdict.DIFFERS)
    return by_weight[0].why


def _nearness(compared: Sequence[BandComparison]) -> str:
    distances = [one.farthest for one in compared if one.farthest is not None]
    if len(distances) == len(compared) and max(distances) <= SAME:
        return "the recorded ones"
    outside = sum(one.outside for one in compared)
    far = f", at most {max(distances):.3f} from the recorded" if distances else ""
    but = f" but for {plural(outside, 'step')}" if outside else ""
    return f"within the band{but}{far}"


def _sha(sha256: str) -> str:
    return f"SHA-256 {sha256[:SHOWN_DIGITS]}…"


def verdict_of(lines: Sequence[ProofLine]) -> ProofVerdict:
    """Of the whole: differs where a line does; holds where all do; where only some were compared, holds in part."""
    verdicts = {line.verdict for line in lines}
    if ProofVerdict.DIFFERS in verdicts:
        return ProofVerdict.DIFFERS
    if verdicts == {ProofVerdict.HOLDS, ProofVerdict.NOT_RECORDED}:
        return ProofVerdict.IN_PART
    return ProofVerdict.HOLDS if verdicts == {ProofVerdict.HOLDS} else ProofVerdict.NOT_RECORDED


def tell_verdicts(lines: Sequence[ProofLine]) -> str:
    """What was compared and what was not, e.g. "files of starter hold; curves of starter were not compared"."""
    said = {
        ProofVerdict.DIFFERS: "differ",
        ProofVerdict.HOLDS: "hold",
        ProofVerdict.NOT_RECORDED: "were not compared",
    }
    found = {words: things_of(lines, verdict) for verdict, words in said.items()}
    return "; ".join(f"{things} {words}" for words, things in found.items() if things)


def things_of(lines: Sequence[ProofLine], verdict: ProofVerdict) -> str:
    """The files and the curves that got this verdict, by subject; "" where none did."""
    groups: dict[str, list[ProofLine]] = {}
    for line in lines:
        thing = "curves" if line.what in PRESETS else "files"
        groups.setdefault(f"{thing} of {line.subject}", []).append(line)
    return ", ".join(filter(None, (_named(thing, group, verdict) for thing, group in groups.items())))


def _named(thing: str, group: Sequence[ProofLine], verdict: ProofVerdict) -> str:
    """The thing, and which parts of it where only some got this verdict; "" where none did."""
    got = [line.what for line in group if line.verdict is verdict]
    which = "" if len(got) == len(group) else f" ({', '.join(got)})"
    return f"{thing}{which}" if got else ""


def render_lines(lines: Sequence[ProofLine], columns: int) -> str:
    """A row a line, what was found folded where a terminal is narrow."""
    wide = [
        max(len(text) for text in column) for column in zip(*((one.subject, one.what) for one in lines), strict=True)
    ]
    last = max(len(line.verdict) for line in lines)
    room = max(20, columns - sum(wide) - last - 6)
    rows = []
    for line in lines:
        first, *rest = textwrap.wrap(line.found, room)
        rows.append(f"{line.verdict:<{last}}  {line.subject:<{wide[0]}}  {line.what:<{wide[1]}}  {first}")
        rows += [f"{'':<{last + sum(wide) + 6}}{more}" for more in rest]
    return "\n".join(rows)


def closing(lines: Sequence[ProofLine], columns: int) -> str:
    """What the verdict means, and what to do with the file."""
    differs = any(line.verdict is ProofVerdict.DIFFERS for line in lines)
    waiting = things_of(lines, ProofVerdict.NOT_RECORDED)
    said = [DIFFERENT] if differs else []
    if waiting:
        said.append(FIRST_FILE.format(them=waiting))
    if differs or waiting:
        said.append("Please send the file: attach it to an issue.")
        said += ["What is wrong here: dreamrig doctor"] if differs else []
    else:
        said.append(RECORDED.format(them=things_of(lines, ProofVerdict.HOLDS)))
        said += [] if any(line.subject == FULL_SIZE_SUBJECT.name for line in lines) else [MORE]
    return textwrap.fill(" ".join(said), columns)
