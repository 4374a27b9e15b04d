"""Pictures that do not go on by themselves: their friend finds them, the owner lets them go on or says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from generator.crew.protocol import Draw, Failed
from generator.serve.discord.posts import state_words
from generator.serve.settings import ServeSettings

HELD = ServeSettings(keep_free_mib=0, hold_words="Grue")


@pytest.fixture
def holding(sites: Callable[..., Any]) -> Any:
    """A server that holds what has a grue in it; its worker draws when the test says so."""
    return sites(at_once=False, settings=HELD)


def fails(site: Any, waiting: Any, friend: Any, prompt: str, code: str, state: str) -> str:
    """A picture that ends with that code."""
    key = str(site.submit(friend, prompt))
    waiting(lambda: bool(site.crews))
    order: Draw = site.crews[-1].next_order(Draw)
    site.crews[-1].tell(Failed(order.job, order.attempt, code, "no"))
    site.until(friend, key, state)
    return key


def test_who_is_overtaken_is_told_by_whom(by_hand: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    running, first, second = by_hand.submit(ann), by_hand.submit(ann), by_hand.submit(ann)
    by_hand.until(ann, running, "running")
    assert ann.get(f"/api/v1/jobs/{second}").json()["behind"] == ""
    by_hand.submit(ben, "a boat")
    told = "ben's picture of turn 0 goes before yours of turn "
    for key, turn in ((first, 1), (second, 2)):
        assert ann.get(f"/api/v1/jobs/{key}").json()["behind"] == f"{told}{turn}"
        assert (
            f'id="behind">ben&#39;s picture of turn 0 goes before yours of turn {turn}</p>' in ann.get(f"/p/{key}").text
        )
    assert "ben&#39;s picture of turn 0 goes before" in ann.get("/queue").text


def test_a_friend_finds_again_what_is_held_parked_or_failed(holding: Any, waiting: Any) -> None:
    ann, ben = holding.friend("ann"), holding.friend("ben")
    failed = fails(holding, waiting, ann, "a storm", "not_finite", "failed")
    parked = fails(holding, waiting, ann, "a castle", "disk_full", "parked")
    held = holding.submit(ann, "a grue in the dark")
    page = ann.get("/queue").text
    for key, act in ((failed, f"/p/{failed}/retry"), (parked, f"/queue/{parked}/cancel"), (held, "/cancel")):
        assert f'href="/p/{key}"' in page
        assert act in page
    assert "3 of your pictures do not go on by themselves" in ann.get("/").text
    assert "The owner has to look at this prompt first." in page
    assert "grue" not in ben.get("/queue").text
    assert "by themselves" not in ben.get("/").text
    ann.post(f"/p/{failed}/retry")
    assert f'href="/p/{failed}"' not in ann.get("/queue").text, "it was asked for again"
    refused = holding.submit(ann, "a grue at noon")
    holding.owner().post("/owner/refuse", data={"key": refused, "reason": ""})
    assert f'href="/p/{refused}"' in ann.get("/queue").text
    assert ann.post(f"/p/{refused}/delete", data={"back": "/queue"}).headers["location"] == "/queue"
    assert f'href="/p/{refused}"' not in ann.get("/queue").text
    ann.post(f"/queue/{held}/cancel")
    assert "One of your pictures does not go on by itself" in ann.get("/").text


def test_the_owner_opens_what_is_held_and_refuses_it_with_a_reason(holding: Any) -> None:
    ann, owner = holding.friend("ann"), holding.owner()
    key = holding.submit(ann, "a grue in the dark")
    assert f'href="/p/{key}"' in owner.get("/owner").text
    assert "a grue in the dark" in owner.get(f"/p/{key}").text
    answer = owner.post("/owner/refuse", data={"key": key, "reason": "  no <b>grues</b>\n here "})
    assert answer.status_code == 303
    view = ann.get(f"/api/v1/jobs/{key}").json()
    assert (view["state"], view["code"], view["why"]) == ("cancelled", "refused", "no <b>grues</b> here")
    for path in (f"/p/{key}", "/queue"):
        page = ann.get(path).text
        assert "The owner did not let it be drawn." in page
        assert "no &lt;b&gt;grues&lt;/b&gt; here" in page
    assert key not in owner.get("/owner").text
    assert owner.post("/owner/release", data={"key": key}).status_code == 303
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "cancelled", "refused is for good"


def test_what_goes_on_meanwhile_is_not_refused(holding: Any) -> None:
    ann, owner = holding.friend("ann"), holding.owner()
    key = holding.submit(ann, "a house")
    holding.until(ann, key, "running")
    assert owner.post("/owner/refuse", data={"key": key, "reason": ""}).status_code == 303
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "running"


@pytest.mark.parametrize("reason", ["a" * 201, "no\u202egrues", "no\x07"])
def test_a_reason_that_cannot_be_shown_is_refused(holding: Any, reason: str) -> None:
    ann, owner = holding.friend("ann"), holding.owner()
    key = holding.submit(ann, "a grue")
    assert owner.post("/owner/refuse", data={"key": key, "reason": reason}).status_code == 422
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "held"


def test_discord_is_told_the_reason_too(holding: Any) -> None:
    ann, owner = holding.friend("ann"), holding.owner()
    key = holding.submit(ann, "a grue")
    owner.post("/owner/refuse", data={"key": key, "reason": "not *here*"})
    view = ann.get(f"/api/v1/jobs/{key}").json()
    told = state_words(_job(holding, key), view)
    assert told.startswith("The owner did not let it be drawn. not ")
    assert "*here*" not in told.replace("\\*", "")


def _job(site: Any, key: str) -> Any:
    from generator.serve.line import queue

    return site.service.store.read(lambda db: queue.by_key(db, key)).result()


def test_a_failed_picture_leads_the_owner_to_it_unless_it_is_hidden(holding: Any, waiting: Any) -> None:
    ann, owner = holding.friend("ann"), holding.owner()
    key = fails(holding, waiting, ann, "a storm", "bug", "failed")
    assert f'href="/p/{key}"' in owner.get("/owner").text
    ann.post(f"/api/v1/jobs/{key}/hide")
    page = owner.get("/owner").text
    assert f'href="/p/{key}"' not in page
    assert "a storm" not in page
