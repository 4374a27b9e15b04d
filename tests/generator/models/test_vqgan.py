"""The VQGAN against taming-transformers' own networks, and against its formulas where the package has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from dreamrig.errors import NotReadyError
from generator.models import reference, vqgan
from generator.models.codebook import nearest_codes, rows_of
from generator.models.frozen import convolve, double, norm_silu, upsample_kernels
from generator.models.random_weights import random_tensors
from generator.models.vqgan import VQGAN, VQGANArchitecture

TINY = VQGANArchitecture(
    codes=40, channels=32, multipliers=(1, 2, 2), attention_levels=(1, 2), code_width=12, z_channels=20
)


def noisy_tensors(sizes: VQGANArchitecture) -> dict[str, Tensor]:
    """Random weights whose biases and normalisations matter too."""
    with torch.device("meta"):
        empty = VQGAN(sizes)
    drawn = random_tensors(empty, "tiny")
    return {key: value + 0.1 * torch.sin(torch.arange(value.numel())).view(value.shape) for key, value in drawn.items()}


def ours(sizes: VQGANArchitecture, *, channels_last: bool = False) -> VQGAN:
    network = VQGAN(sizes)
    network.load_state_dict(noisy_tensors(sizes))
    return network.prepare(channels_last=channels_last)


def theirs(sizes: VQGANArchitecture) -> reference.ReferenceVQGAN:
    try:
        return reference.load_vqgan("tiny", sizes, noisy_tensors(sizes))
    except NotReadyError as error:
        pytest.skip(error.message)


def assert_equal(found: Tensor, expected: Tensor) -> None:
    """To 1e-5 of the largest number."""
    assert found.shape == expected.shape
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def picture_and_slope(decode: object, latent: Tensor) -> tuple[Tensor, Tensor]:
    assert callable(decode)
    latent = latent.clone().requires_grad_()
    picture = decode(latent)
    (slope,) = torch.autograd.grad((picture * torch.linspace(-1, 1, picture.numel()).view(picture.shape)).sum(), latent)
    return picture.detach(), slope


def random_picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(5)) * 2 - 1


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_decoder_is_theirs(channels_last: bool) -> None:
    latent = random_picture(2, TINY.code_width, 3, 5) * 2
    picture, slope = picture_and_slope(ours(TINY, channels_last=channels_last).decode, latent)
    expected_picture, expected_slope = picture_and_slope(theirs(TINY).decode, latent)
    assert_equal(picture, expected_picture)
    assert_equal(slope, expected_slope)


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_encoder_is_theirs(channels_last: bool) -> None:
    image = random_picture(2, 3, 20, 12)
    assert_equal(ours(TINY, channels_last=channels_last).encode(image), theirs(TINY).encode(image))


def test_the_quantiser_is_theirs() -> None:
    """Codes and rows of VectorQuantizer, which adds and takes away z and so may be off by a rounding."""
    try:
        module = reference.read_module("taming", "modules/vqvae/quantize.py", needs=("VectorQuantizer",))
    except NotReadyError as error:
        pytest.skip(error.message)
    quantiser = module.VectorQuantizer(TINY.codes, TINY.code_width, beta=0.25)
    network = ours(TINY)
    quantiser.load_state_dict({"embedding.weight": network.codebook})
    latent = random_picture(2, TINY.code_width, 6, 5)
    expected_rows, _, (_, _, expected_codes) = quantiser(latent)
    codes = network.quantize.codes(latent)
    assert torch.equal(codes.flatten(), expected_codes.flatten())
    assert_equal(rows_of(codes, network.codebook), expected_rows.detach())


def test_a_gumbel_codebook_gives_the_row_of_the_largest_logit() -> None:
    """GumbelQuantize without its noise: one hot at the largest of proj(h), times the rows of embed."""
    sizes = replace(TINY, gumbel=True, z_channels=12)
    network = ours(sizes)
    assert {"quantize.embed.weight", "quantize.proj.weight", "quantize.proj.bias"} <= set(network.state_dict())
    image = random_picture(1, 3, 16, 16)
    hidden = network.quant_conv(network.encoder(image))
    weights = network.state_dict()
    logits = torch.einsum("nc,bchw->bnhw", weights["quantize.proj.weight"][:, :, 0, 0], hidden)
    logits = logits + weights["quantize.proj.bias"][None, :, None, None]
    one_hot = functional.one_hot(logits.argmax(1), sizes.codes).float()
    expected = torch.einsum("bhwn,nd->bdhw", one_hot, weights["quantize.embed.weight"])
    assert torch.equal(network.encode(image), expected)
    assert torch.equal(rows_of(nearest_codes(expected, network.codebook), network.codebook), expected)


def test_the_reference_back_end_draws_from_a_gumbel_codebook_alike() -> None:
    sizes = replace(TINY, gumbel=True, z_channels=12)
    image, latent = random_picture(1, 3, 16, 16), random_picture(1, 12, 2, 2)
    assert torch.equal(ours(sizes).encode(image), theirs(sizes).encode(image))
    assert_equal(ours(sizes).decode(latent), theirs(sizes).decode(latent))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_checkpointed_decoder_gives_the_same_bits_and_keeps_less(channels_last: bool) -> None:
    network = ours(TINY, channels_last=channels_last)
    latent = random_picture(1, TINY.code_width, 4, 4)
    kept_all, plain = kept_bytes(lambda: picture_and_slope(network.decode, latent))
    network.checkpointed = True
    kept_few, again = kept_bytes(lambda: picture_and_slope(network.decode, latent))
    assert all(torch.equal(one, other) for one, other in zip(plain, again, strict=True))
    assert kept_few < kept_all / 2


def kept_bytes(run: object) -> tuple[int, tuple[Tensor, Tensor]]:
    """Bytes that autograd keeps of the first graph, each storage once."""
    assert callable(run)
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = run()
    return sum(storages.values()), result


@pytest.mark.parametrize("name", list(vqgan.ARCHITECTURES))
def test_published_sizes_are_read_off_the_tensors(name: str) -> None:
    sizes = vqgan.ARCHITECTURES[name]
    with torch.device("meta"):
        tensors = VQGAN(sizes).state_dict()
    assert vqgan.architecture_of(tensors) == sizes
    assert sizes.factor == (8 if "f8" in name else 16)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_file_in_half_precision_is_read(dtype: torch.dtype) -> None:
    network = VQGAN(TINY)
    network.load_state_dict({key: value.to(dtype) for key, value in noisy_tensors(TINY).items()}, assign=True)
    latent = random_picture(1, TINY.code_width, 3, 5)
    assert network.prepare(channels_last=True).codebook.dtype == torch.float32
    found, expected = network.decode(latent), ours(TINY).decode(latent)
    assert torch.cosine_similarity(found.flatten(), expected.flatten(), 0) > 0.999


@pytest.mark.parametrize("name", ["imagenet-f16-1024", "coco-f16", "imagenet-f16-16384", "openimages-gumbel-f8"])
def test_full_size_has_their_keys_and_shapes(name: str) -> None:
    sizes = vqgan.ARCHITECTURES[name]
    try:
        with torch.device("meta"):
            expected = reference.ReferenceVQGAN(sizes).state_dict()
            found = VQGAN(sizes).state_dict()
    except NotReadyError as error:
        pytest.skip(error.message)
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in expected.items()}


def test_the_larger_codebook_has_as_many_weights_as_published() -> None:
    """76 073 859, counted by others in the stripped checkpoint of ImageNet f16 16384."""
    with torch.device("meta"):
        network = VQGAN(vqgan.ARCHITECTURES["imagenet-f16-16384"])
    assert sum(weight.numel() for weight in network.parameters()) == 76_073_859


def test_doubling_is_a_nearest_upsampling_and_a_convolution() -> None:
    x = random_picture(2, 3, 4, 5).double().requires_grad_()
    weight, bias = random_picture(6, 3, 3, 3).double(), random_picture(6).double()
    expected = functional.conv2d(functional.interpolate(x, scale_factor=2, mode="nearest"), weight, bias, padding=1)
    found = double(x, upsample_kernels(weight), bias)
    torch.testing.assert_close(found, expected)
    slopes = [torch.autograd.grad(y.square().sum(), x)[0] for y in (found, expected)]
    torch.testing.assert_close(*slopes)


def test_frozen_layers_have_the_gradients_of_the_usual_ones() -> None:
    x = random_picture(2, 4, 5, 6).double().requires_grad_()
    weight, bias = random_picture(8, 4, 3, 3).double(), random_picture(8).double()
    scale, shift = random_picture(4).double(), random_picture(4).double() + 0.3
    assert torch.autograd.gradcheck(lambda x: convolve(x, weight, bias, 2, 1), (x,))
    for order in (torch.contiguous_format, torch.channels_last):
        laid = x.detach().contiguous(memory_format=order).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: norm_silu(x, scale, shift, 2, 1e-6), (laid,))
        expected = functional.silu(functional.group_norm(laid, 2, scale, shift, 1e-6))
        torch.testing.assert_close(norm_silu(laid, scale, shift, 2, 1e-6), expected)


def test_a_decoder_in_bfloat16_paints_and_leads_like_the_one_in_float32() -> None:
    """Rounding to 8 bits, and nothing else: pictures and gradients point the same way."""
    sizes = VQGANArchitecture(
        codes=30, channels=32, multipliers=(1, 1, 2), attention_levels=(2,), code_width=8, z_channels=8
    )
    with torch.device("meta"):
        empty = VQGAN(sizes)
    tensors = random_tensors(empty, "one")
    latent = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        network = VQGAN(sizes)
        network.load_state_dict(tensors)
        network.prepare(channels_last=True, decoder=dtype)
        leaf = latent.clone().requires_grad_()
        picture = network.decode(leaf)
        assert picture.dtype == torch.float32
        (gradient,) = torch.autograd.grad(picture.square().mean(), leaf)
        found.append((picture.detach(), gradient))
    (exact, slope), (rounded, other) = found
    assert not torch.equal(exact, rounded)
    assert float((exact - rounded).abs().mean() / exact.std()) < 0.05
    assert float(torch.cosine_similarity(slope.flatten(), other.flatten(), dim=0)) > 0.98
