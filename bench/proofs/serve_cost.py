"""What it costs a job to be watched: `python -m bench.proofs.serve_cost --pairs 5` draws one config with and without.

Watched is as a worker does it for friends: two previews a second, a checkpoint every five seconds, thumbnails, recipe.
Bare is the engine's loop alone, whose picture nobody keeps. In one process, in turn, processor time of both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.config import GenerateConfig
from generator.crew import drawing, offers
from generator.crew.drawing import Networks
from generator.engine.loop import generate
from generator.models.base import Models
from generator.work.rhythm import Rhythm
from generator.work.stop import StopButton

KEEP_SECONDS = 5.0


def processor_seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Of this process, and of the clock on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def bare(config: GenerateConfig, models: Models) -> None:
    """Every step, and nothing beside."""
    for _ in generate(config, models):
        pass


def watched(config: GenerateConfig, networks: Networks, folder: Path, previews: list[Any]) -> None:
    """As for a friend. previews: gets every one that was shown."""
    drawing.draw(
        config, folder, networks,
        rhythm=Rhythm(checkpoint_apart_seconds=KEEP_SECONDS), stop=StopButton(),
        begun=lambda facts: None, tell=lambda event, change: previews.append(event), kept=lambda step: None,
        say=lambda text: None,
    )  # fmt: skip


def measure(pairs: int, steps: int) -> dict[str, Any]:
    """Pairs in turn after a first of each that is thrown away; the ratio of each pair."""
    networks = Networks()
    usual = offers.usual_config({}, "plain", {"model": "starter"})
    models, _ = networks.get(usual)
    values = {**offers.usual_config(models.defaults, "plain", {"model": "starter"}).to_dict(), "steps": steps}
    config = GenerateConfig.from_dict({**values, "preview_every": 0})
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as room:
        for number in range(pairs + 1):
            previews: list[Any] = []
            first, _ = processor_seconds(lambda: bare(config, models))
            folder = Path(room) / str(number)
            second, wall = processor_seconds(lambda f=folder, p=previews: watched(config, networks, f, p))  # type: ignore[misc]  # values of this round
            rows.append({"bare": first, "watched": second, "previews_a_second": len(previews) / wall})
    rows = rows[1:]
    ratios = sorted(row["watched"] / row["bare"] for row in rows)
    return {
        "steps": steps,
        "size": f"{config.width}x{config.height}",
        "pairs": len(rows),
        "bare_processor_seconds": round(statistics.median(row["bare"] for row in rows), 2),
        "watched_over_bare": {
            "median": round(statistics.median(ratios), 4),
            "lowest": round(ratios[0], 4),
            "highest": round(ratios[-1], 4),
        },
        "previews_a_second": round(statistics.median(row["previews_a_second"] for row in rows), 2),
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150, help="of each run")
    given = parser.parse_args()
    print(json.dumps(measure(given.pairs, given.steps), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
