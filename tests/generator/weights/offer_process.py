"""`dreamrig generate` with networks of a test's own registry, as a process for a terminal: REGISTRY WORD..."""

import sys
from pathlib import Path

import torch

from dreamrig import console
from dreamrig.errors import RigError
from generator.front.cli.generate import generate
from generator.models.full import load_full
from generator.weights.door import WeightsDoor
from generator.work.door import GeneratorDoor

if __name__ == "__main__":
    registry = Path(sys.argv[1])
    door = GeneratorDoor(
        load_models=lambda config: load_full(config, torch.device("cpu")),
        weights=lambda: WeightsDoor(registry_file=registry),
    )
    try:
        sys.exit(generate(sys.argv[2:], door))
    except RigError as error:
        console.print_error(error)
        sys.exit(error.exit_code)
