"""Make the starter's weights: `python -m generator.starter.making.train all --work FOLDER`.

Every stage resumes where it was interrupted and is the same from the same seed. docs/starter-model.md holds the costs.
"""

import argparse
from pathlib import Path

import torch
from torch import nn

from generator.models.tiny.start import ScenePainter
from generator.models.tiny.vqgan import TinyVQGAN
from generator.starter.making.loop import Schedule
from generator.starter.making.pool import Pool, open_pool
from generator.starter.world import PART_SLOTS, SLOT_SIZES

SEED = 2026
POOL, LAYOUTS = 60_000, 200_000
JUDGE_SEED, JUDGE_POOL = 7_141, 40_000


def main() -> None:
    """Run the stages named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "all"])
    parser.add_argument("--work", type=Path, required=True, help="folder for the pool and the checkpoints (4 GB)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, help="train this many steps instead of the stage's own number")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in STAGES if options.stage == "all" else [options.stage]:
        STAGES[name](options)


def _pool(options: argparse.Namespace) -> Pool:
    return open_pool(options.work / "pool", SEED, POOL)


def _vqgan(options: argparse.Namespace) -> None:
    from generator.starter.making.train_vqgan import train_vqgan

    schedule = Schedule(steps=options.steps or 4500, learning_rate=1.5e-3, average=0.995)
    train_vqgan(_pool(options), options.work, schedule, seed=SEED)


def _composer(options: argparse.Namespace) -> None:
    from generator.starter.making.train_start import train_composer

    schedule = Schedule(steps=options.steps or 1300, learning_rate=1.5e-3, weight_decay=0.01, average=0.998)
    train_composer(options.work, schedule, seed=SEED)


def _painter(options: argparse.Namespace) -> None:
    from generator.starter.making.train_start import train_painter

    schedule = Schedule(steps=options.steps or 9000, learning_rate=2e-3, average=0.995)
    train_painter(_pool(options), load_vqgan(options.work), options.work, schedule, seed=SEED)


def _clip(options: argparse.Namespace) -> None:
    from generator.starter.making.train_clip import train_clip

    schedule = Schedule(steps=options.steps or 7200, learning_rate=1e-3, weight_decay=0.05, average=0.998)
    train_clip(_pool(options), 1500, options.work, options.work, schedule, seed=SEED)


def _layout(options: argparse.Namespace) -> None:
    from generator.starter.making.train_layout import open_layouts, train_layout

    layouts = open_layouts(options.work / "layouts", SEED, LAYOUTS)
    schedule = Schedule(steps=options.steps or 16_000, learning_rate=2.5e-3, weight_decay=0.01, average=0.998)
    train_layout(layouts, options.work, schedule, seed=SEED)


def _judge(options: argparse.Namespace) -> None:
    from generator.starter.making.judge import train_judge

    pool = open_pool(options.work / "judge-pool", JUDGE_SEED, JUDGE_POOL)
    schedule = Schedule(steps=options.steps or 2000, learning_rate=2e-3, weight_decay=0.02, average=0.99)
    train_judge(pool, options.work, schedule, seed=JUDGE_SEED)


def _things(options: argparse.Namespace) -> None:
    from generator.starter.making.library.drawings import open_drawings
    from generator.starter.making.library.train_things import train_things

    drawings = open_drawings(options.work / "packages", options.work / "drawings")
    schedule = Schedule(steps=options.steps or 2400, learning_rate=1e-3, average=0.995)
    train_things(drawings, options.work, schedule, seed=SEED)


def _grids(options: argparse.Namespace) -> None:
    from generator.starter.making.train_start import refine_painter

    painter = ScenePainter(SLOT_SIZES, PART_SLOTS, TinyVQGAN().codebook.shape[1])
    load_averaged(painter, options.work / "painter.checkpoint.pt")
    painter.requires_grad_(True)
    schedule = Schedule(steps=options.steps or 2600, learning_rate=1e-3, warmup=30, average=0.99)
    refine_painter(painter, load_vqgan(options.work), options.work / "grids", schedule, seed=SEED)


def _thing_judge(options: argparse.Namespace) -> None:
    from generator.starter.making.library.drawings import open_drawings, read_things
    from generator.starter.making.library.judge import train_judge
    from generator.starter.making.library.packages import JUDGES
    from generator.starter.making.library.photographs import taught_by_photographs

    packages = options.work / "packages"
    drawings = open_drawings(packages, options.work / "judge-drawings", JUDGES)
    schedule = Schedule(steps=options.steps or 1500, learning_rate=6e-4, weight_decay=0.02, average=0.99)
    trunk = taught_by_photographs(packages)
    train_judge(drawings, len(read_things(packages)), trunk, options.work, schedule, seed=JUDGE_SEED)


def load_vqgan(work: Path) -> TinyVQGAN:
    """The trained VQGAN of a work folder, from its last checkpoint's averaged weights."""
    model = TinyVQGAN()
    load_averaged(model, work / "vqgan.checkpoint.pt", "vqgan.")
    return model


def load_averaged(model: nn.Module, checkpoint: Path, prefix: str = "") -> None:
    """Give `model` the averaged weights of a checkpoint of our training loop, those under `prefix`, ready for use."""
    averaged = torch.load(checkpoint, weights_only=True)["averaged"]
    model.load_state_dict(
        {key.removeprefix(prefix): value for key, value in averaged.items() if key.startswith(prefix)}
    )
    model.eval().requires_grad_(False)


def _codes(options: argparse.Namespace) -> None:
    from generator.models.likes import SECOND
    from generator.models.staged import StagedStart
    from generator.models.starter import load_starter
    from generator.starter.making.train_codes import train_codes

    start = load_starter(name=SECOND).start
    assert isinstance(start, StagedStart)
    schedule = Schedule(steps=options.steps or 1600, learning_rate=6e-4, average=0.995)
    train_codes(start, options.work / "codes", schedule, seed=SEED)


def _export(options: argparse.Namespace) -> None:
    from generator.starter.making.export import export

    export(options.work)


def _export_codes(options: argparse.Namespace) -> None:
    from generator.starter.making.export import export_codes

    export_codes(options.work)


def _export_words(options: argparse.Namespace) -> None:
    from generator.starter.making.export import export_words

    export_words(options.work)


STAGES = {
    "vqgan": _vqgan,
    "clip": _clip,
    "layout": _layout,
    "composer": _composer,
    "painter": _painter,
    "grids": _grids,
    "things": _things,
    "thing-judge": _thing_judge,
    "judge": _judge,
    "export": _export,
    "export-words": _export_words,
    "codes": _codes,
    "export-codes": _export_codes,
}


if __name__ == "__main__":
    main()
