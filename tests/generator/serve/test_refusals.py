"""A database that takes nothing for now: friends are told in words, and everything goes on once it is given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from generator.crew.protocol import Draw

HOUR_MS = 3_600_000


def test_a_database_held_by_another_program_costs_no_picture(by_hand: Any, waiting: Callable[..., None]) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    waiting(lambda: bool(by_hand.crews))
    crew = by_hand.crews[0]
    order: Draw = crew.next_order(Draw)
    with by_hand.held_by_another():
        crew.draw_now(order)
        answer = ann.post("/api/v1/jobs", json={"prompt": "another"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_busy")
        assert ann.get("/queue").status_code == 503
    by_hand.until(ann, key, "done")
    assert ann.get("/readyz").status_code == 200
    assert len(by_hand.crews) == 1


def test_gaming_ends_by_the_clock_that_never_jumps(by_hand: Any, waiting: Callable[..., None]) -> None:
    owner = by_hand.owner()
    by_hand.until_ready()
    owner.post("/owner/mode", data={"mode": "gaming", "length": "3h"})
    waiting(lambda: by_hand.service.hub.worker == "unloaded")
    by_hand.wall_offset_ms = 24 * HOUR_MS
    by_hand.service.dispatcher.wake()
    key = by_hand.submit(owner)
    assert by_hand.service.hub.mode == "gaming"
    assert len(by_hand.crews) == 1
    by_hand.wall_offset_ms = -24 * HOUR_MS
    by_hand.asleep_seconds = 3 * 3600.0
    waiting(lambda: by_hand.service.hub.mode == "drawing")
    waiting(lambda: len(by_hand.crews) == 2)
    assert by_hand.crews[1].next_order(Draw).job == by_hand.rows("SELECT id FROM job WHERE key = ?", key)[0][0]


def test_a_cancelled_pictures_files_go_when_its_worker_dies(by_hand: Any, waiting: Callable[..., None]) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    waiting(lambda: bool(by_hand.crews))
    crew = by_hand.crews[0]
    crew.paint(crew.next_order(Draw))
    ann.post(f"/api/v1/jobs/{key}/cancel")
    assert by_hand.home.picture_folder(key).exists()
    crew.die()
    waiting(lambda: not by_hand.home.picture_folder(key).exists())


def test_a_cancelled_pictures_files_go_when_its_server_died(sites: Callable[..., Any], waiting: Any) -> None:
    site = sites(at_once=False)
    ann = site.friend("ann")
    key = site.submit(ann)
    waiting(lambda: bool(site.crews))
    crew = site.crews[0]
    crew.paint(crew.next_order(Draw))
    ann.post(f"/api/v1/jobs/{key}/cancel")
    site.stop()
    folder = site.home.picture_folder(key)
    folder.mkdir(parents=True, exist_ok=True)  # as a server leaves it that is killed before it has swept
    (folder / "live.jpg").write_bytes(b"left")
    sites(at_once=False)
    waiting(lambda: not folder.exists())


def test_who_was_away_for_long_hears_every_event(site: Any) -> None:
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    friend, job = site.rows("SELECT friend, id FROM job")[0]
    many = [(job, friend)] * 1300
    site.store(
        lambda db: db.executemany("INSERT INTO event (job, friend, kind, data, at) VALUES (?,?,'done','{}',0)", many)
    )
    numbers = []
    with ann.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "1"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                numbers.append(int(line[4:]))
            if line == "event: state":
                break
    assert numbers == [*range(2, 1304), 1303]


def test_cancel_and_gaming_are_refused_in_words(by_hand: Any) -> None:
    owner = by_hand.owner()
    key = by_hand.submit(owner)
    with by_hand.held_by_another("IMMEDIATE"):  # what is there can be read
        answers = [
            owner.post("/owner/mode", data={"mode": "gaming"}),
            owner.post("/api/v1/mode", json={"mode": "gaming"}),
            owner.post(f"/p/{key}/cancel"),
            owner.post(f"/api/v1/jobs/{key}/cancel"),
        ]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert "try again" in answers[0].text
    assert answers[3].json()["error"]["code"] == "database_busy"
    assert owner.post(f"/p/{key}/cancel").status_code == 303
