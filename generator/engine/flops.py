"""How much arithmetic one step is: two ways to count it, one cheap and rough, one exact and slow to import.

An addition and a multiplication are two FLOPs, convolutions count as if done directly. Libraries may do them with less
(Winograd, Fourier), so that the least a step can need is counted beside: only that makes a bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from generator.config import GenerateConfig
from generator.events import Step
from generator.models.base import Models

ESTIMATED, COUNTED = "estimated", "counted"
LARGEST_TILE = 6
"""Outputs along one side of the tile of the thriftiest fast convolution in use, Winograd's F(6x6, 3x3): Lavin and Gray,
Fast Algorithms for Convolutional Neural Networks, arXiv 1509.09308. Fourier tiles of 32 save about as much."""
CONVOLUTIONS = ("conv2d", "conv_transpose2d")


def least_share(kernel: Sequence[int], stride: int | Sequence[int]) -> float:
    """What part of a convolution's direct FLOPs the thriftiest known algorithm still needs, 1.0 for products.

    kernel: its sides.   stride: along them. A stride leaves several small convolutions, of kernel / stride each.
    F(m, r) makes m outputs of a filter of r taps with m + r - 1 multiplications instead of m * r, in each direction.
    """
    strides = [stride] * len(kernel) if isinstance(stride, int) else list(stride) * (len(kernel) // len(list(stride)))
    taps = [math.ceil(side / step) for side, step in zip(kernel, strides, strict=True)]
    return math.prod((LARGEST_TILE + tap - 1) / (LARGEST_TILE * tap) for tap in taps)


def _product(a: Tensor, b: Tensor, *_: Any, out: Tensor) -> int:
    """(…, M, K) @ (…, K, N)."""
    return 2 * out.numel() * a.shape[-1]


def _biased_product(bias: Tensor, a: Tensor, b: Tensor, *_: Any, out: Tensor) -> int:
    return 2 * out.numel() * a.shape[-1]


def _convolution(image: Tensor, weight: Tensor, *_: Any, out: Tensor) -> int:
    """weight: (out channels, in channels / groups, height, width)."""
    return 2 * out.numel() * weight[0].numel()


def _transposed_convolution(image: Tensor, weight: Tensor, *_: Any, out: Tensor) -> int:
    """weight: (in channels, out channels / groups, height, width)."""
    return 2 * image.numel() * weight[0].numel()


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, out: Tensor) -> int:
    """Scores (…, L, E) @ (…, E, S), then (…, L, S) @ (…, S, V)."""
    return 2 * key.shape[-2] * (query.numel() + out.numel())


FORMULAS: Mapping[str, Callable[..., int]] = {
    "matmul": _product,
    "mm": _product,
    "bmm": _product,
    "linear": _product,
    "addmm": _biased_product,
    "baddbmm": _biased_product,
    "conv2d": _convolution,
    "conv_transpose2d": _transposed_convolution,
    "scaled_dot_product_attention": _attention,
}


@dataclass
class FlopCount:
    """Grows while steps are done inside of `estimate_flops`."""

    flops: float = 0.0
    least_flops: float = 0.0
    """What would be left of them if every convolution were done by the thriftiest algorithm known."""

    def add(self, flops: float, share: float, *, is_double: bool = False) -> None:
        """Count FLOPs, of which `share` cannot be saved.

        is_double: what is done in fp64 can: small matrices of the cutouts, made on the processor and kept for later
        steps.
        """
        self.flops += flops
        self.least_flops += 0.0 if is_double else flops * share


class _Watch(TorchFunctionMode):
    """Adds up the formulas of the functions called from Python; what they call inside is not seen twice."""

    def __init__(self, count: FlopCount) -> None:
        super().__init__()
        self.count = count

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").strip("_")
        formula = FORMULAS.get(name)
        if formula is not None:
            # The gradient of one input costs what the forward did; weights are frozen and get none.
            passes = 2 if out.requires_grad else 1
            share = _share(args, kwargs or {}) if name in CONVOLUTIONS else 1.0
            flops = passes * _apply(formula, args, kwargs or {}, out)
            self.count.add(flops, share, is_double=out.dtype == torch.float64)
        return out


def _share(args: Sequence[Any], kwargs: Mapping[str, Any]) -> float:
    """least_share() of a call conv2d(image, weight, bias, stride, ...)."""
    if len(args) < 2:
        return 1.0
    stride = args[3] if len(args) > 3 else kwargs.get("stride", 1)
    return least_share(args[1].shape[2:], stride)


def _apply(formula: Callable[..., int], args: Sequence[Any], kwargs: Mapping[str, Any], out: Tensor) -> int:
    """The formula on a call's tensors; 0 for a call whose tensors came by keyword, which this count then misses."""
    return formula(*args, out=out) if len(args) >= 2 and not {"input", "weight"} & set(kwargs) else 0


@contextmanager
def estimate_flops(count: FlopCount) -> Iterator[None]:
    """Counts what is done inside, from the shapes of convolutions, products and attention; costs next to nothing.

    Backward work is inferred, for one input of each function only; other functions go uncounted.
    """
    with _Watch(count):
        yield


def count_flops(config: GenerateConfig, models: Models) -> FlopCount | None:
    """FLOPs of the first step of such a run, every operator that torch.utils.flop_counter knows; does that step again.

    Imports a good part of torch's compiler, which takes seconds: for --profile only.
    """
    from generator.engine.loop import generate

    once = replace(config, steps=1, preview_every=0, checkpoint_every=0)
    events = generate(once, models, available_mib=math.inf)  # the run itself has shown that it fits
    while True:
        with _operator_flops() as added:
            event = next(events)
        if isinstance(event, Step):
            return added if added.flops else None


@contextmanager
def _operator_flops() -> Iterator[FlopCount]:
    """A count that grows by the FLOPs of each operator called inside."""
    added = FlopCount()

    def see(operator: Operator) -> None:
        if operator.flops is not None:
            added.add(operator.flops, operator_share(operator.func, operator.args), is_double=_is_double(operator))

    with watch_operators(see):
        yield added


class Operator(NamedTuple):
    """One call of one of torch's operators, the backward pass's among them."""

    func: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any
    flops: float | None
    """None where torch has no formula for it."""


@contextmanager
def watch_operators(see: Callable[[Operator], None]) -> Iterator[None]:
    """Tell each operator called inside, after its call. torch's own FlopCounterMode refuses autograd.grad."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it untyped
        def __torch_dispatch__(
            self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            named = kwargs or {}
            result = func(*args, **named)
            formula: Callable[..., float] | None = flop_registry.get(func.overloadpacket)
            flops = None if formula is None else formula(*args, **named, out_val=result)
            see(Operator(func, args, named, result, flops))
            return result

    with Watcher():  # type: ignore[no-untyped-call]  # torch ships it untyped
        yield


def _is_double(operator: Operator) -> bool:
    return isinstance(operator.result, Tensor) and operator.result.dtype == torch.float64


def operator_share(func: Any, args: Sequence[Any]) -> float:
    """least_share() of one of torch's operators: convolution(image, weight, bias, stride, ...) or its backward."""
    name = func.overloadpacket.__name__
    if "convolution" not in name:
        return 1.0
    weight, stride = (args[2], args[4]) if "backward" in name else (args[1], args[3])
    return least_share(weight.shape[2:], stride)
