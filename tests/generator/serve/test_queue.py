"""The line under everything that can happen in any order, and one fact at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.line.estimate import History
from generator.serve.line.live import Hub
from generator.serve.line.queue import FINAL, WALK, New, QueuedJob
from generator.serve.service import read_line
from generator.serve.store import migrate
from generator.serve.views import line_view

DAY_MS = 86_400_000
WISH = {"preset": "quick", "shape": "square", "style": "none"}


def make_line(friends: int = 4) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = on")
    migrate(db, Path("memory"))
    for number in range(1, friends + 1):
        db.execute("INSERT INTO friend (id, name, made_at) VALUES (?, ?, 0)", (number, f"friend {number}"))
    return db


def put(db: sqlite3.Connection, friend: int, number: int, now: int = 0, **changes: Any) -> QueuedJob:
    config: dict[str, Any] = {"prompt": f"picture {number}", "steps": 100, "seed": number, "model": "toy"}
    config |= {"width": 32, "height": 32}
    values: dict[str, Any] = {"key": f"key{number}", "wish": WISH | {"prompt": f"picture {number}"}, "config": config}
    return queue.submit(db, New(**{"friend": friend, "made_by": "test", "cost": 1.0, **values, **changes}), now)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = make_line()
    yield connection
    connection.close()


class Line(RuleBasedStateMachine):
    """Friends, a worker that may be late, dead or twice there, an owner, and a clock that jumps."""

    @initialize()
    def start(self) -> None:
        self.db = make_line()
        self.now = 1_000 * DAY_MS
        self.acknowledged: list[str] = []
        self.final: dict[int, str] = {}
        self.attempts: list[tuple[int, int]] = []
        """Every attempt there ever was: each of them may still send its ending."""
        self.kept: dict[tuple[int, int], int] = {}

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()

    def jobs(self) -> list[queue.QueuedJob]:
        return [queue.QueuedJob.from_row(row) for row in self.db.execute("SELECT * FROM job ORDER BY id")]

    def some_job(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([job.id for job in self.jobs()]))

    def some_attempt(self, data: st.DataObject) -> tuple[int, int]:
        return data.draw(st.sampled_from(self.attempts))

    @rule(friend=st.integers(1, 4), held=st.booleans(), request=st.sampled_from([None, "a", "b", "c"]))
    def submit(self, friend: int, held: bool, request: str | None) -> None:
        before = len(self.jobs())
        known = request is not None and queue.by_request(self.db, friend, request) is not None
        job = put(self.db, friend, before + 1, self.now, is_held=held, request=request)
        assert len(self.jobs()) == before + (not known)
        if not known:
            self.acknowledged.append(job.key)

    @rule(days=st.integers(-1, 1), ms=st.integers(-5000, 5000))
    def clock_jumps(self, days: int, ms: int) -> None:
        self.now += days * DAY_MS + ms

    @rule()
    def claim(self) -> None:
        waiting = [job for job in self.jobs() if job.state == "queued"]
        job = queue.claim(self.db, "worker", self.now)
        assert (job is None) == (not waiting)
        if job is not None:
            assert (job.turn, job.id) == min((other.turn, other.id) for other in waiting)
            assert (job.id, job.attempt) not in self.attempts
            self.attempts.append((job.id, job.attempt))

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), how=st.sampled_from(["done", "failed", "interrupted", "crashed", "parked", "thriftier"]))
    def an_attempt_ends(self, data: st.DataObject, how: str) -> None:
        job, attempt = self.some_attempt(data)
        before = queue.by_id(self.db, job)
        assert before is not None
        is_live = before.state == "running" and before.attempt == attempt
        ends: dict[str, Any] = {
            "done": lambda: queue.finish(self.db, job, attempt, self.now, seconds=1.0, size=1),
            "failed": lambda: queue.fail(self.db, job, attempt, self.now, code="bug"),
            "interrupted": lambda: queue.interrupt(self.db, job, attempt, self.now),
            "crashed": lambda: queue.crash(self.db, job, attempt, self.now),
            "parked": lambda: queue.park(self.db, job, attempt, self.now, code="disk_full"),
            "thriftier": lambda: queue.thriftier(self.db, job, attempt, dict(before.config), self.now),
        }
        after = ends[how]()
        assert (after is not None) == is_live
        if not is_live:
            assert queue.by_id(self.db, job) == before

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), step=st.integers(0, 100))
    def keep(self, data: st.DataObject, step: int) -> None:
        job, attempt = self.some_attempt(data)
        queue.keep(self.db, job, attempt, step)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Each attempt begins once, before it keeps anything."""
        job, attempt = self.some_attempt(data)
        if (job, attempt) not in self.kept:
            queue.begin(self.db, job, attempt, 0, "")

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data(), what=st.sampled_from([queue.cancel, queue.hold, queue.release, queue.unpark]))
    def somebody_acts(self, data: st.DataObject, what: Any) -> None:
        job = self.some_job(data)
        before = queue.by_id(self.db, job)
        if what(self.db, job, self.now) is None:
            assert queue.by_id(self.db, job) == before

    @invariant()
    def every_acknowledged_submission_has_its_row(self) -> None:
        assert [job.key for job in self.jobs()] == self.acknowledged

    @invariant()
    def a_final_state_never_changes(self) -> None:
        for job in self.jobs():
            if job.id in self.final:
                assert job.state == self.final[job.id]
            elif job.state in FINAL:
                self.final[job.id] = job.state

    @invariant()
    def kept_steps_never_fall_within_an_attempt(self) -> None:
        for job in self.jobs():
            if job.state == "running":
                assert job.kept_step >= self.kept.get((job.id, job.attempt), 0)
                self.kept[job.id, job.attempt] = job.kept_step

    @invariant()
    def events_walk_the_diagram(self) -> None:
        state: dict[int, str | None] = {}
        for row in self.db.execute("SELECT job, kind FROM event ORDER BY id"):
            sources, target = WALK[row["kind"]]
            assert state.get(row["job"]) in sources
            state[row["job"]] = target
        assert state == {job.id: job.state for job in self.jobs()}

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data(), hidden=st.booleans())
    def hide(self, data: st.DataObject, hidden: bool) -> None:
        queue.hide(self.db, self.some_job(data), hidden)

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        job = self.some_job(data)
        before = queue.by_id(self.db, job)
        assert before is not None
        deleted = queue.mark_deleted(self.db, job, self.now)
        assert (deleted is not None) == (before.is_final and before.deleted_at is None)

    @invariant()
    def one_attempt_lives_at_most(self) -> None:
        """A job runs once: the attempt that runs is the last one that was claimed, and has a worker."""
        last = dict(self.attempts)
        for job in self.jobs():
            assert (job.state == "running") == (job.worker is not None)
            assert job.attempt == last.get(job.id, 0)

    @invariant()
    def the_queue_page_counts_what_there_is_and_shows_nobody_what_is_hidden(self) -> None:
        line, jobs = read_line(self.db), self.jobs()
        for state in ("queued", "running", "held", "parked"):
            assert line.counts[state] == sum(job.state == state for job in jobs)
        assert [job.key for job in line.jobs if job.state == "queued"] == [
            job.key for job in sorted(jobs, key=lambda it: (it.turn, it.id)) if job.state == "queued"
        ]
        secret = {job.key: job.friend for job in jobs if job.is_hidden}
        for viewer in map(Friend.from_row, self.db.execute("SELECT * FROM friend").fetchall()):
            for one in line_view(viewer, line, Hub(), History(), "circle")["line"]:
                assert (one["prompt"] is None) == (secret.get(one["key"], viewer.id) != viewer.id)

    @invariant()
    def the_counts_are_the_rows(self) -> None:
        waiting = [job for job in self.jobs() if job.state in queue.WAITING]
        assert queue.waiting_count(self.db) == len(waiting)
        assert sum(queue.waiting_count(self.db, friend) for friend in range(1, 5)) == len(waiting)


Line.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLine = Line.TestCase


def test_a_cancelled_job_never_comes_back(db: sqlite3.Connection) -> None:
    job = put(db, 1, 1)
    running = queue.claim(db, "worker", 0)
    assert running is not None
    assert queue.cancel(db, job.id, 1) is not None
    assert queue.finish(db, job.id, running.attempt, 2, seconds=1, size=1) is None
    assert queue.interrupt(db, job.id, running.attempt, 2) is None
    assert queue.crash(db, job.id, running.attempt, 2) is None
    assert queue.claim(db, "worker", 3) is None
    found = queue.by_id(db, job.id)
    assert found is not None
    assert found.state == "cancelled"


def test_a_third_crash_parks_and_lets_the_next_one_draw(db: sqlite3.Connection) -> None:
    unlucky, next_one = put(db, 1, 1), put(db, 2, 2)
    for _ in range(queue.MOST_CRASHES):
        running = queue.claim(db, "worker", 0)
        assert running is not None
        assert running.id == unlucky.id  # a crash costs no turn
        queue.crash(db, running.id, running.attempt, 0)
    parked = queue.by_id(db, unlucky.id)
    assert parked is not None
    assert (parked.state, parked.code) == ("parked", "crashed")
    running = queue.claim(db, "worker", 0)
    assert running is not None
    assert running.id == next_one.id


def test_an_interruption_counts_no_crash_and_keeps_the_place(db: sqlite3.Connection) -> None:
    first = put(db, 1, 1)
    put(db, 2, 2)
    running = queue.claim(db, "worker", 0)
    assert running is not None
    back = queue.interrupt(db, running.id, running.attempt, 5)
    assert back is not None
    assert (back.crashes, back.turn) == (0, first.turn)
    again = queue.claim(db, "worker", 6)
    assert again is not None
    assert (again.id, again.attempt) == (first.id, 2)


def test_the_same_request_gives_the_same_job(db: sqlite3.Connection) -> None:
    one = put(db, 1, 1, request="r")
    assert put(db, 1, 2, request="r") == one
    assert put(db, 2, 3, request="r").id != one.id  # somebody else's request is another


def test_deleting_keeps_the_row_and_refuses_what_goes_on(db: sqlite3.Connection) -> None:
    job = put(db, 1, 1)
    assert queue.mark_deleted(db, job.id, 1) is None
    queue.cancel(db, job.id, 2)
    assert queue.mark_deleted(db, job.id, 3) is not None
    assert queue.mark_deleted(db, job.id, 4) is None
    assert queue.by_key(db, job.key) is not None


def test_events_say_who_and_which_attempt(db: sqlite3.Connection) -> None:
    put(db, 3, 1)
    queue.claim(db, "worker", 7)
    rows = queue.events_after(db, 0)
    assert [(row["kind"], row["friend"], json.loads(row["data"])["attempt"]) for row in rows] == [
        ("submitted", 3, 0),
        ("claimed", 3, 1),
    ]
    assert queue.events_after(db, rows[0]["id"])[0]["kind"] == "claimed"


def test_a_row_that_runs_without_a_worker_is_refused(db: sqlite3.Connection) -> None:
    put(db, 1, 1)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE job SET state='running'")
