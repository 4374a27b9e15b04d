"""The harness is imported by its plain name."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "harness"))

from rig_checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    # A program in the background has Ctrl-C switched off, and its children inherit that, but not a handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield Checkout(tmp_path)
    signal.signal(signal.SIGINT, before)
