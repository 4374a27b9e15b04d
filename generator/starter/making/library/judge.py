"""An independent judge of things: trained on photographs, and on artists whose drawings the starter has never seen.

It looks at the place where a thing was put, as a person would who is asked what that is, and names it. Its ceiling
is what it names right of the starter's artists' own drawings on the same places.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.starter.making.library.drawings import Drawings, DrawnThing
from generator.starter.making.library.photographs import FEATURES, EfficientNetLite
from generator.starter.making.library.train_things import to_drawings
from generator.starter.making.loop import Schedule, channels_last, train
from generator.starter.making.processor import autocast

VIEW, BATCH = 112, 48
TOP = 5
LOOKS = (1.0, 1.08, 1.2)
"""Sides of the squares that are looked at, of the thing's own."""


class ThingJudge(nn.Module):
    """(N, 3, 112, 112) in [0, 1] -> logits of every thing."""

    def __init__(self, things: int, trunk: EfficientNetLite | None = None) -> None:
        super().__init__()
        self.trunk = trunk or EfficientNetLite()
        self.head = nn.Linear(FEATURES, things)

    def forward(self, views: Tensor) -> Tensor:
        """As the class says."""
        logits: Tensor = self.head(F.dropout(self.trunk(views).mean((2, 3)), 0.3, self.training))
        return logits


def train_judge(
    drawings: Drawings, things: int, trunk: EfficientNetLite, folder: Path, schedule: Schedule, *, seed: int
) -> ThingJudge:
    """A judge of the drawings of other artists than the starter's; trunk: what it has seen before."""
    torch.manual_seed(seed)
    model = channels_last(ThingJudge(things, trunk))
    # A thing that three artists have drawn is seen as often as one that only one has.
    weight = 1 / np.bincount(drawings.things, minlength=things)[drawings.things]
    chance = weight / weight.sum()

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        rows = rng.choice(len(drawings), BATCH, p=chance)
        wanted = torch.from_numpy(drawings.things[rows])
        views = view(to_drawings(drawings.pictures[rows]), rng)
        with autocast():
            logits = model(views.contiguous(memory_format=torch.channels_last)).float()
        right = (logits.detach().topk(TOP, 1).indices == wanted[:, None]).any(1).float().mean()
        return {"loss": F.cross_entropy(logits, wanted, label_smoothing=0.1), "top5": right}

    trained = train("thing-judge", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, ThingJudge)
    return trained


def view(drawings: Tensor, rng: np.random.Generator) -> Tensor:
    """Drawings (N, 4, 96, 96) somewhere on backgrounds, as the starter's pictures may show them: (N, 3, 112, 112)."""
    count = len(drawings)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, *shape)).astype(np.float32))

    turn, zoom, stretch = draw(-0.2, 0.2), draw(1.0, 1.5), draw(0.88, 1.14)
    mirror = torch.from_numpy(rng.choice((-1.0, 1.0), count).astype(np.float32))
    slack = (zoom - 1).clamp(min=0.04)
    rows = (
        torch.stack((turn.cos() * zoom * mirror, turn.sin() * zoom, slack * draw(-1, 1)), 1),
        torch.stack((-turn.sin() * zoom * mirror, turn.cos() * zoom * stretch, slack * draw(-1, 1)), 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), [count, 4, VIEW, VIEW], align_corners=False)
    small = F.grid_sample(drawings, grid, mode="bilinear", align_corners=False)
    rgb, alpha = small[:, :3], small[:, 3:]
    # The light of the sky, and other colours: who knows a fox by its orange alone knows no blue fox.
    tint, mix = draw(0.6, 1.15, 3, 1, 1), draw(0, 1, 1, 1, 1)
    order = torch.from_numpy(rng.permutation(3))
    swapped = torch.where(mix > 0.85, rgb[:, order], rgb) * tint
    ramp = torch.linspace(0, 1, VIEW)[None, None, :, None]
    behind = draw(0, 1, 3, 1, 1) * (1 - ramp) + draw(0, 1, 3, 1, 1) * ramp
    edge = (ramp > draw(0.2, 0.8, 1, 1, 1)).float() * draw(0, 1, 1, 1, 1).round()
    behind = behind * (1 - edge) + draw(0, 1, 3, 1, 1) * edge
    shown = swapped.clamp(0, 1) * 1.0 + (1 - alpha) * behind
    blurred = F.avg_pool2d(shown, 3, 1, 1, count_include_pad=False)
    shown = torch.where(draw(0, 1, 1, 1, 1) < 0.35, blurred, shown)
    return (shown + 0.03 * draw(-1, 1, 3, VIEW, VIEW)).clamp(0, 1)


@torch.no_grad()
def named(judge: ThingJudge, picture: Tensor, box: tuple[float, float, float, float], count: int = TOP) -> list[int]:
    """The things the judge sees in a box (left, top, right, foot; pixels) of a picture (3, H, W), likeliest first.

    It looks closely and with something of what is round it, and at the mirror image of each. Which looks are taken was
    chosen for how much is named of the artists' own drawings, on the `tune` prompts.
    """
    left, top, right, foot = box
    side = max(right - left, foot - top)
    x, y = (left + right) / 2, (top + foot) / 2
    views = torch.cat([_cut(picture, x, y, side * scale) for scale in LOOKS])
    logits = judge(torch.cat((views, views.flip(3)))).log_softmax(1)
    return [int(number) for number in logits.mean(0).topk(count).indices]


def _cut(picture: Tensor, x: float, y: float, side: float) -> Tensor:
    """The square (1, 3, 112, 112) of a picture round a point; outside of it its rim goes on."""
    height, width = picture.shape[1:]
    scale = torch.tensor([[[side / width, 0, 2 * x / width - 1], [0, side / height, 2 * y / height - 1]]])
    # Twice as fine and averaged, so that a large thing made small has no torn lines.
    grid = F.affine_grid(scale, [1, 3, 3 * VIEW, 3 * VIEW], align_corners=False)
    return F.avg_pool2d(F.grid_sample(picture[None], grid, padding_mode="border", align_corners=False), 3)


def siblings(things: list[DrawnThing]) -> list[set[int]]:
    """Per thing the numbers that count as it: a cat and its face, trains of every kind, faces of one mood."""
    heads = [_head(thing) for thing in things]
    return [
        {other for other, head in enumerate(heads) if head == heads[number] or _contains(things[number], things[other])}
        for number in range(len(things))
    ]


_ALIKE = {
    "locomotive": "train", "bullet train": "train", "high-speed train": "train", "metro": "train",
    "railway car": "train",
    "light rail": "train", "tram car": "train", "tram": "train", "mountain railway": "train", "monorail": "train",
    "ewe": "sheep", "ram": "sheep", "ox": "cow", "water buffalo": "cow", "cow face": "cow", "bison": "cow",
    "teddy bear": "bear", "polar bear": "bear", "spouting whale": "whale", "blowfish": "fish", "tropical fish": "fish",
    "hatching chick": "chick", "baby chick": "chick", "front-facing baby chick": "chick", "merman": "mermaid",
    "merperson": "mermaid", "motor boat": "speedboat", "black bird": "bird", "two-hump camel": "camel", "orca": "whale",
    "guide dog": "dog", "service dog": "dog", "poodle": "dog", "black cat": "cat", "rat": "mouse", "boar": "pig",
    "rooster": "chicken", "sun with face": "sun", "derelict house": "house", "house with garden": "house",
    "passenger ship": "ship", "ferry": "ship", "sport utility vehicle": "automobile", "taxi": "automobile",
    "skull and crossbones": "skull", "snowman without snow": "snowman", "soft ice cream": "ice cream",
    "green apple": "apple", "red apple": "apple", "clinking beer mugs": "beer mug", "brown mushroom": "mushroom",
    "deciduous tree": "tree", "evergreen tree": "tree", "Japanese castle": "castle", "glowing star": "star",
    "oncoming automobile": "automobile", "oncoming bus": "bus", "oncoming taxi": "automobile", "trolleybus": "bus",
    "minibus": "bus", "delivery truck": "truck", "articulated lorry": "truck", "pickup truck": "truck",
}  # fmt: skip


def _head(thing: DrawnThing) -> str:
    plain = thing.name.removesuffix(" face")
    return _ALIKE.get(thing.name, plain)


def _contains(one: DrawnThing, other: DrawnThing) -> bool:
    return one.category == other.category and one.subgroup == other.subgroup and one.name in other.name.split()
