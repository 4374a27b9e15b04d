"""Ceilings and roofs: rates by a clock that is given, shares by datasheets, nothing from documents of strangers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch

from bench.claims.roofline import Roof, describe, measured_roof, sheet_roof, standing
from bench.cli import ceiling as ceiling_cli
from bench.measure.ceilings import Ceilings, parse_ceilings
from bench.measure.products import CeilingTurns, measure_ceilings, measure_copy, measure_product, precisions_of
from bench.result.pins import step_flops
from bench.result.result import BenchResult, Device, Software, Work
from bench.workloads import find_workload
from dreamrig.errors import UsageError
from provision.cards.datasheets import datasheet

Make = Callable[..., BenchResult]
CPU = torch.device("cpu")
CEILINGS = Ceilings(
    device="NVIDIA GeForce RTX 3090",
    kind="cuda",
    threads=None,
    torch="2.13.0",
    matmul_tflops={"fp32": 26.7, "tf32": 33.0, "fp16": 66.0},
    matmul_side={"fp32": 8192},
    copy_gb_per_second=842.4,
    seconds=4.0,
)
FLOPS = step_flops(find_workload("adafruit-480-pure").hash) or 0.0
WORK = Work(flops_per_step=FLOPS, flops_by_precision={"fp32": FLOPS}, bytes_per_step=FLOPS / 50)


@pytest.fixture
def make_result(make_result: Make) -> Make:
    """Work that a card is measured with."""
    return functools.partial(make_result, workload="adafruit-480-pure")


def ticking(step: float) -> Callable[[], float]:
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * step


def test_a_rate_is_work_over_the_fastest_round() -> None:
    tflops, side = measure_product(CPU, "fp32", 0.0, ticking(0.5))
    assert side == 256  # half a second is long enough for the smallest
    assert tflops == pytest.approx(2 * 256**3 / 0.5 / 1e12)
    assert measure_copy(CPU, 0.0, ticking(0.5)) == pytest.approx(2 * 256 * 2**20 / 0.5 / 1e9, rel=0.01)


def test_products_grow_until_they_last() -> None:
    """By this clock the first side's rounds are too short to be timed, the next one's are not."""
    readings = count()

    def clock() -> float:
        reading = next(readings)  # a side takes eight: when to end, three rounds of two, is it the end
        return reading * 0.001 if reading < 8 else 0.008 + (reading - 8) * 0.03

    assert measure_product(CPU, "fp32", 0.0, clock)[1] == 512


def test_the_devices_own_settings_are_left_as_they_were() -> None:
    before = torch.get_float32_matmul_precision()
    measure_product(CPU, "tf32", 0.0, ticking(0.5))
    assert torch.get_float32_matmul_precision() == before


def test_a_processor_is_measured_for_real() -> None:
    said: list[str] = []
    found = measure_ceilings(CPU, seconds_each=0.01, say=said.append)
    assert set(found.matmul_tflops) == set(precisions_of(CPU)) == {"fp32", "bf16"}
    assert found.matmul_tflops["fp32"] > 0
    assert found.copy_gb_per_second > 0
    assert found.threads == torch.get_num_threads()
    assert said == ["product in fp32", "product in bf16", "copy"]
    again = parse_ceilings(json.loads(json.dumps(found.to_dict())))
    assert again == replace(found, matmul_side={})


def test_turns_are_spread_over_the_time_and_their_median_counts() -> None:
    turns = CeilingTurns(CPU, seconds_each=0.0, turns=3, clock=ticking(0.5))
    assert turns.ceilings() is None
    taken = []
    for share in (0.1, 0.2, 0.3, 0.55, 0.6, 0.9, 1.0):
        if turns.due(share):
            taken.append(share)
            turns.take()
    assert taken == [0.2, 0.55, 0.9]
    found = turns.ceilings()
    assert found is not None
    assert found.matmul_tflops["fp32"] == pytest.approx(2 * 256**3 / 0.5 / 1e12)
    assert found.matmul_side["fp32"] == 256
    turns._tflops["fp32"] = [1.0, 9.0, 2.0]
    assert (turns.ceilings() or found).matmul_tflops["fp32"] == 2.0


def test_shares_of_the_datasheet() -> None:
    assert CEILINGS.shares()["fp32"] == pytest.approx(0.75, rel=0.01)
    assert CEILINGS.shares()["copy"] == pytest.approx(0.9)
    assert replace(CEILINGS, device="a toaster").shares() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "bench-ceilings/2"},
        {"matmul_tflops": None},
        {"matmul_tflops": {"fp32": "fast"}},
        {"matmul_tflops": {"fp32": -1}},
        {"matmul_tflops": {"fp32": True}},
        {"copy_gb_per_second": 0},
        {"copy_gb_per_second": 1e300},
    ],
)
def test_what_is_no_ceiling_is_none(change: dict[str, Any]) -> None:
    assert parse_ceilings({**CEILINGS.to_dict(), **change}) is None
    assert parse_ceilings(None) is None


def test_a_roof_is_the_lower_of_memory_and_arithmetic() -> None:
    roof = Roof("test", 10.0, 500.0, is_measured=True)
    assert roof.ridge == pytest.approx(20.0)
    assert roof.at(10.0) == pytest.approx(5.0)
    assert roof.at(20.0) == roof.at(1000.0) == pytest.approx(10.0)


def test_a_step_stands_under_its_own_ceiling(make_result: Make) -> None:
    place = standing(make_result(work=WORK, step_seconds=[FLOPS / 1e13] * 5, ceilings=CEILINGS.to_dict()))
    assert place is not None
    assert place.tflops == pytest.approx(10.0)
    assert place.intensity == pytest.approx(50.0)
    assert place.share == pytest.approx(10 / 26.7)
    assert place.limit == "arithmetic"  # the ridge is at 26.7e12 / 842.4e9 = 32
    assert "37%" in describe(place)
    assert [roof.is_measured for roof in place.roofs] == [True, False]


def test_of_known_work_a_file_tells_no_arithmetic(make_result: Make) -> None:
    """One that told ten times as much stood at 472 % of what its card can do."""
    more = replace(WORK, flops_per_step=10 * FLOPS, flops_by_precision={"fp32": 10 * FLOPS})
    place = standing(make_result(work=more, step_seconds=[FLOPS / 1e13] * 5, ceilings=CEILINGS.to_dict()))
    assert place is not None
    assert place.share == pytest.approx(10 / 26.7)


def test_mixed_precision_is_judged_by_a_mixed_peak() -> None:
    half_half = {"fp32": 1e12, "fp16": 1e12}
    roof = measured_roof(CEILINGS, half_half)
    assert roof is not None
    assert roof.peak_tflops == pytest.approx(2 / (1 / 26.7 + 1 / 66.0))
    sheet = sheet_roof(datasheet("t4"), half_half)
    assert sheet is not None
    assert sheet.peak_tflops == pytest.approx(2 / (1 / 8.1408 + 1 / 65.1264))


def test_tf32_is_judged_as_tf32(make_result: Make) -> None:
    software = Software(python="3", torch="2", flags={"tf32_matmul": True, "tf32_convolutions": True})
    result = make_result(work=WORK, ceilings=CEILINGS.to_dict(), software=software)
    place = standing(result)
    assert place is not None
    assert place.roofs[0].peak_tflops == pytest.approx(33.0)
    on_cpu = standing(replace(result, device=Device(kind="cpu", name="a CPU")))
    assert on_cpu is not None
    assert on_cpu.roofs[0].peak_tflops == pytest.approx(26.7)


def test_without_counts_or_ceilings_nothing_is_claimed(make_result: Make) -> None:
    assert standing(make_result()) is None
    place = standing(make_result(work=replace(WORK, bytes_per_step=None), device="a toaster"))
    assert place is not None
    assert (place.share, place.limit, place.intensity, place.roofs) == (None, None, None, ())
    assert "was not measured" in describe(place)


def test_the_command_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert ceiling_cli.ceiling(["--device", "cpu", "--seconds", "0.01", "--json"]) == 0
    printed = capsys.readouterr()
    data = json.loads(printed.out)["data"]
    assert data["matmul_tflops"]["fp32"] > 0
    assert parse_ceilings(data) is not None
    assert "product in fp32" in printed.err


def test_the_words_of_the_command() -> None:
    text = "\n".join(ceiling_cli.describe(CEILINGS))
    assert "26.7 TFLOP/s (squares of 8192), 75% of the datasheet" in text
    assert text.endswith("in fp32 it reaches 75% of what the datasheet says of the RTX 3090")


@pytest.mark.parametrize("seconds", ["0", "-1", "61", "nan"])
def test_a_senseless_time_is_refused(seconds: str) -> None:
    with pytest.raises(UsageError, match="--seconds"):
        ceiling_cli.ceiling(["--seconds", seconds])


def test_a_gpu_far_below_its_roof_waits_for_launches(make_result: Callable[..., BenchResult]) -> None:
    """2.7e12 FLOPs in 2 s are 1.4 TFLOP/s, of 26.7 that the products reach; a processor launches nothing."""
    result = make_result(work=WORK, step_seconds=[2.0] * 5, ceilings=CEILINGS.to_dict())
    place = standing(result)
    assert place is not None
    assert place.limit == "launches"
    assert "launch-bound" in describe(place)
    on_cpu = standing(replace(result, device=Device(kind="cpu", name="a CPU")))
    assert on_cpu is not None
    assert on_cpu.limit == "arithmetic"


def test_a_disturbed_result_tells_no_share(make_result: Callable[..., BenchResult]) -> None:
    place = standing(make_result(work=WORK, step_seconds=[0.1, 0.2] * 6, ceilings=CEILINGS.to_dict()))
    assert place is not None
    assert place.share is None
    assert "a noisy result does not tell" in describe(place)
