"""The bot against a Discord on loopback: who may ask, what is answered, what hangs in the channel, what survives."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from generator.crew.protocol import Began, Draw, Failed, Previewed, Stepped
from generator.serve.discord.place import DiscordPlace
from generator.serve.settings import ServeSettings

pytest.importorskip("discord", reason="needs the extra [discord]")
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.Gfake1.a-token-that-must-not-be-told-to-anybody"
SERVER, OTHER_SERVER, CHANNEL, ROLE, ANN, BEN = (1000000000000000000 + number for number in range(2, 8))
OWNER = 1000000000000000099
SETTINGS = ServeSettings(
    keep_free_mib=0, idle_unload="0", discord_token=TOKEN, discord_servers=str(SERVER), discord_owner=str(OWNER)
)


@pytest.fixture
def open_site(guildhall: Any, sites: Any) -> Callable[..., Any]:
    """Starts a server whose bot is connected to the Discord on loopback."""
    place = DiscordPlace(f"http://127.0.0.1:{guildhall.port}/api", f"ws://127.0.0.1:{guildhall.port}/gateway")

    def start(settings: ServeSettings = SETTINGS, **changes: Any) -> Any:
        connected = len(guildhall.connections)
        site = sites(settings=settings, discord=place, **changes)
        guildhall.until(lambda: len(guildhall.connections) > connected)
        site.until_ready()
        guildhall.until(lambda: "there for" in site.service.hub.discord)
        return site

    return start


@pytest.fixture
def shown(guildhall: Any) -> Callable[[str], dict[str, Any]]:
    """The newest message that has certain words, once there is one."""

    def find(words: str) -> dict[str, Any]:
        found: dict[str, Any] = guildhall.until(
            lambda: next((one for one in reversed(guildhall.messages.values()) if words in one["content"]), None)
        )
        return found

    return find


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def labels(message: dict[str, Any]) -> list[str]:
    return [one["label"] for row in message["components"] for one in row["components"]]


def ids(message: dict[str, Any]) -> dict[str, str]:
    return {one["label"]: one["custom_id"] for row in message["components"] for one in row["components"]}


def test_a_wish_is_answered_at_once_and_its_message_gets_the_picture(
    open_site: Any, guildhall: Any, shown: Any
) -> None:
    site = open_site(at_once=False)
    asked = guildhall.command("dream", prompt="a *red* house", style="oil")
    assert "number 1" in guildhall.answer(asked) or "turn is now" in guildhall.answer(asked)
    assert guildhall.callbacks[asked] == {"type": 5, "data": {"flags": 64}}
    order = site.crews[-1].next_order(Draw)
    assert order.config["prompt"] == "a *red* house, oil painting"
    growing = shown(r"a \*red\* house")
    assert labels(growing) == ["Cancel"]
    assert growing["files"] == {}
    site.crews[-1].draw_now(order)
    message = shown("s of work")
    assert labels(message) == ["Again", "Remix"]
    assert message["files"]["dream.png"].startswith(b"\x89PNG")
    assert message["channel"] == CHANNEL
    assert "for ann" in message["content"]
    assert len(guildhall.messages) == 1
    guildhall.until(lambda: site.rows("SELECT sent_at FROM outbox")[0][0])


def test_a_growing_picture_is_shown_along(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site(at_once=False)
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    crew, order = site.crews[-1], site.crews[-1].next_order(Draw)
    shown("a house")
    crew.paint(order)
    crew.tell(Began(order.job, order.attempt), Stepped(order.job, order.attempt, 4, 10, 0.01))
    crew.tell(Previewed(order.job, order.attempt, 4))
    guildhall.until(lambda: site.service.hub.progress.steps_done == 4)
    site.offset_seconds += 20  # edits are seldom
    message = shown("step 4 of 10")
    assert list(message["files"]) == ["dream.jpg"]
    assert labels(message) == ["Cancel"]


def test_nobody_is_mentioned_and_no_prompt_is_markup(open_site: Any, guildhall: Any, shown: Any) -> None:
    open_site()
    guildhall.answer(guildhall.command("dream", prompt="@everyone <@1> **x**", by=(ANN, "@here *ann*")))
    message = shown("everyone")
    assert r"\@everyone \<\@1\> \*\*x\*\*" in message["content"]
    assert r"\@here \*ann\*" in message["content"]
    assert message["allowed_mentions"] == {"parse": []}
    listed = guildhall.command("queue")
    guildhall.answer(listed)
    assert guildhall.answers[f"token-{listed}"]["allowed_mentions"] == {"parse": []}


def test_a_member_becomes_a_friend_by_number_and_never_somebody_who_was_here_before(
    open_site: Any, guildhall: Any
) -> None:
    site = open_site()
    site.friend("ann")
    for by in ((ANN, "ann"), (BEN, "owner"), (ANN, "renamed")):
        guildhall.answer(guildhall.command("dream", prompt="a house", by=by))
    rows = [tuple(row) for row in site.rows("SELECT name, discord, is_owner FROM friend ORDER BY id")]
    assert rows == [("owner", None, 1), ("ann", None, 0), ("ann 2", str(ANN), 0), ("owner 2", str(BEN), 0)]


def test_a_server_that_nobody_opened_gets_nothing(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    assert list(guildhall.commands) == [SERVER]
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    # Commands are not there, but somebody may carry a button there: by a forwarded message, or a forged request.
    data = {"custom_id": ids(shown("s of work"))["Again"], "component_type": 2}
    message = guildhall.message(*next(iter(guildhall.messages.items())))
    strange = {"by": (BEN, "ben"), "server": OTHER_SERVER, "message": message}
    assert "not opened it to this server" in guildhall.answer(guildhall.interact(3, data, **strange))
    assert site.rows("SELECT count(*) FROM job")[0][0] == 1
    assert site.rows("SELECT count(*) FROM friend WHERE discord = ?", str(BEN))[0][0] == 0


def test_the_owner_is_told_of_a_server_that_is_not_opened(open_site: Any, guildhall: Any) -> None:
    site = open_site(replace(SETTINGS, discord_servers=str(OTHER_SERVER)))
    guildhall.until(lambda: f"the circle ({SERVER})" in site.service.hub.discord)
    assert "does not open" in site.owner().get("/owner").text


def test_a_server_it_is_invited_to_later_gets_its_commands_at_once(open_site: Any, guildhall: Any) -> None:
    site = open_site(replace(SETTINGS, discord_servers=f"{SERVER},{OTHER_SERVER}"))
    assert f"not invited to {OTHER_SERVER}" in site.service.hub.discord
    guildhall.invite(OTHER_SERVER)
    guildhall.until(lambda: OTHER_SERVER in guildhall.commands)
    guildhall.until(lambda: "for the circle, another" in site.service.hub.discord)
    assert "not invited" not in site.service.hub.discord
    words = guildhall.answer(guildhall.command("dream", server=OTHER_SERVER, prompt="a house"))
    assert "number" in words or "now" in words


def test_what_breaks_the_library_ends_one_life_of_the_bot_and_no_page(
    open_site: Any, guildhall: Any, shown: Any
) -> None:
    site = open_site()
    guildhall.interact(2, {"name": "dream"}, channel={"id": "1", "type": 0})  # a channel without a position
    guildhall.until(lambda: len(guildhall.connections) == 2)
    assert site.visitor().get("/healthz").status_code == 200
    guildhall.answer(guildhall.command("dream", prompt="after all"))
    shown("s of work")


def test_a_role_may_be_needed(open_site: Any, guildhall: Any) -> None:
    site = open_site(replace(SETTINGS, discord_role=str(ROLE)))
    assert "need a role" in guildhall.answer(guildhall.command("dream", prompt="a house"))
    assert site.rows("SELECT count(*) FROM friend")[0][0] == 1
    assert "need a role" not in guildhall.answer(guildhall.command("dream", prompt="a house", roles=(ROLE,)))


def test_a_friend_who_was_revoked_stays_outside(open_site: Any, guildhall: Any) -> None:
    site = open_site()
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    site.store(lambda db: db.execute("UPDATE friend SET revoked_at = 1 WHERE discord = ?", (str(ANN),)))
    assert "lets you draw no more" in guildhall.answer(guildhall.command("dream", prompt="another"))
    assert site.rows("SELECT count(*) FROM job")[0][0] == 1


def test_a_channel_in_which_the_bot_may_not_post_is_refused_before_the_wish(open_site: Any, guildhall: Any) -> None:
    site = open_site()
    words = guildhall.answer(guildhall.command("dream", prompt="a house", rights=str(1024 + 2048)))
    assert "Attach Files" in words
    assert "Send" not in words
    assert site.rows("SELECT count(*) FROM job")[0][0] == 0


def test_what_a_wish_may_not_be_is_said(open_site: Any, guildhall: Any) -> None:
    site = open_site()
    assert "control character" in guildhall.answer(guildhall.command("dream", prompt="a\u202eb"))
    site.store(lambda db: db.execute("UPDATE friend SET most_a_minute = 1"))
    guildhall.answer(guildhall.command("dream", prompt="one"))
    assert "a minute" in guildhall.answer(guildhall.command("dream", prompt="two"))


def test_buttons_survive_a_restart(open_site: Any, guildhall: Any, shown: Any) -> None:
    first = open_site()
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    buttons = ids(shown("s of work"))
    first.stop()
    site = open_site(at_once=False)
    guildhall.answer(guildhall.press(buttons["Again"], by=(BEN, "ben")))
    again = site.crews[-1].next_order(Draw)
    assert again.config["prompt"] == "a house"
    growing = shown("for ben")
    before = site.rows("SELECT wish, config FROM job ORDER BY id")
    assert before[0]["wish"].replace("null", "") == before[1]["wish"].replace("null", "")
    assert "Only who asked" in guildhall.answer(guildhall.press(ids(growing)["Cancel"], by=(ANN, "ann")))
    assert guildhall.answer(guildhall.press(ids(growing)["Cancel"], by=(BEN, "ben"))) == "Cancelled."
    shown("cancelled")


def test_remix_asks_with_the_old_words_and_its_form_survives_a_restart(
    open_site: Any, guildhall: Any, shown: Any
) -> None:
    first = open_site()
    guildhall.answer(guildhall.command("dream", prompt="a house", style="oil"))
    pressed = guildhall.press(ids(shown("s of work"))["Remix"])
    form = guildhall.until(lambda: guildhall.callbacks.get(pressed))
    assert form["type"] == 9
    assert "'value': 'a house'" in str(form["data"])
    first.stop()
    site = open_site()
    guildhall.answer(guildhall.send_form(form["data"]["custom_id"], "a blue house"))
    shown("a blue house")
    assert site.rows("SELECT json_extract(wish, '$.style') FROM job ORDER BY id DESC")[0][0] == "oil"


def test_one_interaction_is_one_wish_however_often_it_comes(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    shown("s of work")
    body = next(iter(guildhall.callbacks))
    from generator.serve.discord import acts as discord_acts

    asker = discord_acts.Asker(id=ANN, name="ann", server=SERVER, roles=frozenset(), channel=CHANNEL)
    again = discord_acts.dream(site.service, asker, {"prompt": "a house"}, f"discord {body}")
    import asyncio

    asyncio.run_coroutine_threadsafe(again, site.crews[-1].loop).result(30)
    assert site.rows("SELECT count(*) FROM job")[0][0] == 1


def test_cancel_ends_the_newest_and_the_queue_is_listed(open_site: Any, guildhall: Any) -> None:
    site = open_site(at_once=False)
    assert "Nothing of yours" in guildhall.answer(guildhall.command("cancel"))
    for prompt in ("one", "two"):
        guildhall.answer(guildhall.command("dream", prompt=prompt))
    site.crews[-1].next_order(Draw)
    guildhall.answer(guildhall.command("dream", prompt="three", by=(BEN, "ben")))
    listed = guildhall.answer(guildhall.command("queue"))
    assert "now one · ann (you)" in listed
    assert "three · ben" in listed
    assert guildhall.answer(guildhall.command("cancel")) == "Cancelled."
    states = dict(site.rows("SELECT json_extract(wish, '$.prompt'), state FROM job"))
    assert states == {"one": "running", "two": "cancelled", "three": "queued"}


def test_a_member_comes_to_the_page_as_the_friend_they_are(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    assert "at which address" in guildhall.answer(guildhall.command("page"))
    site.stop()
    site = open_site(replace(SETTINGS, public_url="http://localhost"))
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    shown("s of work")
    words = guildhall.answer(guildhall.command("page"))
    assert words.partition("/enter#")[0].endswith("http://localhost")
    visitor = site.visitor()
    assert visitor.post("/enter", data={"token": words.partition("#")[2]}).status_code == 303
    assert visitor.get("/api/v1/pictures").json()["pictures"][0]["mine"]
    assert site.visitor().post("/enter", data={"token": words.partition("#")[2]}).status_code == 403
    assert "Your own link" in guildhall.answer(guildhall.command("page", by=(OWNER, "boss")))


def test_pause_is_the_owners_and_the_lamp_says_what_the_machine_is_about(open_site: Any, guildhall: Any) -> None:
    site = open_site(at_once=False)
    guildhall.until(lambda: guildhall.presence().get("status") == "idle")
    assert "the owner's" in guildhall.answer(guildhall.command("pause"))
    assert site.service.hub.mode == "drawing"
    words = guildhall.answer(guildhall.command("pause", by=(OWNER, "boss"), length="90m"))
    assert "plays a game until" in words
    assert site.service.hub.mode == "gaming"
    assert guildhall.answer(guildhall.command("resume", by=(OWNER, "boss"))) == "Drawing."
    assert site.service.hub.mode == "drawing"
    assert tuple(site.rows("SELECT name, discord FROM friend")[0]) == ("owner", None)


def test_the_lamp_is_red_while_a_game_is_played(open_site: Any, guildhall: Any) -> None:
    site = open_site()
    site.owner().post("/owner/mode", data={"mode": "gaming", "length": "3h"})
    site.stop()
    open_site()
    guildhall.until(lambda: guildhall.presence().get("status") == "dnd")
    assert "plays a game" in guildhall.presence()["words"]


def test_a_dropped_connection_is_resumed_and_nothing_is_lost(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    guildhall.drop()
    guildhall.until(lambda: any(one["op"] == 6 for one in guildhall.heard))
    resumed = next(one["d"] for one in guildhall.heard if one["op"] == 6)
    assert resumed["session_id"] == "one"
    guildhall.answer(guildhall.command("dream", prompt="after all"))
    shown("s of work")
    assert site.visitor().get("/healthz").status_code == 200


def test_a_limit_of_discord_is_waited_for(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    guildhall.deaths += [429, 429]
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    shown("s of work")
    assert len(guildhall.messages) == 1
    guildhall.until(lambda: site.rows("SELECT sent_at FROM outbox")[0][0])


def test_a_message_that_discord_refuses_is_told_to_the_owner(open_site: Any, guildhall: Any) -> None:
    site = open_site()
    guildhall.deaths += [403] * 9
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    guildhall.until(lambda: site.rows("SELECT given_up FROM outbox")[0][0])
    owner = site.owner()
    page = owner.get("/owner").text
    assert "Not posted to Discord" in page
    assert "Attach Files" in page


def test_a_message_that_cannot_be_sent_now_is_tried_later_and_made_once(open_site: Any, guildhall: Any) -> None:
    site = open_site(at_once=False)
    guildhall.deaths += [503]
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    guildhall.until(lambda: site.rows("SELECT tries FROM outbox")[0][0] == 1)
    assert guildhall.messages == {}
    site.store(lambda db: db.execute("UPDATE outbox SET not_before = 0"))
    guildhall.until(lambda: guildhall.messages)
    # The server dies between Discord's answer and its own note of it: the nonce brings the same message.
    site.stop()
    with sqlite3.connect(site.home.database) as connection:
        connection.execute("UPDATE discord_post SET message = NULL")
    connection.close()
    site = open_site()
    guildhall.until(lambda: site.rows("SELECT sent_at FROM outbox")[0][0])
    assert len(guildhall.messages) == 1


def test_a_failure_is_said_in_the_channel(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site(at_once=False)
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    order = site.crews[-1].next_order(Draw)
    shown("a house")
    site.crews[-1].tell(Failed(order.job, order.attempt, "not_finite", "nan"))
    assert labels(shown("The numbers ran away")) == ["Again", "Remix"]


def test_a_picture_that_is_hidden_leaves_the_channel_too(open_site: Any, guildhall: Any, shown: Any) -> None:
    site = open_site()
    guildhall.answer(guildhall.command("dream", prompt="a secret"))
    assert shown("s of work")["files"]
    key = site.rows("SELECT key FROM job")[0][0]
    site.owner().post(f"/p/{key}/hide")
    message = shown("taken down")
    assert message["files"] == {}
    assert message["components"] == []
    assert "secret" not in message["content"]


def test_a_picture_removed_from_the_channel_stays_removed_until_it_is_done(
    open_site: Any, guildhall: Any, shown: Any
) -> None:
    site = open_site(at_once=False)
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    order = site.crews[-1].next_order(Draw)
    shown("a house")
    guildhall.messages.clear()
    site.crews[-1].draw_now(order)
    assert shown("s of work")["files"]
    assert len(guildhall.messages) == 1


def test_what_is_asked_for_on_discord_is_not_posted_by_the_webhook_too(
    open_site: Any, guildhall: Any, shown: Any
) -> None:
    webhook = f"http://127.0.0.1:{guildhall.port}/api/hook"
    site = open_site(replace(SETTINGS, webhook=webhook, webhook_posts="all"))
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    shown("s of work")
    assert [row[0] for row in site.rows("SELECT kind FROM outbox")] == ["discord"]


def test_a_wrong_token_ends_the_bot_and_not_the_pages(guildhall: Any, sites: Any, log: Any) -> None:
    guildhall.knows_token = False
    place = DiscordPlace(f"http://127.0.0.1:{guildhall.port}/api", f"ws://127.0.0.1:{guildhall.port}/gateway")
    site = sites(settings=SETTINGS, discord=place)
    guildhall.until(lambda: "does not know the token" in site.service.hub.discord)
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    assert "does not know the token" in site.owner().get("/owner").text


def test_where_discord_cannot_be_reached_the_log_says_so_in_lines(sites: Any, waiting: Any, log: Any) -> None:
    place = DiscordPlace("http://127.0.0.1:9/api", "ws://127.0.0.1:9/gateway")  # the port that discards
    site = sites(settings=SETTINGS, discord=place)
    waiting(lambda: log.text.count("cannot be reached") > 1)
    assert "Traceback" not in log.text
    assert "cannot be reached" in site.owner().get("/owner").text
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")


def test_a_connection_that_breaks_is_a_line_of_the_log(open_site: Any, guildhall: Any, log: Any) -> None:
    site = open_site()
    guildhall.is_shut = True
    guildhall.drop()
    guildhall.until(lambda: "Attempting a reconnect" in log.text)
    assert "(WSServerHandshakeError)" in log.text
    assert "Traceback" not in log.text
    assert "broke" in site.service.hub.discord
    guildhall.is_shut = False
    guildhall.until(lambda: "there for the circle" in site.service.hub.discord)


def test_the_token_is_told_to_discord_alone(open_site: Any, guildhall: Any, shown: Any, log: Any) -> None:
    site = open_site()
    guildhall.deaths += [429, 503]
    guildhall.answer(guildhall.command("dream", prompt="a house"))
    guildhall.drop()
    guildhall.until(lambda: any(one["op"] == 6 for one in guildhall.heard))
    site.store(lambda db: db.execute("UPDATE outbox SET not_before = 0"))
    shown("s of work")
    site.stop()
    told = [log.text, *(str(record.__dict__) for record in log.records)]
    assert len(told) > 10
    assert not [text for text in told if TOKEN in text or TOKEN.rpartition(".")[2] in text]
    with pytest.raises(Exception, match="no token of a bot") as error:
        ServeSettings(discord_token=f"{TOKEN} x")
    assert TOKEN not in str(error.value)
    dumped = "\n".join(str(tuple(row)) for row in site_rows(site))
    assert TOKEN not in dumped


def site_rows(site: Any) -> list[Any]:
    with sqlite3.connect(site.home.database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]


def test_without_a_token_nothing_of_discord_is_loaded() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from generator.serve.app import make_server;"
        "print([name for name in ('discord', 'aiohttp') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
