"""Which question is asked next: the one that tells most about the causes that remain."""

from typing import Any

from small_knowledge import VMP, carries, cause, know, query, says

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.diagnose import diagnose, rounded
from provision.diagnosis.next_query import Candidate, Remaining, answers, choose_query, expected_left


def ask(knowledge: Knowledge, facts: Any = None, text: str = "0x80370102") -> str | None:
    found = diagnose(text, facts, knowledge).next_query
    return None if found is None else found.id


def read(path: str) -> Any:
    """Of no fact anything is known."""
    return None


def remaining(*candidates: Candidate) -> list[Remaining]:
    return [Remaining.of(candidate, read) for candidate in candidates]


def halves(**more: Any) -> Knowledge:
    return know(
        *(
            cause(f"yes-{index}", codes=[carries(0.5)], when={"all": [{"fact": "a.half", "is": True}]})
            for index in range(3)
        ),
        *(cause(f"no-{index}", codes=[carries(0.5)], when={"fact": "a.half", "is": False}) for index in range(3)),
        cause("rare", codes=[carries(0.1)], when={"fact": "a.rare", "is": True}, decisive=True),
        **more,
    )


def test_the_query_that_halves_the_causes_is_best() -> None:
    queries = [query("rare", "a.rare"), query("half", "a.half"), query("none", "a.none")]
    assert ask(halves(queries=queries)) == "half"
    assert ask(halves(queries=queries), {"a": {"half": True}}) == "rare"
    assert ask(halves(queries=queries), {"a": {"half": True, "rare": False}}) is None


def test_of_equal_queries_the_one_that_needs_no_administrator_then_the_first() -> None:
    admin, first, second = (
        query("admin", "a.half", needs_admin=True),
        query("first", "a.half"),
        query("second", "a.half"),
    )
    assert ask(halves(queries=[admin, first, second])) == "first"
    assert ask(halves(queries=[admin])) == "admin"


def test_nothing_is_asked_where_one_is_confirmed_or_no_fact_would_tell() -> None:
    when = {"fact": "a.one", "is": True}
    knowledge = know(
        cause("sure", codes=[carries(0.5)], when=when, decisive=True),
        cause("other", codes=[carries(0.5)], when={"fact": "a.two", "is": True}),
        cause("silent", signatures=[says("silent", 0.5)]),
        queries=[query("two", "a.two"), query("one", "a.one")],
    )
    assert ask(knowledge, {"a": {"one": True}}) is None
    assert ask(knowledge, {"a": {"one": False}}) == "two"
    assert ask(knowledge, text="silent") is None
    assert ask(knowledge, text="nothing") is None


def test_a_single_cause_is_asked_about_as_well() -> None:
    knowledge = know(
        cause("one", codes=[carries(0.5)], when={"fact": VMP, "one_of": ["disabled", "absent"]}, decisive=True),
        queries=[query("state", VMP)],
    )
    assert ask(knowledge) == "state"


def test_what_a_fact_is_expected_to_leave() -> None:
    two = remaining(Candidate({"fact": "a", "is": True}, False, 1.0), Candidate({"fact": "a", "is": False}, False, 1.0))
    # weights 1, 1 and 0.2 for none of them: true leaves 1 + 0.2, false leaves 1 + 0.2
    assert expected_left("a", two, read) == rounded((1 * 1.2 + 1 * 1.2 + 0.2 * 1.2) / 2.2**2)
    assert expected_left("b", two, read) == 1.0
    decisive = remaining(Candidate({"fact": "a", "is": True}, True, 1.0), Candidate(None, False, 1.0))
    # true leaves the first alone; false leaves the second and none of them
    assert expected_left("a", decisive, read) == rounded((1 * 1 + 1 * 1.2 + 0.2 * 1.2) / 2.2**2)
    assert choose_query([], [], read) is None


def test_answers_that_a_fact_is_thought_to_have() -> None:
    whens: list[Any] = [
        {"any": [{"fact": "a", "one_of": ["x", "y"]}, {"fact": "b", "is": True}]},
        {"fact": "a", "is": "x"},
        {"fact": "c", "less_than": 7},
        {"fact": "c", "less_than": "7.1"},
        {"all": [{"fact": "d", "absent": True}, {"fact": "d", "contains": "z"}, {"fact": "d", "unknown": True}]},
    ]
    candidates = remaining(*(Candidate(when, True, 1.0) for when in whens))
    other = "(anything else)"
    assert answers("a", candidates) == ["x", "y", other]
    assert answers("b", candidates) == [True, False]
    assert answers("c", candidates) == [7, 0, "7.1", "0", other]
    assert answers("d", candidates) == ["absent", "z", other]
