"""What a server tells whoever watches over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from generator.crew.protocol import Beat, Began, Done, Draw, Failed, Interrupted, Ready
from generator.serve.settings import ServeSettings


def samples(client: httpx.Client) -> dict[tuple[str, str], float]:
    """(name, first label's value) -> value, as Prometheus' own parser reads them."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families)
    return {(one.name, next(iter(one.labels.values()), "")): one.value for family in families for one in family.samples}


def test_prometheus_reads_what_happened(by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    keys = [by_hand.submit(ann, seed=seed) for seed in range(4)]
    waiting(lambda: bool(by_hand.crews))
    one = by_hand.crews[0]
    order: Draw = one.next_order(Draw)
    one.tell(Began(order.job, order.attempt, 0))
    one.die()
    waiting(lambda: len(by_hand.crews) == 2)
    for _ in range(2):
        again = by_hand.crews[1].next_order(Draw)
        by_hand.crews[1].paint(again)
        by_hand.crews[1].tell(Done(again.job, again.attempt, 2.5))
    by_hand.crews[1].next_order(Draw)
    by_hand.until(ann, keys[1], "done")
    ann.post(f"/api/v1/jobs/{keys[3]}/cancel")
    found = samples(owner)
    assert found[("dreamrig_jobs", "running")] == 1
    assert found[("dreamrig_jobs", "queued")] == 0
    assert found[("dreamrig_jobs_ended_total", "done")] == 2
    assert found[("dreamrig_jobs_ended_total", "cancelled")] == 1
    assert found[("dreamrig_work_seconds_total", "")] == 5.0
    assert found[("dreamrig_worker_crashes_total", "")] == 1
    assert found[("dreamrig_mode", "drawing")] == 1
    assert found[("dreamrig_mode", "paused")] == 0
    assert found[("dreamrig_worker", "drawing")] == 1
    assert found[("dreamrig_pictures_bytes", "")] > 0
    assert found[("dreamrig_disk_free_bytes", "")] > 2**20
    assert ("dreamrig_ranges_held_ratio", "") not in found, "nothing was promised yet"


def test_the_share_of_ranges_that_held_is_told(site: Any) -> None:
    ann, owner = site.friend("ann"), site.owner()
    for _ in range(4):
        site.until(ann, site.submit(ann), "done")
    site.store(lambda db: db.execute("UPDATE job SET promised_low = 0, promised_high = 9 WHERE id < 4"))
    site.store(lambda db: db.execute("UPDATE job SET promised_low = 5000, promised_high = 9000 WHERE id = 4"))
    assert samples(owner)[("dreamrig_ranges_held_ratio", "")] == 0.75


def gaming(site: Any, order: Draw) -> None:
    site.owner().post("/owner/mode", data={"mode": "gaming"})
    site.owner().post("/owner/mode", data={"mode": "drawing"})


def sleeping(site: Any, order: Draw) -> None:
    site.asleep_seconds = 3600.0


def parking(site: Any, order: Draw) -> None:
    site.crews[-1].tell(Failed(order.job, order.attempt, "disk_full", "no room"))
    wait_for_state(site, order, "parked")
    key = site.rows("SELECT key FROM job WHERE id = ?", order.job)[0][0]
    site.owner().post("/owner/unpark", data={"key": key})


def another_program(site: Any, order: Draw) -> None:
    site.service.hub.offers = tuple(replace(one, needs_mib=1000.0) for one in site.service.hub.offers)
    site.crews[-1].tell(Beat(free_mib=100.0), Interrupted(order.job, order.attempt, 0))


def wait_for_state(site: Any, order: Draw, state: str) -> None:
    while site.rows("SELECT state FROM job WHERE id = ?", order.job)[0][0] != state:
        time.sleep(0.01)


def promises(site: Any) -> int:
    return int(site.rows("SELECT count(promised_low) FROM job WHERE id > 3")[0][0])


@pytest.mark.parametrize("come_between", [gaming, sleeping, parking, another_program])
def test_a_promise_that_people_came_in_the_way_of_is_not_judged(by_hand: Any, waiting: Any, come_between: Any) -> None:
    ann = by_hand.friend("ann")
    for number in range(4):
        by_hand.submit(ann, f"house {number}")
        order = by_hand.crews[0].next_order(Draw)
        if number < 3:
            by_hand.crews[0].draw_now(order)
            waiting(lambda: by_hand.service.hub.progress is None)
    assert promises(by_hand) == 1, "three are known: the fourth was promised something"
    come_between(by_hand, order)
    waiting(lambda: promises(by_hand) == 0)


def test_nothing_is_promised_to_what_is_held_or_comes_while_nothing_is_drawn(sites: Callable[..., Any]) -> None:
    site = sites(settings=ServeSettings(keep_free_mib=0, idle_unload="0", hold_words="grue"))
    ann, owner = site.friend("ann"), site.owner()
    for _ in range(3):
        site.until(ann, site.submit(ann), "done")
    site.submit(ann, "a grue")
    owner.post("/owner/mode", data={"mode": "draining"})
    site.submit(ann, "later")
    assert promises(site) == 0
    owner.post("/owner/mode", data={"mode": "drawing"})
    site.submit(ann, "now")
    assert promises(site) == 1


def test_numbers_are_the_owners_alone(site: Any) -> None:
    assert site.friend("ann").get("/metrics").status_code == 404
    assert site.visitor().get("/metrics").status_code in (303, 401)


def test_ready_means_that_a_picture_would_be_drawn(sites: Callable[..., Any], waiting: Any) -> None:
    site = sites(ready=())
    nobody = site.visitor()
    assert nobody.get("/healthz").text == "ok\n"
    assert (answer := nobody.get("/readyz")).status_code == 503, "it is still starting"
    assert answer.json() == {"dispatcher": True, "database": True, "worker": False}
    waiting(lambda: bool(site.crews))
    site.crews[0].tell(Ready("fake", ()))
    waiting(lambda: nobody.get("/readyz").status_code == 200)
    owner = site.owner()
    for mode, status in (("gaming", 200), ("paused", 503)):
        assert owner.post("/api/v1/mode", json={"mode": mode}).json()["mode"] == mode
        waiting(lambda: site.service.hub.worker == "unloaded")
        assert nobody.get("/readyz").status_code == status, mode
