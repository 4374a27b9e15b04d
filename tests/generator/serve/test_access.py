"""Each rule of the gate, named after what it prevents; and what friends may see of one another."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import logging
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from dreamrig.errors import UsageError
from generator.serve.parent import require_safe_bind
from generator.serve.settings import ServeSettings
from generator.serve.shares import token_of


def test_a_stranger_gets_no_page_no_api_and_no_file(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = site.submit(ann)
    site.until(ann, key, "done")
    for path in ("/", "/queue", "/gallery", f"/p/{key}", "/owner"):
        assert stranger.get(path).headers["location"] == "/enter"
    for path in ("/api/v1/queue", "/api/v1/events", f"/api/v1/jobs/{key}", "/api/v1/pictures"):
        assert stranger.get(path).status_code == 401
    for kind in ("picture", "large", "thumb-256", "live", "plain"):
        answer = stranger.get(f"/files/{key}/{kind}")
        assert answer.status_code == 303
        assert not answer.content
    assert stranger.get("/metrics").status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:80", "[::1"])
def test_dns_rebinding_reaches_nothing(site: Any, host: str) -> None:
    assert site.visitor(Host=host).get("/healthz").status_code in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_submit_for_a_friend(site: Any, headers: dict[str, str]) -> None:
    ann = site.friend("ann")
    site.until_ready()
    assert ann.post("/draw", data={"prompt": "forged"}, headers=headers).status_code == 403
    assert site.rows("SELECT count(*) FROM job")[0][0] == 0


def test_a_request_that_hides_where_it_comes_from_changes_nothing(site: Any) -> None:
    ann = site.friend("ann")
    del ann.headers["Origin"]
    assert ann.post("/draw", data={"prompt": "a"}).status_code == 403


def test_large_bodies_are_refused_however_they_come(site: Any) -> None:
    ann = site.friend("ann")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ann.post("/draw", data={"prompt": "a" * 70_000}).status_code == 413
    chunks = (b"prompt=" if number == 0 else b"a" * 1000 for number in range(80))
    assert ann.post("/draw", content=chunks, headers=form).status_code == 413


def test_uploads_and_odd_types_are_refused(site: Any) -> None:
    ann = site.friend("ann")
    assert ann.post("/draw", files={"prompt": b"x"}).status_code == 415
    assert ann.post("/api/v1/jobs", content=b"<a/>", headers={"content-type": "text/xml"}).status_code == 415


def test_an_invitation_works_once_and_stands_in_no_row(site: Any) -> None:
    token = site.link("ann")
    assert site.visitor().post("/enter", data={"token": token}).status_code == 303
    assert site.visitor().post("/enter", data={"token": token}).status_code == 403
    dump = site.service.store.read(lambda db: "\n".join(db.iterdump())).result()
    assert token not in dump


def test_an_old_invitation_opens_nothing(site: Any) -> None:
    token = site.link("ann")
    site.store(lambda db: db.execute("UPDATE invite SET expires_at = 1"))
    assert site.visitor().post("/enter", data={"token": token}).status_code == 403


def test_guessing_invitations_is_slowed_down(site: Any) -> None:
    stranger = site.visitor()
    codes = [stranger.post("/enter", data={"token": str(number)}).status_code for number in range(25)]
    assert codes.count(403) == 20
    assert codes[-1] == 429


def test_a_session_cookie_is_for_us_alone(sites: Callable[..., Any]) -> None:
    site = sites(settings=ServeSettings(public_url="https://rig.example", keep_free_mib=0))
    answer = site.visitor().post("/enter", data={"token": site.link("ann")})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" in cookie


def test_a_revoked_friend_is_out_at_once_and_the_stream_ends(site: Any) -> None:
    ann, owner = site.friend("ann"), site.owner()
    with ann.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id:")
        owner.post("/owner/revoke", data={"name": "ann"})
        assert len(list(lines)) < 40  # it ends
    assert ann.get("/queue").status_code == 303
    assert site.visitor().post("/enter", data={"token": "x"}).status_code == 403


def test_who_leaves_on_one_page_is_out_on_the_others(site: Any) -> None:
    ann = site.friend("ann")
    with ann.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id:")
        ann.post("/leave")
        assert len(list(lines)) < 40


def test_the_owner_cannot_be_revoked(site: Any) -> None:
    owner = site.owner()
    owner.post("/owner/revoke", data={"name": "owner"})
    assert owner.get("/owner").status_code == 200


def test_friends_are_no_owners(site: Any) -> None:
    ann = site.friend("ann")
    assert ann.get("/owner").status_code == 404
    assert ann.get("/metrics").status_code == 404
    acts = "mode invite revoke limit room backup condemn acquit release unpark refuse"
    for what in acts.split():
        assert ann.post(f"/owner/{what}", data={"mode": "paused", "name": "eve"}).status_code == 404
    assert ann.post("/api/v1/friends/invite", json={"name": "eve"}).status_code == 404
    assert site.service.hub.mode == "drawing"


def test_a_wrong_home_token_is_nobody(site: Any) -> None:
    assert site.visitor(Authorization="Bearer wrong").get("/api/v1/queue").status_code == 401
    assert site.visitor(Authorization=f"Bearer {site.server.token}").get("/api/v1/queue").status_code == 200


def test_forwarded_addresses_count_only_from_the_named_proxy(sites: Callable[..., Any]) -> None:
    site = sites()
    stranger = site.visitor()
    for number in range(25):
        code = stranger.post("/enter", data={"token": "x"}, headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
    assert code == 429


def test_behind_the_named_proxy_each_guesser_is_slowed_down_alone(sites: Callable[..., Any]) -> None:
    site = sites(settings=ServeSettings(trusted_proxy="127.0.0.1", keep_free_mib=0))
    stranger = site.visitor()

    def knock(forwarded: str) -> int:
        return int(stranger.post("/enter", data={"token": "x"}, headers={"X-Forwarded-For": forwarded}).status_code)

    assert {knock(f"10.0.0.{number}") for number in range(25)} == {403}
    # What the guesser says itself stands before what the proxy saw.
    codes = [knock(f"10.1.0.{number}, 10.2.0.1") for number in range(25)]
    assert codes == [403] * 20 + [429] * 5
    assert knock("10.2.0.1") == 429
    assert knock("10.2.0.2") == 403


def test_every_answer_has_the_strict_headers(site: Any) -> None:
    ann = site.friend("ann")
    for path in ("/", "/queue", "/static/live.js", "/nowhere", "/healthz", "/api/v1/queue"):
        headers = ann.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_need_nothing_from_elsewhere_and_no_inline_script(site: Any) -> None:
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    for path in ("/", f"/p/{key}", "/queue", "/gallery"):
        page = ann.get(path).text
        assert "http://" not in page.replace(site.url, "")
        assert "https://" not in page
        assert "onclick" not in page
        assert "style=" not in page
        assert "<script>" not in page


def test_prompts_are_text_wherever_they_are_shown(site: Any) -> None:
    ann = site.friend("ann")
    key = site.submit(ann, '<script>alert("x")</script> & "quotes"')
    site.until(ann, key, "done")
    link = ann.post(f"/p/{key}/share") and site.rows("SELECT * FROM share")[0]
    shared = f"/s/{token_of(site.service.secret, link)}"
    for path in ("/", f"/p/{key}", "/gallery", shared):
        assert "<script>alert" not in ann.get(path).text


def test_no_other_path_than_a_pictures_own_files(site: Any) -> None:
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    for kind in ("run.json", "config.json", "checkpoint.safetensors", "..%2f..%2fserve.db", "%2e%2e"):
        assert ann.get(f"/files/{key}/{kind}").status_code == 404
    assert ann.get("/files/..%2f..%2fserve.db/picture").status_code == 404
    assert ann.get("/static/..%2fapp.py").status_code == 404


# ---- friends and one another


def test_a_hidden_picture_gives_no_byte_to_another_friend(site: Any) -> None:
    ann, ben, owner = site.friend("ann"), site.friend("ben"), site.owner()
    key = site.submit(ann, "a secret zeppelin")
    site.until(ann, key, "done")
    assert ben.get(f"/files/{key}/picture").status_code == 200
    ann.post(f"/p/{key}/hide")
    for other in (ben, owner):
        for kind in ("picture", "large", "thumb-256", "thumb-512", "live", "plain"):
            assert other.get(f"/files/{key}/{kind}").status_code == 404
        for path in ("/", "/gallery", "/gallery?q=zeppelin", "/queue", "/api/v1/pictures", "/api/v1/queue"):
            assert "zeppelin" not in other.get(path).text.replace('value="zeppelin"', "")
        assert other.get(f"/api/v1/jobs/{key}").status_code == 404
        assert other.get(f"/?parent={key}").status_code == 200
        assert other.post("/api/v1/jobs", json={"prompt": "a", "parent": key}).status_code == 404
        assert other.post(f"/p/{key}/again").status_code == 404
    assert ann.get(f"/files/{key}/picture").status_code == 200


def test_what_is_hidden_while_it_waits_shows_its_place_and_nothing_else(by_hand: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    key = by_hand.submit(ann, "a secret zeppelin")
    ann.post(f"/api/v1/jobs/{key}/hide")
    state = ben.get("/api/v1/queue").json()
    assert state["line"][0]["prompt"] is None
    assert "zeppelin" not in ben.get("/queue").text
    with ben.stream("GET", "/api/v1/events") as stream:
        first = "".join(line for line, _ in zip(stream.iter_lines(), range(3), strict=False))
    assert "zeppelin" not in first
    assert key in first


def test_visibility_own_shows_counts_and_nobody_elses_pictures(sites: Callable[..., Any]) -> None:
    site = sites(settings=ServeSettings(visibility="own", keep_free_mib=0))
    ann, ben = site.friend("ann"), site.friend("ben")
    key = site.submit(ann, "a zeppelin")
    site.until(ann, key, "done")
    assert ben.get(f"/files/{key}/picture").status_code == 404
    assert "zeppelin" not in ben.get("/gallery").text
    assert "zeppelin" in ann.get("/gallery").text


def test_visibility_own_tells_nobody_who_the_others_are(sites: Callable[..., Any]) -> None:
    site = sites(at_once=False, settings=ServeSettings(visibility="own", keep_free_mib=0))
    zoe, ben, owner = site.friend("zoe"), site.friend("ben"), site.owner()
    running, first, second = site.submit(zoe), site.submit(zoe), site.submit(zoe)
    site.until(zoe, running, "running")
    mine = site.submit(ben)
    for path in ("/", "/queue", "/gallery", "/gallery?by=zoe", f"/p/{first}", "/api/v1/queue", f"/api/v1/jobs/{first}"):
        assert "zoe" not in ben.get(path).text.replace("by=zoe", ""), path
    assert "ben" not in zoe.get("/queue").text
    assert "somebody's picture of turn" in zoe.get(f"/api/v1/jobs/{second}").json()["behind"]
    state = ben.get("/api/v1/queue").json()
    assert {one["key"]: one["friend"] for one in state["line"]} == {
        running: None,
        first: None,
        second: None,
        mine: "ben",
    }
    assert (state["counts"]["queued"], state["counts"]["running"]) == (3, 1)
    assert {one["friend"] for one in owner.get("/api/v1/queue").json()["line"]} == {"zoe", "ben"}


def test_nobody_acts_on_anothers_picture(site: Any) -> None:
    ann, ben = site.friend("ann"), site.friend("ben")
    key = site.submit(ann)
    site.until(ann, key, "done")
    for what in ("cancel", "hide", "delete", "share", "unshare", "retry"):
        assert ben.post(f"/p/{key}/{what}").status_code == 404
    assert ann.get(f"/files/{key}/picture").status_code == 200


def test_a_shared_picture_opens_by_its_token_alone_and_tells_nothing_else(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = site.submit(ann, "a zeppelin")
    site.until(ann, key, "done")
    ann.post(f"/p/{key}/share")
    token = token_of(site.service.secret, site.rows("SELECT * FROM share")[0])
    page = stranger.get(f"/s/{token}")
    assert page.status_code == 200
    assert "a zeppelin" in page.text
    assert 'property="og:image"' in page.text
    assert "ann" not in page.text.replace("a zeppelin", "")
    assert key not in page.text
    assert stranger.get(f"/s/{token}/card.jpg").status_code == 200
    assert stranger.get(f"/s/{token}/picture.png").status_code == 200
    assert stranger.get(f"/files/{key}/picture").status_code == 303
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert stranger.get(f"/s/{wrong}/card.jpg").status_code == 404
    ann.post(f"/p/{key}/unshare")
    assert stranger.get(f"/s/{token}").status_code == 404
    assert stranger.get(f"/s/{token}/card.jpg").status_code == 404


def old_token(secret: bytes, number: int) -> str:
    """As links were made before version 5 of the database."""
    return f"{number}-{hmac.new(secret, f'share {number}'.encode(), hashlib.sha256).hexdigest()[:32]}"


def test_a_link_of_before_goes_on_and_its_number_opens_nothing_else_when_it_is_given_again(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    kept, other = site.submit(ann, "a zeppelin"), site.submit(ann, "a secret")
    for key in (kept, other):
        site.until(ann, key, "done")
    insert = "INSERT INTO share (job, made_at) SELECT id, 1 FROM job WHERE key = ?"
    site.store(lambda db: db.execute(insert, (kept,)))
    first, second = old_token(site.service.secret, 1), old_token(site.service.secret, 2)
    assert "a zeppelin" in stranger.get(f"/s/{first}").text
    assert first in ann.get(f"/p/{kept}").text
    ann.post(f"/p/{kept}/share", data={"days": "7"})
    assert stranger.get(f"/s/{first}").status_code == 200, "the link there is, for a week more"
    ann.post(f"/p/{other}/share")  # number 2, once given for another picture, before an older database was restored
    assert site.rows("SELECT max(id) FROM share")[0][0] == 2
    assert stranger.get(f"/s/{second}").status_code == 404
    new = token_of(site.service.secret, site.rows("SELECT * FROM share WHERE id = 2")[0])
    assert "a secret" in stranger.get(f"/s/{new}").text
    assert new not in "".join(map(str, site.rows("SELECT * FROM share WHERE id = 2")[0]))


def test_a_link_is_never_given_twice(site: Any) -> None:
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    tokens = set()
    for _ in range(3):
        ann.post(f"/p/{key}/share")
        tokens.add(token_of(site.service.secret, site.rows("SELECT * FROM share")[0]))
        site.store(lambda db: db.execute("DELETE FROM share"))
        site.store(lambda db: db.execute("DELETE FROM sqlite_sequence WHERE name = 'share'"))
    assert len(tokens) == 3


def test_a_share_is_a_card_for_previews_and_nothing_for_search_engines(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = site.submit(ann, 'a "zeppelin"')
    site.until(ann, key, "done")
    Image.new("RGB", (512, 640)).save(site.home.picture_folder(key) / "thumb-512.jpg", "JPEG")
    Image.new("RGB", (2048, 2560)).save(site.home.picture_folder(key) / "picture-large.png")
    ann.post(f"/p/{key}/share")
    token = token_of(site.service.secret, site.rows("SELECT * FROM share")[0])
    answer = stranger.get(f"/s/{token}")
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    told = dict(re.findall(r'<meta (?:name|property)="(.+?)" content="(.*?)">', answer.text))
    assert told["robots"] == "noindex, nofollow"
    assert told["og:title"] == "a &#34;zeppelin&#34;"
    assert told["og:image"] == f"{site.url}/s/{token}/card.jpg"
    card = stranger.get(told["og:image"])
    assert (card.headers["content-type"], card.headers["x-robots-tag"]) == ("image/jpeg", "noindex, nofollow")
    with Image.open(io.BytesIO(card.content)) as image:
        assert image.format == "JPEG"
        assert max(image.size) <= 1200


def test_a_deleted_picture_is_gone_everywhere_and_its_row_stays(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = site.submit(ann, "a zeppelin")
    site.until(ann, key, "done")
    ann.post(f"/p/{key}/share")
    token = token_of(site.service.secret, site.rows("SELECT * FROM share")[0])
    ann.post(f"/p/{key}/delete")
    assert stranger.get(f"/s/{token}").status_code == 404
    assert ann.get(f"/files/{key}/picture").status_code == 404
    assert "zeppelin" not in ann.get("/gallery?q=zeppelin").text.replace('value="zeppelin"', "")
    assert not site.home.picture_folder(key).exists()
    assert site.rows("SELECT count(*) FROM job")[0][0] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "steps": 1_000_000}, "steps"),
        ({"prompt": "a", "model": "big"}, "model"),
        ({"prompt": "a", "device": "cpu"}, "device"),
        ({"prompt": "a", "start": "/etc/passwd"}, "start"),
        ({"prompt": "a", "overlay": "/dev/zero"}, "overlay"),
        ({"prompt": "a", "parent": "/etc/passwd"}, "parent"),
        ({"prompt": "a\u202eb"}, "prompt"),
        ({"prompt": "a\u2066b"}, "prompt"),
        ({"prompt": "\u200b \u3164"}, "prompt"),
        ({"prompt": "a\x07"}, "prompt"),
        ({"prompt": "a" * 501}, "prompt"),
        ({"prompt": "a", "seed": -1}, "seed"),
        ({"prompt": "a", "seed": True}, "seed"),
        ({"prompt": "a", "seed": 7.5}, "seed"),
        ({"prompt": "a", "preset": "huge"}, "preset"),
        ({"prompt": "a", "style": "; rm -rf"}, "style"),
        ({"prompt": ["a"]}, "prompt"),
    ],
)
def test_a_wish_has_six_fields_and_no_knob(site: Any, body: dict[str, Any], field: str) -> None:
    ann = site.friend("ann")
    site.until_ready()
    answer = ann.post("/api/v1/jobs", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


def test_a_whole_number_is_one_however_json_has_it(site: Any) -> None:
    key = site.submit(site.friend("ann"), seed=7.0)
    assert site.rows("SELECT json_extract(config, '$.seed') FROM job WHERE key=?", key)[0][0] == 7


@pytest.mark.parametrize("wait", ["\u00b2", "\u0663", "-1", "1.2.3", "nan", ""])
def test_a_time_to_wait_that_is_none_is_no_error(site: Any, wait: str) -> None:
    ann = site.friend("ann")
    key = site.submit(ann)
    assert ann.get(f"/api/v1/jobs/{key}", params={"wait": wait}).status_code == 200


def test_limits_say_what_they_are(site: Any) -> None:
    ann = site.friend("ann")
    site.store(lambda db: db.execute("UPDATE friend SET most_a_minute = 2 WHERE name = 'ann'"))
    site.submit(ann)
    site.submit(ann)
    answer = ann.post("/api/v1/jobs", json={"prompt": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


def test_a_friend_fills_no_more_than_their_part_of_the_line(by_hand: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    for _ in range(6):  # one is being drawn
        by_hand.submit(ann)
    answer = ann.post("/draw", data={"prompt": "one more", "preset": "slow", "shape": "tall", "style": "oil"})
    assert answer.status_code == 429
    assert [f'value="{name}" checked' in answer.text for name in ("slow", "tall", "oil")] == [True] * 3
    assert answer.text.count(" checked") == 3
    assert "5 of your pictures wait already" in answer.text
    assert "one more" in answer.text  # what was typed is not lost
    by_hand.submit(ben)


def test_a_nearly_full_disk_takes_nothing_new(sites: Callable[..., Any]) -> None:
    site = sites(settings=ServeSettings(keep_free_mib=10**9))
    site.until_ready()
    answer = site.friend("ann").post("/api/v1/jobs", json={"prompt": "a"})
    assert answer.status_code == 507
    assert "disk" in answer.json()["error"]["message"]


def test_another_bind_without_an_address_does_not_start() -> None:
    with pytest.raises(UsageError, match="public_url"):
        require_safe_bind(ServeSettings(host="0.0.0.0"))
    require_safe_bind(ServeSettings(host="0.0.0.0", public_url="http://rig.lan:8700"))
    require_safe_bind(ServeSettings())


def test_no_token_stands_in_the_log(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = site.link("ann")
        site.visitor().post("/enter", data={"token": token})
    assert token not in caplog.text
    assert site.server.token not in caplog.text


# ---- streams


def events(client: httpx.Client, most: int, **headers: str) -> list[tuple[str, str]]:
    """(event, id) of the first messages of a stream."""
    found: list[tuple[str, str]] = []
    number = ""
    with client.stream("GET", "/api/v1/events", headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("id:"):
                number = line[4:]
            elif line.startswith("event:"):
                found.append((line[7:], number))
                number = ""
                if len(found) == most:
                    break
    return found


def test_a_stream_begins_with_the_whole_state_and_misses_no_event(site: Any) -> None:
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    kinds = events(ann, 1)
    assert kinds == [("state", "3")]  # submitted, claimed, done
    again = events(ann, 3, **{"Last-Event-ID": "1"})
    assert again == [("job", "2"), ("job", "3"), ("state", "3")]


def test_a_long_poll_answers_when_something_changes(by_hand: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    by_hand.until(ann, key, "running")
    version = ann.get(f"/api/v1/jobs/{key}").json()["version"]
    answers: list[Any] = []
    asking = threading.Thread(
        target=lambda: answers.append(ann.get(f"/api/v1/jobs/{key}?wait=25&seen={version}").json()), daemon=True
    )
    asking.start()
    by_hand.friend("ben").get("/queue")
    assert by_hand.owner().post(f"/queue/{key}/cancel").status_code == 303
    asking.join(20)
    assert answers
    assert answers[0]["state"] == "cancelled"


def test_an_unknown_picture_is_not_found_and_never_done(site: Any) -> None:
    ann = site.friend("ann")
    answer = ann.get("/api/v1/jobs/AAAAAAAAAAAA?wait=25")
    assert answer.status_code == 404


def test_the_same_request_twice_makes_one_picture(site: Any) -> None:
    ann = site.friend("ann")
    site.until_ready()
    keys = {
        ann.post("/api/v1/jobs", json={"prompt": "a"}, headers={"Idempotency-Key": "once"}).json()["key"]
        for _ in range(3)
    }
    assert len(keys) == 1
    pages = {ann.post("/draw", data={"prompt": "b", "request": "form"}).headers["location"] for _ in range(2)}
    assert len(pages) == 1
    assert site.rows("SELECT count(*) FROM job")[0][0] == 2


class HoldingProxy:
    """As a quick tunnel does: an answer without a length is held back until it ends."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            server.sendall(client.recv(65536).replace(b"Connection: keep-alive", b"Connection: close"))
            held = b""
            while data := server.recv(65536):
                held += data
            client.sendall(held)


def test_where_streams_are_held_back_polls_still_tell(site: Any) -> None:
    ann = site.friend("ann")
    proxy = HoldingProxy(site.port)
    behind = httpx.Client(base_url=f"http://127.0.0.1:{proxy.port}", cookies=dict(ann.cookies), timeout=3)
    with pytest.raises(httpx.ReadTimeout):
        events(behind, 1)
    key = site.submit(ann)
    answer = behind.get(f"/api/v1/jobs/{key}?wait=2", headers={"Connection": "close"})
    assert answer.json()["state"] in ("queued", "running", "done")
    proxy.socket.close()


def test_rolling_sessions_survive_a_clock_that_jumps_a_day(site: Any) -> None:
    ann = site.friend("ann")
    site.store(lambda db: db.execute("UPDATE session SET seen_at = seen_at + 86400000"))
    assert ann.get("/queue").status_code == 200
    site.store(lambda db: db.execute("UPDATE session SET seen_at = seen_at - 3 * 86400000"))
    assert "set-cookie" in ann.get("/queue").headers
    site.store(lambda db: db.execute("UPDATE session SET seen_at = seen_at - 91 * 86400000"))
    assert ann.get("/queue").status_code == 303


def test_settings_refuse_what_cannot_be() -> None:
    for changes in ({"visibility": "all"}, {"public_url": "rig"}, {"port": 70_000}, {"idle_unload": "soon"}):
        with pytest.raises(UsageError):
            replace(ServeSettings(), **changes)
