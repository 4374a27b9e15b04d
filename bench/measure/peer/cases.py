"""Ours and the peer's at one size, ready to be stepped in turn, or alone for its memory.

The peer: nerdyrodent's defaults with the networks of taming-transformers and openai-clip and with kornia. Ours: the
preset of that name with our networks. Both have the same random weights, which are as fast as trained ones.

python -m bench.measure.peer.cases own|peer SIDE CUTOUTS      the memory of a process that takes a few steps, as JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.measure.peer.turns import Step, StepPair, clock_for, engine_step, in_turn
from bench.measure.process_memory import forget_peak, peak_mib, require_forgetting
from dreamrig.errors import NotReadyError
from generator.config import GenerateConfig
from generator.presets import PRESETS

PACKAGES = ("taming-transformers", "openai-clip", "kornia", "torch")
MEMORY_STEPS = 3


@dataclass(frozen=True)
class PeerCase:
    """One size of the same work."""

    side: int
    cutouts: int
    precision: str = "fp32"
    """Of ours; the peer computes in fp32, on CUDA with CLIP in half precision where ours is not fp32."""
    device: str = "cpu"
    deterministic: bool = True
    """Of ours; the peer's operators have no repeatable form on CUDA."""

    def config(self, **changes: Any) -> GenerateConfig:
        """Of ours."""
        values: dict[str, Any] = {
            **PRESETS["nerdyrodent"].values, "prompt": "a cute, smiling, nerdy rodent", "random_weights": True,
            "width": self.side, "height": self.side, "cutouts": self.cutouts, "device": self.device, "threads": 1,
            "precision": self.precision, "deterministic": self.deterministic, "preview_every": 0, "checkpoint_every": 0,
        }  # fmt: skip
        return GenerateConfig(**(values | changes))

    def peer_config(self) -> GenerateConfig:
        """Of the peer's."""
        halves = self.device != "cpu" and self.precision != "fp32"
        return self.config(backend="reference", precision="mixed" if halves else "fp32", deterministic=False)


def own_step(case: PeerCase, steps: int) -> Step:
    """Ours with its networks loaded."""
    from generator.models.choose import load_models

    config = case.config()
    return engine_step(config, load_models(config), steps)


def peer_step(case: PeerCase) -> Step:
    """The peer's with its networks loaded; NotReadyError where a package is not here."""
    from bench.measure.peer.loop import PeerLoop
    from generator.models.choose import load_models

    config = case.peer_config()
    return PeerLoop.begin(config, load_models(config)).step


def pairs_of(case: PeerCase, count: int, warm: int = 1) -> Iterator[StepPair]:
    """`count` pairs of steps in turn in this process: processor seconds on a CPU, else the clock's."""
    from generator.devices import resolve_device

    theirs, own = peer_step(case), own_step(case, count + warm)
    yield from in_turn(own, theirs, count, clock=clock_for(resolve_device(case.device)), warm=warm)


def pairs_within_ours(case: PeerCase, precision: str, count: int, warm: int = 1) -> Iterator[StepPair]:
    """The same of ours in another precision (as own) and in this one (as the reference)."""
    from generator.devices import resolve_device

    own, plain = own_step(replace(case, precision=precision), count + warm), own_step(case, count + warm)
    yield from in_turn(own, plain, count, clock=clock_for(resolve_device(case.device)), warm=warm)


def package_versions() -> dict[str, str]:
    """Of the packages that the peer is made of; one that is not here is left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


# ---- memory


@dataclass(frozen=True)
class ProcessMemory:
    """Of a process that has taken a few steps."""

    networks_mib: float
    """Resident before the first step, Python and torch among it."""
    peak_mib: float
    """At most resident from there on."""

    @property
    def steps_mib(self) -> float:
        """What the steps took on top."""
        return self.peak_mib - self.networks_mib


def memory_here(who: str, case: PeerCase) -> ProcessMemory:
    """Of this process, whose earlier peak is forgotten first; NotReadyError where the system cannot do that."""
    from generator.devices import release_memory, resolve_device

    require_forgetting()
    step = own_step(case, MEMORY_STEPS) if who == "own" else peer_step(case)
    release_memory(resolve_device("cpu"))
    before = forget_peak()
    for _ in range(MEMORY_STEPS):
        step()
    return ProcessMemory(before, peak_mib())


def memory_of(who: str, case: PeerCase) -> ProcessMemory:
    """The same in a fresh process; NotReadyError with its last words where it fails."""
    words = [sys.executable, "-m", "bench.measure.peer.cases", who, str(case.side), str(case.cutouts)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotReadyError(f"The process that measures the memory failed: {last}.", hint="see: dreamrig doctor")
    return ProcessMemory(**json.loads(done.stdout))


def main(words: Sequence[str]) -> int:
    """Print the memory of one as JSON."""
    who, side, cutouts = words
    print(json.dumps(asdict(memory_here(who, PeerCase(int(side), int(cutouts))))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
