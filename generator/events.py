"""What a run says while it goes: the engine yields these, sinks consume them.

Pictures and losses are callables: asking for one is what makes the host wait for the device, so a run
nobody looks at is never slowed. Every picture is (3, H, W) float32 in [0, 1] on the CPU.
Order within a run: Started, then per step Step [Preview] [Checkpointed], at the end Checkpointed, Finished.
After an error: Raised, and then the error is raised. Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dreamrig.errors import Code, code_of
from generator.config import GenerateConfig

if TYPE_CHECKING:
    from torch import Tensor

    from generator.state import State

Reason = Literal["done", "interrupted"]


@dataclass(frozen=True)
class Started:
    """The networks are there, the start is drawn, the first step comes next."""

    config: GenerateConfig
    run_id: str
    versions: Mapping[str, str]
    """Keys: python, torch, platform."""
    device: str
    """For people, e.g. "cpu (Intel Xeon)" or "cuda:0 (Tesla T4)"."""
    load_seconds: float | None = None
    import_seconds: float | None = None
    plan_words: str = ""
    """What the predicted start meant to draw; "" when there was no prediction."""
    unknown_words: Mapping[str, list[str]] = field(default_factory=dict)
    """Unknown word of the prompt -> near known words."""
    first_step: int = 0
    """Index of the first step to come; above 0 for a resumed run."""


@dataclass(frozen=True)
class Step:
    """One optimisation step. The picture and the loss are those from before its update, so they fit together."""

    index: int
    """From 0; a resumed run goes on counting."""
    loss: Callable[[], float]
    seconds: float
    image: Callable[[], Tensor]
    peak_memory: float | None = None
    """MiB, highest of the process (CPU) or of the device's allocator (CUDA) so far; None = unknown."""
    notes: tuple[str, ...] = ()
    """What had to be changed to get it done, e.g. fewer cutouts at a time."""


@dataclass(frozen=True)
class Preview:
    """A picture worth showing now; index is that of the step."""

    index: int
    image: Callable[[], Tensor]


@dataclass(frozen=True)
class Checkpointed:
    """Everything needed to continue; index = steps completed. A sink writes it: engine.state.state_to_bytes."""

    index: int
    state: State


@dataclass(frozen=True)
class Finished:
    """The last picture, decoded after the last update; index = steps completed."""

    index: int
    image: Callable[[], Tensor]
    reason: Reason
    seconds: float
    """Since Started, as the engine's clock tells it."""


@dataclass(frozen=True)
class Raised:
    """The run ended in this error, which is raised right after."""

    error: Exception

    @property
    def code(self) -> Code:
        """What went wrong, for a program that has words of its own."""
        return code_of(self.error)


Event = Started | Step | Preview | Checkpointed | Finished | Raised
