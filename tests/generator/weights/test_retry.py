"""When a request is made again: every status code there is, and the waits."""

from __future__ import annotations

import http
from typing import Any

import pytest

from dreamrig.errors import FailedError
from generator.weights.door import WeightsDoor
from generator.weights.fetch import fetch
from generator.weights.registry import entries
from generator.weights.retry import ATTEMPTS, LONGEST_WAIT_SECONDS, RetryPatience, asked_seconds, meaning_of

AGAIN = {
    http.HTTPStatus.REQUEST_TIMEOUT,
    http.HTTPStatus.TOO_EARLY,
    http.HTTPStatus.TOO_MANY_REQUESTS,
    http.HTTPStatus.INTERNAL_SERVER_ERROR,
    http.HTTPStatus.BAD_GATEWAY,
    http.HTTPStatus.SERVICE_UNAVAILABLE,
    http.HTTPStatus.GATEWAY_TIMEOUT,
}


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_one_meaning(status: int) -> None:
    expected = "again" if status in AGAIN else "never"
    if status in (200, 206):
        expected = "good"
    if status == 416:
        expected = "nothing after the part"
    assert meaning_of(status) == expected


@pytest.mark.parametrize("status", [*sorted(AGAIN), 400, 401, 403, 404, 410, 418, 451, 501, 505, 511, 599])
def test_a_download_does_what_the_status_means(
    status: int, server: Any, served: Any, source: Any, make_registry: Any, tmp_path: Any
) -> None:
    file = make_registry(tiny=("vqgan", [source(server.put("/x", served(status=int(status))), b"x")]))
    entries.cache_clear()
    waits: list[float] = []
    door = WeightsDoor(sleep=waits.append, chance=lambda: 1.0, registry_file=file)
    with pytest.raises(FailedError, match=str(int(status))):
        fetch(entries(file)["tiny"], tmp_path, door, lambda line: None, lambda done, total: None, lambda got: got)
    assert len(server.requests) == (ATTEMPTS if status in AGAIN else 1)
    assert waits == ([1.0, 2.0, 4.0] if status in AGAIN else [])


def test_waits_double_up_to_a_limit_and_are_spread_by_chance() -> None:
    most, least = RetryPatience(lambda: 1.0), RetryPatience(lambda: 0.0)
    assert [most.failed(brought_something=False) for _ in range(4)] == [1.0, 2.0, 4.0, None]
    assert [least.failed(brought_something=False) for _ in range(4)] == [0.5, 1.0, 2.0, None]
    assert RetryPatience(lambda: 1.0, failures=-100).failed(brought_something=True) == 1.0
    assert LONGEST_WAIT_SECONDS >= 4.0


def test_progress_makes_patience_new() -> None:
    patience = RetryPatience(lambda: 1.0)
    assert [patience.failed(brought_something=brought) for brought in (False, False, True, False)] == [
        1.0,
        2.0,
        1.0,
        2.0,
    ]


def test_a_server_that_says_how_long_is_heeded_but_not_for_ever() -> None:
    assert RetryPatience(lambda: 1.0).failed(brought_something=False, asked=7.0) == 7.0
    assert RetryPatience(lambda: 1.0).failed(brought_something=False, asked=0.1) == 1.0
    assert RetryPatience(lambda: 1.0).failed(brought_something=False, asked=3600.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), (" 120 ", 120.0), (None, None), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("-5", None), ("1e9", None)],
)
def test_how_long_a_server_asks_to_wait(header: str | None, seconds: float | None) -> None:
    assert asked_seconds(header) == seconds


def test_figures_of_other_scripts_and_of_any_length_are_no_seconds() -> None:
    assert asked_seconds("٣٣") is None
    assert asked_seconds("9" * 5000) is None
