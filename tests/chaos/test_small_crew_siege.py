"""A small chaos run over Ray; `python tests/chaos --crew ray --seed 11 --kills 200` is the long one: docs/scale.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("ray", reason="the extra [ray] is not installed")


@pytest.mark.ray
@pytest.mark.slow
def test_nothing_is_lost_over_ray_by_kills_of_workers_machines_and_server(unbroken: Callable[..., Any]) -> None:
    words = ["--crew", "ray", "--seed", "3", "--kills", "4", "--only", "worker,server,node,holder", "--no-troubles"]
    report = unbroken(*words)
    assert sum(report["kills"].values()) >= 3
    assert report["submissions"] > 5
