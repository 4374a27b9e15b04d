"""`dreamrig bench report`: which results it takes, what it writes, what it refuses; the page in a real browser."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.cli.report import gather, report, write_report
from bench.result import store
from bench.result.result import BenchResult, Work, write_result
from dreamrig.errors import UsageError

Make = Callable[..., BenchResult]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE_PIXELS = 390
MEASURE = """<iframe id="f" style="width:{width}px;height:800px;border:0" srcdoc="{page}"></iframe><script>
f.onload=()=>{{const d=f.contentDocument;d.querySelectorAll("details").forEach(e=>e.open=true);
const r=d.documentElement;document.title=[r.scrollWidth,r.clientWidth,d.querySelectorAll("svg.plot").length,
[...d.querySelectorAll("svg.plot")].filter(e=>e.getBoundingClientRect().width<100).length].join(" ")}}</script>"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_without_names_the_newest_of_this_machine_stands_on_top(
    home: Path, make_result: Make, capsys: pytest.CaptureFixture[str], work: Work
) -> None:
    for number, day in ((1, "18"), (2, "20"), (3, "19")):
        store.keep(make_result(number=number, created=f"2026-11-{day}T10:00:00Z", work=work))
    results, problems = gather([])
    assert [result.created[8:10] for result in results] == ["20", "19", "18"]
    assert problems == []
    assert report([]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-2:] == ["dreamrig-bench.html", "dreamrig-bench.png"]
    assert "RTX 3090 (linux)" in out
    assert "at most" in out
    text = (home / "dreamrig-bench.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    with Image.open(home / "dreamrig-bench.png") as card:
        assert (card.size, card.format) == ((1200, 630), "PNG")


def test_what_is_known_here_speaks_too(home: Path, make_result: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """`bench run` and `bench report` say the same: a T4 that was measured is no bound, also where it is not named."""
    store.keep(make_result(number=2, workload="adafruit-480-pure", device="Tesla T4", step_seconds=[1.0] * 12))
    write_result(make_result(number=1, workload="adafruit-480-pure"), home / "mine.json")
    assert report(["mine.json"]) == 0
    assert "Against a measured T4 (1.00 it/s" in capsys.readouterr().out


def test_a_bad_file_of_a_folder_is_told_and_the_others_are_drawn(
    home: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "results"
    folder.mkdir()
    write_result(make_result(), folder / "good.json")
    (folder / "bad.json").write_text('{"schema": "bench-result/1"')
    assert report([str(folder), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["results"] == 1
    assert "bad.json is not JSON" in data["problems"][0]
    assert "bad.json" in (home / "dreamrig-bench.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "There is no result to report on."),
        (["nothing-like-it"], "is no file, no folder"),
        (["good.json", "--out", "page.png"], "does not end in .html"),
        (["good.json", "--card", "card.html"], "does not end in .png"),
        (["good.json", "bad.json"], "bad.json is not JSON"),
        (["good.json", "--kwh-price", "-1"], "--kwh-price is -1"),
        (["good.json", "--kwh-price", "nan"], "--kwh-price is nan"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    home: Path, make_result: Make, words: list[str], told: str
) -> None:
    write_result(make_result(), home / "good.json")
    (home / "bad.json").write_text("{")
    with pytest.raises(UsageError) as caught:
        report(words)
    assert told in caught.value.message
    assert caught.value.hint
    assert not list(home.glob("dreamrig-bench.*"))


@pytest.fixture
def drawn(
    tmp_path: Path, make_result: Make, make_seconds: Callable[..., list[float]], work: Work, ceilings: dict[str, Any]
) -> Path:
    """A page with all there can be: several cards, several kinds of work, ceilings, gauges, long names."""
    long = make_result(device="A card with a very long name " * 6, number=4, work=work)
    results = [
        make_result(work=work, ceilings=ceilings),
        make_result(device="Tesla T4", work=work, step_seconds=make_seconds(0.4, 0.2), number=2),
        replace(long, host=replace(long.host, cpu="word" * 40)),
        make_result(profile="as-shipped", work=work, step_seconds=[30.0] * 4, number=3),
    ]
    write_report(results, ["broken.json is not JSON."], tmp_path / "page.html", tmp_path / "card.png")
    return tmp_path / "page.html"


def browse(page: Path) -> tuple[str, str]:
    """The document as Chromium sees it, and what Chromium says of it."""
    assert CHROMIUM is not None
    profile = page.parent / "profile"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000"]
    command = [CHROMIUM, *flags, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ran.stdout, ran.stderr


def console_lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if "CONSOLE" in line]


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)")


@needs_chromium
def test_a_browser_has_nothing_to_complain_about(drawn: Path) -> None:
    document, said = browse(drawn)
    assert console_lines(said) == []
    assert document.count('class="plot"') > 20
    planted = drawn.with_name("planted.html")
    planted.write_text(drawn.read_text(encoding="utf-8").replace("</main>", "<script>x()</script></main>"))
    assert console_lines(browse(planted)[1])  # the page's own policy refuses a script, and we would hear of it


@needs_chromium
def test_nothing_sticks_out_on_a_phone(drawn: Path) -> None:
    frame = drawn.with_name("frame.html")
    page = html.escape(drawn.read_text(encoding="utf-8"))
    frame.write_text(MEASURE.format(width=PHONE_PIXELS, page=page), encoding="utf-8")
    document, _ = browse(frame)
    width, room, charts, squeezed = map(int, document.partition("<title>")[2].partition("</title>")[0].split())
    assert width == room <= PHONE_PIXELS
    assert charts > 20
    assert squeezed == 0
