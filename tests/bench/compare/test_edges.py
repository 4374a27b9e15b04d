"""Comparisons at the edge: equal names, a ratio exactly at the limit, settings that are long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.compare.compare import Difference, compare, names
from bench.compare.machines import machine_of
from bench.result.result import BenchResult
from generator.stats import Interval

Make = Callable[..., BenchResult]


def test_two_results_are_called_by_what_tells_them_apart(make_result: Make) -> None:
    here, card = make_result(), "NVIDIA GeForce RTX 3090"
    assert names(here, make_result(number=2, device="Tesla T4")) == (card, "Tesla T4")
    assert names(here, make_result(number=2, place="wsl")) == (f"{card} (linux)", f"{card} (wsl)")
    assert names(here, make_result(number=2)) == ("the first", "the second")


def test_a_ratio_that_just_reaches_the_limit_is_no_regression(make_result: Make) -> None:
    found = compare(make_result(), make_result(number=2))
    at_limit = replace(found, ratio=Interval(low=0.8, median=0.85, high=0.9))
    assert not at_limit.is_regression(0.9)
    assert at_limit.is_regression(0.9001)


@pytest.mark.parametrize(("length", "shown"), [(40, 40), (41, 40), (400, 40)])
def test_a_long_setting_is_cut_to_forty_characters(length: int, shown: int) -> None:
    said = str(Difference("software.torch", "n" * length, None))
    first = said.split()[1]
    assert said.endswith(" vs none")
    assert len(first) == shown
    assert first.endswith("...") == (length > 40)


def test_threads_tell_machines_apart_where_the_processor_draws_and_only_there(make_result: Make) -> None:
    few, many = (
        replace(one, software=replace(one.software, threads=threads))
        for one, threads in ((make_result(), 2), (make_result(number=2), 16))
    )
    assert machine_of(few) == machine_of(many)
    on_processor = [replace(one, device=replace(one.device, kind="cpu")) for one in (few, many)]
    assert machine_of(on_processor[0]) != machine_of(on_processor[1])
