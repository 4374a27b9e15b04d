"""The text of augmentations: read, written back, refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.wishes.augmentations import KINDS, Augmentation, Setting, Value, format, make, parse  # noqa: A004


def values_of(setting: Setting) -> st.SearchStrategy[Value]:
    if isinstance(setting.default, bool):
        return st.booleans()
    if isinstance(setting.default, str):
        return st.sampled_from(setting.words)
    number = st.floats(setting.low, setting.high, allow_subnormal=False).map(lambda x: x + 0.0)
    if isinstance(setting.default, tuple):
        return st.tuples(number, number).map(lambda pair: (min(pair), max(pair)))
    return number


@st.composite
def augmentations(draw: st.DrawFn) -> Augmentation:
    name = draw(st.sampled_from(sorted(KINDS)))
    return make(name, **{key: draw(values_of(setting)) for key, setting in KINDS[name].items() if draw(st.booleans())})


@given(st.lists(augmentations(), max_size=5).map(tuple))
def test_written_and_read_back(chosen: tuple[Augmentation, ...]) -> None:
    assert parse(format(chosen)) == chosen


TEXTS = (
    st.text(max_size=40) | st.text(alphabet="flipnoise (),.=015", max_size=20) | st.from_regex(r"\Anoise\(.{0,9}\)\Z")
)


@given(TEXTS)
def test_any_text_is_read_or_refused_with_a_hint(text: str) -> None:
    try:
        found = parse(text)
    except UsageError as error:
        found, hint = (), error.hint
        assert hint
    assert parse(format(found)) == found


def test_an_example_in_full() -> None:
    affine, erasing, flip = parse("affine(30, translate_y=.1,p=.8,padding=border) Erasing(0.1..0.4,together=yes) flip")
    assert dict(affine.settings) == {
        "degrees": 30.0,
        "translate_x": 0.0,
        "translate_y": 0.1,
        "shear": 0.0,
        "padding": "border",
        "p": 0.8,
    }
    assert erasing.range("area") == (0.1, 0.4)
    assert erasing.is_on("together")
    assert (affine.number("degrees"), affine.word("padding")) == (30.0, "border")
    assert flip == make("flip")
    assert not flip.is_on("together")


def test_defaults_go_unsaid_and_order_stays() -> None:
    text = "noise affine(15,padding=zeros,p=0.7) flip(p=0.5) noise(0.2)"
    assert format(parse(text)) == "noise affine(p=0.7) flip noise(0.2)"
    assert parse("  ") == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("flop", "flop"),
        ("flip(", "flip("),
        ("flip)", ")"),
        ("flip,noise", ","),
        ("flip(p=0.5)noise", "noise"),
        ("flip(p=2)", "flip(p)"),
        ("flip(p=nan)", "flip(p)"),
        ("flip(q=1)", "q=1"),
        ("flip(p=1,p=1)", "p=1"),
        ("flip(0.5,0.5)", "0.5"),
        ("affine(padding=mirror)", "affine(padding)"),
        ("affine(-3)", "affine(degrees)"),
        ("erasing(0.4..0.1)", "erasing(area)"),
        ("erasing(0.1..)", "erasing(area)"),
        ("erasing(together=perhaps)", "erasing(together)"),
        ("thinplate(0)", "thinplate(scale)"),
        ("jitter(hue=0.6)", "jitter(hue)"),
        ("flip " * 33, "33"),
    ],
)
def test_refuses_what_cannot_be_meant_naming_it(text: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert named in caught.value.message
    assert caught.value.hint
    with pytest.raises(UsageError):
        GenerateConfig(prompt="fog", augmentations=text)


def test_two_spellings_are_the_same_work() -> None:
    one = GenerateConfig(prompt="fog", augmentations=" FLIP(p=0.50) noise( factor = .2 )")
    other = GenerateConfig(prompt="fog", augmentations="flip noise(0.2)")
    assert one == other
    assert one.workload_id() == other.workload_id()
