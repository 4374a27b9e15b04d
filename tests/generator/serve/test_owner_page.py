"""What the owner's page says about the machine."""

from __future__ import annotations

import re
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
