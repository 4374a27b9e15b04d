"""Arithmetic and traffic of a step against hand counts: of single operators, and of the full-size networks."""

from __future__ import annotations

import pytest
import torch

from bench.measure.flops import count_operators, count_work
from bench.measure.steps import EngineSteps
from bench.workloads import WORKLOADS
from generator.engine.flops import FlopCount, estimate_flops
from generator.models import clip, vqgan

GIGA = 1e9


def test_a_product_by_hand() -> None:
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    with count_operators() as count:
        a @ b
    assert count.total.flops == count.total.least_flops == 2 * 3 * 5 * 7
    assert count.bytes_moved == 4 * (3 * 5 + 5 * 7 + 3 * 7)
    assert count.flops_by_precision == {"fp32": 2 * 3 * 5 * 7}


def test_precisions_are_told_apart() -> None:
    with count_operators() as count:
        torch.ones(4, 4, dtype=torch.bfloat16) @ torch.ones(4, 4, dtype=torch.bfloat16)
        torch.ones(4, 4, dtype=torch.float64) @ torch.ones(4, 4, dtype=torch.float64)
    assert count.flops_by_precision == {"bf16": 128, "fp64": 128}
    assert count.total.least_flops == 128  # what is kept from step to step makes no bound tighter


def test_a_convolution_and_its_gradient_by_hand() -> None:
    image, weight = torch.ones(1, 4, 8, 8, requires_grad=True), torch.ones(6, 4, 3, 3)
    with count_operators() as count:
        torch.nn.functional.conv2d(image, weight, padding=1).sum().backward()
    assert count.total.flops == 2 * (2 * 6 * 8 * 8 * 4 * 9)
    assert count.total.least_flops == pytest.approx(count.total.flops * 64 / 324)


def test_views_move_nothing_and_expanded_sides_are_read_once() -> None:
    x = torch.ones(8, 16)
    with count_operators() as count:
        x.view(16, 8).t()[2:].expand(6, 16).detach()
    assert count.bytes_moved == 0
    with count_operators() as count:
        torch.ones(1, 16).expand(1000, 16).clone()
    assert count.bytes_moved == pytest.approx(4 * (16 + 16 + 1000 * 16))  # ones, read, write


def test_the_count_of_the_starter_is_near_the_estimate_taken_on_the_way() -> None:
    steps = EngineSteps.load(WORKLOADS["starter-128"], device="cpu", threads=1)
    estimated = FlopCount()
    steps.first()
    steps.prepare(1)
    with estimate_flops(estimated):
        steps.run(1)
    steps.finish()
    counted = count_work(steps.config, steps.models)
    steps.close()
    assert counted.flops_per_step == pytest.approx(estimated.flops, rel=0.02)
    assert counted.least_flops_per_step == pytest.approx(estimated.least_flops, rel=1e-9)  # one bound for both
    assert counted.flops_method == "counted"
    assert sum((counted.flops_by_precision or {}).values()) == pytest.approx(counted.flops_per_step)
    assert counted.bytes_per_step is not None
    assert 1 < (counted.flops_per_step or 0) / counted.bytes_per_step < 1000


def count_decoder(side: int) -> float:
    """GMAC of decoding a picture with the networks of f16, without anything being computed."""
    with torch.device("meta"):
        network = vqgan.VQGAN(vqgan.ARCHITECTURES["imagenet-f16-16384"]).requires_grad_(False).prepare()
        latent = torch.empty(1, 256, side // 16, side // 16)
    with count_operators() as count:
        network.decode(latent)
    return count.total.flops / 2 / GIGA


@pytest.mark.parametrize(("side", "gmac"), [(256, 126), (304, 178), (400, 309), (480, 447), (512, 509)])
def test_the_decoder_against_the_hand_count(side: int, gmac: float) -> None:
    """Our decoder does the four convolutions after an upsampling with 4 taps of the small picture instead of 9."""
    widths = {8: 512, 4: 256, 2: 256, 1: 128}  # divisor of the side -> channels of the convolution there
    saved = sum((9 - 4) * channels**2 * (side / divisor) ** 2 for divisor, channels in widths.items()) / GIGA
    assert count_decoder(side) + saved == pytest.approx(gmac, rel=0.01)


@pytest.mark.parametrize(
    ("name", "gmac", "width", "tokens"),
    [("ViT-B/32", 4.41, 768, 50), ("ViT-B/16", 17.56, 768, 197), ("ViT-L/14", 81, 1024, 257)],
)
def test_clip_against_the_hand_count(name: str, gmac: float, width: int, tokens: int) -> None:
    """Our last block computes the class token only: query, output and feed-forward of the others are saved."""
    with torch.device("meta"):
        network = clip.CLIP(clip.ARCHITECTURES[name]).requires_grad_(False).prepare()
        pixels = torch.empty(1, 3, 224, 224)
    with count_operators() as count:
        network.encode_image(pixels)
    saved = (tokens - 1) * 10 * width**2 + 2 * (tokens - 1) * tokens * width
    assert (count.total.flops / 2 + saved) / GIGA == pytest.approx(gmac, rel=0.01)
