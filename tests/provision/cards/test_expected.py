"""Expected, not measured: where it comes from, with its error, and where nothing is said."""

from __future__ import annotations

import pytest

from provision.cards.datasheets import datasheet
from provision.cards.expected import LAUNCH_BOUND_FLOPS, Expectation, expect
from provision.checked_json import read_json

TABLES = read_json("expected.json")["precisions"]
RATE = read_json("expected.json")["rate"]
FLOPS = 2.7e12


def found(
    target: str, precision: str = "fp32", own: str | None = None, pace: float = 4.0, most: float = 1e3
) -> Expectation | None:
    beside = None if own is None else (datasheet(own), pace)
    return expect(datasheet(target), precision, FLOPS, most, beside)


def test_from_ones_own_pace() -> None:
    t4 = found("t4", "mixed", "rtx-3090", 10.0)
    assert t4 is not None
    paces = TABLES["half"]["paces"]
    assert t4.steps_per_second == pytest.approx(10 * paces["t4"] / paces["rtx-3090"])
    assert t4.high / t4.steps_per_second == pytest.approx(TABLES["half"]["factor"])
    assert t4.steps_per_second / t4.low == pytest.approx(TABLES["half"]["factor"])
    assert t4.describe(10.0).startswith("A T4 is expected, not measured, to do about 2.9 it/s here (1.8 to 4.7): ")
    assert t4.describe(10.0).endswith("this rig is about 3.5x as fast.")


def test_from_the_arithmetic_of_the_step_where_ones_own_card_is_in_no_table() -> None:
    for own in (None, "rtx-3090", "rtx-5090"):
        t4 = found("t4", own=own)
        assert t4 is not None
        assert t4.steps_per_second == pytest.approx(RATE["tflops"] * 1e12 * TABLES["full"]["paces"]["t4"] / FLOPS)
        assert t4.high / t4.steps_per_second == pytest.approx(RATE["factor"])
    slow = found("t4")
    assert slow is not None
    assert slow.describe(0.01).endswith("about 110x this rig.")


@pytest.mark.parametrize(("key", "low", "high"), [("k80", 0.4, 0.6), ("t4", 0.9, 1.3), ("v100-sxm2", 3.1, 3.8)])
def test_what_makes_sense_for_the_notebook_of_the_guide(key: str, low: float, high: float) -> None:
    """Its "about one second per iteration" fits a T4."""
    expected = found(key)
    assert expected is not None
    assert low < expected.steps_per_second < high


def test_nobody_exceeds_a_bound() -> None:
    t4 = found("t4", most=1.2)
    assert t4 is not None
    assert t4.high == 1.2
    assert found("t4", "fp32", "v100-sxm2", 1000.0, most=5.0) == found("t4", "fp32", "v100-sxm2", 2000.0, most=5.0)


@pytest.mark.parametrize(
    ("target", "precision", "own"),
    [
        ("l4", "fp32", None),
        ("a100-40gb", "fp32", "v100-sxm2"),  # nobody says what it does without TF32
        ("l4", "mixed", "rtx-3090"),
        ("t4", "mixed", None),
        ("t4", "mixed", "rtx-5090"),
        ("k80", "mixed", "rtx-3090"),
        ("t4", "fp64", "v100-sxm2"),
    ],
)
def test_where_the_tables_say_nothing_nothing_is_expected(target: str, precision: str, own: str | None) -> None:
    assert found(target, precision, own) is None


def test_where_launches_decide_nothing_is_expected() -> None:
    for flops in (None, 5.4e9, 0.99 * LAUNCH_BOUND_FLOPS):
        assert expect(datasheet("t4"), "fp32", flops, 1e3) is None
        assert expect(datasheet("t4"), "mixed", flops, 1e3, (datasheet("rtx-3090"), 10.0)) is None


def test_the_datasheets_certainty_stands_behind() -> None:
    t4 = found("t4")
    assert t4 is not None
    assert t4.describe(10.0, "1.9").endswith("this rig is about 9.2x as fast, 1.9x at least by its datasheet.")
