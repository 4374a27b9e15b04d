"""A checkup and facts as lines for people: the same on a terminal, where rich colours them, and in a pipe."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from provision.doctor.check import CheckVerdict, DoctorCheck, Evidence, Finding, FixStep
from provision.doctor.checks import CHECKS, SECTIONS
from provision.doctor.checkup import DRAW, Checkup
from provision.facts.facts import HALVES, Facts
from provision.show import Line

STYLES = {
    CheckVerdict.PASS: "green",
    CheckVerdict.WARN: "bold yellow",
    CheckVerdict.FAIL: "bold red",
    CheckVerdict.SKIP: "dim",
    CheckVerdict.CRASH: "bold magenta",
}
PLACES = {"windows": "Windows", "wsl": "WSL", "linux": "Linux", "colab": "Google Colab", "other": "this system"}
WHERE = {
    "windows": "on Windows",
    "wsl": "in WSL",
    "firmware": "in the firmware",
    "host": "on the host",
    "colab": "in Colab",
}
NAME_WIDTH = max(len(check.name) for check in CHECKS)
INDENT = 7
VALUE_LIMIT = 400


def plain(text: str = "", style: str = "") -> Line:
    """One line of one style."""
    return ((text, style),)


def to_text(line: Line) -> str:
    """The line without styles."""
    return "".join(piece for piece, _ in line).rstrip()


def render_checkup(checkup: Checkup, width: int = 80) -> Iterator[Line]:
    """The whole visit: where it was, the links by section, what is broken in detail, and the next step last."""
    yield plain(heading(checkup.facts), "bold")
    by_name = {finding.check: finding for finding in checkup.findings}
    causes = {told["cause"]: f"{told['title']} ({told['cause']}, {told['verdict']})" for told in checkup.diagnoses}
    for title, checks in SECTIONS:
        findings = [by_name[check.name] for check in checks if check.name in by_name]
        if findings:
            yield plain()
            yield plain(title, "bold")
            yield from _section(findings, causes, width)
    yield plain()
    yield verdict_line(checkup)


def heading(facts: Facts) -> str:
    """Which machine this is, in one line."""
    parts = [_place(facts)] if facts.place != "windows" or facts.get("windows.build") is None else []
    build = facts.get("windows.build")
    if build is not None:
        parts.append(f"Windows {'11' if build >= 22000 else '10'} build {build}")
    gpu = facts.get("cuda.gpu_name") or next(iter(facts.get("windows.nvidia_gpus") or ()), None)
    return "dreamrig doctor: " + ", ".join([*parts, *([gpu] if gpu else [])])


def _place(facts: Facts) -> str:
    name = PLACES[facts.place]
    if facts.place == "wsl" and facts.get("linux.wsl_version"):
        name = f"WSL {facts.get('linux.wsl_version')}"
    distribution = facts.get("linux.distribution")
    return f"{name} ({distribution})" if distribution and facts.place in ("wsl", "linux") else name


def _section(findings: Sequence[Finding], causes: Mapping[str, str], width: int) -> Iterator[Line]:
    """Findings in order; neighbours that were skipped for one reason stand on one line."""
    for (_, together), group in groupby(findings, key=_group_key):
        members = list(group)
        if together:
            yield from _row(members[0], ", ".join(member.check for member in members), width)
            continue
        for member in members:
            yield from _row(member, "", width)
            yield from _details(member, causes, width)


def _group_key(finding: Finding) -> tuple[str, bool]:
    together = finding.verdict is CheckVerdict.SKIP
    return (finding.sentence if together else finding.check), together


def _row(finding: Finding, names: str, width: int) -> Iterator[Line]:
    verdict = (f"{finding.verdict:<5}  ", STYLES[finding.verdict])
    if names:
        first, *rest = textwrap.wrap(f"{names}: {_as_clause(finding.sentence)}", max(width - INDENT, 30))
        yield (verdict, (first, "dim"))
        yield from (plain(" " * INDENT + each, "dim") for each in rest)
        return
    column = INDENT + NAME_WIDTH + 2
    first, *rest = textwrap.wrap(finding.sentence, max(width - column, 30)) or [""]
    yield (verdict, (f"{finding.check:<{NAME_WIDTH}}  ", "" if finding.broken else "dim"), (first, ""))
    yield from (plain(" " * column + each) for each in rest)


def _as_clause(sentence: str) -> str:
    """ "Needs cuda-init." -> "needs cuda-init": the sentence behind a colon."""
    text = sentence.rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _details(finding: Finding, causes: Mapping[str, str], width: int) -> Iterator[Line]:
    """Evidence, cause and fix of a finding that is no PASS and no SKIP."""
    if finding.verdict in (CheckVerdict.PASS, CheckVerdict.SKIP):
        return
    for item in finding.evidence:
        yield from _labelled("seen", show_evidence(item), width, "dim")
    if finding.cause is not None:
        yield from _labelled("cause", causes.get(finding.cause, finding.cause), width, "")
    for number, step in enumerate(finding.fix, start=1):
        yield from _labelled(f"fix {number}" if len(finding.fix) > 1 else "fix", describe_step(step), width, "")
        if step.command:
            yield (((" " * (INDENT + 9)), ""), (step.command, "bold cyan"))  # never wrapped: it is copied
        if step.risk:
            yield from _labelled("", f"(careful: {step.risk})", width, "yellow")


def _labelled(label: str, text: str, width: int, style: str) -> Iterator[Line]:
    column = INDENT + 7
    lines = textwrap.wrap(text, max(width - column, 30), break_on_hyphens=False) or [""]
    yield ((" " * INDENT, ""), (f"{label:<7}", "dim"), (lines[0], style))
    yield from (plain(" " * column + each, style) for each in lines[1:])


def describe_step(step: FixStep) -> str:
    """The step's text, where it is done, and what it takes."""
    notes = [WHERE[step.where]] if step.where in WHERE else []
    if step.needs_admin and step.where != "firmware":
        notes.append("as administrator" if step.where == "windows" else "with administrator's rights")
    if step.needs_restart:
        notes.append("a restart follows")
    return f"{step.text} [{', '.join(notes)}]" if notes else step.text


def show_evidence(item: Evidence) -> str:
    """One piece of evidence in one line."""
    match item["kind"]:
        case "fact":
            return f"{item['fact']} = {show_value(item['value'])}"
        case "unknown":
            return f"{item['fact']} is not known ({item['reason']})"
        case _:
            return f'"{_short(str(item["line"]).strip())}"'


def show_value(value: Any) -> str:
    """A fact as JSON has it, cut where it is long."""
    return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 3] + "..."


def verdict_line(checkup: Checkup) -> Line:
    """The last line: the first broken link, and the one thing to do next."""
    first, warning, step = checkup.first_broken, checkup.first_warning, checkup.next_step
    if first is not None:
        head, style = f"First broken link: {first.check}. ", STYLES[first.verdict]
    elif checkup.unanswered:
        names = ", ".join(each.check for each in checkup.unanswered)
        head, style = f"Could not be looked at: {names}. ", STYLES[CheckVerdict.WARN]
    elif warning is not None:
        head, style = f"No link is broken. Worth a look: {warning.check}. ", STYLES[CheckVerdict.WARN]
    else:
        head, style, step = _good_news(checkup), STYLES[CheckVerdict.PASS], DRAW
    if step is None:
        return ((head.rstrip(), style),)
    text = describe_step(step)
    return (
        (head, style),
        (f"Next: {text.rstrip('.')}", ""),
        *([(": ", ""), (step.command, "bold cyan")] if step.command else []),
    )


def _good_news(checkup: Checkup) -> str:
    """What may be said where nothing is broken and nothing is to be done."""
    skipped = [each for each in checkup.findings if each.verdict is CheckVerdict.SKIP]
    untold = sum(each.blocked_by is None and not each.unused for each in skipped)
    if untold:
        return f"No broken link was found; {untold} could not be looked at. "
    has_warning = any(each.verdict is CheckVerdict.WARN for each in checkup.findings)
    return "No link is broken. " if has_warning else "Every link holds. "


# ---- facts, and the list of checks ---------------------------------------------------------------------------------


def render_facts(facts: Facts) -> Iterator[Line]:
    """Every fact as `dotted.path = value`, then what is not known and why."""
    yield plain(f"place = {show_value(facts.place)}")
    for half in HALVES:
        for path, value in _leaves(facts.document.get(half), half):
            if value is not None:
                yield ((path, ""), (" = ", "dim"), (show_value(value), "cyan"))
    unknown = facts.document.get("unknown") or {}
    if unknown:
        yield plain()
        yield plain("Not known:", "bold")
    for path, reason in unknown.items():
        yield ((f"  {path}", ""), (f"  {reason}", "dim"))


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}")
    elif node is not None:
        yield path, node


def render_list(place: str) -> Iterator[Line]:
    """Every check with its question, in fixing order: those for this place, then the others."""
    yield from (((f"{each.name:<{NAME_WIDTH}}  ", "bold"), (each.asks, "")) for each in CHECKS if place in each.places)
    others: dict[tuple[str, ...], list[DoctorCheck]] = {}
    for each in CHECKS:
        if place not in each.places:
            others.setdefault(tuple(each.places), []).append(each)
    for places, group in others.items():
        yield plain()
        yield plain(f"Only on {' and '.join(PLACES[name] for name in places)}:", "bold")
        yield from (((f"{each.name:<{NAME_WIDTH}}  ", ""), (each.asks, "dim")) for each in group)
