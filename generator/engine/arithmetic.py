"""How numbers are computed: threads, rounding, repeatability. The only place that sets torch's switches for them.

They belong to the whole process, so they are set around each step and put back after it: what a picture looks like
does not depend on what else was computed before, and nobody else's torch code is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils import deterministic

from generator.config import GenerateConfig
from generator.devices import prepare_determinism


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """The switches of a step."""

    tf32: bool = False
    """CUDA may round the factors of products and convolutions to 10 bits; sums stay float32."""
    deterministic: bool = False
    """Operators that may give other bytes the next time are refused."""
    autotuned: bool = False
    """cuDNN tries its algorithms at the first convolution of each shape, and takes the quickest."""
    threads: int = 0
    """Of the CPU; 0 = as many as torch has."""

    @classmethod
    def of(cls, config: GenerateConfig, device: torch.device) -> Arithmetic:
        """What a config asks for on a device."""
        is_cuda = device.type == "cuda"
        return cls(
            tf32=is_cuda and config.precision != "fp32",
            deterministic=config.deterministic,
            autotuned=is_cuda and not config.deterministic,
            threads=config.threads,
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, torch computes like this; afterwards as before."""
        undo = [_set_threads(self.threads), _set_tf32(self.tf32)]
        undo += [_set_autotuned(self.autotuned), _set_deterministic(self.deterministic)]
        try:
            yield
        finally:
            for put_back in reversed(undo):
                put_back()


@contextmanager
def step_mode(config: GenerateConfig, device: torch.device) -> Iterator[None]:
    """Gradients on and the arithmetic of a config. Never to be held around a yield of an event."""
    if config.deterministic:
        prepare_determinism(device)
    with Arithmetic.of(config, device).applied(), torch.inference_mode(False), torch.enable_grad():
        yield


def read_tf32() -> tuple[bool, bool]:
    """Whether products, and whether convolutions, may be done in TF32."""
    try:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    except RuntimeError:  # somebody used the newer switches, of which the older ones know nothing
        convolutions = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]  # set up at run time
        return torch.get_float32_matmul_precision() != "highest", convolutions == "tf32"


def _set_threads(count: int) -> Callable[[], None]:
    before = torch.get_num_threads()
    if not count or count == before:
        return lambda: None
    torch.set_num_threads(count)
    return lambda: torch.set_num_threads(before)


def _set_tf32(allowed: bool) -> Callable[[], None]:
    """With the older switches, which every torch knows; what was set with the newer ones is put back with those."""
    backends = torch.backends
    try:
        products, convolutions = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
    except RuntimeError:
        names = [(backends.cuda.matmul, "fp32_precision"), (backends.cudnn.conv, "fp32_precision")]  # type: ignore[attr-defined]  # set up at run time
        before = [(owner, name, getattr(owner, name)) for owner, name in names]

        def put_back() -> None:
            for owner, name, value in before:
                setattr(owner, name, value)
    else:

        def put_back() -> None:
            backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32 = products, convolutions

    backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = allowed
    return put_back


def _set_autotuned(wanted: bool) -> Callable[[], None]:
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = wanted

    def put_back() -> None:
        torch.backends.cudnn.benchmark = before

    return put_back


def _set_deterministic(wanted: bool) -> Callable[[], None]:
    """torch.use_deterministic_algorithms would do the same but imports the compiler, which takes over a second."""
    before, filled = torch.get_deterministic_debug_mode(), deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # set up at run time
    if wanted:
        torch.set_deterministic_debug_mode("error")
        # Otherwise torch writes NaN into every new tensor before an operator fills it: 1,400 of them in a step at 256
        # pixels, each a launch on a GPU, and 1 to 3 % of its time on a CPU.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set up at run time

    def put_back() -> None:
        torch.set_deterministic_debug_mode(before)
        deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]  # set up at run time

    return put_back
