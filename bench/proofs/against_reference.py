"""How long a step takes with our networks and with those of taming-transformers and openai-clip, in turn, one process.

python -m bench.proofs.against_reference                    the table of docs/performance.md
python -m bench.proofs.against_reference --side 256 --cutouts 32 --guides ViT-B/16 --pairs 10
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.config import GenerateConfig

if TYPE_CHECKING:
    from generator.events import Event

WARM_STEPS = 2
BACKENDS = ("own", "reference")


@dataclass(frozen=True)
class Pair:
    """Seconds of a step with either, one straight after the other."""

    own_seconds: float
    reference_seconds: float

    @property
    def ratio(self) -> float:
        """Above 1: ours is quicker by that."""
        return self.reference_seconds / self.own_seconds


def step_pairs(config: GenerateConfig, count: int) -> Iterator[Pair]:
    """Steps of the same run with either networks, after some that are not counted.

    On a CPU the processor's seconds of this process, which other programs disturb less than a clock's; elsewhere the
    clock's, the device waited for. NotReadyError where the reference packages are not installed.
    """
    from generator import devices
    from generator.engine.loop import generate
    from generator.models.choose import load_models

    runs: list[Iterator[Event]] = []
    for backend in BACKENDS:
        one = replace(config, backend=backend, steps=count + WARM_STEPS)
        runs.append(iter(generate(one, load_models(one))))
    device = devices.resolve_device(config.device)
    clock = time.process_time if device.type == "cpu" else devices.synchronising_clock(device)
    for number in range(count + WARM_STEPS):
        own, theirs = (_seconds_to_step(run, clock) for run in runs)
        if number >= WARM_STEPS:
            yield Pair(own, theirs)


def _seconds_to_step(run: Iterator[Event], clock: Callable[[], float]) -> float:
    from generator.events import Step

    before = clock()
    while not isinstance(next(run), Step):
        pass
    return clock() - before


def row(config: GenerateConfig, pairs: Sequence[Pair]) -> str:
    """One row of a Markdown table: medians, and of the ratios the lowest and the highest too."""
    own = statistics.median(pair.own_seconds for pair in pairs)
    theirs = statistics.median(pair.reference_seconds for pair in pairs)
    ratios = [pair.ratio for pair in pairs]
    return (
        f"| {config.guides} | {config.width}x{config.height} | {config.cutouts} | {len(pairs)} | {own:.2f} | "
        f"{theirs:.2f} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
    )


def main(words: Sequence[str]) -> int:
    """Print the table of one case, or of the usual ones."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.proofs.against_reference", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--guides", action="append", help="CLIPs (ViT-B/32, RN50, ViT-B/16)")
    parser.add_argument("--side", type=int, default=128, help="pixels (128)")
    parser.add_argument("--cutouts", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(words)
    print("| guide | picture | cutouts | pairs | ours, s | reference, s | reference / ours |")
    print("|:--|--:|--:|--:|--:|--:|--:|")
    for guides in chosen.guides or ("ViT-B/32", "RN50", "ViT-B/16"):
        config = GenerateConfig(
            prompt="sunset over the sea", model="imagenet-f16-1024", guides=guides, random_weights=True, start="noise",
            device=chosen.device, threads=chosen.threads, width=chosen.side, height=chosen.side, cutouts=chosen.cutouts,
            preview_every=0, checkpoint_every=0,
        )  # fmt: skip
        print(row(config, list(step_pairs(config, chosen.pairs))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
