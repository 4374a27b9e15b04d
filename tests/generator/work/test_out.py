"""Where the picture is wanted: what cannot be written is refused before the run, whoever runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator.work.out import check_out, require_writable

NOBODY_WRITES = Path("/proc/self")  # not even root makes files in there
needs_proc = pytest.mark.skipif(not NOBODY_WRITES.exists(), reason="needs /proc")


@needs_proc
def test_a_folder_that_takes_no_files_is_refused() -> None:
    with pytest.raises(NotReadyError):
        require_writable(NOBODY_WRITES)


@needs_proc
@pytest.mark.parametrize("wanted", [f"{NOBODY_WRITES}", f"{NOBODY_WRITES}/", f"{NOBODY_WRITES}/picture.png"])
def test_so_is_a_picture_in_it(wanted: str) -> None:
    with pytest.raises((NotReadyError, UsageError)) as refused:
        check_out(wanted, force=False)
    assert refused.value.hint


def test_a_good_folder_is_left_as_it_was(tmp_path: Path) -> None:
    require_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
