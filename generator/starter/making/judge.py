"""An independent judge: which attributes of the world can be read off a picture?

Its own seed, its own scenes and its own architecture (a batch-normalised stack that looks for things cell by cell, as
a detector does); it never sees a caption, a latent or a generated picture while it learns, and nothing that guides
generation has seen it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from generator.starter import words
from generator.starter.making.loop import Schedule, channels_last, train
from generator.starter.making.pool import Pool, shrink
from generator.starter.making.processor import autocast
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import NONE, SLOTS, spots

CHOICES = ("style", "sky", "ground", "back", "light", "stars", "clouds", "extra", "pattern", "colour_a", "colour_b")
_OBJECTS, _COLOURS = len(words.OBJECTS), len(words.COLOURS)
_LANDSCAPE = ("sky", "ground", "back", "light", "stars", "clouds", "extra")
_CELLS = 8
"""Things are looked for in a grid of 8x8 cells."""
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
PRESENT = 0.9
"""A kind of object counts as recognised when some cell gives it more than this share of its belief.

Calibrated on 1,200 fresh real renders, before any generated picture was read with it: 0.97 of the objects there (one or
two to a picture alike) and 1.6 % of the absent kinds are above it.
"""
GROUPS = ("scene", "colour", "object", "other")
"""scene: sky (which tells the time of day) and ground; colour: palette and objects' colours; object: things, shapes."""


class _Norm(nn.BatchNorm2d):
    """Batch normalisation in float32 whatever autocast says: bfloat16 statistics are too coarse to learn from."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


def _block(inside: int, outside: int, dilation: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, 3, padding=dilation, dilation=dilation, bias=False), _Norm(outside), nn.ReLU(),
    ]  # fmt: skip


class Judge(nn.Module):
    """(N, 3, 64, 64) in [0, 1] -> logits of every choice, and of each cell's kind of object and colour."""

    def __init__(self) -> None:
        super().__init__()
        pool = [nn.MaxPool2d(2)]
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), *_block(32, 64), *pool, *_block(64, 96), *_block(96, 96), *pool,
            *_block(96, 160), *_block(160, 160), *_block(160, 160, dilation=2),
        )  # fmt: skip
        self.sizes = [len(SLOTS[name]) for name in CHOICES]
        self.scene = nn.Sequential(nn.Linear(160 * 12, 256), nn.ReLU(), nn.Linear(256, sum(self.sizes)))
        self.things = nn.Conv2d(160, _OBJECTS + 1 + _COLOURS, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        """One tensor per choice, then kinds (N, 19, 8, 8; the last is none), then colours (N, 12, 8, 8)."""
        cells = self.trunk(images - 0.5)
        # Landscapes are read by height: the mean and the maximum of four bands, and the mean of four columns.
        bands = torch.cat((F.adaptive_avg_pool2d(cells, (4, 1)), F.adaptive_max_pool2d(cells, (4, 1))), 2).flatten(1)
        columns = F.adaptive_avg_pool2d(cells, (1, 4)).flatten(1)
        choices = self.scene(torch.cat((bands, columns), 1)).float().split(self.sizes, 1)
        kinds, colours = self.things(cells).float().split([_OBJECTS + 1, _COLOURS], 1)
        return [*choices, kinds, colours]


@dataclass(frozen=True)
class _Truth:
    """What the pool's scenes are: (N,) a class per choice, -1 where it does not show; (N, 2) things, -1 for none."""

    choices: dict[str, Tensor]
    kinds: Tensor
    colours: Tensor
    spots: Tensor
    """(N, 2, 3): x, y and radius as fractions of the side."""


def train_judge(pool: Pool, folder: Path, schedule: Schedule, *, seed: int, batch: int = 128) -> Judge:
    """A judge trained on real renders: clean, mirrored, blurred, noisy, dimmed and slightly shifted."""
    torch.manual_seed(seed)
    model = channels_last(Judge())
    small = np.concatenate([shrink(pool.pictures[at : at + 1000], 2) for at in range(0, len(pool), 1000)])
    truth = _truth(pool)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        chosen = torch.from_numpy(rng.integers(0, len(pool), batch))
        images, places = _disturb(to_images(small[chosen.numpy()]), truth.spots[chosen], rng)
        with autocast():
            read = model(images.contiguous(memory_format=torch.channels_last))
        return _losses(read, truth, chosen, places)

    trained = train("judge", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, Judge)
    return trained


def _truth(pool: Pool) -> _Truth:
    slots = {name: torch.from_numpy(pool.scenes[:, at].astype(np.int64)) for at, name in enumerate(SLOTS)}
    landscape = slots["kind"] == SLOTS["kind"].index("landscape")
    choices = {}
    for name in CHOICES:
        shows = torch.ones_like(landscape) if name == "style" else landscape == (name in _LANDSCAPE)
        if name == "colour_b":
            shows = shows & (slots["pattern"] != SLOTS["pattern"].index("plain"))
        choices[name] = torch.where(shows, slots[name], -1)
    kinds = torch.stack((slots["object_1"], slots["object_2"]), 1) - 1
    colours = torch.stack((slots["colour_1"], slots["colour_2"]), 1)
    places = torch.tensor([spots(pool.scene(index))[3:] for index in range(len(pool))])
    return _Truth(choices, kinds, colours, places)


def _disturb(images: Tensor, places: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    side = images.shape[-1]
    across, down = (int(value) for value in rng.integers(-3, 4, 2))
    padded = F.pad(images, (3, 3, 3, 3), mode="replicate")
    images = padded[..., 3 - down : 3 - down + side, 3 - across : 3 - across + side]
    places = places + torch.tensor([across / side, down / side, 0.0])
    mirrored = torch.from_numpy(rng.random(len(images)) < 0.5)
    images = torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)
    places[mirrored, :, 0] = 1 - places[mirrored, :, 0]
    amount = torch.from_numpy(rng.random((2, len(images))).astype(np.float32)).view(2, -1, 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.where(amount[0] < 0.3, blurred, images)
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    return (images - 0.5) * (0.9 + 0.2 * amount[1]) + 0.5 + noise * 0.06 * (amount[0] > 0.6), places


def _losses(read: list[Tensor], truth: _Truth, chosen: Tensor, places: Tensor) -> dict[str, Tensor]:
    *choices, kinds, colours = read
    scene = [
        F.cross_entropy(logits, truth.choices[name][chosen], ignore_index=-1)
        for name, logits in zip(CHOICES, choices, strict=True)
    ]
    kind_wanted, colour_wanted = _cells(truth.kinds[chosen], truth.colours[chosen], places)
    wrong = F.cross_entropy(kinds, kind_wanted, ignore_index=-1, reduction="none")
    thing = (kind_wanted >= 0) & (kind_wanted < _OBJECTS)
    empty = kind_wanted == _OBJECTS
    # As much weight for the few cells with a thing as for the many without.
    objects = wrong[thing].mean() + wrong[empty].mean()
    coloured = F.cross_entropy(colours, colour_wanted, ignore_index=-1)
    presence = _presence(kinds.detach())
    rows, numbers = (truth.kinds[chosen] >= 0).nonzero(as_tuple=True)
    found = (presence[rows, truth.kinds[chosen][rows, numbers]] > PRESENT).float().mean()
    false = ((presence > PRESENT).sum() - found * len(rows)) / presence.numel()
    loss = torch.stack(scene).mean() + objects + coloured
    return {"loss": loss, "objects": objects, "colours": coloured, "found": found, "false": false}


def _cells(kinds: Tensor, colours: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Wanted kind and colour per cell (N, 8, 8): a thing at its middle, none well outside, -1 (either) between."""
    at = (torch.arange(_CELLS) + 0.5) / _CELLS
    y, x = torch.meshgrid(at, at, indexing="ij")
    wanted = torch.full((len(kinds), _CELLS, _CELLS), _OBJECTS)
    colour = torch.full_like(wanted, -1)
    for number in (0, 1):  # the second is painted over the first
        shown = (kinds[:, number] >= 0).view(-1, 1, 1)
        centre = places[:, number, :, None, None]
        distance = torch.maximum((x - centre[:, 0]).abs(), (y - centre[:, 1]).abs())
        middle = shown & (distance <= torch.clamp(0.4 * centre[:, 2], min=0.51 / _CELLS))
        wanted = torch.where(shown & (distance <= centre[:, 2] + 0.5 / _CELLS), -1, wanted)
        wanted = torch.where(middle, kinds[:, number].view(-1, 1, 1), wanted)
        colour = torch.where(middle, colours[:, number].view(-1, 1, 1), colour)
    return wanted, colour


def _presence(kinds: Tensor) -> Tensor:
    """The highest belief of any cell in each kind: (N, 19, 8, 8) logits -> (N, 18)."""
    return kinds.softmax(1)[:, :-1].amax((2, 3))


def _colour_of_kinds(kinds: Tensor, colours: Tensor) -> Tensor:
    """The colour at the cell where each kind is believed most: (N, 18) indices."""
    best = kinds.softmax(1)[:, :-1].flatten(2).argmax(2)
    return colours.argmax(1).flatten(1).gather(1, best)


@dataclass(frozen=True)
class JudgeReading:
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
def read_pictures(judge: Judge, images: Tensor) -> JudgeReading:
    """Read (N, 3, H, W) pictures in [0, 1] of any size."""
    small = F.interpolate(images, (64, 64), mode="area") if images.shape[-2:] != (64, 64) else images
    *choices, kinds, colours = judge(small)
    named = {name: part.argmax(1).numpy() for name, part in zip(CHOICES, choices, strict=True)}
    return JudgeReading(named, _presence(kinds).numpy(), _colour_of_kinds(kinds, colours).numpy())


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
