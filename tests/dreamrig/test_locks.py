"""One holder at a time, and no wait for ever on a disk that knows no locks."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError
from dreamrig.locks import sole_holder

BUSY = NotReadyError("Another one is at work.", hint="wait")
HOLD = """
import sys, pathlib
from dreamrig.errors import NotReadyError
from dreamrig.locks import sole_holder
with sole_holder(pathlib.Path(sys.argv[1]), NotReadyError("held")) as is_locked:
    print(is_locked, flush=True)
    sys.stdin.read()
"""


def failing(number: int) -> OSError:
    return OSError(number, "made up")


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_second_process_is_told_and_a_dead_one_holds_nothing(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path if is_folder else tmp_path / ".lock"
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with pytest.raises(NotReadyError, match="Another one"), sole_holder(path, BUSY):
            pytest.fail("held twice")
        other.kill()
        other.wait()
    with sole_holder(path, BUSY) as is_locked:
        assert is_locked


def test_it_is_let_go_at_the_end_however_that_came(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_holder(tmp_path, BUSY):
        raise ZeroDivisionError
    with sole_holder(tmp_path, BUSY) as is_locked:
        assert is_locked


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EIO])
def test_a_disk_without_locks_stops_nobody(tmp_path: Path, number: int) -> None:
    def flock(descriptor: int) -> None:
        raise failing(number)

    with sole_holder(tmp_path / ".lock", BUSY, flock=flock) as is_locked:
        assert not is_locked


def test_a_system_without_locks_stops_nobody(tmp_path: Path) -> None:
    def flock(descriptor: int) -> None:
        raise ImportError("no fcntl here")

    with sole_holder(tmp_path, BUSY, flock=flock) as is_locked:
        assert not is_locked


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_what_network_disks_say_of_a_held_lock_is_understood(tmp_path: Path, number: int) -> None:
    def flock(descriptor: int) -> None:
        raise failing(number)

    with pytest.raises(NotReadyError, match="Another one"), sole_holder(tmp_path, BUSY, flock=flock):
        pytest.fail("held twice")


def test_a_lock_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="its folder does not exist"), sole_holder(tmp_path / "no" / "lock", BUSY):
        pytest.fail("locked nothing")
