"""The checks that are data: is checks.json whole, is every rule reached, and what rules and words mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rule_documents import documents, every_document

from docs.made import check_table
from provision.checked_json import KnowledgeError, read_json
from provision.doctor.check import CheckVerdict, FixStep
from provision.doctor.check_book import check_book, expand, parse_book
from provision.doctor.checks import CHECKS, LOOKS, MADE_STEPS, SECTIONS
from provision.doctor.rules import look_by_rules, step
from provision.doctor.wording import FORMS, PLACEHOLDER, fill
from provision.facts.facts import Facts

ROOT = Path(__file__).parents[3]
DOCUMENT = read_json("checks.json")
SCHEMA = read_json("checks.schema.json")
ENTRIES = [entry for entry in check_book().checks if entry.rules is not None]
BY_PLACE = [(entry, place) for entry in ENTRIES for place in entry.places]
LOOK = {check.name: check.look for check in CHECKS}


def walk(node: Any) -> Iterator[Any]:
    yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(part)


def names(key: str) -> set[str]:
    return {node[key] for node in walk(DOCUMENT) if isinstance(node, dict) and isinstance(node.get(key), str)}


# --- the file


def test_the_file_has_the_shape_of_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(DOCUMENT, SCHEMA)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"verdict": "FAIL", "sentence": "It is broken."}, "a FAIL without a fix"),
        ({"verdict": "PASS"}, "no sentence"),
        ({"unknown": "windows.build", "verdict": "SKIP", "sentence": "Not known."}, "two answers"),
        ({"verdict": "PASS", "sentence": "Good.", "when": {"fact": "windows.build", "more_than": 3}}, "no comparison"),
        ({"verdict": "PASS", "sentence": "Good.", "when": {"fact": "build", "is": 3}}, "no fact"),
        ({"verdict": "GOOD", "sentence": "Good."}, "no verdict"),
    ],
)
def test_the_schema_refuses(broken: dict[str, Any], why: str) -> None:
    rule = {"$defs": SCHEMA["$defs"], "$ref": "#/$defs/rule"}
    assert not jsonschema.Draft202012Validator(rule).is_valid(broken), why


def test_what_is_called_by_name_is_there_and_what_is_there_is_called() -> None:
    rules = {rule for check in DOCUMENT["checks"] for rule in check.get("rules", ()) if isinstance(rule, str)}
    assert rules == set(DOCUMENT["rules"])
    of_code = {"has-gpu", "wsl-2-here"}
    assert names("named") | of_code == set(DOCUMENT["predicates"])
    assert names("made") == set(MADE_STEPS)
    called = names("step") | {item for node in walk(DOCUMENT) if isinstance(node, dict) for item in node.get("fix", ())
                              if isinstance(item, str)}  # fmt: skip
    assert called <= set(DOCUMENT["steps"])


def test_a_check_is_data_or_code_and_never_both() -> None:
    assert {entry.name for entry in check_book().checks if entry.rules is None} == set(LOOKS)


def test_every_named_finding_is_called_by_both_editions() -> None:
    python = (ROOT / "provision" / "doctor" / "checks").glob("*.py")
    powershell = (ROOT / "powershell" / "DreamRig" / "Private" / "Checks").glob("*.ps1")
    code = "".join(path.read_text("utf-8") for path in python)
    scripts = "".join(path.read_text("utf-8") for path in powershell if path.name != "CheckTable.ps1")
    named = [(entry.name, name) for entry in check_book().checks for name in entry.findings]
    assert len(named) > 15
    assert [pair for pair in named if f'"{pair[1]}"' not in code] == []
    only_in_wsl = {("network-services", "disabled-yet-running")}
    missing = [pair for pair in named if not re.search(rf"\b{re.escape(pair[1])}\b", scripts)]
    assert set(missing) == only_in_wsl


def test_facts_are_those_of_the_schema_and_forms_are_known() -> None:
    facts = read_json("facts.schema.json")["properties"]
    texts = [text for text in walk(DOCUMENT) if isinstance(text, str)]
    said = [found for text in texts for found in PLACEHOLDER.findall(text)]
    assert {form for _, form in said} - {""} <= set(FORMS)
    paths = names("fact") | names("unknown") | {path for path, _ in said if "." in path}
    for path in paths | {path for entry, place in BY_PLACE for rule in entry.rules[place] for path in rule.evidence}:
        half, *rest = path.split(".")
        node = facts[half]
        for part in rest:
            node = node["properties"][part]


@pytest.mark.parametrize(("entry", "place"), BY_PLACE, ids=lambda value: getattr(value, "name", value))
def test_every_rule_is_reached_and_the_last_one_always_holds(entry: Any, place: str) -> None:
    rules = entry.rules[place]
    assert (rules[-1].when, rules[-1].unless) == (None, None)
    missed = [
        rules[index].sentence or rules[index].unknown for index in set(range(len(rules))) - set(documents(entry, place))
    ]
    assert missed == [], "no facts make them the answer: they are shadowed, or contradict themselves"


@pytest.mark.parametrize("place", ["windows", "wsl", "linux", "colab", "other"])
def test_every_rule_makes_a_whole_finding(place: str) -> None:
    for entry, document in every_document(place):
        finding = LOOK[entry.name](Facts(document))
        assert finding.sentence.endswith("."), finding
        words = [finding.sentence, *(str(part) for each in finding.fix for part in each.to_dict().values())]
        assert not [text for text in words if "{" in text], finding
        assert bool(finding.fix) == (finding.verdict in (CheckVerdict.WARN, CheckVerdict.FAIL)), finding
        assert finding.evidence, finding


def test_the_sections_are_those_of_the_file() -> None:
    assert [title for title, _ in SECTIONS] == ["Windows", "WSL", "CUDA", "PyTorch", "This machine"]


def test_the_table_of_powershell_is_current() -> None:
    assert check_table.FILE.read_text("ascii") == check_table.render(), "run: python -m docs.made.check_table"


# --- damage


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "has schema 2"),
        ({"checks": [{"name": "a"}]}, "checks[0]"),
        ({"checks": "none"}, "'checks' that is a list"),
    ],
)
def test_a_damaged_file_names_the_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        parse_book({**DOCUMENT, **change})
    assert said in str(caught.value)
    assert "checks.json" in str(caught.value)


def one_check(**more: Any) -> dict[str, Any]:
    plain = {"name": "a", "asks": "A?", "section": "S", "places": ["linux", "wsl"], "needs": [], "causes": []}
    return {"schema": 1, "predicates": {}, "steps": {}, "rules": {}, "checks": [{**plain, "evidence": [], **more}]}


@pytest.mark.parametrize(
    "rule", ["unheard-of", {"verdict": "PASS", "sentence": "Good.", "when": {"named": "unheard-of"}}]
)
def test_a_name_that_nothing_has_is_damage(rule: Any) -> None:
    with pytest.raises(KnowledgeError, match=r"checks\[0\]"):
        parse_book(one_check(rules=[rule]))


# --- what rules mean


def look(*rules: dict[str, Any], place: str = "linux", **linux: Any) -> Any:
    entry = parse_book(one_check(rules=list(rules))).checks[0]
    made = {"two": lambda _: (FixStep("One."), FixStep("Two."))}
    return look_by_rules(entry, made)(Facts({"place": place, "linux": linux, "unknown": {"linux.kernel": "denied"}}))


GOOD = {"verdict": "PASS", "sentence": "Good."}
ABOUT = {"fact": "linux.memory_mib", "less_than": 5}


def test_when_must_be_true_and_unless_must_not() -> None:
    few = {"verdict": "WARN", "sentence": "Few.", "when": ABOUT}
    assert [look(few, GOOD, memory_mib=size).sentence for size in (4, 5, None)] == ["Few.", "Good.", "Good."]
    many = {"verdict": "WARN", "sentence": "Many or not known.", "unless": ABOUT}
    assert [look(many, GOOD, memory_mib=size).sentence[:4] for size in (4, 5, None)] == ["Good", "Many", "Many"]
    both = {"verdict": "WARN", "sentence": "Both.", "when": {"fact": "linux.has_dxg", "is": True}, "unless": ABOUT}
    assert [look(both, GOOD, has_dxg=has, memory_mib=5).sentence for has in (True, False)] == ["Both.", "Good."]


def test_what_is_not_known_is_told_with_its_reason() -> None:
    finding = look({"unknown": "linux.kernel"}, GOOD)
    assert (finding.verdict, finding.sentence) == (CheckVerdict.SKIP, "Cannot be told: that needs an administrator.")
    assert look({"unknown": "linux.kernel"}, GOOD, kernel="6").sentence == "Good."
    assert look({"unknown": "linux.kernel", "when": ABOUT}, GOOD, memory_mib=9).sentence == "Good."


def test_a_place_has_its_own_rules_and_fields() -> None:
    elsewhere = {**GOOD, "places": ["wsl"], "sentence": "In WSL."}
    other = {**GOOD, "in": {"wsl": {"verdict": "SKIP"}}}
    assert [look(elsewhere, GOOD, place=place).sentence for place in ("linux", "wsl")] == ["Good.", "In WSL."]
    assert [str(look(other, place=place).verdict) for place in ("linux", "wsl")] == ["PASS", "SKIP"]


def test_evidence_and_steps() -> None:
    service = {"step": "allow-service", "with": {"name": "x", "how": "auto"}}
    fix = ["restart", service, {"made": "two"}, {"text": "Kernel {linux.kernel}."}]
    rule = {"verdict": "FAIL", "sentence": "Bad.", "evidence": ["linux.kernel"], "fix": fix}
    rule |= {"stops": True, "blocked_by": "b"}
    finding = look(rule, kernel="6")
    assert finding.evidence == ({"kind": "fact", "fact": "linux.kernel", "value": "6"},)
    assert [each.text for each in finding.fix[1:]] == ["Allow the service x to start.", "One.", "Two.", "Kernel 6."]
    assert (finding.fix[0].command, finding.fix[1].command) == ("shutdown /r /t 0", "sc.exe config x start= auto")
    assert (finding.stops, finding.general, finding.unused, finding.blocked_by) == (True, False, False, "b")


def test_predicates_by_name_may_stand_in_others() -> None:
    named = {"few": ABOUT}
    assert expand({"not": {"any": [{"named": "few"}, ABOUT]}}, named) == {"not": {"any": [ABOUT, ABOUT]}}


# --- words


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{linux.kernel}", "6.6"),
        ("{linux.kernel} and {linux.kernel|capitals}", "6.6 and 6.6"),
        ("{linux.memory_mib|gib} {linux.memory_mib|whole_gib}", "1.5 2"),
        ("{linux.wsl_conf_problems|several}", "One; and 2 more"),
        ("{linux.wsl_conf_problems|listed}", "One.; two; three"),
        ("{linux.distribution|reason}", "x" * 100),
        ("{name}: {{linux.kernel}", "N: {6.6"),
    ],
)
def test_words(template: str, words: str) -> None:
    linux = {"kernel": "6.6", "memory_mib": 1536, "wsl_conf_problems": ["One.", "two", "three"]}
    facts = Facts({"place": "linux", "linux": linux, "unknown": {"linux.distribution": f"failed: {'x' * 120}."}})
    assert fill(template, facts, {"name": "N"}) == words


def test_values_are_no_templates() -> None:
    assert fill("{name}", None, {"name": "{linux.kernel}"}) == "{linux.kernel}"


def test_words_that_nobody_gives_are_refused() -> None:
    for template in ("{name}", "{linux.kernel}", "{linux.kernel|unheard_of}"):
        with pytest.raises(KeyError):
            fill(template)
    assert step("no-gpu").command is None
