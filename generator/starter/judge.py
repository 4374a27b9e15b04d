"""An independent judge: which attributes of the world can be read off a picture?

Its own seed, its own scenes and its own architecture (a batch-normalised, max-pooled stack); it never sees a caption,
a latent or a generated picture while it learns, and nothing that guides generation has seen it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from generator.starter import words
from generator.starter.loop import Schedule, channels_last, train
from generator.starter.pool import Pool, halve
from generator.starter.train_vqgan import to_images
from generator.starter.world import NONE, SLOTS, Scene

CHOICES = ("style", "sky", "ground", "back", "light", "stars", "clouds", "extra", "pattern", "colour_a", "colour_b")
_OBJECTS, _COLOURS = len(words.OBJECTS), len(words.COLOURS)
_LANDSCAPE = ("sky", "ground", "back", "light", "stars", "clouds", "extra")
_GROUPS = {
    "sky": "scene",
    "ground": "scene",
    "object_1": "object",
    "object_2": "object",
    "colour_1": "colour",
    "colour_2": "colour",
    "colour_a": "colour",
    "colour_b": "colour",
}
PRESENT = 0.12
"""An object counts as recognised above this share of the judge's belief, which two objects have to divide.

Calibrated on 1,200 fresh real renders, before any generated picture was read with it: 0.82 of the objects there and
1.5 % of the absent kinds are above it (at 0.25: 0.75 and 0.5 %, and of two objects only every second).
"""
GROUPS = ("scene", "colour", "object", "other")
"""scene: sky (which tells the time of day) and ground; colour: palette and objects' colours; object: things, shapes."""


class _Norm(nn.BatchNorm2d):
    """Batch normalisation in float32 whatever autocast says: bfloat16 statistics are too coarse to learn from."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


def _block(inside: int, outside: int) -> list[nn.Module]:
    return [nn.Conv2d(inside, outside, 3, padding=1, bias=False), _Norm(outside), nn.ReLU()]


class Judge(nn.Module):
    """(N, 3, 64, 64) in [0, 1] -> logits of every choice, of the kinds of object and none, of each kind's colour."""

    def __init__(self) -> None:
        super().__init__()
        pool = [nn.MaxPool2d(2)]
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), *_block(32, 64), *pool, *_block(64, 96), *_block(96, 96), *pool,
            *_block(96, 160), *_block(160, 160), *pool,
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(160 * 16, 512), nn.ReLU(),
        )  # fmt: skip
        self.sizes = [len(SLOTS[name]) for name in CHOICES]
        self.head = nn.Linear(512, sum(self.sizes) + _OBJECTS + 1 + _OBJECTS * _COLOURS)

    def forward(self, images: Tensor) -> list[Tensor]:
        """One tensor per choice, then kinds (N, 19; the last is none), then colours (N, 18, 12)."""
        parts = self.head(self.trunk(images - 0.5)).float().split([*self.sizes, _OBJECTS + 1, _OBJECTS * _COLOURS], 1)
        return [*parts[:-1], parts[-1].unflatten(1, (_OBJECTS, _COLOURS))]


def train_judge(pool: Pool, folder: Path, schedule: Schedule, *, seed: int, batch: int = 128) -> Judge:
    """A judge trained on real renders: clean, blurred, noisy, dimmed and slightly shifted."""
    torch.manual_seed(seed)
    model = channels_last(Judge())
    small = np.concatenate([halve(pool.pictures[at : at + 1000]) for at in range(0, len(pool), 1000)])

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        chosen = rng.integers(0, len(pool), batch)
        images = _disturb(to_images(small[chosen]), rng)
        with torch.autocast("cpu", torch.bfloat16):
            read = model(images.contiguous(memory_format=torch.channels_last))
        return _losses(read, [pool.scene(int(i)) for i in chosen])

    trained = train("judge", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, Judge)
    return trained


def _disturb(images: Tensor, rng: np.random.Generator) -> Tensor:
    shift = rng.integers(-3, 4, 2)
    images = torch.roll(F.pad(images, (3, 3, 3, 3), mode="replicate"), (int(shift[0]), int(shift[1])), (2, 3))[
        ..., 3:-3, 3:-3
    ]
    amount = torch.from_numpy(rng.random((2, len(images))).astype(np.float32)).view(2, -1, 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.where(amount[0] < 0.3, blurred, images)
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    return (images - 0.5) * (0.9 + 0.2 * amount[1]) + 0.5 + noise * 0.06 * (amount[0] > 0.6)


def _losses(read: list[Tensor], scenes: list[Scene]) -> dict[str, Tensor]:
    losses = []
    for name, logits in zip(CHOICES, read, strict=False):
        rows = [row for row, scene in enumerate(scenes) if _visible(scene, name)]
        wanted = torch.tensor([SLOTS[name].index(scenes[row][name]) for row in rows])
        losses.append(F.cross_entropy(logits[rows], wanted))
    present = torch.zeros(len(scenes), _OBJECTS + 1)
    owners, kinds, colours = [], [], []
    for row, scene in enumerate(scenes):
        for kind, colour, *_ in scene.objects():
            present[row, words.OBJECTS.index(kind)] = 1
            owners.append(row)
            kinds.append(words.OBJECTS.index(kind))
            colours.append(words.COLOURS.index(colour))
    present[present.sum(1) == 0, -1] = 1
    objects = F.cross_entropy(read[-2], present / present.sum(1, keepdim=True))
    coloured = F.cross_entropy(read[-1][owners, kinds], torch.tensor(colours))
    shown = present[:, :-1] > 0
    found = ((_presence(read[-2].detach()) > PRESENT) & shown).sum() / shown.sum()
    return {"loss": torch.stack(losses).mean() + objects + coloured, "objects": objects, "found": found}


def _presence(kinds: Tensor) -> Tensor:
    """Share of belief in each kind: (N, 19) logits -> (N, 18); a picture of two things has about a half for each."""
    return kinds.softmax(1)[:, :-1]


def _visible(scene: Scene, name: str) -> bool:
    """Whether the slot shows in the picture at all: a pattern has no sky, a plain background no second colour."""
    if name == "style":
        return True
    if (name in _LANDSCAPE) != (scene["kind"] == "landscape"):
        return False
    return name != "colour_b" or scene["pattern"] != "plain"


@dataclass(frozen=True)
class Reading:
    """What the judge reads off pictures; row n belongs to picture n."""

    choices: dict[str, NDArray[np.int64]]
    presence: NDArray[np.float32]
    colours: NDArray[np.int64]

    def confirms(self, row: int, slot: str, value: str, stated: dict[str, str]) -> bool:
        """Whether picture `row` shows `slot` = `value`; an object's colour is looked for on the kind in `stated`."""
        if slot.startswith("object_"):
            return bool(self.presence[row, words.OBJECTS.index(value)] > PRESENT)
        if slot in ("colour_1", "colour_2"):
            kind = words.OBJECTS.index(stated[slot.replace("colour", "object")])
            return bool(self.colours[row, kind] == words.COLOURS.index(value))
        if slot in ("colour_a", "colour_b") and "colour_b" in stated and stated.get("pattern") != "gradient":
            # Which of two colours is the first is the renderer's business: stripes of a and b are stripes of b and a.
            read = {int(self.choices["colour_a"][row]), int(self.choices["colour_b"][row])}
            return SLOTS[slot].index(value) in read
        return bool(self.choices[slot][row] == SLOTS[slot].index(value))


@torch.no_grad()
def read_pictures(judge: Judge, images: Tensor) -> Reading:
    """Read (N, 3, H, W) pictures in [0, 1] of any size."""
    small = F.interpolate(images, (64, 64), mode="area") if images.shape[-2:] != (64, 64) else images
    *choices, kinds, colours = judge(small)
    named = {name: part.argmax(1).numpy() for name, part in zip(CHOICES, choices, strict=True)}
    return Reading(named, _presence(kinds).numpy(), colours.argmax(2).numpy())


def judged(stated: dict[str, str]) -> dict[str, str]:
    """The stated attributes the judge can read: no places or sizes, no colours of the light or of the hills."""
    readable = {slot: value for slot, value in stated.items() if slot in CHOICES or slot in _GROUPS}
    return {
        slot: value
        for slot, value in readable.items()
        if value in SLOTS[slot] and value != NONE and not (slot.startswith("colour_") and _needs_kind(slot, stated))
    }


def _needs_kind(slot: str, stated: dict[str, str]) -> bool:
    return slot in ("colour_1", "colour_2") and slot.replace("colour", "object") not in stated


def group(slot: str) -> str:
    """The group of GROUPS a slot is reported in."""
    return _GROUPS.get(slot, "other")
