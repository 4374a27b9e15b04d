"""Pinned work: the hash tells one from another, and is the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.workloads import PROFILES, WORKLOADS, Workload, find_workload
from dreamrig.errors import UsageError
from generator.config import GenerateConfig

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
    assert {name: getattr(config, name) for name in workload.params} == workload.params
    assert config.random_weights


def test_names_that_nobody_knows_get_a_way_out() -> None:
    with pytest.raises(UsageError) as caught:
        find_workload("starter-256")
    assert caught.value.hint == "did you mean starter-128?"
    with pytest.raises(UsageError, match="no profile 'fast'"):
        find_workload("starter-128", "fast")
