"""What Python sees of a pretended device: cuda goes in spelt as what lies below, and comes out spelt cuda."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as tree

from bench.proofs.pretended.log import Log, find_place
from bench.proofs.pretended.tensors import OnDevice, below, index_of, is_below


class Names(TorchFunctionMode):
    """At the surface: cuda is spelt as what it is below, and devices that are looked at are spelt cuda."""

    def __init__(self, log: Log, pinned: set[int]) -> None:
        super().__init__()
        self.log, self.pinned = log, pinned

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.device:
            return func(*args, **kwargs)
        special = SPECIAL.get(func)
        if special is not None:
            return special(self, func, args, kwargs)
        if func in FROM_NUMBERS and (device := _asked_for(func, args, kwargs)) is not None:
            kwargs["device"] = "cpu"
            plain = args[0].held if isinstance(args[0], OnDevice) else args[0]
            made = func(plain, *args[1:], **kwargs)
            return made.to(below(device.index or 0))
        args, kwargs = tree.tree_map(_spelt_below, (tuple(args), kwargs))
        if kwargs.get("generator") is not None:
            _refuse_strange_generator(args, kwargs)
        return func(*args, **kwargs)


def _spelt_below(value: Any) -> Any:
    if isinstance(value, str) and (value == "cuda" or value.startswith("cuda:")):
        value = torch.device(value)
    if isinstance(value, torch.device) and value.type == "cuda":
        return below(value.index or 0)
    return value


def _refuse_strange_generator(args: Any, kwargs: Any) -> None:
    """As torch does: a generator draws for its own kind of device. Below the surface nobody can tell them apart."""
    number = next((leaf.number for leaf in tree.tree_leaves(args) if isinstance(leaf, OnDevice)), None)
    if number is None and is_below(kwargs.get("device")):
        number = index_of(kwargs["device"])
    wanted = "cpu" if number is None else f"cuda:{number}"
    found = str(getattr(kwargs["generator"], "pretended", None) or "cpu")
    if wanted != found:
        raise RuntimeError(f"Expected a '{wanted}' device type for generator but found '{found}' at {find_place()}")


FROM_NUMBERS = {torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor.new_tensor}


def _asked_for(func: Any, args: Any, kwargs: Any) -> torch.device | None:
    """The pretended device that a tensor of given numbers is to be made on."""
    below = _spelt_below(kwargs.get("device"))
    if below is None and func is torch.Tensor.new_tensor and isinstance(args[0], OnDevice):
        return torch.device("cuda", args[0].number)
    if isinstance(args[0], OnDevice) and func is not torch.Tensor.new_tensor:
        return None
    return torch.device("cuda", index_of(below)) if is_below(below) else None


def _device(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    found = func(*args, **kwargs)
    return torch.device("cuda", index_of(found)) if is_below(found) else found


def _pin(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    if isinstance(args[0], OnDevice):
        raise RuntimeError("cannot pin a tensor of a device: only dense CPU tensors can be pinned")
    copy = args[0].clone()
    names.pinned.add(copy.untyped_storage().data_ptr())
    return copy


def _set_data(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    func(*args, **kwargs)
    if isinstance(args[0], OnDevice):
        args[0].held = args[1].held


def _to_list(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    if not isinstance(args[0], OnDevice):
        return func(*args, **kwargs)
    names.log.waits.append(f"tolist at {find_place()}")
    return args[0].held.tolist()


def _numpy(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    if isinstance(args[0], OnDevice):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
    return func(*args, **kwargs)


def _on_device(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    return isinstance(args[0], OnDevice)


def _off_device(names: Names, func: Any, args: Any, kwargs: Any) -> Any:
    return False if isinstance(args[0], OnDevice) else func(*args, **kwargs)


OF_TENSORS: Any = torch.Tensor
"""Getters and setters in C have no types."""
SPECIAL: Mapping[Any, Callable[[Names, Any, Any, Any], Any]] = {
    OF_TENSORS.device.__get__: _device,
    OF_TENSORS.is_cuda.__get__: _on_device,
    OF_TENSORS.is_meta.__get__: _off_device,
    OF_TENSORS.data.__set__: _set_data,
    OF_TENSORS.pin_memory: _pin,
    OF_TENSORS.tolist: _to_list,
    OF_TENSORS.numpy: _numpy,
}
