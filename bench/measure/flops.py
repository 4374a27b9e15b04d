"""Arithmetic and memory traffic of one step, counted operator by operator over the real step. Imports torch.

The FLOPs are those of torch.utils.flop_counter (two for a multiplication and an addition, convolutions as if done
directly); the least FLOPs are generator.engine.flops' for the thriftiest convolutions known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.result.result import Work
from generator.engine.flops import COUNTED, FlopCount, Operator, operator_share, watch_operators

if TYPE_CHECKING:
    from torch import Tensor

    from generator.config import GenerateConfig
    from generator.models.base import Models

PRECISIONS = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64"}
"""torch's names of number types -> ours."""


@dataclass
class WorkCount:
    """Grows while operators run inside of `count_operators`."""

    total: FlopCount = field(default_factory=FlopCount)
    flops_by_precision: dict[str, float] = field(default_factory=dict)
    bytes_moved: float = 0.0

    def add_flops(self, flops: float, share: float, precision: str) -> None:
        """Count FLOPs on numbers of a precision; `share` of them cannot be saved."""
        self.total.add(flops, share, is_double=precision == "fp64")
        self.flops_by_precision[precision] = self.flops_by_precision.get(precision, 0.0) + flops

    def work(self) -> Work:
        """As it stands in a result; what was not seen is None."""
        return Work(
            flops_per_step=self.total.flops or None,
            least_flops_per_step=self.total.least_flops or None,
            flops_by_precision=dict(self.flops_by_precision) or None,
            flops_method=COUNTED if self.total.flops else None,
            bytes_per_step=self.bytes_moved or None,
        )


def count_work(config: GenerateConfig, models: Models) -> Work:
    """Arithmetic and traffic of the second step of such a run: the first one also prepares what later ones reuse.

    Runs two steps and throws them away. Importing torch's operator hooks takes a second or two, once.
    """
    from generator.engine.loop import generate
    from generator.events import Step

    twice = replace(config, steps=2, preview_every=0, checkpoint_every=0)
    events = generate(twice, models, available_mib=math.inf)  # whoever measures has shown that it fits
    while not isinstance(next(events), Step):
        pass
    with count_operators() as count:
        while not isinstance(next(events), Step):
            pass
    return count.work()


@contextmanager
def count_operators() -> Iterator[WorkCount]:
    """A count that grows by each operator called inside, the backward pass included."""
    count = WorkCount()

    def see(operator: Operator) -> None:
        if operator.flops is not None:
            count.add_flops(operator.flops, operator_share(operator.func, operator.args), _precision(operator.args))
        count.bytes_moved += traffic(operator.func, operator.args, operator.kwargs, operator.result)

    with watch_operators(see):
        yield count


def traffic(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """Bytes an operator must read and write if nothing stays in a cache: inputs once, outputs once; a view none."""
    if func.is_view or func.overloadpacket.__name__ in ("detach", "empty", "empty_like", "empty_strided", "new_empty"):
        return 0
    return sum(_occupied(tensor) for tensor in [*_tensors(args), *_tensors(list(kwargs.values())), *_tensors(result)])


def _occupied(tensor: Tensor) -> int:
    """Bytes of its numbers; along an expanded side there is only one to read."""
    sides = [size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride]
    return (math.prod(sides) if tensor.numel() else 0) * tensor.element_size()


def _tensors(value: Any) -> list[Tensor]:
    """All tensors in nested lists and tuples."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


def _precision(args: Sequence[Any]) -> str:
    """Of the first tensor that is multiplied."""
    first = next(iter(_tensors(list(args))), None)
    name = "" if first is None else str(first.dtype).removeprefix("torch.")
    return PRECISIONS.get(name, name)
