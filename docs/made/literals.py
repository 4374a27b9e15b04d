"""provision/knowledge/literals.json: which plain texts each pattern needs, so that few are compiled.

The patterns are those of causes.json and of the notions of words.json.

And `signs`: the words that most of the rules' weight hangs on, by which lines of a long log are chosen.
`python -m docs.made.literals` writes it anew; a test keeps it current.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import provision
from provision.checked_json import read_json
from provision.diagnosis.literals import required_literals

FILE = Path(provision.__file__).parent / "knowledge" / "literals.json"


SIGNS = 44
"""Each costs a look at every line of a long log."""
WORD = re.compile(r"[a-z]{5,20}")


def patterns(document: Mapping[str, Any]) -> Iterator[str]:
    """Every regular expression of the parsed causes.json."""
    for cause in document["causes"]:
        yield from (entry["regex"] for entry in (*cause["signatures"], *cause["context"]))
    yield from (entry["regex"] for entry in document["told"])


def notions(words: Mapping[str, Any]) -> Iterator[str]:
    """The pattern of every notion of the parsed words.json."""
    yield from ("|".join(ways) for ways in words["words"].values())


def render(document: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    """The content of the file."""
    found = {regex: required_literals(regex) for regex in sorted({*patterns(document), *notions(words)})}
    content = {"schema": 1, "signs": signs(document), "literals": found}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def signs(document: Mapping[str, Any], count: int = SIGNS) -> list[str]:
    """Words in lower case, the longest first: each was the one that the most weight left over by the others hangs on.

    The weight of a signature is shared by its literals.
    """
    left = dict(_weights(document))
    holding: dict[str, list[str]] = defaultdict(list)
    for word in sorted({word for literal in left for word in WORD.findall(literal)}):
        holding[word] = [literal for literal in left if word in literal]
    chosen: list[str] = []
    while len(chosen) < count:
        best = max(holding, key=lambda word: sum(left.get(literal, 0.0) for literal in holding[word]))
        chosen.append(best)
        for literal in holding.pop(best):
            left.pop(literal, None)
    return sorted(chosen, key=lambda word: (-len(word), word))


def _weights(document: Mapping[str, Any]) -> Mapping[str, float]:
    """Literal -> the weight that hangs on it, of the signatures that are evidence alone."""
    weights: dict[str, float] = defaultdict(float)
    for cause in document["causes"]:
        for signature in cause["signatures"]:
            needed = () if signature.get("raises") else required_literals(signature["regex"])
            for literal in needed:
                weights[literal] += signature["weight"] / len(needed)
    return weights


def main() -> None:
    """Write the file."""
    FILE.write_text(render(read_json("causes.json"), read_json("words.json")), encoding="utf-8")


if __name__ == "__main__":
    main()
