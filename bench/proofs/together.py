"""What it is worth to draw several pictures in the same steps: seconds of a step for each of them.

python -m bench.proofs.together                                         the starter at 128 px, 1, 2 and 4 in a step
python -m bench.proofs.together --preset dreamrig --size 480 --device cuda --in-a-step 1 4 8        on a GPU

The sizes in turn, in one process on one thread; medians over the rounds with their quartiles, and the median of the
ratios round by round with its 95 % interval. Networks that are not here are random: that changes no time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence

from generator.config import GenerateConfig
from generator.presets import find_preset
from generator.stats import paired_ratio_interval
from generator.work.plan import Plan

SIZES = (1, 2, 4)
STARTER = "starter"


def rows(rounds: Sequence[Mapping[int, float]], sizes: Sequence[int]) -> Iterator[str]:
    """A Markdown table; the first size is what the others are put beside."""
    yield "| pictures in a step | seconds a step and picture | quartiles | against the first |"
    yield "|--:|--:|--:|--:|"
    first = [found[sizes[0]] for found in rounds]
    for size in sizes:
        own = [found[size] for found in rounds]
        low, _, high = statistics.quantiles(own, n=4, method="inclusive")
        interval = paired_ratio_interval(first, own)
        ratio = statistics.median(one / other for one, other in zip(first, own, strict=True))
        between = "" if interval is None or size == sizes[0] else f" ({interval.low:.2f}-{interval.high:.2f})"
        yield f"| {size} | {statistics.median(own):.4f} | {low:.4f}-{high:.4f} | {ratio:.2f}{between} |"


def config_of(preset: str, side: int, cutouts: int | None, device: str) -> GenerateConfig:
    """What is drawn: with the starter, or as a preset has it with random networks."""
    given = {"width": side, "height": side, "device": device, "threads": 1, "seed": 1}
    given |= {} if cutouts is None else {"cutouts": cutouts}
    given |= {"random_weights": True, "start": "noise"} if preset else {"model": STARTER}
    plan = Plan(prompt="sunset over the sea", given=given, preset=find_preset(preset) if preset else None)
    from generator.models.choose import device_defaults

    return plan.to_config(device_defaults(plan.to_config({})))


def main(words: Sequence[str]) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.proofs.together", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=21, metavar="N", help="steps of each (21)")
    parser.add_argument("--in-a-step", type=int, nargs="+", default=list(SIZES), metavar="N", help="pictures (1 2 4)")
    parser.add_argument("--size", type=int, default=128, metavar="PIXELS", help="side of the pictures (128)")
    parser.add_argument("--cutouts", type=int, help="of each picture; left alone, as the preset or the starter has it")
    parser.add_argument("--preset", default="", help="left alone, the starter")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(words)

    from bench.measure.together import rounds_of
    from generator.models.choose import load_models

    config = config_of(chosen.preset, chosen.size, chosen.cutouts, chosen.device)
    found = list(rounds_of(config, load_models(config), chosen.in_a_step, chosen.rounds))
    for row in rows(found, chosen.in_a_step):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
