"""What a pretended device saw."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Copy:
    """Between the host and the device."""

    to_device: bool
    size_bytes: int
    waits: bool
    """From or to ordinary memory, or asked to be done at once: the host waits until the device has come so far."""
    place: str
    """FILE:LINE of ours that asked for it."""


@dataclass
class Log:
    """What happened on the device since the last clear()."""

    copies: list[Copy] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    """OPERATOR at FILE:LINE: the host waited for a value, or for all that was asked for."""
    past: list[str] = field(default_factory=list)
    """Waits at FILE:LINE for what had been asked for earlier, while more is asked for already."""
    asked: int = 0
    """Operators since the beginning; clear() leaves them."""
    operators: Counter[str] = field(default_factory=Counter)
    """How often each operator ran on the device; views and shapes among them."""

    def clear(self) -> None:
        """Forget it all."""
        self.copies.clear()
        self.waits.clear()
        self.past.clear()
        self.operators.clear()

    @property
    def stops(self) -> list[str]:
        """Everything at which the host stood still, copies among it."""
        ways = {True: "copy to the device", False: "copy to the host"}
        waiting = (f"{ways[c.to_device]} of {c.size_bytes} bytes at {c.place}" for c in self.copies if c.waits)
        return [*self.waits, *waiting]

    @property
    def bytes_to_device(self) -> int:
        """Of all copies together."""
        return sum(copy.size_bytes for copy in self.copies if copy.to_device)


def find_place() -> str:
    """FILE:LINE of the innermost call that is ours and not this file's."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and HERE not in path.parents and ".venv" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return "nowhere of ours"
