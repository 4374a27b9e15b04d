"""A careless or hostile file: every reader knows that it cannot be what it says."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.claims.claims import claims_for
from bench.compare.compare import compare
from bench.compare.machines import merge_results
from bench.result.pins import hash_of, least_flops, pins_of
from bench.result.result import BenchResult, Device, Picture, write_result
from bench.result.trust import why_impossible
from bench.result.verdict import judge
from bench.workloads import PROFILES, WORKLOADS
from dreamrig.cli import main

Make = Callable[..., BenchResult]
LEAST = 1500258116721
NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def make_result(make_result: Make) -> Make:
    return functools.partial(make_result, workload="adafruit-480-pure")


def at(tflops: float) -> list[float]:
    """Steps of so many TFLOP/s."""
    return [LEAST / (tflops * 1e12)] * 5


@pytest.mark.parametrize(
    ("device", "tflops", "is_impossible"),
    [
        ("Tesla T4", 8.1408 * 0.99, False),
        ("Tesla T4", 8.1408 * 1.01, True),
        ("NVIDIA GeForce RTX 3090", 35.6 * 1.2, False),  # its boost goes beyond the listed clock
        ("NVIDIA GeForce RTX 3090", 35.6 * 1.3, True),
        ("NVIDIA RTX 9090", 100.0, False),  # nobody knows it
        ("NVIDIA RTX 9090", 3000.0, True),  # but it is not twenty times the fastest that is known
    ],
)
def test_no_card_beats_its_datasheet_nor_an_unknown_one_the_fastest(
    make_result: Make, device: str, tflops: float, is_impossible: bool
) -> None:
    why = why_impossible(make_result(device=device, step_seconds=at(tflops)), NOW)
    assert (why is not None) == is_impossible
    assert why is None or "allows" in why


@pytest.mark.parametrize(("threads", "tflops", "is_impossible"), [(2, 0.5, False), (2, 1.0, True), (64, 10.0, False)])
def test_a_processor_is_limited_by_its_lanes(
    make_result: Make, threads: int, tflops: float, is_impossible: bool
) -> None:
    result = _on_processor(make_result(step_seconds=at(tflops)), "A CPU", threads, threads)
    assert (why_impossible(result, NOW) is not None) == is_impossible


def _on_processor(result: BenchResult, name: str, threads: int, machine_threads: int | None) -> BenchResult:
    return replace(
        result,
        device=Device(kind="cpu", name=name),
        software=replace(result.software, threads=threads),
        host=replace(result.host, cpu=name, cpu_threads=machine_threads),
    )


@pytest.mark.parametrize(
    ("name", "threads", "machine_threads", "tflops", "is_impossible"),
    [
        ("Intel(R) N100", 1024, 4, 2.0, True),  # no more threads compute than the machine has
        ("Intel(R) N100", 1024, 1024, 4.0, True),  # nor than its kind has
        ("Intel(R) N100", 4, 4, 0.2, False),
        ("AMD Ryzen 9 7950X 16-Core Processor", 1024, None, 20.0, True),
        ("AMD EPYC 9654 96-Core Processor", 192, 192, 10.0, False),
        ("A CPU", 1024, 1024, 120.0, True),  # nor does any machine do as much
    ],
)
def test_a_file_does_not_choose_its_lanes(
    make_result: Make, name: str, threads: int, machine_threads: int | None, tflops: float, is_impossible: bool
) -> None:
    result = _on_processor(make_result(step_seconds=at(tflops)), name, threads, machine_threads)
    assert (why_impossible(result, NOW) is not None) == is_impossible


def test_nothing_is_faster_than_its_own_products(make_result: Make) -> None:
    ceilings = {"schema": "bench-ceilings/1", "matmul_tflops": {"fp32": 10.0, "fp16": 70.0}, "copy_gb_per_second": 1.0}
    assert why_impossible(make_result(step_seconds=at(14.0), ceilings=ceilings), NOW) is None
    assert "its own products" in (why_impossible(make_result(step_seconds=at(16.0), ceilings=ceilings), NOW) or "")
    shipped = make_result(step_seconds=at(30.0), ceilings=ceilings, profile="as-shipped")
    assert why_impossible(shipped, NOW) is None


def test_a_picture_takes_as_long_as_its_steps(make_result: Make) -> None:
    result = make_result(step_seconds=at(8.0))
    for seconds, is_impossible in ((30 * at(8.0)[0], False), (0.001, True)):
        drawn = replace(result, timing=replace(result.timing, picture=Picture(steps=30, seconds=seconds)))
        said = why_impossible(drawn, NOW) or ""
        assert ("its picture of 30 steps was drawn at " in said) == is_impossible


def test_the_number_of_the_work_is_made_from_its_values(make_result: Make) -> None:
    """A light workload under the number of a heavy one would beat every card."""
    result = make_result()
    assert why_impossible(result, NOW) is None
    for change in ({"params": {**result.workload.params, "cutouts": 1}}, {"batch": 4}, {"step_files": True}):
        other = replace(result, workload=replace(result.workload, **change))
        assert "its values are not those" in (why_impossible(other, NOW) or "")


def _as(result: BenchResult, **changes: Any) -> BenchResult:
    """The same with other pins, the number of its work made anew."""
    used = replace(result.workload, **changes)
    pins = pins_of(
        version=used.version, profile=used.profile, params=used.params, batch=used.batch, step_files=used.step_files
    )
    return replace(result, workload=replace(used, hash=hash_of(pins)))


def test_name_and_number_of_the_work_agree(make_result: Make) -> None:
    """The starter's work is two hundred times as fast, and passed as that of the guide once."""
    starter = make_result(workload="starter-128", step_seconds=[0.005] * 5)
    called = replace(starter, workload=replace(starter.workload, name="adafruit-480-pure"))
    assert why_impossible(called, NOW) == "its work is that of starter-128, and it is called adafruit-480-pure"
    light = _as(make_result(), params={**make_result().workload.params, "cutouts": 7})
    assert why_impossible(light, NOW) == "it is called adafruit-480-pure, whose work is another"
    assert why_impossible(_as(light, name="mine"), NOW) is None
    assert why_impossible(_as(light, version=2), NOW) is None  # of a later dreamrig


@pytest.mark.parametrize("changes", [{"name": "mine"}, {"version": 2}])
def test_unknown_work_stands_beside_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: Any, changes: dict[str, Any]
) -> None:
    """Seven cutouts at two million it/s: no bound is known of them, so report, merge and board take none of it."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    result = make_result(step_seconds=[1 / 1_960_000] * 8)
    result = _as(result, params={**result.workload.params, "cutouts": 7}, **changes)
    assert "unknown work" in [verdict.word for verdict in judge(result)]
    assert claims_for(result) == []
    merged = merge_results([result])
    assert merged.rows == ()
    assert "unknown work: its workload" in merged.impossible[0]
    write_result(result, tmp_path / "light.json")
    assert main(["bench", "report", "light.json"]) == 2
    assert "No result can be checked" in capsys.readouterr().err
    assert main(["bench", "validate", "--strict", "light.json"]) == 3


@pytest.mark.parametrize(
    ("flags", "kind", "told"),
    [
        ({"precision": "fp32", "tf32_matmul": False, "tf32_convolutions": False}, "cuda", None),
        ({"precision": "mixed"}, "cuda", "computed in mixed"),
        ({"precision": "fp32", "tf32_convolutions": True}, "cuda", "TF32 was allowed"),
        ({"precision": "fp32", "tf32_convolutions": True}, "cpu", None),  # it has none
        ({}, "cuda", "does not say its precision"),
        ({"precision": "fp32", "tf32_matmul": False}, "cuda", "does not say its tf32_convolutions"),
        ({}, "cpu", None),
    ],
)
def test_strict_is_fp32_without_tf32(make_result: Make, flags: dict[str, Any], kind: Any, told: str | None) -> None:
    result = make_result()
    result = replace(result, software=replace(result.software, flags=flags), device=replace(result.device, kind=kind))
    result = replace(result, timing=make_result(step_seconds=at(0.1)).timing)
    why = why_impossible(result, NOW)
    assert (why is None) if told is None else told in (why or "")
    shipped = make_result(profile="as-shipped")
    assert why_impossible(replace(shipped, software=replace(shipped.software, flags=flags)), NOW) is None


@pytest.mark.parametrize(
    ("created", "is_impossible"),
    [("2026-11-27T23:59:59Z", False), ("2026-11-28T00:00:01Z", True), ("2026-11-28T03:00:00+05:00", False)],
)
def test_no_result_is_of_the_day_after_tomorrow(make_result: Make, created: str, is_impossible: bool) -> None:
    assert (why_impossible(make_result(created=created), NOW) is not None) == is_impossible


def test_no_card_used_more_memory_than_it_has(make_result: Make) -> None:
    result = make_result()
    too_much = replace(result, memory=replace(result.memory, peak_allocated_mib=30_000.0))
    assert "more memory" in (why_impossible(too_much, NOW) or "")


def test_every_reader_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nearly two million it/s: a result of a hundred bytes made a card of it once."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    liar = make_result(device="NVIDIA H100 80GB HBM3", step_seconds=[1 / 1_960_000] * 8, number=2)
    good = make_result(number=1)
    assert judge(liar)[0].word == "impossible"
    assert compare(good, liar).words.startswith("not comparable: NVIDIA H100 80GB HBM3 is impossible")
    assert compare(good, liar).is_regression(0.9)
    assert merge_results([liar]).rows == ()
    for result, name in ((good, "good.json"), (liar, "liar.json")):
        write_result(result, tmp_path / name)
    assert main(["bench", "validate", "liar.json"]) == 3
    assert main(["bench", "report", "liar.json"]) == 2
    assert "cannot be" in (said := capsys.readouterr().err) or "No result can be" in said
    assert main(["bench", "report", "good.json", "liar.json", "--json"]) == 0
    assert "impossible" in json.loads(capsys.readouterr().out)["data"]["problems"][0]


def test_the_least_arithmetic_of_every_workload_is_kept() -> None:
    for name, workload in WORKLOADS.items():
        for profile in PROFILES:
            least = least_flops(workload.with_profile(profile).hash)
            assert least is not None, name
    assert least_flops(WORKLOADS["adafruit-480-pure"].hash) == LEAST
