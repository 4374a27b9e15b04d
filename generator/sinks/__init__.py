"""Who listens to a run. A sink is any function from an event to nothing; the engine does not know them."""

from __future__ import annotations

from collections.abc import Callable

from dreamrig.errors import RigError
from generator.events import Event

Sink = Callable[[Event], None]
Say = Callable[[str], None]


def optional(sink: Sink, say: Say, loss: str) -> Sink:
    """`sink`, whose failure to write is told once and does not end the run.

    loss: what the user misses, e.g. "no preview is saved".
    """
    told = False

    def listen(event: Event) -> None:
        nonlocal told
        try:
            sink(event)
        except (OSError, RigError) as error:
            if not told:
                say(f"warning: {error} The run goes on; {loss}.")
            told = True

    return listen
