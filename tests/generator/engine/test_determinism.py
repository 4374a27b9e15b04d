"""Same config, same machine, same versions: the same bytes, in fresh processes and across a resume."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
TOYS = Path(__file__).parents[1] / "conftest.py"

# Run in a fresh process: what is done, with which options, how many steps, and where a checkpoint lies.
SCRIPT = """
import hashlib, runpy, sys
from pathlib import Path
from generator.engine.loop import generate, state_from_bytes, state_to_bytes
from generator.events import Checkpointed, Finished

toys = runpy.run_path(sys.argv[1])
job, options, steps, checkpoint = sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])
config = toys["make_config"](steps=10, step_size=0.3, **(toys["BUNDLE"] if options == "everything" else {}))
resume = state_from_bytes(checkpoint.read_bytes()) if job == "resume" else None
done = iter(range(1, 100))
for event in generate(config, toys["make_models"](), resume=resume, should_stop=lambda: next(done) >= steps):
    if isinstance(event, Checkpointed) and job == "begin":
        checkpoint.write_bytes(state_to_bytes(event.state))
    if isinstance(event, Finished):
        print(event.index, event.reason, hashlib.sha256(event.image().numpy().tobytes()).hexdigest())
heavy = [name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules]
print("compiler imported" if heavy else "light")
"""


def fresh(job: str, options: str, steps: int, checkpoint: Path) -> list[str]:
    arguments = [str(TOYS), job, options, str(steps), str(checkpoint)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("options", ["variant A", "everything"])
def test_fresh_processes_and_a_resumed_run_give_the_same_bytes(options: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    whole = fresh("whole", options, 99, checkpoint)
    assert fresh("whole", options, 99, checkpoint) == whole
    begun = fresh("begin", options, 4, checkpoint)
    assert begun[0].startswith("4 interrupted")
    assert begun[0].split()[-1] != whole[0].split()[-1]
    resumed = fresh("resume", options, 99, checkpoint)
    assert resumed == whole
    assert whole[0].startswith("10 done")
    assert whole[1] == "light"  # the compiler costs over a second of the first picture


def test_another_seed_is_another_picture(models: Any, toy_config: Any) -> None:
    from generator.engine.loop import generate

    pictures = []
    for seed in (1, 2):
        *_, finished = generate(toy_config(seed=seed), models)
        pictures.append(finished.image())  # type: ignore[union-attr]  # never None here
    assert not pictures[0].equal(pictures[1])
