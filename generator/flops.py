"""How much arithmetic one step is: two ways to count it, one cheap and rough, one exact and slow to import.

An addition and a multiplication are two FLOPs, convolutions count as if done directly. Libraries may do them with less
(Winograd), which a bound made from these numbers does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from generator.config import GenerateConfig
from generator.events import Step
from generator.models.base import Models

ESTIMATED, COUNTED = "estimated", "counted"


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


class _Watch(TorchFunctionMode):
    """Adds up the formulas of the functions called from Python; what they call inside is not seen twice."""

    def __init__(self, count: FlopCount) -> None:
        super().__init__()
        self.count = count

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = FORMULAS.get(getattr(func, "__name__", "").strip("_"))
        if formula is not None:
            # The gradient of one input costs what the forward did; weights are frozen and get none.
            passes = 2 if out.requires_grad else 1
            self.count.flops += passes * _apply(formula, args, kwargs or {}, out)
        return out


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


def count_flops(config: GenerateConfig, models: Models) -> float | None:
    """FLOPs of the first step of such a run, every operator that torch.utils.flop_counter knows; does that step again.

    Imports a good part of torch's compiler, which takes seconds: for --profile only.
    """
    from generator.engine import generate

    once = replace(config, steps=1, preview_every=0, checkpoint_every=0)
    events = generate(once, models, available_mib=math.inf)  # the run itself has shown that it fits
    while True:
        with _operator_flops() as added:
            event = next(events)
        if isinstance(event, Step):
            return sum(added) or None


@contextmanager
def _operator_flops() -> Iterator[list[float]]:
    """A list that grows by the FLOPs of each operator called inside. FlopCounterMode itself refuses autograd.grad."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    added: list[float] = []

    class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it untyped
        def __torch_dispatch__(
            self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            formula: Callable[..., float] | None = flop_registry.get(func.overloadpacket)
            if formula is not None:
                added.append(formula(*args, **(kwargs or {}), out_val=result))
            return result

    with Counter():  # type: ignore[no-untyped-call]  # torch ships it untyped
        yield added
