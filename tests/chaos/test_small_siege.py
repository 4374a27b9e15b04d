"""A small chaos run; `python tests/chaos --seed 7 --kills 1000` is the long one: docs/reliability.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_nothing_is_lost_by_kills_a_full_disk_jumping_clocks_and_a_refused_database(
    unbroken: Callable[..., Any],
) -> None:
    report = unbroken("--seed", "3", "--kills", "7")
    assert sum(report["kills"].values()) >= 7
    assert report["submissions"] > 5
