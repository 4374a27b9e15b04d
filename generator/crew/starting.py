"""Ray's processes: started, tried again, ended. Loads neither torch nor Ray."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from dreamrig.errors import NotReadyError
from dreamrig.paths import ensure_folder
from generator.crew.cluster import CrewFolder
from generator.crew.local import bound_to_us

STARTED = "Ray runtime started"
"""What `ray start` says when its node is part of a cluster."""
START_SECONDS = 300.0
STOP_SECONDS = 60.0
MOST_STARTS = 4


@contextlib.contextmanager
def ray_process(
    command: Sequence[str], folder: CrewFolder, has_raylet: Callable[[int], bool] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Ray's processes, started, while the block runs; they end with it. NotReadyError where they do not start.

    On a crowded machine Ray's node gives up on its own helpers after 15 s, and its starter waits on for ever: then
    it is tried again. has_raylet: whether the node of a starter lives; tests bring their own.
    """
    has_raylet = has_raylet or raylet_lives
    ensure_folder(folder.path)
    empty(folder.temporary)  # of a node that was killed
    for _ in range(MOST_STARTS):
        process = _spawn(command, folder)
        try:
            is_started = wait_until_started(process, folder.log, has_raylet)
        except BaseException:
            _stop(process)
            raise
        if is_started:
            break
        _stop(process)
    else:
        raise NotReadyError(f"Ray's node ended {MOST_STARTS} times while it started.", hint=f"see {folder.log}")
    try:
        yield process
    finally:
        _stop(process)
    empty(folder.temporary)  # not after an error, whose traces lie in it


def empty(folder: Path) -> None:
    """Remove what Ray left in its folder; nothing of this home uses it."""
    for path in folder.iterdir():
        path.unlink() if path.is_symlink() or not path.is_dir() else shutil.rmtree(path, ignore_errors=True)


def _spawn(command: Sequence[str], folder: CrewFolder) -> subprocess.Popen[bytes]:
    """In a session of its own: a signal to this process reaches it by us alone. It ends with us, however we end."""
    with folder.log.open("wb") as log:
        return subprocess.Popen(
            list(command),
            env=folder.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=bound_to_us(),  # noqa: PLW1509 - it takes no lock
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_started(process: subprocess.Popen[bytes], log: Path, has_raylet: Callable[[int], bool]) -> bool:
    """Until Ray says so; False where its node was there and is gone.

    NotReadyError where the starter ends first, or takes START_SECONDS.
    """
    deadline, was_there = time.monotonic() + START_SECONDS, False
    while STARTED not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReadyError(f"Ray did not start: {last_words(log)}", hint=f"all it said: {log}")
        is_there = has_raylet(process.pid)
        if was_there and not is_there:
            return False
        was_there = was_there or is_there
        time.sleep(0.2)
    return True


def raylet_lives(pid: int) -> bool:
    """Whether a process below that one is the node of Ray."""
    with contextlib.suppress(psutil.Error):
        below = psutil.Process(pid).children(recursive=True)
        return any(one.name() == "raylet" and one.status() != psutil.STATUS_ZOMBIE for one in below)
    return False


def last_words(log: Path) -> str:
    """The last line of a log that is a sentence."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "it said nothing")[:300]
    return "it said nothing"
