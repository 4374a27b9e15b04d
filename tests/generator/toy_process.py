"""A command with toy networks as a process of its own: python toy_process.py SECONDS_PER_STEP COMMAND ARGUMENT…

TOY_FILE_LIMIT, if set: bytes beyond which no file can grow, as on a full disk; from step TOY_LIMIT_FROM (0) on.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from dreamrig import console
from dreamrig.errors import InterruptedByUser, RigError
from generator.front.cli import generate as cli
from generator.front.cli.video import video
from generator.work.door import GeneratorDoor


def load_conftest() -> Any:
    """The module with the toy networks."""
    spec = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    toys = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toys)
    return toys


def slow_models(seconds_per_step: float) -> Any:
    """Toy networks whose guide takes its time."""
    toys = load_conftest()

    class SlowGuide(toys.ToyGuide):  # type: ignore[misc, name-defined]
        steps = 0

        def encode_image(self, cutouts: Any) -> Any:
            self.steps += 1
            if "TOY_FILE_LIMIT" in os.environ and self.steps > int(os.environ.get("TOY_LIMIT_FROM", "0")):
                limit = int(os.environ["TOY_FILE_LIMIT"])
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            time.sleep(seconds_per_step)
            return super().encode_image(cutouts)

    return toys.make_models(guides=(SlowGuide(),))


def main() -> int:
    seconds, command, *arguments = sys.argv[1:]
    door = GeneratorDoor(load_models=lambda config: slow_models(float(seconds)))
    try:
        function = video if command == "video" else getattr(cli, command)
        code: int = function(arguments, *([door] if command in ("generate", "again", "video") else []))
    except (RigError, KeyboardInterrupt) as error:
        told = error if isinstance(error, RigError) else InterruptedByUser("Interrupted.")
        console.print_error(told)
        return told.exit_code
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started with it ignored
    sys.exit(main())
