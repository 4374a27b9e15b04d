"""Friends at their phones: without JavaScript, by keyboard alone, behind tunnels, out of pockets. In Chromium.

Playwright would do the same with 130 MB more; docs/made/browser.py speaks to Chromium itself.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from docs.made.browser import CHROMIUM, BrowserError, BrowserPage, browser
from generator.crew.protocol import Began, Draw, Failed, Previewed, Ready, Stepped
from generator.serve.access import COOKIE
from generator.serve.settings import ServeSettings

PATIENCE_SECONDS = 60
MOST_BYTES_OF_FIRST_SCREEN = 100_000
STATE = "document.querySelector('[data-state]')?.dataset.state"
DRAFT = "localStorage.getItem('dreamrig draft')"
LOADED = (
    "[performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]"
    ".map(it => [it.name, it.initiatorType, it.transferSize])"
)
FOCUS = (
    "(() => { const it = document.activeElement, shown = it.matches('.chip input') ? it.nextElementSibling : it;"
    " const look = getComputedStyle(shown);"
    " return [it.tagName, (it.innerText || it.value || it.name || '').trim().slice(0, 40),"
    " look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2]; })()"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[BrowserPage]:
    with browser() as opened:
        opened.look(412, 915, "dark")
        yield opened


@pytest.fixture
def tunnel_to() -> Iterator[Callable[..., Any]]:
    """Opens tunnels: see tunnel.py."""
    spec = spec_from_file_location("tunnel", Path(__file__).with_name("tunnel.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    opened: list[Any] = []

    def open_one(port: int, **how: Any) -> Any:
        opened.append(module.Tunnel(port, **how))
        return opened[-1]

    yield open_one
    for tunnel in opened:
        tunnel.close()


def be(page: BrowserPage, friend: Any, url: str) -> None:
    """That friend's browser, with nobody else's cookie left."""
    page.call("Network.clearBrowserCookies")
    page.call("Network.setCookie", name=COOKIE, value=friend.cookies[COOKIE], url=url)


def until(page: BrowserPage, expression: str, expected: Any = True) -> None:
    """Until the page's own JavaScript says so, across reloads."""
    deadline, found = time.monotonic() + PATIENCE_SECONDS, None
    while found != expected:
        assert time.monotonic() < deadline, (expression, found)
        time.sleep(0.05)
        with contextlib.suppress(BrowserError):  # it was loaded anew in the middle of the question
            found = page.evaluate(expression)


def running(site: Any, friend: Any, waiting: Callable[..., None], prompt: str = "a house") -> tuple[str, Any, Draw]:
    """A picture that is being drawn: its key, its worker, its order."""
    key = site.submit(friend, prompt)
    waiting(lambda: bool(site.crews))
    crew = site.crews[-1]
    order = crew.next_order(Draw)
    crew.paint(order)
    crew.tell(Began(order.job, order.attempt), Stepped(order.job, order.attempt, 2, 10))
    crew.tell(Previewed(order.job, order.attempt, 2))
    site.until(friend, key, "running")
    return key, crew, order


def test_what_a_screen_reader_is_told_is_the_place_and_the_end(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    _, crew, order = running(by_hand, ann, waiting)
    second = by_hand.submit(ann, "a boat")
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/p/{second}")
    regions = "[...document.querySelectorAll('[aria-live]')].map(it => it.innerText.trim())"
    assert page.evaluate(regions) == ["", "number 1 in the line"]
    crew.draw_now(order)
    order = crew.next_order(Draw)
    until(page, STATE, "running")
    assert page.evaluate(regions) == [""], "steps and times are not read out"
    crew.draw_now(order)
    until(page, STATE, "done")
    until(page, "document.getElementById('end').textContent", "The picture is done.")
    page.open(f"{by_hand.url}/p/{second}")
    time.sleep(1.0)
    assert page.evaluate(regions) == [""], "told once"


def test_the_workers_first_words_reach_an_open_page(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    key = by_hand.submit(ann)
    waiting(lambda: bool(by_hand.crews))
    crew = by_hand.crews[-1]
    order = crew.next_order(Draw)
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/p/{key}")
    assert page.evaluate(STATE) == "running"
    note = "The checkpoint is damaged: it began again at step 0."
    crew.tell(Began(order.job, order.attempt, unknown_words={"zea": ["sea"]}, note=note))
    crew.tell(Stepped(order.job, order.attempt, 6, 10, 0.01))
    until(page, f"document.querySelector('main').innerText.includes('{note}')")
    assert f"<bdi>{note}</bdi>" in ann.get(f"/p/{key}").text
    assert "zea (near: sea)" in page.evaluate("document.querySelector('main').innerText")
    until(page, "document.getElementById('change').textContent", "settling")
    assert '<span class="quiet" id="change">settling</span>' in ann.get(f"/p/{key}").text, "also without JavaScript"


@pytest.mark.parametrize("is_secure", [True, False])
def test_the_recipe_is_copied_also_without_https(page: BrowserPage, site: Any, is_secure: bool) -> None:
    ann = site.friend("ann")
    key = site.submit(ann, "a house")
    site.until(ann, key, "done")
    assert 'id="copy" hidden' in ann.get(f"/p/{key}").text, "no button where it would do nothing"
    be(page, ann, site.url)
    page.open(f"{site.url}/p/{key}")
    writer = "{writeText: async text => { window.copied = text; }}" if is_secure else "undefined"
    page.evaluate(f"Object.defineProperty(navigator, 'clipboard', {{value: {writer}}}); 0")
    page.evaluate("document.execCommand = () => { window.copied = `${getSelection()}`; return true; }; 0")
    click(page, "#copy")
    until(page, "document.getElementById('copied').textContent", "Copied.")
    assert page.evaluate("copied").startswith("a house · quick, 32×32, 10 steps, seed ")


def test_a_held_or_parked_page_renews_itself(page: BrowserPage, sites: Any, waiting: Any) -> None:
    site = sites(at_once=False, settings=ServeSettings(keep_free_mib=0, hold_words="grue"))
    ann, owner = site.friend("ann"), site.owner()
    held = site.submit(ann, "a grue")
    be(page, ann, site.url)
    page.open(f"{site.url}/p/{held}")
    assert page.evaluate(STATE) == "held"
    owner.post("/owner/release", data={"key": held})
    until(page, f"{STATE} === 'queued' || {STATE} === 'running'")
    waiting(lambda: bool(site.crews))
    order = site.crews[-1].next_order(Draw)
    site.crews[-1].tell(Failed(order.job, order.attempt, "disk_full", "no"))
    until(page, STATE, "parked")
    owner.post("/owner/refuse", data={"key": held, "reason": "no room"})
    until(page, STATE, "cancelled")
    assert "no room" in page.evaluate("document.querySelector('.tray').innerText")


def test_in_the_gallery_j_and_k_walk_and_enter_opens(page: BrowserPage, site: Any) -> None:
    ann = site.friend("ann")
    keys = [site.submit(ann, prompt) for prompt in ("a house", "a boat", "a ship")][::-1]
    for key in keys:
        site.until(ann, key, "done")
    be(page, ann, site.url)
    page.open(f"{site.url}/gallery")
    at = "document.activeElement.getAttribute('href')"
    seen = []
    for pressed in "jjjjkk":
        page.key(pressed, pressed)
        seen.append(page.evaluate(at))
    assert seen == [f"/p/{keys[number]}" for number in (0, 1, 2, 2, 1, 0)]
    page.evaluate("document.getElementById('q').focus()")
    page.key("j", "j")
    assert page.evaluate("document.getElementById('q').value") == "j", "in a field it is a letter"
    page.evaluate("document.querySelector('a.print').focus()")
    page.key("Enter", "\r")
    until(page, "location.pathname", f"/p/{keys[0]}")


def test_by_keyboard_alone_a_friend_asks_waits_and_cancels(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann = by_hand.friend("ann")
    by_hand.until_ready()
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/")
    assert page.evaluate("document.activeElement.id") == "wish", "the field is ready to be typed into"
    seen = []
    for _ in range(30):
        page.key("Tab")
        seen.append(tuple(page.evaluate(FOCUS)))
    assert [stop for stop in seen if not stop[2] and stop[0] != "BODY"] == [], "where the focus is cannot be seen"
    assert {"Draw", "Roll the dice", "Queue", "Gallery"} <= {text for _, text, _ in seen}
    page.evaluate("document.getElementById('wish').focus()")
    page.call("Input.insertText", text="a house in the snow")
    page.key("Enter", "\r")
    until(page, "location.pathname.startsWith('/p/')")
    key = page.evaluate("location.pathname.slice(3)")
    waiting(lambda: bool(by_hand.crews))
    order = by_hand.crews[0].next_order(Draw)
    assert order.config["prompt"] == "a house in the snow"
    until(page, STATE, "running")
    for _ in range(30):
        page.key("Tab")
        if page.evaluate("document.activeElement.innerText") == "Cancel":
            break
    page.key("Enter", "\r")
    until(page, STATE, "cancelled")
    assert ann.get(f"/api/v1/jobs/{key}").json()["state"] == "cancelled"


def test_without_javascript_a_form_asks_and_the_page_renews_itself(
    page: BrowserPage, by_hand: Any, waiting: Any
) -> None:
    ann = by_hand.friend("ann")
    by_hand.until_ready()
    be(page, ann, by_hand.url)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.call("Page.navigate", url=f"{by_hand.url}/")
        until(page, "document.readyState === 'complete' && !!document.getElementById('wish')")
        page.evaluate("document.getElementById('wish').focus()")
        page.call("Input.insertText", text="a lighthouse")
        click(page, "button.main")
        until(page, "location.pathname.startsWith('/p/') && document.readyState === 'complete'")
        waiting(lambda: bool(by_hand.crews))
        crew = by_hand.crews[0]
        crew.draw_now(crew.next_order(Draw))
        until(page, STATE, "done")  # nobody pressed anything
        until(page, "document.querySelector('.tray img')?.naturalWidth > 0")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def click(page: BrowserPage, selector: str) -> None:
    """With the mouse, in the middle of it."""
    page.evaluate(f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}})")
    box = page.evaluate(f"JSON.stringify(document.querySelector('{selector}').getBoundingClientRect())")
    at = json.loads(box)
    place = {"x": at["x"] + at["width"] / 2, "y": at["y"] + at["height"] / 2, "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, **place)


def test_the_time_it_takes_follows_what_is_chosen(
    page: BrowserPage, sites: Any, make_offers: Callable[..., Any], waiting: Any
) -> None:
    offers = tuple(
        {**one, "config": {**one["config"], "steps": 20}} if one["shape"] == "wide" else one for one in make_offers()
    )
    site = sites(at_once=False, ready=(Ready("fake", offers, ()),))
    ann = site.friend("ann")
    site.until_ready()
    for preset, steps, seconds in (("quick", 10, 4.0), ("slow", 10, 60.0), ("slow", 20, 600.0)):
        for _ in range(3):
            site.service.history.add(("starter", preset, 32 * 32, steps), seconds)
    be(page, ann, site.url)
    page.open(f"{site.url}/")
    for choice, told in (("quick", ", about 4 s"), ("slow", ", about 60 s"), ("wide", ", about 10 min")):
        page.evaluate(f"document.querySelector('[value={choice}]').click()")
        assert page.evaluate("document.getElementById('left').textContent") == told
    page.evaluate("document.querySelector('[value=good]').click()")
    assert "not known yet" in page.evaluate("document.getElementById('left').textContent")
    said = ann.get("/?preset=slow&shape=wide").text  # without JavaScript, for what is chosen already
    assert "You will be number 1<" in said
    assert ">, about 10 min</span>" in said


@pytest.mark.parametrize("is_held_back", [False, True])
def test_the_number_follows_the_line_while_the_words_are_sought(
    page: BrowserPage, by_hand: Any, waiting: Any, tunnel_to: Any, is_held_back: bool
) -> None:
    ann = by_hand.friend("ann")
    _, crew, order = running(by_hand, by_hand.friend("ben"), waiting)
    url = tunnel_to(by_hand.port, holds_streams=True).url if is_held_back else by_hand.url
    be(page, ann, url)
    page.open(f"{url}/")
    page.evaluate("document.getElementById('wish').value = 'a light'; window.same = true")
    told = "document.getElementById('next').innerText"
    unknown = "; how long it takes is not known yet."
    assert page.evaluate(told) == f"You will be number 1{unknown}"
    noor, _ = (by_hand.submit(by_hand.friend(name), "a ship") for name in ("noor", "dan"))
    until(page, told, f"You will be number 3{unknown}")
    for _ in range(3):
        by_hand.service.history.add(("starter", "quick", 32 * 32, 10), 4.0)
    by_hand.owner().post(f"/api/v1/jobs/{noor}/cancel")
    until(page, f"{told}.startsWith('You will be number 2, ')")
    crew.draw_now(order)
    until(page, f"{told}.startsWith('You will be number 1, ')")
    assert page.evaluate("[same, document.getElementById('wish').value]") == [True, "a light"], "never loaded anew"
    assert "You will be number 1<" in ann.get("/").text, "without JavaScript, loaded anew"
    page.evaluate("localStorage.clear()")


def test_the_number_of_a_picture_that_waits_follows_the_line(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    running(by_hand, ann, waiting)
    other, key = by_hand.submit(ben, "a boat"), by_hand.submit(ann, "a ship")
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/p/{key}")
    page.evaluate("window.same = true")
    place = "document.getElementById('place').textContent"
    assert page.evaluate(place) == "number 2 in the line"
    ben.post(f"/api/v1/jobs/{other}/cancel")
    until(page, place, "number 1 in the line")
    by_hand.submit(by_hand.friend("noor"), "a house")
    until(page, place, "number 2 in the line")
    assert page.evaluate("same"), "never loaded anew"
    assert "number 2 in the line" in ann.get(f"/p/{key}").text, "without JavaScript, loaded anew"


def test_a_wish_that_does_not_arrive_is_kept_and_one_that_does_is_let_go(page: BrowserPage, by_hand: Any) -> None:
    ann = by_hand.friend("ann")
    by_hand.until_ready()
    by_hand.store(lambda db: db.execute("UPDATE friend SET most_waiting = 1"))
    page.call("Network.enable")
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/")
    type_in = "document.getElementById('wish').value = ''; document.getElementById('wish').focus()"
    page.evaluate(type_in)
    page.call("Input.insertText", text="a lighthouse")
    page.evaluate("document.querySelector('[value=slow]').click()")
    where = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.emulateNetworkConditions", offline=True, **where)
    page.key("Enter", "\r")
    until(page, "document.getElementById('error').innerText", "The server does not answer. Nothing is lost: try again.")
    assert page.evaluate(DRAFT) == "a lighthouse"
    page.call("Network.emulateNetworkConditions", offline=False, **where)
    page.evaluate("document.getElementById('wish').focus()")
    page.key("Enter", "\r")
    until(page, "location.pathname.startsWith('/p/')")
    assert page.evaluate(DRAFT) is None
    assert by_hand.rows("SELECT json_extract(wish, '$.preset') FROM job")[0][0] == "slow"
    for words in ("a boat", "a ship"):  # one is drawn, one waits, and there is no room for a third
        page.open(f"{by_hand.url}/")
        page.evaluate(type_in)
        page.call("Input.insertText", text=words)
        page.key("Enter", "\r")
        until(page, "location.pathname !== '/' || document.getElementById('error').innerText !== ''")
    assert "wait already" in page.evaluate("document.getElementById('error').innerText")
    assert page.evaluate(DRAFT) == "a ship"
    page.evaluate("localStorage.clear()")


def test_two_friends_see_one_anothers_pictures_come_and_go(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    other = page.beside()
    key, crew, order = running(by_hand, ann, waiting, "a house")
    second = by_hand.submit(ben, "a boat")
    be(page, ann, by_hand.url)
    other.call("Network.setCookie", name=COOKIE, value=ben.cookies[COOKIE], url=by_hand.url)
    page.open(f"{by_hand.url}/p/{key}")
    other.open(f"{by_hand.url}/p/{second}")
    assert other.evaluate("document.getElementById('place').textContent") == "number 1 in the line"
    crew.tell(Stepped(order.job, order.attempt, 7, 10), Previewed(order.job, order.attempt, 7))
    until(page, "document.getElementById('steps').textContent", "step 7 of 10")
    until(page, "document.querySelector('.tray img:not(.under)')?.src.endsWith('v=1.7')")
    crew.draw_now(order)
    until(page, STATE, "done")
    crew.next_order(Draw)
    until(other, STATE, "running")
    page.open(f"{by_hand.url}/queue")
    assert "a boat" in page.evaluate("document.querySelector('.pegs').innerText")
    ben.post(f"/p/{second}/cancel")
    until(page, "!document.querySelector('.pegs')")
    until(other, STATE, "cancelled")


def test_the_open_queue_follows_the_machine_and_what_is_drawn(page: BrowserPage, by_hand: Any, waiting: Any) -> None:
    ann, owner = by_hand.friend("ann"), by_hand.owner()
    _, crew, order = running(by_hand, ann, waiting)
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/queue")
    crew.tell(Stepped(order.job, order.attempt, 7, 10))
    until(page, "document.querySelector('.steps').textContent", "step 7 of 10")
    banner = "document.querySelector('.banner')?.innerText ?? ''"
    owner.post("/owner/mode", data={"mode": "draining"})
    until(page, f"({banner}).startsWith('Nothing new begins')")
    owner.post("/owner/mode", data={"mode": "gaming", "length": "3h"})
    until(page, f"({banner}).startsWith('The graphics card plays a game until')")
    owner.post("/owner/mode", data={"mode": "drawing"})
    until(page, banner, "")
    by_hand.asleep_seconds = 7200.0
    by_hand.service.dispatcher.wake()
    until(page, f"({banner}).startsWith('The PC was asleep for 2.0 h')")


@pytest.mark.parametrize("path", ["/p/{key}", "/queue"])
def test_out_of_a_pocket_the_page_is_right_though_its_stream_is_dead(
    page: BrowserPage, by_hand: Any, waiting: Any, tunnel_to: Any, path: str
) -> None:
    """Locked, the page is frozen; meanwhile the network changes, and nobody tells the connection. -rP says how long."""
    page = page.beside()  # one that was frozen once draws no frames for the tests after this
    ann = by_hand.friend("ann")
    tunnel = tunnel_to(by_hand.port)
    key, crew, order = running(by_hand, ann, waiting)
    be(page, ann, tunnel.url)
    page.open(tunnel.url + path.format(key=key))
    waiting(lambda: by_hand.service.hub.streams == 1)
    page.call("Page.setWebLifecycleState", state="frozen")
    tunnel.go_silent()
    crew.draw_now(order)
    by_hand.until(ann, key, "done")
    asked = len(tunnel.asked)
    page.call("Page.setWebLifecycleState", state="active")
    began = time.monotonic()
    until(page, f"{STATE} === 'done' || !!document.querySelector('main')?.innerText.includes('Nobody waits')")
    print(f"{path}: right {time.monotonic() - began:.1f} s after it was looked at again")
    # By whichever came first: its question, or what a new stream begins with.
    assert any("/api/v1/" in line for line in tunnel.asked[asked:]), "it asked for all of it"


def test_a_hidden_page_holds_no_connection_and_asks_when_seen_again(
    page: BrowserPage, by_hand: Any, waiting: Any
) -> None:
    ann = by_hand.friend("ann")
    key, crew, order = running(by_hand, ann, waiting)
    be(page, ann, by_hand.url)
    page.open(f"{by_hand.url}/p/{key}")
    waiting(lambda: by_hand.service.hub.streams == 1)
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    hide += "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true")
    crew.tell(Stepped(order.job, order.attempt, 3, 10))  # who is gone is noticed when something is told
    waiting(lambda: by_hand.service.hub.streams == 0)
    crew.tell(Stepped(order.job, order.attempt, 9, 10))
    by_hand.until(ann, key, "running")
    assert page.evaluate("document.getElementById('steps').textContent") != "step 9 of 10"
    page.evaluate(hide % "false")
    until(page, "document.getElementById('steps').textContent", "step 9 of 10")
    waiting(lambda: by_hand.service.hub.streams == 1)


def test_behind_a_tunnel_that_holds_streams_back_the_page_polls(
    page: BrowserPage, by_hand: Any, waiting: Any, tunnel_to: Any
) -> None:
    ann = by_hand.friend("ann")
    tunnel = tunnel_to(by_hand.port, holds_streams=True)
    key, crew, order = running(by_hand, ann, waiting)
    be(page, ann, tunnel.url)
    page.open(f"{tunnel.url}/p/{key}")
    waiting(lambda: any(f"/api/v1/jobs/{key}?wait=25" in line for line in tunnel.asked))
    crew.tell(Stepped(order.job, order.attempt, 6, 10))
    until(page, "document.getElementById('steps').textContent", "step 6 of 10")
    crew.draw_now(order)
    until(page, STATE, "done")


def test_the_first_screen_is_light_and_asks_nobody_else(page: BrowserPage, by_hand: Any) -> None:
    ann = by_hand.friend("ann")
    be(page, ann, by_hand.url)
    page.call("Network.setCacheDisabled", cacheDisabled=True)
    page.open(f"{by_hand.url}/")
    loaded = page.evaluate(LOADED)
    page.call("Network.setCacheDisabled", cacheDisabled=False)
    assert {name for name, _, _ in loaded if not name.startswith(by_hand.url + "/")} == set()
    assert len(loaded) >= 3, "page, style, script"
    total = sum(size for name, kind, size in loaded if kind != "img")
    assert 3_000 < total <= MOST_BYTES_OF_FIRST_SCREEN


EVENTS = """
(() => { window.numbers = []; window.opened = 0;
  const stream = new EventSource('/api/v1/events');
  stream.onopen = () => { window.opened += 1; };
  stream.addEventListener('state', event => { if (!numbers.length) numbers.push(Number(event.lastEventId)); });
  stream.addEventListener('job', event => numbers.push(Number(event.lastEventId))); return true; })()
"""


def test_a_killed_server_costs_the_open_page_no_event(page: BrowserPage, rigs: Callable[..., Any]) -> None:
    """It comes back by itself, says which event it heard last, and has every number once."""
    import os
    import signal

    rig = rigs(toy_step_seconds=0.02)
    url = f"http://127.0.0.1:{rig.port}"
    invitation = rig.ask("POST", "/api/v1/friends/invite", json={"name": "ann"})["path"]
    page.call("Network.clearBrowserCookies")
    page.open(url + invitation)
    until(page, "location.pathname === '/' && document.readyState === 'complete'")
    page.evaluate(EVENTS)
    until(page, "numbers.length", 1)
    first = rig.submit({"prompt": "sunset over the sea", "preset": "slow"})
    rig.until(lambda: rig.row(first)["kept_step"] > 0)
    os.kill(rig.address()["pid"], signal.SIGKILL)
    rig.until(lambda: rig.row(first)["attempt"] == 2)
    rig.submit({"prompt": "a boat"})
    rig.ask("POST", f"/api/v1/jobs/{first}/cancel", json={})
    until(page, "opened >= 2")
    rig.until(lambda: not rig.rows("SELECT 1 FROM job WHERE state IN ('queued', 'running')"))
    newest = rig.rows("SELECT max(id) FROM event")[0][0]
    until(page, f"numbers.at(-1) === {newest}")
    numbers = page.evaluate("numbers")
    assert numbers == list(range(numbers[0], newest + 1))
