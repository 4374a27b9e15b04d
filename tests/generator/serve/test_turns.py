"""Fairness: the bound that is promised, in any order of arrivals, cancellations and crashes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.serve.line import queue
from generator.serve.line.queue import New
from generator.serve.line.turns import next_turn
from generator.serve.store import migrate

FRIENDS = 4


def test_the_first_picture_joins_the_turn_being_served() -> None:
    assert next_turn(7, []) == 7


def test_each_further_picture_takes_a_turn_of_its_own() -> None:
    assert next_turn(7, [7, 8]) == 9
    assert next_turn(7, [3]) == 7  # what was served long ago costs nothing


def test_a_weight_shares_a_turn() -> None:
    assert next_turn(7, [7], weight=2) == 7
    assert next_turn(7, [7, 7], weight=2) == 8


class Day:
    """A day of one server: who waits, who began, and the promise checked at every beginning."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        migrate(self.db, Path("memory"))
        for friend in range(1, FRIENDS + 1):
            self.db.execute("INSERT INTO friend (id, name, made_at) VALUES (?, ?, 0)", (friend, f"friend {friend}"))
        self.number = 0
        self.begun: list[tuple[int, int]] = []
        """(friend, job) of each first beginning, in order."""
        self.joined: dict[int, tuple[int, int]] = {}
        """Job -> how many had begun when it joined the line, and which of its friend's waiting ones it was, from 1."""
        self.running: queue.QueuedJob | None = None

    def submit(self, friend: int, is_held: bool = False) -> None:
        self.number += 1
        new = New(
            key=str(self.number),
            friend=friend,
            wish={"prompt": "x"},
            config={"steps": 1},
            made_by="test",
            cost=1.0,
            is_held=is_held,
        )
        job = queue.submit(self.db, new, 0)
        if not is_held:
            self.join(job)

    def join(self, job: queue.QueuedJob) -> None:
        mine = [other for other in queue.line(self.db) if other.friend == job.friend and other.state == "queued"]
        self.joined[job.id] = len(self.begun), len(mine)

    def serve(self, how: str) -> None:
        if self.running is None:
            self.running = queue.claim(self.db, "worker", 0)
            if self.running is not None and self.running.attempt == 1:
                self.check(self.running)
                self.begun.append((self.running.friend, self.running.id))
            return
        if how == "crash":
            queue.crash(self.db, self.running.id, self.running.attempt, 0)
        else:
            queue.finish(self.db, self.running.id, self.running.attempt, 0, seconds=1, size=1)
        self.running = None

    def act(self, what: Any, choice: int) -> None:
        jobs = [row["id"] for row in self.db.execute("SELECT id FROM job")]
        if not jobs:
            return
        job = what(self.db, jobs[choice % len(jobs)], 0)
        if job is not None and job.state == "queued":
            self.join(job)
        if job is not None and self.running is not None and job.id == self.running.id:
            self.running = None

    def check(self, job: queue.QueuedJob) -> None:
        """Since my k-th waiting picture joined the line, nobody else began more than k + 1."""
        begun_before, k = self.joined[job.id]
        for friend, count in Counter(friend for friend, _ in self.begun[begun_before:]).items():
            if friend != job.friend:
                assert count <= k + 1, (friend, count, k)


BURSTS = st.tuples(st.integers(1, FRIENDS), st.integers(1, 7))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), BURSTS),
        st.tuples(st.just("hold"), BURSTS),
        st.tuples(st.just("serve"), st.lists(st.sampled_from(["done", "done", "done", "crash"]), max_size=8)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("release all"), st.none()),
        st.tuples(st.just("unpark all"), st.none()),
    ),
    max_size=20,
)


@settings(max_examples=250, deadline=None)
@given(STEPS)
def test_nobody_begins_more_than_k_plus_one_before_my_kth(steps: list[tuple[str, Any]]) -> None:
    day = Day()
    for kind, value in steps:
        if kind in ("submit", "hold"):
            for _ in range(value[1]):
                day.submit(value[0], is_held=kind == "hold")
        elif kind == "serve":
            for how in value:
                day.serve(how)
        elif kind == "cancel":
            day.act(queue.cancel, value)
        else:
            for choice in range(day.number):
                day.act(queue.release if kind == "release all" else queue.unpark, choice)
    while queue.line(day.db):
        day.serve("done")
    day.db.close()


def test_a_cancelled_picture_leaves_no_hole_in_its_friends_turns() -> None:
    day = Day()
    for _ in range(3):
        day.submit(1)
    day.serve("done")
    day.act(queue.cancel, 1)
    assert [job.turn for job in queue.line(day.db) if job.state == "queued"] == [1]


def test_a_picture_that_rejoins_does_not_pass_for_the_one_being_served() -> None:
    day = Day()
    for _ in range(4):
        day.submit(2)
    for _ in range(3):
        day.serve("done")
        day.serve("crash")
    day.act(queue.unpark, 0)
    day.submit(1)
    assert [(job.friend, job.turn) for job in queue.line(day.db)] == [(1, 0), (2, 1), (2, 2), (2, 3), (2, 4)]


def test_a_newcomer_goes_before_somebodys_second_picture() -> None:
    day = Day()
    for _ in range(3):
        day.submit(1)
    day.serve("done")
    day.submit(2)
    for _ in range(7):
        day.serve("done")
    assert [friend for friend, _ in day.begun] == [1, 2, 1, 1]
