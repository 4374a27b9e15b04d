"""Which one question tells most about the causes that remain.

For a fact that is not known, its answers are the values that the remaining causes compare it with (a yes-no fact: both;
`less_than` n: n itself and 0, as a number or as a version; `absent`: "absent"), and, but for a yes-no fact, one that
equals none of them. An answer leaves the causes whose predicate it makes true, where they are decisive; where it makes
none such true, it leaves those whose predicate it does not make false, and "none of them", which weighs a tenth of all
causes together. The weight of a cause is the rank of its diagnosis.

What a fact is expected to leave = the sum over the causes and "none of them" of its weight * the mean weight of the
answers that leave it (all the weight where no answer does), divided by the square of all the weight, rounded to four
digits. The best query has the fact that leaves least, which must be less than 1; among equals, one that needs no
administrator, then the first in the file. A fact counts only where a remaining cause's predicate is unknown and reads
it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from provision.diagnosis.cause import Query
from provision.diagnosis.predicate import FactReader, Predicate, comparisons, evaluate

NONE_OF_THEM_SHARE = 0.1
ANYTHING_ELSE = "(anything else)"


@dataclass(frozen=True)
class Candidate:
    """A cause that remains."""

    when: Predicate | None
    decisive: bool
    weight: float


def choose_query(candidates: Sequence[Candidate], queries: Sequence[Query], read: FactReader) -> Query | None:
    """The query that splits the candidates best; None where none does."""
    remaining = [Remaining.of(candidate, read) for candidate in candidates]
    asked = {path for one in remaining if one.value is None for path in one.reads if read(path) is None}
    left = {path: expected_left(path, remaining, read) for path in asked}
    best, best_key = None, (1.0, True)
    for query in queries:
        least = min((left.get(path, 1.0) for path in query.facts), default=1.0)
        if least < 1.0 and (least, query.needs_admin) < best_key:
            best, best_key = query, (least, query.needs_admin)
    return best


@dataclass(frozen=True)
class Remaining:
    """A candidate with what its predicate is without any answer, and the facts in it: only those can change that."""

    candidate: Candidate
    value: bool | None
    leaves: Sequence[Predicate]
    reads: frozenset[str]

    @classmethod
    def of(cls, candidate: Candidate, read: FactReader) -> Remaining:
        """The candidate looked at once."""
        leaves = tuple(comparisons(candidate.when))
        return cls(candidate, evaluate(candidate.when, read), leaves, frozenset(leaf["fact"] for leaf in leaves))

    def informed(self, path: str, answer: Any, read: FactReader) -> bool | None:
        """What the predicate is once the fact at `path` is `answer`."""
        if path not in self.reads:
            return self.value
        return evaluate(self.candidate.when, lambda asked: answer if asked == path else read(asked))


def expected_left(path: str, remaining: Sequence[Remaining], read: FactReader) -> float:
    """The share of all weight that is expected to be left once the fact at `path` is known; 1 = it tells nothing."""
    weights = [one.candidate.weight for one in remaining]
    weights.append(NONE_OF_THEM_SHARE * sum(weights))
    total = sum(weights)
    if total <= 0:
        return 1.0
    lefts = [left_by(path, answer, remaining, read) for answer in answers(path, remaining)]
    expected = 0.0
    for index, weight in enumerate(weights):
        sums = [sum(weights[one] for one in left) for left in lefts if index in left]
        expected += weight * (sum(sums) / len(sums) if sums else total)
    return math.floor(expected / (total * total) * 10000 + 0.5) / 10000


def left_by(path: str, answer: Any, remaining: Sequence[Remaining], read: FactReader) -> list[int]:
    """The places of the candidates that remain once the fact at `path` is `answer`; the place after the last = none."""
    values = [one.informed(path, answer, read) for one in remaining]
    settled = [index for index, value in enumerate(values) if value and remaining[index].candidate.decisive]
    if settled:
        return settled
    return [*(index for index, value in enumerate(values) if value is not False), len(remaining)]


def answers(path: str, remaining: Sequence[Remaining]) -> list[Any]:
    """The values that the fact at `path` is thought to take, each once."""
    found: list[Any] = []
    for one in remaining:
        for leaf in one.leaves:
            if leaf["fact"] == path:
                found += [value for value in _values(leaf) if not _is_among(value, found)]
    if not any(isinstance(value, bool) for value in found):
        found.append(ANYTHING_ELSE)
    return found


def _values(leaf: Predicate) -> Iterator[Any]:
    if "is" in leaf:
        yield leaf["is"]
        if isinstance(leaf["is"], bool):
            yield not leaf["is"]
    elif "one_of" in leaf:
        yield from leaf["one_of"]
    elif "less_than" in leaf:
        yield leaf["less_than"]
        yield "0" if isinstance(leaf["less_than"], str) else 0
    elif "contains" in leaf:
        yield leaf["contains"]
    elif "absent" in leaf:
        yield "absent"


def _is_among(value: Any, found: list[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in found)
