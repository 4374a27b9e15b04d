"""What is reported, what the owner makes of it, and links that end by themselves."""

from __future__ import annotations

from typing import Any

import pytest

DAY_SECONDS = 86_400


def done(site: Any, client: Any, prompt: str = "a house") -> str:
    key = str(site.submit(client, prompt))
    site.until(client, key, "done")
    return key


def link(client: Any, key: str) -> str:
    found: str = client.get(f"/p/{key}").text.partition('href="/s/')[2].partition('"')[0]
    return found


def test_a_reported_picture_waits_for_the_owners_word(site: Any) -> None:
    ann, ben, noor, owner = site.friend("ann"), site.friend("ben"), site.friend("noor"), site.owner()
    key = done(site, ann, "something rude")
    assert "Reported" not in owner.get("/owner").text
    for client in (ben, ben, noor):
        assert client.post(f"/p/{key}/report").status_code == 303
    assert "You told the owner" in ben.get(f"/p/{key}").text
    assert "Report to the owner" not in ann.get(f"/p/{key}").text
    page = owner.get("/owner").text
    assert "something rude" in page
    assert "<bdi>ben</bdi>, <bdi>noor</bdi>" in page
    assert ben.get(f"/p/{key}").status_code == 200
    owner.post("/owner/acquit", data={"key": key})
    assert "something rude" not in owner.get("/owner").text
    assert ben.get(f"/p/{key}").status_code == 200
    assert ann.post(f"/p/{key}/report").status_code == 409


def test_what_the_owner_hid_stays_hidden_and_its_links_are_dead(site: Any) -> None:
    ann, ben, owner = site.friend("ann"), site.friend("ben"), site.owner()
    key = done(site, ann)
    ann.post(f"/p/{key}/share")
    token = link(ann, key)
    assert site.visitor().get(f"/s/{token}").status_code == 200
    ben.post(f"/p/{key}/report")
    owner.post("/owner/condemn", data={"key": key})
    assert ben.get(f"/p/{key}").status_code == 404
    assert ben.get(f"/files/{key}/picture").status_code == 404
    assert site.visitor().get(f"/s/{token}").status_code == 404
    assert ann.post(f"/p/{key}/show").status_code == 403
    assert ann.post(f"/api/v1/jobs/{key}/show").status_code == 403
    assert ann.post(f"/p/{key}/share").status_code == 409
    assert ben.get(f"/p/{key}").status_code == 404
    owner.post(f"/p/{key}/show")
    assert ben.get(f"/p/{key}").status_code == 200


def test_a_hidden_pictures_link_is_closed_until_it_is_shown_again(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = done(site, ann)
    ann.post(f"/p/{key}/share")
    token = link(ann, key)
    addresses = [f"/s/{token}", f"/s/{token}/card.jpg", f"/s/{token}/picture.png"]
    ann.post(f"/p/{key}/hide")
    assert [stranger.get(one).status_code for one in addresses] == [404, 404, 404]
    assert "opens nothing until you show it again" in ann.get(f"/p/{key}").text
    ann.post(f"/p/{key}/show")
    assert [stranger.get(one).status_code for one in addresses] == [200, 200, 200]
    assert link(ann, key) == token


def test_left_as_it_is_leaves_hidden_what_its_friend_hid(site: Any) -> None:
    ann, ben, owner = site.friend("ann"), site.friend("ben"), site.owner()
    key = done(site, ann, "something rude")
    ben.post(f"/p/{key}/report")
    ann.post(f"/p/{key}/hide")
    assert "something rude" not in owner.get("/owner").text, "it is out of everybody's sight already"
    owner.post("/owner/acquit", data={"key": key})
    assert ben.get(f"/p/{key}").status_code == ben.get(f"/files/{key}/picture").status_code == 404
    assert ann.post(f"/p/{key}/show").status_code == 303
    assert ben.get(f"/p/{key}").status_code == 200


def test_nobody_but_the_owner_judges_and_nobody_reports_what_they_do_not_see(site: Any) -> None:
    ann, ben = site.friend("ann"), site.friend("ben")
    key = done(site, ann)
    assert ben.post("/owner/condemn", data={"key": key}).status_code == 404
    ann.post(f"/p/{key}/hide")
    assert ben.post(f"/p/{key}/report").status_code == 404
    assert site.rows("SELECT count(*) FROM report")[0][0] == 0
    assert ann.post(f"/p/{key}/show").status_code == 303


def test_a_link_is_good_for_as_long_as_was_said(site: Any) -> None:
    ann, stranger = site.friend("ann"), site.visitor()
    key = done(site, ann)
    ann.post(f"/p/{key}/share", data={"days": "1"})
    token = link(ann, key)
    assert "until 20" in ann.get(f"/p/{key}").text
    assert stranger.get(f"/s/{token}").status_code == 200
    # The same link, once more and for longer; then its time is over, and the page offers another.
    ann.post(f"/p/{key}/share", data={"days": "7"})
    assert link(ann, key) == token
    left = site.rows("SELECT expires_at - made_at FROM share")[0][0] / 1000 / DAY_SECONDS
    assert 6.9 < left < 7.1
    site.store(lambda db: db.execute("UPDATE share SET expires_at = 1"))
    assert stranger.get(f"/s/{token}").status_code == 404
    assert stranger.get(f"/s/{token}/picture.png").status_code == 404
    assert "Make a link" in ann.get(f"/p/{key}").text
    ann.post(f"/p/{key}/share")
    assert link(ann, key) != token
    assert ann.post(f"/p/{key}/share", data={"days": "9999"}).status_code == 422


@pytest.mark.parametrize("token", ["²-x", "1-ü", "1", "-", "99999999999999-a"])
def test_a_link_that_is_none_is_not_found(site: Any, token: str) -> None:
    assert site.visitor().get(f"/s/{token}").status_code == 404
