"""Four variations of a picture: all of them or none, and once however often the button is pressed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from generator.crew.protocol import Draw
from generator.serve.line.estimate import Range
from generator.serve.service import promised_after


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
    found = re.search(r'name="request" value="(.+?)"', page)
    assert found is not None
    answers = [ann.post(f"/p/{key}/mutate", data={"request": found[1]}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert children(site) == 4
    seeds = {row[0] for row in site.rows("SELECT json_extract(config, '$.seed') FROM job WHERE parent IS NOT NULL")}
    assert len(seeds) > 1
    assert ann.post(f"/p/{key}/cancel").status_code == 303, "what has ended stays"


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
