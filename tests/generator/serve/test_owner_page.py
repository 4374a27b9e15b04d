"""What the owner's page says about the machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from generator.crew.protocol import Gauged
from generator.serve.line.live import OwnHub, Progress


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))


def test_the_owner_sees_card_disk_and_whether_estimates_held(site: Any, waiting: Any) -> None:
    owner, ann = site.owner(), site.friend("ann")
    site.until_ready()
    found = facts(owner.get("/owner").text)
    assert found["memory of the card"] == found["its temperature"] == "not known"
    assert found["estimates that held"] == "none yet"
    assert re.match(r"[\d,]+ MiB; below 0 nothing new", found["room on the disk"])
    site.crews[-1].tell(Gauged(used_mib=5120, total_mib=8192, celsius=61.0))
    waiting(lambda: site.service.hub.gauge is not None)
    found = facts(owner.get("/owner").text)
    assert found["memory of the card"] == "5,120 of 8,192 MiB"
    assert found["its temperature"] == "61 °C"
    for number in range(5):
        site.until(ann, site.submit(ann, f"house {number}"), "done")
    assert re.fullmatch(r"\d+ %", facts(owner.get("/owner").text)["estimates that held"])
    # A worker that is gone knows nothing of its card any more.
    site.crews[-1].die()
    waiting(lambda: site.service.hub.gauge is None)


def test_of_several_workers_the_owner_sees_each(site: Any) -> None:
    owner = site.owner()
    site.until_ready()
    assert 'id="workers"' not in owner.get("/owner").text, "one worker is told of in the line above"
    near, far = OwnHub(site.service.hub, "10.0.0.2/0"), OwnHub(site.service.hub, "<b>/1")
    near.worker, near.device, near.free_mib = "drawing", "a card", 5120.0
    near.progress = Progress(job=1, attempt=1, steps=60, steps_done=12)
    page = owner.get("/owner").text
    table = page.partition('id="workers"')[2].partition("</table>")[0]
    cells = re.findall(r"<td>(?:<bdi>)?(.*?)(?:</bdi>)?</td>", table)
    assert [cells[:5], cells[5:]] == [
        ["10.0.0.2/0", "drawing", "a card", "5,120", "step 12 of 60"],
        ["&lt;b&gt;/1", "starting", "", "not known", "none"],
    ]
    far.part()
    assert "&lt;b&gt;" not in owner.get("/owner").text


def test_nobody_else_sees_it(site: Any) -> None:
    assert site.friend("ann").get("/owner").status_code == 404


def hidden(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="(.*?)"', page)


def test_the_owner_sets_a_friends_limits(site: Any) -> None:
    owner, _ = site.owner(), site.friend("ann")
    limits = {"name": "ann", "most_waiting": "2", "most_a_minute": " 9 ", "quota_mib": "50"}
    assert owner.post("/owner/limit", data=limits).status_code == 303
    page = owner.get("/owner").text
    assert [hidden(page, name)[-1] for name in ("most_waiting", "most_a_minute", "quota_mib")] == ["2", "9", "50"]


def test_a_limit_that_is_none_is_refused_in_words_and_changes_nothing(site: Any) -> None:
    owner, _ = site.owner(), site.friend("ann")
    before = hidden(owner.get("/owner").text, "most_waiting")
    for wrong in ("", "many", "-1", "1.5", "99999999999", "<b>"):
        answer = owner.post("/owner/limit", data={"name": "ann", "most_waiting": wrong})
        assert answer.status_code in (400, 422), wrong
        assert "<b>" not in answer.text
    assert owner.post("/owner/limit", data={"name": "nobody", "most_waiting": "3"}).status_code in (400, 422)
    assert hidden(owner.get("/owner").text, "most_waiting") == before


def test_what_would_go_is_shown_before_it_goes(site: Any) -> None:
    owner, ann = site.owner(), site.friend("ann")
    kept, gone = (site.submit(ann, prompt) for prompt in ("a house", "a boat"))
    for key in (kept, gone):
        site.until(ann, key, "done")
    ann.post(f"/p/{kept}/heart")
    assert "Nothing would go." in owner.post("/owner/room", data={"days": "90"}).text
    owner.post("/owner/limit", data={"name": "ann", "quota_mib": "0"})
    shown = owner.post("/owner/room", data={"days": ""}).text
    assert "1 picture, 0 MiB, would go" in shown
    assert "<bdi>ann</bdi>: 1 of them" in shown
    assert ann.get(f"/p/{gone}").status_code == 200, "seeing changes nothing"
    assert "1 picture went to make room." in owner.post("/owner/room", data={"days": "", "apply": "1"}).text
    assert site.service.home.picture_folder(gone).exists() is False
    assert site.service.home.picture_folder(kept).exists()


def test_a_backup_is_one_press(site: Any) -> None:
    owner = site.owner()
    said = re.search(r"A whole copy lies in (.*?)\.</p>", owner.post("/owner/backup").text)
    assert said is not None
    assert (Path(said[1]) / "serve.db").is_file()
