"""Presets, precisions and features on a pretended CUDA device: nothing trips, nothing waits, the numbers are right."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from bench.proofs.pretended.cuda import pretended_cuda, values_of
from bench.proofs.pretended.log import Log
from bench.proofs.pretended.tensors import OnDevice
from generator.config import GenerateConfig
from generator.engine import cutouts
from generator.engine.loop import generate, state_from_bytes, state_to_bytes, turns
from generator.engine.together import Company, Due
from generator.events import Checkpointed, Event, Finished, Started, Step
from generator.models import full
from generator.models.base import Models
from generator.models.choose import load_models
from generator.models.clip_sizes import CLIPArchitecture
from generator.models.frozen import norm_silu
from generator.models.siglip_sizes import SigLIPArchitecture
from generator.models.vqgan import VQGANArchitecture
from generator.presets import PRESETS
from generator.work.plan import Plan

SMALL_VQGAN = VQGANArchitecture(
    codes=30, channels=32, multipliers=(1, 1, 2), attention_levels=(2,), code_width=8, z_channels=8
)
SMALL_CLIPS = {
    "ViT-B/32": CLIPArchitecture(
        width=16, side=32, image_width=64, patch=16, image_layers=(2,), text_width=64, text_layers=1
    ),
    "RN50": CLIPArchitecture(
        width=16, side=32, image_width=16, image_layers=(1, 1, 1, 1), text_width=64, text_layers=1
    ),
}
SMALL_CLIPS["SigLIP2-B/16"] = SigLIPArchitecture(
    width=64, side=32, image_width=64, patch=16, image_layers=(2,), image_hidden=80,
    text_width=64, text_layers=1, text_hidden=72, context=16, tokens=290,
)  # fmt: skip
AUGMENTATIONS = (
    "flip sharpness(0.3,p=0.4) affine(30,translate_y=0.1,shear=5,padding=border) perspective(0.2) jitter("
    "saturation=0.1,hue=0.1,brightness=0.1,contrast=0.1) erasing(0.1..0.4) noise(0.1) gaussian(0.1) elastic(p=0.5) "
    "thinplate crop(0.1) resizedcrop rotation(20)"
)
FEATURES: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "from grey": {"start": "grey", "guide_weights": "1, 1"},
    "a pyramid": {"start": "noise", "offset_levels": 3, "ema": 0.9},
    "seamless": {"start": "uniform", "seamless": "both"},
    "pooling": {"start": "fractal", "cut_method": "pooling", "augmentations": AUGMENTATIONS},
    "every augmentation": {"start": "gradient", "augmentations": AUGMENTATIONS, "cut_noise": 0.1},
    "restraints": {
        "tv": 1.0, "palette": 1.0, "palette_colours": "red, blue", "symmetry": 1.0, "symmetry_axis": "both",
        "edge": 1.0, "saturation": 1.0, "pixel_pull": 1.0, "init_weight": 1.0, "boundary_tv": 1.0,
    },
    "pixel art": {"block_size": 5, "palette_exact": True, "palette_colours": "red, blue, white"},
    "an outline": {"outline": "{photo}"},
    "less memory": {"cut_batch": 2, "checkpointed_decoding": True, "cut_noise": 0.1},
    "windows": {"width": 208, "height": 200, "tile": 192, "start": "gradient", "seamless": "x", "steps": 1},
    "regions": {"prompt": "sea @left | fog @0.25,0,1,1:-0.5", "noise_prompts": "5:0.5"},
    "a story": {"prompt": "sea ^ fog @left ^ sky", "story_blend": 0.9},
    "pictures": {
        "start": "{photo}", "start_noise": 0.1, "image_prompts": "{photo}", "mask": "{half}", "overlay": "{photo}",
        "overlay_every": 2, "prompt": "sea @a", "regions": "a={half}",
    },
    **{name: {"optimiser": name} for name in ("adamw", "adamax", "adagrad", "rmsprop", "radam", "diffgrad", "adamp")},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pictures")
    half = Image.new("L", (64, 48))
    half.paste(255, (0, 0, 40, 48))
    paths = {}
    for name, picture in {"photo": Image.effect_noise((40, 20), 90).convert("RGB"), "half": half}.items():
        paths[name] = str(folder / f"{name}.png")
        picture.save(paths[name])
    return paths


@pytest.fixture
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random networks of the published ones' kinds, small."""
    monkeypatch.setitem(full.vqgan.ARCHITECTURES, "imagenet-f16-1024", SMALL_VQGAN)
    for name, sizes in SMALL_CLIPS.items():
        monkeypatch.setitem(full.guides.ARCHITECTURES, name, sizes)


def config_of(models: Models, files: Mapping[str, str], **given: Any) -> GenerateConfig:
    given = {name: value.format(**files) if isinstance(value, str) else value for name, value in given.items()}
    values = {"width": 64, "height": 48, "steps": 2, "seed": 1, "preview_every": 0, "checkpoint_every": 0, "cutouts": 4}
    prompt = given.pop("prompt", "a | b:-0.5")
    preset = given.pop("preset", None)
    plan = Plan(prompt=prompt, given={**values, **given}, preset=None if preset is None else PRESETS[preset])
    return plan.to_config(models.defaults)


@cache
def starter_on(device: str) -> Models:
    with pretended_cuda():
        return load_models(GenerateConfig(prompt="x", device=device))


@contextmanager
def starter(device: str = "cuda") -> Iterator[tuple[Models, Log]]:
    with pretended_cuda() as log:
        yield starter_on(device), log


def stops_in_steps(events: Iterator[Event], log: Log) -> list[str]:
    """What the host waited for while the engine took its steps, from the start to the last one's event."""
    found: list[str] = []
    for event in events:
        if isinstance(event, Step):
            found += log.stops
        log.clear()
    return found


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_runs_and_no_step_waits(feature: str, deterministic: bool, files: dict[str, str]) -> None:
    with starter() as (models, log):
        config = config_of(models, files, **FEATURES[feature], deterministic=deterministic)
        assert stops_in_steps(generate(config, models), log) == []


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs_and_no_step_waits(preset: str, deterministic: bool, files: dict[str, str]) -> None:
    with starter() as (models, log):
        config = config_of(models, files, preset=preset, model="starter", deterministic=deterministic)
        assert stops_in_steps(generate(config, models), log) == []


@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("precision", ["fp32", "mixed", "bf16"])
@pytest.mark.parametrize("guides", ["ViT-B/32", "RN50", "SigLIP2-B/16, ViT-B/32"])
def test_full_networks_run_in_every_precision(guides: str, precision: str, deterministic: bool) -> None:
    config = GenerateConfig(
        prompt="fog", model="imagenet-f16-1024", guides=guides, random_weights=True, width=32, height=32, steps=2,
        cutouts=2, start="noise", seed=1, precision=precision, deterministic=deterministic, device="cuda",
        augmentations=AUGMENTATIONS, cut_noise=0.1,
    )  # fmt: skip
    with pretended_cuda() as log:
        assert stops_in_steps(generate(config, load_models(config)), log) == []


@pytest.mark.parametrize("watching", [{"step_schedule": "plateau"}, {"stop_after": 3}])
def test_a_run_that_looks_at_its_loss_waits_for_it_alone(watching: dict[str, Any], files: dict[str, str]) -> None:
    with starter() as (models, log):
        stops = stops_in_steps(generate(config_of(models, files, **watching), models), log)
    assert len(stops) == 2
    assert all(stop.startswith("_local_scalar_dense at generator/engine/run.py") for stop in stops)


@pytest.mark.parametrize(
    "feature", ["as it comes", "from grey", "seamless", "restraints", "regions", "every augmentation"]
)
def test_the_first_picture_and_loss_are_those_of_the_cpu(feature: str, files: dict[str, str]) -> None:
    """Noise aside, which every device draws for itself."""
    wish = {name: value for name, value in FEATURES[feature].items() if name != "cut_noise"}
    wish["augmentations"] = wish.get("augmentations", "").replace(" noise(0.1) gaussian(0.1) elastic(p=0.5)", "")
    found = []
    for device in ("cpu", "cuda"):
        with starter(device) as (models, _):
            config = config_of(models, files, **wish, cut_noise=0.0)
            step = next(event for event in generate(config, models) if isinstance(event, Step))
            found.append((step.loss(), step.image()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=1e-5)


def test_the_host_is_one_step_ahead_and_no_more(files: dict[str, str]) -> None:
    """So that steps can be timed without a stop: each waits for the one before it, while it is asked for itself."""
    waits = []
    with starter() as (models, log):
        for event in generate(config_of(models, files, steps=5), models):
            if isinstance(event, Step):
                waits.append(len(log.past))
                assert log.stops == []
            log.clear()
    assert waits == [0, 1, 1, 1, 1]


# Several pictures in a step -----------------------------------------------------------------------------------


def operators_of_a_step(models: Models, configs: Sequence[GenerateConfig], log: Log) -> tuple[Counter[str], list[str]]:
    """Of the second step of runs that are taken together, and everything at which the host stood still."""
    company, runs = Company(), [turns(config, models) for config in configs]
    for _ in range(2):
        dues = [next(turn for turn in run if isinstance(turn, Due)) for run in runs]
        log.clear()
        company.take(dues)
        for due in dues:
            due.result()
    return Counter(log.operators), log.stops


def test_several_pictures_are_as_many_operators_in_the_networks_as_one(files: dict[str, str]) -> None:
    """The decoder and the guides, forth and back; what a picture does for itself is done for each."""
    with starter() as (models, log):
        configs = [config_of(models, files, seed=seed, steps=4, deterministic=False) for seed in range(4)]
        one, _ = operators_of_a_step(models, configs[:1], log)
        four, stops = operators_of_a_step(models, configs, log)
    assert stops == []
    networks = ("convolution", "convolution_backward", "silu", "silu_backward")
    for name in networks:
        assert one[name] == four[name] > 0
    # The rest is of a picture's own: cutouts, loss, optimiser. Three more of them are three times what one does there.
    assert four.total() < 3 * one.total()


# Moving between devices -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_run_goes_on_on_another_device(before: str, after: str, files: dict[str, str]) -> None:
    """Begun on the CPU, and CUDA arrives later; or the other way round."""
    looks = itertools.count(1)
    wish = {"cut_noise": 0.1, "steps": 6, "start": "noise", "augmentations": "gaussian(0.1)"}
    with starter(before) as (models, _):
        config = config_of(models, files, **wish)
        events = list(generate(config, models, should_stop=lambda: next(looks) >= 3))
        expected = last_picture(list(generate(config, models)))
    data = state_to_bytes([event for event in events if isinstance(event, Checkpointed)][-1].state)
    with starter(after) as (models, _):
        rest = list(generate(config, models, resume=state_from_bytes(data)))
        found = last_picture(rest)
    assert [event.index for event in rest if isinstance(event, Step)] == [3, 4, 5]
    assert torch.isfinite(found).all()
    # Another device draws other noise and rounds otherwise, which may flip a code or none: nearly the same picture.
    assert torch.equal(found, expected) if before == after else (found - expected).abs().mean() < 0.05


def last_picture(events: list[Event]) -> torch.Tensor:
    finished = events[-1]
    assert isinstance(finished, Finished)
    return finished.image()


# What the matrices and the norm are -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "size"), [(96, 64, 24), (64, 64, 64), (20, 28, 32), (480, 480, 224), (9, 8, 2)]
)
def test_the_devices_matrices_are_the_hosts_bit_for_bit(width: int, height: int, size: int) -> None:
    generator = torch.Generator().manual_seed(1)
    boxes = cutouts.draw(generator, 12, width, height, size)
    sides = range(min(width, height, size), min(width, height) + 1)
    boxes = torch.cat([boxes, torch.tensor([[0, 0, sides[0]], [0, 0, sides[-1]]])])
    image = torch.zeros(1, 3, height, width)
    hosts = cutouts._matrices(boxes, width, height, size, image)
    with pretended_cuda() as log:
        there = image.to("cuda")
        for _ in range(2):
            log.clear()
            devices = cutouts._matrices(boxes, width, height, size, there)
        sent = log.bytes_to_device
    for ours, theirs in zip(map(values_of, devices), hosts, strict=True):
        assert torch.equal(ours, theirs)
    assert sent == boxes.numel() * 8


def test_taps_hold_all_of_a_matrix() -> None:
    """Every side that can be cut, not only those that chance came to."""
    for longest, size in ((40, 8), (33, 16), (16, 16), (7, 16)):
        sides = range(min(longest, size), longest + 1)
        boxes = torch.tensor([[0, 0, side] for side in sides])
        with pretended_cuda():
            down, _ = cutouts._matrices(boxes, longest, longest, size, torch.zeros(1, 3, longest, longest).to("cuda"))
        for side, found in zip(sides, values_of(down), strict=True):
            assert torch.equal(found[:, :side], cutouts.resample_matrix(side, size))
            assert not found[:, side:].any()


def test_the_norm_of_pictures_laid_out_by_place_is_torchs() -> None:
    generator = torch.Generator().manual_seed(1)
    x = (torch.randn(2, 64, 6, 5, generator=generator) * 3 + 1).contiguous(memory_format=torch.channels_last)
    weight, bias, back = (torch.randn(shape, generator=generator) for shape in ((64,), (64,), (2, 64, 6, 5)))
    leaf = x.clone().requires_grad_()
    expected = torch.nn.functional.silu(torch.nn.functional.group_norm(leaf, 32, weight, bias, 1e-6))
    (gradient,) = torch.autograd.grad(expected, leaf, back)
    with pretended_cuda():
        there = x.to("cuda").requires_grad_()
        found = norm_silu(there, weight.to("cuda"), bias.to("cuda"), 32, 1e-6)
        (theirs,) = torch.autograd.grad(found, there, back.to("cuda"))
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert theirs.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(values_of(found), expected.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(values_of(theirs), gradient, rtol=1e-4, atol=1e-5)


# The tool itself --------------------------------------------------------------------------------------------


def on_device(*shape: int) -> torch.Tensor:
    return torch.ones(shape).pin_memory().to("cuda", non_blocking=True)


WAITING: Mapping[str, Callable[[torch.Tensor], object]] = {
    "a number": lambda x: float(x.sum()),
    "a truth": lambda x: bool(x.any()),
    "a list": lambda x: x.tolist(),
    "places of what is not zero": lambda x: x.nonzero(),
    "a mask": lambda x: x[x > 0],
    "equality": lambda x: torch.equal(x, x),
    "all of it on the host": lambda x: x.cpu(),
    "numbers sent from ordinary memory": lambda x: torch.ones(3).to("cuda", non_blocking=True),
    "numbers sent at once": lambda x: torch.ones(3).pin_memory().to("cuda"),
    "a new tensor of numbers": lambda x: x.new_tensor([1.0, 2.0]),
    "a tensor made of numbers": lambda x: torch.tensor([1.0], device=x.device),
    "indices of the host": lambda x: x[torch.tensor([0, 1])],
    "all that was asked for": lambda x: torch.cuda.synchronize(),
}


@pytest.mark.parametrize("kind", WAITING)
def test_the_tool_sees_the_host_wait(kind: str) -> None:
    with pretended_cuda() as log:
        x = on_device(3, 3)
        assert log.stops == []
        WAITING[kind](x)
        assert len(log.stops) == 1
        assert "test_pretended_cuda.py" in log.stops[0]


def test_the_tool_sees_no_wait_where_there_is_none() -> None:
    with pretended_cuda() as log:
        x = on_device(3, 3)
        y = torch.where(x > 0, x @ x, x.new_zeros(())).clamp(0, 1) + torch.tensor(2.0)
        y[:, torch.arange(2, device="cuda")] += torch.rand((3, 2), device="cuda")
        assert (y.device, y.is_cuda, y.is_meta) == (torch.device("cuda", 0), True, False)
        assert log.stops == []
        assert log.operators["mm"] == 1


REFUSED: Mapping[str, Callable[[torch.Tensor], object]] = {
    "two devices": lambda x: x + torch.ones(3),
    "two cards": lambda x: x + torch.ones(3, device="cuda:1"),
    "the wrong generator": lambda x: torch.rand(3, device="cuda", generator=torch.Generator()),
    "a group norm by place": lambda x: torch.native_group_norm(
        torch.ones(1, 4, 2, 2, device="cuda").contiguous(memory_format=torch.channels_last),
        None,
        None,
        1,
        4,
        4,
        2,
        1e-6,
    ),
    "another generator's state": lambda x: torch.Generator("cuda").set_state(torch.Generator().get_state()),
    "what cannot be repeated": lambda x: x.cumsum(0),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_tool_refuses_what_cuda_refuses(kind: str) -> None:
    torch.set_deterministic_debug_mode("error")
    try:
        with pretended_cuda(devices=2), pytest.raises(RuntimeError):
            REFUSED[kind](on_device(3))
    finally:
        torch.set_deterministic_debug_mode("default")


def test_the_tool_computes_and_differentiates_like_the_cpu() -> None:
    def run(device: str) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.linspace(-1, 1, 12).view(3, 4).to(device).requires_grad_()
        loss = (torch.nn.functional.silu(x) @ x.T).softmax(1).square().sum()
        (gradient,) = torch.autograd.grad(loss, x)
        return loss.detach(), gradient

    expected = run("cpu")
    with pretended_cuda():
        found = run("cuda")
        assert all(isinstance(tensor, OnDevice) for tensor in found)
    assert all(torch.equal(values_of(a), b) for a, b in zip(found, expected, strict=True))
    assert not torch.cuda.is_available() or Path("/dev/nvidia0").exists()


def test_the_start_tells_of_the_card(files: dict[str, str]) -> None:
    with starter() as (models, _):
        started = next(iter(generate(config_of(models, files), models)))
    assert isinstance(started, Started)
    assert started.device == "cuda:0 (Pretended 3090)"
