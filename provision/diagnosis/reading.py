"""A text ready for the rules: normalised, with its codes, in the three forms that patterns are searched in."""

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from provision.diagnosis.cause import Knowledge, Signature
from provision.diagnosis.intake import take_in
from provision.diagnosis.knowledge import compiled, literals
from provision.diagnosis.text import FoundCode, extract

LINE_CHARACTERS = 200
MATCH_CHARACTERS = 80
NEAR_CHARACTERS = 60
"""Of text for each notion that people name together."""
MOST_SPANS = 200


class Hit(NamedTuple):
    """Where a regular expression matched, and what."""

    offset: int
    matched: str


@dataclass(frozen=True)
class Reading:
    """A normalised text in the forms that rules are applied to."""

    text: str
    flat: str
    """Every line break as one space: the same offsets."""
    joined: str
    """Without line breaks."""
    lowered: tuple[str, str]
    """`flat` and `joined`, in lower case."""
    codes: Mapping[str, FoundCode]
    """By id; a name that has a number by that number's."""
    starts: tuple[int, ...]
    """Offset of the first character of each line, in `text`."""
    joined_starts: tuple[int, ...]
    """The same in `joined`."""
    is_cut: bool
    hits: dict[str, Hit | None] = field(default_factory=dict)
    """What was searched before: many causes share a context."""
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Where a notion was found before, in `flat`."""

    def find(self, signature: Signature) -> Hit | None:
        """Where a signature is found first."""
        return self.search_near(signature.said) if signature.said else self.search(signature.regex)

    def search_near(self, patterns: Sequence[str]) -> Hit | None:
        """The first place where all of these stand near one another, in any order."""
        first, *others = [self._spans(pattern) for pattern in patterns]
        for start, end in first if all(others) else ():
            near = [min(spans, key=lambda span: max(span[0] - end, start - span[1])) for spans in others]
            begin, stop = min(start, *(span[0] for span in near)), max(end, *(span[1] for span in near))
            if stop - begin <= NEAR_CHARACTERS * len(patterns):
                return Hit(begin, self.flat[begin:stop])
        return None

    def _spans(self, regex: str) -> list[tuple[int, int]]:
        if regex not in self.spans:
            found = compiled(regex).finditer(self.flat) if _may_match(regex, self.lowered[0]) else iter(())
            self.spans[regex] = [match.span() for match in islice(found, MOST_SPANS)]
        return self.spans[regex]

    def search(self, regex: str) -> Hit | None:
        """The first match of a regular expression."""
        if regex not in self.hits:
            views = [_may_match(regex, lowered) for lowered in self.lowered]
            self.hits[regex] = self._search(compiled(regex), *views) if any(views) else None
        return self.hits[regex]

    def _search(self, pattern: re.Pattern[str], in_flat: bool, in_joined: bool) -> Hit | None:
        match = pattern.search(self.flat) if in_flat else None
        if in_flat and (match or r"\n" in pattern.pattern):  # what is nowhere in `flat` needs a line break to match
            match = pattern.search(self.text) or match
        if match is not None:
            return Hit(match.start(), match.group())
        match = pattern.search(self.joined) if in_joined and len(self.starts) > 1 else None
        if match is None:
            return None
        return Hit(match.start() + bisect.bisect_right(self.joined_starts, match.start()) - 1, match.group())

    def line_number(self, offset: int) -> int:
        """The line, from 0, that `offset` stands in."""
        return bisect.bisect_right(self.starts, offset) - 1

    def evidence(self, offset: int, matched: str) -> dict[str, str]:
        """The line at `offset`, and what in it counted."""
        start = self.starts[self.line_number(offset)]
        end = self.text.find("\n", offset)
        line = self.text[start:] if end < 0 else self.text[start:end]
        if len(line) > LINE_CHARACTERS:  # so that what matched stays in sight
            begin = max(0, min(offset - start - LINE_CHARACTERS // 2, len(line) - LINE_CHARACTERS))
            line = line[begin : begin + LINE_CHARACTERS]
        return {"kind": "text", "line": line.strip(), "matched": matched[:MATCH_CHARACTERS].strip()}


def _may_match(regex: str, lowered: str) -> bool:
    """Whether a text in small letters has a part that every match needs."""
    needed = literals(regex)
    return not needed or any(literal in lowered for literal in needed)


def read_text(text: str | bytes | None, knowledge: Knowledge) -> Reading | None:
    """The text ready for the rules; None where there is none, or nothing but blanks."""
    plain, is_cut = take_in(text, knowledge.name_ids) if text else ("", False)
    if not plain:
        return None
    codes: dict[str, FoundCode] = {}
    for code in extract(plain, knowledge.known):
        codes.setdefault(knowledge.name_ids.get(code.id, code.id), code)
    flat = plain.replace("\n", " ")
    joined = plain.replace("\n", "")
    starts = (0, *(match.end() for match in re.finditer("\n", plain)))
    joined_starts = tuple(start - index for index, start in enumerate(starts))
    return Reading(plain, flat, joined, (flat.lower(), joined.lower()), codes, starts, joined_starts, is_cut)
