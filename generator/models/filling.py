"""From the tensors of a weight file to a network's sizes and weights, or an error that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import Tensor, nn

from dreamrig.errors import MissingWeightsError, NotReadyError

S = TypeVar("S")
N = TypeVar("N", bound=nn.Module)


def sizes_of(name: str, read: Callable[[Mapping[str, Tensor]], S], tensors: Mapping[str, Tensor]) -> S:
    """The sizes read off the tensors; NotReadyError when these are of something else."""
    try:
        return read(tensors)
    except (KeyError, ValueError, IndexError):
        raise _strange(name) from None


def fill(name: str, network: N, tensors: Mapping[str, Tensor], *, assign: bool = False) -> N:
    """The network with these weights; tensors it has no place for are left aside. NotReadyError when they do not fit.

    assign: take the tensors themselves instead of copying them, as a network on the meta device must.
    """
    needed = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]  # a count for training
    try:
        network.load_state_dict({key: tensors[key] for key in needed}, strict=False, assign=assign)
    except (KeyError, RuntimeError):
        raise _strange(name) from None
    return network


def _strange(name: str) -> NotReadyError:
    return MissingWeightsError(
        f"The weights called {name} are not of the kind that name stands for.",
        hint=f"fetch them anew: dreamrig weights remove {name}, then dreamrig weights fetch {name}",
    )
