"""A friend who is let in no more: what becomes of their pictures is the owner's choice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import UsageError
from generator.crew.protocol import Cancel, Draw
from generator.serve.cli import asked_fate, fate_in


@dataclass
class Leaver:
    """Ann, with a shared picture that is done, one from which ben's is made now, and one that waits."""

    site: Any
    ben: Any
    done: str
    parent: str
    waits: str
    link: str
    order: Draw

    def state(self, key: str) -> str:
        return str(self.site.rows("SELECT state FROM job WHERE key = ?", key)[0][0])

    def file(self, key: str) -> Path:
        return Path(self.site.home.picture_folder(key)) / "picture.png"

    def part(self, **fate: str) -> int:
        return int(self.site.owner().post("/owner/revoke", data={"name": "ann", **fate}).status_code)


@pytest.fixture
def ann(by_hand: Any, waiting: Callable[..., None]) -> Leaver:
    client, ben = by_hand.friend("ann"), by_hand.friend("ben")
    keys = []
    for prompt in ("a house", "a boat"):
        keys.append(by_hand.submit(client, prompt))
        crew = by_hand.crews[-1]
        crew.draw_now(crew.next_order(Draw))
        by_hand.until(client, keys[-1], "done")
    client.post(f"/p/{keys[0]}/share")
    link = "/s/" + client.get(f"/p/{keys[0]}").text.partition('href="/s/')[2].partition('"')[0]
    by_hand.submit(ben, "a ship", parent=keys[1])
    order = crew.next_order(Draw)
    return Leaver(by_hand, ben, *keys, by_hand.submit(client, "a hill"), link, order)


def test_pictures_stay_where_nothing_else_is_said(ann: Leaver) -> None:
    assert ann.site.visitor().get(ann.link).status_code == 200
    assert ann.part() == 303
    assert ann.site.rows("SELECT revoked_at IS NOT NULL FROM friend WHERE name = 'ann'")[0][0]
    assert ann.ben.get(f"/p/{ann.done}").status_code == 200
    assert ann.site.visitor().get(ann.link).status_code == 200
    assert ann.state(ann.waits) == "queued"


def test_hidden_nobody_sees_them_and_their_links_are_dead(ann: Leaver) -> None:
    assert ann.part(pictures="hide") == 303
    assert {ann.ben.get(f"/p/{key}").status_code for key in (ann.done, ann.parent, ann.waits)} == {404}
    assert ann.site.visitor().get(ann.link).status_code == 404
    assert ann.state(ann.waits) == "cancelled"
    assert ann.file(ann.done).is_file()
    ann.site.owner().post(f"/p/{ann.done}/show")
    assert ann.ben.get(f"/p/{ann.done}").status_code == 200, "the owner's word, and so the owner's to take back"


def test_deleted_the_files_go_but_not_what_is_being_drawn_from(ann: Leaver) -> None:
    owner = ann.site.owner()
    answer = owner.post("/api/v1/friends/revoke", json={"name": "ann", "pictures": "delete"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert not ann.file(ann.done).exists()
    assert ann.file(ann.parent).is_file(), "ben's is made from it"
    assert ann.ben.get(f"/p/{ann.parent}").status_code == 404, "and nobody sees it meanwhile"
    assert ann.site.rows("SELECT count(*) FROM job")[0][0] == 4, "rows stay for ever"
    ann.site.crews[-1].draw_now(ann.order)
    ann.site.until(ann.ben, ann.site.rows("SELECT key FROM job WHERE parent IS NOT NULL")[0][0], "done")
    owner.post("/api/v1/friends/revoke", json={"name": "ann", "pictures": "delete"})
    assert not ann.file(ann.parent).exists()


def test_what_is_drawn_for_them_is_left(by_hand: Any, waiting: Callable[..., None]) -> None:
    key = by_hand.submit(by_hand.friend("ann"))
    crew = by_hand.crews[-1]
    order = crew.next_order(Draw)
    by_hand.owner().post("/owner/revoke", data={"name": "ann", "pictures": "delete"})
    assert crew.next_order(Cancel).job == order.job
    assert by_hand.rows("SELECT state FROM job WHERE key = ?", key)[0][0] == "cancelled"


def test_the_owner_keeps_theirs(site: Any) -> None:
    owner = site.owner()
    key = site.submit(owner)
    site.until(owner, key, "done")
    owner.post("/owner/revoke", data={"name": "owner", "pictures": "delete"})
    assert owner.get(f"/p/{key}").status_code == 200
    assert owner.post("/owner/revoke", data={"name": "owner", "pictures": "burn"}).status_code == 404


def test_at_a_terminal_it_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked_fate("ben") == "keep", "nobody is there to be asked"
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        for typed, said in ((b"hide\n", "hide"), (b"\n", "keep")):
            os.write(ours, typed)
            assert asked_fate("ben") == said
    os.close(ours)
    assert "What becomes of ben's pictures? keep, hide, delete" in capsys.readouterr().err
    with pytest.raises(UsageError, match="Pictures cannot be 'burn'"):
        fate_in("burn")
