"""Buttons that make pictures: once however often they are pressed; of four variations all or none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from generator.crew.protocol import Draw
from generator.serve.line.estimate import Range
from generator.serve.service import promised_after

REQUEST = re.compile(r'name="request" value="(.+?)"')


@pytest.fixture
def drawn(by_hand: Any, waiting: Any) -> tuple[Any, Any, str]:
    """A server, a friend, and a picture of theirs that is done."""
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    waiting(lambda: bool(by_hand.crews))
    crew = by_hand.crews[-1]
    crew.draw_now(crew.next_order(Draw))
    by_hand.until(ann, key, "done")
    return by_hand, ann, key


def children(site: Any) -> int:
    return int(site.rows("SELECT count(*) FROM job WHERE parent IS NOT NULL")[0][0])


def test_pressed_twice_it_makes_four_with_a_seed_each(drawn: tuple[Any, Any, str]) -> None:
    site, ann, key = drawn
    page = ann.get(f"/p/{key}").text.partition(f'/p/{key}/mutate"')[2]
    found = REQUEST.search(page)
    assert found is not None
    answers = [ann.post(f"/p/{key}/mutate", data={"request": found[1]}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert children(site) == 4
    seeds = {row[0] for row in site.rows("SELECT json_extract(config, '$.seed') FROM job WHERE parent IS NOT NULL")}
    assert len(seeds) > 1
    assert ann.post(f"/p/{key}/cancel").status_code == 303, "what has ended stays"


def press(client: Any, page: str, action: str) -> str:
    """A button of a page; where it leads."""
    found = REQUEST.search(client.get(page).text.partition(f'"{action}"')[2].partition("</form>")[0])
    assert found is not None, f"{action} is good for once"
    answers = [client.post(action, data={"request": found[1]}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    assert answers[0].headers["location"] == answers[1].headers["location"]
    return str(answers[0].headers["location"])


def test_again_pressed_twice_is_one_picture_and_from_a_fresh_page_another(drawn: tuple[Any, Any, str]) -> None:
    site, ann, key = drawn
    first = press(ann, f"/p/{key}", f"/p/{key}/again")
    assert site.rows("SELECT count(*) FROM job")[0][0] == 2
    assert press(ann, f"/p/{key}", f"/p/{key}/again") != first


def test_try_again_pressed_twice_is_one_picture_each(drawn: tuple[Any, Any, str]) -> None:
    site, ann, _ = drawn
    keys = [site.submit(ann, prompt) for prompt in ("a boat", "a ship")]
    for key in keys:
        site.store(lambda db, key=key: db.execute("UPDATE job SET state='failed', worker=NULL WHERE key=?", (key,)))
    site.service.changed()
    made = {press(ann, "/queue", f"/p/{key}/retry") for key in keys}
    made |= {press(ann, f"/p/{key}", f"/p/{key}/retry") for key in keys}
    assert len(made) == 4
    sent = [ann.post(f"/api/v1/jobs/{keys[0]}/retry", headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert sent[0].json()["key"] == sent[1].json()["key"] not in keys


def test_a_form_that_was_gone_back_to_sends_its_other_words(drawn: tuple[Any, Any, str]) -> None:
    _, ann, _ = drawn
    found = REQUEST.search(ann.get("/").text)
    assert found is not None
    words = ("a boat", "a boat", "a ship")  # without JavaScript its key stays
    made = [ann.post("/draw", data={"prompt": one, "request": found[1]}).headers["location"] for one in words]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("limit", "said"), [("most_waiting = 3", "4 at once are too many"), ("most_a_minute = 4", "More than 4 a minute")]
)
def test_where_there_is_room_for_some_it_makes_none(drawn: tuple[Any, Any, str], limit: str, said: str) -> None:
    site, ann, key = drawn
    site.store(lambda db: db.execute(f"UPDATE friend SET {limit} WHERE name = 'ann'"))
    answer = ann.post(f"/p/{key}/mutate")
    assert answer.status_code == 429
    assert said in answer.text
    assert children(site) == 0
    site.store(lambda db: db.execute("UPDATE friend SET most_waiting = 4, most_a_minute = 20 WHERE name = 'ann'"))
    assert ann.post(f"/p/{key}/mutate").status_code == 303
    assert children(site) == 4


def test_a_later_one_is_promised_after_the_earlier_ones() -> None:
    one, all_before = Range(2.0, 3.0), Range(10.0, 20.0)
    assert promised_after(0, one, all_before) == (10.0, 20.0)
    assert promised_after(3, one, all_before) == (16.0, 29.0)
    assert promised_after(1, None, all_before) is None
    assert promised_after(1, one, None) is None
