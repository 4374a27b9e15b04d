"""How near the prediction of a run's memory comes: each case in a process of its own, on the CPU, with random weights.

python -m bench.memory                      the table of docs/memory.md
python -m bench.memory 256 32 0 no          one case: side, cutouts, cut_batch, checkpointed decoding
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MODEL = "imagenet-f16-1024"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
MIB = 1024
"""KiB in a MiB: /proc counts in KiB."""
# Side in pixels, cutouts, cut_batch, checkpointed decoding.
CASES = (
    (128, 16, 0, False),
    (256, 32, 0, False),
    (256, 32, 8, False),
    (256, 32, 8, True),
    (256, 64, 0, False),
    (384, 32, 0, False),
    (384, 32, 8, True),
)


@dataclass(frozen=True)
class Case:
    """One run of one step."""

    side: int
    cutouts: int
    cut_batch: int = 0
    checkpointed: bool = False


@dataclass(frozen=True)
class Measured:
    """MiB on top of the loaded networks."""

    predicted_mib: float
    measured_mib: float

    @property
    def ratio(self) -> float:
        """Above 1: predicted too much."""
        return self.predicted_mib / self.measured_mib


def measure_here(case: Case) -> Measured:
    """Two steps in this process, whose earlier peak is forgotten first. Linux alone can do that."""
    import torch

    from generator.config import GenerateConfig
    from generator.engine import generate
    from generator.memory import predict_memory_mib
    from generator.models.choose import load_models

    config = GenerateConfig(
        prompt="sunset over the sea",
        model=MODEL,
        random_weights=True,
        device="cpu",
        start="noise",
        steps=2,
        width=case.side,
        height=case.side,
        cutouts=case.cutouts,
        cut_batch=case.cut_batch,
        checkpointed_decoding=case.checkpointed,
        preview_every=0,
        checkpoint_every=0,
    )
    models = load_models(config)
    # The first convolution of a process sets up the library's own buffers, which are no part of a run.
    torch.nn.functional.conv2d(torch.zeros(1, 8, 8, 8), torch.zeros(8, 8, 3, 3))
    CLEAR.write_text(RESET_PEAK)
    before = _status_mib("VmRSS")
    list(generate(config, models))
    return Measured(predict_memory_mib(config, models), _status_mib("VmHWM") - before)


def _status_mib(name: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / MIB


def measure(case: Case) -> Measured:
    """The same in a fresh process."""
    words = [str(case.side), str(case.cutouts), str(case.cut_batch), "yes" if case.checkpointed else "no"]
    done = subprocess.run([sys.executable, "-m", "bench.memory", *words], capture_output=True, text=True, check=True)
    return Measured(**json.loads(done.stdout))


def table() -> str:
    """All cases as a Markdown table."""
    rows = ["| picture | cutouts | at a time | decoding | predicted MiB | measured MiB | ratio |", "|--:" * 7 + "|"]
    for case in (Case(*values) for values in CASES):
        found = measure(case)
        rows.append(
            f"| {case.side}x{case.side} | {case.cutouts} | {case.cut_batch or 'all'} | "
            f"{'twice' if case.checkpointed else 'once'} | {found.predicted_mib:,.0f} | {found.measured_mib:,.0f} | "
            f"{found.ratio:.2f} |"
        )
    return "\n".join(rows)


def main(words: Sequence[str]) -> int:
    """The table, or one case as JSON."""
    if not words:
        print(table())
        return 0
    side, cutouts, batch, checkpointed = words
    case = Case(int(side), int(cutouts), int(batch), checkpointed == "yes")
    print(json.dumps(asdict(measure_here(case))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
