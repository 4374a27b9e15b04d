"""The worker as a process of its own, with toy networks: drawn, killed, gone on, cancelled, told to leave.

Two tests have the real starter. Tests that end no worker share one, each with jobs of its own numbers.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.crew import protocol
from generator.crew.local import worker_environment
from generator.crew.protocol import (
    Began,
    Cancel,
    Done,
    Draw,
    Ending,
    Failed,
    Interrupted,
    Kept,
    Previewed,
    Ready,
    Telling,
)
from generator.pictures.reading import read_recipe
from generator.runs.folder import load_run
from generator.sinks.frames import frames_of

START_SECONDS = 600
"""For a worker's first word, which nobody has measured yet."""
STARTS = 20
"""Whatever a test waits for is done within so many starts of this machine, and a minute."""
REAL = [sys.executable, "-m", "generator.crew", "{}", "0"]
TOY = [sys.executable, str(Path(__file__).with_name("toy_worker.py")), "0.02", "{}", "0"]


class Process:
    """A worker, and everything it told."""

    def __init__(self, command: list[str] = TOY, **changes: Any) -> None:
        self.patience_seconds, self.began = float(START_SECONDS), time.monotonic()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=worker_environment(), **pipes, **changes)  # type: ignore[call-overload]  # no **kwargs there
        self.told: list[Telling] = []
        self.news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self.news:
                if not self.told:
                    self.patience_seconds = 60 + STARTS * (time.monotonic() - self.began)
                self.told.append(protocol.decode(line))  # type: ignore[arg-type]  # a worker sends tellings alone
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def send(self, order: protocol.Order) -> None:
        self.process.stdin.write(protocol.encode(order))
        self.process.stdin.flush()

    def until(self, fits: Callable[[Telling], bool]) -> Any:
        """The first telling that fits, past or to come."""
        deadline = time.monotonic() + self.patience_seconds
        with self.news:
            while not (found := [telling for telling in self.told if fits(telling)]):
                if not self.news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"it told only {self.told}")
        return found[0]

    def ending(self, job: int, attempt: int) -> Ending:
        found: Ending = self.until(lambda it: isinstance(it, Ending) and (it.job, it.attempt) == (job, attempt))
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(command: list[str] = TOY, **changes: Any) -> Process:
        started.append(Process(command, **changes))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="module")
def worker() -> Iterator[Process]:
    """One for all tests that end none."""
    shared = Process()
    yield shared
    shared.kill()


@pytest.fixture(scope="module")
def real() -> Iterator[Process]:
    """One with the starter, where the networks are the point."""
    shared = Process(REAL)
    yield shared
    shared.kill()


def config(**changes: Any) -> dict[str, Any]:
    from generator.config import GenerateConfig

    values = {"prompt": "sunset over the sea", "steps": 24, "seed": 5, "width": 32, "height": 32, "checkpoint_every": 4}
    return GenerateConfig(**{**values, **changes}).to_dict()


@pytest.mark.slow
def test_a_killed_job_goes_on_to_the_same_bytes(start: Callable[..., Process], worker: Process, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    second = worker
    second.send(Draw(1, 1, config(), str(whole)))
    assert isinstance(second.ending(1, 1), Done)
    first = start()
    first.send(Draw(2, 1, config(), str(broken)))
    first.until(lambda it: isinstance(it, Kept) and it.job == 2 and it.step >= 8)
    first.kill()
    assert not (broken / "picture.png").exists()

    second.send(Draw(2, 2, config(), str(broken)))
    began = second.until(lambda it: isinstance(it, Began) and it.job == 2)
    assert began.resumed_at >= 8
    assert isinstance(second.ending(2, 2), Done)
    assert (broken / "picture.png").read_bytes() == (whole / "picture.png").read_bytes()
    assert dict(read_recipe(broken / "picture.png").config) == config()
    assert not (broken / "live.jpg").exists()
    assert {path.name for path in broken.glob("thumb*")} == {"thumb-256.jpg", "thumb-512.jpg"}
    frames = [[path.name for path in frames_of(load_run(folder))] for folder in (whole, broken)]
    assert frames[0] == frames[1] == [f"{step:06}.jpg" for step in range(25)]


@pytest.mark.slow
def test_ready_tells_what_can_be_drawn_and_the_second_job_loads_nothing(real: Process, tmp_path: Path) -> None:
    worker = real
    ready: Ready = worker.until(lambda it: isinstance(it, Ready))
    assert {offer["preset"] for offer in ready.offers} == {"quick", "good", "slow"}
    assert all(offer["config"]["preview_every"] == 0 for offer in ready.offers)
    for number in (1, 2):
        worker.send(Draw(number, 1, config(steps=3, width=64, height=64), str(tmp_path / str(number))))
        assert isinstance(worker.ending(number, 1), Done)
    assert worker.until(lambda it: isinstance(it, Began) and it.job == 2).load_seconds == 0
    assert worker.until(lambda it: isinstance(it, Previewed) and it.job == 1).version >= 1


@pytest.mark.slow
def test_orders_to_stop(worker: Process, tmp_path: Path) -> None:
    """A cancel meant for another attempt does nothing; one for this attempt ends it."""
    worker.send(Draw(11, 1, config(steps=5000), str(tmp_path / "11")))
    worker.until(lambda it: isinstance(it, Kept) and it.job == 11)
    worker.send(Cancel(11, 7))
    worker.send(Cancel(11, 1))
    ended = worker.ending(11, 1)
    assert isinstance(ended, Interrupted)
    worker.send(Cancel(12, 1))  # before it is drawn
    worker.send(Draw(12, 1, config(), str(tmp_path / "12")))
    assert isinstance(worker.ending(12, 1), Interrupted)


@pytest.mark.slow
def test_sigterm_keeps_and_leaves(start: Callable[..., Process], tmp_path: Path) -> None:
    worker = start()
    worker.send(Draw(1, 1, config(steps=5000), str(tmp_path / "1")))
    worker.until(lambda it: isinstance(it, Kept))
    worker.process.send_signal(signal.SIGTERM)
    ended = worker.ending(1, 1)
    assert isinstance(ended, Interrupted)
    assert worker.process.wait(worker.patience_seconds) == 0
    assert json.loads((tmp_path / "1" / "run.json").read_text())["steps_done"] == ended.step


@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit_starts_again_and_says_so(worker: Process, tmp_path: Path) -> None:
    folder = tmp_path / "1"
    worker.send(Draw(21, 1, config(), str(folder)))
    assert isinstance(worker.ending(21, 1), Done)
    expected = (folder / "picture.png").read_bytes()
    data = bytearray((folder / "checkpoint.safetensors").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / "checkpoint.safetensors").write_bytes(data)
    worker.send(Draw(21, 2, config(), str(folder)))
    began: Began = worker.until(lambda it: isinstance(it, Began) and (it.job, it.attempt) == (21, 2))
    assert began.resumed_at == 0
    assert "damaged" in began.note
    assert not began.note.startswith("note:"), "a page shows it as it is"
    assert isinstance(worker.ending(21, 2), Done)
    assert (folder / "picture.png").read_bytes() == expected
    worker.send(Draw(21, 3, config(seed=6), str(folder)))  # somebody else's checkpoint
    assert worker.until(lambda it: isinstance(it, Began) and (it.job, it.attempt) == (21, 3)).resumed_at == 0
    assert isinstance(worker.ending(21, 3), Done)


@pytest.mark.slow
def test_failures_have_codes_and_the_worker_lives_on(real: Process, tmp_path: Path) -> None:
    worker = real
    worker.send(Draw(31, 1, {"prompt": "a", "nonsense": 1}, str(tmp_path / "1")))
    failed = worker.ending(31, 1)
    assert isinstance(failed, Failed)
    assert failed.code == "bad_request"
    worker.send(Draw(32, 1, config(model="imagenet-f16-1024"), str(tmp_path / "2")))
    failed = worker.ending(32, 1)
    assert isinstance(failed, Failed)
    assert failed.code == "weights_missing"
    worker.send(Draw(33, 1, config(steps=2), str(tmp_path / "3")))
    assert isinstance(worker.ending(33, 1), Done)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_checkpoint_of_before_stays_whole(
    start: Callable[..., Process], worker: Process, tmp_path: Path
) -> None:
    """No file can grow beyond 6 KB: a checkpoint of 64 px fits before, the picture does not."""
    folder = tmp_path / "1"
    full = start()
    full.send(Draw(41, 1, config(), str(folder)))
    full.until(lambda it: isinstance(it, Kept))
    resource.prlimit(full.process.pid, resource.RLIMIT_FSIZE, (600, 600))
    failed = full.ending(41, 1)
    assert isinstance(failed, Failed)
    assert failed.code == "disk_full"
    worker.send(Draw(41, 2, config(), str(folder)))
    assert worker.until(lambda it: isinstance(it, Began) and it.job == 41 and it.attempt == 2).resumed_at >= 4
    assert isinstance(worker.ending(41, 2), Done)


@pytest.mark.slow
def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    """A parent that is killed closes the worker's input: it keeps and leaves."""
    script = (
        "import subprocess, sys, time\n"
        "from generator.crew import protocol\n"
        f"worker = subprocess.Popen({TOY!r},"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
        f"worker.stdin.write(protocol.encode(protocol.Draw(1, 1, {config(steps=5000)!r}, {str(tmp_path / '1')!r})))\n"
        "worker.stdin.flush()\n"
        "for line in worker.stdout:\n"
        "    if isinstance(protocol.decode(line), protocol.Kept):\n"
        "        print(worker.pid, flush=True)\n"
        "        time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=worker_environment()
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + START_SECONDS
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    record = json.loads((tmp_path / "1" / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert (tmp_path / "1" / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("trouble", "code"), [("torch.OutOfMemoryError('CUDA out of memory')", protocol.EXIT_NO_ROOM), ("OSError('no')", 1)]
)
def test_networks_without_room_are_told_by_the_exit_code(trouble: str, code: int) -> None:
    script = (
        "import os, sys, torch\n"
        "from generator.crew import worker\n"
        f"def load(config):\n    raise {trouble}\n"
        "try:\n    code = worker.main(['{}'], load)\n"
        "except OSError:\n    code = 1\n"
        "os._exit(code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], stdin=subprocess.PIPE, capture_output=True, check=False)
    assert ran.returncode == code, ran.stderr


def test_a_beat_tells_what_is_free_and_nothing_while_a_picture_is_drawn() -> None:
    script = (
        "import sys, torch\n"
        "from generator.crew.worker import Worker\n"
        "one = Worker(lambda telling: None, None, {}, None)\n"
        "assert one.free_mib() is None\n"
        "one.device = torch.device('cpu')\n"
        "assert one.free_mib() > 0\n"
        "one.current = (1, 1)\n"
        "assert one.free_mib() is None\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
