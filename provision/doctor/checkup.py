"""One visit to the doctor: choose checks, run them, explain what they found, say what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dreamrig.errors import EXIT_GOOD, EXIT_NOT_READY, EXIT_PROBLEM_FOUND, RigError, UsageError
from provision.doctor.check import CheckVerdict, DoctorCheck, FactReader, Finding, FixStep
from provision.doctor.run_checks import LIMIT_SECONDS, run_checks
from provision.facts.facts import Facts
from provision.facts.survey import Survey
from provision.machine.machine import Machine

DRAW = FixStep("Draw a picture.", 'dreamrig generate "sunset over the sea"')
WHOLE_CHAIN = FixStep("Follow the whole chain.", "dreamrig doctor")


@dataclass(frozen=True)
class Checkup:
    """Everything that a visit found."""

    facts: Facts
    findings: tuple[Finding, ...]
    diagnoses: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    """Talk for standard error."""
    asked: tuple[str, ...] = ()
    """The checks that somebody named: to skip one of these is no answer."""

    @property
    def place(self) -> str:
        """windows, wsl, linux, colab or other."""
        return self.facts.place

    @property
    def first_broken(self) -> Finding | None:
        """The first link that is broken, in fixing order."""
        return next((finding for finding in self.findings if finding.broken), None)

    @property
    def first_warning(self) -> Finding | None:
        """The first warning that something can be done about."""
        warnings = (finding for finding in self.findings if finding.verdict is CheckVerdict.WARN)
        return next((finding for finding in warnings if any(step.can_be_done for step in finding.fix)), None)

    @property
    def unanswered(self) -> tuple[Finding, ...]:
        """What somebody asked for by name and was skipped."""
        return tuple(each for each in self.findings if each.verdict is CheckVerdict.SKIP and each.check in self.asked)

    @property
    def next_step(self) -> FixStep | None:
        """The one thing to do next: about the first broken link, what was not answered, or the first warning."""
        if self.first_broken is None and self.unanswered:
            need = self.unanswered[0].blocked_by
            return FixStep("Look there.", f"dreamrig doctor --check {need}") if need else WHOLE_CHAIN
        first = self.first_broken or self.first_warning
        return first.fix[0] if first is not None and first.fix else None

    @property
    def exit_code(self) -> int:
        """3 where a link is broken, 4 where one was asked for by name and skipped, else 0: a warning breaks nothing."""
        if self.first_broken is not None:
            return EXIT_PROBLEM_FOUND
        return EXIT_NOT_READY if self.unanswered else EXIT_GOOD

    def to_dict(self) -> dict[str, Any]:
        """`data` of the `--json` document: knowledge/doctor.schema.json."""
        first, step = self.first_broken, self.next_step
        return {
            "place": self.place,
            "facts": self.facts.to_json(),
            "findings": [finding.to_dict() for finding in self.findings],
            "first_broken": None if first is None else first.check,
            "next": None if step is None else step.to_dict(),
            "diagnoses": [dict(diagnosis) for diagnosis in self.diagnoses],
        }


def examine(
    machine: Machine,
    checks: Sequence[DoctorCheck],
    given: Facts | None = None,
    only: Collection[str] = (),
    limit_seconds: float = LIMIT_SECONDS,
) -> Checkup:
    """Run the checks, or some of them and silently those that they need, and explain what they find.

    given: facts from a file. Where they have a Linux half, they describe a whole machine, and nothing is read here.
    """
    if given is not None and describes_all(given):
        return _explained(Checkup(given, _run(checks, given, only, limit_seconds)))
    survey = Survey(machine, given)
    if survey.place == "wsl" and not only:  # the Windows half takes longest, and nearly every check waits for it
        survey.prefetch()
    findings = _run(checks, survey, only, limit_seconds)
    return _explained(Checkup(survey.seen(), findings))


def describes_all(given: Facts) -> bool:
    """Whether facts from a file describe a whole machine, so that nothing is read from this one."""
    return given.get("linux") is not None


def _run(
    checks: Sequence[DoctorCheck], facts: FactReader, only: Collection[str], limit_seconds: float
) -> tuple[Finding, ...]:
    wanted = with_needs(checks, only, facts.place) if only else checks
    findings = run_checks(wanted, facts, limit_seconds)
    return tuple(finding for finding in findings if not only or finding.check in only)


def _explained(checkup: Checkup) -> Checkup:
    from provision.doctor.explain import explain

    try:
        findings, diagnoses = explain(checkup.findings, checkup.facts)
    except (RigError, ImportError) as error:  # a damaged knowledge base must not silence the checks
        return replace(checkup, notes=(f"note: no diagnosis: {error}",))
    return replace(checkup, findings=findings, diagnoses=diagnoses)


def with_needs(checks: Sequence[DoctorCheck], names: Collection[str], place: str) -> list[DoctorCheck]:
    """The named checks and all that they need in that place, in the order of `checks`."""
    here = [check for check in checks if place in check.places]
    wanted: set[str] = set(names)
    for check in reversed(here):  # needs stand before those that need them
        if check.name in wanted:
            wanted.update(check.needs_at(place))
    return [check for check in here if check.name in wanted]


def require_names(checks: Sequence[DoctorCheck], names: Collection[str], place: str) -> None:
    """UsageError for a name that no check has, or that makes no sense in this place."""
    known = {check.name: check for check in checks}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean: dreamrig doctor --check {near[0]}" if near else "see: dreamrig doctor --list"
            raise UsageError(f"There is no check {name!r}.", hint=hint)
        if place not in known[name].places:
            where = ", ".join(known[name].places)
            raise UsageError(f"The check {name} is for {where}; this is {place}.", hint="see: dreamrig doctor --list")
