"""Augmented cutouts: values against kornia 0.5.4 (recorded) and kornia of today (run), gradients, repeatability."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from generator.engine.augment import apply as augment
from generator.engine.augment import colour as augment_colour
from generator.engine.augment import geometry as augment_geometry
from generator.engine.augment.chance import Chance
from generator.engine.augment.draws import DRAW_NOISE, INWARDS
from generator.wishes.augmentations import KINDS, parse

kornia = pytest.importorskip("kornia", reason="kornia, of the extra [dev], is the oracle")

GOLDEN = Path(__file__).parents[3] / "golden" / "kornia-0.5.4.json"
EVERYTHING = (
    "flip sharpness(0.3,p=0.4) affine(30,translate_y=0.1,shear=5,padding=border,p=0.8) perspective(0.7) jitter("
    "brightness=0.1,contrast=0.1,saturation=0.1,hue=0.1,p=0.7) erasing(0.1..0.4,together=yes) noise(0.1) "
    "gaussian(0.1) rotation(15) elastic thinplate(0.3) crop(0.2) resizedcrop(p=0.9) affine(padding=reflection)"
)
TOLERANCE = 2e-5
"""Of values in [-0.1, 1.1]: kornia makes its matrices in float32, we in float64."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(count: int = 5, size: int = 12, seed: int = 0) -> Tensor:
    """Beyond [0, 1] in places, as unclamped crops are."""
    return torch.rand((count, 3, size, size), generator=seeded(seed)) * 1.2 - 0.1


def uniform(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=seeded(seed), dtype=torch.float64)


def change(images: Tensor, text: str, numbers: dict[str, Tensor]) -> Tensor:
    """One augmentation of all images with given numbers."""
    (spec,) = parse(text)
    count, size = len(images), images.shape[-1]
    noise = DRAW_NOISE[spec.name](Chance(0), count, size) if spec.name in DRAW_NOISE else None
    return augment.apply(images, [augment.Drawn(spec, torch.arange(count), numbers, noise)])


# Recorded from kornia 0.5.4 ---------------------------------------------------------------------------------


@cache
def golden() -> Any:
    return json.loads(GOLDEN.read_text())


def tensor(recorded: Any) -> Tensor:
    return torch.tensor(recorded["values"], dtype=torch.float32).view(recorded["shape"])


def ours_of(name: str, recorded: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """The recorded parameters of a class under our names."""
    if name == "affine":
        return {"degrees": recorded["angle"], "shift": recorded["translations"], "shear": recorded["sx"]}
    if name == "perspective":
        return {"inwards": (recorded["end_points"] - recorded["start_points"]) * INWARDS}
    if name == "jitter":
        numbers = {key.removesuffix("_factor"): value for key, value in recorded.items()}
        return {**numbers, "order": recorded["order"].long().expand(len(numbers["hue"]), 4)}
    if name == "erasing":
        return {"box": torch.stack([recorded[key] for key in ("xs", "ys", "widths", "heights")], dim=1)}
    if name == "sharpness":
        return {"factor": recorded["sharpness_factor"]}
    if name == "thinplate":
        return {"moved": recorded["dst"]}
    if name == "resizedcrop":
        return {"start": recorded["src"][:, 0], "length": recorded["src"][:, 2] - recorded["src"][:, 0] + 1}
    return recorded


@pytest.mark.parametrize("text", [text for text in golden()["cases"] if text != "elastic"])
def test_equals_what_the_notebooks_ran(text: str) -> None:
    images, case = tensor(golden()["images"]), golden()["cases"][text]
    recorded = {key: tensor(value) for key, value in case["numbers"].items()}
    numbers = ours_of(text.partition("(")[0], recorded, images.shape[-1])
    expected = tensor(case["result"])
    assert (expected - images).abs().max() > 0.1
    # float32 splines are solved less well
    close = 1e-4 if text == "thinplate" else TOLERANCE
    torch.testing.assert_close(change(images, text, numbers), expected, rtol=0, atol=close)


def test_elastic_equals_what_the_notebooks_ran() -> None:
    images, case = tensor(golden()["images"]), golden()["cases"]["elastic"]
    places = augment_geometry.displaced(tensor(case["numbers"]["noise"]), sigma=32.0, alpha=1.0)
    found = augment_geometry.read(images, places)
    torch.testing.assert_close(found, tensor(case["result"]), rtol=0, atol=TOLERANCE)


# Run in the kornia of today, where that still does the same -------------------------------------------------


def with_gradient(function: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """What a function makes of images, and the gradient of a random weighting of it."""
    images = images.clone().requires_grad_()
    result = function(images)
    weights = torch.randn(result.shape, generator=seeded(9))
    return result.detach(), torch.autograd.grad((result * weights).sum(), images)[0]


def assert_same(ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], images: Tensor) -> None:
    found, expected = with_gradient(ours, images), with_gradient(theirs, images)
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-3, atol=1e-3)


def by_kornia(name: str, numbers: dict[str, Tensor], *args: Any, **more: Any) -> Callable[[Tensor], Tensor]:
    augmentation = getattr(kornia.augmentation, name)(*args, p=1.0, **more)
    return lambda images: augmentation(images, params={**numbers, "batch_prob": torch.ones(len(images))})


def test_flip() -> None:
    assert_same(lambda images: change(images, "flip", {}), by_kornia("RandomHorizontalFlip", {}), random_images())


def test_sharpness_up_and_down() -> None:
    factors = torch.tensor([0.0, 0.1, 0.3, 1.0, 2.5])
    theirs = by_kornia("RandomSharpness", {"sharpness": factors})
    # Since 0.5.4 kornia clamps at every factor, which shows on images beyond [0, 1] alone.
    ours = lambda images: change(images, "sharpness", {"factor": factors})  # noqa: E731
    assert_same(ours, theirs, torch.rand((5, 3, 12, 12), generator=seeded()))


@pytest.mark.parametrize("seed", range(6))
def test_jitter(seed: int) -> None:
    numbers = {
        "brightness": 0.8 + 0.4 * uniform(seed, 5).float(),
        "contrast": 0.8 + 0.4 * uniform(seed + 10, 5).float(),
        "saturation": 2 * uniform(seed + 20, 5).float(),
        "hue": uniform(seed + 30, 5).float() - 0.5,
    }
    order = torch.randperm(4, generator=seeded(seed))
    theirs = by_kornia("ColorJiggle", {**{f"{key}_factor": row for key, row in numbers.items()}, "order": order})
    ours = {**numbers, "order": order.expand(5, 4)}
    # In the middle of the range: where a clamp or the hue of nearly grey decides, one rounding turns the gradient.
    images = 0.2 + 0.6 * torch.rand((5, 3, 8, 8), generator=seeded(seed))
    found, expected = with_gradient(lambda x: change(x, "jitter", ours), images), with_gradient(theirs, images)
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=TOLERANCE)
    wrong = ~torch.isclose(found[1], expected[1], rtol=1e-2, atol=1e-2)
    assert float(wrong.float().mean()) < 0.01


@pytest.mark.parametrize(
    "colour", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.4, 0.4, 0.4), (0.0, 0.7, 0.7), (1.0, 0.2, 1.0)]
)
def test_jitter_has_finite_gradients_on_grey_black_and_pure_colours(colour: tuple[float, ...]) -> None:
    images = torch.tensor(colour).view(1, 3, 1, 1).expand(2, 3, 8, 8)
    half = torch.tensor([0.5, 1.5])
    numbers = {"brightness": half, "contrast": half, "saturation": half, "hue": half - 1}
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        everything = {**numbers, "order": torch.tensor(order).expand(2, 4)}
        _, gradient = with_gradient(lambda images, given=everything: change(images, "jitter", given), images)
        assert torch.isfinite(gradient).all()


def test_hue_goes_round_in_a_circle() -> None:
    images = torch.rand((4, 3, 8, 8), generator=seeded())
    turned = augment_colour.turn_hue(images, torch.full((4,), 2 * math.pi))
    torch.testing.assert_close(turned, images, rtol=0, atol=TOLERANCE)
    third = augment_colour.turn_hue(images, torch.full((4,), 2 * math.pi / 3))
    torch.testing.assert_close(third, images.roll(1, dims=1), rtol=0, atol=TOLERANCE)  # red is green now


def test_erasing() -> None:
    box = torch.tensor([[0.0, 0.0, 12.0, 1.0], [3.0, 5.0, 1.0, 7.0], [11.0, 11.0, 1.0, 1.0], [2.0, 0.0, 5.0, 5.0]])
    x, y, width, height = box.unbind(1)
    numbers = {"xs": x, "ys": y, "widths": width, "heights": height, "values": torch.zeros(4)}
    theirs = by_kornia("RandomErasing", numbers)
    assert_same(lambda images: change(images, "erasing", {"box": box}), theirs, random_images(4))


def test_rotation() -> None:
    degrees = torch.tensor([0.0, 15.0, -15.0, 90.0, 179.0])
    theirs = by_kornia("RandomRotation", {"degrees": degrees}, 180.0)
    assert_same(lambda images: change(images, "rotation", {"degrees": degrees}), theirs, random_images())


def test_resizedcrop() -> None:
    start = torch.tensor([[0.0, 0.0], [3.0, 1.0], [0.0, 9.0]])
    length = torch.tensor([[12.0, 12.0], [4.0, 7.0], [11.0, 3.0]])
    ours = lambda images: change(images, "resizedcrop", {"start": start, "length": length})  # noqa: E731

    def theirs(images: Tensor) -> Tensor:
        pieces = []
        boxes = zip(images, start.int().tolist(), length.int().tolist(), strict=True)
        for image, (x, y), (width, height) in boxes:
            cut = image[None, :, y : y + height, x : x + width]
            pieces.append(functional.interpolate(cut, (12, 12), mode="bilinear", align_corners=True))
        return torch.cat(pieces)

    assert_same(ours, theirs, random_images(3))


def test_crop_is_a_shift_with_mirrored_edges() -> None:
    offsets = torch.tensor([[0, 0], [2, 1], [4, 4]])

    def theirs(images: Tensor) -> Tensor:
        padded = functional.pad(images, (2, 2, 2, 2), mode="reflect")
        rows = zip(padded, offsets.tolist(), strict=True)
        return torch.stack([image[:, y : y + 12, x : x + 12] for image, (x, y) in rows])

    assert_same(lambda images: change(images, "crop(0.17)", {"offset": offsets}), theirs, random_images(3))


def test_crop_without_a_margin_changes_nothing() -> None:
    """The notebooks' crop to the size that cutouts have already."""
    images = random_images()
    assert change(images, "crop", {"offset": torch.zeros(5, 2, dtype=torch.int64)}).equal(images)


def test_noises_have_their_size() -> None:
    images = torch.zeros(50, 3, 20, 20)
    factors = torch.linspace(0, 0.1, 50)
    found = change(images, "noise", {"factor": factors})
    torch.testing.assert_close(found.flatten(1).std(dim=1), factors, rtol=0.1, atol=0)
    assert float(change(images, "gaussian(0.3)", {}).std()) == pytest.approx(0.3, rel=0.02)


# Matrices and places ----------------------------------------------------------------------------------------


def test_affine_matrix() -> None:
    degrees, shear, shift = uniform(1, 6) * 360 - 180, uniform(2, 6) * 40 - 20, uniform(3, 6, 2) * 9
    middle, ones = torch.full((6, 2), 7.5, dtype=torch.float64), torch.ones(6, 2, dtype=torch.float64)
    slant = torch.deg2rad(shear)
    expected = kornia.geometry.get_affine_matrix2d(shift, middle, ones, degrees, slant, torch.zeros_like(slant))
    found = augment_geometry.affine_matrix(degrees, shift, shear, 16)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_perspective_matrix() -> None:
    corners = torch.tensor([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]], dtype=torch.float64).expand(7, 4, 2)
    moved = corners + uniform(4, 7, 4, 2) * 4
    expected = kornia.geometry.get_perspective_transform(corners, moved)
    torch.testing.assert_close(augment_geometry.perspective_matrix(corners, moved), expected, rtol=0, atol=1e-9)


def test_mapped_places_are_those_of_the_matrix() -> None:
    matrix = torch.eye(3, dtype=torch.float64).repeat(3, 1, 1) + 0.02 * uniform(5, 3, 3, 3)
    places = augment_geometry.mapped(matrix, 8, matrix)
    for image in range(3):
        for x, y in ((0, 0), (7, 2), (3, 6)):
            u, v, w = (matrix[image] @ torch.tensor([x, y, 1.0], dtype=torch.float64)).tolist()
            assert places[image, y, x].tolist() == pytest.approx([u / w, v / w])


def test_elastic_blur_is_a_gaussian_window_with_nothing_outside() -> None:
    noise = uniform(6, 1, 1, 1, 90)
    taps = torch.tensor([math.exp(-(t**2) / (2 * 10.0**2)) for t in range(-31, 32)], dtype=torch.float64)
    expected = functional.conv1d(noise[0], (taps / taps.sum())[None, None], padding=31)
    found = noise[0, 0] @ augment_geometry.blur_matrix(90, 10.0).T
    torch.testing.assert_close(found, expected[0], rtol=0, atol=1e-12)


# Reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_both_ways_of_reading_are_torchs_own_sampler(padding: str) -> None:
    images = random_images(4, 9)
    places = torch.randn((4, 9, 9, 2), generator=seeded(3)) * 7 + 4
    places[0, 0, 0] = torch.tensor([1e9, -1e9])
    grid = (2 * places + 1) / 9 - 1

    def reference(images: Tensor) -> Tensor:
        return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)

    expected = with_gradient(reference, images)
    for way in (augment_geometry.read, augment_geometry.gather):
        found = with_gradient(lambda images, way=way: way(images, places, padding), images)
        ours, theirs = found[0].clone(), expected[0].clone()
        if padding == "reflection":  # a billion reflections have no digits left
            ours[0, :, 0, 0] = theirs[0, :, 0, 0] = 0
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
        if padding != "reflection":
            torch.testing.assert_close(found[1], expected[1], rtol=0, atol=1e-4)


def test_gather_has_the_right_gradient() -> None:
    images = random_images(2, 4).double().requires_grad_()
    places = uniform(8, 2, 4, 4, 2) * 6 - 1.5
    for padding in ("zeros", "border", "reflection"):
        assert torch.autograd.gradcheck(lambda x, p=padding: augment_geometry.gather(x, places, p), images)


# All together -----------------------------------------------------------------------------------------------


@pytest.fixture
def strict() -> Iterator[None]:
    """No operation whose result may differ the next time."""
    torch.set_deterministic_debug_mode("error")
    yield
    torch.set_deterministic_debug_mode("default")


def all_of_it(device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Images and gradient after everything, 16 cutouts."""
    drawn = augment.draw(parse(EVERYTHING), Chance(1, device), 16, 12)
    images = random_images(16).to(device).requires_grad_()
    result = augment.apply(images, drawn)
    return result.detach(), torch.autograd.grad(result.square().sum(), images)[0]


def test_everything_is_named() -> None:
    assert {spec.name for spec in parse(EVERYTHING)} == set(KINDS) == set(augment.APPLY)


def test_everything_is_repeatable_and_has_a_gradient(strict: None) -> None:
    first, second = all_of_it(), all_of_it()
    assert first[0].equal(second[0])
    assert first[1].equal(second[1])
    assert torch.isfinite(first[1]).all()
    assert first[1].flatten(1).any(dim=1).sum() > 8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_everything_is_repeatable_on_cuda(strict: None) -> None:
    first, second = all_of_it("cuda"), all_of_it("cuda")
    assert first[0].equal(second[0])
    assert first[1].equal(second[1])


def test_only_the_chosen_are_changed_and_the_rest_keeps_its_bits() -> None:
    images = random_images(8)
    for name in KINDS:
        drawn = augment.draw(parse(f"{name}(p=0.5)"), Chance(3), 8, 12)
        found = augment.apply(images, drawn)
        chosen = set(drawn[0].chosen.tolist())
        for i in range(8):
            if i not in chosen:
                assert found[i].equal(images[i]), name


def test_no_augmentation_is_the_same_tensor() -> None:
    images = random_images()
    assert augment.apply(images, []) is images


def test_repeated_cutouts_may_share_their_memory() -> None:
    """Pooling hands over one picture many times."""
    image = random_images(1)
    drawn = augment.draw(parse("flip(p=0.5)"), Chance(3), 6, 12)
    found = augment.apply(image.expand(6, -1, -1, -1), drawn)
    chosen = set(drawn[0].chosen.tolist())
    assert 0 < len(chosen) < 6
    for i in range(6):
        assert found[i].equal(image[0].flip(2) if i in chosen else image[0])
