"""Judge the things: what share of what typed prompts ask for does a judge of other artists name?

`python -m generator.starter.making.library.evaluate --work FOLDER --set test` prints and saves one report. Every share
stands beside its ceiling, the same places with the artists' own drawings and no VQGAN, and beside chance, the same
boxes asked for another prompt's thing. The `tune` prompts are for choosing settings, `test` is looked at afterwards.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generator.models.base import Models
from generator.models.likes import NAME, SECOND
from generator.models.staged import StagedStart
from generator.models.starter import load_starter
from generator.models.tiny import collage
from generator.starter.lexicon import lexicon
from generator.starter.making.evaluate import sheet
from generator.starter.making.library.drawings import Drawings, open_drawings, read_things
from generator.starter.making.library.judge import ThingJudge, named, siblings
from generator.starter.making.library.packages import JUDGES
from generator.starter.making.library.train_things import to_drawings
from generator.starter.making.library.typed import PROMPTS, Typed, held_out
from generator.starter.making.train import load_averaged
from generator.starter.staging import Placed

SEEDS, SIDE = (1, 2, 3), 256


@dataclass(frozen=True)
class AskedThing:
    """One thing of one picture of one prompt, and whether the judge names it."""

    prompt: int
    things: int
    """How many different things the prompt asks for."""
    seen: bool
    by_chance: float


class RealStart(StagedStart):
    """The same pictures with the artists' own drawings: the ceiling."""

    def __init__(self, start: StagedStart, drawings: Drawings) -> None:
        self.__dict__.update(start.__dict__)
        self._real = drawings

    def drawings(self, numbers: Sequence[int]) -> list[Tensor]:
        """As learned, but of the artists themselves."""
        return [collage.crop(one) for one in to_drawings(self._real.pictures[list(numbers)])]


@torch.no_grad()
def ask(
    judge: ThingJudge, models: Models, prompts: list[Typed], alike: list[set[int]], real: RealStart | None
) -> tuple[list[AskedThing], Tensor]:
    """Every thing of every picture, and the first seed's pictures for people to look at."""
    start = models.start if real is None else real
    assert isinstance(start, StagedStart)
    answers: list[tuple[int, int, int, list[int]]] = []
    shown = []
    for number, typed in enumerate(prompts):
        text = typed.text
        for seed in SEEDS:
            staged = start.stage(text, seed, SIDE // 8, SIDE // 8)
            picture = staged.picture
            if real is None:
                codes = start.predict(text, seed, SIDE // 8, SIDE // 8).codes
                picture = models.image.decode(models.image.codebook[codes].movedim(-1, 0)[None])[0].clamp(0, 1)
            first = {one.wanted.thing.number: one for one in staged.placed}
            for thing in typed.things:
                answer = [] if thing not in first else named(judge, picture, _box(first[thing]))
                answers.append((number, len(typed.things), thing, answer))
            shown += [picture] if seed == SEEDS[0] else []
    rng = random.Random(0)
    asked = []
    for number, count, thing, answer in answers:
        others: list[int] = [rng.choice(answers)[2] for _ in range(8)]
        unlike = [bool(alike[other] & set(answer)) for other in others if other not in alike[thing]]
        chance = float(np.mean(unlike or [False]))
        asked.append(AskedThing(number, count, bool(alike[thing] & set(answer)), chance))
    return asked, torch.stack(shown)


def _box(one: Placed) -> tuple[float, float, float, float]:
    left, right = one.x - one.width / 2, one.x + one.width / 2
    return SIDE * left, SIDE * one.top, SIDE * right, SIDE * one.foot


def shares(asked: list[AskedThing]) -> dict[str, float]:
    """Share named, 95 % bootstrap interval over prompts, chance, how many were asked."""
    prompts = sorted({one.prompt for one in asked})
    hits = np.array([[sum(a.seen for a in asked if a.prompt == p), sum(a.prompt == p for a in asked)] for p in prompts])
    drawn = hits[np.random.default_rng(0).integers(0, len(hits), (2000, len(hits)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    chance = float(np.mean([one.by_chance for one in asked]))
    share = float(hits[:, 0].sum() / hits[:, 1].sum())
    return {"share": share, "low": float(low), "high": float(high), "chance": chance, "asked": len(asked)}


def both_seen(asked: list[AskedThing]) -> float:
    """Of the pictures of two things the share in which both are named."""
    pairs = [one for one in asked if one.things == 2]
    return float(np.mean([a.seen and b.seen for a, b in zip(pairs[::2], pairs[1::2], strict=True)]))


def main() -> None:
    """Evaluate the start, and its ceiling beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--set", choices=("tune", "test"), default="tune")
    parser.add_argument("--count", type=int, default=PROMPTS)
    parser.add_argument("--model", choices=(NAME, SECOND), default=NAME)
    options = parser.parse_args()
    packages = options.work / "packages"
    things = read_things(packages)
    judged = open_drawings(packages, options.work / "judge-drawings", JUDGES)
    judge = ThingJudge(len(things))
    load_averaged(judge, options.work / "thing-judge.checkpoint.pt")
    prompts = held_out(options.set, lexicon(), set(judged.things.tolist()), options.count)
    models = load_starter(name=options.model)
    assert isinstance(models.start, StagedStart)
    real = RealStart(models.start, open_drawings(packages, options.work / "drawings"))
    alike = siblings(things)
    report: dict[str, Any] = {}
    kind = f"{options.set}-{options.model.replace('/', '-')}"
    for name, start in (("real", real), ("start", None)):
        asked, pictures = ask(judge, models, prompts, alike, start)
        report[name] = {"all": shares(asked), "both": both_seen(asked)}
        Image.fromarray(sheet(pictures[:60], 10)).save(options.work / f"typed-{kind}-{name}.png")
    report["of_ceiling"] = {
        "all": report["start"]["all"]["share"] / report["real"]["all"]["share"],
        "both": report["start"]["both"] / report["real"]["both"],
    }
    (options.work / f"typed-{kind}.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
