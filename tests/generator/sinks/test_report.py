"""The timing report: numbers from events, words from numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch
from rich.console import Console

from generator.config import GenerateConfig
from generator.engine.flops import FlopCount, _operator_flops, count_flops, estimate_flops, least_share
from generator.engine.loop import generate
from generator.events import Finished, Step
from generator.models.base import Models
from generator.sinks.report import TimingReport, describe_claim, render_table, report_rows
from generator.sinks.timings import Stopwatch, TimingsSink
from provision.cards.datasheets import colab_datasheets, datasheet

REPORT = TimingReport(
    workload="0123456789ab",
    width=128,
    height=96,
    cutouts=8,
    steps=60,
    first_step_seconds=0.5,
    steady_step_seconds=(0.2, 0.25, 0.25, 0.25, 0.3),
    import_seconds=2.0,
    load_seconds=0.25,
    first_preview_seconds=2.9,
    saving_seconds=0.25,
    total_seconds=5.0,
    peak_memory_mib=512.4,
    peak_memory_of="run",
    device="cpu (Test CPU)",
    threads=2,
    versions={"python": "3.11.7", "torch": "2.13.0"},
)


def ticking(step: float = 1.0) -> Callable[[], float]:
    """A clock that moves on by `step` seconds whenever it is read."""
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * step


def test_pace_is_the_median_of_the_steady_steps_with_their_spread() -> None:
    assert REPORT.steps_done == 6
    assert REPORT.steps_per_second == 4.0
    assert REPORT.step_quartiles == (0.25, 0.25)
    assert REPORT.spread == 0.0
    uneven = replace(REPORT, steady_step_seconds=(0.1, 0.2, 0.3, 0.4, 0.5))
    assert uneven.spread == pytest.approx(0.2 / 0.3)


def test_short_runs_say_only_what_is_known() -> None:
    one = replace(REPORT, steady_step_seconds=())
    assert (one.steps_per_second, one.step_quartiles, one.spread) == (2.0, None, None)
    none = replace(one, first_step_seconds=None)
    assert (none.steps_done, none.steps_per_second, none.spread) == (0, None, None)
    assert dict(report_rows(none))["steady steps"] == "none"
    assert dict(report_rows(none))["first step"] == "unknown"


def test_the_text() -> None:
    report = replace(
        REPORT, least_flops_per_step=2e9, flops_method="counted", phase_seconds={"decode": 0.75, "clip": 0.5}
    )
    assert report_rows(report) == [
        ("import", "2.00 s"),
        ("load", "250 ms"),
        ("first step", "500 ms"),
        ("steady steps", "4.0 it/s (95 % interval 3.4 to 4.8), 250 ms a step, spread 0%"),
        ("saving", "250 ms"),
        ("first preview", "2.90 s from the command"),
        ("picture", "5.00 s from the command, Python's own start and leaving Python not counted; 6 steps at 128x96"),
        ("peak memory", "512 MiB"),
        ("device", "cpu (Test CPU), 2 threads"),
        ("versions", "python 3.11.7, torch 2.13.0"),
        ("where it goes", "decode 38%, clip 25%, saving 12%, other 25%"),
        (
            "against Colab",
            (
                "No T4 does more than 4,070 it/s here, by its datasheet, not measured; "
                "whether it is slower than this rig, a bound cannot tell."
            ),
        ),
    ]


def test_a_noisy_run_and_a_resumed_run_say_so() -> None:
    noisy = replace(REPORT, steady_step_seconds=(0.1, 0.2, 0.3, 0.4), first_step=20)
    rows = dict(report_rows(noisy))
    assert "noisy" in rows["steady steps"]
    assert rows["picture"].endswith("resumed at step 20")


def test_shares_sum_to_one() -> None:
    shares = replace(REPORT, phase_seconds={"decode": 0.75, "clip": 0.5}).phase_shares()
    assert shares is not None
    assert sum(shares.values()) == pytest.approx(1.0)
    assert REPORT.phase_shares() is None


def test_the_bound_is_arithmetic_over_datasheet_and_called_a_bound() -> None:
    report = replace(REPORT, least_flops_per_step=1e12, flops_method="estimated")
    assert report.colab_bounds() == pytest.approx(
        {sheet.name: sheet.peak_tflops("fp32") for sheet in colab_datasheets()}
    )
    assert {"T4", "L4", "A100 40 GB"} <= set(report.colab_bounds())
    mixed = replace(report, precision="mixed")
    # Its tensor cores, which a bound in mixed precision has to allow for.
    assert mixed.colab_bounds()["T4"] == pytest.approx(65, abs=0.5)
    assert "not measured" in (describe_claim(report) or "")
    assert describe_claim(REPORT) is None


def test_what_surely_follows_is_said_of_the_slow_end_of_the_steps() -> None:
    """A T4 needs 122.8 ms for 1e12 FLOPs; the median of these steps is 60 ms at most, of fewer it may be 86."""
    steps = (0.03, 0.05, 0.05, 0.06, 0.06) * 6
    few = replace(REPORT, least_flops_per_step=1e12, steady_step_seconds=(0.03, 0.05, 0.05, 0.06, 0.09))
    assert (describe_claim(few) or "").startswith("At least 1.4x as fast as any T4")
    fast = replace(REPORT, least_flops_per_step=1e12, steady_step_seconds=steps)
    assert (describe_claim(fast) or "").startswith("At least 2x as fast as any T4: even at its datasheet peak")


def test_from_the_start_of_the_process_where_that_is_known() -> None:
    rows = dict(report_rows(replace(REPORT, start_seconds=0.21)))
    assert rows["start"] == "210 ms, Python's own"
    assert rows["first preview"] == "2.90 s from the start of the process"
    assert rows["picture"] == "5.00 s from the start of the process, leaving Python not counted; 6 steps at 128x96"


def test_what_a_t4_is_expected_to_do_goes_before_its_bound() -> None:
    """As `bench` says it; from the run's own card in half precision, from the arithmetic of the step in full."""
    steps = (0.05,) * 8
    mixed = replace(
        REPORT,
        device="cuda:0 (NVIDIA GeForce RTX 3090)",
        precision="mixed",
        steady_step_seconds=steps,
        flops_per_step=2.7e12,
        least_flops_per_step=1.5e12,
    )
    assert (describe_claim(mixed) or "").startswith("A T4 is expected, not measured, to do about 5.8 it/s here")
    beside = mixed.expected(mixed.bound(datasheet("t4")))
    assert beside is not None
    assert "other networks in half precision" in beside.basis
    full = replace(mixed, precision="fp32")
    assert "T4 is expected, not measured, to do about 1.1 it/s" in (describe_claim(full) or "")
    assert "3.6x at least by its datasheet" in (describe_claim(full) or "")
    noisy = replace(mixed, steady_step_seconds=(0.05, 0.1) * 4)
    small = replace(mixed, flops_per_step=5e9, least_flops_per_step=1.4e9)
    itself = replace(full, device="cuda:0 (Tesla T4)")
    for other in (noisy, small, itself):
        assert "expected" not in (describe_claim(other) or "")


def test_the_json_form_holds_measured_and_derived_values() -> None:
    facts = json.loads(json.dumps(replace(REPORT, least_flops_per_step=2e9).to_dict(), allow_nan=False))
    assert facts["steps_per_second"] == 4.0
    assert facts["steady_step_seconds"] == [0.2, 0.25, 0.25, 0.25, 0.3]
    assert facts["colab"]["bounds_steps_per_second"]["T4"] == pytest.approx(4070.4)
    assert "not a measurement" in facts["colab"]["kind"]


def test_the_sink_times_the_parts_of_a_run(models: Models, toy_config: Callable[..., GenerateConfig]) -> None:
    clock = ticking()
    sink = TimingsSink(clock, began_at=clock())
    config = toy_config(steps=5)
    for event in generate(config, models, clock=clock, import_seconds=3.0, load_seconds=2.0):
        sink(event)
    report = sink.report(saving_seconds=1.5, threads=1)
    assert (report.import_seconds, report.load_seconds, report.saving_seconds) == (3.0, 2.0, 1.5)
    assert (report.first_step_seconds, report.steady_step_seconds) == (1.0, (1.0,) * 4)
    assert report.first_preview_seconds is not None
    assert report.total_seconds > 5
    assert report.workload == config.workload_id()
    assert set(report.same_step) == {replace(config, deterministic=either).step_id() for either in (True, False)}


def test_the_sink_keeps_no_pictures(models: Models, toy_config: Callable[..., GenerateConfig]) -> None:
    sink = TimingsSink(ticking(), 0.0)
    for event in generate(toy_config(), models):
        sink(event)
    with pytest.raises(RuntimeError):
        sink.steps[0].image()


def test_the_stopwatch_sums_by_name_also_over_failures() -> None:
    watch = Stopwatch(ticking(2.0))
    with watch("decode"):
        pass
    with pytest.raises(ValueError, match="x"), watch("decode"):
        raise ValueError("x")
    assert watch.seconds == {"decode": 4.0}


def test_both_ways_of_counting_agree(models: Models, toy_config: Callable[..., GenerateConfig]) -> None:
    config = toy_config()
    events: Any = generate(config, models)
    next(events)
    # The second step: the first one also makes the resample matrices that later ones look up.
    while not isinstance(next(events), Step):
        pass
    estimated = FlopCount()
    with estimate_flops(estimated):
        while not isinstance(event := next(events), Step):
            assert not isinstance(event, Finished)
    counted = count_flops(config, models)
    assert counted is not None
    assert estimated.flops == pytest.approx(counted.flops, rel=0.05)
    assert estimated.least_flops == pytest.approx(counted.least_flops, rel=0.05)


def test_what_is_kept_from_step_to_step_makes_no_bound_tighter() -> None:
    """The matrices of the cutouts are made in fp64 on the processor, by size, and looked up afterwards."""
    double = torch.ones(4, 4, dtype=torch.float64)
    estimated = FlopCount()
    with estimate_flops(estimated):
        double @ double
    with _operator_flops() as counted:
        double @ double
    for found in (estimated, counted):
        assert (found.flops, found.least_flops) == (128, 0.0)


def test_both_ways_of_counting_know_what_a_fast_convolution_saves() -> None:
    image, weight = torch.ones(1, 4, 8, 8, requires_grad=True), torch.ones(6, 4, 3, 3)
    estimated = FlopCount()
    with estimate_flops(estimated):
        torch.nn.functional.conv2d(image, weight, padding=1)
    with _operator_flops() as counted:
        torch.nn.functional.conv2d(image, weight, padding=1).sum().backward()
    direct = 2 * (2 * 6 * 8 * 8 * 4 * 9)  # forward, and backward to the image
    for found in (estimated, counted):
        assert found.flops == direct
        assert found.least_flops == pytest.approx(direct * 64 / 324)


@pytest.mark.parametrize(
    ("kernel", "stride", "share"),
    [
        ((3, 3), 1, 64 / 324),  # Winograd's F(6x6, 3x3): 8 x 8 multiplications instead of 6 x 6 x 9
        ((1, 1), 1, 1.0),
        ((32, 32), 32, 1.0),  # patches that do not overlap: a plain product
        ((4, 4), (2, 2), 49 / 144),  # four filters of 2 x 2
        ((9, 1), [1], 14 / 54),
    ],
)
def test_the_least_share_of_a_convolution(kernel: tuple[int, ...], stride: Any, share: float) -> None:
    assert least_share(kernel, stride) == pytest.approx(share)


def test_a_peak_that_other_runs_may_have_made_says_so() -> None:
    told = dict(report_rows(replace(REPORT, peak_memory_of="process")))["peak memory"]
    assert told == "512 MiB (of the whole process so far)"


@pytest.mark.parametrize(
    "steps", [(), (0.0,) * 5, (0.2, 0.2, 0.0, 0.2, 0.2)], ids=["none", "too short", "one too short"]
)
def test_steps_below_a_tick_of_the_clock_have_no_interval(steps: tuple[float, ...]) -> None:
    """Its inverse, steps per second, would be beyond all numbers."""
    assert replace(REPORT, steady_step_seconds=steps).interval is None


def test_a_row_of_the_report_is_a_line_of_the_table() -> None:
    shown = io.StringIO()
    Console(file=shown, width=40).print(render_table([("run", "a"), ("seed", "5")]))
    assert [line.rstrip() for line in shown.getvalue().splitlines()] == ["run   a", "seed  5"]


def test_the_interval_stands_in_the_document_where_there_is_one() -> None:
    found = REPORT.to_dict()["interval_seconds"]
    assert found["low"] < found["median"] == 0.25 < found["high"]
    assert replace(REPORT, steady_step_seconds=()).to_dict()["interval_seconds"] is None
