"""Examples, themes, search and surprises."""

from __future__ import annotations

import random

from generator.starter.examples import TYPED, example_prompts, search, surprise, themes
from generator.starter.lexicon import lexicon
from generator.starter.reading import read


def test_the_examples_are_understood_to_the_last_word() -> None:
    for prompt in example_prompts():
        reading = read(prompt)
        assert not reading.unknown, prompt
        assert reading.is_own or reading.wanted, prompt
    assert all(read(prompt).wanted for prompt in TYPED)


def test_every_thing_has_a_theme() -> None:
    assert sum(map(len, themes(lexicon()).values())) == len(lexicon().things)


def test_search_finds_what_is_meant_first() -> None:
    for query in ("fox", "foxes", "Fuchs", "renard"):
        assert search(lexicon(), query)[0][0].name == "fox", query
    assert {thing.name for thing, _ in search(lexicon(), "cat")} >= {"cat", "black cat"}
    assert search(lexicon(), "xqzzyv") == []


def test_surprises_are_of_many_things_and_understood() -> None:
    rng = random.Random(3)
    prompts = [surprise(lexicon(), rng) for _ in range(150)]
    assert len(set(prompts)) > 140
    assert len({one.thing for prompt in prompts for one in read(prompt).wanted}) > 90
    odd = [prompt for prompt in prompts if not read(prompt).wanted or read(prompt).unknown]
    assert not odd
