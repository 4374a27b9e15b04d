"""Tensors and generators that call themselves cuda."""

from __future__ import annotations

from typing import Any, Self

import torch


class OnDevice(torch.Tensor):
    """A tensor that calls itself cuda; its numbers lie in `held`, on the CPU."""

    held: torch.Tensor
    number: int
    """Of its device."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor, index: int) -> Self:
        """inner: the numbers, on the CPU."""
        made: Self = torch.Tensor._make_wrapper_subclass(  # noqa: SLF001  # torch's own door for this
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=below(index),
        )
        made.held, made.number = inner, index
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # wider
        raise RuntimeError(f"{func} on a pretended device, outside of it")


def below(index: int) -> torch.device:
    """What cuda:index is below the surface; a meta device without an index is a real one."""
    return torch.device("meta", index + 1)


def index_of(below: torch.device) -> int:
    """The inverse of below()."""
    return (below.index or 0) - 1


def is_below(device: torch.device | None) -> bool:
    """Whether a device is a pretended one as it is below the surface."""
    return device is not None and device.type == "meta" and bool(device.index)


class Generator(torch.Generator):
    """A generator that calls itself cuda and draws on the CPU."""

    pretended: torch.device | None = None

    @staticmethod
    def __new__(cls, device: torch.device | str = "cpu") -> Self:
        """One that draws for this device."""
        made = super().__new__(cls)
        wanted = torch.device(device)
        made.pretended = torch.device("cuda", wanted.index or 0) if wanted.type == "cuda" else None
        return made

    def get_state(self) -> torch.Tensor:
        """On CUDA seed and offset, 16 bytes."""
        if self.pretended is None:
            return super().get_state()
        return torch.tensor([self.initial_seed(), 0]).view(torch.uint8)

    def set_state(self, state: torch.Tensor) -> Any:
        """Refuses what another kind of generator kept."""
        if self.pretended is not None and len(state) != 16:
            raise RuntimeError(f"Expected a CUDAGeneratorImplState of size 16 but found the size to be {len(state)}")
        return super().set_state(state) if self.pretended is None else self.manual_seed(int(state.view(torch.int64)[0]))
