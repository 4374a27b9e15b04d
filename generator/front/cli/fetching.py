"""One published network onto this machine, with its progress on standard error; how fast it came is noted."""

from __future__ import annotations

from functools import partial

from dreamrig.errors import InterruptedByUser
from dreamrig.screen import Screen
from generator.models.outline import outline
from generator.weights import store as weights_store
from generator.weights.door import WeightsDoor
from generator.weights.pace import note_pace
from generator.weights.progress import DownloadProgress
from generator.weights.registry import Entry


def fetch_one(entry: Entry, door: WeightsDoor, *, keep_original: bool = False, hint: str = "") -> None:
    """Download, check and convert a network; the errors of `fetch_model`, InterruptedByUser for Ctrl-C.

    hint: how to go on after a Ctrl-C; "" = with the fetch of this network.
    """
    progress = DownloadProgress(entry.name, Screen(door.stderr()), door.clock)
    try:
        weights_store.fetch_model(
            entry,
            door,
            progress.say,
            progress.on_bytes,
            outline=partial(outline, name=entry.name),
            keep_original=keep_original,
        )
    except KeyboardInterrupt:
        usual = f"the same command goes on where it stopped: dreamrig weights fetch {entry.name}"
        raise InterruptedByUser("Interrupted.", hint=hint or usual) from None
    finally:
        progress.close()
        note_pace(door.weights_folder(), *progress.received())
