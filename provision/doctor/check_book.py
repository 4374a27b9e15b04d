"""knowledge/checks.json: every check of the doctor in fixing order, and what those say that are data.

**A check** has a name, the question that it asks, a section of the screen, the places where it makes sense (windows,
wsl, linux, colab, other), the earlier checks that it needs ("windows:wsl-version": needed there only), and the slugs of
the causes that explain it, the more special ones first. `needs_python`: on Windows, only `dreamrig doctor` can look.

**Its rules**, tried in order; the first one that holds is the finding, and the last one always holds:

    {"places": ["wsl"], "when": P, "unless": P,            all three may be missing; see below
     "verdict": "FAIL", "sentence": "WSL {wsl.version} is old.",
     "evidence": ["wsl.version"],                          missing = the one of the check
     "fix": ["restart", {"step": "allow-service", "with": {"name": "x"}}, {"made": "set-nx"}, {"text": "..."}],
     "blocked_by": "windows-build", "stops": true, "unused": true, "general": true}    as in check.Finding
    {"unknown": "windows.build", "when": P}                SKIP: it cannot be told, because this fact could not be read
    "proven-by-wsl-2"                                      one of the rules at the top of the file

`when` must be true, `unless` must not be: false or not known will do. P is a predicate as in causes.json
(diagnosis/predicate.py), or {"named": "too-old"}: one at the top of the file. An `unknown` without `when` holds where
that very fact is not known. `"in": {"wsl": {...}}` puts other fields in a rule's place there. Sentences and steps have
values in them, see wording.py. A step is one of the steps at the top by name, with the values that its words need; one
that code makes of the facts (made_steps.py, and Get-MadeStep in PowerShell); or written out.

**A check without rules is code**, in both editions, because it computes. Its `findings` are what it may say, by name:
verdict, sentence and fix; code gives the values that the sentence needs, the evidence, and steps to go in front.

    vm-services, network-services     lists the services that are disabled or missing, with a step for each
    windows-driver                    the newer of two least versions, one of them from the table of GPUs
    linker-order                      a folder out of a path, a command line out of a list
    cuda-init, nvml, torch-arch,      what a dead probe said, codes in words, lists in words
    gpu-kernel
    torch-cuda                        one fact against another: major versions
    gpu-identity                      shares of datasheets, tolerances
    disk-space                        the lesser of two disks
    python                            torch and torchvision of one release
    colab-page                        the first free port

powershell/DreamRig/Private/Checks/CheckTable.ps1 is made of the same file (`python -m docs.made.check_table`): the
doctor of Windows works without the knowledge base, and reads no JSON for its checks.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.checked_json import REPAIR, KnowledgeError, Reader, read_json
from provision.diagnosis.predicate import Predicate, evaluate
from provision.doctor.check import PLACES, CheckVerdict, FactReader

SCHEMA = 1
VERDICTS = tuple(CheckVerdict)


@dataclass(frozen=True)
class CheckRule:
    """A rule as it holds in one place."""

    when: Predicate | None
    unless: Predicate | None
    unknown: str | None
    """The fact that could not be read; such a rule has neither verdict nor sentence of its own."""
    verdict: CheckVerdict
    sentence: str
    evidence: tuple[str, ...]
    fix: tuple[Any, ...] = ()
    blocked_by: str | None = None
    stops: bool = False
    unused: bool = False
    general: bool = False

    def holds(self, facts: FactReader) -> bool:
        """Whether this rule is the one that answers, once the earlier ones are not."""
        is_met = self.when is None or evaluate(self.when, facts.get) is True
        return is_met and evaluate(self.unless, facts.get) is not True


@dataclass(frozen=True)
class CheckEntry:
    """A check as it stands in the file."""

    name: str
    asks: str
    section: str
    places: tuple[str, ...]
    needs: tuple[str, ...]
    causes: tuple[str, ...]
    needs_python: bool
    rules: Mapping[str, tuple[CheckRule, ...]] | None
    """By place; None = it is code."""
    findings: Mapping[str, CheckRule]
    """Name -> what a check that is code may say."""


@dataclass(frozen=True)
class CheckBook:
    """The whole file."""

    checks: tuple[CheckEntry, ...]
    predicates: Mapping[str, Predicate]
    steps: Mapping[str, Mapping[str, Any]]
    shared: Mapping[str, Mapping[str, CheckRule]]
    """Name -> place -> a rule that several checks have."""


@functools.cache
def check_book() -> CheckBook:
    """The shipped file; KnowledgeError where it is damaged."""
    return parse_book(read_json("checks.json"))


def parse_book(node: Any, source: str = "checks.json") -> CheckBook:
    """Checks from parsed JSON; KnowledgeError names the first field that is wrong."""
    top = Reader(node, source)
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    predicates, rules = top.get("predicates", "an object"), top.get("rules", "an object")
    reading = _Reading({name: expand(each, predicates) for name, each in predicates.items()}, rules)
    shared = {name: Reader(rule, f"{source}: rules.{name}") for name, rule in rules.items()}
    return CheckBook(
        tuple(reading.entry(item) for item in top.objects("checks")),
        reading.predicates,
        top.get("steps", "an object"),
        {name: reading.shared(rule) for name, rule in shared.items()},
    )


def expand(predicate: Any, named: Mapping[str, Predicate]) -> Predicate:
    """The predicate with what it calls by name written out."""
    if "named" in predicate:
        return expand(named[predicate["named"]], named)
    if "not" in predicate:
        return {"not": expand(predicate["not"], named)}
    for kind in ("all", "any"):
        if kind in predicate:
            return {kind: [expand(part, named) for part in predicate[kind]]}
    return dict(predicate)


@dataclass(frozen=True)
class _Reading:
    """What rules refer to while they are read."""

    predicates: Mapping[str, Predicate]
    rules: Mapping[str, Any]

    def entry(self, item: Reader) -> CheckEntry:
        """A check."""
        places = item.texts("places")
        named = item.node.get("findings", {})
        return CheckEntry(
            item.get("name", "a text"),
            item.get("asks", "a text"),
            item.get("section", "a text"),
            places,
            item.texts("needs"),
            item.texts("causes"),
            bool(item.node.get("needs_python")),
            {place: tuple(self._rules(item, place)) for place in places} if "rules" in item.node else None,
            {name: self._rule(Reader(each, f"{item.where}.findings.{name}"), "", ()) for name, each in named.items()},
        )

    def _rules(self, item: Reader, place: str) -> Iterator[CheckRule]:
        for index, written in enumerate(item.get("rules", "a list")):
            rule: Any = self.rules.get(written) if isinstance(written, str) else written
            reader = Reader(rule, f"{item.where}.rules[{index}]")
            if place not in reader.node.get("places", (place,)):
                continue
            made = self._rule(reader, place, item.texts("evidence"))
            yield made
            if made.when is None and made.unless is None:
                return  # it always holds in this place: what follows is for others

    def shared(self, item: Reader) -> Mapping[str, CheckRule]:
        """A rule that several checks have, by place."""
        places = item.texts("places") if "places" in item.node else PLACES
        return {place: self._rule(item, place, ()) for place in places}

    def _rule(self, item: Reader, place: str, evidence: tuple[str, ...]) -> CheckRule:
        rule = Reader({**item.node, **item.node.get("in", {}).get(place, {})}, item.where)
        unknown = rule.get("unknown", "a text", optional=True)
        when = rule.node.get("when") or ({"fact": unknown, "unknown": True} if unknown else None)
        unless = rule.node.get("unless")
        return CheckRule(
            self._predicate(when, item),
            self._predicate(unless, item),
            unknown,
            CheckVerdict.SKIP if unknown else CheckVerdict(rule.choice("verdict", VERDICTS)),
            "" if unknown else rule.get("sentence", "a text"),
            rule.texts("evidence") if "evidence" in rule.node else evidence,
            tuple(rule.node.get("fix", ())),
            rule.get("blocked_by", "a text", optional=True),
            *(bool(rule.node.get(flag)) for flag in ("stops", "unused", "general")),
        )

    def _predicate(self, written: Any, item: Reader) -> Predicate | None:
        try:
            return None if written is None else expand(written, self.predicates)
        except (KeyError, TypeError) as error:
            message = f"The knowledge base is damaged: {item.where} has a predicate that cannot be read: {error}."
            raise KnowledgeError(message, hint=REPAIR) from error
