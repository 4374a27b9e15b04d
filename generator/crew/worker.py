"""A worker: `python -m generator.crew`. Orders on standard input, tellings on standard output, talk to its log.

It ends when its input ends, on SIGTERM, or when its parent dies: each time it finishes the step, keeps, and leaves.
The networks stay loaded between jobs. A lost CUDA device ends the process, because nothing in it will work again.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import IO, Any

from dreamrig.errors import RigError
from generator import devices
from generator.config import GenerateConfig
from generator.crew import drawing, gauge, offers, protocol
from generator.crew.drawing import Begun, Networks
from generator.crew.offers import DeviceRoom
from generator.crew.protocol import EXIT_NO_ROOM, SECONDS_BETWEEN_BEATS, Cancel, Draw, Leave, Order, Telling
from generator.events import Event, Step
from generator.pictures.paths import FIELDS, with_paths
from generator.work.rhythm import Rhythm
from generator.work.stop import StopButton

SECONDS_BETWEEN_STEPS_TOLD = 0.25
EXIT_DEVICE_LOST = 5
MOSTLY_FREE = 0.75
"""Of what a device could give: with so much free nobody else is to blame."""


class Worker:
    """Reads orders in one thread, beats in another, draws in the main one."""

    def __init__(
        self,
        tell: Callable[[Telling], None],
        networks: Networks,
        given: Mapping[str, Any],
        rhythm: Rhythm,
        room_on: Callable[[Any], DeviceRoom] = offers.room_on,
    ) -> None:
        """given: the owner's settings for every picture, e.g. the model.   rhythm: how often they are kept.

        room_on: what a device has for a run; tests bring their own.
        """
        self.rhythm, self.room_on = rhythm, room_on
        self.tell, self.networks, self.given = tell, networks, given
        self.orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.current: tuple[int, int] | None = None
        self.cancelled: set[tuple[int, int]] = set()
        self.stop = StopButton()
        self.is_leaving = False
        self.step_seconds: dict[tuple[str, int, int, int], float] = {}
        self.device: Any = None

    # ---- from other threads and from signal handlers

    def take(self, order: Order) -> None:
        """An order has come in."""
        if isinstance(order, Leave):
            self.leave()
        elif isinstance(order, Cancel):
            with self.lock:
                attempt = (order.job, order.attempt)
                self.cancelled.add(attempt)
                if self.current == attempt:
                    self.stop.press()
        else:
            self.orders.put(order)

    def leave(self) -> None:
        """Finish the step that is going on, keep, end. Takes no lock: a signal handler may be in the way of itself."""
        self.is_leaving = True
        self.stop.press()
        self.orders.put(Leave())

    def free_mib(self) -> float | None:
        """What a picture could take now; None while one is drawn, or before the networks are loaded."""
        if self.device is None or self.current is not None:
            return None
        return round(devices.available_memory_mib(self.device), 1)

    # ---- the main thread

    def work(self) -> int:
        """Until told to leave; returns the exit code."""
        self.be_ready()
        if self.networks.device is not None:
            gauge.watch(self.tell, self.networks.device)
        while True:
            order = self.orders.get()
            if isinstance(order, Leave):
                return 0
            if isinstance(order, Draw):
                if not self.draw(order):
                    return EXIT_DEVICE_LOST
                if self.networks.are_loaded:
                    self.be_ready()

    def be_ready(self) -> None:
        """Load the networks that friends will ask for, and publish what can be drawn with them."""
        config = offers.usual_config({}, "plain", self.given)
        models, _ = self.networks.get(config)
        device = self.device = models.image.codebook.device
        room = self.room_on(device)
        self.tell(
            protocol.Ready(
                device=devices.describe(device),
                offers=offers.as_dicts(offers.offers(models, self.given, self.step_seconds, room)),
                examples=examples(config.model),
                free_mib=round(room.free_mib, 1),
                likes=dict(models.defaults),
            )
        )

    def draw(self, order: Draw) -> bool:
        """Do one job and answer it; False = this process is of no use any more."""
        attempt = (order.job, order.attempt)
        with self.lock:
            self.current, self.stop = attempt, StopButton()
            if attempt in self.cancelled or self.is_leaving:
                self.stop.press()
        try:
            ending = self._try(order)
        finally:
            with self.lock:
                self.current = None
                self.cancelled.discard(attempt)
        self.tell(ending)
        return not (isinstance(ending, protocol.Failed) and ending.code == "device_lost")

    def _try(self, order: Draw) -> protocol.Ending:
        if self.stop.is_pressed():
            return protocol.Interrupted(order.job, order.attempt, 0)
        before = perf_counter()
        config: GenerateConfig | None = None
        failed: protocol.Failed | None = None
        try:
            config = GenerateConfig.from_dict(_with_inputs(order))
            teller = _Teller(order, self.tell)
            outcome = drawing.draw(
                config,
                Path(order.folder),
                self.networks,
                rhythm=self.rhythm,
                stop=self.stop,
                begun=teller.begun,
                tell=teller.event,
                kept=teller.kept,
                say=say,
                asked=order.config if order.inputs else None,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the server has to know
            failed = _failed(order, error)
        if failed is not None:  # here the error is gone, and with it the failed step's tensors in its frames
            return failed if config is None else self._with_a_way_out(order, config, failed)
        assert config is not None
        if outcome.is_interrupted:
            return protocol.Interrupted(order.job, order.attempt, outcome.run.steps_done)
        step_seconds = outcome.report.median_step_seconds
        if step_seconds is not None:
            self.step_seconds[offers.step_key(config)] = step_seconds
        seconds = perf_counter() - before - teller.load_seconds
        return protocol.Done(order.job, order.attempt, round(seconds, 3), step_seconds)

    def _with_a_way_out(self, order: Draw, config: GenerateConfig, failed: protocol.Failed) -> protocol.Failed:
        """After too little memory: what would fit, and how to try again.

        MemoryError where already the networks found no room, because others fill the device: this process ends, the
        picture waits.
        """
        if failed.code != "out_of_memory":
            return failed
        gc.collect()
        if not self.networks.are_loaded:
            if self.is_crowded():
                raise MemoryError(failed.message)
            return failed
        models, _ = self.networks.get(config)
        thrifty = drawing.thriftier(config, models)
        return replace(
            failed,
            fits=drawing.largest_width(config, models, self.room_on(models.image.codebook.device).free_mib),
            thriftier=None if thrifty is None else {**thrifty.to_dict(), **_named(order.config)},
        )

    def is_crowded(self) -> bool:
        """Whether others hold much of the device, now that no networks are loaded here."""
        if self.device is None:
            return True
        room = self.room_on(self.device)
        return room.free_mib < MOSTLY_FREE * room.whole_mib


def _failed(order: Draw, error: Exception) -> protocol.Failed:
    """What went wrong, for the server; what is no error of ours in full for the log."""
    if not isinstance(error, RigError):
        say("".join(traceback.format_exception(error)))
    return protocol.Failed(order.job, order.attempt, drawing.code_of(error), drawing.words_of(error))


def _with_inputs(order: Draw) -> Mapping[str, Any]:
    """The config with its pictures where they lie here."""
    if not order.inputs:
        return order.config
    return with_paths(order.config, lambda path: order.inputs.get(path, path))


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a config that name pictures, as they were given."""
    return {name: config[name] for name in FIELDS if name in config}


class _Teller:
    """Turns a run's events into messages of one attempt."""

    def __init__(self, order: Draw, tell: Callable[[Telling], None]) -> None:
        self.job, self.attempt, self.steps = order.job, order.attempt, int(order.config.get("steps", 0))
        self.tell = tell
        self.load_seconds = 0.0

    def begun(self, facts: Begun) -> None:
        self.load_seconds = facts.load_seconds
        words = {word: list(near) for word, near in facts.unknown_words.items()}
        self.tell(
            protocol.Began(self.job, self.attempt, facts.resumed_at, round(facts.load_seconds, 3), words, facts.note)
        )

    def kept(self, step: int) -> None:
        self.tell(protocol.Kept(self.job, self.attempt, step))

    def event(self, event: Event, change: float | None) -> None:
        if isinstance(event, Step):
            done = event.index + 1
            self.tell(protocol.Stepped(self.job, self.attempt, done, self.steps, change))
            self.tell(protocol.Previewed(self.job, self.attempt, done))


def examples(model: str) -> tuple[str, ...]:
    """Prompts that are sure to work with a model."""
    from generator.starter.words import example_prompts

    return tuple(example_prompts())


def say(text: str) -> None:
    """Talk, for the log; on a full disk it is not heard, and what it is about goes on."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def read_orders(source: IO[bytes], worker: Worker) -> None:
    """Hand every line on; the end of the input is the order to leave."""
    for line in source:
        try:
            order = protocol.decode(line)
        except protocol.ProtocolError as error:
            say(f"ignored: {error}")
            continue
        if isinstance(order, Draw | Cancel | Leave):
            worker.take(order)
    worker.leave()


def beat(worker: Worker, seconds: float) -> None:
    """Tell for ever that this process lives, and what is free."""
    pause = threading.Event()
    while not pause.wait(seconds):
        try:
            free_mib = worker.free_mib()
        except RuntimeError:  # a lost device: the next picture tells
            free_mib = None
        worker.tell(protocol.Beat(free_mib))


def teller(target: IO[bytes], lock: threading.Lock) -> Callable[[Telling], None]:
    """A function that writes whole lines from any thread; a server that is gone is no error."""

    def tell(telling: Telling) -> None:
        data = protocol.encode(telling)
        with lock, contextlib.suppress(BrokenPipeError, ValueError):
            target.write(data)
            target.flush()

    return tell


def main(argv: list[str], load: Callable[[GenerateConfig], Any] | None = None) -> int:
    """argv: the owner's settings for every picture as JSON, and the seconds between two checkpoints.

    load: other networks, for tests.
    """
    given = json.loads(argv[0]) if argv else {}
    rhythm = Rhythm(checkpoint_apart_seconds=float(argv[1])) if argv[1:] else Rhythm()
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints goes to the log, not between the messages
    tell = teller(target, threading.Lock())
    worker = Worker(tell, Networks() if load is None else Networks(load), given, rhythm)

    def on_signal(number: int, frame: FrameType | None) -> None:
        worker.leave()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the server decides
    threading.Thread(target=beat, args=(worker, SECONDS_BETWEEN_BEATS), daemon=True).start()
    threading.Thread(target=read_orders, args=(sys.stdin.buffer, worker), daemon=True).start()
    try:
        return worker.work()
    except RigError as error:
        say(f"error: {error.message} {error.hint}")
        return EXIT_NO_ROOM if drawing.code_of(error) == "out_of_memory" else error.exit_code
    except Exception as error:
        if drawing.code_of(error) != "out_of_memory":
            raise
        say(f"error: no room for the networks: {error}")
        return EXIT_NO_ROOM
