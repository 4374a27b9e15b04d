"""What two machines of a crew must have in common, and how to get there. Loads neither torch nor Ray."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import dreamrig
from dreamrig import extras
from generator.config import GenerateConfig
from generator.crew.cluster import ray_version
from generator.crew.sources import code_here, differing
from generator.models.names import published_networks
from generator.starter.shipped import STARTER_FOLDER
from generator.weights import registry
from generator.weights.registry import MODEL, Installed, folder_of, installed

LARGEST_CLOCK_DIFFERENCE_SECONDS = 300.0
"""Nothing of a crew goes by wall time, but the logs of two machines are read side by side."""
Hindrance = Literal["python", "ray", "dreamrig", "code", "weights", "clock", "head_ports", "own_ports"]
CHUNK_BYTES = 1024 * 1024
STARTER = "starter"
SETTLED_SECONDS = 2.0
"""A file written so short a time ago may change again without another time: nothing of it is remembered."""
_HASHES: dict[tuple[str, int, int], str] = {}
"""By path, size and time of change in nanoseconds."""


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """One machine, as far as others care."""

    ray: str | None
    """Its version; None = not installed."""
    python: str
    """Major and minor: Ray refuses another."""
    dreamrig: str
    model: str
    weights: Mapping[str, str] = field(default_factory=dict)
    """File of the starter, or published network -> SHA-256 of its bytes, or of its numbers."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Folder of our packages -> hash of what a node runs of it."""
    time_seconds: float = 0.0
    """UTC."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MemberFacts:
        """The inverse; later versions' fields are passed over. TypeError where one is missing."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


@dataclass(frozen=True)
class MemberDifference:
    """Something that keeps a machine from joining."""

    kind: Hindrance
    """For programs: it names no address."""
    what: str
    """A sentence."""
    fix: str
    """The command."""


def facts_here(model: str, base: Path | None = None) -> MemberFacts:
    """Those of this machine. base: the weights folder, the user's own where None."""
    return MemberFacts(
        ray=ray_version(),
        python=".".join(platform.python_version_tuple()[:2]),
        dreamrig=dreamrig.__version__,
        model=model,
        weights=weights_here(model, base),
        code=dict(code_here()),
        time_seconds=time.time(),
    )


def weights_here(model: str, base: Path | None = None) -> dict[str, str]:
    """What a model is loaded from, its guides too, read whole: what a manifest says is not what is there."""
    if model.partition("/")[0] == STARTER:
        return {path.name: sha256_of(path) for path in sorted(STARTER_FOLDER.iterdir()) if path.is_file()}
    found = {name: installed(name, base) for name in networks_of(model)}
    return {name: _identity(facts, base) for name, facts in found.items() if facts is not None}


def networks_of(model: str) -> tuple[str, ...]:
    """The published networks that a picture of this model takes."""
    return published_networks(GenerateConfig(prompt="a house", model=model))


def _identity(facts: Installed, base: Path | None) -> str:
    """Of the numbers, which every mirror's copy has; of the bytes where those are not what was written down."""
    sha256 = sha256_of(folder_of(facts.name, base) / MODEL)
    return facts.identity if sha256 == facts.sha256 else sha256


def sha256_of(path: Path) -> str:
    """Of a file's bytes; remembered until its size or time changes, for a slow disk takes longer than a question."""
    file = path.stat()
    known = (str(path), file.st_size, file.st_mtime_ns)
    if known in _HASHES:
        return _HASHES[known]
    digest = registry.sha256_of(path)
    if time.time() - file.st_mtime > SETTLED_SECONDS:
        _HASHES[known] = digest
    return digest


def differences_of(head: MemberFacts, mine: MemberFacts) -> list[MemberDifference]:
    """What has to be changed here before this machine fits the head's crew; empty = it may join."""
    return [*_versions(head, mine), *_weights(head, mine), *_clocks(head, mine)]


def _versions(head: MemberFacts, mine: MemberFacts) -> list[MemberDifference]:
    found = []
    if head.python != mine.python:
        what = f"The crew runs Python {head.python}, this machine {mine.python}."
        found.append(
            MemberDifference("python", what, f"rm -r .venv; DREAMRIG_PYTHON=python{head.python} ./rig --version")
        )
    if head.ray != mine.ray:
        what = f"The crew runs Ray {head.ray}, this machine {mine.ray or 'none'}."
        found.append(MemberDifference("ray", what, extras.pip_command(f"ray=={head.ray}")))
    if head.dreamrig != mine.dreamrig:
        what = f"The crew runs dreamrig {head.dreamrig}, this machine {mine.dreamrig}."
        found.append(MemberDifference("dreamrig", what, "bring both to one version: git pull, on the older one"))
    elif folders := differing(head.code, mine.code):
        what = f"The crew runs other code of dreamrig {head.dreamrig}: it differs in {folders}."
        found.append(MemberDifference("code", what, "bring both to one commit: git pull; then start the head anew"))
    return found


def _weights(head: MemberFacts, mine: MemberFacts) -> list[MemberDifference]:
    if head.weights == mine.weights:
        return []
    differing = sorted({name for name, _ in head.weights.items() ^ mine.weights.items()})
    lacks = not any(name in mine.weights for name in differing)
    if head.model.partition("/")[0] == STARTER:
        fix, names = "git checkout -- generator/starter/weights", head.model
    else:
        fix, names = f"dreamrig weights fetch {' '.join(differing)}", ", ".join(differing)
    what = f"The weights of {names} are {'missing here' if lacks else 'other ones here'} (by SHA-256)."
    return [MemberDifference("weights", what, fix if lacks else f"{fix}, or bring both machines to one version")]


def _clocks(head: MemberFacts, mine: MemberFacts) -> list[MemberDifference]:
    apart = abs(head.time_seconds - mine.time_seconds)
    if apart <= LARGEST_CLOCK_DIFFERENCE_SECONDS:
        return []
    what = f"The clocks are {apart:.0f} s apart."
    return [MemberDifference("clock", what, "sudo hwclock -s   (inside WSL, after a sleep)")]
