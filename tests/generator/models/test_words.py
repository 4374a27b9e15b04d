"""The starter's language."""

import pytest

from generator.starter import words


def test_no_alias_is_also_a_word_or_an_alias_of_two_words() -> None:
    aliases = [alias for names in words.aliases_of(words.WORDS).values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(words.WORDS)


def test_every_word_has_one_token() -> None:
    assert len(set(words.WORDS)) == len(words.WORDS)
    assert len({words.tokens(word)[0] for word in words.WORDS}) == len(words.WORDS)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("Ocean", "sea"),
        ("COTTAGES", "house"),
        ("dusk", "sunset"),
        ("grey", "gray"),
        ("flowers", "flower"),
        ("8bit", "pixel"),
    ],
)
def test_synonyms_and_plurals_are_folded(said: str, known: str) -> None:
    assert words.canonical(said.lower()) == known
    assert words.tokens(said) == words.tokens(known)


def test_tokens_end_and_are_padded_or_cut_to_the_context() -> None:
    short, long = words.tokens("a red house"), words.tokens("red " * 100)
    assert len(short) == len(long) == words.CONTEXT
    assert short[3:] == [words.END] + [words.PAD] * (words.CONTEXT - 4)
    assert long[-1] == words.END
    assert words.PAD not in long


def test_unknown_words_are_named_with_near_ones() -> None:
    unknown = words.unknown_words("a casle above the sea, xqzzyv")
    assert list(unknown) == ["casle", "xqzzyv"]
    assert "castle" in unknown["casle"]
    assert unknown["xqzzyv"] == []


def test_odd_prompts_give_tokens_too() -> None:
    assert words.tokens("")[0] == words.END
    assert words.tokens("日本語 ☂")[0] == words.END
    assert words.tokens("qqq")[:2] == [words.UNKNOWN, words.END]


def test_the_sure_fire_prompts_use_known_words_only() -> None:
    assert words.example_prompts()[0] == "sunset over the sea"
    for prompt in words.example_prompts():
        assert words.unknown_words(prompt) == {}
