"""What the knowledge base says about findings: the cause, its evidence, and its fix."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provision.doctor.check import CheckVerdict, Evidence, Finding, FixStep
from provision.doctor.check_book import check_book
from provision.facts.facts import Facts

if TYPE_CHECKING:
    from provision.diagnosis.cause import Knowledge
    from provision.diagnosis.diagnose import Diagnosis, Report

STEP_KEYS = ("text", "command", "where", "needs_admin", "needs_restart", "risk", "undo")
SURE = ("confirmed", "likely")


@functools.cache
def causes_of(check: str) -> tuple[str, ...]:
    """Slugs of the causes that break this link, the more special ones first. One cause may break several links."""
    return next((each.causes for each in check_book().checks if each.name == check), ())


def explain(findings: Sequence[Finding], facts: Facts) -> tuple[tuple[Finding, ...], tuple[Mapping[str, Any], ...]]:
    """The findings with their causes, and those diagnoses, in fixing order."""
    from provision.diagnosis.diagnose import diagnose
    from provision.diagnosis.knowledge import load_knowledge

    knowledge = load_knowledge()
    by_facts = diagnose(None, facts, knowledge)
    told: dict[str, Mapping[str, Any]] = {}

    def attach(finding: Finding) -> Finding:
        if finding.verdict in (CheckVerdict.PASS, CheckVerdict.SKIP) or finding.stops:
            return finding
        said = "\n".join(str(item["line"]) for item in finding.evidence if item["kind"] == "text")
        best = best_for(finding.check, diagnose(said, facts, knowledge)) if said else None
        best = best or best_for(finding.check, by_facts) or _consistent(finding.check, facts, knowledge)
        if best is not None:
            told.setdefault(best.cause.slug, best.to_dict())
        return with_cause(finding, best)

    return tuple(map(attach, findings)), tuple(told.values())


def best_for(check: str, report: Report) -> Diagnosis | None:
    """The surest diagnosis among those that explain this check, the more special one of equals."""
    slugs = causes_of(check)
    fits = [each for each in report.diagnoses if each.verdict in SURE and _explains(each, check, slugs)]
    return min(fits, key=lambda each: (SURE.index(each.verdict), _place(each, slugs)), default=None)


def _consistent(check: str, facts: Facts, knowledge: Knowledge) -> Diagnosis | None:
    """The first cause of this check that the facts fit without proving it: likely, since the check failed."""
    from provision.diagnosis.diagnose import Diagnosis
    from provision.diagnosis.predicate import evaluate, facts_behind

    causes = {cause.slug: cause for cause in knowledge.causes}
    for slug in causes_of(check):
        cause = causes.get(slug)
        if cause is not None and evaluate(cause.when, facts.get):
            behind = facts_behind(cause.when, facts.get, True)
            proof = tuple({"kind": "fact", "fact": path, "value": facts.get(path)} for path in behind)
            return Diagnosis(cause, "likely", cause.prior, 0.0, proof, frozenset(), True)
    return None


def _explains(diagnosis: Diagnosis, check: str, slugs: Sequence[str]) -> bool:
    return diagnosis.cause.slug in slugs or diagnosis.cause.document.get("check") == check


def _place(diagnosis: Diagnosis, slugs: Sequence[str]) -> int:
    slug = diagnosis.cause.slug
    return slugs.index(slug) if slug in slugs else len(slugs)


def with_cause(finding: Finding, diagnosis: Diagnosis | None) -> Finding:
    """The finding with a diagnosis' slug and evidence.

    The check's own fix stays where it is a special one: it knows the state that the steps of a cause, written for a
    pasted text, look up first. Those are told in full among the diagnoses.
    """
    if diagnosis is None:
        return finding
    known = list(finding.evidence)
    more = [dict(item) for item in diagnosis.evidence if not _is_told(item, known)]
    steps = to_steps(diagnosis.cause.document.get("fix") or ())
    fix = steps if steps and (finding.general or not finding.fix) else finding.fix
    return replace(finding, cause=diagnosis.cause.slug, evidence=(*known, *more), fix=fix)


def _is_told(item: Evidence, known: Sequence[Evidence]) -> bool:
    return any(item.get("fact") == other.get("fact") and item.get("line") == other.get("line") for other in known)


def to_steps(fix: Sequence[Mapping[str, Any]]) -> tuple[FixStep, ...]:
    """The steps of a cause as steps of a finding."""
    return tuple(FixStep(**{key: step[key] for key in STEP_KEYS if key in step}) for step in fix)
