"""The report page and the board as Chromium lays them out, on a phone and on a desk: nothing sticks out, no overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.board import write_board
from bench.cli.report import write_report
from bench.result.result import BenchResult, Work, write_result
from docs.made.browser import CHROMIUM, BrowserPage, browser

Make = Callable[..., BenchResult]
WIDTHS = (412, 1280)
UNSPACED = "W" * 160
FIND = """(() => {
const room = document.documentElement.clientWidth;
document.querySelectorAll("details").forEach(it => it.open = true);
const isSeen = it => it.getClientRects().length > 0 && getComputedStyle(it).visibility !== "hidden";
const words = it => (it.textContent || it.outerHTML).trim().slice(0, 60);
const isOut = box => box.width > 0 && (box.right > room + 0.5 || box.left < -0.5);
const wide = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const it = walk.currentNode, owner = it.nodeType === 3 ? it.parentElement : it;
  if (owner.closest(".scroll table, title, defs, style")) continue;
  const range = document.createRange();
  range.selectNodeContents(it);
  const boxes = it.nodeType === 3 ? [...range.getClientRects()] : [it.getBoundingClientRect()];
  if (boxes.some(isOut)) wide.push(words(it));
}
const collide = [];
document.querySelectorAll("svg").forEach(drawn => {
  const seen = [...drawn.querySelectorAll("text")].filter(isSeen).map(it => [it, it.getBoundingClientRect()]);
  seen.forEach(([one, a], at) => seen.slice(at + 1).forEach(([other, b]) => {
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
      collide.push(words(one) + " | " + words(other));
  }));
});
const tables = [...document.querySelectorAll(".scroll")].filter(it => it.scrollWidth > it.clientWidth);
const unseen = tables.filter(it => {
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  const second = it.querySelector("tbody td:nth-child(2)").getBoundingClientRect();
  const shades = (style.backgroundImage.match(/gradient/g) || []).length;
  return style.overflowX !== "auto" || shades < 4 || second.left > box.right - 40;
}).map(words);
return {width: document.documentElement.scrollWidth, room, wide, collide, unseen, scrolling: tables.length,
  ticks: document.querySelectorAll("text.tick").length};
})()"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)")


@pytest.fixture(scope="module")
def opened() -> Iterator[BrowserPage]:
    with browser() as page:
        yield page


@pytest.fixture
def results(
    make_result: Make, make_seconds: Callable[..., list[float]], work: Work, ceilings: dict[str, Any]
) -> list[BenchResult]:
    """A long name without a space on top; cards, an expectation, bounds; names that stand at one place."""
    heavy = {"workload": "adafruit-480-pure", "work": work}
    long = make_result(device=UNSPACED, ceilings=ceilings, number=1, **heavy)
    return [
        replace(long, host=replace(long.host, cpu=UNSPACED)),
        make_result(ceilings=ceilings, number=2, **heavy),
        make_result(device="A card with a very long name " * 6, number=3, **heavy),
        make_result(device="Tesla P100", step_seconds=make_seconds(0.4, 0.2), number=4, **heavy),
        make_result(device="Tesla P100", step_seconds=[2.5, 5.0] * 20, number=5, **heavy),
        make_result(profile="as-shipped", work=work, number=6, step_seconds=[30.0] * 4),
    ]


def looked(opened: BrowserPage, file: Path, width: int) -> dict[str, Any]:
    opened.look(width, 900, "light")
    opened.open(file.as_uri())
    return dict(opened.evaluate(FIND))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_fits(opened: BrowserPage, results: list[BenchResult], tmp_path: Path, width: int) -> None:
    write_report(results, ["broken.json is not JSON.", UNSPACED], tmp_path / "page.html", tmp_path / "card.png")
    found = looked(opened, tmp_path / "page.html", width)
    assert found["wide"] == []
    assert found["width"] == found["room"] == width
    assert found["collide"] == []
    assert found["ticks"] > 8
    assert found["unseen"] == []
    assert found["scrolling"] >= 1


@pytest.mark.parametrize("width", WIDTHS)
def test_the_board_fits(opened: BrowserPage, results: list[BenchResult], tmp_path: Path, width: int) -> None:
    (tmp_path / "raw").mkdir()
    for number, result in enumerate(results):
        write_result(result, tmp_path / "raw" / f"{number}.json")
    (tmp_path / "raw" / f"{UNSPACED}.json").write_text("{")
    for name in write_board(tmp_path / "raw", tmp_path / "board"):
        found = looked(opened, tmp_path / "board" / name, width)
        assert found["wide"] == []
        assert found["width"] == found["room"] == width
        assert found["unseen"] == []
