"""docs/errors.md and docs/errors/: are they what the knowledge base says today, and does every link in them land?"""

import re
from pathlib import Path

import pytest

from docs.made.errors import FOLDER, PAGE, in_words, render_pages, words_of
from provision.checked_json import read_json

DOCUMENT = read_json("causes.json")
PAGES = render_pages(DOCUMENT)
ALL_TEXT = "\n".join(PAGES.values())
HEADINGS = {"contents", "index-of-words", "index-of-codes"}


def anchors(path: Path) -> set[str]:
    return set(re.findall(r'<a id="([^"]+)"></a>', PAGES[path]))


def test_the_pages_are_current() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in PAGES} == PAGES, "run: python -m docs.made.errors"


def test_there_are_no_pages_but_these() -> None:
    assert set(FOLDER.glob("*.md")) == set(PAGES) - {PAGE}


def test_every_cause_has_its_anchor_once_on_the_page_of_its_layer_and_once_in_the_index() -> None:
    for cause in DOCUMENT["causes"]:
        anchor = f'<a id="{cause["slug"]}"></a>'
        assert PAGES[FOLDER / f"{cause['layer']}.md"].count(anchor) == 1
        assert PAGES[PAGE].count(anchor) == 1


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_lands(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[path]):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        assert page in PAGES, target
        assert not anchor or anchor in anchors(page) | (HEADINGS if page == PAGE else set()), target


@pytest.mark.parametrize("code", ["0x80370102", "HCS_E_HYPERV_NOT_INSTALLED", "-2143878910", "0x800705aa", "3010"])
def test_a_search_for_a_code_lands_on_the_index(code: str) -> None:
    assert code in PAGES[PAGE]


@pytest.mark.parametrize(
    "words", ["operator torchvision", "no kernel image", "weights only load failed", "ensurepip is not"]
)
def test_a_search_for_words_lands_on_the_index(words: str) -> None:
    assert words in PAGES[PAGE]


def test_nearly_every_cause_with_words_can_be_found_by_them() -> None:
    with_words = [cause for cause in DOCUMENT["causes"] if cause["signatures"]]
    assert sum(bool(words_of(cause)) for cause in with_words) >= 0.8 * len(with_words)


def test_every_code_of_the_knowledge_base_stands_in_the_index() -> None:
    codes = [*DOCUMENT["codes"], *(code for cause in DOCUMENT["causes"] for code in cause["codes"])]
    missing = [
        word for code in codes for word in (code["hex"], code["name"]) if word and f"`{word}`" not in PAGES[PAGE]
    ]
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
