"""The knowledge base itself: is every entry whole, valid, readable by both evaluators, and safe to run?"""

import json
import re
import string
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provision.checked_json import read_json
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.predicate import comparisons
from provision.doctor.checks import CHECKS
from provision.facts.facts import facts_schema

REPORTS = Path(__file__).parents[2] / "reports"
DOCUMENT = read_json("causes.json")
CAUSES: list[dict[str, Any]] = DOCUMENT["causes"]
SLUGS = [cause["slug"] for cause in CAUSES]
STEPS = [(cause["slug"], step) for cause in CAUSES for step in cause["fix"]]
CORPUS_SLUGS = 48
HANG_SECONDS = 20  # a generous guard against a pattern that never ends, no measurement
TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[0-9]+,?[0-9]*\}|.", re.DOTALL)
DESTRUCTIVE = re.compile(r"--unregister|netcfg -d|e2fsck|rm -f|--mount\b.*--bare$|wusa /uninstall")


def patterns() -> Iterator[tuple[str, str]]:
    for cause in CAUSES:
        for entry in (*cause["signatures"], *cause["context"]):
            yield cause["slug"], entry["regex"]


def fact_paths(schema: dict[str, Any], head: str = "") -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        path = f"{head}.{name}" if head else name
        yield path
        yield from fact_paths(inner, path)


FACTS = set(fact_paths(dict(facts_schema())))


# ---- shape ---------------------------------------------------------------------------------------------------------


def test_it_is_what_its_schema_says() -> None:
    jsonschema.Draft202012Validator(read_json("causes.schema.json")).validate(DOCUMENT)


def test_it_loads() -> None:
    assert len(load_knowledge().causes) == len(CAUSES) >= 100


def test_slugs_and_query_names_are_unique() -> None:
    names = [*SLUGS, *(query["id"] for query in DOCUMENT["queries"])]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_codes_are_decoded_once_and_in_one_way() -> None:
    keys = [code["hex"] or code["name"] for code in DOCUMENT["codes"]]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_code_of_a_cause_can_be_decoded_under_the_same_name() -> None:
    table = {code["hex"] or code["name"]: code["name"] for code in DOCUMENT["codes"]}
    names = {code["name"] for code in DOCUMENT["codes"]}
    odd = [
        (cause["slug"], code)
        for cause in CAUSES
        for code in cause["codes"]
        if (table.get(code["hex"], "") != code["name"] if code["hex"] else code["name"] not in names)
    ]
    assert odd == []


def test_decimals_are_those_of_the_hexadecimals() -> None:
    for cause in CAUSES:
        for code in cause["codes"]:
            if code["hex"] and code["decimal"] is not None:
                value = int(code["hex"], 16)
                signed = value - 2**32 if value >= 2**31 else value
                assert code["decimal"] in (signed, value & 0xFFFF), (cause["slug"], code)


def test_every_cause_can_be_found() -> None:
    assert [cause["slug"] for cause in CAUSES if not cause["codes"] and not cause["signatures"]] == []


def test_what_differs_exists_and_is_another_cause() -> None:
    for cause in CAUSES:
        for other in cause["differs"]:
            assert other["from"] in SLUGS, (cause["slug"], other)
            assert other["from"] != cause["slug"]


def test_checks_named_by_causes_exist() -> None:
    checks = {check.name for check in CHECKS}
    assert {cause["check"] for cause in CAUSES} - {None} <= checks


# ---- facts ---------------------------------------------------------------------------------------------------------


def test_predicates_and_queries_read_facts_that_exist() -> None:
    read = {leaf["fact"] for cause in CAUSES for leaf in comparisons(cause["when"])}
    read |= {fact for query in DOCUMENT["queries"] for fact in query["facts"]}
    assert read - FACTS == set()


def test_every_fact_that_decides_can_be_asked_for() -> None:
    asked = {fact for query in DOCUMENT["queries"] for fact in query["facts"]}
    read = {leaf["fact"] for cause in CAUSES for leaf in comparisons(cause["when"])}
    assert read - asked == set()


def allowed_values(path: str) -> list[Any] | None:
    node: dict[str, Any] = dict(facts_schema())
    for part in path.split("."):
        node = node["properties"][part]
    return node.get("enum")


def test_predicates_compare_with_values_that_can_occur() -> None:
    for cause in CAUSES:
        for leaf in comparisons(cause["when"]):
            allowed = allowed_values(leaf["fact"])
            wanted = leaf["one_of"] if "one_of" in leaf else [leaf["is"]] if "is" in leaf else []
            assert allowed is None or set(wanted) <= set(allowed), (cause["slug"], leaf)


def test_a_decisive_cause_has_a_predicate() -> None:
    assert [cause["slug"] for cause in CAUSES if cause["decisive"] and cause["when"] is None] == []


def test_an_empty_facts_document_proves_nothing() -> None:
    report = diagnose(None, {"schema": 1, "place": "windows"}, load_knowledge())
    assert [item.cause.slug for item in report.diagnoses] == []


# ---- patterns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slug", "regex"), list(patterns()))
def test_a_pattern_compiles_and_is_bounded(slug: str, regex: str) -> None:
    re.compile(regex, re.IGNORECASE)
    tokens = TOKEN.findall(regex)
    assert not {"*", "+"} & set(tokens), "unbounded"
    assert not any(re.fullmatch(r"\{[0-9]+,\}", token) for token in tokens), "unbounded"


@pytest.mark.parametrize(("slug", "regex"), list(patterns()))
def test_a_pattern_means_the_same_to_dotnet(slug: str, regex: str) -> None:
    tokens = TOKEN.findall(regex)
    groups = re.findall(r"(?<!\\)\(\?(.{0,2})", regex)
    assert all(group.startswith((":", "=", "!", "<=", "<!")) for group in groups), "inline flag, name or atomic group"
    assert not any(re.fullmatch(r"\\[ZAzGkKpPRXhNUuxQE0-9]", token) for token in tokens), "escape of one dialect"
    quantifiers = [token.startswith("{") or token == "?" for token in tokens]
    doubled = [second for first, second in zip(quantifiers, tokens[1:], strict=False) if first and second == "+"]
    assert not doubled, "possessive"
    assert not any(token.startswith("[") and "-[" in token for token in tokens), "class subtraction"


def hostile(regex: str) -> str:
    """Text that begins to match over and over, and never ends."""
    letters = re.sub(r"[^A-Za-z0-9 ./_'-]", "", regex)[:60] or "x"
    return (letters + " ") * 200 + "a" * 4000 + "'\"0x8" * 800


def alternatives(regex: str) -> Iterator[str]:
    """The alternatives of a pattern that no bracket holds together."""
    depth, found = 0, ""
    for token in (*TOKEN.findall(regex), "|"):
        depth += (token == "(") - (token == ")")
        if token == "|" and depth == 0:
            yield found
            found = ""
        else:
            found += token


@pytest.mark.parametrize("cause", CAUSES, ids=SLUGS)
def test_words_count_once_for_a_cause(cause: dict[str, Any]) -> None:
    """What stands in two signatures of a cause would raise its score twice."""
    counted = Counter(text for signature in cause["signatures"] for text in alternatives(signature["regex"]))
    assert [text for text, times in counted.items() if times > 1] == []


def test_no_pattern_blows_up() -> None:
    begin = time.process_time()
    for _, regex in patterns():
        compiled = re.compile(regex, re.IGNORECASE)
        for text in (hostile(regex), " " * 8000, "wsl " * 2000, "x" * 8000):
            compiled.search(text)
    assert time.process_time() - begin < HANG_SECONDS


def test_words_that_say_the_cause_outright_are_few() -> None:
    stating = [cause["slug"] for cause in CAUSES for entry in cause["signatures"] if entry["states"]]
    assert 1 <= len(stating) <= 8, stating


# ---- fixes ---------------------------------------------------------------------------------------------------------


def test_commands_are_plain() -> None:
    for slug, step in STEPS:
        for words in (step["command"] or "", step["undo"] or ""):
            assert set(words) <= set(string.printable) - set("\r\x0b\x0c"), (slug, words)
            assert words.count('"') % 2 == 0, (slug, words)


def test_windows_commands_are_for_powershell() -> None:
    for slug, step in STEPS:
        if step["where"] in ("windows", "host") and step["command"]:
            outside_cmd = re.sub(r'cmd /c ".*"', "", step["command"])
            assert "&&" not in outside_cmd, (slug, step["command"])
            assert not re.search(r"%\w+%", outside_cmd), (slug, step["command"])


@pytest.mark.parametrize(
    "command",
    [
        "wsl --manage NAME --set-sparse true --allow-unsafe",
        "wsl --unregister NAME",
        "sudo rm -rf ~/x",
        "netcfg -d",
        "wusa /uninstall /kb:NUMBER",
        "Remove-Item C:\\x",
        "Format-Volume -DriveLetter D",
        "winget install X --force",
        "Restart-Service hns -Force",
        "docker system prune",
    ],
)
def test_the_schema_refuses_what_destroys_without_risk_and_undo(command: str) -> None:
    plain = {"text": "Do it.", "command": command, "where": "windows", "needs_admin": False, "needs_restart": False}
    shape = {"$defs": read_json("causes.schema.json")["$defs"], "$ref": "#/$defs/step"}
    validator = jsonschema.Draft202012Validator(shape)
    told = {"risk": "It deletes something.", "undo": "It cannot be taken back."}
    assert validator.is_valid({**plain, **told})
    assert not validator.is_valid({**plain, **told, "risk": None})
    assert not validator.is_valid({**plain, **told, "undo": None})


@pytest.mark.parametrize(
    "command",
    ["docker run --rm --gpus all IMAGE", "Get-ChildItem -Force $env:UserProfile", "pip install --force-reinstall x"],
)
def test_the_schema_lets_harmless_commands_be(command: str) -> None:
    shape = {"$defs": read_json("causes.schema.json")["$defs"], "$ref": "#/$defs/step"}
    plain = {"text": "Do it.", "command": command, "where": "linux", "needs_admin": False, "needs_restart": False}
    assert jsonschema.Draft202012Validator(shape).is_valid({**plain, "risk": None, "undo": None})


def test_nobody_is_told_to_force_sparse_disks_or_to_unregister_first() -> None:
    assert [slug for slug, step in STEPS if "--allow-unsafe" in (step["command"] or "")] == []
    for cause in CAUSES:
        assert "--unregister" not in (cause["fix"][0]["command"] or ""), cause["slug"]


def test_wsl_conf_is_changed_by_the_editor_and_never_appended_to() -> None:
    told = [words for _, step in STEPS for words in (step["command"] or "", step["undo"] or "")]
    appending = [words for words in told if ">> " in words or "tee -a" in words]
    assert [words for words in appending if "wsl.conf" in words or "wslconfig" in words] == []


def test_what_destroys_says_so() -> None:
    destroying = [(slug, step) for slug, step in STEPS if DESTRUCTIVE.search(step["command"] or "")]
    silent = [(slug, step["command"]) for slug, step in destroying if not (step["risk"] or step["undo"])]
    assert silent == []


def test_a_change_can_be_undone_or_says_why_not() -> None:
    changing = re.compile(r"bcdedit /set|config .* start=|(?:en|dis)able-feature|Set-ProcessMitigation|--set-version")
    lost = [(slug, s["command"]) for slug, s in STEPS if changing.search(s["command"] or "") and not s["undo"]]
    assert lost == []


def test_a_firmware_change_comes_with_the_way_there_and_with_bitlocker() -> None:
    for slug in ("firmware-virtualization-off", "firmware-nx-off"):
        commands = [step["command"] or "" for name, step in STEPS if name == slug]
        assert any("shutdown /r /fw /t 0" in command for command in commands)
        assert any("manage-bde" in command for command in commands)


def test_nobody_is_told_to_enable_hyper_v_for_wsl() -> None:
    telling = {slug for slug, step in STEPS if "featurename:Microsoft-Hyper-V" in (step["command"] or "")}
    assert telling == {"hyperv-feature-partial"}


# ---- coverage ------------------------------------------------------------------------------------------------------


def corpus_slugs() -> set[str]:
    reports = json.loads((REPORTS / "corpus.json").read_text(encoding="utf-8"))["reports"]
    return {report["expected"] for report in reports}


def test_every_cause_of_the_reports_is_there() -> None:
    assert corpus_slugs() <= set(SLUGS)
    assert len(corpus_slugs()) <= CORPUS_SLUGS


CATALOGUE = json.loads((REPORTS / "catalogue.json").read_text(encoding="utf-8"))["entries"]


def test_the_catalogue_is_whole() -> None:
    assert [entry["number"] for entry in CATALOGUE] == list(range(1, 103))
    covered = {number for cause in CAUSES for number in cause["catalogue"]}
    assert {entry["number"] for entry in CATALOGUE} - covered == set()


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry["number"])
def test_every_entry_of_the_catalogue_is_recognised(entry: dict[str, Any]) -> None:
    for text in entry["texts"]:
        first = diagnose(text, None, load_knowledge()).diagnoses[0].cause.document
        assert entry["number"] in first["catalogue"], text
