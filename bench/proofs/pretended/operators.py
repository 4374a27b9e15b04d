"""Every operator of a pretended device, computed on the CPU; what waits is logged, what CUDA refuses is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.utils import _pytree as tree
from torch.utils._python_dispatch import TorchDispatchMode

from bench.proofs.pretended.log import Copy, Log, find_place
from bench.proofs.pretended.tensors import OnDevice, index_of, is_below

WAITING = {
    "_local_scalar_dense",
    "equal",
    "is_nonzero",
    "masked_select",
    "nonzero",
    "unique2",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
    "_linalg_check_errors",
}
"""Operators whose result the host needs before it can go on."""
UNREPEATABLE = frozenset({
    "_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward", "adaptive_max_pool2d_backward",
    "avg_pool3d_backward", "fractional_max_pool2d_backward", "fractional_max_pool3d_backward", "max_unpool2d",
    "max_unpool3d", "upsample_linear1d_backward", "upsample_bilinear2d_backward", "_upsample_bilinear2d_aa_backward",
    "upsample_bicubic2d_backward", "_upsample_bicubic2d_aa_backward", "upsample_trilinear3d_backward",
    "reflection_pad1d_backward", "reflection_pad2d_backward", "reflection_pad3d_backward", "nll_loss_forward",
    "nll_loss2d_forward", "_ctc_loss_backward", "_embedding_bag", "put", "put_", "histc", "bincount", "median",
    "nanmedian", "kthvalue", "grid_sampler_2d_backward", "grid_sampler_3d_backward", "scatter_reduce",
})  # fmt: skip
"""What torch.use_deterministic_algorithms documents as raising on CUDA (torch 2.13), as ATen operators; cumsum only of
floating-point numbers."""
TAKES_INDICES = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operators that may be given indices of the host, which are then copied."""


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it untyped
    """Below the surface: every operator, computed on the CPU."""

    def __init__(self, log: Log, pinned: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch ships it untyped
        self.log, self.pinned = log, pinned

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        leaves = tree.tree_leaves((args, kwargs))
        ours = [leaf for leaf in leaves if isinstance(leaf, OnDevice)]
        target = kwargs.get("device")
        if not ours and not is_below(target):
            return func(*args, **kwargs)
        index = ours[0].number if ours else index_of(target)
        name = func.overloadpacket.__name__
        if name in {"_to_copy", "copy_", "_copy_from"}:
            return self._copy(func, args, kwargs, index)
        self.log.operators[name] += 1
        self.log.asked += 1
        _refuse_strangers(name, leaves, index)
        _refuse_what_cuda_refuses(name, args)
        if name in WAITING or (name in TAKES_INDICES and self._looks_at_the_host(args)):
            self.log.waits.append(f"{name} at {find_place()}")
        if name == "_fused_sdp_choice":
            return 0  # written out: the fused ones have no kernel here
        if is_below(target):
            kwargs["device"] = torch.device("cpu")
        return self._run(func, args, kwargs, index)

    def _run(self, func: Any, args: Any, kwargs: Any, index: int) -> Any:
        """Compute on the CPU; what comes out is on the device, and what was changed in place stays the same tensor."""
        owners = {id(leaf.held): leaf for leaf in tree.tree_leaves((args, kwargs)) if isinstance(leaf, OnDevice)}
        args, kwargs = tree.tree_map(_inner, (args, kwargs))
        out = func(*args, **kwargs)

        def wrapped(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            return owners.get(id(value)) if id(value) in owners else OnDevice(value, index)

        return tree.tree_map(wrapped, out)

    def _copy(self, func: Any, args: Any, kwargs: Any, index: int) -> Any:
        """A copy to, from or within the device."""
        infind_place = func.overloadpacket is torch.ops.aten.copy_
        source = args[1] if infind_place else args[0]
        target = kwargs.get("device")
        from_device = isinstance(source, OnDevice)
        to_device = (
            isinstance(args[0], OnDevice) if infind_place else (from_device if target is None else is_below(target))
        )
        if from_device != to_device:
            host = source if to_device else args[0] if infind_place else None
            at_once = not (args[2] if infind_place and len(args) > 2 else kwargs.get("non_blocking", False))
            pinned = host is not None and host.untyped_storage().data_ptr() in self.pinned
            size = source.numel() * source.element_size()
            self.log.copies.append(Copy(to_device, size, at_once or not pinned, find_place()))
        if not infind_place and target is not None:
            kwargs["device"] = torch.device("cpu")
        if not infind_place:
            kwargs.pop("non_blocking", None)
        if to_device:
            return self._run(func, args, kwargs, index_of(target) if is_below(target) else index)
        return func(*tree.tree_map(_inner, args), **kwargs)

    def _looks_at_the_host(self, args: Any) -> bool:
        """Whether the indices are masks, whose count the host needs, or lie on the host."""
        indices = [leaf for leaf in tree.tree_leaves(args[1]) if isinstance(leaf, torch.Tensor)]
        on_host = [one for one in indices if not isinstance(one, OnDevice)]
        for one in on_host:
            self.log.copies.append(Copy(True, one.numel() * one.element_size(), True, find_place()))
        return any(one.dtype in {torch.bool, torch.uint8} for one in indices)


def _inner(value: Any) -> Any:
    return value.held if isinstance(value, OnDevice) else value


def _refuse_strangers(name: str, leaves: Iterable[Any], index: int) -> None:
    """Only a single number of the host may join tensors of a device."""
    for leaf in leaves:
        if not isinstance(leaf, torch.Tensor) or name in TAKES_INDICES:
            continue
        is_stranger = leaf.number != index if isinstance(leaf, OnDevice) else leaf.dim() > 0
        if is_stranger:
            other = f"cuda:{leaf.number}" if isinstance(leaf, OnDevice) else "cpu"
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, cuda:{index} and "
                f"{other}! ({name} at {find_place()})"
            )


def _refuse_what_cuda_refuses(name: str, args: Any) -> None:
    if name in {"native_group_norm", "native_group_norm_backward"}:
        pictures = args[:1] if name == "native_group_norm" else args[:2]
        if not all(picture.held.is_contiguous() for picture in pictures):
            raise RuntimeError(f"Expected X.is_contiguous(memory_format) to be true, but got false. ({find_place()})")
    is_cumsum = name == "cumsum" and args[0].held.is_floating_point()
    if torch.are_deterministic_algorithms_enabled() and (name in UNREPEATABLE or is_cumsum):
        raise RuntimeError(f"{name} does not have a deterministic implementation ({find_place()})")
