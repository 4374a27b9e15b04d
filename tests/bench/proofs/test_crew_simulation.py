"""The simulated crew: it gives what was measured, and what arithmetic says where one thing is full."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.proofs.crew import Round, summary
from bench.proofs.crew_simulation import WRITES_PER_JOB, HeadPc, Kind, binds_at, chart, simulate, spread, two_workers

MEASURED = Path(__file__).parents[3] / "docs" / "scale-measured.json"


def test_two_workers_come_out_as_they_were_measured() -> None:
    measured = json.loads(MEASURED.read_text())
    expected, found = two_workers(measured)
    assert expected == pytest.approx(found, rel=0.1)
    assert summary([Round(**one) for one in measured["rounds"]]) == measured["summary"]
    assert measured["summary"]["ratio"] >= 1.8


def test_workers_that_share_nothing_draw_in_proportion() -> None:
    kind = Kind(name="quick", job_seconds=4.0)
    one, ten = (simulate(count, kind, HeadPc(), seconds=1200.0) for count in (1, 10))
    assert ten.jobs_per_hour == pytest.approx(10 * one.jobs_per_hour, rel=0.05)
    assert ten.efficiency > 0.95


def test_a_full_writer_gives_its_rate_and_no_more() -> None:
    kind, head = Kind(name="quick", job_seconds=4.0), HeadPc(writes_per_second=20.0)
    full = simulate(200, kind, head, seconds=300.0)
    assert binds_at(kind, head)["writer"] < 20
    assert full.jobs_per_hour == pytest.approx(3600 * 20 / WRITES_PER_JOB, rel=0.05)
    assert full.writer_busy > 0.99
    assert full.efficiency < 0.15


def test_a_full_wire_binds_where_arithmetic_says() -> None:
    kind, head = Kind(name="large", job_seconds=60.0, checkpoint_bytes=1e6), HeadPc(link_bytes_per_second=2e6)
    place = binds_at(kind, head)["link"]
    assert simulate(round(0.6 * place), kind, head, seconds=600.0).link_busy == pytest.approx(0.6, abs=0.1)
    assert simulate(round(3 * place), kind, head, seconds=600.0).link_busy > 0.98


def test_labels_do_not_cover_one_another_and_the_chart_holds_each_kind() -> None:
    assert spread([10.0, 11.0, 50.0], 18.0) == [10.0, 28.0, 50.0]
    kind = Kind(name="quick, 4 s", job_seconds=4.0)
    drawn = chart([(kind, {}, [simulate(count, kind, HeadPc(), seconds=60.0) for count in (1, 10)])])
    assert drawn.count("<circle") == 2
    assert "quick, 4 s" in drawn
