"""What a check that is data finds: the first of its rules that holds, as a finding. See check_book.py."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provision.diagnosis.predicate import evaluate
from provision.doctor.check import Evidence, FactReader, Finding, FixStep, Look, evidence, unknown
from provision.doctor.check_book import CheckEntry, CheckRule, check_book
from provision.doctor.wording import fill

MadeSteps = Mapping[str, Callable[[FactReader], tuple[FixStep, ...]]]
"""Name -> what makes steps of the facts of this machine."""


def look_by_rules(entry: CheckEntry, made: MadeSteps) -> Look:
    """The function of a check whose rules are data. ValueError where no rule holds, which a test rules out."""
    rules = entry.rules or {}

    def look(facts: FactReader) -> Finding:
        for rule in rules[facts.place]:
            if rule.holds(facts):
                return to_finding(rule, facts, made)
        raise ValueError(f"no rule of {entry.name} holds")

    return look


def to_finding(rule: CheckRule, facts: FactReader, made: MadeSteps, values: Mapping[str, str] | None = None) -> Finding:
    """What a rule says about these facts; `values` are those of its words without a dot."""
    if rule.unknown is not None:
        return unknown(facts, rule.unknown)
    return Finding(
        rule.verdict,
        fill(rule.sentence, facts, values),
        evidence(facts, *rule.evidence),
        tuple(_steps(rule.fix, facts, made)),
        rule.blocked_by,
        stops=rule.stops,
        unused=rule.unused,
        general=rule.general,
    )


def named_finding(
    check: str,
    name: str,
    facts: FactReader,
    proof: Sequence[Evidence],
    first: Sequence[FixStep] = (),
    **values: str,
) -> Finding:
    """One of the findings that checks.json has for a check that is code; `first`: steps in front of its own."""
    found = to_finding(_findings()[check][name], facts, {}, values)
    return replace(found, evidence=tuple(proof), fix=(*first, *found.fix))


@functools.cache
def _findings() -> Mapping[str, Mapping[str, CheckRule]]:
    return {entry.name: entry.findings for entry in check_book().checks}


def _steps(fix: Sequence[Any], facts: FactReader, made: MadeSteps) -> Iterator[FixStep]:
    for item in fix:
        if isinstance(item, str):
            yield step(item, facts)
        elif "made" in item:
            yield from made[item["made"]](facts)
        elif "step" in item:
            yield step(item["step"], facts, **item["with"])
        else:
            yield _filled(FixStep(**item), facts, {})


def step(name: str, facts: FactReader | None = None, /, **values: str) -> FixStep:
    """A step of checks.json, with the values that its words need."""
    return _filled(FixStep(**check_book().steps[name]), facts, values)


def _filled(plain: FixStep, facts: FactReader | None, values: Mapping[str, str]) -> FixStep:
    def told(words: str | None) -> str | None:
        return None if words is None else fill(words, facts, values)

    return replace(
        plain,
        text=fill(plain.text, facts, values),
        command=told(plain.command),
        risk=told(plain.risk),
        undo=told(plain.undo),
    )


def holds(name: str, facts: FactReader) -> bool:
    """Whether one of the named predicates of checks.json is true."""
    return evaluate(check_book().predicates[name], facts.get) is True


def shared_finding(name: str, facts: FactReader) -> Finding | None:
    """What a rule says that several checks have; None where it does not hold here."""
    rule = check_book().shared[name].get(facts.place)
    return to_finding(rule, facts, {}) if rule is not None and rule.holds(facts) else None
