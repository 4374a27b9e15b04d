"""A checkup as one Markdown file that fits a bug report and tells nothing about its user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dreamrig import __version__
from dreamrig.errors import UsageError
from dreamrig.paths import write_atomic
from provision.doctor.check import CheckVerdict, Finding
from provision.doctor.checkup import Checkup
from provision.doctor.render import describe_step, heading, show_evidence, to_text, verdict_line
from provision.facts.redact import Redactor

TITLE = "# dreamrig doctor report"
FENCE = "~~~~"


def default_name(now: datetime | None = None) -> str:
    """A name that no earlier report has."""
    return f"dreamrig-report-{now or datetime.now(UTC):%Y%m%d-%H%M%S}.md"


def write_report(path: Path, text: str) -> None:
    """Write the report; UsageError where a file that is no report stands in the way."""
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(TITLE.encode())):
        raise UsageError(f"{path} exists already, and is no report.", hint="choose another name for --report")
    write_atomic(path, text.encode())


def render_report(checkup: Checkup, redactor: Redactor) -> str:
    """The Markdown text."""
    return "\n".join(_lines(checkup, redactor)) + "\n"


def _lines(checkup: Checkup, redactor: Redactor) -> Iterator[str]:
    clean = redactor.text
    yield from (TITLE, "")
    yield f"{clean(heading(checkup.facts))}; dreamrig {__version__}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield from ("", clean(to_text(verdict_line(checkup))), "")
    yield from ("| check | verdict | found |", "|---|---|---|")
    for finding in checkup.findings:
        yield f"| {finding.check} | {finding.verdict} | {_cell(clean(finding.sentence))} |"
    for finding in checkup.findings:
        if finding.verdict not in (CheckVerdict.PASS, CheckVerdict.SKIP):
            yield from _details(finding, redactor)
    yield from ("", "## Facts", "", f"{FENCE}json", _facts(checkup, redactor), FENCE, "")
    yield "Names of users and computers, home folders, addresses, serial numbers and ids were taken out."


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def _details(finding: Finding, redactor: Redactor) -> Iterator[str]:
    yield from ("", f"## {finding.check}: {finding.verdict}", "", FENCE)
    for item in finding.evidence:
        yield _in_fence(redactor.text(f"seen   {show_evidence(item)}"))
    if finding.cause is not None:
        yield f"cause  {finding.cause}"
    for step in finding.fix:
        yield _in_fence(
            redactor.text(f"fix    {describe_step(step)}" + (f" -> {step.command}" if step.command else ""))
        )
    yield FENCE


def _in_fence(text: str) -> str:
    """No line of a program may end the block."""
    return text.replace(FENCE, "~~~ ~")


def _facts(checkup: Checkup, redactor: Redactor) -> str:
    return _in_fence(json.dumps(redactor.value(checkup.facts.to_json()), indent=1, ensure_ascii=False))
