"""What a server tells whoever watches over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from generator.crew.protocol import Began, Done, Draw, Ready


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
