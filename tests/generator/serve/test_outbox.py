"""A message on Discord follows its picture: also what happens while it goes out, and after it was given up."""

from __future__ import annotations

from typing import Any

from generator.serve import outbox
from generator.serve.discord.posts import settle_what_is_shown
from generator.serve.line import queue
from generator.serve.outbox import DISCORD_POST


def posted(site: Any, client: Any) -> tuple[str, Any, int]:
    """Key, job and number of the post of a done picture that was asked for on Discord."""
    key = site.submit(client)
    site.until(client, key, "done")
    site.store(lambda db: outbox.put(db, DISCORD_POST, 1, 0))
    (number,) = site.rows("SELECT id FROM outbox")[0]
    return key, site.service.store.read(lambda db: queue.by_key(db, key)).result(), number


def is_due(site: Any) -> bool:
    now = site.service.clock.now_ms()
    return bool(site.service.store.read(lambda db: outbox.due(db, DISCORD_POST, now)).result())


def test_what_was_hidden_while_its_message_went_out_is_looked_at_once_more(site: Any) -> None:
    ann = site.friend("ann")
    key, before, number = posted(site, ann)
    ann.post(f"/p/{key}/hide")
    site.store(lambda db: settle_what_is_shown(db, number, before, 1, 5))
    assert is_due(site)
    after = site.service.store.read(lambda db: queue.by_key(db, key)).result()
    site.store(lambda db: settle_what_is_shown(db, number, after, 1, 5))
    assert not is_due(site)


def test_a_given_up_message_that_hangs_there_is_taken_down_too(site: Any) -> None:
    ann = site.friend("ann")
    key, _, number = posted(site, ann)
    site.store(lambda db: outbox.settle(db, number, 8, 5, "8 tries failed"))
    ann.post(f"/p/{key}/hide")
    assert not is_due(site), "nothing hangs there"
    site.store(lambda db: db.execute("INSERT INTO discord_post (job, channel, message) VALUES (1, '7', '8')"))
    ann.post(f"/p/{key}/show")
    assert is_due(site)
