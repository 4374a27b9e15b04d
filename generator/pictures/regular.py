"""Files that settings name are opened only where they are files: a pipe would wait for ever, a device never ends."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

LARGEST_PICTURE_BYTES = 512 * 1024 * 1024
"""More than the largest picture that Pillow opens takes in any usual format."""
WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path, largest_bytes: int = LARGEST_PICTURE_BYTES) -> BinaryIO:
    """A regular file of bounded size, to be read; OSError where it is anything else or cannot be opened.

    What is opened is what is looked at: a name that changes its file meanwhile changes nothing.
    """
    descriptor = os.open(path, os.O_RDONLY | WITHOUT_WAITING)
    try:
        _require_regular(os.fstat(descriptor), largest_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _require_regular(found: os.stat_result, largest_bytes: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if found.st_size > largest_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {largest_bytes // 1024**2} MiB")
