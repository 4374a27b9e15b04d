"""What a report says: only equal work in one chart, bounds never as measurements, words of strangers harmless."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from bench.claims.claims import claims_for
from bench.measure.ab import make_race, race_lines
from bench.report import svg, terminal
from bench.report.card import FINE, HEIGHT, MARGIN, WIDTH, _bars, _Canvas, _compose, draw
from bench.report.chart import PaceBar, axis_for, bar_chart, decades
from bench.report.details import table_rows, telemetry_series
from bench.report.html_page import render
from bench.report.page import Page, build_page
from bench.result import figures
from bench.result.pins import hash_of, pins_of
from bench.result.result import BenchResult, Host, Work
from bench.result.verdict import Caveat
from dreamrig.errors import UsageError
from generator.stats import Interval

Make = Callable[..., BenchResult]
VOID = {"meta", "link"}
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


@pytest.fixture
def make_result(make_result: Make) -> Make:
    """Work that a card is measured with: on the starter, a card's bound is hundreds of times what it does."""
    return functools.partial(make_result, workload="adafruit-480-pure")


@pytest.fixture
def page(make_result: Make, make_seconds: Callable[..., list[float]], work: Work, ceilings: dict[str, Any]) -> Page:
    """A card, another card, and other work."""
    return build_page(
        [
            make_result(work=work, ceilings=ceilings, number=1),
            make_result(device="Tesla T4", work=work, step_seconds=make_seconds(0.4), number=2, place="colab-hosted"),
            make_result(profile="as-shipped", work=work, number=3),
        ],
        ["broken.json is not JSON."],
    )


class Balanced(HTMLParser):
    """Notes tags that do not close, and everything that could be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_only_equal_work_shares_a_chart(page: Page) -> None:
    assert [len(group.entries) for group in page.groups] == [2, 1]
    for group in page.groups:
        assert {entry.result.workload.hash for entry in group.entries} == {group.hash}


def test_what_was_named_first_stands_on_top_and_is_what_others_are_compared_with(make_result: Make) -> None:
    slow, fast = make_result(step_seconds=[0.4] * 5, number=1), make_result(step_seconds=[0.1] * 5, number=2)
    page = build_page([slow, fast, slow])
    group, entry = page.hero
    assert entry.result is slow
    assert [one.result for one in group.entries] == [fast, slow]  # the same file twice counts once
    assert entry.ratio is None
    ratio = group.entries[0].ratio
    assert ratio is not None
    assert ratio.median == pytest.approx(4.0)


def test_a_report_needs_a_result() -> None:
    with pytest.raises(ValueError, match="needs a result"):
        build_page([])


def test_bars_say_what_they_are(page: Page) -> None:
    bars = page.groups[0].chart.bars
    assert {bar.label for bar in bars if bar.kind == "measured"} == {"RTX 3090", "T4"}
    for bar in bars:
        if bar.kind == "bound":
            assert bar.text.startswith("≤ ")
            assert (bar.low, bar.high) == (None, None)
            assert bar.tip.startswith("bound from the datasheet")
        else:
            assert bar.low is not None
            assert bar.high is not None
            assert bar.low <= bar.value <= bar.high
    assert [bar.value for bar in bars] == sorted((bar.value for bar in bars), reverse=True)


def test_an_expectation_stands_nowhere_without_its_error(page: Page) -> None:
    from rich.console import Console

    bars = [bar for bar in page.groups[0].chart.bars if bar.kind == "expected"]
    assert {"about 3.5 it/s (1.0 to 10)", "about 2.0 it/s (0.56 to 6.3)"} < {bar.words for bar in bars}
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(terminal.bars_table(page.groups[0]))
    canvas = Written()
    _compose(canvas, page)
    terminal_text, page_text = console.export_text(), render(page)
    for bar in bars:
        assert bar.words in terminal_text
        assert f'<div class="value">{bar.text} <span>{bar.reach}</span></div>' in page_text
    on_card = [text for text, _ in canvas.boxes if text.startswith("about")]
    assert on_card
    assert set(on_card) < {bar.words for bar in bars}


def test_published_figures_stand_in_no_chart(page: Page) -> None:
    assert page.published
    for group in page.groups:
        assert len(group.chart.bars) == len(group.entries) + len([one for one in group.claims if one.measured is None])


def test_no_file_moves_a_bound(make_result: Make, work: Work) -> None:
    """The least arithmetic of a workload is kept with the code."""
    less = replace(work, least_flops_per_step=1.0)
    page = build_page([make_result(work=work, number=1), make_result(work=less, number=2), make_result(number=3)])
    l4 = next(claim for claim in page.groups[0].claims if claim.name == "L4")
    assert l4.kind == "bound"
    assert l4.steps_per_second == pytest.approx(30.3e12 / 1500258116721, rel=0.001)


def test_a_gpu_that_was_measured_has_no_bound_and_the_headline_is_of_it(page: Page) -> None:
    group = page.groups[0]
    assert [(bar.label, bar.kind) for bar in group.chart.bars if bar.label == "T4"] == [("T4", "measured")]
    assert "cannot tell" not in (group.headline or "")
    assert re.match(r"Against a measured T4 \(2\.\d+ it/s, colab-hosted\): .* 4\.\d+x", group.headline or "")


def test_what_cannot_be_is_left_out_and_told(make_result: Make) -> None:
    liar = make_result(step_seconds=[0.001] * 8, number=2)
    page = build_page([liar, make_result(number=1)])
    assert [entry.result.id for entry in page.groups[0].entries] == [make_result(number=1).id]
    assert "impossible" in page.problems[-1]
    with pytest.raises(UsageError, match="can be what it says"):
        build_page([liar])


def test_the_table_tells_the_spread_and_the_remarks(make_result: Make, work: Work, ceilings: dict[str, Any]) -> None:
    noisy = make_result(step_seconds=[0.1, 0.2] * 6, ceilings=ceilings, work=work)
    quiet = make_result(step_seconds=[0.2] * 12, ceilings=ceilings, work=work)
    heads, rows = table_rows(build_page([noisy], kwh_price=0.4).groups[0])
    row = dict(zip(heads, rows[0], strict=True))
    assert row["remarks"] == "noisy, two speeds"
    assert row.get("of this device", "") == ""  # a noisy result does not tell
    clean = dict(zip(heads, table_rows(build_page([quiet]).groups[0])[1][0], strict=True))
    assert clean["of this device"] == "53%"  # 2.74e12 in 0.2 s, of 26e12, whatever the file says of its arithmetic
    assert row["peak memory"] == "900 MiB"
    assert row["cost a picture"].startswith("0.00267 a picture (24,000 J")
    assert row["energy a picture"] == "24.0 kJ"  # 12000 J in 400 steps, 800 steps a picture


def test_the_document_is_whole_and_fetches_nothing(page: Page) -> None:
    text = render(page)
    found = parsed(text)
    assert found.addresses == ["data:,"]
    assert "script" not in found.tags
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"url\((?!#hatch\))|@import|https?://", text)
    assert len(text) < 300_000


def test_places_in_drawings_lie_inside(page: Page) -> None:
    text = render(page)
    for name, value in re.findall(r'\b(x|y|x1|x2|y1|y2|cx|cy|width)="(-?[\d.]+)%"', text):
        assert 0 <= float(value) <= 100, (name, value)
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)


def test_measured_and_bound_are_drawn_differently(page: Page) -> None:
    text = render(page)
    group = page.groups[0]
    assert text.count('class="row measured"') == sum(len(one.entries) for one in page.groups)
    assert text.count('class="row bound"') == sum(
        claim.bound is not None for one in page.groups for claim in one.claims
    )
    bound = next(bar for bar in group.chart.bars if bar.kind == "bound")
    measured = next(bar for bar in group.chart.bars if bar.kind == "measured")
    assert "whisker" not in svg.bar(bound, group.chart)
    assert "whisker" in svg.bar(measured, group.chart)
    assert group.chart.axis.is_log
    assert 'class="mark-bound"' in svg.bar(bound, group.chart)  # a point: a logarithmic axis has no zero
    assert "<rect" not in svg.bar(bound, group.chart)
    linear = bar_chart([measured, replace(bound, value=measured.value / 2)])
    assert not linear.axis.is_log
    assert 'class="bound"' in svg.bar(linear.bars[1], linear)


def test_names_in_the_roofline_do_not_lie_on_each_other(page: Page, make_result: Make, work: Work) -> None:
    """Of two roofs close together one has its name above, the other below; long names are cut."""
    long = make_result(device="A card with a long name " * 5, work=work, number=4)
    places = [entry.standing for entry in (*page.groups[0].entries, *build_page([long]).groups[0].entries)]
    drawn = svg.roofline([place for place in places if place])
    names = re.findall(r'dy="(-?\d+)"[^>]*class="roof-name">([^<:]*)', drawn)
    assert [name for _, name in names] == ["datasheet RTX 3090", "measured here", "datasheet T4"]  # the highest first
    assert [int(side) > 0 for side, _ in names] == [False, True, True]
    points = re.findall(r'class="whose">([^<]*)', drawn)
    assert max(map(len, points)) <= svg.MOST_LABEL + 8
    assert any("\N{HORIZONTAL ELLIPSIS}" in point for point in points)


def test_words_of_strangers_stay_words(make_result: Make, work: Work, ceilings: dict[str, Any]) -> None:
    result = make_result(
        device=HOSTILE, work=work, place="other", host=Host(os=HOSTILE, cpu=HOSTILE), note=HOSTILE, ceilings=ceilings
    )
    used = result.workload
    params = {**used.params, "model": HOSTILE, "width": HOSTILE}
    pins = pins_of(version=used.version, profile=used.profile, params=params, batch=1, step_files=used.step_files)
    other = replace(
        result, id=str(uuid.UUID(int=2)), workload=replace(used, name=HOSTILE, params=params, hash=hash_of(pins))
    )
    text = render(build_page([result, other], [HOSTILE]))
    assert "script" not in parsed(text).tags
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    draw(build_page([result]))


def test_left_out_files_are_told(page: Page) -> None:
    assert "broken.json is not JSON." in render(page)


def test_gaps_in_telemetry_are_left_out(make_result: Make) -> None:
    result = make_result()
    assert result.telemetry is not None
    samples = {"power_watts": (None, 300.0, None, 310.0, None, None, None, None), "sm_clock_mhz": (None,) * 8}
    [series] = telemetry_series(replace(result, telemetry=replace(result.telemetry, samples=samples)))
    assert (series.label, series.values) == ("power", (300.0, 310.0))
    assert series.seconds == pytest.approx((0.2, 0.6))
    assert telemetry_series(replace(result, telemetry=None)) == []


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_an_axis_holds_its_values_in_order(values: list[float]) -> None:
    axis = axis_for(values)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] <= 1
    assert axis.high >= max(values) * 0.999
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(0 <= axis.at(tick) <= 1 for tick in ticks)


def test_a_logarithmic_axis_is_even_by_factors() -> None:
    axis = decades(0.02, 700)
    assert (axis.low, axis.high) == (pytest.approx(0.01), pytest.approx(1000))
    assert axis.at(10) - axis.at(1) == pytest.approx(axis.at(1) - axis.at(0.1)) == pytest.approx(0.2)


def test_ranges_and_names() -> None:
    assert figures.pace_range(Interval(0.2, 0.25, 0.5)) == "2.0-5.0 it/s"
    assert figures.pace_range(Interval(0.2, 0.201, 0.202)) == "4.95-5.00 it/s"
    assert figures.short_device("NVIDIA GeForce RTX 3090") == "RTX 3090"
    assert figures.short_device("Intel(R) Xeon(R) CPU @ 2.20GHz") == "Intel Xeon @ 2.20GHz"


@pytest.mark.parametrize(
    ("pace", "low", "high", "text"),
    [(2.34, 1.5, 8.0, "2.3 it/s"), (23.46, 23.3, 23.6, "23.5 it/s"), (1234.5, 800, 2000, "1,200 it/s")],
)
def test_digits_follow_the_interval(pace: float, low: float, high: float, text: str) -> None:
    assert figures.known_pace(pace, Interval(1 / high, 1 / pace, 1 / low)) == text


def test_digits_follow_the_interval_of_a_measured_claim_and_of_a_race(make_result: Make) -> None:
    unsure = [0.3, 0.389, 0.52] * 3
    t4 = make_result(device="Tesla T4", step_seconds=unsure, number=2, place="colab-hosted")
    claim = next(claim for claim in claims_for(make_result(number=1), [t4]) if claim.name == "T4")
    assert claim.figure == "2.6 it/s"
    assert claim.sentence.startswith("Against a measured T4 (2.6 it/s, colab-hosted): ")
    told = race_lines(make_race(("A", "B"), unsure, [0.0802] * 9))
    assert told[:2] == ["A  2.6 it/s", "B  12.5 it/s"]


def test_nothing_on_the_card_is_cut_within_a_word() -> None:
    canvas = _Canvas()
    words = "At least 12.5x as fast as any T4: even at its peak it does no more than 1,234 it/s."
    for room in range(80, 700, 7):
        kept = canvas.fitting(words, 24, room)
        assert kept == words or words.startswith(kept.removesuffix("..."))
        assert kept == words or len(kept) < 12 or words[len(kept) - 3] in " :,"


class Written(_Canvas):
    """Keeps the box of every piece of text, in pixels of the card as they were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[tuple[str, tuple[float, ...]]] = []

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str = "ls") -> float:
        letters = ImageFont.load_default(size * FINE)
        box = self.pen.textbbox((x * FINE, y * FINE), words, font=letters, anchor=anchor)
        self.boxes.append((words, tuple(value / FINE for value in box)))
        return super().text(x, y, words, size, colour, anchor)


EVERY_WORD = (
    "noisy", "two speeds", "drifting", "throttled", "power-limited", "busy", "unsettled", "ended early", "few blocks",
)  # fmt: skip


@pytest.mark.parametrize(
    ("device", "seconds"),
    [
        ("NVIDIA GeForce RTX 3090", [0.0791, 0.0803, 0.09] * 9),
        ("W" * 200, [0.1, 0.4] * 6),
        ("A card with a long name " * 5, [4.0] * 3),
    ],
)
@pytest.mark.parametrize("words", [(), EVERY_WORD[:-1], EVERY_WORD])
def test_the_card_shows_every_verdict_and_nothing_on_it_overlaps(
    make_result: Make, device: str, seconds: list[float], words: tuple[str, ...], work: Work
) -> None:
    page = build_page([make_result(device=device, step_seconds=seconds, work=work)])
    group, entry = page.hero
    entry = replace(entry, summary=replace(entry.summary, verdicts=tuple(Caveat(word, "") for word in words)))
    canvas = Written()
    _compose(canvas, replace(page, groups=(replace(group, entries=(entry,), reference=entry),)))
    told = " ".join(text for text, _ in canvas.boxes)
    assert ", ".join(words) in told
    for index, (text, (left, top, right, bottom)) in enumerate(canvas.boxes):
        assert left >= MARGIN - 1, text
        assert right <= WIDTH - MARGIN + 1, text
        assert bottom <= HEIGHT, text
        for other, box in canvas.boxes[index + 1 :]:
            apart = right <= box[0] or box[2] <= left or bottom <= box[1] or box[3] <= top
            assert apart, (text, other)


def test_words_behind_the_longest_bar_of_the_card_have_room() -> None:
    canvas = Written()
    far = PaceBar("card", "", 9_900.0, 2_900.0, 9_900.0, "expected", "≈ 9,900 it/s", "", "2,900 to 9,900")
    _bars(canvas, bar_chart([far, replace(far, value=100.0)]))
    assert max(box[2] for _, box in canvas.boxes) <= WIDTH - MARGIN + 1


def test_the_card_has_the_size_chat_programs_want_and_is_the_same_each_time(page: Page) -> None:
    card = draw(page)
    assert card.size == (WIDTH, HEIGHT) == (1200, 630)
    assert card.mode == "RGB"
    assert card.tobytes() == draw(page).tobytes()


def test_the_card_fills_what_was_measured_and_hatches_what_bounds(page: Page) -> None:
    """Along the middle of a bar: one colour for a measurement or an expectation, two that alternate for a bound."""
    from bench.report.card import BAR_LEFT, BAR_STEP, BAR_THICK, BARS_TOP, _chosen

    card, bars = draw(page), bar_chart(_chosen(page.groups[0])).bars
    assert {bar.kind for bar in bars} == {"measured", "expected", "bound"}
    for index, bar in enumerate(bars):
        y = BARS_TOP + BAR_STEP * index + BAR_THICK // 2
        colours = {card.getpixel((x, y)) for x in range(BAR_LEFT + 6, BAR_LEFT + 60)}
        assert (len(colours) == 1) == (bar.kind != "bound")


def test_long_names_are_cut_on_the_card(make_result: Make, work: Work) -> None:
    long = build_page([make_result(device="W" * 200, work=work)])
    plain = build_page([make_result(device="W" * 100, work=work)])
    assert draw(long).tobytes() == draw(plain).tobytes()


def bar(value: float, kind: Any = "measured") -> PaceBar:
    return PaceBar("card", "wsl, torch", value, None, None, kind, "≤ 1 it/s" if kind == "bound" else "1 it/s", "")


def test_terminal_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart([bar(10.0), bar(5.0), bar(2.5, "bound")])
    assert terminal.bar_text(bar(10.0), chart, 20) == "█" * 20
    assert terminal.bar_text(bar(5.0), chart, 20) == "█" * 10
    assert terminal.bar_text(bar(5.15), chart, 20) == "█" * 10 + "▎"
    assert terminal.bar_text(bar(2.5, "bound"), chart, 20) == "░" * 5
    assert terminal.bar_text(bar(2.5, "bound"), chart, 20, plain=True) == "." * 5
    assert terminal.bar_text(bar(1e-9), chart, 20) == "▏"


def test_on_a_logarithmic_axis_a_bar_has_no_beginning() -> None:
    chart = bar_chart([bar(1000.0), bar(1.0)])
    assert chart.axis.is_log
    assert terminal.bar_text(bar(1000.0), chart, 20) == " " * 19 + "█"
    assert terminal.bar_text(bar(1e-9, "expected"), chart, 20) == "▒"


def test_a_doubt_stands_beside_every_measured_pace(make_result: Make) -> None:
    """On page, card and terminal; words that cast none do not."""
    noisy = make_result(device="Tesla T4", step_seconds=[0.5, 0.9, 0.7, 0.6] * 4, number=2)
    page = build_page([make_result(step_seconds=[0.22] * 20, number=1), noisy])
    (doubted,) = [one for one in page.groups[0].chart.bars if one.doubts]
    assert (doubted.label, doubted.words) == ("T4", "1.5 it/s (noisy)")
    rows = re.findall(r'<div class="row measured">.*?</div>', render(page), re.DOTALL)
    assert ["noisy" in row for row in rows] == [False, True]
    assert replace(doubted, doubts=("noisy", "busy")).words == "1.5 it/s (noisy, ...)"


def test_the_key_looks_like_what_is_drawn(page: Page) -> None:
    group = page.groups[0]
    for bars, key in (([bar(1000.0), bar(1.0)], "key measured dot"), ([bar(2.0), bar(1.0)], "key measured")):
        drawn = replace(page, groups=(replace(group, chart=bar_chart(bars)),))
        assert f'class="{key}"' in render(drawn)


def test_the_terminal_writes_control_characters_as_escapes(make_result: Make, work: Work) -> None:
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    page = build_page([make_result(device="evil\x1b[31m card", work=work)])
    console.print(terminal.bars_table(page.groups[0]))
    text = console.export_text()
    assert "\x1b" not in text
    assert "evil\\x1b[31m card (linux)" in text
    assert "at most" in text
