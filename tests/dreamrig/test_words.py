"""One wording of seconds, bytes and rates."""

import pytest

from dreamrig import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"), (2.5e-6, "0.00250 ms"), (0.0426, "42.6 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"),
        (1.234, "1.23 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (95.0, "1 min 35 s"), (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"), (7500.0, "2 h 5 min"),
    ],
)  # fmt: skip
def test_a_span_of_time(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (2.34, 1.5, 8.0, "2.3 it/s"), (31.44, 31.0, 32.0, "31.4 it/s"), (31.44, None, None, "31.4 it/s"),
        (31.44, 0.0, 32.0, "31.4 it/s"), (1234.5, 1200.0, 1320.0, "1,200 it/s"),
    ],
)  # fmt: skip
def test_digits_follow_the_interval(value: float, low: float | None, high: float | None, text: str) -> None:
    assert words.pace(value, low, high) == text


def test_the_ends_of_an_interval_have_the_digits_that_it_leaves() -> None:
    assert words.known_range(1.5, 8.0) == "1.5 to 8.0"
    assert words.known_range(23.31, 23.72, "-") == "23.3-23.7"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (-3, "0:00"), (59.6, "1:00"), (3725, "1:02:05")])
def test_the_time_left(seconds: float, text: str) -> None:
    assert words.clock_face(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (5852.4, "5,850"), (31.44, "31.4"), (0.04207, "0.0421"), (999.6, "1,000"), (9.996, "10.0"),
        (1.23e9, "1.2e+09"), (3e-7, "3e-07"), (float("inf"), "inf"), (-31.44, "-31.4"),
    ],
)  # fmt: skip
def test_three_digits_count(value: float, text: str) -> None:
    assert words.short(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (5852.4, "5,900"), (31.44, "31"), (0.0996, "0.10"), (1.0, "1.0"), (1.2e9, "1.2e+09"),
        (3e-6, "3e-06"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_two_digits_count_of_what_is_not_known_better(value: float, text: str) -> None:
    assert words.rough(value) == text


def test_the_other_units() -> None:
    assert words.pace(4.312) == "4.31 it/s"
    assert [words.memory(mib) for mib in (0.44, 9.4, 9.6, 940.4, 9999.4, 24064.0)] == [
        "0.4 MiB", "9.4 MiB", "10 MiB", "940 MiB", "9,999 MiB", "23.5 GiB",
    ]  # fmt: skip
    assert words.rate(12.34) == "12.3 MiB/s"
    assert [words.percent(share) for share in (0.0, 0.004, 0.38, 1.0)] == ["0%", "0.4%", "38%", "100%"]
    assert [words.plural(number, "block") for number in (1, 2, 1000)] == ["1 block", "2 blocks", "1,000 blocks"]
