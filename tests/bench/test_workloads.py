"""Pinned work: the hash tells one from another, and is the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.workloads import PROFILES, WORKLOADS, Workload, find_workload
from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.knobs import later_defaults_of
from generator.models.likes import NAME, SECOND

HASHES = {
    "starter-128": ("4c3e8a4a539a055e", "a3b28ee9c7222799"),
    "adafruit-480": ("cba4edbec5269708", "a91c4b8ffc354d80"),
    "adafruit-480-pure": ("671ad54b3fa8ae69", "117a57a992edb957"),
    "crowson-480": ("a5ef8d98604d73cb", "56ddd5337ec351ee"),
    "nerdyrodent-512": ("73ac9aa5ea47f9f4", "7352df58345dd4aa"),
}
"""Results that people hold carry these. A hash that changes makes them incomparable: then it is another version."""


@pytest.mark.parametrize("name", HASHES)
def test_the_hashes_stay(name: str) -> None:
    assert tuple(find_workload(name, profile).hash for profile in PROFILES) == HASHES[name]
    assert set(HASHES) == set(WORKLOADS)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_any_pinned_value_changes_the_hash(workload: Workload) -> None:
    for name, value in workload.params.items():
        if isinstance(value, str):
            continue
        changed = not value if isinstance(value, bool) else value / 2 + 0.1 if isinstance(value, float) else value + 1
        changed = value + 16 if name in ("width", "height") else changed
        assert replace(workload, values={**workload.values, name: changed}).hash != workload.hash, name
    assert replace(workload, values={**workload.values, "augmentations": "flip"}).hash != workload.hash
    for field, changed in {"version": 2, "batch": 2, "step_files": not workload.step_files}.items():
        assert replace(workload, **{field: changed}).hash != workload.hash


def test_every_knob_that_changes_the_work_is_pinned() -> None:
    """But for those that are off unless somebody asks: a knob of a later version must not change old hashes."""
    pinned = {"width", "height", "steps", "cutouts", "cut_method", "augmentations", "cut_noise", "precision", "model"}
    pinned |= {"guides", "prompt", "seed", "start", "offset_levels", "backend", "deterministic", "preview_every"}
    for workload in WORKLOADS.values():
        assert pinned <= set(workload.params)


LEFT_OPEN = {
    "image_prompts": "", "noise_prompts": "", "regions": "", "story_every": 0, "start_noise": 0.0, "mask": "",
    "init_weight": 0.0, "pixel_pull": 0.0, "warmup_steps": 0, "schedule_every": 0, "stop_after": 0,
    "optimiser": "adam", "ema": 0.0, "tv": 0.0, "palette": 0.0, "symmetry": 0.0, "edge": 0.0, "saturation": 0.0,
    "seamless": "no", "overlay": "", "cut_batch": 0, "checkpointed_decoding": False, "frames_every": 0,
}  # fmt: skip
"""What no workload pins, and how it stood when the hashes above were made: off, or of no weight."""


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_what_is_not_pinned_stays_as_it_was(workload: Workload) -> None:
    """A default that changes would change the work behind the same hash: then pin it, as another version."""
    config = workload.config()
    open_still = {name: value for name, value in LEFT_OPEN.items() if name not in workload.params}
    assert {name: getattr(config, name) for name in open_still} == open_still


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_no_knob_that_came_later_is_set(workload: Workload) -> None:
    config, later = workload.config(), later_defaults_of(GenerateConfig)
    assert {name: getattr(config, name) for name in later} == later


def test_words_about_a_workload_do_not_change_its_hash() -> None:
    for workload in WORKLOADS.values():
        told = replace(workload, name="another", about="Told in other words.")
        assert told.hash == workload.hash
        turned = replace(workload, values=dict(reversed(workload.values.items())))
        assert turned.hash == workload.hash
        assert workload.config(device="cpu", threads=3, random_weights=True) != workload.config()
        assert workload.hash == find_workload(workload.name).hash


def test_both_adafruits_differ_in_the_files_alone() -> None:
    whole, pure = WORKLOADS["adafruit-480"], WORKLOADS["adafruit-480-pure"]
    assert {**whole.pins, "step_files": False} == pure.pins
    assert whole.step_files


def test_strict_is_fp32_and_as_shipped_leaves_the_choice() -> None:
    strict, shipped = find_workload("starter-128"), find_workload("starter-128", "as-shipped")
    assert strict.pins["params"]["precision"] == "fp32"
    assert strict.pins["params"]["tf32"] is False
    assert shipped.pins["params"]["tf32"] == "as-shipped"
    assert strict.hash != shipped.hash


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_workload_is_a_config(workload: Workload) -> None:
    config = workload.config(device="cpu", threads=1, random_weights=True)
    assert isinstance(config, GenerateConfig)
    pinned = {**workload.params}
    if pinned["model"] == NAME:
        pinned["model"] = SECOND  # today's starter has more codes to choose from: it would be other work
    assert {name: getattr(config, name) for name in workload.params} == pinned
    assert config.random_weights


def test_names_that_nobody_knows_get_a_way_out() -> None:
    with pytest.raises(UsageError) as caught:
        find_workload("starter-256")
    assert caught.value.hint == "did you mean starter-128?"
    with pytest.raises(UsageError, match="no profile 'fast'"):
        find_workload("starter-128", "fast")
