"""Where data lives, and files that are whole or absent."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dreamrig import paths
from dreamrig.errors import NotReadyError, UsageError


def test_home_moves_everything_and_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "moved"))
    assert paths.data_folder() == tmp_path / "moved"
    assert paths.runs_folder() == tmp_path / "moved" / "runs"
    assert paths.weights_folder() == tmp_path / "moved" / "weights"
    assert list(tmp_path.iterdir()) == []


def test_home_may_be_relative_or_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DREAMRIG_HOME", "data")
    assert paths.data_folder() == tmp_path / "data"
    monkeypatch.setenv("DREAMRIG_HOME", "~/data")
    assert paths.data_folder() == tmp_path / "data"


def test_empty_home_is_the_platforms_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert paths.data_folder() == tmp_path / "dreamrig"


def test_write_makes_and_replaces(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    paths.write_atomic(file, b"old")
    paths.write_atomic(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_what_need_not_outlive_a_power_cut_is_whole_too_and_waits_for_no_disk(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from dreamrig import paths\n"
        "pushed = []; os.fsync = pushed.append\n"
        "paths.write_atomic(Path(sys.argv[1]), b'old', durable=False)\n"
        "assert not pushed\n"
        "paths.write_atomic(Path(sys.argv[1]), b'new')\n"
        "assert len(pushed) == 2  # the file and its folder\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]
    with pytest.raises(NotReadyError):
        paths.write_atomic(tmp_path / "none" / "file", b"", durable=False)


def test_written_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        paths.write_atomic(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_symbolic_link_stays_and_its_target_changes(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to("target")
    paths.write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_longest_possible_name_can_be_written(tmp_path: Path) -> None:
    paths.write_atomic(tmp_path / ("x" * 255), b"x")


def write_in_a_process(setup: str, file: Path, size: int) -> subprocess.CompletedProcess[str]:
    """`write_atomic` after `setup` in a fresh process, which prints the error's message, hint and exit code."""
    code = f"""
import sys
from pathlib import Path
{setup}
from dreamrig import paths
from dreamrig.errors import RigError
try:
    paths.write_atomic(Path({str(file)!r}), b"x" * {size})
except RigError as error:
    print(error.message, error.hint, error.exit_code, sep="\\n")
print(*sorted(item.name for item in Path({str(file)!r}).parent.iterdir()))
"""
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"old")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    message, hint, code, left = write_in_a_process(limit, file, 5000).stdout.splitlines()
    assert message == f"Cannot write {file}: it is larger than this system allows."
    assert hint
    assert (code, left) == ("4", "picture.png")
    assert file.read_bytes() == b"old"


def can_mount() -> bool:
    """Whether this machine lets us have a tiny disk of our own."""
    try:
        return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace for a disk of 64 KiB")
def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from dreamrig import paths
from dreamrig.errors import NotReadyError, UsageError
file = Path({str(tmp_path)!r}) / "picture.png"
paths.write_atomic(file, b"old")
try:
    paths.write_atomic(file, b"x" * 100_000)
except NotReadyError as error:
    print(error.message)
print(file.read_bytes(), *[item.name for item in file.parent.iterdir()])
"""
    mount = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        'mount -t tmpfs -o size=64k none "$1" && exec "$2" -c "$3"',
        "sh",
        str(tmp_path),
    ]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([*mount, sys.executable, code], cwd=root, capture_output=True, text=True, check=True)
    message, left = ended.stdout.splitlines()
    assert message == f"Cannot write {tmp_path / 'picture.png'}: the disk is full (0 MiB free)."
    assert left == "b'old' picture.png"


def test_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    # A path whose bytes cannot be written stands for an interruption between opening and renaming.
    with pytest.raises(TypeError):
        paths.write_atomic(tmp_path / "file", "not bytes")  # type: ignore[arg-type]  # values of mixed types on purpose
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_error_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="its folder does not exist") as caught:
        paths.write_atomic(tmp_path / "none" / "file", b"")
    assert caught.value.hint == f"run: mkdir -p {tmp_path / 'none'}"


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_impossible_names_are_errors(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"^Cannot write "):
        paths.write_atomic(tmp_path / name, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full ("),
        (errno.EDQUOT, "the disk is full ("),
        (errno.EACCES, "Permission denied"),
        (errno.EROFS, "Read-only file system"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_every_failure_is_named_with_a_hint(number: int, said: str, tmp_path: Path) -> None:
    error = paths.explain_write_failure(tmp_path / "none" / "file", OSError(number, os.strerror(number)))
    assert said in error.message
    assert error.hint
    assert error.exit_code == 4


def test_ensure_folder_makes_parents_once_and_names_an_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert paths.ensure_folder(folder) == folder
    assert paths.ensure_folder(folder).is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(NotReadyError, match="Cannot write"):
        paths.ensure_folder(tmp_path / "file" / "folder")


# ---- words that become paths


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "it is empty"),
        ("a" * 256, "File name too long"),
        ("x/" * 3000 + "y", "File name too long"),
        ("~nobody-of-this-name/x", "no such home folder"),
        ("a\0b", "it holds a NUL"),
        ("a\ud800b", "not a name that this system can write"),
        ("loop", "symbolic links"),
        ("loop/inside", "symbolic links"),
    ],
)
def test_a_word_that_no_file_can_have_is_a_sentence(
    word: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=why) as caught:
        paths.given(word, "--start")
    assert caught.value.message.startswith("--start ")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "word", ["a", "a" * 255, "new/folder/file", "ü ñ.png", "\udcff.png", "/etc/hostname", "-", "a b"]
)
def test_a_word_that_a_file_may_have_is_an_absolute_path(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.given(word) == tmp_path / word
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert paths.given("~/x") == tmp_path / "home" / "x"


def test_only_regular_files_of_some_size_are_opened(tmp_path: Path) -> None:
    """A pipe would be waited for, and a device may have no end."""
    (tmp_path / "file").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null"), tmp_path):
        with pytest.raises(UsageError, match="it is no regular file"), paths.open_given(path):
            pass
    with pytest.raises(UsageError, match="it is larger than 4 bytes"), paths.open_given(tmp_path / "file", 4):
        pass
    with paths.open_given(tmp_path / "file", 5) as file:
        assert file.read() == b"12345"
    with pytest.raises(FileNotFoundError), paths.open_given(tmp_path / "none"):
        pass
