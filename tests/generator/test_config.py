"""The knobs: what is possible, what is refused, what makes two runs the same work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.config import NOT_OF_A_STEP, GenerateConfig
from generator.knobs import later_defaults_of

WORKLOADS = Path(__file__).parents[1] / "golden" / "workloads.json"
OTHER_VALUES: dict[str, Any] = {
    "prompt": "fog",
    "width": 64,
    "height": 64,
    "steps": 7,
    "seed": 8,
    "start": "grey",
    "step_size": 0.5,
    "per_dimension_steps": True,
    "shared_moment": True,
    "pull": 0.1,
    "offset_levels": 2,
    "step_schedule": "cosine",
    "cutouts": 9,
    "cut_power": 2.0,
    "cut_min_fraction": 0.5,
    "whole_every": 2,
    "cut_noise": 0.1,
    "cut_method": "pooling",
    "cut_clamp": False,
    "augmentations": "flip",
    "boundary_tv": 1.0,
    "model": "other",
    "guides": "ViT-B/32",
    "backend": "reference",
    "precision": "mixed",
    "random_weights": True,
    "device": "cpu",
    "threads": 2,
    "preview_every": 5,
    "checkpoint_every": 5,
    "frames_every": 1,
    "overlay": "logo.png",
    "overlay_every": 3,
    "overlay_until": 9,
    "overlay_alpha": 0.3,
    "deterministic": False,
    "image_prompts": "a.png:2",
    "noise_prompts": "3:0.5",
    "regions": "sky=sky.png",
    "story_every": 5,
    "story_blend": 0.5,
    "story_repeat": True,
    "start_noise": 0.1,
    "mask": "mask.png",
    "init_weight": 0.1,
    "init_target": "zero",
    "init_decay": "inverse",
    "pixel_pull": 0.1,
    "warmup_steps": 3,
    "schedule_every": 3,
    "patience": 3,
    "stop_after": 3,
    "stages": "1/2:3",
    "optimiser": "adamw",
    "weight_decay": 0.1,
    "ema": 0.9,
    "tv": 0.1,
    "palette": 0.1,
    "palette_colours": "red, #102030",
    "palette_exact": True,
    "block_size": 4,
    "symmetry": 0.1,
    "symmetry_axis": "both",
    "edge": 0.1,
    "edge_colour": "black",
    "edge_width": 0.2,
    "aesthetic": 0.1,
    "outline": "drawing.png",
    "outline_weight": 0.1,
    "style": "painting.png",
    "style_weight": 0.1,
    "content": "photo.png",
    "content_weight": 0.1,
    "saturation": -0.1,
    "seamless": "x",
    "guide_weights": "1, 2",
    "cut_batch": 4,
    "tile": 64,
    "checkpointed_decoding": True,
    "fit": "off",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt", ""),
        ("prompt", "sunset:nan"),
        ("prompt", None),
        ("width", 0),
        ("width", -128),
        ("width", 8),
        ("width", 130),
        ("width", 4104),
        ("width", 128.0),
        ("width", "128"),
        ("width", True),
        ("height", 0),
        ("height", 100),
        ("steps", 0),
        ("steps", True),
        ("steps", -1),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", 10**400),
        ("start", ""),
        ("step_size", 0.0),
        ("step_size", -0.1),
        ("step_size", float("nan")),
        ("step_size", float("inf")),
        ("step_size", 10**400),
        ("step_size", "0.1"),
        ("per_dimension_steps", 1),
        ("pull", -1.0),
        ("offset_levels", 0),
        ("offset_levels", 13),
        ("step_schedule", "sometimes"),
        ("cutouts", 0),
        ("cut_power", -1.0),
        ("cut_min_fraction", 1.1),
        ("whole_every", -1),
        ("cut_noise", -0.1),
        ("cut_method", "cubes"),
        ("cut_clamp", 1),
        ("augmentations", "flop"),
        ("boundary_tv", -0.1),
        ("model", " "),
        ("device", "tpu"),
        ("backend", "other"),
        ("precision", "fp8"),
        ("tile", -8),
        ("tile", 100),
        ("tile", 4104),
        ("threads", -1),
        ("preview_every", -1),
        ("checkpoint_every", -1),
        ("frames_every", -1),
        ("overlay_every", -1),
        ("overlay_until", -1),
        ("overlay_alpha", 1.1),
        ("deterministic", "yes"),
    ],
)
def test_refuses_impossible_values_by_name_and_with_a_hint(name: str, value: object) -> None:
    values: dict[str, Any] = {"prompt": "sunset"} | {name: value}
    with pytest.raises(UsageError) as caught:
        GenerateConfig(**values)
    assert caught.value.hint
    assert name in str(caught.value) or name == "prompt"


def test_a_size_that_is_no_multiple_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        GenerateConfig(prompt="sunset", width=130)
    assert "128" in caught.value.hint


def test_whole_numbers_are_fine_where_fractions_are() -> None:
    config = GenerateConfig(prompt="sunset", step_size=1, pull=0)
    assert (config.step_size, type(config.step_size), type(config.pull)) == (1.0, float, float)


def test_the_list_of_other_values_is_complete() -> None:
    default = asdict(GenerateConfig(prompt="sunset"))
    assert set(OTHER_VALUES) == set(default)
    assert not [name for name, value in OTHER_VALUES.items() if value == default[name]]


UNSEEN = {"device", "threads", "fit", "preview_every", "checkpoint_every", "frames_every"}


@pytest.mark.parametrize("name", sorted(OTHER_VALUES))
def test_the_workload_changes_with_what_changes_the_work(name: str) -> None:
    config = GenerateConfig(prompt="sunset")
    other = replace(config, **{name: OTHER_VALUES[name]})
    is_the_same = config.workload_id() == other.workload_id()
    assert is_the_same == (name in UNSEEN)


def test_the_workload_of_the_defaults_is_the_same_everywhere() -> None:
    config = GenerateConfig(prompt="sunset")
    assert config.workload_id() == GenerateConfig.from_dict(json.loads(json.dumps(config.to_dict()))).workload_id()
    assert len(config.workload_id()) == 12
    assert config.workload_id() == GenerateConfig(prompt="sunset", pull=0).workload_id()


@pytest.mark.parametrize("name", sorted(OTHER_VALUES))
def test_a_step_is_other_work_where_more_than_the_picture_differs(name: str) -> None:
    config = GenerateConfig(prompt="sunset")
    other = replace(config, **{name: OTHER_VALUES[name]})
    assert (config.step_id() == other.step_id()) == (name in {*UNSEEN, *NOT_OF_A_STEP})


@pytest.mark.parametrize("prompt", ["sunset | sea", "sunset @left", "sunset ^ night"])
def test_more_texts_and_parts_are_other_work(prompt: str) -> None:
    plain = GenerateConfig(prompt="sunset")
    assert GenerateConfig(prompt="a cat:0.5").step_id() == plain.step_id()
    assert GenerateConfig(prompt=prompt).step_id() != plain.step_id()


LATER = sorted(later_defaults_of(GenerateConfig))


@pytest.mark.parametrize("name", LATER)
def test_a_later_knob_counts_only_where_it_is_set(name: str) -> None:
    """Old documents and workload ids stay as they are; a new setting is in both, and comes back from either."""
    plain = GenerateConfig(prompt="sunset")
    left_alone = replace(plain, **{name: getattr(plain, name)})
    assert name not in left_alone.to_dict()
    assert left_alone.workload_id() == plain.workload_id()
    chosen = replace(plain, **{name: OTHER_VALUES[name]})
    assert chosen.to_dict() == {**plain.to_dict(), name: OTHER_VALUES[name]}
    assert chosen.workload_id() != plain.workload_id()
    assert GenerateConfig.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert GenerateConfig.from_dict(plain.to_dict()) == plain


def test_the_knobs_of_the_first_recipes_are_all_written() -> None:
    """They stand in every document there is, default or not; only a later one may be left out."""
    assert set(GenerateConfig(prompt="sunset").to_dict()) == set(OTHER_VALUES) - set(LATER)
    assert len(json.loads(WORKLOADS.read_text())[0]["values"]) == 1
    together = next(row["values"] for row in json.loads(WORKLOADS.read_text()) if len(row["values"]) > 60)
    assert set(together) == set(OTHER_VALUES) - set(LATER)


@pytest.mark.parametrize("row", json.loads(WORKLOADS.read_text()), ids=lambda row: ",".join(row["values"])[:60])
def test_workloads_and_documents_are_what_they_were(row: dict[str, Any]) -> None:
    """Every result and recipe out in the world was written with these: order, kinds and values of the fields count."""
    config = GenerateConfig.from_dict(row["values"])
    assert config.workload_id() == row["workload"]
    assert hashlib.sha256(json.dumps(config.to_dict()).encode()).hexdigest() == row["document"]


@given(
    st.fixed_dictionaries(
        {"prompt": st.just("a:2|b")},
        optional={
            "width": st.integers(2, 512).map(lambda n: 8 * n),
            "seed": st.integers(0, 2**63 - 1),
            "step_size": st.floats(1e-6, 1000),
            "start": st.text(min_size=1).filter(str.strip),
            "deterministic": st.booleans(),
        },
    )
)
def test_to_dict_and_back(values: dict[str, Any]) -> None:
    config = GenerateConfig(**values)
    assert GenerateConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert hash(config) == hash(GenerateConfig.from_dict(config.to_dict()))


@pytest.mark.parametrize("values", [{"prompt": "sunset", "colour": "red"}, {}, {"width": 128}, {"prompt": 3}])
def test_from_dict_refuses(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        GenerateConfig.from_dict(values)
    assert caught.value.hint
