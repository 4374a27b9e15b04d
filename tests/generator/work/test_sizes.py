"""Which sizes can be drawn: both sides are told at once, and the nearest is taken where that is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import UsageError
from generator.config import LARGEST_SIDE, SMALLEST_SIDE, GenerateConfig
from generator.models.vqgan import ARCHITECTURES
from generator.weights import registry
from generator.work.sizes import fitted, nearest, step_of


def test_the_name_of_every_published_model_tells_its_factor() -> None:
    assert {name: step_of(name) for name in ARCHITECTURES} == {name: one.factor for name, one in ARCHITECTURES.items()}
    assert step_of("starter") == 8


@pytest.mark.parametrize(("pixels", "step", "near"), [(500, 8, 504), (333, 8, 336), (500, 16, 496), (504, 16, 512)])
def test_the_nearest_multiple(pixels: int, step: int, near: int) -> None:
    assert nearest(pixels, step) == near


@pytest.mark.parametrize("step", [8, 16])
def test_the_nearest_is_always_a_side_that_can_be(step: int) -> None:
    for pixels in (0, 1, SMALLEST_SIDE, 17, LARGEST_SIDE, 10 * LARGEST_SIDE):
        GenerateConfig(prompt="a", width=nearest(pixels, step), height=nearest(pixels, step))


@pytest.mark.parametrize(
    ("model", "step", "size"),
    [("starter", 8, "504x336"), ("imagenet-f16-1024", 16, "496x336"), ("openimages-gumbel-f8", 8, "504x336")],
)
def test_both_sides_are_told_at_once(model: str, step: int, size: str) -> None:
    words = f"500x333 cannot be drawn: width and height must be multiples of {step}"
    with pytest.raises(UsageError, match=words) as caught:
        fitted({"width": 500, "height": 333}, model, take_nearest=False)
    assert f"--size {size};" in caught.value.hint
    wide, high = map(int, size.split("x"))
    near = fitted({"width": 500, "height": 333, "steps": 3}, model, take_nearest=True)
    assert near == {"width": wide, "height": high, "steps": 3}


def test_one_wrong_side_is_told_alone() -> None:
    with pytest.raises(UsageError, match="512x333 cannot be drawn: its height must be a multiple of 8"):
        fitted({"width": 512, "height": 333}, "starter", take_nearest=False)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--preset", "dreamrig", "--size", "504x328"], "504x328 cannot be drawn: width and height .* of 16"),
        (["--model", "imagenet-f16-1024", "--width", "264"], "264x128 cannot be drawn: its width .* a multiple of 16"),
    ],
)
def test_a_size_that_only_the_starter_makes_is_refused_before_anything_is_fetched(
    words: list[str], wrong: str, command: Callable[..., Any]
) -> None:
    pytest.importorskip("av")
    for begins in (["generate", "fog"], ["video", "film", "fog", "--frames", "2"]):
        answer = command(*begins, *words)
        assert answer.code == 2
        assert re.search(wrong, answer.err)


def test_of_a_network_that_is_here_its_own_sizes_count(home: Path) -> None:
    """Somebody's own, imported under the name of another."""
    folder = registry.folder_of("imagenet-f16-1024", home / "weights")
    folder.mkdir(parents=True)
    (folder / registry.MODEL).write_bytes(b"-")
    facts = dict.fromkeys((field.name for field in fields(registry.Installed)), "")
    facts |= {"bytes": 1, "architecture": {"multipliers": [1, 1, 2, 4]}}
    (folder / registry.META).write_text(json.dumps(facts))
    assert (step_of("imagenet-f16-1024"), step_of("imagenet-f16-16384")) == (8, 16)
    fitted({"width": 504, "height": 328}, "imagenet-f16-1024", take_nearest=False)


@pytest.mark.parametrize("given", [{}, {"width": 500}, {"width": 512, "height": 320}, {"width": 500, "height": 0}])
def test_what_is_told_elsewhere_or_is_good_passes(given: dict[str, int]) -> None:
    assert fitted(given, "starter", take_nearest=False) == given


def test_the_nearest_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no size to change"):
        fitted({}, "starter", take_nearest=True)
