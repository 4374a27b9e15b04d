"""Every feature of the engine end to end on the toys: it does what it says, and a resumed run gives the same bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine.loop import State, generate, state_from_bytes, state_to_bytes
from generator.events import Checkpointed, Event, Finished, Step
from generator.models.base import Models

Config = Callable[..., GenerateConfig]
MakeModels = Callable[..., Models]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Pictures by name: photo (coloured noise), half (white on the left), spot (white in the middle), none (black)."""
    grey = np.random.default_rng(0).normal(128, 90, (20, 40)).clip(0, 255).astype(np.uint8)
    photo = Image.fromarray(grey).convert("RGB")
    half, spot = Image.new("L", (24, 16)), Image.new("L", (24, 16))
    half.paste(255, (0, 0, 12, 16))
    spot.paste(255, (4, 4, 20, 12))
    paths = {}
    for name, picture in {"photo": photo, "half": half, "spot": spot, "none": Image.new("L", (24, 16))}.items():
        paths[name] = str(tmp_path / f"{name}.png")
        picture.save(paths[name])
    return paths


def events_of(models: Models, config: GenerateConfig, resume: State | None = None) -> list[Event]:
    return list(generate(config, models, resume=resume))


def steps_of(events: list[Event]) -> list[Step]:
    return [event for event in events if isinstance(event, Step)]


def losses_of(models: Models, config: GenerateConfig) -> list[float]:
    return [step.loss() for step in steps_of(events_of(models, config))]


def last_state(events: list[Event]) -> State:
    return [event for event in events if isinstance(event, Checkpointed)][-1].state


def picture_of(events: list[Event]) -> Tensor:
    assert isinstance(events[-1], Finished)
    return events[-1].image()


FEATURES: dict[str, dict[str, Any]] = {
    "image prompts": {"image_prompts": "{photo}:2 | {spot}:-0.3:-2 @left"},
    "image prompts alone": {"prompt": "", "image_prompts": "{photo}"},
    "noise prompts": {"noise_prompts": "5:0.5 | 6:-0.1"},
    "regions": {"prompt": "sea @left | fog @0,0.25,1,1:0.5 | sky"},
    "masks for prompts": {"prompt": "sea @a | fog @b", "regions": "a={spot} | b = {half}"},
    "mask": {"mask": "{half}", "offset_levels": 2},
    "start from a picture": {"start": "{photo}", "start_noise": 0.2, "init_weight": 0.5, "init_decay": "inverse"},
    "start from a gradient": {"start": "gradient", "pixel_pull": 2.0, "init_decay": "linear"},
    "start from a fractal": {"start": "fractal", "init_weight": 0.5, "init_target": "zero", "init_decay": "cosine"},
    "start from pixels": {"start": "pixels"},
    "story": {"prompt": "sea ^ fog @left ^ sky", "story_blend": 0.5},
    "story that repeats": {"prompt": "sea ^ fog", "story_every": 2, "story_repeat": True},
    "restarts": {"step_schedule": "restarts", "warmup_steps": 2},
    "plateau": {"step_schedule": "plateau", "patience": 1},
    "auto stop": {"stop_after": 5},
    "average": {"ema": 0.8},
    "losses": {"tv": 0.5, "palette": 1.0, "symmetry": 1.0, "edge": 1.0, "saturation": 0.5, "symmetry_axis": "both"},
    "seamless": {"seamless": "both"},
    "outline": {"outline": "{photo}", "outline_weight": 0.5},
    "pixel art": {"block_size": 4, "palette_exact": True, "palette_colours": "red, green, blue, white", "ema": 0.5},
    "batches": {"cut_batch": 3, "prompt": "sea | fog @right", "checkpointed_decoding": True},
    **{name: {"optimiser": name} for name in ("adamw", "adamax", "adagrad", "rmsprop", "radam", "diffgrad")},
}


def filled(options: dict[str, Any], files: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**files) if isinstance(value, str) else value for name, value in options.items()}


@pytest.mark.parametrize("name", FEATURES)
def test_resumed_is_the_same_bytes_even_without_the_files(
    models: Models, toy_config: Config, files: dict[str, str], name: str
) -> None:
    config = toy_config(**({"step_size": 0.3, "cut_noise": 0.05} | filled(FEATURES[name], files)))
    whole = events_of(models, config)
    looks = itertools.count(1)
    half = list(generate(config, models, should_stop=lambda: next(looks) >= 3))
    state = state_from_bytes(state_to_bytes(last_state(half)))
    for path in files.values():
        Path(path).unlink()
    rest = events_of(models, config, resume=state)
    assert [step.index for step in steps_of(rest)] == [3, 4, 5]
    assert [step.loss() for step in steps_of(half) + steps_of(rest)] == [step.loss() for step in steps_of(whole)]
    assert torch.equal(picture_of(rest), picture_of(whole))
    assert state_to_bytes(last_state(rest)) == state_to_bytes(last_state(whole))


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_changes_the_picture(
    models: Models, toy_config: Config, files: dict[str, str], name: str
) -> None:
    options = filled(FEATURES[name], files)
    if name == "auto stop":
        options["stop_after"] = 1  # of six steps
        options["prompt"] = "sea:1:50"  # no gradient: the loss does not fall
    plain = picture_of(events_of(models, toy_config(step_size=0.3, steps=8)))
    assert not torch.equal(picture_of(events_of(models, toy_config(step_size=0.3, steps=8, **options))), plain)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 3, "palette_colours": "red", "edge_width": 0.3, "symmetry_axis": "both", "weight_decay": 0.9},
        {"guide_weights": "3", "init_decay": "inverse", "init_target": "zero", "schedule_every": 2, "fit": "off"},
        {"story_every": 2, "story_blend": 0.5, "story_repeat": True, "regions": "a=nowhere.png"},
    ],
)
def test_what_is_off_changes_no_bit_and_reads_no_file(models: Models, toy_config: Config, options: Any) -> None:
    plain, other = (events_of(models, toy_config(step_size=0.3, **more)) for more in ({}, options))
    assert torch.equal(picture_of(plain), picture_of(other))
    assert [step.loss() for step in steps_of(plain)] == [step.loss() for step in steps_of(other)]


# Prompts ----------------------------------------------------------------------------------------------------


def test_a_picture_to_resemble_is_approached_and_its_negative_fled(
    models: Models, toy_config: Config, files: dict[str, str]
) -> None:
    config = {"prompt": "", "steps": 40, "step_size": 0.2, "cutouts": 2, "whole_every": 1}
    towards = losses_of(models, toy_config(**config, image_prompts=files["photo"]))
    away = losses_of(models, toy_config(**config, image_prompts=f"{files['photo']}:-1"))
    assert sum(towards[-5:]) < 0.8 * sum(towards[:5])
    assert sum(away[-5:]) < sum(away[:5]) < 0


def test_a_noise_prompt_is_approached(models: Models, toy_config: Config) -> None:
    losses = losses_of(models, toy_config(prompt="", noise_prompts="7:2", steps=40, step_size=0.2))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def moved_cells(models: Models, config: GenerateConfig) -> Tensor:
    """(rows, columns) of booleans: where the latent is another than at the start."""
    tensors = last_state(events_of(models, config)).tensors
    return (tensors["parameters.0"] != tensors["start"]).any(dim=1)[0]


@pytest.mark.parametrize(
    ("region", "inside"),
    [
        ("left", (slice(0, 4), slice(0, 3))),
        ("bottom", (slice(2, 4), slice(0, 6))),
        ("0.5,0,1,0.5", (slice(0, 2), slice(3, 6))),
        ("spot", (slice(1, 3), slice(1, 5))),
    ],
)
def test_a_prompt_for_a_region_moves_nothing_outside(
    models: Models, toy_config: Config, files: dict[str, str], region: str, inside: tuple[slice, slice]
) -> None:
    moved = moved_cells(models, toy_config(prompt=f"sea @{region}", regions=f"spot={files['spot']}", cutouts=16))
    expected = torch.zeros(4, 6, dtype=torch.bool)
    expected[inside] = True
    assert torch.equal(moved, expected)


def test_regions_add_up_like_prompts(models: Models, toy_config: Config) -> None:
    left, right, all_of_it = (
        losses_of(models, toy_config(prompt=prompt, steps=1, cutouts=1, whole_every=1))[0]
        for prompt in ("sea @left:2", "fog @right:-0.5", "sky")
    )
    together = toy_config(prompt="sea @left:2 | fog @right:-0.5 | sky", steps=1, cutouts=1, whole_every=1)
    assert losses_of(models, together)[0] == pytest.approx(left + right + all_of_it, rel=1e-5)


def test_a_mask_keeps_the_start_outside(models: Models, toy_config: Config, files: dict[str, str]) -> None:
    for options in ({}, {"offset_levels": 3, "per_dimension_steps": True}, {"optimiser": "adamw", "ema": 0.5}):
        events = events_of(models, toy_config(start="predicted", mask=files["half"], step_size=0.5, **options))
        first, last = steps_of(events)[0].image(), picture_of(events)
        assert torch.equal(first[:, :, 12:], last[:, :, 12:])
        assert not torch.equal(first[:, :, :12], last[:, :, :12])


def test_an_empty_mask_or_a_tiny_region_is_refused(models: Models, toy_config: Config, files: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"is all black .*: nothing may be painted"):
        next(iter(generate(toy_config(prompt="sea", mask=files["none"]), models)))
    for prompt, said in (("sea @a", "is all black"), ("sea @0,0,0.1,1", "less than 8 pixels")):
        with pytest.raises(UsageError, match=said) as caught:
            next(iter(generate(toy_config(prompt=prompt, regions=f"a={files['none']}"), models)))
        assert caught.value.hint


@pytest.mark.parametrize("name", ["image_prompts", "mask", "start"])
def test_a_missing_picture_is_refused_before_anything_is_told(models: Models, toy_config: Config, name: str) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.png"):
        next(iter(generate(toy_config(**{name: "nowhere.png"}), models)))


def test_a_story_tells_one_scene_after_the_other(models: Models, toy_config: Config) -> None:
    common = {"steps": 6, "cutouts": 1, "whole_every": 1, "step_size": 1e-6}
    sea, fog = (losses_of(models, toy_config(prompt=prompt, **common))[0] for prompt in ("sea", "fog"))
    assert losses_of(models, toy_config(prompt="sea ^ fog", **common)) == pytest.approx([sea] * 3 + [fog] * 3, rel=1e-3)
    every = losses_of(models, toy_config(prompt="sea ^ fog", story_every=1, story_repeat=True, **common))
    assert every == pytest.approx([sea, fog] * 3, rel=1e-3)
    blended = losses_of(models, toy_config(prompt="sea ^ fog", story_every=4, story_blend=0.5, **common))
    assert blended == pytest.approx([sea, sea, sea, (sea + fog) / 2, fog, fog], rel=1e-3)


def test_one_picture_holds_in_all_scenes_and_a_wrong_number_is_refused(
    toy_config: Config, files: dict[str, str], models: Models
) -> None:
    config = {"prompt": "sea ^ fog", "steps": 2, "cutouts": 1, "whole_every": 1, "step_size": 1e-6}
    with_picture = losses_of(models, toy_config(**config, image_prompts=files["photo"]))
    alone = losses_of(models, toy_config(**config))
    added = [a - b for a, b in zip(with_picture, alone, strict=True)]
    assert added[0] == pytest.approx(added[1], rel=1e-3)
    assert added[0] > 0.1
    with pytest.raises(UsageError, match="2 scenes in words and 3 in pictures"):
        toy_config(prompt="a ^ b", image_prompts="a.png ^ b.png ^ c.png")


# Guides -----------------------------------------------------------------------------------------------------


def test_guides_count_by_their_weights(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    a, b = toy_guide(seed=4), toy_guide(seed=5)
    common = {"steps": 1, "cutouts": 1, "whole_every": 1}
    alone = [losses_of(toy_models(guides=(guide,)), toy_config(**common))[0] for guide in (a, b)]
    both = losses_of(toy_models(guides=(a, b)), toy_config(**common, guide_weights="3, 1"))[0]
    assert both == pytest.approx((3 * alone[0] + alone[1]) / 4)
    with pytest.raises(UsageError, match="2 guide_weights for 1 guides"):
        losses_of(toy_models(guides=(a,)), toy_config(**common, guide_weights="3, 1"))


def test_a_guide_of_weight_0_is_never_asked(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    """Not for its texts or its cutouts: the run is the one without it, to the bit."""
    a, silent = toy_guide(seed=4), SimpleNamespace()
    alone = losses_of(toy_models(guides=(a,)), toy_config())
    assert losses_of(toy_models(guides=(a, silent)), toy_config(guide_weights="2, 0")) == alone
    assert losses_of(toy_models(guides=(silent, a)), toy_config(guide_weights="0, 1")) == alone


def test_a_model_may_say_how_much_each_guide_counts(
    toy_models: MakeModels, toy_config: Config, toy_guide: type
) -> None:
    guides = (toy_guide(seed=4), toy_guide(seed=5))
    own = replace(toy_models(guides=guides), guide_weights=(3.0, 1.0))
    asked = losses_of(toy_models(guides=guides), toy_config(guide_weights="3, 1"))
    assert losses_of(own, toy_config()) == asked
    assert losses_of(own, toy_config(guide_weights="1, 1")) != asked


# Starts -----------------------------------------------------------------------------------------------------


def test_the_init_weight_keeps_the_picture_it_began_with(
    models: Models, toy_config: Config, files: dict[str, str]
) -> None:
    def drift(**options: Any) -> float:
        tensors = last_state(events_of(models, toy_config(start=files["photo"], steps=30, **options))).tensors
        return float((tensors["parameters.0"] - tensors["start"]).square().mean())

    free = drift()
    assert drift(init_weight=100.0) < 0.2 * free
    assert drift(init_weight=100.0, init_decay="inverse") > drift(init_weight=100.0)
    assert drift(pixel_pull=1000.0) < 0.6 * free
    assert drift(init_weight=100.0, init_target="zero") > drift(init_weight=100.0)


def test_the_init_weight_is_the_notebooks_formula(models: Models, toy_config: Config) -> None:
    plain = toy_config(steps=3, step_size=0.3)
    pulled = toy_config(steps=3, step_size=0.3, init_weight=0.8, init_target="zero", init_decay="inverse")
    events = events_of(models, pulled)
    first = [losses_of(models, config)[0] for config in (plain, pulled)]
    z = last_state(events).tensors["start"]
    assert first[1] - first[0] == pytest.approx(0.8 * float(z.square().mean()) / 2, rel=1e-4)


def test_noise_on_the_start_is_in_deviations(models: Models, toy_config: Config) -> None:
    clean, noisy = (
        last_state(events_of(models, toy_config(start="predicted", steps=1, width=64, height=64, **more)))
        for more in ({}, {"start_noise": 0.5})
    )
    spread = (noisy.tensors["start"] - clean.tensors["start"]).std(dim=(0, 2, 3))
    torch.testing.assert_close(spread, 0.5 * models.image.codebook.std(dim=0, correction=0), rtol=0.15, atol=0)


# Steps ------------------------------------------------------------------------------------------------------


def test_a_run_ends_by_itself_when_nothing_gets_better(models: Models, toy_config: Config) -> None:
    events = events_of(models, toy_config(prompt="sea:1:50", steps=50, stop_after=4, cutouts=1, whole_every=1))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.index) == ("done", 5)
    again = events_of(models, toy_config(prompt="sea:1:50", steps=50, stop_after=4, cutouts=1, whole_every=1),
                      resume=last_state(events))  # fmt: skip
    assert steps_of(again) == []


def test_the_plateau_schedule_makes_smaller_steps(models: Models, toy_config: Config) -> None:
    config = toy_config(prompt="sea:1:50", steps=12, step_schedule="plateau", patience=3, cutouts=1, whole_every=1)
    assert float(last_state(events_of(models, config)).tensors["watch"][4]) == 0.5**3


def test_the_average_is_the_mean_of_where_the_latent_was(models: Models, toy_config: Config) -> None:
    config = toy_config(ema=0.7, step_size=0.3, checkpoint_every=1)
    events = events_of(models, config)
    visited = [event.state.tensors["parameters.0"] for event in events if isinstance(event, Checkpointed)]
    weights = [0.7 ** (5 - i) for i in range(6)]
    expected = sum((w * z for w, z in zip(weights, visited, strict=True)), torch.zeros(())) / sum(weights)
    codes = (expected.movedim(1, -1)[..., None, :] - models.image.codebook).square().sum(-1).argmin(-1)
    picture = models.image.decode(models.image.codebook[codes].movedim(-1, 1))[0].clamp(0, 1)
    torch.testing.assert_close(picture_of(events), picture)
    live = picture_of(events_of(models, toy_config(step_size=0.3)))
    assert not torch.equal(picture_of(events), live)


# Less memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"cut_batch": 1}, {"cut_batch": 3}, {"cut_batch": 64}])
def test_looking_in_batches_is_the_same_picture(
    toy_models: MakeModels, toy_config: Config, toy_guide: type, bundle: dict[str, Any], options: dict[str, Any]
) -> None:
    models = toy_models(guides=(toy_guide(), toy_guide(seed=5, size=12, width=9)))
    config = bundle | {"cutouts": 8, "step_size": 0.05, "prompt": "sea:2 | fog @left:-0.5:-3"}
    whole, parts = (events_of(models, toy_config(**(config | more))) for more in ({}, options))
    assert [s.loss() for s in steps_of(parts)] == pytest.approx([s.loss() for s in steps_of(whole)], rel=1e-5)
    torch.testing.assert_close(picture_of(parts), picture_of(whole), rtol=0, atol=1e-4)


def test_no_more_than_a_batch_is_looked_at_at_once(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    seen: list[int] = []

    class Counting(toy_guide):  # type: ignore[misc]
        def encode_image(self, cutouts: Tensor) -> Tensor:
            seen.append(len(cutouts))
            embedded: Tensor = super().encode_image(cutouts)
            return embedded

    events_of(toy_models(guides=(Counting(),)), toy_config(steps=1, cutouts=8, cut_batch=3))
    assert seen == [3, 3, 2]


def test_decoding_twice_gives_the_same_bytes(models: Models, toy_models: MakeModels, toy_config: Config) -> None:
    calls: list[bool] = []

    class Watching:
        codebook, factor, encode = models.image.codebook, models.image.factor, models.image.encode

        def decode(self, latent: Tensor) -> Tensor:
            calls.append(latent.requires_grad)
            return models.image.decode(latent)

    once, twice = (
        events_of(toy_models(image=Watching()), toy_config(step_size=0.3, checkpointed_decoding=chosen))
        for chosen in (False, True)
    )
    assert state_to_bytes(last_state(twice))[-400:] == state_to_bytes(last_state(once))[-400:]
    assert torch.equal(picture_of(once), picture_of(twice))
    assert len(calls) == 7 + 13  # six steps and the last picture; then each step's twice


def test_a_model_that_can_checkpoint_is_told(models: Models, toy_models: MakeModels, toy_config: Config) -> None:
    told: list[bool] = []

    class Willing:
        codebook, factor, encode = models.image.codebook, models.image.factor, models.image.encode
        checkpointed = False

        def decode(self, latent: Tensor) -> Tensor:
            told.append(self.checkpointed)
            return models.image.decode(latent)

    image = Willing()
    for chosen in (True, False):
        events_of(toy_models(image=image), toy_config(steps=1, checkpointed_decoding=chosen))
    assert told == [True, True, False, False]
