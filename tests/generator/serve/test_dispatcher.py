"""What becomes of a picture when its worker ends, hangs, lies or is told to leave."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from generator.crew.protocol import (
    EXIT_NO_PLACE,
    EXIT_NO_ROOM,
    Beat,
    Began,
    Cancel,
    Done,
    Draw,
    Failed,
    Interrupted,
    Kept,
    Leave,
    Previewed,
    Ready,
    Stepped,
)
from generator.serve.settings import Patience


def crew(site: Any, number: int = 0, *, waiting: Any) -> Any:
    waiting(lambda: len(site.crews) > number)
    return site.crews[number]


def test_a_dead_worker_costs_an_attempt_and_no_turn(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key, other = by_hand.submit(ann), by_hand.submit(ann, "another")
    first = crew(by_hand, waiting=waiting)
    order: Draw = first.next_order(Draw)
    first.tell(Began(order.job, order.attempt), Kept(order.job, order.attempt, 4))
    first.die()
    second = crew(by_hand, 1, waiting=waiting)
    again: Draw = second.next_order(Draw)
    assert (again.job, again.attempt, again.folder) == (order.job, 2, order.folder)
    second.tell(Began(again.job, 2, 4))
    waiting(lambda: ann.get(f"/api/v1/jobs/{key}").json().get("resumed_at") == 4)
    assert by_hand.rows("SELECT crashes, kept_step FROM job WHERE key = ?", key)[0][:] == (1, 4)
    second.draw_now(again)
    assert by_hand.until(ann, key, "done")["attempt"] == 2
    second.draw_now(second.next_order(Draw))
    by_hand.until(ann, other, "done")


def test_three_deaths_park_it_and_the_owner_can_try_again(by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    key = by_hand.submit(ann)
    for number in range(3):
        one = crew(by_hand, number, waiting=waiting)
        one.next_order(Draw)
        one.die()
    assert by_hand.until(ann, key, "parked")["code"] == "crashed"
    assert owner.post("/owner/unpark", data={"key": key}).status_code == 303
    fourth = crew(by_hand, 3, waiting=waiting)
    fourth.draw_now(fourth.next_order(Draw))
    by_hand.until(ann, key, "done")


def test_cancelled_never_comes_back_whatever_the_worker_says(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    assert ann.post(f"/api/v1/jobs/{key}/cancel").json()["state"] == "cancelled"
    told: Cancel = one.next_order(Cancel)
    assert (told.job, told.attempt) == (order.job, order.attempt)
    one.draw_now(order)  # it was done in the same moment
    next_key = by_hand.submit(ann, "next")
    one.draw_now(one.next_order(Draw))
    by_hand.until(ann, next_key, "done")
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "cancelled"
    waiting(lambda: not by_hand.home.picture_folder(key).exists())


def test_gaming_gives_the_card_back_without_blame(by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    owner.post("/owner/mode", data={"mode": "gaming", "length": "3h"})
    one.next_order(Leave)
    by_hand.until(ann, key, "queued")
    assert by_hand.rows("SELECT crashes FROM job")[0][0] == 0
    waiting(lambda: by_hand.service.hub.worker == "unloaded")
    assert "plays a game until" in ann.get("/").text
    by_hand.submit(ann, "asked meanwhile")
    assert len(by_hand.crews) == 1
    owner.post("/owner/mode", data={"mode": "drawing"})
    second = crew(by_hand, 1, waiting=waiting)
    assert second.next_order(Draw).job == order.job


def test_too_little_memory_is_tried_thriftily_once(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    thrifty = {**order.config, "cut_batch": 1}
    one.tell(Failed(order.job, 1, "out_of_memory", "no", fits=64, thriftier=thrifty))
    again: Draw = one.next_order(Draw)
    assert (again.attempt, again.config["cut_batch"]) == (2, 1)
    one.tell(Began(again.job, 2), Failed(again.job, 2, "out_of_memory", "no", fits=64, thriftier=thrifty))
    assert by_hand.until(ann, key, "failed")["code"] == "out_of_memory"
    assert "did not fit" in ann.get(f"/p/{key}").text
    assert "64" in by_hand.rows("SELECT note FROM job")[0][0]


def test_a_full_disk_parks_and_one_click_goes_on(by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    one.tell(Failed(order.job, 1, "disk_full", "no room"))
    assert by_hand.until(ann, key, "parked")["code"] == "disk_full"
    owner.post("/owner/unpark", data={"key": key})
    one.draw_now(one.next_order(Draw))
    by_hand.until(ann, key, "done")


def test_a_full_disk_stops_no_page_and_the_ending_is_written_once_there_is_room(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    by_hand.until(ann, key, "running")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
        one.tell(Failed(order.job, 1, "not_finite", "no"))
        answer = ann.post("/api/v1/jobs", json={"prompt": "another"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
        assert ann.get("/queue").status_code == 200
        assert ann.get("/readyz").json() == {"dispatcher": True, "database": False, "worker": True}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    by_hand.until(ann, key, "failed")
    assert ann.get("/readyz").status_code == 200


def test_three_lost_devices_in_a_row_pause_the_queue(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    for number in range(3):
        one = crew(by_hand, number, waiting=waiting)
        order: Draw = one.next_order(Draw)
        one.tell(Failed(order.job, order.attempt, "device_lost", "CUDA error"), None)
    waiting(lambda: by_hand.service.hub.mode == "paused")
    assert by_hand.until(ann, key, "queued", "running")["state"] == "queued"
    assert "lost three times" in ann.get("/queue").text


@pytest.mark.parametrize(("code", "words"), [("not_finite", "Another seed"), ("bad_request", "cannot draw it")])
def test_other_failures_are_final_and_can_be_tried_as_a_new_job(
    by_hand: Any, waiting: Any, code: Any, words: str
) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    one.tell(Failed(one.next_order(Draw).job, 1, code, "secret details"))
    by_hand.until(ann, key, "failed")
    page = ann.get(f"/p/{key}").text
    assert words in page
    assert "secret details" not in page
    answer = ann.post(f"/p/{key}/retry")
    assert answer.headers["location"] not in (f"/p/{key}", "")
    assert one.next_order(Draw).job == 2


def test_a_wish_that_this_version_does_not_know_fails_in_words_and_holds_nobody_up(site: Any) -> None:
    ann, ben, owner = site.friend("ann"), site.friend("ben"), site.owner()
    owner.post("/owner/mode", data={"mode": "draining"})
    key, other = site.submit(ann), site.submit(ben)
    site.store(lambda db: db.execute("UPDATE job SET wish = json_set(wish, '$.mood', 'gloomy') WHERE key = ?", (key,)))
    owner.post("/owner/mode", data={"mode": "drawing"})
    site.until(ben, other, "done")
    assert site.until(ann, key, "failed")["code"] == "bad_request"
    assert "This version cannot draw it any more" in ann.get(f"/p/{key}").text
    retried = ann.post(f"/api/v1/jobs/{key}/retry")
    assert (retried.status_code, "does not know" in retried.text) == (422, True)
    assert len(site.crews) == 1


def test_a_done_without_a_picture_is_a_failure(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    one.tell(Done(one.next_order(Draw).job, 1, 1.0))
    assert by_hand.until(ann, key, "failed")["code"] == "bug"


def test_tellings_of_another_attempt_change_nothing(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    one.tell(Stepped(order.job, 7, 9, 10), Previewed(order.job, 7, 9), Interrupted(order.job, 7, 9))
    one.tell(Stepped(order.job, 1, 3, 10), Previewed(order.job, 1, 3))
    waiting(lambda: ann.get(f"/api/v1/jobs/{key}").json()["steps_done"] == 3)
    one.draw_now(order)
    by_hand.until(ann, key, "done")


def test_a_worker_without_a_step_is_killed(by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    one = crew(by_hand, waiting=waiting)
    order: Draw = one.next_order(Draw)
    one.tell(Began(order.job, 1), Stepped(order.job, 1, 3, 10))
    waiting(lambda: ann.get(f"/api/v1/jobs/{key}").json()["steps_done"] == 3)
    by_hand.offset_seconds = by_hand.patience.stuck + 1
    second = crew(by_hand, 1, waiting=waiting)
    assert second.next_order(Draw).attempt == 2


def test_a_restart_puts_what_ran_back_without_blame(sites: Callable[..., Any], waiting: Any) -> None:
    site = sites(at_once=False)
    ann = site.friend("ann")
    key = site.submit(ann)
    crew(site, waiting=waiting).next_order(Draw)
    site.service.store.write(lambda db: db.execute("UPDATE job SET worker='999999999 gone'")).result()
    cookie = dict(ann.cookies)
    site.stop()
    again = sites()
    ann = again.visitor()
    ann.cookies.update(cookie)
    assert again.until(ann, key, "done")["attempt"] == 2
    assert again.rows("SELECT crashes FROM job")[0][0] == 0


def test_an_idle_worker_leaves_and_comes_back_for_work(sites: Callable[..., Any], waiting: Any) -> None:
    site = sites()
    site.service.dispatcher.idle_unload_seconds = 60.0
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    site.offset_seconds = 100.0
    waiting(lambda: site.service.hub.worker == "unloaded")
    site.until(ann, site.submit(ann, "wake up"), "done")
    assert len(site.crews) == 2


def test_a_card_that_is_busy_with_something_else_is_waited_for_and_nothing_fails(
    sites: Callable[..., Any], make_offers: Any, waiting: Any
) -> None:
    ready = Ready("fake", make_offers(needs_mib=1000.0), free_mib=4000.0)
    site = sites(at_once=False, ready=(ready,))
    ann = site.friend("ann")
    site.until_ready()
    one = crew(site, waiting=waiting)
    one.tell(Beat(free_mib=500.0))
    waiting(lambda: site.service.hub.free_mib == 500.0)
    key = site.submit(ann)
    waiting(lambda: site.service.hub.worker == "crowded")
    assert "busy with something else" in ann.get("/queue").text
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "queued"
    assert site.visitor().get("/readyz").status_code == 200, "nothing is wrong with the server"
    one.tell(Beat())  # not looked at: nothing new
    one.tell(Beat(free_mib=1000.0))
    one.draw_now(one.next_order(Draw))
    assert site.until(ann, key, "done")["attempt"] == 1
    assert site.rows("SELECT crashes FROM job")[0][0] == 0


def test_networks_that_find_no_room_are_tried_again_and_nothing_is_paused(
    sites: Callable[..., Any], waiting: Any
) -> None:
    before = sites()
    before.until_ready()
    before.stop()
    patience = Patience(tick=0.02, leave=2.0, crowded=0.05, restart=(0.0,))
    site = sites(at_once=False, patience=patience, false_starts=[EXIT_NO_ROOM] * 4)
    ann = site.friend("ann")
    key = site.submit(ann)
    for number in range(4):
        crew(site, number, waiting=waiting).die()
        waiting(lambda number=number: site.service.hub.worker == "crowded" or len(site.crews) > number + 1)
    last = crew(site, 4, waiting=waiting)
    last.draw_now(last.next_order(Draw))
    assert site.until(ann, key, "done")["attempt"] == 1
    assert site.service.hub.mode == "drawing"


def test_a_machine_that_is_gone_is_no_false_start_of_its_worker(sites: Callable[..., Any], waiting: Any) -> None:
    """Where it was the only one that drew, its power cut would pause the line until the owner came."""
    patience = Patience(tick=0.02, leave=2.0, restart=(0.0,))
    site = sites(at_once=False, patience=patience, false_starts=[EXIT_NO_PLACE] * 4)
    for number in range(4):
        crew(site, number, waiting=waiting).die()
    crew(site, 4, waiting=waiting)
    assert site.service.hub.mode == "drawing"


def test_networks_of_a_picture_that_find_no_room_are_no_fault_of_the_picture(
    sites: Callable[..., Any], waiting: Any
) -> None:
    patience = Patience(tick=0.02, leave=2.0, beat=600.0, crowded=0.05, restart=(0.0,))
    site = sites(at_once=False, patience=patience)
    ann = site.friend("ann")
    key = site.submit(ann)
    for number in range(4):
        one = crew(site, number, waiting=waiting)
        one.next_order(Draw)
        one.exit_code = EXIT_NO_ROOM
        one.die()
    last = crew(site, 4, waiting=waiting)
    last.draw_now(last.next_order(Draw))
    site.until(ann, key, "done")
    assert site.rows("SELECT crashes FROM job")[0][0] == 0


def test_a_worker_that_never_gets_ready_for_another_reason_pauses_the_queue(
    sites: Callable[..., Any], waiting: Any
) -> None:
    site = sites(at_once=False, false_starts=[1] * 3)
    for number in range(3):
        crew(site, number, waiting=waiting).die()
    waiting(lambda: site.service.hub.mode == "paused")
    assert "does not start" in site.service.hub.reason


def test_estimates_come_from_what_it_took_here(site: Any) -> None:
    ann = site.friend("ann")
    assert "unknown yet" in ann.get("/").text
    for _ in range(3):
        site.until(ann, site.submit(ann), "done")
    assert "about 2 s" in ann.get("/").text


def test_what_does_not_fit_is_refused_at_once(sites: Callable[..., Any], make_offers: Any) -> None:
    from generator.crew.protocol import Ready

    site = sites(ready=(Ready("fake", make_offers(fits=False, largest_width=16)),))
    site.until_ready()
    answer = site.friend("ann").post("/api/v1/jobs", json={"prompt": "a"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "does_not_fit"
    assert "16" in answer.json()["error"]["message"]
    assert site.rows("SELECT count(*) FROM job")[0][0] == 0


def test_a_held_prompt_waits_for_the_owner(sites: Callable[..., Any]) -> None:
    from generator.serve.settings import ServeSettings

    site = sites(settings=replace(ServeSettings(keep_free_mib=0), hold_words="Grue, troll"))
    ann, owner = site.friend("ann"), site.owner()
    key = site.submit(ann, "a grue, lit from below")
    assert site.until(ann, key, "held")
    assert "look at this prompt first" in ann.get(f"/p/{key}").text
    owner.post("/owner/release", data={"key": key})
    site.until(ann, key, "done")
