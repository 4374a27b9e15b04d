"""Small tensors from the host to where the work is done."""

from __future__ import annotations

from torch import Tensor


def to_like(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor in the type and on the device of another, whose arithmetic it may then join.

    From the host it is cast first (not every device has float64) and goes through pinned memory, so that the host need
    not wait for the device.
    """
    tensor = tensor.to(like.dtype)
    if like.device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(like.device, non_blocking=True)
