"""How cards compare on other people's networks: facts with their source, a model, its errors on what is new to it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.proofs.expected import __main__ as made
from bench.proofs.expected import facts, model, page
from bench.proofs.expected.facts import PRECISIONS, Precision, PublicPace
from provision.cards.datasheets import datasheet


def test_every_row_names_its_source_and_every_card_its_sheet() -> None:
    known = facts.sources()
    for precision in PRECISIONS:
        for cell in facts.cells(precision):
            assert cell.source in known["sources"]
            assert cell.card in known["cards"]
            assert cell.work in ("training", "inference")
            assert 0 < cell.value < 1e6
            assert cell.unit in ("images/s", "iterations/s", "sequences/s")
    for source in known["sources"].values():
        assert set(source) == {"repository", "path", "commit", "licence", "about"}
        assert len(source["commit"]) == 40
    for keys in known["cards"].values():
        for key, share in keys.items():
            assert datasheet(key).key == key
            assert 0.85 < share <= 1


def test_every_row_of_the_table_has_two_cards_at_least() -> None:
    """A program that one card ran says nothing of cards."""
    for precision in PRECISIONS:
        rows: dict[tuple[str, ...], set[str]] = {}
        for cell in facts.cells(precision):
            rows.setdefault(cell.row, set()).add(cell.card)
        assert [row for row, cards in rows.items() if len(cards) < 2] == []


def test_what_is_written_is_what_is_computed() -> None:
    hint = "run: python -m bench.proofs.expected"
    assert made.KNOWLEDGE.read_text(encoding="utf-8") == made.render_knowledge(), hint
    assert made.PAGE.read_text(encoding="utf-8") == page.render(made.knowledge()), hint


def cell(row: str, card: str, value: float) -> PublicPace:
    return PublicPace("full", "tensorflow", row, "training", "64", card, value, "images/s")


def test_a_model_without_noise_is_found_again_across_a_gap() -> None:
    """No program ran on a K80 and on a T4: the V100 joins them."""
    exact = [cell("a", "k80", 1.5), cell("a", "v100-sxm2", 10), cell("b", "v100-sxm2", 20), cell("b", "t4", 6)]
    found = model.fit(exact)
    assert {card: math.exp(log) for card, log in found.cards.items()} == pytest.approx(
        {"k80": 0.15, "v100-sxm2": 1, "t4": 0.3}
    )
    assert math.exp(found.rows["tensorflow", "a", "training", "64"]) == pytest.approx(10)


def test_errors_are_those_of_what_was_not_seen() -> None:
    """Two networks on which a T4 differs by four: each predicts the other that far off."""
    pair = [cell("a", "t4", 1), cell("a", "v100-sxm2", 10), cell("b", "t4", 4), cell("b", "v100-sxm2", 10)]
    assert [abs(error) for error in model.errors_of_unseen_networks(pair)] == pytest.approx([math.log(4)] * 2)
    assert model.ratio_factor(pair) == pytest.approx(4**1.96)
    assert model.ratio_factor([*pair[:2], *(replace(one, network="c") for one in pair[:2])]) == model.LEAST_FACTOR


@pytest.mark.parametrize(("precision", "typical", "within"), [("full", 1.10, 0.95), ("half", 1.15, 0.95)])
def test_how_far_it_is_off_on_unseen_networks(precision: Precision, typical: float, within: float) -> None:
    found = facts.cells(precision)
    errors = sorted(map(abs, model.errors_of_unseen_networks(found)))
    assert math.exp(errors[len(errors) // 2]) < typical
    assert sum(error <= math.log(model.ratio_factor(found)) for error in errors) / len(errors) >= within


def test_datasheets_would_not_do() -> None:
    """A T4 is overrated by its sheet: by peaks it would do 0.52 of a V100, and 0.92 of a 3090 in half precision."""
    full, half = (model.fit(facts.cells(precision)).cards for precision in PRECISIONS)
    by_sheet = datasheet("t4").peak_tflops("fp32") / datasheet("v100-sxm2").peak_tflops("fp32")
    assert by_sheet / math.exp(full["t4"]) > model.LEAST_FACTOR
    by_sheet = datasheet("t4").peak_tflops("fp16") / datasheet("rtx-3090").peak_tflops("fp16")
    assert by_sheet / math.exp(half["t4"] - half["rtx-3090"]) > model.LEAST_FACTOR


def test_the_rate_of_a_card_is_below_its_peak_but_for_what_needs_less_arithmetic() -> None:
    rate = model.rate_of(model.fit(facts.cells("full")))
    peak = datasheet("v100-sxm2").peak_tflops("fp32")
    assert {network for network, tflops in rate.tflops.items() if tflops > peak} == {"vgg16"}
    assert min(rate.tflops.values()) < rate.middle < peak
    assert all(rate.middle / rate.factor < tflops < rate.middle * rate.factor for tflops in rate.tflops.values())
