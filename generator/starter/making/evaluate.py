"""Judge the starter: what share of the attributes that held-out prompts state does the independent judge read off?

`python -m generator.starter.making.evaluate --work FOLDER --set test --start predicted` prints and saves one report.
The `tune` prompts are for choosing settings; the `test` prompts are looked at once, for the model card.
"""

import argparse
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.models.base import Models
from generator.starter.making.captions import Caption, caption
from generator.starter.making.judge import GROUPS, Judge, JudgeReading, group, judged, read_pictures
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import Scene, draw_scene

PROMPTS, SEEDS = 64, (1, 2, 3)


@dataclass(frozen=True)
class AttributeCheck:
    """One stated attribute of one prompt against one picture."""

    prompt: int
    group: str
    slot: str
    recognised: bool
    by_chance: float
    """Share of the other prompts' pictures in which the same attribute is recognised."""


def held_out(which: str, count: int = PROMPTS) -> list[Caption]:
    """Prompts of scenes no training stage draws; each states at least three attributes the judge can read."""
    return [one for _, one in _held_out_scenes(which, count)]


def _held_out_scenes(which: str, count: int) -> list[tuple[Scene, Caption]]:
    rng = random.Random(f"held-out/{which}")
    found: list[tuple[Scene, Caption]] = []
    while len(found) < count:
        scene = draw_scene(rng)
        one = caption(scene, rng)
        if len(judged(one.stated)) >= 3:
            found.append((scene, one))
    return found


def check_pictures(reading: JudgeReading, captions: list[Caption], owners: list[int]) -> list[AttributeCheck]:
    """Every stated attribute against every picture; picture n was made for caption owners[n]."""
    checks = []
    for prompt, one in enumerate(captions):
        for slot, value in judged(one.stated).items():
            seen = [reading.confirms(row, slot, value, one.stated) for row in range(len(owners))]
            others = [s for s, owner in zip(seen, owners, strict=True) if owner != prompt]
            for row, owner in enumerate(owners):
                if owner == prompt:
                    checks.append(AttributeCheck(prompt, group(slot), slot, seen[row], float(np.mean(others))))
    return checks


def summary(checks: list[AttributeCheck]) -> dict[str, dict[str, float]]:
    """Per group: share recognised, 95 % bootstrap interval over prompts, chance, number of checks."""
    return {name: _share([c for c in checks if name in ("all", c.group)]) for name in ("all", *GROUPS)}


def by_slot(checks: list[AttributeCheck]) -> dict[str, dict[str, float]]:
    """The same per slot, objects and colours of both places together."""
    names = sorted({_base(check.slot) for check in checks})
    return {name: _share([c for c in checks if _base(c.slot) == name]) for name in names}


def _base(slot: str) -> str:
    return slot.removesuffix("_1").removesuffix("_2").replace("colour_a", "palette").replace("colour_b", "palette")


def _share(checks: list[AttributeCheck]) -> dict[str, float]:
    if not checks:
        return {"share": float("nan"), "low": float("nan"), "high": float("nan"), "chance": float("nan"), "checks": 0}
    prompts = sorted({check.prompt for check in checks})
    hits = np.array(
        [[sum(c.recognised for c in checks if c.prompt == p), sum(c.prompt == p for c in checks)] for p in prompts]
    )
    rng = np.random.default_rng(0)
    drawn = hits[rng.integers(0, len(hits), (2000, len(hits)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    share, chance = hits[:, 0].sum() / hits[:, 1].sum(), float(np.mean([check.by_chance for check in checks]))
    return {"share": float(share), "low": float(low), "high": float(high), "chance": chance, "checks": len(checks)}


def render_reference(which: str, count: int = PROMPTS) -> tuple[list[Caption], Tensor]:
    """The real renders of the held-out prompts' scenes: what the judge can read at best."""
    found = _held_out_scenes(which, count)
    return [one for _, one in found], to_images(np.stack([render(scene) for scene, _ in found]))


def generate_pictures(captions: Iterable[Caption], settings: dict[str, Any], seeds: Iterable[int]) -> Tensor:
    """Run the real generator for every caption and seed: (captions * seeds, 3, H, W)."""
    from generator.models.likes import NAME
    from generator.models.starter import load_starter

    models = load_starter(torch.device("cpu"), name=settings.get("model", NAME))
    seeds = tuple(seeds)
    return torch.stack([drawn(one.text, models, {**settings, "seed": seed}) for one in captions for seed in seeds])


def drawn(prompt: str, models: Models, settings: dict[str, Any]) -> Tensor:
    """The finished picture (3, H, W) in [0, 1], as the generator draws it with these settings."""
    from generator.engine.loop import generate
    from generator.events import Finished
    from generator.work.plan import Plan

    config = Plan(prompt=prompt, given=settings).to_config(models.defaults)
    last = [event for event in generate(config, models) if isinstance(event, Finished)][-1]
    return last.image().clamp(0, 1)


def _made_once(path: Path, captions: list[Caption], settings: dict[str, Any], seeds: Iterable[int]) -> Tensor:
    """The pictures of an earlier call under the same name, judged anew; made where there are none."""
    if not path.exists():
        made = generate_pictures(captions, settings, seeds)
        np.save(path, (made * 255).round().byte().numpy())
    return torch.from_numpy(np.load(path)).float() / 255


def load_judge(work: Path) -> Judge:
    """The judge of a work folder; its weights are not shipped."""
    from generator.starter.making.train import load_averaged

    judge = Judge()
    load_averaged(judge, work / "judge.checkpoint.pt")
    return judge


def show(title: str, table: dict[str, dict[str, float]]) -> str:
    """A Markdown table of shares."""
    lines = [f"| {title} | recognised | 95 % interval | chance | checks |", "|---|---|---|---|---|"]
    for name, row in table.items():
        interval = f"{row['low']:.3f}-{row['high']:.3f}"
        lines.append(f"| {name} | {row['share']:.3f} | {interval} | {row['chance']:.3f} | {row['checks']:.0f} |")
    return "\n".join(lines)


def sheet(pictures: Tensor, columns: int = 12) -> NDArray[np.uint8]:
    """All pictures in one contact sheet, for people to look at."""
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    page = np.zeros((rows * (height + 4), columns * (width + 4), 3), dtype=np.uint8)
    for index, picture in enumerate(pictures):
        y, x = index // columns * (height + 4), index % columns * (width + 4)
        page[y : y + height, x : x + width] = (picture.permute(1, 2, 0).numpy() * 255).round()
    return page


def main() -> None:
    """Evaluate one configuration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--set", choices=("tune", "test"), default="tune")
    parser.add_argument("--count", type=int, default=PROMPTS)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--real", action="store_true", help="judge the real renders instead")
    parser.add_argument("--setting", action="append", default=[], help="NAME=JSON, a field of GenerateConfig")
    parser.add_argument("--name", default="report", help="of the report; its pictures are made once and kept")
    options = parser.parse_args()
    settings = {name: json.loads(value) for name, _, value in (s.partition("=") for s in options.setting)}
    captions, pictures = render_reference(options.set, options.count)
    seeds = SEEDS[: options.seeds]
    if not options.real:
        pictures = _made_once(options.work / f"{options.name}.npy", captions, settings, seeds)
    owners = [index for index in range(len(captions)) for _ in (seeds if not options.real else (0,))]
    if not (options.work / "judge.checkpoint.pt").exists():
        parser.error("there is no judge yet: run python -m generator.starter.making.train judge")
    checks = check_pictures(read_pictures(load_judge(options.work), pictures), captions, owners)
    report = {
        "set": options.set,
        "prompts": len(captions),
        "settings": settings,
        "groups": summary(checks),
        "slots": by_slot(checks),
    }
    (options.work / f"{options.name}.json").write_text(json.dumps(report, indent=1))
    from PIL import Image

    Image.fromarray(sheet(pictures)).save(options.work / f"{options.name}.png")
    print(show("group", report["groups"]), show("slot", report["slots"]), sep="\n\n")


if __name__ == "__main__":
    main()
