"""The real worker with toy networks: python toy_worker.py SECONDS_PER_STEP GIVEN KEEP_SECONDS.

Everything but the networks is as it is for friends: protocol, files, checkpoints, signals. Pictures are 32 px.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from generator.crew.local import die_with_parent

TOYS = Path(__file__).parents[1] / "toy_process.py"
DEFAULTS = {"width": 32, "height": 32, "steps": 40, "checkpoint_every": 4, "cutouts": 4}


def load_toys() -> Any:
    """The module with toy networks that take their time."""
    spec = importlib.util.spec_from_file_location("toy_process", TOYS)
    assert spec is not None
    assert spec.loader is not None
    toys = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toys)
    return toys


def main() -> int:
    seconds, *arguments = sys.argv[1:]
    die_with_parent()
    from generator.crew import worker

    toys = load_toys()
    return worker.main(arguments, lambda config: replace(toys.slow_models(float(seconds)), defaults=DEFAULTS))


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
