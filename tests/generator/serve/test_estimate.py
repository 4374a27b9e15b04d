"""Ranges out of history, styles in prompts, a PNG without its texts."""

from __future__ import annotations

import io
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from generator.serve.line.estimate import MOST_REMEMBERED, History, Range, hit_rate, percentile, student_95, words
from generator.serve.line.live import Hub, Progress
from generator.serve.line.queue import QueuedJob, State
from generator.serve.pages.picture import without_text
from generator.serve.views import LineSeen, time_left
from generator.serve.wish import styled
from generator.wishes.prompts import parse

KIND, OTHER = ("starter", "quick", 1024, 10), ("starter", "slow", 4096, 100)
CONFIG = {"model": "starter", "width": 32, "height": 32, "steps": 10}


def job(number: int, state: State = "queued", preset: str = "quick", kept_step: int = 0) -> QueuedJob:
    return QueuedJob(
        id=number, key=str(number), friend=1, request=None, wish={"prompt": "x", "preset": preset}, config=CONFIG,
        made_by="test", turn=number, cost=1.0, state=state, attempt=0, crashes=0, worker=None, kept_step=kept_step,
        code=None, note=None, made_at=0, began_at=None, ended_at=None, work_seconds=0.0, promised_low=None,
        promised_high=None, parent=None, bytes=0, is_hidden=False, deleted_at=None,
    )  # fmt: skip


def near(low: float, high: float) -> Range:
    return Range(pytest.approx(low), pytest.approx(high))  # type: ignore[arg-type]  # compares as a number does


def test_fewer_than_three_are_no_history() -> None:
    history = History()
    for _ in range(2):
        history.add(KIND, 4.0)
    assert history.range_of(KIND) is None
    history.add(KIND, 4.0)
    assert history.range_of(KIND) == near(4.0, 4.0)


TOOK = (5.36, 7.01, 5.98, 5.2, 6.93, 5.1, 5.27, 5.63, 5.05, 6.91)
"""Seconds of ten quick pictures of the starter on two busy cores, in November 2026."""


def test_the_next_one_falls_within_and_few_known_ones_promise_little() -> None:
    history, promises, widths = History(), [], []
    for seconds in TOOK:
        if (range_ := history.range_of(KIND)) is not None:
            promises.append((range_.low, range_.high, seconds))
            widths.append(range_.high / range_.low)
        history.add(KIND, seconds)
    assert hit_rate(promises) == 1.0
    assert widths[0] == pytest.approx(2.46, abs=0.01)
    assert max(widths[3:]) < 2


@pytest.mark.parametrize("spread", [0.02, 0.2, 0.6])
def test_nine_in_ten_hold_whatever_the_spread(spread: float) -> None:
    """The promise of each kind with 3, 4 ... 50 known ones against the next one, over 300 kinds."""
    chance, promises = random.Random(16), []
    for kind in range(300):
        history, a_kind = History(), ("starter", str(kind), 1, 1)
        for _ in range(MOST_REMEMBERED + 1):
            seconds = 60 * math.exp(chance.gauss(0, spread))
            if (range_ := history.range_of(a_kind)) is not None:
                promises.append((range_.low, range_.high, seconds))
            history.add(a_kind, seconds)
    of_known = {number: hit_rate(promises[number :: MOST_REMEMBERED - 2]) for number in range(MOST_REMEMBERED - 2)}
    assert min(rate or 0.0 for rate in of_known.values()) > 0.8
    assert 0.85 < (hit_rate(promises) or 0.0) < 0.93


@pytest.mark.parametrize(("freedom", "printed"), [(2, 2.920), (3, 2.353), (5, 2.015), (10, 1.812), (30, 1.697)])
def test_students_law_is_that_of_the_tables(freedom: int, printed: float) -> None:
    assert student_95(freedom) == pytest.approx(printed, rel=0.013 if freedom == 2 else 0.003)


def test_one_that_slept_in_between_does_not_spoil_fifty() -> None:
    history = History()
    for number in range(50):
        history.add(KIND, 3600.0 if number == 20 else 10.0 + number % 3)
    assert history.range_of(KIND) == near(10.0, 12.0)


def test_the_newest_fifty_count() -> None:
    history = History()
    for seconds in [100.0] * 60 + [1.0] * 50:
        history.add(KIND, seconds)
    assert history.range_of(KIND) == Range(1.0, 1.0)


def test_waiting_adds_what_is_ahead_and_does_not_guess() -> None:
    history = History()
    for _ in range(3):
        history.add(KIND, 10.0)
    assert history.waiting([(KIND, 1.0), (KIND, 0.5)], load_seconds=2.0) == near(17.0, 17.0)
    assert history.waiting([(KIND, 1.0), (OTHER, 1.0)]) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_within(values: list[float], share: float) -> None:
    assert min(values) - 1e-6 <= percentile(values, share) <= max(values) + 1e-6


def test_hit_rate_counts_what_held() -> None:
    assert hit_rate([]) is None
    assert hit_rate([(1, 3, 2), (1, 3, 4), (1, 3, 1), (1, 3, 3)]) == 0.75


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "unknown yet"),
        (Range(0.1, 0.4), "about 1 s"),
        (Range(4, 4), "about 4 s"),
        (Range(4, 9), "4-9 s"),
        (Range(240, 350), "4-6 min"),
        (Range(7000, 8000), "2-3 h"),
    ],
)
def test_ranges_in_words(found: Range | None, said: str) -> None:
    assert words(found) == said


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a house", "a house, oil painting"),
        ("a house:2", "a house, oil painting:2"),
        ("a house:2:-1 | a tree", "a house, oil painting:2:-1 | a tree, oil painting"),
        ("dawn ^ noon", "dawn, oil painting ^ noon, oil painting"),
        ("a moon @left:2", "a moon, oil painting @left:2"),
    ],
)
def test_a_style_joins_the_words_and_not_the_weight(prompt: str, expected: str) -> None:
    assert styled(prompt, "oil") == expected
    before, after = parse(prompt), parse(styled(prompt, "oil"))
    assert [(one.weight, one.stop, one.region) for one in before] == [
        (one.weight, one.stop, one.region) for one in after
    ]
    assert styled(prompt, "none") == prompt


def test_a_picture_without_text_has_the_same_pixels() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a secret prompt")
    info.add_itxt("dreamrig", "a secret prompt")
    buffer = io.BytesIO()
    Image.effect_noise((16, 16), 50).save(buffer, "PNG", pnginfo=info)
    plain = b"".join(without_text(buffer.getvalue()))
    assert b"secret" not in plain
    with Image.open(io.BytesIO(plain)) as one, Image.open(io.BytesIO(buffer.getvalue())) as other:
        assert one.tobytes() == other.tobytes()
        assert not one.text  # type: ignore[attr-defined]  # of PNGs


def test_a_line_counts_what_waits_before_each_once_and_right() -> None:
    """Against the plain sum over everything ahead, with a picture in the making and one that was interrupted."""
    history = History()
    for seconds in (10.0, 20.0, 30.0):
        history.add(KIND, seconds)
    jobs = [job(1, "running", kept_step=2), job(2, kept_step=5), job(3), job(4, preset="slow"), job(5)]
    line = LineSeen(jobs, {}, {})
    hub = Hub()
    hub.worker, hub.progress = "drawing", Progress(1, 1, 10, steps_done=4)
    whole = history.range_of(KIND)
    assert whole is not None
    for index, shares in ((0, [0.6]), (1, [0.6, 0.5]), (2, [0.6, 0.5, 1.0])):
        left = time_left(jobs[index], line, hub, history)
        assert left is not None
        assert (left.low, left.high) == pytest.approx((whole.low * sum(shares), whole.high * sum(shares)))
    assert time_left(jobs[3], line, hub, history) is None
    assert time_left(jobs[4], line, hub, history) is None  # one of a kind that nobody knows is drawn before it
    assert time_left(None, line, hub, history, KIND) is None
    short = time_left(None, LineSeen(jobs[:3], {}, {}), hub, history, KIND)
    assert short is not None
    assert short.low == pytest.approx(whole.low * 3.1)
