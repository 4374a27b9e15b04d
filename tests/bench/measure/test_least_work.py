"""The least arithmetic that is kept by workload is what a step of this implementation needs."""

from __future__ import annotations

import pytest

from bench.measure.steps import EngineSteps
from bench.result.pins import least_flops
from bench.workloads import WORKLOADS


@pytest.mark.parametrize(
    "name",
    [
        "starter-128",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("adafruit-480-pure", "nerdyrodent-512")),
    ],
)
def test_it_is_what_is_counted(name: str) -> None:
    """A step that got cheaper makes a bound that no longer holds: then least_work.json takes the new count."""
    workload = WORKLOADS[name]
    steps = EngineSteps.load(workload, device="cpu", threads=1, random_weights=True)
    try:
        counted = steps.count_work().least_flops_per_step
    finally:
        steps.close()
    kept = least_flops(workload.hash)
    assert counted is not None
    assert kept is not None
    assert kept <= counted
    assert kept == pytest.approx(counted, rel=0.01)
