"""Where things live on disk, and the one way to write a file so that it is whole or absent.

`DREAMRIG_HOME` moves the data folder. Nothing here creates a folder on import or merely by naming it.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dreamrig.errors import NotReadyError, RigError, UsageError
from dreamrig.words import MIB

TEMPORARY = ".dreamrig-"
"""How the name of what is not whole yet begins, before chance and ".tmp"."""
LONGEST_SHOWN = 60
"""Characters of a wrong word that an error repeats."""


def data_folder() -> Path:
    """The absolute folder that holds weights and runs: `DREAMRIG_HOME`, or the platform's place for user data."""
    moved = os.environ.get("DREAMRIG_HOME", "")
    if moved:
        return given(moved, "DREAMRIG_HOME")
    import platformdirs  # late: 30 ms that `--help` does not owe

    return platformdirs.user_data_path("dreamrig", appauthor=False)


def runs_folder() -> Path:
    """The folder with one folder per run."""
    return data_folder() / "runs"


def weights_folder() -> Path:
    """The folder with downloaded weights (the starter's own weights travel inside the package)."""
    return data_folder() / "weights"


def given(text: str | os.PathLike[str], what: str = "the path") -> Path:
    """The absolute path that somebody's word names: the one door from words to paths.

    what: how to call it in an error, e.g. "--start".   UsageError for a word that no file can have: empty, with a NUL
    in it, too long, not to be encoded, a home of nobody, links in a circle. Whether there is such a file is not asked.
    """
    word = os.fspath(text)
    try:
        path = Path(word).expanduser()
        path.stat()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise _no_path(word, what, os.strerror(error.errno)) from error
    except UnicodeEncodeError as error:  # half of a character pair: JSON and TOML can hold one, no file name can
        raise _no_path(word, what, "not a name that this system can write") from error
    except ValueError as error:
        raise _no_path(word, what, "it holds a NUL") from error
    except RuntimeError as error:
        raise _no_path(word, what, "there is no such home folder") from error
    if not word:
        raise _no_path(word, what, "it is empty")
    return path.absolute()


def _no_path(word: str, what: str, why: str) -> UsageError:
    shown = repr(word if len(word) <= LONGEST_SHOWN else word[:LONGEST_SHOWN] + "…")
    return UsageError(f"{what[:1].upper()}{what[1:]} {shown} is no path: {why}.", hint="give the path of a file")


@contextlib.contextmanager
def open_given(path: Path, largest_bytes: int | None = None) -> Iterator[BinaryIO]:
    """A regular file, to be read: never a pipe, which would be waited for, nor a device, which may have no end.

    UsageError for those and for a file of more than `largest_bytes`; OSError as open() raises it.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UsageError(f"Cannot read {path}: it is no regular file.", hint=f"see: ls -ld {path}")
        if largest_bytes is not None and facts.st_size > largest_bytes:
            most = f"{largest_bytes / MIB:.0f} MiB" if largest_bytes >= MIB else f"{largest_bytes} bytes"
            raise UsageError(f"Cannot read {path}: it is larger than {most}.", hint="give another file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def user_config_file() -> Path:
    """The user's own settings file; it need not exist."""
    import platformdirs

    return platformdirs.user_config_path("dreamrig", appauthor=False) / "config.toml"


def ensure_folder(folder: Path) -> Path:
    """Make `folder` and its parents where missing, and return it; NotReadyError where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_failure(folder, error) from error
    return folder


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, also after a power cut.

    durable: False = a power cut may take it: for what is written twice a second and soon gone anyway.

    A symbolic link is followed, so the link stays and its target changes. The folder must exist. On failure nothing is
    left behind and the old file stands; disk full, no permission and the like become NotReadyError.
    """
    target = Path(os.path.realpath(path))
    # A dot in front hides the file from listings; a fixed head instead of the target's name keeps long names possible.
    temporary = target.with_name(f"{TEMPORARY}{os.urandom(6).hex()}.tmp")
    try:
        _write_new(temporary, data, durable=durable)
        os.replace(temporary, target)
        if durable:
            _sync_folder(target.parent)
    except BaseException as error:  # an interrupt must not leave a half-written file either
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise explain_write_failure(path, error) from error
        raise


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A new name beside `path` for a program to write to, which becomes `path` at the end: the whole of it or nothing.

    For what is too large for write_atomic, or is written by others. An OSError inside, whatever wrote, becomes
    NotReadyError as in write_atomic; on any failure nothing is left behind and the old file stands.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{TEMPORARY}{os.urandom(6).hex()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise explain_write_failure(path, error) from error
        raise


def _write_new(path: Path, data: bytes, *, durable: bool) -> None:
    """Create `path` (it must not exist) with the permissions the umask gives; durable: push its bytes to the disk."""
    with path.open("xb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable where the system allows it (Windows and some network disks do not)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def free_mib(path: Path) -> int | None:
    """Free space in MiB on the disk of `path`, or of its nearest existing parent; None where it cannot be read."""
    import shutil  # late: it brings every compression there is, which --help does not owe

    for folder in (path, *path.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free // MIB
    return None


def explain_write_failure(path: Path, error: OSError) -> RigError:
    """The sentence and the hint for a write to `path` that ended in `error`."""
    move = "free some space, or put the data elsewhere: export DREAMRIG_HOME=/folder/with/room"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            free = free_mib(path)
            room = "" if free is None else f" ({free} MiB free)"
            return NotReadyError(f"Cannot write {path}: the disk is full{room}.", hint=move, code="disk_full")
        case errno.EFBIG:
            return NotReadyError(f"Cannot write {path}: it is larger than this system allows.", hint="see: ulimit -f")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return NotReadyError(
                f"Cannot write {path}: {error.strerror}.",
                hint="choose a folder that you may write to, or move the data: export DREAMRIG_HOME=/your/folder",
            )
        case errno.ENOENT:
            return NotReadyError(
                f"Cannot write {path}: its folder does not exist.", hint=f"run: mkdir -p {path.parent}"
            )
        case _:
            reason = error.strerror or type(error).__name__
            return NotReadyError(f"Cannot write {path}: {reason}.", hint="choose another place for it")
