"""Every page as Chromium shows it on a phone: nothing scrolls sideways, nothing is too small for a thumb."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from docs.made.browser import CHROMIUM, BrowserPage, browser
from generator.crew.protocol import Began, Draw, Previewed, Stepped
from generator.serve.access import COOKIE

PHONES = (360, 412)
LONG_WORD = "w" * 90
PROMPT = f"a house {LONG_WORD} on a meadow"
SIDEWAYS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
SMALL = (
    "[...document.querySelectorAll('button, nav a, select, textarea, a.button, .chip,"
    " summary, input[type=text], input[type=number]')]"
    ".filter(it => it.getBoundingClientRect().height < 43.9).map(it => it.outerHTML)"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[BrowserPage]:
    with browser() as opened:
        yield opened


def fill(site: Any, owner: httpx.Client) -> Mapping[str, str]:
    """A picture that is done and shared, one in the making, one that waits, one that failed; name of a page -> path."""
    ben = site.friend("b" * 40)
    done = site.submit(ben, PROMPT)
    crew = site.crews[-1]
    crew.draw_now(crew.next_order(Draw))
    site.until(ben, done, "done")
    ben.post(f"/p/{done}/share")
    site.friend("noor").post(f"/p/{done}/report")
    folder = site.home.picture_folder(done)
    (folder / "film.mp4").write_bytes(bytes(64))  # the player alone is looked at
    site.store(lambda db: db.execute("UPDATE friend SET discord = '100000000000000001' WHERE name LIKE 'b%'"))
    site.service.hub.discord = f"dreamer is there for {LONG_WORD}."
    shared = ben.get(f"/p/{done}").text.partition('href="/s/')[2].partition('"')[0]
    own = site.submit(owner, PROMPT)
    crew.draw_now(crew.next_order(Draw))
    site.until(owner, own, "done")
    running, waiting = site.submit(ben, PROMPT), site.submit(owner, PROMPT)
    held, refused = site.submit(owner, PROMPT), site.submit(owner, f"{PROMPT} and a tree")
    for key in (held, refused):
        site.store(lambda db, key=key: db.execute("UPDATE job SET state='held' WHERE key=?", (key,)))
    owner.post("/owner/refuse", data={"key": refused, "reason": LONG_WORD})
    order = crew.next_order(Draw)
    crew.paint(order)
    unknown = {LONG_WORD: ["wave", "wind"]}
    crew.tell(Began(order.job, order.attempt, unknown_words=unknown), Stepped(order.job, order.attempt, 4, 10, 0.01))
    crew.tell(Previewed(order.job, order.attempt, 4))
    return {
        "draw": "/",
        "draw with a long prompt": f"/?prompt={LONG_WORD}&parent={done}",
        "live": f"/p/{running}",
        "waiting": f"/p/{waiting}",
        "held": f"/p/{held}",
        "refused": f"/p/{refused}",
        "picture": f"/p/{done}",
        "queue": "/queue",
        "gallery": "/gallery",
        "owner": "/owner",
        "enter": "/enter",
        "share": f"/s/{shared}",
        "nothing": "/p/nothing",
    }


def test_no_page_scrolls_sideways_or_has_targets_too_small_for_a_thumb(
    page: BrowserPage, by_hand: Any, waiting: Callable[..., None]
) -> None:
    owner = by_hand.owner()
    paths = fill(by_hand, owner)
    waiting(lambda: "live" in owner.get("/api/v1/queue").json()["line"][0])
    page.call("Network.setCookie", name=COOKIE, value=owner.cookies[COOKIE], url=by_hand.url)
    found: dict[tuple[str, int], Any] = {}
    for width in PHONES:
        page.look(width, 800, "dark")
        for name, path in paths.items():
            page.open(by_hand.url + path)
            page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; }); 0")
            scrolled, shown = page.evaluate(SIDEWAYS)
            assert shown == width, name
            if scrolled > shown or (small := page.evaluate(SMALL)):
                found[name, width] = (scrolled, [] if scrolled > shown else small)
    assert found == {}
    assert [text for text in page.problems if "404" not in text] == []


def test_a_page_that_is_too_wide_is_noticed(page: BrowserPage, by_hand: Any) -> None:
    page.look(360, 800, "light")
    page.open(f"{by_hand.url}/enter")
    wide = "'<pre>' + 'w'.repeat(90) + '</pre><button>x</button>'"
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', {wide})")
    page.evaluate("document.querySelector('pre').style.overflow = 'visible'")
    page.evaluate("document.querySelector('body > button').style.minHeight = '20px'")
    scrolled, shown = page.evaluate(SIDEWAYS)
    assert scrolled > shown
    assert len(page.evaluate(SMALL)) == 1


CUT_OFF = (
    "[...document.querySelectorAll('button, a.button, input')].filter(it => it.type !== 'hidden'"
    " && it.getBoundingClientRect().right > document.documentElement.clientWidth).map(it => it.outerHTML)"
)
LINES = (
    "[...document.querySelectorAll('nav a')].map(it => [it.hasAttribute('aria-current'),"
    " getComputedStyle(it).borderBottomStyle])"
)


def test_nothing_of_a_friends_line_is_out_of_sight_on_a_phone(page: BrowserPage, site: Any) -> None:
    owner = site.owner()
    for name in ("ann", "ben"):
        site.friend(name)
    page.call("Network.setCookie", name=COOKIE, value=owner.cookies[COOKIE], url=site.url)
    page.look(360, 800, "light")
    page.open(f"{site.url}/owner")
    assert page.evaluate("document.querySelectorAll('.friends button').length") == 5
    assert page.evaluate(CUT_OFF) == []


def test_where_the_system_chooses_the_colours_lines_say_where_one_is(page: BrowserPage, site: Any) -> None:
    owner = site.owner()
    page.call("Network.setCookie", name=COOKIE, value=owner.cookies[COOKIE], url=site.url)
    page.look(360, 800, "dark")
    page.call("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    page.open(f"{site.url}/queue")
    assert page.evaluate(LINES) == [[False, "none"], [True, "solid"], [False, "none"], [False, "none"]]
