"""The least arithmetic that is kept by workload is what a step of this implementation needs."""

from __future__ import annotations

import pytest

from bench.measure.steps import EngineSteps
from bench.result.pins import least_flops, step_flops
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
        work = steps.count_work()
    finally:
        steps.close()
    least, direct = least_flops(workload.hash), step_flops(workload.hash)
    assert least is not None
    assert work.least_flops_per_step is not None
    assert least <= work.least_flops_per_step
    assert least == pytest.approx(work.least_flops_per_step, rel=0.01)
    assert direct == pytest.approx(work.flops_per_step, rel=0.01)
