"""The presets: what they set, who is stronger, and the notebooks' loops written out again as the judge of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from docs.made import presets as presets_page
from dreamrig.errors import UsageError
from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.engine.augment import apply as augment
from generator.engine.augment.chance import Chance
from generator.engine.cutouts import draw
from generator.engine.loop import generate
from generator.events import Checkpointed, Step
from generator.front.cli.orders import order_generate
from generator.models.base import Models
from generator.presets import FOR_THE_STARTER, NEEDS_ITS_NETWORKS, PRESETS, find_preset
from generator.wishes.augmentations import KINDS, parse
from generator.work.order import Order
from generator.work.plan import Plan, plan

kornia = pytest.importorskip("kornia", reason="kornia, of the extra [dev], is the oracle")

Config = Callable[..., GenerateConfig]
NOTEBOOKS = ("crowson", "adafruit", "pooling", "nerdyrodent")


# What they set ----------------------------------------------------------------------------------------------


def test_the_five_of_them() -> None:
    assert list(PRESETS) == [*NOTEBOOKS, "dreamrig"]
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.about.endswith(".")
        assert preset.source


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("model", ["", "starter"])
def test_every_preset_is_a_config(name: str, model: str) -> None:
    preset = PRESETS[name]
    config = GenerateConfig(prompt="fog", **preset.values_for(model or preset.values["model"]))
    assert config.model == (model or preset.values["model"])


def test_the_notebooks_numbers() -> None:
    """As read off the notebooks; sizes in whole codes."""
    rows = {
        name: tuple(
            PRESETS[name].values[key] for key in ("model", "width", "step_size", "cutouts", "cut_noise", "start")
        )
        for name in NOTEBOOKS
    }
    assert rows == {
        "crowson": ("imagenet-f16-1024", 480, 0.05, 64, 0.0, "noise"),
        "adafruit": ("imagenet-f16-16384", 480, 0.1, 64, 0.1, "noise"),
        "pooling": ("imagenet-f16-16384", 288, 0.1, 32, 0.1, "uniform"),
        "nerdyrodent": ("imagenet-f16-16384", 512, 0.1, 32, 0.1, "noise"),
    }
    assert [PRESETS[name].values["cut_clamp"] for name in NOTEBOOKS] == [True, False, False, False]
    assert [PRESETS[name].values["cut_method"] for name in NOTEBOOKS] == ["crops", "crops", "pooling", "pooling"]


def test_the_notebooks_augmentations_in_their_order() -> None:
    chances = {
        name: [(one.name, one.number("p")) for one in parse(PRESETS[name].values["augmentations"])]
        for name in NOTEBOOKS
    }
    assert chances == {
        "crowson": [],
        "adafruit": [("flip", 0.5), ("sharpness", 0.4), ("affine", 0.8), ("perspective", 0.4), ("jitter", 0.7)],
        "pooling": [("affine", 0.7), ("perspective", 0.7), ("jitter", 0.7), ("erasing", 0.7)],
        "nerdyrodent": [("affine", 0.7), ("perspective", 0.7), ("jitter", 0.7), ("erasing", 0.7)],
    }


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_the_same_algorithm_with_the_starter(name: str) -> None:
    """Nothing the starter likes better may slip in, but for what belongs to its networks."""
    from generator.models.likes import DEFAULTS

    preset = PRESETS[name]
    given = {"model": "starter"}
    config = Plan(prompt="fog", given=given, preset=preset).to_config({**DEFAULTS, "guides": ""}).to_dict()
    expected = {key: value for key, value in preset.values.items() if key not in NEEDS_ITS_NETWORKS}
    expected = GenerateConfig(**{**expected, **FOR_THE_STARTER, "prompt": "fog", "model": "starter"}).to_dict()
    assert config == expected


def test_ours_with_the_starter_is_the_starters_own() -> None:
    defaults = {"steps": 17, "pull": 0.3}
    config = Plan(prompt="fog", given={"model": "starter"}, preset=PRESETS["dreamrig"]).to_config(defaults)
    assert config == GenerateConfig(prompt="fog", model="starter", steps=17, pull=0.3)


def test_the_page_is_what_the_presets_are_today() -> None:
    assert presets_page.PAGE.read_text(encoding="utf-8") == presets_page.render_page(), (
        "run: python -m docs.made.presets"
    )
    assert set(presets_page.ABOUT) == set(KINDS)


# Who is stronger --------------------------------------------------------------------------------------------


def ordered(preset: str, **given: Any) -> Plan:
    return plan(Order(prompt="fog", given=given, preset=preset))


def said(words: str = "fog", **values: Any) -> Plan:
    """What a command line with these values comes to."""
    nothing = {field.name: None for field in fields(GenerateConfig) if field.name != "prompt"}
    more = {"words": [words], "size": None, "resume": None, "surprise": False, "preset": None}
    return plan(order_generate({**nothing, **more, **values}, Sources()))


def test_model_below_preset_below_user() -> None:
    defaults = {"steps": 1, "cutouts": 1, "pull": 1.0, "offset_levels": 2, "precision": "mixed"}
    config = ordered(preset="adafruit", steps=3).to_config(defaults)
    assert (config.steps, config.cutouts, config.pull, config.offset_levels) == (3, 64, 0.0, 1)
    assert config.precision == "mixed"  # nothing the preset cares about
    assert config.model == "imagenet-f16-16384"


def test_what_the_model_likes_for_the_presets_start_stays_below_it() -> None:
    defaults = {"start=noise": {"step_size": 9.0, "precision": "mixed"}, "start=predicted": {"precision": "fp32"}}
    config = ordered(preset="crowson").to_config(defaults)
    assert (config.start, config.step_size, config.precision) == ("noise", 0.05, "mixed")


def test_a_set_variable_is_the_users_too() -> None:
    flags = {field.name: None for field in fields(GenerateConfig) if field.name != "prompt"}
    more = {"words": ["fog"], "size": None, "resume": None, "surprise": False, "preset": "crowson"}
    found = plan(order_generate({**flags, **more}, Sources(environ={"DREAMRIG_CUTOUTS": "7"})))
    assert found.to_config({}).cutouts == 7


def test_without_a_preset_nothing_changes() -> None:
    assert said(seed=1).to_config({"steps": 4}) == GenerateConfig(prompt="fog", seed=1, steps=4)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        ordered(preset="colab")
    assert "adafruit" in caught.value.hint
    assert find_preset(" Crowson ") is PRESETS["crowson"]


def test_resume_takes_no_preset() -> None:
    with pytest.raises(UsageError) as caught:
        said(words="", resume="last", preset="crowson")
    assert "--preset" in caught.value.message


def test_help_names_them_without_torch() -> None:
    program = (
        "import sys, generator.presets, generator.wishes.augmentations, generator.config\n"
        "from dreamrig.cli import main\n"
        "assert main(['generate', '--help']) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in PRESETS)


# The loops, written out -------------------------------------------------------------------------------------


def small(name: str, **changes: Any) -> dict[str, Any]:
    """A preset's values at the size of toys.

    Of a seed whose clamped cutouts hold no two equally large channels: between them a rounding decides which of two
    hue gradients counts, and Adam makes that large.
    """
    values = PRESETS[name].values
    toys = {
        "model": "toy",
        "guides": "",
        "width": 32,
        "height": 24,
        "steps": 4,
        "cutouts": 12,
        "preview_every": 0,
        "seed": 5,
    }
    return {**values, **toys, **changes}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_published_loop(name: str, models: Models, toy_config: Config, two_steps: Any) -> None:
    config = toy_config(**small(name))
    events = list(generate(config, models))
    found = [event.loss() for event in events if isinstance(event, Step)]
    state = [event.state for event in events if isinstance(event, Checkpointed)][-1]
    losses, z = loop(config, models, two_steps)
    assert found == pytest.approx(losses, rel=1e-5)
    torch.testing.assert_close(state.tensors["parameters.0"], z, rtol=0, atol=2e-3 * config.step_size)
    assert len(set(found)) == 4


def loop(config: GenerateConfig, models: Models, two_steps: Any) -> tuple[list[float], Tensor]:
    """z, quantised straight through, decoded, cut, augmented, compared; torch's own Adam; z clamped to the codebook."""
    image, guide, chance = models.image, models.guides[0], Chance(config.seed)
    codebook = image.codebook
    z = start(config, image, chance.draws).requires_grad_()
    target = functional.normalize(guide.encode_text([config.prompt]), dim=1)
    adam, found = torch.optim.Adam([z], lr=config.step_size), []
    for step in range(config.steps):
        if config.step_schedule == "cosine":
            adam.param_groups[0]["lr"] = config.step_size * (1 + cosine(step / config.steps)) / 2
        distances = torch.cdist(z.detach().permute(0, 2, 3, 1).reshape(-1, codebook.shape[1]), codebook)
        nearest = codebook[distances.argmin(dim=1)].view(1, *z.shape[2:], -1).permute(0, 3, 1, 2)
        picture = Clamp.apply(image.decode(z + (nearest - z).detach()))
        cut = notebook_cutouts(picture, config, guide.size, chance, two_steps)
        seen = functional.normalize(guide.encode_image(cut), dim=1)
        loss = ((seen - target).norm(dim=1) / 2).arcsin().square().mul(2).mean()
        found.append(loss.item())
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            low, high = codebook.min(dim=0).values, codebook.max(dim=0).values
            z.copy_(z.maximum(low[:, None, None]).minimum(high[:, None, None]))
    return found, z.detach()


def cosine(fraction: float) -> float:
    return float(torch.cos(torch.tensor(torch.pi * fraction, dtype=torch.float64)))


class Clamp(torch.autograd.Function):
    """To [0, 1]; no gradient that leads further outside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * (gradients[0] * (x - x.clamp(0, 1)) >= 0)


def start(config: GenerateConfig, image: Any, draws: torch.Generator) -> Tensor:
    rows, columns = config.height // image.factor, config.width // image.factor
    if config.start == "uniform":
        return 2 * torch.rand((1, image.codebook.shape[1], rows, columns), generator=draws)
    codes = torch.randint(len(image.codebook), (1, rows, columns), generator=draws)
    return image.codebook[codes].permute(0, 3, 1, 2).clone()


def notebook_cutouts(picture: Tensor, config: GenerateConfig, size: int, chance: Chance, two_steps: Any) -> Tensor:
    if config.cut_method == "pooling":
        pooled = functional.adaptive_avg_pool2d(picture, size) + functional.adaptive_max_pool2d(picture, size)
        cut = torch.cat([pooled / 2] * config.cutouts)
    else:
        whole = config.whole_every
        boxes = draw(chance.draws, config.cutouts, config.width, config.height, size, whole_every=whole)
        cut = two_steps(picture, boxes, size)
    if config.cut_clamp:
        cut = Clamp.apply(cut)
    for one in augment.draw(parse(config.augmentations), chance, config.cutouts, size):
        rows = list(cut)
        for place, index in enumerate(one.chosen.tolist()):
            numbers = {name: row[place].float() for name, row in one.numbers.items()}
            rows[index] = NOTEBOOK[one.augmentation.name](cut[index : index + 1], numbers, one.augmentation)[0]
        cut = torch.stack(rows)
    if config.cut_noise:
        cut = cut + config.cut_noise * torch.rand((len(cut), 1, 1, 1), generator=chance.noise) * torch.randn(
            cut.shape, generator=chance.noise
        )
    return cut


# One cutout (1, 3, S, S) at a time, with kornia's pieces, in the way of kornia 0.5.4.


def flip(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    return kornia.geometry.hflip(cut)


def sharpness(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    kernel = torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]).expand(3, 1, 3, 3) / 13
    soft = cut.clone()
    soft[..., 1:-1, 1:-1] = functional.conv2d(cut, kernel, groups=3).clamp(0, 1)
    return soft + (cut - soft) * numbers["factor"]


def affine(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    size = cut.shape[-1]
    middle, slant = torch.full((1, 2), size / 2 - 0.5), torch.deg2rad(numbers["shear"])[None]
    matrix = kornia.geometry.get_affine_matrix2d(
        numbers["shift"][None], middle, torch.ones(1, 2), numbers["degrees"][None], slant, torch.zeros(1)
    )
    back = kornia.geometry.conversions.normalize_homography(matrix, (size, size), (size, size)).inverse()
    grid = functional.affine_grid(back[:, :2], list(cut.shape), align_corners=False)
    return functional.grid_sample(cut, grid, padding_mode=spec.word("padding"), align_corners=False)


def perspective(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    last = cut.shape[-1] - 1
    corners = torch.tensor([[[0.0, 0], [last, 0], [last, last], [0, last]]])
    moved = corners + numbers["inwards"] * torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    matrix = kornia.geometry.get_perspective_transform(corners, moved)
    size = (last + 1, last + 1)
    back = kornia.geometry.conversions.normalize_homography(matrix, size, size).inverse()
    side = torch.linspace(-1, 1, last + 1)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=2)[None]  # corners aligned, as it was
    grid = kornia.geometry.transform_points(back[:, None], grid)
    return functional.grid_sample(cut, grid, align_corners=False)


def jitter(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    for which in numbers["order"].long().tolist():
        if which == 0:
            cut = (cut + numbers["brightness"] - 1).clamp(0, 1)
        elif which == 1:
            cut = (cut * numbers["contrast"]).clamp(0, 1)
        elif which == 2:
            cut = kornia.enhance.adjust_saturation(cut, numbers["saturation"][None])
        else:
            cut = kornia.enhance.adjust_hue(cut, numbers["hue"][None] * 2 * torch.pi)
    return cut


def erasing(cut: Tensor, numbers: Mapping[str, Tensor], spec: Any) -> Tensor:
    x, y, width, height = numbers["box"].int().tolist()
    keep = torch.ones_like(cut)
    keep[..., y : y + height, x : x + width] = 0
    return cut * keep


NOTEBOOK: dict[str, Callable[[Tensor, Mapping[str, Tensor], Any], Tensor]] = {
    "flip": flip,
    "sharpness": sharpness,
    "affine": affine,
    "perspective": perspective,
    "jitter": jitter,
    "erasing": erasing,
}


# Interrupted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_resumed_it_ends_with_the_same_bits(name: str, models: Models, toy_config: Config) -> None:
    config = toy_config(**small(name, steps=5, checkpoint_every=2))
    states = [event.state for event in generate(config, models) if isinstance(event, Checkpointed)]
    again = [event.state for event in generate(config, models, resume=states[0]) if isinstance(event, Checkpointed)]
    assert states[0].step == 2
    assert {key: value for key, value in states[-1].tensors.items() if not value.equal(again[-1].tensors[key])} == {}
