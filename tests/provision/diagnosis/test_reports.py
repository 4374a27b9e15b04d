"""Real error reports: does the text alone bring the cause among the first three, and do the facts bring it to the top?

corpus.json    76 reports with a confirmed cause; `said` are the facts their authors give, `facts` the same in the shape
               of a facts document, mapped by hand; `also`: other causes that these facts prove as well
found.json     90 further ones from public threads; the half `tuning` was used to weigh the signatures, the half
               `held-out` was not looked at until the weights stood
written.json   62 texts written from what threads and manuals say, before anything was changed for them; `confirmed_by`
               tells which; 53 had their cause first and 59 among the first three when first measured
threads.json   246 texts from public threads, with the cause that the thread confirms, in six sets; when first
               measured, before any rule was changed for it, a set had the cause first in 62 of 73, 27 of 40,
               24 of 33, 13 of 20, 17 of 32 and 12 of 20, among the first three in 67, 30, 26, 14, 24 and 14; a
               seventh, `held-out`, was measured between the last two, and nothing was changed for it: first in
               22 of 28, among the first three in 25; `also`: causes that may be confirmed as well
fresh.json     39 reports of 2026 in three rows (windows, gpu, python), which were one half of a set of 78; their cause,
               or another that is right (`also`), was among the first three in 10 of 14, 9 of 12 and 2 of 13 before
               any rule was changed for them
later.json     42 reports found in public threads after the rules for fresh.json stood: 13 of 14, 8 of 10 and 15 of 18
               before any rule was changed for them
cured.json     29 reports whose thread names the cure, as those of mended.json, second.json, third.json,
               fourth.json, fifth.json, sixth.json, seventh.json, eighth.json, ninth.json, tenth.json,
               eleventh.json, twelfth.json, thirteenth.json and fourteenth.json: see test_advice.py; here, that
               nothing wrong is confirmed
unseen.json    reports that nothing was changed for: all but one had their cause among the first three
around.json    22 texts about what lies around the chain (apt, pip, PowerShell, Docker, a program's own faults), after
               threads and manuals; their causes were written with them
"""

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provision.diagnosis.diagnose import CONFIRMED, Diagnosis, diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.facts.facts import facts_schema

REPORTS = Path(__file__).parents[2] / "reports"
FIRST = 3
WRITTEN_FIRST = 53 / 62
HELD_OUT_FLOOR = 0.85
"""Share of the untouched reports whose cause was among the first three when first measured: 39 of 45 and 25 of 28."""


def read(name: str) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads((REPORTS / name).read_text(encoding="utf-8"))["reports"]
    return reports


CORPUS = read("corpus.json")
FOUND = read("found.json")
WRITTEN = read("written.json")
THREADS = read("threads.json")
AROUND = read("around.json")
FRESH = [*read("fresh.json"), *read("later.json")]
BATCHES = [
    "cured",
    "mended",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
]
CURED = [report for name in BATCHES for report in read(f"{name}.json")]
TUNED_THREADS = [report for report in THREADS if report["set"] != "held-out"]
WITH_FACTS = [*CORPUS, *(report for report in THREADS if "facts" in report)]
TUNING = [report for report in FOUND if report["half"] == "tuning"]
HELD_OUT = {
    "found": [report for report in FOUND if report["half"] == "held-out"],
    "threads": [report for report in THREADS if report["set"] == "held-out"],
    "unseen": read("unseen.json"),
}


def found(text: str, facts: dict[str, Any] | None = None) -> tuple[Diagnosis, ...]:
    return diagnose(text, facts, load_knowledge()).diagnoses


def slugs(diagnoses: tuple[Diagnosis, ...]) -> list[str]:
    return [item.cause.slug for item in diagnoses]


def confirmed(diagnoses: tuple[Diagnosis, ...]) -> set[str]:
    return {item.cause.slug for item in diagnoses if item.verdict == CONFIRMED}


def by_id(report: dict[str, Any]) -> str:
    return f"{report['id']}-{report['expected']}"


def test_all_reports_are_here_with_their_source() -> None:
    assert len(CORPUS) == 76
    assert len(FOUND) >= 60
    assert len(WRITTEN) >= 60
    assert len(THREADS) >= 120
    assert len(FRESH) >= 80
    everything = (*CORPUS, *FOUND, *WRITTEN, *THREADS, *AROUND, *FRESH)
    assert all(report["source"].startswith("https://") for report in everything)
    assert len({report["id"] for report in everything}) == len(everything)


def test_what_was_found_is_new() -> None:
    known = {(report["source"], report["text"]) for report in CORPUS}
    assert not known & {(report["source"], report["text"]) for report in FOUND}
    older = {report["text"] for report in (*CORPUS, *FOUND)}
    assert not older & {report["text"] for report in WRITTEN}
    assert not older & {report["text"] for report in THREADS}
    older |= {report["text"] for report in (*WRITTEN, *THREADS)}
    assert not older & {report["text"] for report in FRESH}


def test_mapped_facts_are_facts_documents() -> None:
    validator = jsonschema.Draft202012Validator(dict(facts_schema()))
    for report in WITH_FACTS:
        validator.validate(report["facts"])


@pytest.mark.parametrize("report", [*CORPUS, *TUNING, *TUNED_THREADS, *FRESH], ids=by_id)
def test_the_text_alone_brings_the_cause_among_the_first_three(report: dict[str, Any]) -> None:
    right = {report["expected"], *(report["also"] if "row" in report else ())}
    assert right & set(slugs(found(report["text"]))[:FIRST])


@pytest.mark.parametrize("report", WITH_FACTS, ids=by_id)
def test_with_its_facts_the_cause_comes_first(report: dict[str, Any]) -> None:
    assert slugs(found(report["text"], report["facts"]))[0] == report["expected"]


@pytest.mark.parametrize(
    "report", [*CORPUS, *FOUND, *WRITTEN, *THREADS, *AROUND, *FRESH, *CURED, *HELD_OUT["unseen"]], ids=by_id
)
def test_the_text_alone_confirms_nothing_wrong(report: dict[str, Any]) -> None:
    assert confirmed(found(report["text"])) <= {report["expected"], *report.get("also", ())}


@pytest.mark.parametrize("report", WITH_FACTS, ids=by_id)
def test_the_facts_confirm_nothing_wrong(report: dict[str, Any]) -> None:
    right = {report["expected"], *report.get("also", ())}
    assert confirmed(found(report["text"], report["facts"])) <= right


@pytest.mark.parametrize("report", AROUND, ids=by_id)
def test_what_lies_around_the_chain_comes_first(report: dict[str, Any]) -> None:
    assert slugs(found(report["text"]))[0] == report["expected"]


@pytest.mark.parametrize("report", WRITTEN, ids=by_id)
def test_a_written_text_has_its_cause_among_the_first_three(report: dict[str, Any]) -> None:
    assert report["expected"] in slugs(found(report["text"]))[:FIRST]


def test_written_texts_have_their_cause_first_as_often_as_when_first_measured() -> None:
    hits = [slugs(found(report["text"]))[:1] == [report["expected"]] for report in WRITTEN]
    assert sum(hits) / len(hits) >= WRITTEN_FIRST


BARE = (
    "0x80370102",
    "WslRegisterDistribution failed with error: 0x80370102",
    "HCS_E_HYPERV_NOT_INSTALLED",
    "-2143878910",
)


@pytest.mark.parametrize("text", [*BARE, "Error: 0x80370102"])
def test_the_bare_code_means_the_firmware_first_of_all(text: str) -> None:
    """The commonest cause by far among reports with this code, where nothing else is known."""
    first, second = found(text)[:2]
    assert first.cause.slug == "firmware-virtualization-off"
    assert first.rank > 1.05 * second.rank


@pytest.mark.parametrize("reports", HELD_OUT.values(), ids=HELD_OUT)
def test_what_no_rule_was_changed_for_fares_as_it_did(reports: list[dict[str, Any]]) -> None:
    hits = [report["expected"] in slugs(found(report["text"]))[:FIRST] for report in reports]
    assert sum(hits) / len(hits) >= HELD_OUT_FLOOR


def test_a_report_taken_for_another_is_not_confirmed_either() -> None:
    """Facts of one report and text of another: nothing that neither of them has is confirmed."""
    for one, other in itertools.pairwise(CORPUS):
        right = {one["expected"], other["expected"], *one.get("also", ()), *other.get("also", ())}
        wrong = confirmed(found(one["text"], other["facts"])) - right
        assert not wrong, (one["id"], other["id"], wrong)
