"""The knowledge base: causes, queries and codes of knowledge/causes.json, checked while they are read.

The other files are words.json (what people say in their own words), firmware.json (where a board hides its switches),
literals.json (what the patterns need, worked out beforehand) and doctor-causes.json (what doctor.ps1 reads of causes).
Adding a cause is adding data.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provision.checked_json import REPAIR, KnowledgeError, Reader, read_json
from provision.diagnosis.cause import Cause, Code, Knowledge, Query, Signature, Telling
from provision.diagnosis.literals import required_literals
from provision.diagnosis.predicate import COMPARISONS, Predicate
from provision.diagnosis.said import with_sayings
from provision.diagnosis.text import decimal_id, number_id

SCHEMA = 1
EFFECTS = ("blocks", "degrades", "harmless")
TELLING_KINDS = ("yes-no", "mention", "word", "text", "number", "capability", "cuda")
PLACES = ("windows", "wsl", "linux", "firmware", "host")


@functools.cache
def load_knowledge() -> Knowledge:
    """The shipped knowledge base; KnowledgeError where it is damaged."""
    knowledge = parse_knowledge(read_json("causes.json"), "causes.json")
    return with_sayings(knowledge, read_json("words.json"), "words.json")


@functools.cache
def load_firmware() -> Mapping[str, Any]:
    """firmware.json: `makers`, each with `match`, `maker`, `keys`, `amd`, `intel`; and `generic`."""
    document = Reader(read_json("firmware.json"), "firmware.json")
    for maker in document.objects("makers"):
        maker.get("maker", "a text")
        maker.texts("match")
        maker.texts("keys")
    document.get("generic", "an object")
    return document.node


@functools.cache
def compiled(regex: str) -> re.Pattern[str]:
    """The pattern of a signature, compiled once; letter case does not count."""
    try:
        return re.compile(regex, re.IGNORECASE)
    except re.error as error:
        raise KnowledgeError(f"The knowledge base is damaged: {regex!r}: {error}.", hint=REPAIR) from error


@functools.cache
def stored_literals() -> Mapping[str, list[str]]:
    """Regular expression -> its literals, of literals.json, which `python -m docs.made.literals` writes."""
    found: Mapping[str, list[str]] = Reader(read_json("literals.json"), "literals.json").get("literals", "an object")
    return found


@functools.cache
def stored_signs() -> tuple[str, ...]:
    """Words in lower case that most rules hang on, of literals.json, the longest first."""
    return Reader(read_json("literals.json"), "literals.json").texts("signs")


@functools.cache
def literals(regex: str) -> tuple[str, ...]:
    """Texts in lower case of which a match contains at least one; none known = ()."""
    stored = stored_literals().get(regex)
    return required_literals(regex) if stored is None else tuple(stored)


def parse_knowledge(node: Any, source: str = "the knowledge base") -> Knowledge:
    """Knowledge from parsed JSON; KnowledgeError names the first field that is wrong."""
    top = Reader(node, source)
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    causes = tuple(_parse_cause(item) for item in top.objects("causes"))
    codes = tuple(_parse_code(item, weight=False) for item in top.objects("codes", optional=True))
    slugs = [cause.slug for cause in causes]
    if doubled := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise top.error(f"has the cause {doubled!r} twice")
    name_ids = _name_ids([*codes, *(code for cause in causes for code in cause.codes)])
    codes = _link(codes, name_ids)
    causes = tuple(replace(cause, codes=_link(cause.codes, name_ids)) for cause in causes)
    carried = frozenset(id_ for cause in causes for code in cause.codes for id_ in code.ids)
    return Knowledge(
        version=top.get("version", "a text"),
        causes=causes,
        queries=tuple(_parse_query(item) for item in top.objects("queries", optional=True)),
        codes=codes,
        name_ids=name_ids,
        carried=carried,
        known=carried | frozenset(name_ids) | frozenset(id_ for code in codes for id_ in code.ids),
        told=tuple(_parse_telling(item) for item in top.objects("told", optional=True)),
    )


def _name_ids(codes: list[Code]) -> dict[str, str]:
    """Name in capitals -> id of the first number that goes by it, or the name where none does."""
    numbered = {code.name.upper(): number_id(int(code.hex, 16)) for code in reversed(codes) if code.name and code.hex}
    return {code.name.upper(): numbered.get(code.name.upper(), code.name.upper()) for code in codes if code.name}


def _link(codes: tuple[Code, ...], name_ids: Mapping[str, str]) -> tuple[Code, ...]:
    """The codes with every name that has a number compared by that number."""
    return tuple(replace(code, ids=frozenset(name_ids.get(id_, id_) for id_ in code.ids)) for code in codes)


def _parse_cause(item: Reader) -> Cause:
    for step in item.objects("fix"):
        step.get("text", "a text")
        step.choice("where", PLACES)
    return Cause(
        slug=item.get("slug", "a text"),
        title=item.get("title", "a text"),
        explanation=item.get("explanation", "a text"),
        effect=item.choice("effect", EFFECTS),
        layer=item.get("layer", "a text", optional=True) or "",
        prior=item.share("prior"),
        codes=tuple(_parse_code(code, weight=True) for code in item.objects("codes", optional=True)),
        signatures=tuple(_parse_signature(signature) for signature in item.objects("signatures", optional=True)),
        context=tuple(_parse_context(context) for context in item.objects("context", optional=True)),
        when=_parse_predicate(item.node.get("when"), f"{item.where}.when"),
        decisive=item.get("decisive", "true or false"),
        document=item.node,
    )


def _parse_code(item: Reader, *, weight: bool) -> Code:
    hex_, name = item.get("hex", "a text", optional=True), item.get("name", "a text", optional=True)
    decimal = item.get("decimal", "a whole number", optional=True)
    if hex_ is not None and re.fullmatch(r"0x[0-9a-fA-F]{3,8}", hex_) is None:
        raise item.error(f"has hex {hex_!r}, which is not 0x and 3 to 8 digits")
    ids = [number_id(int(hex_, 16))] if hex_ else []
    ids += [name.upper()] if name else []
    ids += [decimal_id(decimal)] if decimal is not None else []
    if not ids:
        raise item.error("has neither hex nor name nor decimal")
    return Code(
        frozenset(ids),
        hex_.lower() if hex_ else None,
        name,
        decimal,
        item.share("weight") if weight else 0.0,
        item.get("kind", "a text", optional=True),
        item.get("meaning", "a text", optional=True),
    )


def _parse_signature(item: Reader) -> Signature:
    states = item.get("states", "true or false", optional=True) or False
    raises = item.get("raises", "true or false", optional=True) or False
    said = item.texts("said") if "said" in item.node else ()
    return Signature("" if said else item.get("regex", "a text"), item.share("weight"), states, raises, said)


def _parse_context(item: Reader) -> tuple[str, float]:
    return item.get("regex", "a text"), float(item.get("factor", "a number"))


def _parse_query(item: Reader) -> Query:
    item.get("command", "a text")
    needs_admin = item.get("needs_admin", "true or false")
    return Query(item.get("id", "a text"), item.texts("facts"), needs_admin, item.node)


def _parse_telling(item: Reader) -> Telling:
    return Telling(item.get("fact", "a text"), item.get("regex", "a text"), item.choice("kind", TELLING_KINDS))


def _parse_predicate(node: Any, where: str) -> Predicate | None:
    """`node` itself where it is a predicate; None where it is null."""
    if node is None:
        return None
    item = Reader(node, where)
    for key in ("all", "any"):
        if key in item.node:
            for index, part in enumerate(item.get(key, "a list")):
                _require_predicate(part, f"{where}.{key}[{index}]")
            return item.node
    if "not" in item.node:
        _require_predicate(item.node["not"], f"{where}.not")
        return item.node
    item.get("fact", "a text")
    comparison = [key for key in item.node if key in COMPARISONS]
    if len(comparison) != 1:
        raise item.error(f"needs exactly one of {', '.join(COMPARISONS)}")
    for key, kind in (
        ("one_of", "a list"),
        ("contains", "a text"),
        ("absent", "true or false"),
        ("unknown", "true or false"),
    ):
        if key in item.node:
            item.get(key, kind)
    return item.node


def _require_predicate(node: Any, where: str) -> None:
    if _parse_predicate(node, where) is None:
        raise KnowledgeError(f"The knowledge base is damaged: {where} is null.", hint=REPAIR)
