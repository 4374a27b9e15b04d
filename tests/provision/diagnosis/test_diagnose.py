"""The rules of the evaluator, one at a time, with causes made for the purpose; and some real cases."""

from typing import Any

import pytest
from small_knowledge import VMP, carries, cause, know, says

from provision.diagnosis.cause import Cause, Knowledge
from provision.diagnosis.diagnose import Report, diagnose
from provision.diagnosis.knowledge import load_knowledge


def told(report: Report) -> list[tuple[str, str, float]]:
    return [(one.cause.slug, one.verdict, one.rank) for one in report.diagnoses]


def slugs(report: Report) -> list[str]:
    return [one.cause.slug for one in report.diagnoses]


# ---- scores and verdicts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("0x80370102", 0.5),
        ("0x80370102 HCS_E_HYPERV_NOT_INSTALLED -2143878910", 0.5),
        ("0x80370102 and 0x80370114", 0.7),  # the stronger of two codes, not both
        ("required feature", 0.2),
        ("required feature required feature", 0.2),
        ("0x80370102 required feature", 0.6),
        ("0x80370102 required feature in the BIOS", 0.68),
        ("0x80370102 in VMware", 0.75),
        ("0x80370102 in VMware, a nested one", 0.375),
        ("in VMware", None),
        ("0x80370102 never", None),
    ],
)
def test_score_of_a_text(text: str, score: float | None) -> None:
    knowledge = know(
        cause(
            "one",
            prior=1,
            codes=[carries(0.5), carries(0.7, hex="0x80370114")],
            signatures=[says("required feature", 0.2), says("in the bios", 0.2)],
            context=[
                {"regex": "vmware", "factor": 1.5},
                {"regex": "nested", "factor": 0.5},
                {"regex": "never", "factor": 0},
            ],
        )
    )
    assert [one.score for one in diagnose(text, None, knowledge).diagnoses] == ([] if score is None else [score])


def test_a_score_is_at_most_one() -> None:
    knowledge = know(cause("one", prior=1, codes=[carries(0.9)], context=[{"regex": "0x", "factor": 3}]))
    assert told(diagnose("0x80370102", None, knowledge)) == [("one", "likely", 1.0)]


TRUE, FALSE, NONE = {VMP: "disabled"}, {VMP: "enabled"}, dict[str, str]()


@pytest.mark.parametrize("decisive", [True, False])
@pytest.mark.parametrize("states", [True, False])
@pytest.mark.parametrize("weight", [0.0, 0.5, 0.6])
@pytest.mark.parametrize("has_text", [True, False])
@pytest.mark.parametrize("state", ["disabled", "enabled", None])
def test_verdict(decisive: bool, states: bool, weight: float, has_text: bool, state: str | None) -> None:
    knowledge = know(
        cause(
            "one",
            decisive=decisive,
            when={"fact": VMP, "is": "disabled"},
            signatures=[says("boom", weight, states)] if weight else [],
        )
    )
    facts = {"windows": {"features": {"virtual_machine_platform": state}}}
    found = diagnose("boom" if has_text else None, facts, knowledge).diagnoses
    assert [one.verdict for one in found] == _expected(decisive, states, weight if has_text else 0, has_text, state)


def _expected(decisive: bool, states: bool, score: float, has_text: bool, state: str | None) -> list[str]:
    """The contract's rules, said once more."""
    if state == "enabled":
        return ["ruled out"] if score else []
    if score and states:
        return ["confirmed"]
    if state == "disabled":
        if decisive and (score or not has_text):
            return ["confirmed"]
        return ["likely"] if score or decisive else []
    if score >= 0.6:
        return ["likely"]
    return ["possible"] if score else []


def test_without_facts_no_predicate_is_asked() -> None:
    knowledge = know(cause("one", when={"fact": VMP, "unknown": True}, decisive=True, codes=[carries(0.5)]))
    assert told(diagnose("0x80370102", None, knowledge)) == [("one", "possible", 0.375)]
    assert told(diagnose("0x80370102", {"schema": 1}, knowledge)) == [("one", "confirmed", 0.5625)]


def test_facts_may_be_anything_that_gives_a_fact_by_its_path() -> None:
    class Source:
        def get(self, path: str) -> Any:
            return {VMP: "disabled"}.get(path)

    knowledge = know(cause("one", when={"fact": VMP, "is": "disabled"}, decisive=True))
    assert told(diagnose(None, Source(), knowledge)) == [("one", "confirmed", 1.125)]


@pytest.mark.parametrize("nothing", [None, "", "\x1b[0m\r\n", b"\0\0"])
def test_no_text(nothing: Any) -> None:
    assert diagnose(nothing, None, know(cause("one", codes=[carries(1)]))) == Report((), None, ())


# ---- order ---------------------------------------------------------------------------------------------------------


def test_order_of_verdicts_then_rank_then_prior_then_name() -> None:
    knowledge = know(
        cause("z-possible", codes=[carries(0.5)]),
        cause("a-possible", codes=[carries(0.5)]),
        cause("rarer", codes=[carries(0.5)], prior=0.4),
        cause("likely", codes=[carries(0.6)], prior=0),
        cause("facts-alone", when={"fact": VMP, "is": "disabled"}, decisive=True),
        cause("ruled-out", codes=[carries(1)], when={"fact": VMP, "is": "enabled"}),
        cause("confirmed", codes=[carries(0.1)], prior=0, when={"fact": VMP, "is": "disabled"}, decisive=True),
    )
    report = diagnose("0x80370102", {"windows": {"features": {"virtual_machine_platform": "disabled"}}}, knowledge)
    wanted = ["confirmed", "likely", "a-possible", "z-possible", "rarer", "facts-alone", "ruled-out"]
    assert slugs(report) == wanted


def test_harmless_causes_come_after_others_of_their_verdict() -> None:
    knowledge = know(
        cause("noise", codes=[carries(0.5)], prior=1, effect="harmless"),
        cause("real", codes=[carries(0.3)], prior=0),
        cause("doubt", signatures=[says("doubt", 0.1)], prior=0),
    )
    assert slugs(diagnose("0x80370102 doubt", None, knowledge)) == ["real", "doubt", "noise"]


def test_likely_noise_comes_before_what_is_only_possible_for_its_words() -> None:
    knowledge = know(
        cause("noise", signatures=[says("ioctl failed", 0.9)], effect="harmless"),
        cause("coded", codes=[carries(0.3)], prior=0),
        cause("sibling", codes=[carries(0.2)], prior=0),
        cause("same-line", signatures=[says("ioctl", 0.5)]),
        cause("words", signatures=[says("docker", 0.5)]),
        cause("strong", signatures=[says("hopeless", 0.9)], prior=0),
    )

    def order(text: str) -> list[str]:
        return slugs(diagnose(text, None, knowledge))

    assert order("ioctl failed") == ["noise", "same-line"]
    assert order("docker\nioctl failed") == ["noise", "words", "same-line"]
    assert order("docker\nioctl failed\n0x80370102") == ["words", "coded", "noise", "same-line", "sibling"]
    assert order("ioctl failed\nhopeless") == ["strong", "noise", "same-line"]


def test_facts_alone_are_told_in_fixing_order() -> None:
    when = {"fact": VMP, "is": "disabled"}
    knowledge = know(
        cause("disk", layer="disk", prior=1, when=when, decisive=True),
        cause("nowhere", prior=1, when=when, decisive=True),
        cause("firmware", layer="firmware", prior=0, when=when, decisive=True),
        cause("rarer", layer="disk", prior=0.2, when=when, decisive=True),
    )
    facts = {"windows": {"features": {"virtual_machine_platform": "disabled"}}}
    wanted = ["firmware", "disk", "rarer", "nowhere"]
    assert slugs(diagnose(None, facts, knowledge)) == wanted
    assert slugs(diagnose("nothing of that", facts, knowledge)) == wanted


def test_each_of_several_errors_gets_its_best_diagnosis_first() -> None:
    knowledge = know(
        *(cause(f"hyperv-{index}", codes=[carries(0.5 - index / 100)]) for index in range(5)),
        cause("dns", codes=[carries(0.2, hex="0x80072ee7")]),
        cause("dns-too", codes=[carries(0.1, hex="0x80072ee7")]),
        cause("words", signatures=[says("is blocked", 0.15)]),
        cause("other-words", signatures=[says("blocked", 0.05)]),
    )
    report = diagnose("0x80370102\n\nError 0x80072ee7\n\nGPU is blocked", None, knowledge)
    assert slugs(report)[:3] == ["hyperv-0", "dns", "words"]
    assert slugs(report)[3:] == ["hyperv-1", "hyperv-2", "hyperv-3", "hyperv-4", "dns-too", "other-words"]


def test_one_error_told_twice_is_one_error() -> None:
    knowledge = know(
        cause("first", codes=[carries(0.5)]),
        cause("second", codes=[carries(0.4)]),
        cause("third", codes=[carries(0.3, name="HCS_E_HYPERV_NOT_INSTALLED", hex=None)]),
    )
    report = diagnose("0x80370102\n\n\nWsl/HCS_E_HYPERV_NOT_INSTALLED", None, knowledge)
    assert slugs(report) == ["first", "second", "third"]


# ---- evidence ------------------------------------------------------------------------------------------------------


def test_evidence_is_the_very_line_and_the_very_fact() -> None:
    knowledge = know(
        cause(
            "one",
            codes=[carries(0.5)],
            signatures=[says("required feature", 0.2)],
            when={
                "all": [
                    {"fact": VMP, "is": "disabled"},
                    {"any": [{"fact": "windows.build", "less_than": 9}, {"fact": "a.b", "is": 1}]},
                ]
            },
        )
    )
    facts = {"windows": {"build": 8, "features": {"virtual_machine_platform": "disabled"}}, "a": {"b": 2}}
    report = diagnose("first\n  Error:\t0x80370102 \na required\nfeature is\nlast", facts, knowledge)
    assert list(report.diagnoses[0].evidence) == [
        {"kind": "text", "line": "Error: 0x80370102", "matched": "0x80370102"},
        {"kind": "text", "line": "a required", "matched": "required feature"},
        {"kind": "fact", "fact": VMP, "value": "disabled"},
        {"kind": "fact", "fact": "windows.build", "value": 8},
    ]


def test_evidence_against_a_cause_is_the_fact_that_contradicts() -> None:
    when = {"all": [{"fact": "a.b", "is": True}, {"not": {"fact": "a.c", "is": True}}, {"fact": "a.d", "is": True}]}
    report = diagnose(
        "boom", {"a": {"b": True, "c": True}}, know(cause("one", signatures=[says("boom", 0.5)], when=when))
    )
    assert [one for one in report.diagnoses[0].evidence if one["kind"] == "fact"] == [
        {"kind": "fact", "fact": "a.c", "value": True}
    ]


def test_a_long_line_is_cut_around_what_matched() -> None:
    report = diagnose("xx " * 500 + "boom" + " yy" * 500, None, know(cause("one", signatures=[says("boom", 0.5)])))
    (evidence,) = report.diagnoses[0].evidence
    assert len(evidence["line"]) <= 200
    assert "xx boom yy" in evidence["line"]


def test_a_word_broken_by_a_narrow_terminal_is_shown_with_the_line_it_begins_in() -> None:
    report = diagnose(
        "one\ntwo required fea\nture three", None, know(cause("one", signatures=[says("required feature", 0.5)]))
    )
    assert report.diagnoses[0].evidence[0] == {
        "kind": "text",
        "line": "two required fea",
        "matched": "required feature",
    }


# ---- the shipped knowledge -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge()


def test_every_shipped_regular_expression_can_be_compiled(shipped: Knowledge) -> None:
    everything = " ".join(regex for one in shipped.causes for regex in _regexes(one))
    diagnose(everything, None, shipped)


def _regexes(one: Cause) -> list[str]:
    return [signature.regex for signature in one.signatures] + [regex for regex, _ in one.context]


def test_the_document_has_what_a_reader_needs(shipped: Knowledge) -> None:
    document = diagnose("WslRegisterDistribution failed with error: 0x80370102", None, shipped).to_dict()
    assert set(document) == {"diagnoses", "next_query", "codes", "notes"}
    for one in document["diagnoses"]:
        assert {"cause", "title", "verdict", "score", "evidence", "explanation", "fix", "differs", "sources"} <= set(
            one
        )
    assert document["codes"][0]["hex"] == "0x80370102"


def test_long_text_is_said_to_be_read_in_parts(shipped: Knowledge) -> None:
    report = diagnose("\n".join(map(str, range(40000))) + "\n0x80370102", None, shipped)
    assert "0x80370102" in report.diagnoses[0].evidence[0]["line"]
    assert "long" in report.notes[0]
