"""One lock for whatever two processes must not do at once. The system lets go of it when its holder ends, however.

A disk without locks (ENOLCK, ENOTSUP: some network and container disks) stops nobody: then the caller goes on alone and
unguarded, which is what it would do without this module. Only a lock that somebody else holds says so.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dreamrig.errors import RigError
from dreamrig.paths import explain_write_failure

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
"""What flock, and the record locks that network disks make of it, answer where somebody else holds the lock."""

Flock = Callable[[int], None]


def system_flock(descriptor: int) -> None:
    """Lock an open file for this process alone, without waiting; OSError where that fails."""
    import fcntl  # absent on Windows; this tool runs inside WSL there

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def sole_holder(path: Path, held: RigError, *, flock: Flock = system_flock) -> Iterator[bool]:
    """Hold a folder, or a file made for it, inside of this block; raises `held` where another process does.

    Yields whether it is really locked: False on a disk that knows no locks. NotReadyError where the file cannot be
    made. flock: the door to the system; tests bring their own.
    """
    descriptor = _open(path)
    try:
        yield _is_locked(descriptor, held, flock)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        if path.is_dir():
            return os.open(path, os.O_RDONLY)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise explain_write_failure(path, error) from error


def _is_locked(descriptor: int, held: RigError, flock: Flock) -> bool:
    try:
        flock(descriptor)
    except ImportError:
        return False
    except OSError as error:
        if error.errno in HELD:
            raise held from None
        return False
    return True
