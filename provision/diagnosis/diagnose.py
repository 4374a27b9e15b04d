"""Text and facts in, ranked diagnoses out. A pure function, and the same in PowerShell; conformance.json tests both.

Text score of a cause, 0 to 1, all products taken in the order of the file:
    c = the highest weight among its codes that stand in the text (0 without one), however each is written;
    score = 1 - (1 - c) * (1 - w1) * (1 - w2) ... over its signatures that are found, each once; signatures that only
    raise (names, products, numbers: words that are no evidence alone) count where a code or another signature is found;
    times the factor of every context that is found; at most 1; rounded.
A regular expression is searched, letter case ignored, in the normalised text; where it is not found there, in the same
text with every line break read as one space; and then in the same text without its line breaks, as terminals break
words anywhere. What people say in their own words (words.json) is found where its notions stand near one another; of a
cause's sayings the strongest counts.

Verdict, the first that fits (when = its predicate over the facts: true, false or unknown):
    ruled out   when is false; listed only where the text points to it
    confirmed   a signature with `states` is found; or when is true, the cause is decisive, and the text points to it or
                there is no text
    likely      score >= 0.6; or when is true and the text points to it; or when is true and the cause is decisive,
                although the text does not point to it
    possible    score > 0
    (not listed otherwise)

Without a facts document, the facts are those that stand in the text (`told`), and when counts only where it rests on
one of them, and of a cause that the text points to; without any, it is unknown for every cause.

Rank = score * (0.5 + prior / 2) * (1.5 where when is true, else 1), rounded; the score counts as 1 where there is no
text. Order: confirmed, likely, possible, likely by facts alone, ruled out; inside, harmless causes last, then, where
facts alone speak for them, the layer in fixing order (`cause.LAYERS`), then rank from high to low, prior from high to
low, slug from a to z.
Then, so that each of several errors gets its best diagnosis: what explains a diagnosis are the codes that it matched,
or, where it matched none, the line of its first signature. Going down that order, confirmed diagnoses and those that
explain something that no earlier one explained come first, harmless, fact-only and ruled-out ones excepted; the others
follow in their order. A harmless diagnosis that is likely and explains something new is put among the first: behind all
that are confirmed or likely and behind the last possible one with a code that it does not explain, before what is only
possible for its words. So noise is called noise, and never hides an error that has a code.

Rounded: floor(x * 10000 + 0.5) / 10000. The next query: see provision/diagnosis/next_query.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from provision.diagnosis.cause import LAYERS, Cause, Knowledge, Query, Signature
from provision.diagnosis.codes import DecodedCode, decode_code
from provision.diagnosis.intake import CUT_NOTE
from provision.diagnosis.mojibake import other_readings
from provision.diagnosis.next_query import Candidate, choose_query
from provision.diagnosis.predicate import FactReader, evaluate, facts_behind
from provision.diagnosis.reading import Hit, Reading, read_text
from provision.diagnosis.remarks import Unexplained, read_remarks, read_unexplained
from provision.diagnosis.told import facts_told

CONFIRMED, LIKELY, POSSIBLE, RULED_OUT = "confirmed", "likely", "possible", "ruled out"
LIKELY_SCORE = 0.6
TRUE_FACTS_FACTOR = 1.5
EVIDENCE_LINES = 8
CODES_TOLD = 20


class FactSource(Protocol):
    """Facts, or anything else that gives a fact by its dotted path."""

    def get(self, path: str, /) -> Any:
        """The fact, None where it is not known."""


@dataclass(frozen=True)
class Diagnosis:
    """A cause and how sure it is."""

    cause: Cause
    verdict: str
    rank: float
    score: float
    """Of the text, 0 to 1."""
    evidence: tuple[Mapping[str, Any], ...]
    explains: frozenset[str]
    """Ids of codes, or `line N`; empty where facts alone speak for it."""
    when: bool | None

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as it stands in a `--json` document."""
        more = self.cause.document
        return {
            "cause": self.cause.slug,
            "title": self.cause.title,
            "verdict": self.verdict,
            "score": self.rank,
            "evidence": list(self.evidence),
            "explanation": self.cause.explanation,
            "effect": self.cause.effect,
            "fix": more.get("fix") or [],
            "differs": more.get("differs") or [],
            "sources": more.get("sources") or [],
        }


@dataclass(frozen=True)
class Report:
    """All that can be said about a text and the facts of a machine."""

    diagnoses: tuple[Diagnosis, ...]
    next_query: Query | None
    codes: tuple[DecodedCode, ...]
    notes: tuple[str, ...] = ()
    has_text: bool = False
    """There was more than blanks to read."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Dotted path -> value, of facts that stand in the text; empty where there is a facts document."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """Slug -> a sentence about this very text, for people."""
    unexplained: Unexplained | None = None
    """What the text is about, where no cause fits it."""

    @property
    def found(self) -> bool:
        """Whether at least one cause remains."""
        return any(diagnosis.verdict != RULED_OUT for diagnosis in self.diagnoses)

    def to_dict(self) -> dict[str, Any]:
        """`data` of the `--json` document."""
        return {
            "diagnoses": [diagnosis.to_dict() for diagnosis in self.diagnoses],
            "next_query": None if self.next_query is None else dict(self.next_query.document),
            "codes": [code.to_dict() for code in self.codes],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class TextMatch:
    """How a text points to a cause."""

    score: float = 0.0
    states: bool = False
    evidence: tuple[Mapping[str, str], ...] = ()
    explains: frozenset[str] = frozenset()


def diagnose(text: str | bytes | None, facts: FactSource | Mapping[str, Any] | None, knowledge: Knowledge) -> Report:
    """What `text` and `facts` say about a machine, the best first. Either may be None; nothing is read or changed.

    A text in which no rule hits is read in other code pages as well; the first in which one hits counts.
    """
    report = _diagnose(text, facts, knowledge)
    if text and not _explains(report):
        others = (_diagnose(other, facts, knowledge) for other in other_readings(text))
        return next((other for other in others if _explains(other)), report)
    return report


def _explains(report: Report) -> bool:
    return any(diagnosis.explains for diagnosis in report.diagnoses)


def _diagnose(text: str | bytes | None, facts: FactSource | Mapping[str, Any] | None, knowledge: Knowledge) -> Report:
    reading = read_text(text, knowledge)
    told = facts_told(reading.flat, reading.joined, knowledge.told) if facts is None and reading is not None else {}
    read = told.get if told else fact_reader(facts)
    values = [_when(cause, read, facts is not None, bool(told)) for cause in knowledge.causes]
    judged = [_judge(cause, when, reading, read) for cause, when in zip(knowledge.causes, values, strict=True)]
    found = [diagnosis for diagnosis in judged if diagnosis is not None]
    diagnoses = arrange([diagnosis for diagnosis in found if diagnosis.explains] if told else found)
    query = choose_query(_candidates(diagnoses), knowledge.queries, read)
    codes = [decode_code(code, knowledge) for code in list(reading.codes.values())[:CODES_TOLD]] if reading else []
    notes = (CUT_NOTE,) if reading is not None and reading.is_cut else ()
    remarks = {} if reading is None else read_remarks(reading.flat)
    unexplained = None if reading is None or diagnoses else read_unexplained(reading.text)
    return Report(tuple(diagnoses), query, tuple(codes), notes, reading is not None, told, remarks, unexplained)


def _when(cause: Cause, read: FactReader, has_document: bool, has_told: bool) -> bool | None:
    """The predicate of a cause over the facts; where only a text tells some, it must rest on one of them."""
    if not has_document and not has_told:
        return None
    value = evaluate(cause.when, read)
    if has_document or value is None or facts_behind(cause.when, read, value):
        return value
    return None


def fact_reader(facts: FactSource | Mapping[str, Any] | None) -> FactReader:
    """A function from a dotted path to a fact."""
    if facts is None:
        return lambda path: None
    if not isinstance(facts, Mapping):
        return facts.get
    document = facts

    def read(path: str) -> Any:
        node: Any = document
        for part in path.split("."):
            node = node.get(part) if isinstance(node, Mapping) else None
        return node

    return read


def rounded(value: float) -> float:
    """To four digits, halves upwards: the same on every machine."""
    return math.floor(value * 10000 + 0.5) / 10000


def match_text(cause: Cause, reading: Reading) -> TextMatch:
    """How the text points to `cause`."""
    found = [(code, id_) for code in cause.codes for id_ in sorted(code.ids) if id_ in reading.codes]
    hits = _hits(cause, reading)
    if not found and all(signature.raises for signature, _ in hits):
        return TextMatch()
    missing = 1 - max((code.weight for code, _ in found), default=0.0)
    for signature, _ in hits:
        missing *= 1 - signature.weight
    score = 1 - missing
    for regex, factor in cause.context if score > 0 else ():
        if reading.search(regex):
            score *= factor
    score = rounded(min(score, 1.0))
    if score <= 0:
        return TextMatch()
    ids = dict.fromkeys(id_ for _, id_ in found)
    telling = [hit for signature, hit in hits if not signature.raises] or [hit for _, hit in hits]
    first_lines = {f"line {reading.line_number(hit.offset)}" for hit in telling[:1]}
    evidence = [reading.evidence(reading.codes[id_].offset, reading.codes[id_].shown) for id_ in ids]
    evidence += [reading.evidence(*hit) for _, hit in hits]
    return TextMatch(
        score,
        any(signature.states for signature, _ in hits),
        tuple({(item["line"], item["matched"]): item for item in evidence}.values())[:EVIDENCE_LINES],
        frozenset(ids or first_lines),
    )


def _hits(cause: Cause, reading: Reading) -> list[tuple[Signature, Hit]]:
    """The signatures that are found; of those in people's own words, which share words, the strongest alone."""
    found = [(signature, hit) for signature in cause.signatures if (hit := reading.find(signature))]
    said = [one for one in found if one[0].said]
    strongest = max(said, key=lambda one: one[0].weight, default=None)
    return [one for one in found if not one[0].said or one is strongest]


def choose_verdict(cause: Cause, when: bool | None, match: TextMatch, *, has_text: bool) -> str | None:
    """The verdict on a cause; None = not worth listing."""
    if when is False:
        return RULED_OUT if match.score > 0 else None
    if match.states or (when and cause.decisive and (match.score > 0 or not has_text)):
        return CONFIRMED
    if match.score >= LIKELY_SCORE or (when and (match.score > 0 or (cause.decisive and has_text))):
        return LIKELY
    return POSSIBLE if match.score > 0 else None


def _judge(cause: Cause, when: bool | None, reading: Reading | None, read: FactReader) -> Diagnosis | None:
    match = TextMatch() if reading is None else match_text(cause, reading)
    verdict = choose_verdict(cause, when, match, has_text=reading is not None)
    if verdict is None:
        return None
    weight = match.score if reading is not None else 1.0
    rank = rounded(weight * (0.5 + cause.prior / 2) * (TRUE_FACTS_FACTOR if when else 1.0))
    behind = [] if when is None else facts_behind(cause.when, read, when)
    evidence = (*match.evidence, *({"kind": "fact", "fact": path, "value": read(path)} for path in behind))
    return Diagnosis(cause, verdict, rank, match.score, evidence, match.explains, when)


def arrange(diagnoses: list[Diagnosis]) -> list[Diagnosis]:
    """The best first, and each of several errors with its best diagnosis before the others."""
    ordered = sorted(diagnoses, key=_sort_key)
    explained: set[str] = set()
    first: list[Diagnosis] = []
    noise: list[Diagnosis] = []
    for diagnosis in ordered:
        is_noise = diagnosis.cause.effect == "harmless"
        leads = diagnosis.verdict == LIKELY or (diagnosis.verdict == POSSIBLE and not is_noise)
        if diagnosis.verdict == CONFIRMED or (leads and not diagnosis.explains <= explained):
            (noise if is_noise and diagnosis.verdict == LIKELY else first).append(diagnosis)
            explained |= diagnosis.explains
    for diagnosis in reversed(noise):
        first.insert(_count_before(diagnosis, first), diagnosis)
    return first + [diagnosis for diagnosis in ordered if diagnosis not in first]


def _count_before(noise: Diagnosis, first: list[Diagnosis]) -> int:
    """How many of the first stay before a harmless one."""
    serious = (
        index
        for index, other in enumerate(first, 1)
        if other.verdict != POSSIBLE or any(not id_.startswith("line ") for id_ in other.explains - noise.explains)
    )
    return max(serious, default=0)


def _sort_key(diagnosis: Diagnosis) -> tuple[int, bool, int, float, float, str]:
    order = (CONFIRMED, LIKELY, POSSIBLE, "", RULED_OUT)
    by_facts_alone = not diagnosis.explains
    place = 3 if by_facts_alone and diagnosis.verdict == LIKELY else order.index(diagnosis.verdict)
    cause = diagnosis.cause
    layer = (*LAYERS, cause.layer).index(cause.layer) if by_facts_alone else 0
    return place, cause.effect == "harmless", layer, -diagnosis.rank, -cause.prior, cause.slug


def _candidates(diagnoses: list[Diagnosis]) -> list[Candidate]:
    """What a query has to tell apart: what is neither confirmed nor ruled out, nor explained by something confirmed."""
    settled = frozenset[str]().union(*(item.explains for item in diagnoses if item.verdict == CONFIRMED))
    return [
        Candidate(item.cause.when, item.cause.decisive, item.rank)
        for item in diagnoses
        if item.verdict in (LIKELY, POSSIBLE) and not item.explains <= settled
    ]
