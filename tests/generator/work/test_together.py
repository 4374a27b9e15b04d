"""Which pictures are drawn in the same steps, and several runs driven to their ends, however each of them ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest
import torch

from dreamrig.errors import FailedError, InterruptedByUser
from generator.config import GenerateConfig
from generator.engine.loop import turns
from generator.engine.memory import estimate_together_mib
from generator.engine.together import Due
from generator.models.base import Models
from generator.work.order import Order
from generator.work.plan import Plan, plan
from generator.work.together import MOST_BY_ITSELF, drive, fellows_of

Config = Callable[..., GenerateConfig]
SMALL = {"width": 24, "height": 16, "steps": 6, "seed": 3, "threads": 1, "cutouts": 4, "start": "noise"}


def plans(count: int, **given: Any) -> list[Plan]:
    return [plan(Order(prompt="fog", given={**SMALL, "seed": seed, **given})) for seed in range(count)]


def elsewhere(models: Models) -> Models:
    """The same on a device that is no CPU; for what nothing is computed with."""
    image = models.image
    image.codebook = image.codebook.to("meta")  # type: ignore[misc]  # a toy's
    return models


# ---- which


def test_on_a_cpu_one_and_elsewhere_some_where_nobody_says(models: Models, toy_models: Callable[..., Models]) -> None:
    assert fellows_of(plans(20), models, 0).count == 1
    assert fellows_of(plans(3), models, 4).count == 3
    assert fellows_of(plans(20), models, 12).count == 12
    there = elsewhere(toy_models())
    assert fellows_of(plans(20), there, 0).count == MOST_BY_ITSELF
    assert fellows_of(plans(20), there, 3).count == 3


def test_no_more_than_fit_into_the_memory(toy_models: Callable[..., Models]) -> None:
    hungry = toy_models(memory_mib=lambda width, height, cutouts: 2.0**40 * (width * height > 0))
    found = fellows_of(plans(4), hungry, 4)
    assert (found.count, found.why_no_more) == (1, "no memory for more")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"width": 32}, "another size"),
        ({"seamless": "x"}, "other edges"),
        ({"threads": 2}, "other threads"),
        ({"deterministic": False}, "other threads or another --deterministic"),
        ({"model": "imagenet-f16-1024", "guides": "RN50", "width": 32, "height": 32}, "other networks"),
        ({"guide_weights": "1, 0"}, "other guides"),
        ({"cut_batch": 2}, "--cut-batch"),
        ({"checkpointed_decoding": True}, "--checkpointed-decoding"),
        ({"prompt": "sea", "cutouts": 9, "steps": 9, "guide_weights": "3, 1", "stages": "1/2:2"}, ""),
    ],
)
def test_only_what_can_go_together(
    other: dict[str, Any], why: str, toy_models: Callable[..., Models], toy_guide: Any
) -> None:
    models = toy_models(guides=(toy_guide(), toy_guide(seed=5)))
    prompt = other.pop("prompt", "fog")
    second = plan(Order(prompt=prompt, given={**SMALL, **other}))
    found = fellows_of([*plans(1), second], models, 4)
    assert found.count == (1 if why else 2)
    assert why in found.why_no_more


def test_windows_go_alone_beside_windows(models: Models) -> None:
    found = fellows_of(plans(2, width=128, height=96, tile=96), models, 4)
    assert (found.count, "--tile" in found.why_no_more) == (1, True)


# ---- to their ends


def doing(
    models: Models,
    config: GenerateConfig,
    log: list[str],
    fails_at: int | None = None,
    error: BaseException | None = None,
) -> Generator[Due, None, str]:
    """A run that tells how it ends."""
    name, steps = config.prompt, 0
    try:
        for turn in turns(config, models):
            if isinstance(turn, Due):
                if steps == fails_at and error is not None:
                    raise error
                steps += 1
                yield turn
    except KeyboardInterrupt:
        log.append(f"{name} interrupted after {steps}")
        raise InterruptedByUser(name) from None
    return f"{name}: {steps} steps"


def test_each_comes_to_its_own_end(models: Models, toy_config: Config) -> None:
    lengths = {"a": 2, "b": 5, "c": 3}
    found = drive([doing(models, toy_config(prompt=name, steps=steps), []) for name, steps in lengths.items()])
    assert found == ["a: 2 steps", "b: 5 steps", "c: 3 steps"]
    assert drive([]) == []


@pytest.mark.parametrize("error", [FailedError("no"), ValueError("a bug")])
@pytest.mark.parametrize("at", [0, 2])
def test_one_that_fails_leaves_and_the_others_go_on(
    models: Models, toy_config: Config, error: Exception, at: int
) -> None:
    configs = [toy_config(prompt=name, steps=4) for name in "abc"]
    found = drive([doing(models, config, [], at if config.prompt == "b" else None, error) for config in configs])
    assert found == ["a: 4 steps", error, "c: 4 steps"]


@pytest.mark.parametrize("at", [0, 2])
def test_ctrl_c_in_one_ends_all_each_once(models: Models, toy_config: Config, at: int) -> None:
    log: list[str] = []
    configs = [toy_config(prompt=name, steps=4 if name != "a" else 1) for name in "abcd"]
    runs = [doing(models, one, log, at if one.prompt == "c" else None, KeyboardInterrupt()) for one in configs]
    found = drive(runs)
    rest = "a interrupted after 1" if at == 0 else ""
    assert log == [*filter(None, [f"c interrupted after {at}", rest]), f"b interrupted after {at + 1}"] + (
        [f"d interrupted after {at}"] if at else []
    )
    assert found[0] == "a: 1 steps" if at else isinstance(found[0], InterruptedByUser)
    assert all(isinstance(one, InterruptedByUser) for one in found[1:3])
    assert isinstance(found[3], InterruptedByUser if at else KeyboardInterrupt)  # where it had not begun


def test_ctrl_c_while_the_step_is_taken_ends_all(models: Models, toy_config: Config) -> None:
    log: list[str] = []
    decode = models.image.decode
    calls = 0

    def pressing(latent: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return decode(latent)

    models.image.decode = pressing  # type: ignore[method-assign]  # a finger on the keys at the door
    found = drive([doing(models, toy_config(prompt=name), log) for name in "ab"])
    assert log == ["a interrupted after 3", "b interrupted after 3"]
    assert all(isinstance(one, InterruptedByUser) for one in found)


def test_memory_of_several_is_that_of_one_and_what_each_adds(models: Models, toy_config: Config) -> None:
    told = replace(models, memory_mib=lambda width, height, cutouts: 100.0 + width * height / 10 + cutouts)
    one, other = toy_config(), toy_config(cutouts=40)
    alone = [estimate_together_mib((config,), told) for config in (one, other)]
    both = estimate_together_mib((one, other), told)
    fixed = 100.0 * 1.15
    assert both == pytest.approx(sum(alone) - fixed)
