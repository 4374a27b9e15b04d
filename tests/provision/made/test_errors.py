"""docs/errors.md: is it what the knowledge base says today, and does every link in it land?"""

import re

import pytest

from docs.made.errors import PAGE, in_words, render_page
from provision.checked_json import read_json

PAGE_TEXT = render_page(read_json("causes.json"))


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == PAGE_TEXT, "run: python -m docs.made.errors"


def test_every_cause_has_its_anchor_once() -> None:
    anchors = re.findall(r'<a id="([^"]+)"></a>', PAGE_TEXT)
    assert sorted(anchors) == sorted(cause["slug"] for cause in read_json("causes.json")["causes"])


def test_every_link_inside_the_page_lands() -> None:
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE_TEXT))
    assert links <= set(re.findall(r'<a id="([^"]+)"></a>', PAGE_TEXT))


@pytest.mark.parametrize("code", ["0x80370102", "HCS_E_HYPERV_NOT_INSTALLED", "-2143878910", "0x800705aa", "3010"])
def test_a_search_for_a_code_lands_on_the_page(code: str) -> None:
    assert code in PAGE_TEXT


def test_every_code_of_the_knowledge_base_stands_on_the_page() -> None:
    document = read_json("causes.json")
    codes = [*document["codes"], *(code for cause in document["causes"] for code in cause["codes"])]
    missing = [word for code in codes for word in (code["hex"], code["name"]) if word and f"`{word}`" not in PAGE_TEXT]
    assert missing == []


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        ({"fact": "windows.slat", "is": False}, "`windows.slat` is false"),
        ({"not": {"fact": "windows.build", "less_than": 19041}}, "`windows.build` is not below 19041"),
        (
            {"any": [{"fact": "a.b", "unknown": True}, {"not": {"fact": "a.b", "is": True}}]},
            "`a.b` is not true",
        ),
        (
            {"all": [{"fact": "a.b", "is": 1}, {"any": [{"fact": "c.d", "is": 2}, {"fact": "c.d", "absent": True}]}]},
            "`a.b` is 1; (`c.d` is 2 or `c.d` is empty)",
        ),
        ({"fact": "a.b", "one_of": ["x", "y"]}, "`a.b` is x or y"),
        ({"fact": "a.b", "contains": "x"}, "`a.b` has `x` in it"),
    ],
)
def test_in_words(predicate: dict[str, object], words: str) -> None:
    assert in_words(predicate) == words
