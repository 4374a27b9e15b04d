"""docs/ builds into a site whose links hold, that asks nobody else, and whose search finds the cause of a code."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docs.made import browser as browsers
from docs.made import site

pytest.importorskip("material", reason="mkdocs-material, of the extra [dev], builds the site")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    site.lay_out(folder / "pages")
    site.build(folder / "pages", folder / "out")
    return folder / "out"


def test_every_page_of_docs_is_in_it_and_the_board_beside_it(built: Path) -> None:
    docs = site.ROOT / "docs"
    wanted = {page.relative_to(docs).with_suffix(".html") for page in docs.rglob("*.md")}
    assert len(wanted) > 20
    assert [str(page) for page in sorted(wanted) if not (built / page).is_file()] == []
    assert (built / "board" / "index.html").is_file()


@pytest.mark.parametrize("code", ["0x80370102", "0x80070422", "0x8007019e"])
def test_the_search_knows_the_causes_of_a_code_one_by_one(built: Path, code: str) -> None:
    found = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    places = [one["location"] for one in found if code in one["text"]]
    assert any(re.fullmatch(r"errors/\w+\.html#.+", place) for place in places), places


def test_a_page_asks_nobody_else_for_anything(built: Path) -> None:
    asked = re.compile(r"""<(?:script|img|link|iframe)[^>]*?(?:src|href)=["']?(?:https?:)?//(?!www\.w3\.org)[^"' >]+""")
    pages = list(built.rglob("*.html"))
    assert len(pages) > 20
    assert [found for page in pages for found in asked.findall(page.read_text(encoding="utf-8"))] == []


def test_a_link_that_leads_nowhere_in_the_repository_is_refused() -> None:
    readme = site.ROOT / "README.md"
    with pytest.raises(site.SiteError, match=r"README\.md leads to docs/none\.md"):
        site.fitted("see [this](docs/none.md)", readme, site.places())


def test_links_fit_the_place_of_their_page() -> None:
    travels, errors = site.places(), site.ROOT / "docs" / "errors.md"
    assert site.fitted("[a](serve.md#reach)", errors, travels) == "[a](serve.md#reach)"
    assert site.fitted("[a](../README.md)", errors, travels) == "[a](index.md)"
    assert site.fitted("[`a`](../generator/state.py), [b](https://x.org)", errors, travels) == "`a`, [b](https://x.org)"
    assert (
        site.fitted("[![a](pictures/cat.png)](../CHANGELOG.md)", errors, travels)
        == "[![a](pictures/cat.png)](changelog.md)"
    )


def test_an_anchor_that_is_not_there_ends_the_build(tmp_path: Path) -> None:
    site.lay_out(tmp_path / "pages")
    with (tmp_path / "pages" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[no such place](serve.md#no-such-place)\n")
    with pytest.raises(site.SiteError, match="strict"):
        site.build(tmp_path / "pages", tmp_path / "out")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.skipif(browsers.CHROMIUM is None, reason="needs Chromium (Debian package chromium)")
def test_who_types_a_code_lands_on_its_cause_and_a_phone_shows_the_page(built: Path) -> None:
    links = "[...document.querySelectorAll('.md-search-result__link')].map(it => it.getAttribute('href'))"
    with served(built) as address, browsers.browser() as page:
        page.look(412, 915, "light")
        page.open(f"{address}/index.html")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.look(1280, 900, "dark")
        page.open(f"{address}/index.html?q=0x80370102")
        until = time.monotonic() + 60
        while not (found := page.evaluate(links)) and time.monotonic() < until:
            time.sleep(0.2)
    assert "errors/firmware.html" in found[0]
    assert any("#cpu-virtualization-is-switched-off-in-the-firmware" in link for link in found[:4])
    assert page.problems == []
