"""What a server writes down, and what goes to make room."""

from __future__ import annotations

import io
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dreamrig.errors import UsageError
from generator.crew.protocol import Draw, Failed
from generator.serve.cli import sweep_body, use_line
from generator.serve.friends import DAY_MS
from generator.serve.settings import ServeSettings
from generator.serve.watching import lines as lines_of
from generator.serve.watching import retention

TOY = Path(__file__).with_name("toy_serve.py")
LOG = logging.getLogger("dreamrig.serve")


@pytest.fixture
def lines() -> Iterator[Callable[[str], Callable[[], list[str]]]]:
    """Begins a log of a kind; then gives its lines so far."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def begin(kind: str) -> Callable[[], list[str]]:
        stream = io.StringIO()
        lines_of.begin(ServeSettings(log=kind), stream)
        return lambda: stream.getvalue().splitlines()

    yield begin
    root.handlers, root.level = before, level


def test_a_json_line_is_one_object_with_its_facts_and_its_error(lines: Any) -> None:
    written = lines("json")
    LOG.info("picture %s", "done", extra={lines_of.FACTS: {"job": "k", "odd": Path("/a")}})
    LOG.error("it broke", exc_info=ValueError("über\nzwei"))
    first, second = map(json.loads, written())
    assert first["message"] == "picture done"
    assert (first["level"], first["logger"], first["job"], first["odd"]) == ("info", "dreamrig.serve", "k", "/a")
    assert first["at"].endswith("+00:00")
    assert "ValueError: über\nzwei" in second["error"]


def test_a_line_for_people_has_the_same_facts(lines: Any) -> None:
    written = lines("text")
    LOG.info("picture done", extra={lines_of.FACTS: {"job": "k"}})
    assert written()[0].endswith("INFO picture done job=k")


@pytest.mark.parametrize("asked", [False, True])
def test_each_event_is_a_line_and_prompts_stand_there_only_when_asked(
    sites: Any, caplog: pytest.LogCaptureFixture, waiting: Any, asked: bool
) -> None:
    caplog.set_level(logging.INFO)
    site = sites(settings=ServeSettings(keep_free_mib=0, idle_unload="0", log_prompts=asked))
    ann = site.friend("ann")
    key = site.submit(ann, "a very secret house")
    site.until(ann, key, "done")
    ann.post(f"/p/{key}/share")
    kinds = ["picture submitted", "picture claimed", "picture done"]

    def told() -> list[Any]:
        return [one for one in caplog.records if getattr(one, lines_of.FACTS, {}).get("job") == key]

    waiting(lambda: [one.getMessage() for one in told()] == kinds)
    everything = "".join(f"{one.getMessage()} {getattr(one, lines_of.FACTS, '')}" for one in caplog.records)
    assert ("a very secret house" in everything) is asked
    token = ann.cookies["dreamrig"]
    assert token not in everything
    assert site.server.token not in everything


def test_a_log_for_programs_holds_json_alone_and_no_link(
    tmp_path: Path, rigs: Callable[..., Any], waiting: Any
) -> None:
    rig = rigs(toy_step_seconds=0.01)
    text = (tmp_path / "log").read_text()
    assert "#" not in text, "no terminal: no link that lets the owner in"
    assert "friends invite owner" in text
    rig.stop()
    rig.environ["DREAMRIG_SERVE_LOG"] = "json"
    (tmp_path / "log").write_text("")
    ran = subprocess.Popen(
        [sys.executable, "-P", str(TOY), "0.01", "process", "--port", str(rig.port)],
        env=rig.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert ran.stdout is not None
        first = json.loads(ran.stdout.readline())
        waiting(rig.is_up)
        with socket.create_connection(("127.0.0.1", rig.port)) as odd:
            odd.sendall(b"no request\r\n\r\n")
            odd.recv(100)
    finally:
        ran.terminate()
        rest = ran.communicate(timeout=rig.patience_seconds)[0]
    assert first["message"] == "listening"
    for line in rest.splitlines():
        assert json.loads(line)["at"], line
    assert "Invalid HTTP request" in rest, "uvicorn's lines are objects too"
    assert first["friends"] == f"http://127.0.0.1:{rig.port}"


@pytest.mark.parametrize("changes", [{"log": "xml"}, {"keep_days": -1}])
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ServeSettings(**changes)


# ---- making room


class Wall:
    """Five old pictures of ann's: plain, hearted, shared, the parent of one that waits; and a young one."""

    def __init__(self, site: Any) -> None:
        self.site, self.ann, self.owner = site, site.friend("ann"), site.owner()
        names = ("plain", "hearted", "shared", "parent", "unshared", "young")
        self.keys = {name: site.submit(self.ann, name) for name in names}
        crew = site.crews[0]
        for _ in names:
            crew.draw_now(crew.next_order(Draw))
        for key in self.keys.values():
            site.until(self.ann, key, "done")
        self.ann.post(f"/p/{self.keys['hearted']}/heart")
        for name in ("shared", "unshared"):
            assert self.ann.post(f"/p/{self.keys[name]}/share").status_code == 303
        self.ann.post(f"/p/{self.keys['unshared']}/unshare")
        self.child = site.submit(self.ann, "child", parent=self.keys["parent"])
        self.made = crew.next_order(Draw)
        site.store(
            lambda db: db.execute(
                "UPDATE job SET ended_at = ended_at - ? WHERE state = 'done' AND key != ?",
                (100 * DAY_MS, self.keys["young"]),
            )
        )

    def sweep(self, client: httpx.Client | None = None, **body: Any) -> httpx.Response:
        return (client or self.owner).post("/api/v1/sweep", json=body)

    def left(self) -> set[str]:
        folders = {name for name, key in self.keys.items() if self.site.home.picture_folder(key).is_dir()}
        shown = {one["prompt"] for one in self.ann.get("/api/v1/pictures").json()["pictures"]}
        assert folders == shown - {"child"}
        return folders


def test_what_would_go_is_shown_and_what_is_dear_stays(by_hand: Any, waiting: Any) -> None:
    by_hand.friend("ann")
    by_hand.store(lambda db: db.execute("UPDATE friend SET most_waiting = 100"))
    wall = Wall(by_hand)
    told = wall.sweep(days=90).json()
    assert (told["applied"], told["goes"]) == (False, 2)
    assert told["goes_bytes"] > 0
    ann = next(one for one in told["friends"] if one["name"] == "ann")
    assert (ann["goes"], ann["goes_bytes"]) == (2, told["goes_bytes"])
    assert ann["used_bytes"] > ann["goes_bytes"]
    assert wall.left() == set(wall.keys), "nothing was changed"

    assert wall.sweep(days=90, apply=True).json()["goes"] == 2
    assert wall.left() == {"hearted", "shared", "parent", "young"}
    assert by_hand.rows("SELECT count(*) FROM job")[0][0] == 7, "rows stay for ever"
    assert wall.sweep(days=90).json()["goes"] == 0
    by_hand.crews[0].draw_now(wall.made)
    by_hand.until(wall.ann, wall.child, "done")
    assert wall.sweep(days=90, apply=True).json()["goes"] == 1, "its child is done"
    assert wall.left() == {"hearted", "shared", "young"}


def test_what_a_quota_would_cost_is_shown_and_only_as_much_goes(by_hand: Any, waiting: Any) -> None:
    by_hand.friend("ann")
    by_hand.store(lambda db: db.execute("UPDATE friend SET most_waiting = 100"))
    wall = Wall(by_hand)
    by_hand.store(lambda db: db.execute("UPDATE job SET bytes = ? WHERE state = 'done'", (2**30,)))

    told = wall.sweep(to_quota=True, quota_mib=5000).json()  # of 6 GiB two have to go, the oldest that are not dear
    assert (told["applied"], told["goes"], told["goes_bytes"]) == (False, 2, 2 * 2**30)
    assert {one["name"]: one["quota_mib"] for one in told["friends"]}["ann"] == 5000
    assert wall.sweep(to_quota=True, quota_mib=5000, friend="owner").json()["goes"] == 0
    assert wall.sweep(to_quota=True, quota_mib=6145).json()["goes"] == 0
    assert wall.sweep(to_quota=True, quota_mib=6144).json()["goes"] == 1, "full is full: one more would be refused"
    assert wall.left() == set(wall.keys), "nothing was changed"

    assert "1,024" not in by_hand.owner().get("/owner").text
    assert "6,144 of 2,048" in by_hand.owner().get("/owner").text
    assert wall.sweep(to_quota=True, apply=True).json()["goes"] == 3, "ann's own quota is 2 GiB; the dear ones stay"
    assert wall.left() == {"hearted", "shared", "parent"}
    assert wall.sweep(to_quota=True).json()["goes"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"days": 3, "to_quota": True},
        {"to_quota": False},
        {"days": 3, "quota_mib": 5},
        {"to_quota": True, "quota_mib": -1},
    ],
)
def test_an_age_or_the_quota_decides_and_never_both(site: Any, body: dict[str, Any]) -> None:
    assert site.owner().post("/api/v1/sweep", json=body).status_code == 422
    assert site.owner().post("/api/v1/sweep", json={"to_quota": True, "friend": "nobody"}).status_code == 404


def test_the_words_of_a_sweep() -> None:
    assert sweep_body(90, False, None, None, apply=False) == {"days": 90, "apply": False}
    assert sweep_body(None, False, 500, "ann", apply=True) == {
        "to_quota": True, "quota_mib": 500, "friend": "ann", "apply": True
    }  # fmt: skip
    for days, to_quota in ((None, False), (3, True)):
        with pytest.raises(UsageError, match="age or the quota"):
            sweep_body(days, to_quota, None, None, apply=False)
    use = {"name": "ann", "goes": 2, "goes_bytes": 2**30, "used_bytes": 4 * 2**30, "quota_mib": 2048}
    assert "stays full" in use_line(use)
    assert "stays full" not in use_line({**use, "quota_mib": 3073})


def test_only_the_owner_makes_room(site: Any) -> None:
    ann = site.friend("ann")
    assert ann.post("/api/v1/sweep", json={"days": 1, "apply": True}).status_code == 404
    assert site.owner().post("/api/v1/sweep", json={"days": 0}).status_code == 422
    assert site.owner().post("/api/v1/sweep", json={}).status_code == 422


def test_files_of_what_failed_count_and_can_go(sites: Any, waiting: Any) -> None:
    first = sites(at_once=False)
    ann = first.friend("ann")
    keys = [first.submit(ann, prompt) for prompt in ("one", "two", "three")]
    for key in keys:
        order = first.crews[0].next_order(Draw)
        folder = first.home.picture_folder(key)
        folder.mkdir(parents=True)
        (folder / "checkpoint").write_bytes(b"x" * 1000)
        first.crews[0].tell(Failed(order.job, order.attempt, "not_finite", "no"))
        first.until(ann, key, "failed")
    assert [row[0] for row in first.rows("SELECT bytes FROM job")] == [1000, 1000, 1000]
    ann.post(f"/p/{keys[0]}/delete")
    assert ">Delete<" in ann.get(f"/p/{keys[1]}").text
    first.store(lambda db: db.execute("UPDATE job SET bytes = 0"))  # as it was written before
    first.stop()
    again = sites()
    waiting(lambda: [row[0] for row in again.rows("SELECT bytes FROM job")] == [0, 1000, 1000])
    swept = again.owner().post("/api/v1/sweep", json={"to_quota": True, "quota_mib": 0, "apply": True}).json()
    assert (swept["goes"], swept["goes_bytes"]) == (2, 2000)
    assert not any(again.home.picture_folder(key).exists() for key in keys)


def test_where_the_owner_has_said_so_old_pictures_go_by_themselves(sites: Any, waiting: Any) -> None:
    first = sites()
    ann = first.friend("ann")
    key = first.submit(ann)
    first.until(ann, key, "done")
    first.store(lambda db: db.execute("UPDATE job SET ended_at = ended_at - ?", (31 * DAY_MS,)))
    first.stop()
    again = sites(settings=ServeSettings(keep_free_mib=0, idle_unload="0", keep_days=30))
    waiting(lambda: not again.home.picture_folder(key).exists())
    waiting(lambda: again.rows("SELECT deleted_at FROM job")[0][0] is not None)


def test_a_sweep_that_was_refused_is_tried_again(sites: Any, waiting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECONDS_BETWEEN_SWEEPS", "SECONDS_UNTIL_NEXT_TRY"):
        monkeypatch.setattr(retention, name, 0.05)
    site = sites(settings=ServeSettings(keep_free_mib=0, idle_unload="0", keep_days=30))
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    with site.held_by_another():
        time.sleep(0.5)
    site.store(lambda db: db.execute("UPDATE job SET ended_at = ended_at - ?", (31 * DAY_MS,)))
    waiting(lambda: not site.home.picture_folder(key).exists())


@pytest.mark.parametrize("mark", ["deleted_at = ended_at", "state = 'cancelled'"])
def test_files_that_a_crash_left_after_their_row_was_deleted_go_at_the_next_start(
    sites: Any, waiting: Any, mark: str
) -> None:
    first = sites()
    ann = first.friend("ann")
    left, kept = first.submit(ann, "left"), first.submit(ann, "kept")
    for key in (left, kept):
        first.until(ann, key, "done")
    first.store(lambda db: db.execute(f"UPDATE job SET {mark} WHERE key = ?", (left,)))
    first.stop()
    assert first.home.picture_folder(left).is_dir()
    again = sites()
    waiting(lambda: not again.home.picture_folder(left).exists())
    assert again.home.picture_folder(kept).is_dir()


def test_more_than_one_portion_goes(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = site.friend("ann")
    keys = [site.submit(ann, seed=seed) for seed in range(5)]
    for key in keys:
        site.until(ann, key, "done")
    site.store(lambda db: db.execute("UPDATE job SET ended_at = 0"))
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    assert site.owner().post("/api/v1/sweep", json={"days": 1, "apply": True}).json()["goes"] == 5
    assert ann.get("/api/v1/pictures").json()["pictures"] == []


def test_a_note_is_a_line_of_the_log_where_programs_read_it(lines: Any, capsys: pytest.CaptureFixture[str]) -> None:
    written = lines("json")
    lines_of.note(ServeSettings(log="json"), "The disk is full.", free_mib=0)
    (one,) = map(json.loads, written())
    assert (one["message"], one["free_mib"], one["level"]) == ("The disk is full.", 0, "warning")
    lines_of.note(ServeSettings(), "The disk is full.")
    assert capsys.readouterr().err == "note: The disk is full.\n"
