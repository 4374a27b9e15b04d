"""axe-core over every page, dark and light and in forced colours: no serious finding.

axe-core comes from npm and is vendored nowhere (Mozilla Public License): into the folder DREAMRIG_AXE, or one for
temporary files, as `.ci/run` does before the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.made.browser import CHROMIUM, BrowserPage, browser
from generator.crew.protocol import Began, Draw, Failed, Previewed, Stepped
from generator.serve.access import COOKIE
from generator.serve.line import queue

VERSION = "4.14.1"
FOLDER = Path(os.environ.get("DREAMRIG_AXE") or Path(tempfile.gettempdir()) / f"dreamrig-axe-core-{VERSION}")
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(it => it.impact === 'serious' || it.impact === 'critical')
  .map(it => `${it.id}: ${it.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')}`))
"""
LOOKS = ("dark", "light", "forced colours")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)"),
]


@pytest.fixture(scope="module")
def axe() -> str:
    """The library's text."""
    if not SCRIPT.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"axe-core is missing: npm install --prefix {FOLDER} axe-core@{VERSION} needs npm")
        command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", f"axe-core@{VERSION}"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if found.returncode != 0:
            pytest.skip(f"axe-core could not be fetched: {found.stderr.strip()[-200:]}")
    return SCRIPT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page() -> Iterator[BrowserPage]:
    with browser() as opened:
        opened.look(412, 915, "dark")
        opened.call("Page.setBypassCSP", enabled=True)  # for the test's own script
        yield opened


def look(page: BrowserPage, how: str) -> None:
    """One of LOOKS, without motion: a colour in mid-fade is nobody's."""
    scheme = "light" if how == "light" else "dark"
    forced = "active" if how == "forced colours" else "none"
    page.call("Emulation.setEmulatedMedia", features=[
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "forced-colors", "value": forced},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ])  # fmt: skip


def findings(page: BrowserPage, axe: str, address: str) -> list[str]:
    page.open(address)
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; }); 0")
    page.evaluate(f"{axe};0")
    return list(page.evaluate(RUN))


def every_page(site: Any, waiting: Callable[..., None]) -> tuple[Any, dict[str, str]]:
    """The owner, and a path per page: with pictures done, shared, in the making, waiting, failed, parked, held."""
    owner, ben = site.owner(), site.friend("ben")
    done, failed = site.submit(ben, "a house"), site.submit(ben, "a storm")
    waiting(lambda: bool(site.crews))
    crew = site.crews[-1]
    crew.draw_now(crew.next_order(Draw))
    crew.tell(Failed(crew.next_order(Draw).job, 1, "not_finite", "no"))
    site.until(ben, failed, "failed")
    parked = site.submit(ben, "a castle")
    crew.tell(Failed(crew.next_order(Draw).job, 1, "disk_full", "no"))
    site.until(ben, parked, "parked")
    ben.post(f"/p/{done}/share")
    owner.post(f"/p/{done}/heart")
    shared = ben.get(f"/p/{done}").text.partition('href="/s/')[2].partition('"')[0]
    own = site.submit(owner, "a wall")
    crew.draw_now(crew.next_order(Draw))
    site.until(owner, own, "done")
    running, waits = site.submit(owner, "a boat"), site.submit(owner, "two moons")
    order = crew.next_order(Draw)
    crew.paint(order)
    crew.tell(Began(order.job, 1, unknown_words={"zea": ["sea"]}), Stepped(order.job, 1, 4, 10, 0.01))
    crew.tell(Previewed(order.job, 1, 4))
    waiting(lambda: "live" in owner.get("/api/v1/queue").json()["line"][0])
    held = site.submit(owner, "a grue")
    site.store(lambda db: queue.hold(db, db.execute("SELECT id FROM job WHERE key=?", (held,)).fetchone()[0], 0))
    owner.post("/owner/mode", data={"mode": "draining"})  # with its banner
    paths = {"draw": "/", "live": f"/p/{running}", "waiting": f"/p/{waits}", "picture": f"/p/{done}"}
    paths |= {
        "failed": f"/p/{failed}",
        "parked": f"/p/{parked}",
        "held": f"/p/{held}",
        "queue": "/queue",
        "gallery": "/gallery",
    }
    return owner, paths | {"owner": "/owner", "enter": "/enter", "share": f"/s/{shared}", "nothing": "/p/nothing"}


def test_no_page_has_a_serious_finding_in_any_look(page: BrowserPage, axe: str, by_hand: Any, waiting: Any) -> None:
    owner, paths = every_page(by_hand, waiting)
    page.call("Network.setCookie", name=COOKIE, value=owner.cookies[COOKIE], url=by_hand.url)
    found: dict[tuple[str, str], list[str]] = {}
    for how in LOOKS:
        look(page, how)
        for name, path in paths.items():
            if serious := findings(page, axe, by_hand.url + path):
                found[name, how] = serious
    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())


def test_a_page_without_contrast_and_names_is_noticed(page: BrowserPage, axe: str, by_hand: Any) -> None:
    look(page, "light")
    page.open(f"{by_hand.url}/enter")
    bad = "<p style='color:#eee;background:#fff'>nobody can read this</p><button></button>"
    page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', {bad!r})")
    page.evaluate(f"{axe};0")
    names = {line.partition(":")[0] for line in page.evaluate(RUN)}
    assert {"color-contrast", "button-name"} <= names
