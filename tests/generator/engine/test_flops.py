"""The estimate of a step's work from calls alone: whatever way a call is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from generator.engine.flops import FlopCount, estimate_flops

IMAGE, WEIGHT = torch.ones(1, 4, 8, 8), torch.ones(6, 4, 3, 3)


def share(call: Callable[[], Tensor]) -> float:
    """The least that a call needs, of what it costs the direct way."""
    estimated = FlopCount()
    with estimate_flops(estimated):
        call()
    return estimated.least_flops / estimated.flops


def test_a_fast_convolution_is_known_by_its_stride_however_that_is_given() -> None:
    """Fast algorithms (Lavin and Gray, 2015) save less where the stride is larger."""
    plain = {
        share(call)
        for call in (
            lambda: conv2d(IMAGE, WEIGHT),
            lambda: conv2d(IMAGE, WEIGHT, None),
            lambda: conv2d(IMAGE, WEIGHT, None, 1),
            lambda: conv2d(IMAGE, WEIGHT, stride=1),
        )
    }
    strided = {share(lambda: conv2d(IMAGE, WEIGHT, None, 2)), share(lambda: conv2d(IMAGE, WEIGHT, stride=2))}
    assert len(plain) == len(strided) == 1
    assert min(plain) < min(strided) < 1


@pytest.mark.parametrize(
    ("side", "stride", "least"),
    [
        (1, 1, 1.0),
        (3, 1, (8 / 18) ** 2),  # 6 outputs of 3 taps with 8 multiplications instead of 18, in both directions
        (3, 2, (7 / 12) ** 2),  # two small ones of 2 taps at most
        (3, 3, 1.0),  # every number is used once
    ],
)
def test_what_a_fast_convolution_needs_is_that_of_its_sides_and_its_stride(
    side: int, stride: int, least: float
) -> None:
    weight = torch.ones(6, 4, side, side)
    assert share(lambda: conv2d(IMAGE, weight, None, stride)) == pytest.approx(least)
    assert share(lambda: conv2d(IMAGE, weight, stride=(stride, stride))) == pytest.approx(least)
