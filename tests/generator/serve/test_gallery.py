"""The gallery: by words, by friend, by heart, a page at a time by key; and what a friend does there with their own."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from generator.serve.wall import PAGE


def done(site: Any, client: httpx.Client, prompt: str) -> str:
    key = str(site.submit(client, prompt))
    site.until(client, key, "done")
    return key


def shown(client: httpx.Client, path: str) -> list[str]:
    """Keys of the pictures on that page, as they hang."""
    return re.findall(r'class="print" href="/p/(.+?)"', client.get(path).text)


def hang(site: Any, key: str, copies: int) -> list[str]:
    """The picture, and later ones that differ from it by their key."""
    columns = [row[1] for row in site.rows("PRAGMA table_info(job)") if row[1] not in ("id", "key", "request")]
    names, keys = ", ".join(columns), [key, *(f"{number:012d}" for number in range(copies))]

    def copy(db: Any) -> None:
        for one in keys[1:]:
            db.execute(f"INSERT INTO job (key, {names}) SELECT ?, {names} FROM job WHERE key = ?", (one, key))
        db.execute("INSERT INTO words (rowid, prompt) SELECT id, 'a house' FROM job WHERE key != ?", (key,))

    site.store(copy)
    return keys


def test_by_friend_by_word_and_by_heart(site: Any) -> None:
    ann, ben = site.friend("ann"), site.friend("ben")
    house, boat, ship = done(site, ann, "a house"), done(site, ben, "a boat"), done(site, ann, "a ship")
    assert shown(ben, "/gallery") == [ship, boat, house]
    assert shown(ben, "/gallery?by=ann") == [ship, house]
    assert shown(ben, "/gallery?by=nobody") == []
    assert shown(ben, "/gallery?q=bo") == [boat]
    assert shown(ben, '/gallery?q="') == [], "a lone quote is no word"
    ben.post(f"/p/{house}/heart")
    assert shown(ben, "/gallery?loved=1") == [house]
    assert shown(ann, "/gallery?loved=1") == [], "hearts are one's own"
    assert shown(ben, "/gallery?loved=1&by=ben") == []


def test_older_goes_on_by_key_while_new_ones_come_and_old_ones_go(site: Any) -> None:
    ann = site.friend("ann")
    keys = [*hang(site, done(site, ann, "a house"), PAGE + 2)][::-1]
    first = ann.get("/gallery?q=house")
    older = re.search(r'href="(/gallery\?before=.+?)"', first.text)
    assert older is not None
    assert shown(ann, "/gallery?q=house") == keys[:PAGE]
    done(site, ann, "a house of today")
    ann.post(f"/p/{keys[0]}/delete")
    second = older[1].replace("&amp;", "&")
    assert shown(ann, second) == keys[PAGE:], "none twice, none left out"
    assert "Older" not in ann.get(second).text
    assert shown(ann, "/gallery?before=nothing") == []


def test_a_thumbnail_comes_in_two_sizes_with_its_words(site: Any) -> None:
    ann = site.friend("ann")
    key = done(site, ann, "a house")
    page = ann.get("/gallery").text
    found = re.search(r'<img src="(.+?)" srcset="(.+?) 256w, (.+?) 512w" sizes="(.+?)".*? alt="(.+?)"', page)
    assert found is not None
    assert found.groups()[:3] == (f"/files/{key}/thumb-256", f"/files/{key}/thumb-256", f"/files/{key}/thumb-512")
    assert found[5] == "a house"
    assert {ann.get(path).status_code for path in found.groups()[:3]} == {200}


def test_ones_own_is_hidden_shown_and_deleted_from_there(site: Any) -> None:
    ann, ben = site.friend("ann"), site.friend("ben")
    key = done(site, ann, "a house")
    menu = f'action="/p/{key}/hide"'
    assert menu in ann.get("/gallery?q=house").text
    assert menu not in ben.get("/gallery").text
    assert menu not in ann.get("/").text, "the sheet of the first page stays calm"
    back = "/gallery?q=house&by=ann"
    answer = ann.post(f"/p/{key}/hide", data={"back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert shown(ben, "/gallery") == []
    assert f'action="/p/{key}/show"' in ann.get(back).text
    assert ann.post(f"/p/{key}/show", data={"back": back}).headers["location"] == back
    assert ann.post(f"/p/{key}/delete", data={"back": back}).headers["location"] == back
    assert shown(ann, "/gallery") == []


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/gallery.evil", "/gallery?a\r\nb: c", "/owner"]
)
def test_a_form_leads_back_to_the_gallery_alone(site: Any, back: str) -> None:
    ann = site.friend("ann")
    key = done(site, ann, "a house")
    assert ann.post(f"/p/{key}/hide", data={"back": back}).headers["location"] == f"/p/{key}"
