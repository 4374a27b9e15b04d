"""What docs/full-size.md says that a card can draw is what a run's own prediction says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.proofs.cards import CARDS_GIB, free_mib, guide_rows, largest_sides, preset_config, rows, weights_mib
from bench.proofs.memory import models_from_sizes
from generator.engine.memory import estimate_memory_mib
from generator.models.clip_sizes import BY_OPENAI
from generator.models.guides import ARCHITECTURES
from generator.models.names import guide_names
from generator.presets import PRESETS

PAGE = Path(__file__).parents[3] / "docs" / "full-size.md"


def test_the_page_has_the_table_that_the_command_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "\n".join(rows()) in text
    config = preset_config("dreamrig")
    assert f"{weights_mib(config.model, guide_names(config)):.0f} MiB of weights" in text


def test_the_page_has_the_table_of_guides_that_the_command_prints() -> None:
    assert "\n".join(guide_rows()) in PAGE.read_text(encoding="utf-8")


def test_every_guide_of_today_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in ARCHITECTURES if name not in BY_OPENAI and f"`{name}`" not in text] == []


@pytest.mark.parametrize("gib", CARDS_GIB)
def test_a_side_fits_and_the_next_one_does_not(gib: int) -> None:
    config = preset_config("adafruit")
    models, free = models_from_sizes(config, "cuda"), free_mib(gib, config)
    plain, thrifty = largest_sides(config, gib)
    assert plain < thrifty
    for side, one in ((plain, config), (thrifty, replace(config, cut_batch=8, checkpointed_decoding=True))):
        assert estimate_memory_mib(replace(one, width=side, height=side), models) <= free
        assert estimate_memory_mib(replace(one, width=side + 16, height=side + 16), models) > free


def test_every_preset_as_it_comes_fits_the_smallest_card_of_the_page() -> None:
    for name in PRESETS:
        config = preset_config(name)
        assert config.width <= largest_sides(config, min(CARDS_GIB))[0]
