"""What a field says about itself is all there is: limits, choices, help."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any

import pytest

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.knobs import Knob, docs_of, kinds_of, knobs_of, typed
from generator.pictures.paths import FIELDS


@dataclass
class Two:
    plain: str = ""
    turned: Annotated[int, "not ours", Knob(low=2, high=4, group="Turning", counts=False)] = 3
    """How far."""


def test_a_field_says_what_it_is() -> None:
    assert kinds_of(Two) == {"plain": str, "turned": int}
    assert knobs_of(Two) == {"plain": Knob(), "turned": Knob(low=2, high=4, group="Turning", counts=False)}
    assert docs_of(Two) == {"turned": "How far."}


@pytest.mark.parametrize(
    ("knob", "good", "bad", "hint"),
    [
        (Knob(low=2, high=4), (2, 4), (1, 5, float("nan")), "must be from 2 to 4"),
        (Knob(low=0.0, high=0.5), (0.0, 0.5), (-1e-9, 0.51), "must be from 0 to 0.5"),
        (Knob(choices=("a", "b")), ("a", "b"), ("", "A"), "use one of: a, b"),
        (Knob(low=16, high=64, multiple=8), (16, 24, 64), (8, 72), "use 16 to 64 pixels"),
        (Knob(low=16, high=64, multiple=8), (16,), (61,), "the nearest is 64"),
        (Knob(low=16, high=64, multiple=8), (16,), (17,), "the nearest is 16"),
    ],
)
def test_a_knob_refuses_what_cannot_be(knob: Knob, good: tuple[Any, ...], bad: tuple[Any, ...], hint: str) -> None:
    for value in good:
        knob.check("turned", value)
    for value in bad:
        with pytest.raises(UsageError, match=r"^turned ") as caught:
            knob.check("turned", value)
        assert hint in caught.value.hint


@pytest.mark.parametrize(("value", "kind"), [(True, int), (1, bool), (1.0, int), ("1", int), (1, str), (None, str)])
def test_kinds_are_not_bent(value: object, kind: type) -> None:
    with pytest.raises(UsageError, match="turned"):
        typed("turned", value, kind)


def test_the_metavar_is_the_choices_where_nothing_else_is_said() -> None:
    assert [knob.shown_as for knob in (Knob(), Knob(choices=("a", "b")), Knob(choices=("a",), metavar="N"))] == [
        None,
        "a|b",
        "N",
    ]


def test_every_setting_tells_what_it_means_and_every_number_has_limits() -> None:
    assert set(docs_of(GenerateConfig)) == {field.name for field in fields(GenerateConfig)}
    for name, kind in kinds_of(GenerateConfig).items():
        knob = knobs_of(GenerateConfig)[name]
        assert (knob.low is not None and knob.high is not None) == (kind in (int, float)), name


def test_every_default_is_allowed() -> None:
    for field in fields(GenerateConfig):
        if field.default is not MISSING:
            knobs_of(GenerateConfig)[field.name].check(field.name, field.default)


def test_settings_that_name_files_say_so_in_the_help() -> None:
    """A server lets nobody set these from afar."""
    shown = {name: knob.shown_as or "" for name, knob in knobs_of(GenerateConfig).items()}
    assert {name for name, text in shown.items() if "PATH" in text or "IMAGE" in text} == set(FIELDS)
