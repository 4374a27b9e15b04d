"""CLIP against openai-clip's own networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dreamrig.errors import NotReadyError
from generator.models import clip, guides, reference
from generator.models.clip import CLIP, CLIPArchitecture
from generator.models.random_weights import random_tensors

VIT = CLIPArchitecture(
    width=24, side=32, image_width=128, patch=8, image_layers=(3,), text_width=64, text_layers=2, context=12, tokens=50
)
RESNET = CLIPArchitecture(
    width=24, side=64, image_width=16, image_layers=(1, 2, 1, 2), text_width=64, text_layers=2, context=12, tokens=50
)
TOKENS = torch.tensor([[48, 3, 9, 27, 49] + [0] * 7, [48, *range(10, 20), 49], [48, 49] + [0] * 10])


def noisy_tensors(sizes: CLIPArchitecture) -> dict[str, Tensor]:
    """Random weights whose biases and normalisations matter too."""
    with torch.device("meta"):
        empty = CLIP(sizes)
    drawn = random_tensors(empty, "tiny")
    return {
        key: value + 0.1 * torch.sin(torch.arange(value.numel())).view(value.shape)
        for key, value in drawn.items()
        if value.is_floating_point()
    }


def ours(sizes: CLIPArchitecture, dtype: torch.dtype = torch.float32) -> CLIP:
    network = CLIP(sizes)
    network.load_state_dict(noisy_tensors(sizes), strict=False)
    return network.prepare(dtype)


def theirs(sizes: CLIPArchitecture, dtype: torch.dtype = torch.float32) -> reference.ReferenceCLIP:
    try:
        return reference.load_clip("tiny", sizes, noisy_tensors(sizes), torch.device("cpu"), dtype)
    except NotReadyError as error:
        pytest.skip(error.message)


def assert_equal(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    """To a fraction of the largest number."""
    assert found.shape == expected.shape
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * float(expected.detach().abs().max()))


def pixels_of(sizes: CLIPArchitecture) -> Tensor:
    return torch.rand(3, 3, sizes.side, sizes.side, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("sizes", [VIT, RESNET], ids=["vit", "resnet"])
def test_the_image_tower_is_theirs(sizes: CLIPArchitecture) -> None:
    pixels = pixels_of(sizes).requires_grad_()
    found, expected = ours(sizes).encode_image(pixels), theirs(sizes).encode_image(pixels)
    assert_equal(found, expected)
    slopes = [torch.autograd.grad(y.square().sum(), pixels)[0] for y in (found, expected)]
    assert_equal(*slopes)


def test_pictures_that_are_no_solid_tensor_are_read_alike() -> None:
    network, pixels = ours(VIT), pixels_of(VIT)
    expected = network.encode_image(pixels)
    assert_equal(network.encode_image(pixels.contiguous(memory_format=torch.channels_last)), expected)
    assert_equal(network.encode_image(pixels.mT.contiguous().mT), expected)


@pytest.mark.parametrize("sizes", [VIT, RESNET], ids=["vit", "resnet"])
def test_the_text_tower_is_theirs(sizes: CLIPArchitecture) -> None:
    assert_equal(ours(sizes).encode_tokens(TOKENS), theirs(sizes).encode_tokens(TOKENS))


@pytest.mark.parametrize("sizes", [VIT, RESNET], ids=["vit", "resnet"])
def test_half_precision_is_theirs(sizes: CLIPArchitecture) -> None:
    """As near as half precision is: 11 bits, and some layers."""
    pixels = pixels_of(sizes).half()
    found = ours(sizes, torch.float16)
    assert found.dtype == torch.float16
    normalised = (pixels - theirs(sizes)._mean.half()) / theirs(sizes)._deviation.half()
    expected = theirs(sizes, torch.float16)._network.encode_image(normalised)
    assert_equal(found.encode_image(pixels).float(), expected.float(), tolerance=2e-2)
    text, expected_text = found.encode_tokens(TOKENS), theirs(sizes, torch.float16).encode_tokens(TOKENS)
    assert_equal(text.float(), expected_text.float(), tolerance=2e-2)


@pytest.mark.parametrize("sizes", [VIT, RESNET], ids=["vit", "resnet"])
def test_a_file_in_half_precision_throughout_is_read(sizes: CLIPArchitecture) -> None:
    """The published ones keep their normalisations in float32; others that people made do not."""
    network, pixels = CLIP(sizes), pixels_of(sizes)
    network.load_state_dict(
        {key: value.half() for key, value in noisy_tensors(sizes).items()}, strict=False, assign=True
    )
    assert_equal(network.prepare().encode_image(pixels), ours(sizes).encode_image(pixels), tolerance=2e-2)
    assert_equal(network.encode_tokens(TOKENS), ours(sizes).encode_tokens(TOKENS), tolerance=2e-2)


def test_a_pixel_keeps_its_gradient_through_half_precision() -> None:
    pixels = pixels_of(VIT).requires_grad_()
    slopes = [
        torch.autograd.grad(ours(VIT, dtype).encode_image(pixels).float().sum(), pixels)[0]
        for dtype in (torch.float16, torch.float32)
    ]
    assert slopes[0].dtype == torch.float32
    assert torch.cosine_similarity(slopes[0].flatten(), slopes[1].flatten(), 0) > 0.999


@pytest.mark.parametrize("name", list(clip.ARCHITECTURES))
def test_published_sizes_are_read_off_the_tensors(name: str) -> None:
    with torch.device("meta"):
        tensors = CLIP(clip.ARCHITECTURES[name]).state_dict()
    assert guides.sizes_by_name(name, tensors) == clip.ARCHITECTURES[name]


@pytest.mark.parametrize("name", clip.ARCHITECTURES)
def test_full_size_has_their_keys_and_shapes(name: str) -> None:
    sizes = clip.ARCHITECTURES[name]
    with torch.device("meta"):
        found = CLIP(sizes).state_dict()
        try:
            expected = reference.make_clip(sizes).state_dict()
        except NotReadyError as error:
            pytest.skip(error.message)
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in expected.items()}


def test_vit_b_32_has_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        network = CLIP(clip.ARCHITECTURES["ViT-B/32"])
    assert sum(weight.numel() for weight in network.parameters()) == 151_277_313
