"""A CUDA device that isn't there: what a run would copy, wait for and trip over on a GPU, seen without one.

python -m bench.proofs.pretended.cuda [--precision mixed] [--preset NAME] [--pictures 4]    steps of the starter, a log

Tensors call themselves cuda:0, are computed on the CPU, and every operator on them passes through one place. There it
is logged when the host waits for the device or a copy crosses between the two, and refused what CUDA would refuse:
tensors of two devices in one operator, generators of the wrong device, group norms of pictures laid out place by place,
operators that cannot be repeated where repeatable ones are asked for.

What it cannot show: CUDA's own rounding (half precision and TF32 are computed as the CPU does, or not at all), its
speed, its memory, asynchronous errors, and operators that CUDA lacks or refuses for reasons that are not listed here.
The rules are those of torch 2.13's documentation and source, read and not tried. Below the surface the tensors belong
to torch's meta device, the only one besides the CPU that a build without CUDA can differentiate on: code that looks at
their device with torch's functions sees cuda, code in C++ that branches on it sees meta.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import torch

from bench.proofs.pretended.log import Log, find_place
from bench.proofs.pretended.operators import Operators
from bench.proofs.pretended.surface import Names
from bench.proofs.pretended.tensors import Generator, OnDevice


@contextmanager
def pretended_cuda(
    *, devices: int = 1, name: str = "Pretended 3090", capability: tuple[int, int] = (8, 6), free_mib: float = 2**15
) -> Iterator[Log]:
    """Inside, this machine has CUDA devices that are not there."""
    log, pinned = Log(), set[int]()

    def synchronize(device: object = None) -> None:
        log.waits.append(f"synchronize at {find_place()}")

    class Event:
        """A mark among what was asked for; with nothing asked for since, waiting for it is waiting for everything."""

        def record(self, stream: object = None) -> None:
            self.asked = log.asked

        def synchronize(self) -> None:
            (log.past if log.asked > self.asked else log.waits).append(f"event at {find_place()}")

    answers: dict[str, Any] = {
        "Event": Event,
        "current_stream": lambda device=None: None,
        "is_available": lambda: True,
        "device_count": lambda: devices,
        "current_device": lambda: 0,
        "get_device_name": lambda device=None: name,
        "get_device_capability": lambda device=None: capability,
        "mem_get_info": lambda device=None: (int(free_mib * 2**20), int(free_mib * 2**20)),
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: 0,
        "synchronize": synchronize,
    }
    with (
        mock.patch.multiple(torch.cuda, **answers),
        mock.patch.object(torch, "Generator", Generator),
        Operators(log, pinned),
        Names(log, pinned),
    ):
        yield log


def values_of(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers of a tensor of either kind, on the CPU; nothing is logged."""
    return tensor.held if isinstance(tensor, OnDevice) else tensor


def main(words: Sequence[str]) -> int:
    """Print what a step of the starter does on the device."""
    from generator.config import GenerateConfig
    from generator.engine.loop import turns
    from generator.engine.together import Company, Due
    from generator.models.choose import load_models
    from generator.presets import find_preset
    from generator.work.plan import Plan

    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m bench.proofs.pretended.cuda", description=summary)
    parser.add_argument("--preset")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--pictures", type=int, default=1, help="in the same steps (1)")
    chosen = parser.parse_args(words)
    given = {"model": "starter", "device": "cuda", "steps": 3, "seed": 1, "precision": chosen.precision}
    preset = find_preset(chosen.preset) if chosen.preset else None
    with pretended_cuda() as log:
        plan = Plan(prompt="the sea", given={**given, "deterministic": chosen.deterministic}, preset=preset)
        models = load_models(GenerateConfig(prompt="the sea", device="cuda"))
        config = plan.to_config(models.defaults)
        company = Company()
        runs = [turns(replace(config, seed=config.seed + number), models) for number in range(chosen.pictures)]
        for index in range(config.steps):
            dues = [next(turn for turn in run if isinstance(turn, Due)) for run in runs]
            log.clear()
            company.take(dues)
            for due in dues:
                due.result()
            print(f"step {index}: {log.operators.total()} operators, {log.bytes_to_device} bytes to the device")
            print("".join(f"  {stop}\n" for stop in log.stops), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
