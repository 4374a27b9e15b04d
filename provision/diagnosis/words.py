"""A report of `dreamrig diagnose` as text of 80 columns: values in, lines with a style out."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from provision.diagnosis.board import Board, UnknownBoard
from provision.diagnosis.codes import DecodedCode
from provision.diagnosis.diagnose import CONFIRMED, LIKELY, RULED_OUT, Diagnosis, Report

COLUMNS = 80
SHOWN_WHOLE = 3
PLACES = {
    "windows": "on Windows",
    "wsl": "inside WSL",
    "linux": "in Linux",
    "firmware": "in the firmware set-up",
    "host": "on the host of this virtual machine",
}
STYLES = {CONFIRMED: "bold red", LIKELY: "bold yellow", RULED_OUT: "dim"}


class Line(NamedTuple):
    """A line of the answer, and the style it has on a terminal."""

    text: str
    style: str = ""


def render(
    report: Report, board: Board | UnknownBoard | None, *, has_facts: bool, show_all: bool = False
) -> list[Line]:
    """The whole answer. board: of the user, as far as it is known, for steps in the firmware."""
    found = [diagnosis for diagnosis in report.diagnoses if diagnosis.verdict != RULED_OUT]
    remaining = [diagnosis for diagnosis in found if diagnosis.explains] or found
    aside = [diagnosis for diagnosis in found if diagnosis not in remaining]
    ruled_out = [diagnosis for diagnosis in report.diagnoses if diagnosis.verdict == RULED_OUT]
    whole = len(remaining) if show_all else _count_whole(remaining)
    lines = [] if remaining else list(_tell_nothing(report))
    for number, diagnosis in enumerate(remaining[:whole], 1):
        remark = report.remarks.get(diagnosis.cause.slug, "")
        lines += [*_render_diagnosis(diagnosis, number, board, remark), Line("")]
    lines += _brief("Also possible:" if whole else "Possible:", remaining[whole:])
    lines += _brief("The text does not say so, but the facts do:", aside)
    if show_all:
        lines += _brief("Ruled out by the facts:", ruled_out)
    elif ruled_out:
        lines += [Line(f"Ruled out by the facts: {len(ruled_out)} (--all shows them).", "dim"), Line("")]
    lines += _render_codes([code for code in report.codes if show_all or not code.in_knowledge_base])
    lines += _render_next(report, has_facts=has_facts)
    lines += [Line(f"note: {note}", "dim") for note in report.notes]
    while lines and not lines[-1].text:
        lines.pop()
    return lines


def _count_whole(remaining: Sequence[Diagnosis]) -> int:
    """How many are told with all their steps: everything confirmed, and the first three in any case."""
    confirmed = sum(diagnosis.verdict == CONFIRMED for diagnosis in remaining)
    return confirmed or min(SHOWN_WHOLE, len(remaining))


def _tell_nothing(report: Report) -> Iterator[Line]:
    """What a text is about that no cause fits, the line in it that matters, and what to try."""
    yield Line("No cause in the knowledge base fits.", "bold")
    about = report.unexplained
    if about is not None and about.line is None:
        yield Line("Nothing in this text looks like an error.")
    elif about is not None:
        subject = f"It is about {about.subject.name}; the" if about.subject else "The"
        yield from _wrapped(f'{subject} line that matters is: "{about.line}"', "", "   ")
        if about.subject:
            yield from _wrapped(f"To try: {about.subject.advice}.", "", "   ")
    yield Line("")


def _render_diagnosis(
    diagnosis: Diagnosis, number: int, board: Board | UnknownBoard | None, remark: str = ""
) -> Iterator[Line]:
    yield from _wrapped(
        f"{number}. {diagnosis.verdict.upper()}: {diagnosis.cause.title}",
        "",
        "   ",
        STYLES.get(diagnosis.verdict, "bold"),
    )
    yield from _wrapped(f"({diagnosis.cause.slug})", "   ", "   ", "dim")
    yield from _wrapped(diagnosis.cause.explanation, "   ", "   ")
    if remark:
        yield from _wrapped(remark, "   ", "   ", "bold")
    for told in dict.fromkeys(map(_tell_evidence, diagnosis.evidence)):  # one line may match in several ways
        yield from _wrapped(told, "   because ", "           ", "dim")
    steps = diagnosis.cause.document.get("fix") or ()
    if diagnosis.cause.effect == "harmless" and not steps:
        yield Line("   Nothing needs fixing.")
    for index, step in enumerate(steps, 1):
        more = _tell_board(board, diagnosis) if step.get("where") == "firmware" else ()
        yield from _render_step(step, index, more)


def _tell_evidence(item: Mapping[str, Any]) -> str:
    if item["kind"] == "fact":
        return f"{item['fact']} is {tell_value(item['value'])}"
    return f'the text says "{item["line"]}"'


def tell_value(value: Any) -> str:
    """A fact's value in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "empty"
    return str(value) or "empty"


def _tell_board(board: Board | UnknownBoard | None, diagnosis: Diagnosis) -> Sequence[str]:
    return () if board is None else board.lines(no_execute="nx" in diagnosis.cause.slug.split("-"))


def _render_step(step: Mapping[str, Any], index: int, more: Sequence[str]) -> Iterator[Line]:
    """A step; more: sentences about it that are this machine's own."""
    marks = [PLACES.get(str(step.get("where")), "")]
    marks += ["as administrator"] if step.get("needs_admin") else []
    marks += ["then restart"] if step.get("needs_restart") else []
    yield from _wrapped(f"{step['text']} [{', '.join(filter(None, marks))}]", f"   {index:>2}. ", "       ")
    for told in more:
        yield from _wrapped(told, "       * ", "         ")
    if step.get("command"):
        yield from (Line(f"           {line}", "bold") for line in str(step["command"]).splitlines())
    if step.get("risk"):
        yield from _wrapped(str(step["risk"]), "       careful: ", "       ")
    if step.get("undo"):
        yield from _render_undo(str(step["undo"]))


def _render_undo(undo: str) -> Iterator[Line]:
    """A sentence is wrapped, a command is left whole."""
    if undo.endswith("."):
        yield from _wrapped(undo, "       to undo: ", "       ", "dim")
    else:
        yield Line(f"       to undo: {undo}", "dim")


def _brief(title: str, diagnoses: Sequence[Diagnosis]) -> Iterator[Line]:
    """One line each."""
    if not diagnoses:
        return
    yield Line(title, "bold")
    for diagnosis in diagnoses:
        yield from _wrapped(f"{diagnosis.cause.title} ({diagnosis.cause.slug})", "   - ", "     ")
        tells_facts = diagnosis.verdict == RULED_OUT or not diagnosis.explains
        facts = [item for item in diagnosis.evidence if item["kind"] == "fact" and tells_facts]
        for item in facts[:2]:
            yield from _wrapped(_tell_evidence(item), "     because ", "     ", "dim")
    yield Line("")


def _render_codes(codes: Sequence[DecodedCode]) -> Iterator[Line]:
    for code in codes:
        names = [text for text in (code.hex, code.name) if text] or [code.shown]
        known = "" if code.in_knowledge_base else " It is not in the knowledge base."
        yield from _wrapped(
            f"{' = '.join(names)}: {code.meaning or 'no number is known for this name.'}{known}", "", "   "
        )
    if codes:
        yield Line("")


def _render_next(report: Report, *, has_facts: bool) -> Iterator[Line]:
    query = report.next_query
    if query is not None:
        admin = " as administrator" if query.needs_admin else ""
        place = PLACES.get(str(query.document.get("where")), "")
        yield from _wrapped(f"To tell what it is, run this next, {place}{admin}:", "", "", "bold")
        yield from (Line(f"    {line}", "bold") for line in str(query.document["command"]).splitlines())
        if query.document.get("reading"):
            yield from _wrapped(f"and look for: {query.document['reading']}", "", "   ")
        yield Line("")
    if not has_facts and report.found:
        yield from _wrapped("`dreamrig doctor` looks at Windows, WSL, the GPU and PyTorch by itself.", "", "", "dim")


def _wrapped(text: str, first: str, rest: str, style: str = "") -> Iterator[Line]:
    wrapper = textwrap.TextWrapper(
        COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
    lines = wrapper.wrap(" ".join(text.split()))
    yield from (Line(line, style) for line in lines)
