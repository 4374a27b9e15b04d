"""What people say in their own words: words.json, read and put beside what programs print (causes.json).

`words`: a notion (wsl, hangs, windows-update ...) -> a pattern of every way to say it, in several languages.
`said`: a cause, the notions that point to it when they stand near one another, and how strongly they do.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provision.checked_json import Reader
from provision.diagnosis.cause import Knowledge, Signature

SCHEMA = 1


def with_sayings(knowledge: Knowledge, node: Any, source: str) -> Knowledge:
    """The knowledge with the sayings of a parsed words.json; KnowledgeError names the first field that is wrong."""
    sayings = read_sayings(Reader(node, source))
    if unknown := sorted(set(sayings) - {cause.slug for cause in knowledge.causes}):
        raise Reader(node, source).error(f"names the cause {unknown[0]!r}, which is none")
    causes = (
        replace(cause, signatures=(*cause.signatures, *sayings.get(cause.slug, ()))) for cause in knowledge.causes
    )
    return replace(knowledge, causes=tuple(causes))


def read_sayings(top: Reader) -> Mapping[str, list[Signature]]:
    """Slug -> what points to it."""
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    words = Reader(top.get("words", "an object"), f"{top.where}: words")
    sayings: dict[str, list[Signature]] = defaultdict(list)
    for item in top.objects("said"):
        notions = item.texts("notions")
        if unknown := next((notion for notion in notions if notion not in words.node), None):
            raise item.error(f"names the notion {unknown!r}, which is none")
        patterns = tuple("|".join(words.texts(notion)) for notion in notions)
        sayings[item.get("cause", "a text")].append(Signature("", item.share("weight"), False, False, patterns))
    return sayings
