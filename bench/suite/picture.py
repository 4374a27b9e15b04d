"""Whole pictures by `dreamrig generate` in processes of their own: how soon one sees something, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from dreamrig.errors import NotReadyError

PROMPT = "sunset over the sea"


@dataclass(frozen=True)
class PictureTimes:
    """Of one picture."""

    first_preview_seconds: float | None
    """By the clock, from the start of the process."""
    processor_seconds: float
    """Of the whole process with one thread: what it takes on a core that is free."""


def draw_picture(side: int) -> PictureTimes:
    """The starter's picture of a side, as one gets it who asks for nothing else; NotReadyError where it fails."""
    words = [
        sys.executable, "-m", "dreamrig", "generate", PROMPT, "--width", str(side), "--height", str(side),
        "--seed", "0", "--threads", "1", "--device", "cpu", "--json", "--quiet",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="dreamrig-suite-") as home:
        before = _children_seconds()
        environ = {**os.environ, "DREAMRIG_HOME": home, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ, cwd=home)
        spent = _children_seconds() - before
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotReadyError(f"dreamrig generate failed: {last}.", hint="run: dreamrig generate --debug")
    return PictureTimes(json.loads(done.stdout)["data"]["timings"]["first_preview_seconds"], spent)


def _children_seconds() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system
