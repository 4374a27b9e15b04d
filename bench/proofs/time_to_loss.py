"""How soon coarse to fine comes to the loss at which the flat schedule ends, prompts times seeds, on the starter.

python -m bench.proofs.time_to_loss                          8 prompts, 3 seeds, 500 flat steps: an hour of a core
python -m bench.proofs.time_to_loss --prompts 2 --seeds 1 --flat-steps 200
python -m bench.proofs.time_to_loss --keep races.jsonl       goes on where it was stopped; the table of what is there
python -m bench.proofs.time_to_loss --curve "stages=1/2:40:2 steps=100"     one run: seconds, loss, independent measure
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.measure.time_to_loss import BASE, FLAT_STEPS, PROMPTS, WAYS, LossJudge, LossRace, Moment, race, readings
from generator.config import GenerateConfig
from generator.knobs import kinds_of
from generator.models.base import Models
from generator.stats import median_interval

READ = 20
"""Steps between two lines of a curve."""


def rows(races: Sequence[LossRace]) -> Iterator[str]:
    """A Markdown table: per way the medians over the races, and the lowest and the highest ratio."""
    yield "| way | with | reached | of all flat steps | of flat's own first time | independent, way / flat |"
    yield "|:--|:--|--:|--:|--:|--:|"
    for way, differs in WAYS.items():
        changes = " ".join(f"{name}={value}" for name, value in differs.items())
        ran = [one for one in races if way in one.reached]
        there = [one for one in ran if one.reached[way]]
        if not there:
            yield f"| {way} | `{changes}` | 0 of {len(ran)} | - | - | - |"
            continue
        independent = [one.reached[way].independent for one in there]  # type: ignore[union-attr]  # only those reached
        flat = statistics.median(one.flat_independent for one in there)
        ratios, firsts = [one.ratio(way) for one in there], [one.ratio_to_first(way) for one in there]
        yield (
            f"| {way} | `{changes}` | {len(there)} of {len(ran)} | {_spread(ratios)} | {_spread(firsts)} | "
            f"{statistics.median(independent):.3f} / {flat:.3f} |"
        )


def _spread(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    interval = median_interval(numbers)
    within = "" if interval is None else f", 95 % {interval.low:.2f}-{interval.high:.2f}"
    return f"{statistics.median(numbers):.2f} ({min(numbers):.2f}-{max(numbers):.2f}{within})"


def read_races(path: Path | None) -> list[LossRace]:
    """Those that were kept."""
    if path is None or not path.exists():
        return []
    return [_read(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _read(facts: dict[str, object]) -> LossRace:
    reached = facts.pop("reached")
    assert isinstance(reached, dict)
    moments = {way: None if one is None else Moment(**one) for way, one in reached.items()}
    return LossRace(**facts, reached=moments)  # type: ignore[arg-type]  # what asdict has written


def curve(text: str, models: Models) -> Iterator[str]:
    """A line for each READ steps of the first prompt with seed 0; text: "FIELD=VALUE …", in place of BASE's."""
    kinds = kinds_of(GenerateConfig)
    given = dict(word.split("=", 1) for word in text.split())
    changes = {name: value == "true" if kinds[name] is bool else kinds[name](value) for name, value in given.items()}
    config = GenerateConfig(**{**BASE, "prompt": PROMPTS[0], "seed": 0, **changes})
    for one in readings(config, models, LossJudge.of(config, models)):
        if one.step % READ == 0:
            yield f"{one.step} steps, {one.seconds:.2f} s: {one.loss:.3f}, independent {one.independent:.3f}"


def main(words: Sequence[str]) -> int:
    """Race, keep, print the table."""
    from generator.models.starter import load_starter

    parser = argparse.ArgumentParser(
        prog="python -m bench.proofs.time_to_loss", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--flat-steps", type=int, default=FLAT_STEPS)
    parser.add_argument("--way", action="append", choices=list(WAYS), help="only this one")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="a line of JSON for each race")
    parser.add_argument("--curve", metavar="SETTINGS", help="one run instead: its seconds and losses")
    chosen = parser.parse_args(words)
    if chosen.curve is not None:
        for line in curve(chosen.curve, load_starter()):
            print(line, flush=True)
        return 0
    races, models = read_races(chosen.keep), load_starter()
    done = {(one.prompt, one.seed) for one in races}
    for seed in range(chosen.seeds):
        for prompt in PROMPTS[: chosen.prompts]:
            if (prompt, seed) in done:
                continue
            ways = {way: WAYS[way] for way in chosen.way or WAYS}
            races.append(race(models, prompt, seed, ways, chosen.flat_steps))
            if chosen.keep is not None:
                with chosen.keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(races[-1])) + "\n")
    print("\n".join(rows(races)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
