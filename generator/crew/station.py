"""A worker that lives in an actor of Ray: the loop of a process of its own, whose files travel. Imports torch.

Ray calls `life` once, `draw` once an attempt, `take` for every other order, each in a thread of its own; the loop draws
in one more. Knows nothing of Ray, so that it can be tried without.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from dreamrig.errors import FailedError
from generator.config import GenerateConfig
from generator.crew import drawing, offers, parcels, protocol
from generator.crew.drawing import Networks
from generator.crew.parcels import Item, files_of, pack, pack_frames, with_inputs
from generator.crew.protocol import SECONDS_BETWEEN_BEATS, Beat, Done, Draw, Interrupted, Kept, Leave, Telling
from generator.crew.worker import Worker, beat, say
from generator.runs.mark import process_mark
from generator.work.rhythm import Rhythm
from generator.work.stop import StopButton

PROBE: Mapping[str, Any] = {"steps": 3, "width": 64, "height": 64, "cutouts": 4, "seed": 7}
"""The tiny fixed job by whose pixels two machines are compared."""
Attempt = tuple[int, int]
ROOM = "dreamrig-crew-room"


class Station:
    """One worker of a crew, with a folder for the jobs it draws."""

    def __init__(
        self,
        given: Mapping[str, Any],
        keep_seconds: float,
        load: Callable[[GenerateConfig], Any] | None = None,
        beat_seconds: float = SECONDS_BETWEEN_BEATS,
    ) -> None:
        """given: the owner's settings for every picture.   load: other networks, for tests."""
        self.room = fresh_room(Path(tempfile.gettempdir()))
        self.lock = threading.Lock()
        self.news: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self.attempts: dict[Attempt, queue.SimpleQueue[Item | None]] = {}
        self.frames: dict[Attempt, dict[str, int]] = {}
        """Those that were sent, and their bytes."""
        networks = Networks() if load is None else Networks(load)
        rhythm = Rhythm(checkpoint_apart_seconds=keep_seconds)
        self.worker = Worker(self.tell, networks, given, rhythm)
        self.error: BaseException | None = None
        self.is_over = False
        """Whether the loop has ended: then nothing is drawn any more, and no beat says otherwise."""
        threading.Thread(target=self._work, daemon=True).start()
        threading.Thread(target=beat, args=(self.worker, beat_seconds), daemon=True).start()

    # ---- what Ray calls

    def life(self) -> Iterator[Item]:
        """What the worker tells of itself, from its fingerprint and its first Ready until it has left.

        NO_ROOM is its last word where something else fills the card; FailedError where anything else ended it.
        """
        while (item := self.news.get()) is not None:
            yield item
        if self.error is not None and drawing.code_of(self.error) == "out_of_memory":
            yield parcels.NO_ROOM, drawing.words_of(self.error).encode()
        elif self.error is not None:
            raise FailedError(f"The worker ended: {drawing.words_of(self.error)}") from None

    def draw(self, line: bytes, files: Sequence[tuple[str, bytes]], inputs: Mapping[str, bytes]) -> Iterator[Item]:
        """One attempt from its files to its ending.

        line: a Draw.   files: what an earlier attempt kept.   inputs: pictures by the paths that the config has.
        """
        order = protocol.decode(line)
        assert isinstance(order, Draw)
        folder = self.room / f"{order.job}-{order.attempt}"
        folder.mkdir(parents=True)
        for name, data in files:
            (folder / Path(name).name).write_bytes(data)
        told: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        with self.lock:
            self.attempts[order.job, order.attempt], self.frames[order.job, order.attempt] = told, {}
            if self.is_over:
                told.put(None)
        try:
            self.worker.take(replace(with_inputs(order, inputs, parcels.INPUTS), folder=str(folder)))
            while (item := told.get()) is not None:
                yield item
        finally:
            with self.lock:
                del self.attempts[order.job, order.attempt], self.frames[order.job, order.attempt]
            shutil.rmtree(folder, ignore_errors=True)

    def take(self, line: bytes) -> None:
        """Any other order."""
        order = protocol.decode(line)
        if isinstance(order, protocol.Order):
            self.worker.take(order)

    # ---- the worker's side

    def tell(self, telling: Telling) -> None:
        """To the stream it belongs to, its files first; a beat to all of them."""
        line = protocol.encode(telling)
        with self.lock:
            streams = list(self.attempts.values())
            attempt = (getattr(telling, "job", 0), getattr(telling, "attempt", 0))
            told = self.attempts.get(attempt)
        if isinstance(telling, Beat):
            if self.is_over:
                return
            for stream in (self.news, *streams):
                stream.put(line)
        elif told is None:
            if attempt == (0, 0):  # of an attempt that nobody listens to any more: nobody needs it
                self.news.put(line)
        else:
            for parcel in self._files(attempt, telling):
                told.put(parcel)
            told.put(line)
            if isinstance(telling, protocol.Ending):
                told.put(None)

    def _files(self, attempt: Attempt, telling: Telling) -> Iterator[tuple[str, bytes]]:
        """What goes before a telling. Frames go with what is kept, so that a film is whole whoever ends the picture."""
        folder = self.room / f"{attempt[0]}-{attempt[1]}"
        if isinstance(telling, Kept | Interrupted | Done):
            yield from pack_frames(folder, self.frames.get(attempt, {}))
        yield from pack(folder, files_of(telling))

    def _work(self) -> None:
        """Until it leaves; every stream ends with it."""
        try:
            self.news.put((parcels.FINGERPRINT, fingerprint(self.worker, self.room).encode()))
            self.worker.work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the driver has to hear of it
            say(f"error: {drawing.words_of(error)}")
            self.error = error
        with self.lock:
            self.is_over = True
            streams = list(self.attempts.values())
        shutil.rmtree(self.room, ignore_errors=True)  # first: whoever sees the last stream end may end this process
        for stream in (*streams, self.news):
            stream.put(None)

    def leave(self) -> None:
        """Finish the step, keep, end."""
        self.worker.take(Leave())


def fresh_room(base: Path) -> Path:
    """A folder for the jobs of this process, which its name tells; those of processes that were killed go."""
    for path in base.glob(f"{ROOM}-*"):
        pid, _, mark = path.name.removeprefix(f"{ROOM}-").rpartition("-")[0].partition("-")
        if pid.isdigit() and mark_in_name(int(pid)) != mark:
            shutil.rmtree(path, ignore_errors=True)
    mine = os.getpid()
    return Path(tempfile.mkdtemp(prefix=f"{ROOM}-{mine}-{mark_in_name(mine)}-", dir=base))


def mark_in_name(pid: int) -> str | None:
    """What tells a process from any other that had its number, in a file's name; None = it is not alive."""
    mark = process_mark(pid)
    return None if mark is None else hashlib.sha256(mark.encode()).hexdigest()[:12]


def fingerprint(worker: Worker, room: Path) -> str:
    """SHA-256 of the pixels of the tiny fixed job, as this machine draws it with these networks. room: for files."""
    usual = offers.usual_config({}, "plain", worker.given)
    config = replace(usual, **PROBE)
    with tempfile.TemporaryDirectory(prefix="probe-", dir=room) as folder:
        drawing.draw(
            config,
            Path(folder),
            worker.networks,
            rhythm=worker.rhythm,
            stop=StopButton(),
            begun=lambda begun: None,
            tell=lambda event, change: None,
            kept=lambda step: None,
            say=say,
        )
        with Image.open(Path(folder) / protocol.PICTURE) as picture:
            return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()
