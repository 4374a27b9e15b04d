"""Large products in each precision and a large copy on the clock: what a device can do at most. torch is imported late.

The best round of a turn counts: a ceiling is what the device reaches when nothing disturbs it. Several turns, between
the blocks of something else, are of the same heat and clock as that: then their median counts.
"""

from __future__ import annotations

import contextlib
import statistics
from collections import defaultdict
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from bench.measure.ceilings import Ceilings
from dreamrig.words import GIGA, MIB, TERA

if TYPE_CHECKING:
    import torch

SMALLEST, LARGEST = 256, 8192
"""Sides of the squares that are multiplied; the side doubles until a product takes LONG_ENOUGH_SECONDS."""
LONG_ENOUGH_SECONDS = 0.02
SECONDS_EACH = 1.0
COPY_MIB, COPY_MIB_CUDA = 256, 1024
TF32_CAPABILITY = (8, 0)

Clock = Callable[[], float]


class CeilingTurns:
    """A device's limits, measured in several turns, so that they are those of the same minutes as something else."""

    def __init__(
        self, device: torch.device, *, seconds_each: float, turns: int = 1, clock: Clock = perf_counter
    ) -> None:
        """seconds_each: for every precision and for the copy, all turns together."""
        self._device, self._seconds, self._turns, self._clock = device, seconds_each / turns, turns, clock
        self._taken, self._spent = 0, 0.0
        self._sides: dict[str, int] = {}
        self._tflops: dict[str, list[float]] = defaultdict(list)
        self._copied: list[float] = []

    def due(self, share: float) -> bool:
        """Whether a turn is to be taken where so much of the time is over: at the middle of as many parts."""
        return self._taken < self._turns and share >= (self._taken + 0.5) / self._turns

    def take(self, say: Callable[[str], None] = lambda _: None) -> None:
        """One turn, of which the best round counts. say: told what is being measured."""
        began_at = self._clock()
        self._taken += 1
        for precision in precisions_of(self._device):
            say(f"product in {precision}")
            with contextlib.suppress(RuntimeError):  # some device or build without that type, or without the memory
                known = self._sides.get(precision)
                reached, side = measure_product(self._device, precision, self._seconds, self._clock, known)
                self._sides[precision] = side
                self._tflops[precision].append(reached)
        say("copy")
        self._copied.append(measure_copy(self._device, self._seconds, self._clock))
        self._spent += self._clock() - began_at

    def ceilings(self) -> Ceilings | None:
        """The medians of all turns; None where none was taken."""
        import torch

        from bench.measure.environment import describe_device

        if not self._taken:
            return None
        return Ceilings(
            device=describe_device(self._device, None).name,
            kind=self._device.type,
            threads=torch.get_num_threads() if self._device.type == "cpu" else None,
            torch=torch.__version__,
            matmul_tflops={precision: statistics.median(found) for precision, found in self._tflops.items()},
            matmul_side=self._sides,
            copy_gb_per_second=statistics.median(self._copied),
            seconds=self._spent,
        )


def measure_ceilings(
    device: torch.device,
    *,
    seconds_each: float = SECONDS_EACH,
    clock: Clock = perf_counter,
    say: Callable[[str], None] = lambda _: None,
) -> Ceilings:
    """Measure a device at once. seconds_each: for every precision and for the copy.   say: told what is measured."""
    turns = CeilingTurns(device, seconds_each=seconds_each, clock=clock)
    turns.take(say)
    found = turns.ceilings()
    assert found is not None
    return found


def precisions_of(device: torch.device) -> tuple[str, ...]:
    """What is worth measuring: TF32 and bf16 exist on GPUs from Ampere on."""
    import torch

    if device.type == "cpu":
        return ("fp32", "bf16")
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= TF32_CAPABILITY:
        return ("fp32", "tf32", "fp16", "bf16")
    return ("fp32", "fp16")


def measure_product(
    device: torch.device, precision: str, seconds: float, clock: Clock = perf_counter, known_side: int | None = None
) -> tuple[float, int]:
    """TFLOP/s of the fastest product of two squares, and their side. known_side: where it was found before."""
    import torch

    from generator.engine.arithmetic import Arithmetic

    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(precision, torch.float32)
    with Arithmetic(tf32=precision == "tf32").applied():
        side = known_side or SMALLEST
        while True:
            square = torch.randn(side, side, device=device, dtype=torch.float32).to(dtype)
            best = _fastest(device, lambda square=square: square @ square, 0.0, clock)  # type: ignore[misc]
            if known_side or best >= LONG_ENOUGH_SECONDS or side >= LARGEST:
                break
            side *= 2
        best = _fastest(device, lambda: square @ square, seconds, clock)
    return 2 * side**3 / best / TERA, side


def measure_copy(device: torch.device, seconds: float, clock: Clock = perf_counter) -> float:
    """Decimal gigabytes per second that a copy within the device's memory reads and writes together."""
    import torch

    from generator.devices import available_memory_mib

    wanted = COPY_MIB_CUDA if device.type == "cuda" else COPY_MIB
    mib = max(1, min(wanted, int(available_memory_mib(device) / 8)))
    source = torch.ones(mib * MIB // 4, device=device)
    target = torch.empty_like(source)
    best = _fastest(device, lambda: target.copy_(source), seconds, clock)
    return 2 * source.nbytes / best / GIGA


def _fastest(device: torch.device, act: Callable[[], object], seconds: float, clock: Clock) -> float:
    """Seconds of the fastest round; two rounds to wake up, then for as long as asked, three at least."""
    from generator.devices import synchronising_clock

    waiting = synchronising_clock(device) if clock is perf_counter else clock
    for _ in range(2):
        act()
    rounds: list[float] = []
    ends_at = waiting() + seconds
    while len(rounds) < 3 or waiting() < ends_at:
        before = waiting()
        act()
        rounds.append(waiting() - before)
    return max(min(rounds), 1e-9)
