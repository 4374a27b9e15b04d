"""Prompts: what is a weight, what is text, what is refused."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.wishes.parse import parse_weights, parse_wishes
from generator.wishes.prompts import (
    NUMBER,
    PLACES,
    Prompt,
    _is_visible,
    parse,
    parse_masks,
    parse_noise,
    parse_pictures,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sunset", [Prompt("sunset")]),
        ("sunset:2", [Prompt("sunset", 2.0)]),
        ("sunset:2:0.5", [Prompt("sunset", 2.0, 0.5)]),
        ("sunset : -1.5e1 : -inf", [Prompt("sunset", -15.0)]),
        ("sunset:2:-3", [Prompt("sunset", 2.0, -3.0)]),
        ("sunset | boat:-.5", [Prompt("sunset"), Prompt("boat", -0.5)]),
        ("sunset|boat:0", [Prompt("sunset"), Prompt("boat", 0.0)]),
        ("sunset: a study", [Prompt("sunset: a study")]),
        ("sunset: a study:3", [Prompt("sunset: a study", 3.0)]),
        ("12:30 at the station:2", [Prompt("12:30 at the station", 2.0)]),
        ("2001: a space odyssey", [Prompt("2001: a space odyssey")]),
        ("a:1:2:3", [Prompt("a:1", 2.0, 3.0)]),
        ("1984", [Prompt("1984")]),
        ("avengers: infinity", [Prompt("avengers: infinity")]),
        ("x:1_0", [Prompt("x:1_0")]),
        ("x:\u0663", [Prompt("x:\u0663")]),
        ("https://example.org/a.png", [Prompt("https://example.org/a.png")]),
        ("https://example.org/a.png:2", [Prompt("https://example.org/a.png", 2.0)]),
        ("http://example.org:8080", [Prompt("http://example.org:8080")]),
        ("seen at http://example.org:8080:2", [Prompt("seen at http://example.org:8080", 2.0)]),
        ("http://example.org:8080/a", [Prompt("http://example.org:8080/a")]),
    ],
)
def test_reads(text: str, expected: list[Prompt]) -> None:
    assert parse(text) == tuple(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (":2", "no text"),
        (":2:3", "no text"),
        ("sunset |", "beside a |"),
        ("|", "beside a |"),
        ("1:2", "only numbers"),
        ("12:30:2", "only numbers"),
        ("sunset:nan", "weight"),
        ("sunset:inf", "weight"),
        ("sunset:-INF", "weight"),
        ("sunset:1e999", "weight"),
        ("sunset:1001", "weight"),
        ("sunset:1:nan", "stop"),
        ("sunset:1:inf", "stop"),
        ("sunset:0", "weight 0"),
        ("sunset:0 | boat:-0.0", "weight 0"),
        ("x" * 1001, "1001 characters"),
        ("x" * 10_000, "10000 characters"),
        ("sun\x00set", "U+0000"),
        ("sun\x1b[31mset", "U+001B"),
        ("sun\ud800set", "U+D800"),
        ("sunset \u202ergp.eert", "U+202E"),
        ("\u2066sunset\u2069", "U+2066"),
        ("\u200b\u2060", "empty"),
        ("sunset | \u200b:2", "no text"),
        ("\n\t", "empty"),
    ],
)
def test_refuses_with_a_hint(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        parse(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("sun\nset", "sun set"),
        ("sun\tset", "sun set"),
        ("  a boat \r\n\r\n  on the sea\n", "a boat on the sea"),
        ("sun\u2028set", "sun set"),
        ("two  spaces stay", "two  spaces stay"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_a_pasted_text_is_read_on_one_line_and_joiners_stay(text: str, folded: str) -> None:
    assert parse(text) == (Prompt(folded),)


def test_the_longest_is_accepted() -> None:
    assert parse("x" * 1000) == (Prompt("x" * 1000),)


OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="|^" + OVERRIDES), max_size=80
)
weights = st.floats(-1000, 1000).filter(bool)
stops = st.floats(allow_nan=False, max_value=1e300)


@given(texts, weights, stops)
@example("a:1", 1.0, -math.inf)
@example("http://h", 80.0, 1.0)
@example("https://h:443", -2.0, 1.0)
def test_round_trip(text: str, weight: float, stop: float) -> None:
    text = text.strip()
    assume(_is_visible(text) and not text.endswith(":") and not NUMBER.fullmatch(text))
    prompt = Prompt(text, weight, stop)
    assert parse(str(prompt)) == (prompt,)
    assert parse(f"{prompt} | {prompt}") == (prompt, prompt)


@pytest.mark.parametrize("character", OVERRIDES, ids=ascii)
def test_what_turns_the_writing_direction_of_a_page_is_refused(character: str) -> None:
    """A friend's prompt stands in other people's lists: "evil \u202egnp.exe" would be read as another text there."""
    with pytest.raises(UsageError, match=f"U\\+{ord(character):04X}"):
        parse(f"a sea {character}cod.scr")
    with pytest.raises(UsageError):
        parse_pictures(f"/a{character}.png")


@pytest.mark.parametrize(
    "text", ["שקיעה מעל הים", "غروب فوق البحر", "👩\u200d🚀", "日没", "e\u0301", "!", "\U0001fae9"]
)
def test_right_to_left_scripts_and_joined_signs_are_text(text: str) -> None:
    assert parse(text) == (Prompt(text),)


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u00ad \ufeff",
        "\u3000",
        "\u3164",
        "\u2800\u2800",
        "\u115f",
        "\ufe0f",
        "\u0301",
        "\U000e0041",
        "\U000e0fff",
    ],
    ids=ascii,
)
def test_a_text_that_nobody_can_see_is_empty(text: str) -> None:
    for prompt in (text, f"{text}:2", f"sea | {text}:1:0.5", f"sea ^ {text}"):
        with pytest.raises(UsageError, match=r"empty|no text|nothing beside"):
            parse(prompt)


@given(st.lists(st.text("abc xyz,.é!", min_size=1).filter(str.strip), min_size=2, max_size=5))
def test_ordinary_colons_survive(parts: list[str]) -> None:
    text = ":".join(parts).strip()
    assert parse(text) == (Prompt(text),)


@given(st.one_of(st.text(), st.text(":|0123456789.-+einfa \\/\x00", max_size=30), st.text(max_size=2000)))
def test_never_raises_anything_else(text: str) -> None:
    try:
        found = parse(text)
    except UsageError:
        return
    assert all(prompt.text and math.isfinite(prompt.weight) and prompt.stop < math.inf for prompt in found)
    assert any(prompt.weight for prompt in found)


def test_prompts_config_and_events_do_not_import_torch() -> None:
    code = "import sys, generator.wishes.prompts, generator.config, generator.events, generator.models.base as b; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Regions, scenes, pictures, seeds --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sea @left", [Prompt("sea", region="left")]),
        ("sea @left:2:0.5", [Prompt("sea", 2.0, 0.5, "left")]),
        ("sea:2:0.5 @left", [Prompt("sea", 2.0, 0.5, "left")]),
        ("a sea @top-left | fog", [Prompt("a sea", region="top-left"), Prompt("fog")]),
        ("sea @0,.25,1,1.0:-1", [Prompt("sea", -1.0, region="0,.25,1,1.0")]),
        ("12:30 @sky:2", [Prompt("12:30", 2.0, region="sky")]),
        ("seen by @beeple", [Prompt("seen by @beeple")]),
        ("me@left", [Prompt("me@left")]),
        ("@left", [Prompt("@left")]),
        ("sea @left bank", [Prompt("sea @left bank")]),
        ("sea @1,2,3", [Prompt("sea @1,2,3")]),
        ("sea ^ fog:2", [Prompt("sea"), Prompt("fog", 2.0, scene=1)]),
        ("sea | sun @top ^ fog:2 | owl", [Prompt("sea"), Prompt("sun", region="top"), Prompt("fog", 2.0, scene=1),
                                          Prompt("owl", scene=1)]),
    ],
)  # fmt: skip
def test_regions_and_scenes(text: str, expected: list[Prompt]) -> None:
    assert parse(text, masks=("sky",)) == tuple(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sea ^", "beside a ^"),
        ("^", "beside a ^"),
        ("sea ^ fog:0", "weight 0"),
        ("sea @0.5,0,0.5,1", "no part"),
        ("sea @0,0,1.5,1", "no part"),
        ("^".join(["sea"] * 101), "101 scenes"),
    ],
)
def test_impossible_regions_and_scenes(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("^", r"\^")) as caught:
        parse(text)
    assert caught.value.hint


@given(texts, weights, stops, st.sampled_from([*PLACES, "0,0,0.5,1", "sky"]))
def test_round_trip_with_a_region(text: str, weight: float, stop: float, region: str) -> None:
    text = text.strip()
    assume(text and not text.endswith(":") and not NUMBER.fullmatch(text) and not text.startswith("@"))
    prompt = Prompt(text, weight, stop, region)
    assert parse(str(prompt), masks=("sky",)) == (prompt,)


def test_pictures_are_written_like_prompts() -> None:
    assert parse_pictures("/a b/c.png:2 | d.jpg @left ^ e.png") == (
        Prompt("/a b/c.png", 2.0),
        Prompt("d.jpg", region="left"),
        Prompt("e.png", scene=1),
    )
    assert parse_pictures(" ") == ()
    assert len(parse_pictures("/" + "x" * 4000)) == 1
    with pytest.raises(UsageError):
        parse_pictures("x" * 9000)


def test_noise_prompts_are_seeds() -> None:
    assert parse_noise("42 | 7:-0.5 : 1") == (Prompt("42"), Prompt("7", -0.5, 1.0))
    assert parse_noise("") == ()
    for text in ("x", "1.5", "-3", "3:x", "3:1:1:1", "3 |", "1" * 19, "3:nan", "3 @left"):
        with pytest.raises(UsageError) as caught:
            parse_noise(text)
        assert caught.value.hint


def test_masks_have_names() -> None:
    assert parse_masks("sky=/a=b.png | sea = c.png") == {"sky": "/a=b.png", "sea": "c.png"}
    for text in ("sky", "=a.png", "sky=", "left=a.png", "a=b.png|a=c.png", "1a=b.png", "a b=c.png"):
        with pytest.raises(UsageError) as caught:
            parse_masks(text)
        assert caught.value.hint


def test_guides_have_weights() -> None:
    assert parse_weights("1, .5") == (1.0, 0.5)
    assert parse_weights("") == ()
    for text in ("x", "1,", "0", "-1, 2", "nan", "inf"):
        with pytest.raises(UsageError) as caught:
            parse_weights(text)
        assert caught.value.hint


def test_a_picture_or_a_seed_is_enough_without_words() -> None:
    assert parse_wishes("", "a.png", "", "").texts == ()
    assert parse_wishes("", "", "3", "").scenes == 1
    with pytest.raises(UsageError, match="empty"):
        parse_wishes("", "", "", "")


def test_only_masks_that_a_prompt_names_are_wished_for() -> None:
    assert parse_wishes("sea @a", "", "", "a=x.png | b=y.png").masks == {"a": "x.png"}
    assert parse_wishes("sea", "z.png @b", "", "a=x.png | b=y.png").masks == {"b": "y.png"}
