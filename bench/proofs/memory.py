"""How near the prediction of a run's memory comes: each case in processes of its own, on the CPU, with random weights.

python -m bench.proofs.memory                      the table of docs/memory.md
python -m bench.proofs.memory --only starter       the rows whose networks have this in their name
python -m bench.proofs.memory --presets            what every preset will need, from the sizes of its networks alone
python -m bench.proofs.memory --windows            what large pictures will need, at once and in windows
python -m bench.proofs.memory --case '{"side": 128, "cutouts": 16}'     one case, here, as JSON
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bench.measure.process_memory import forget_peak, peak_mib
from generator.config import GenerateConfig
from generator.presets import PRESETS

if TYPE_CHECKING:
    from torch import Tensor

    from generator.models.base import Models

MODEL, STARTER = "imagenet-f16-1024", "starter"
DEVICES, TILES, WINDOWED_SIDES = ("CPU", "CUDA"), (0, 512, 384), (768, 1024, 2048)
STEPS = 2
"""In the second the allocator knows sizes learnt in the first, and the peak is higher; later it hardly grows."""


@dataclass(frozen=True)
class Case:
    """One run of STEPS steps."""

    side: int
    cutouts: int
    cut_batch: int = 0
    checkpointed: bool = False
    guides: str = "ViT-B/32"
    model: str = MODEL
    preset: str = ""
    """Whose augmentations it has."""
    tile: int = 0
    """Side of the windows that it is decoded in, in pixels; 0 = all at once."""
    pictures: int = 1
    """Drawn in the same steps."""

    @property
    def networks(self) -> str:
        """Short, for a table."""
        words = self.model if self.model == STARTER else f"{self.model} + {self.guides}"
        words += f", as {self.preset}" if self.preset else ""
        return words + (f", {self.pictures} in a step" if self.pictures > 1 else "")

    @property
    def decoding(self) -> str:
        """The same about its decoder."""
        return ("twice" if self.checkpointed else "once") + (f", in windows of {self.tile}" if self.tile else "")

    def to_config(self) -> GenerateConfig:
        """The run that is measured."""
        is_starter = self.model == STARTER
        return GenerateConfig(
            prompt="sunset over the sea",
            model=self.model,
            guides="" if is_starter else self.guides,
            random_weights=not is_starter,
            device="cpu",
            threads=1,
            start="noise",
            steps=STEPS,
            width=self.side,
            height=self.side,
            cutouts=self.cutouts,
            cut_batch=self.cut_batch,
            checkpointed_decoding=self.checkpointed,
            tile=self.tile,
            augmentations=PRESETS[self.preset].values["augmentations"] if self.preset else "",
            preview_every=0,
            checkpoint_every=0,
        )


CASES = (
    Case(64, 1),
    Case(64, 16),
    Case(128, 1),
    Case(128, 16),
    Case(128, 16, checkpointed=True),
    Case(128, 64),
    Case(256, 1),
    Case(256, 16),
    Case(256, 32, cut_batch=8),
    Case(256, 16, cut_batch=4, checkpointed=True),
    Case(512, 1),
    Case(512, 1, checkpointed=True),
    Case(512, 1, tile=384),
    Case(1024, 1, tile=384),
    Case(1024, 8, tile=512),
    Case(64, 4, guides="ViT-B/16"),
    Case(128, 16, guides="ViT-B/16"),
    Case(64, 1, guides="RN50"),
    Case(128, 16, guides="RN50"),
    Case(256, 16, guides="RN50"),
    Case(128, 16, preset="adafruit"),
    Case(192, 8, guides="ViT-B/32,RN50"),
    Case(128, 8, model="openimages-gumbel-f8"),
    Case(128, 8, model=STARTER),
    Case(128, 32, model=STARTER),
    Case(256, 8, model=STARTER),
    Case(512, 8, model=STARTER),
    Case(1024, 8, model=STARTER),
    Case(1024, 8, model=STARTER, tile=256),
    Case(128, 8, model=STARTER, pictures=2),
    Case(128, 8, model=STARTER, pictures=4),
    Case(256, 16, model=STARTER, pictures=4),
    Case(128, 4, pictures=2),
)


@dataclass(frozen=True)
class MemoryPeak:
    """MiB on top of the loaded networks."""

    predicted_mib: float
    measured_mib: float

    @property
    def ratio(self) -> float:
        """Above 1: predicted too much."""
        return self.predicted_mib / self.measured_mib


def measure_here(case: Case) -> MemoryPeak:
    """Runs in this process, whose earlier peak is forgotten first. Linux alone can do that."""
    import torch

    from generator.devices import release_memory
    from generator.engine.loop import turns
    from generator.engine.memory import predict_together_mib
    from generator.engine.together import Company, Due
    from generator.models.choose import load_models

    config = case.to_config()
    configs = [replace(config, seed=number) for number in range(case.pictures)]
    models = load_models(config)
    # The first convolution of a process sets up the library's own buffers, which are no part of a run.
    torch.nn.functional.conv2d(torch.zeros(1, 8, 8, 8), torch.zeros(8, 8, 3, 3))
    if case.model == STARTER:  # its five small files leave about as much free on the heap as a run takes
        release_memory(models.image.codebook.device)
    before = forget_peak()
    company, runs = Company(), [turns(one, models) for one in configs]
    # Keeping the events would keep their pictures.
    while dues := [due for run in runs if (due := next((turn for turn in run if isinstance(turn, Due)), None))]:
        company.take(dues)
    return MemoryPeak(predict_together_mib(configs, models), peak_mib() - before)


def measure(case: Case) -> MemoryPeak:
    """The same in a fresh process."""
    words = [sys.executable, "-m", "bench.proofs.memory", "--case", json.dumps(asdict(case))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return MemoryPeak(**json.loads(done.stdout))


def rows(cases: Sequence[Case], repeats: int) -> Iterator[str]:
    """A Markdown table: the median of the repeats, and their lowest and highest."""
    yield "| networks | picture | cutouts | at a time | decoding | predicted MiB | measured MiB | ratio |"
    yield "|:--|--:|--:|--:|--:|--:|--:|--:|"
    for case in cases:
        found = [measure(case) for _ in range(repeats)]
        taken = [one.measured_mib for one in found]
        middle = MemoryPeak(found[0].predicted_mib, statistics.median(taken))
        spread = f" ({min(taken):,.0f}-{max(taken):,.0f})" if repeats > 1 else ""
        yield (
            f"| {case.networks} | {case.side}x{case.side} | {case.cutouts} | {case.cut_batch or 'all'} | "
            f"{case.decoding} | {middle.predicted_mib:,.0f} | "
            f"{middle.measured_mib:,.0f}{spread} | {middle.ratio:.2f} |"
        )


@dataclass(frozen=True)
class Sizes:
    """Of an ImageModel or a GuideModel what a prediction reads."""

    codebook: Tensor | None = None
    factor: int = 0
    size: int = 0


def models_from_sizes(config: GenerateConfig, device_type: str) -> Models:
    """Published networks that need not be here, good for a prediction of their memory alone."""
    import torch

    from generator.models import vqgan
    from generator.models.allocators import allocator_of
    from generator.models.base import Models
    from generator.models.footprint import Footprint
    from generator.models.guides import ARCHITECTURES

    image = vqgan.ARCHITECTURES[config.model]
    guides = tuple(ARCHITECTURES[name.strip()] for name in config.guides.split(","))
    guide_bytes = 2 if device_type == "cuda" and config.precision == "mixed" else 4
    footprint = Footprint(image, guides, guide_bytes=guide_bytes, allocator=allocator_of(device_type))
    # Where it lies tells the device's allocator; what is never written to takes no room.
    codebook = torch.empty((image.codes, image.code_width), device="cpu" if device_type == "cpu" else "meta")
    return Models(
        image=cast(Any, Sizes(codebook=codebook, factor=image.factor)),
        guides=tuple(cast(Any, Sizes(size=sizes.side)) for sizes in guides),
        memory_mib=footprint.step_mib,
        checkpointed_memory_mib=replace(footprint, checkpointed=True).step_mib,
    )


def predict_from_sizes(config: GenerateConfig, device_type: str) -> float:
    """MiB on top of the loaded networks for a run of published ones that need not be here."""
    from generator.engine.memory import predict_memory_mib

    return predict_memory_mib(config, models_from_sizes(config, device_type))


def preset_rows() -> Iterator[str]:
    """A Markdown table: every preset as it comes, and with the two things that save most."""
    yield "| preset | picture | cutouts | CPU | CPU, 8 at a time, decoding twice | CUDA | CUDA, the same |"
    yield "|:--|--:|--:|--:|--:|--:|--:|"
    for name, preset in PRESETS.items():
        config = GenerateConfig(prompt="fog", **preset.values_for(preset.values["model"]))
        thrifty = replace(config, cut_batch=8, checkpointed_decoding=True)
        needs = (predict_from_sizes(one, device) for device in ("cpu", "cuda") for one in (config, thrifty))
        cells = " | ".join(f"{mib:,.0f}" for mib in needs)
        yield f"| {name} | {config.width}x{config.height} | {config.cutouts} | {cells} |"


def window_rows() -> Iterator[str]:
    """A Markdown table: a preset at large sizes, decoded at once and in windows."""
    shown = [f"{device}, {f'in windows of {tile}' if tile else 'at once'}" for device in DEVICES for tile in TILES]
    yield f"| picture | {' | '.join(shown)} |"
    yield f"|:--|{'--:|' * len(shown)}"
    preset = PRESETS["dreamrig"]
    config = GenerateConfig(prompt="fog", **preset.values_for(preset.values["model"]))
    for side in WINDOWED_SIDES:
        asked = [(replace(config, width=side, height=side, tile=tile), device) for device in DEVICES for tile in TILES]
        cells = " | ".join(f"{predict_from_sizes(one, device.lower()):,.0f}" for one, device in asked)
        yield f"| {side}x{side} | {cells} |"


def main(words: Sequence[str]) -> int:
    """The table, or one case as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.proofs.memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="processes per case (3)")
    parser.add_argument("--only", default="", metavar="WORD", help="cases whose networks have this in their name")
    parser.add_argument("--case", metavar="JSON", help="one case in this process")
    parser.add_argument("--presets", action="store_true", help="what every preset will need, measuring nothing")
    parser.add_argument("--windows", action="store_true", help="what large pictures will need, measuring nothing")
    chosen = parser.parse_args(words)
    if chosen.case:
        print(json.dumps(asdict(measure_here(Case(**json.loads(chosen.case))))))
        return 0
    cases = [case for case in CASES if chosen.only in case.networks]
    predicted = preset_rows() if chosen.presets else window_rows()
    for row in predicted if chosen.presets or chosen.windows else rows(cases, chosen.repeats):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
