"""A pool of rendered scenes on disk: drawn once, shared by every training stage."""

import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.starter.making.render import render
from generator.starter.world import SIDE, SLOTS, Scene, draw_scene

_CHUNK = 1000


@dataclass(frozen=True)
class Pool:
    """pictures (N, SIDE, SIDE, 3) uint8, memory-mapped; scenes (N, slots) uint8 indices into SLOTS."""

    pictures: NDArray[np.uint8]
    scenes: NDArray[np.uint8]

    def scene(self, index: int) -> Scene:
        """The scene of one picture."""
        return Scene.from_indices([int(value) for value in self.scenes[index]])

    def __len__(self) -> int:
        return len(self.scenes)


def scene_at(seed: int, index: int) -> Scene:
    """Scene `index` of the pool drawn from `seed`; needs none of the others."""
    return draw_scene(random.Random(f"{seed}/{index}"))


def shrink(pictures: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """(N, S, S, 3) -> (N, S/factor, S/factor, 3) by averaging."""
    count, side = pictures.shape[0], pictures.shape[1] // factor
    mean = pictures.reshape(count, side, factor, side, factor, 3).mean((2, 4))
    return np.asarray(mean.round(), dtype=np.uint8)


def _chunk(seed: int, start: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    scenes = [scene_at(seed, index) for index in range(start, start + count)]
    pictures = np.stack([render(scene) for scene in scenes])
    return pictures, np.asarray([scene.indices() for scene in scenes], dtype=np.uint8)


def open_pool(folder: Path, seed: int, count: int, workers: int = 2) -> Pool:
    """The pool in `folder`, rendered first where it is missing, half-made or of another seed or size."""
    done = folder / "pool.json"
    wanted = {"seed": seed, "count": count, "side": SIDE, "slots": list(SLOTS), "version": 1}
    if not (done.exists() and json.loads(done.read_text()) == wanted):
        done.unlink(missing_ok=True)
        _render_pool(folder, seed, count, workers)
        done.write_text(json.dumps(wanted))
    pictures = np.load(folder / "pictures.npy", mmap_mode="r")
    return Pool(pictures, np.load(folder / "scenes.npy"))


def _render_pool(folder: Path, seed: int, count: int, workers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = (count, SIDE, SIDE, 3)
    pictures = np.lib.format.open_memmap(folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=shape)
    scenes = np.zeros((count, len(SLOTS)), dtype=np.uint8)
    starts = range(0, count, _CHUNK)
    with ProcessPoolExecutor(workers) as executor:
        counts = [min(_CHUNK, count - start) for start in starts]
        for start, (drawn, slots) in zip(starts, executor.map(partial(_chunk, seed), starts, counts), strict=True):
            pictures[start : start + len(drawn)] = drawn
            scenes[start : start + len(drawn)] = slots
            print(f"rendered {start + len(drawn)}/{count}", flush=True)
    pictures.flush()
    np.save(folder / "scenes.npy", scenes)
