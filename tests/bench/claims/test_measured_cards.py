"""Measured results on Colab's GPUs reach `generate`: as a list of those that can be trusted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.claims.claims import headline
from bench.claims.measured_cards import measured_cards
from bench.cli.measured_cards import keep_current
from bench.result import store
from bench.result.result import BenchResult
from bench.workloads import WORKLOADS
from dreamrig.cli import main
from generator.models.likes import likes_of
from generator.presets import find_preset
from generator.sinks.report import TimingReport, describe_claim
from generator.work.plan import Plan
from generator.work.report import show_text
from provision.cards.measured import list_file, read_cards, write_cards

Make = Callable[..., BenchResult]
WORK = "adafruit-480-pure"


@pytest.fixture
def make_t4(make_result: Make) -> Make:
    """A T4 in Colab that needs a second for a step."""

    def make(**changes: Any) -> BenchResult:
        usual = {"workload": WORK, "device": "Tesla T4", "step_seconds": [1.0] * 48, "place": "colab-hosted"}
        result = make_result(**{**usual, **changes})
        return replace(
            result, software=replace(result.software, flags={**result.software.flags, "deterministic": False})
        )

    return make


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def a_picture(precision: str = "fp32", **changes: Any) -> TimingReport:
    """Of the notebook's preset on an RTX 3090 at 4 it/s."""
    liked = {**likes_of(str(WORKLOADS[WORK].params["model"]), on_cpu=False), "deterministic": False}
    config = Plan(prompt="a cat", given={"seed": 7}, preset=find_preset("adafruit")).to_config(
        {**liked, "precision": precision}
    )
    usual = {
        "workload": config.workload_id(), "same_step": (config.step_id(),), "precision": config.precision,
        "width": 480, "height": 480, "cutouts": 64, "steps": 30, "device": "cuda:0 (NVIDIA GeForce RTX 3090)",
        "steady_step_seconds": (0.25,) * 29, "flops_per_step": 2735212935254.0, "least_flops_per_step": 1500258116721.0,
    }  # fmt: skip
    return TimingReport(**{**usual, **changes})


def test_a_measured_t4_speaks_in_the_last_line_of_a_picture(make_t4: Make) -> None:
    cards = measured_cards([make_t4()])
    assert (describe_claim(a_picture()) or "").startswith("A T4 is expected, not measured")
    said = describe_claim(a_picture(), cards)
    assert (
        said == "Against a measured T4 (1.00 it/s, colab-hosted): this rig is 4.00x (3.78 to 4.23) as fast as that T4."
    )
    few = a_picture(steady_step_seconds=(0.25, 0.25))
    assert (describe_claim(few, cards) or "").endswith("colab-hosted): too few steps to tell.")


def test_the_answer_says_what_the_list_holds(home: Path, make_t4: Make, capsys: pytest.CaptureFixture[str]) -> None:
    write_cards(measured_cards([make_t4()]), "")
    run = SimpleNamespace(id="a-run", seed=7)
    show_text(SimpleNamespace(picture=home / "a.png", picture_large=None, run=run, report=a_picture()), {})
    assert "against Colab  Against a measured T4 (1.00 it/s, colab-hosted)" in capsys.readouterr().out


def test_it_is_the_sentence_of_the_benchmark(make_t4: Make, make_result: Make) -> None:
    mine = make_result(workload=WORK, step_seconds=[0.25] * 48, number=2)
    said, told = describe_claim(a_picture(), measured_cards([make_t4()])), headline(mine, [make_t4()])
    assert said is not None
    assert told is not None
    assert said.partition(":")[0] == told.partition(":")[0]
    assert "4.00x (3.78 to 4.23)" in said
    assert "4.00x (3.78 to 4.23)" in told


@pytest.mark.parametrize(
    "changes",
    [{"precision": "mixed"}, {"same_step": ("0" * 12,)}, {"same_step": ()}, {"device": "cuda:0 (Tesla T4)"}],
    ids=["another precision", "other work", "unknown work", "the same card"],
)
def test_of_other_work_and_of_ones_own_card_nothing_measured_is_said(changes: Any, make_t4: Make) -> None:
    assert "measured T4 (" not in (describe_claim(a_picture(**changes), measured_cards([make_t4()])) or "")


def test_of_several_the_free_one_speaks_else_the_fastest(make_t4: Make) -> None:
    paid = make_t4(device="NVIDIA A100-SXM4-40GB", step_seconds=[0.1] * 48, number=3)
    slower = make_t4(device="Tesla P100-PCIE-16GB", step_seconds=[0.6] * 48, number=4)
    assert "measured T4" in (describe_claim(a_picture(), measured_cards([paid, make_t4()])) or "")
    assert "measured A100" in (describe_claim(a_picture(), measured_cards([slower, paid])) or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"step_seconds": [1e-4] * 48},
        {"step_seconds": [1.0, 1.6] * 24},
        {"step_seconds": [1.0] * 2},
        {"random": True},
        {"workload": "adafruit-480"},
        {"device": "NVIDIA GeForce RTX 3090"},
        {"created": "2999-01-01T00:00:00Z"},
    ],
    ids=["impossible", "noisy", "too few", "random weights", "files at each step", "not of Colab", "yet to come"],
)
def test_what_cannot_be_trusted_is_on_no_list(changes: Any, make_t4: Make) -> None:
    assert measured_cards([make_t4(**changes)]) == []


def test_random_weights_count_where_something_shows_that_they_are_as_fast(make_t4: Make) -> None:
    random = make_t4(random=True)
    pair = [make_t4(number=5, device="A card"), make_t4(number=6, device="A card", random=True)]
    assert len(measured_cards([random, *pair])) == 1


def test_flags_that_nothing_can_have_are_passed_over(make_t4: Make) -> None:
    shipped = make_t4(profile="as-shipped")
    told: list[dict[str, Any]] = [{}, {"precision": "fp8"}, {"precision": "mixed", "deterministic": "yes"}]
    for flags in told:
        assert measured_cards([replace(shipped, software=replace(shipped.software, flags=flags))]) == []
    (mixed,) = measured_cards(
        [replace(shipped, software=replace(shipped.software, flags={"precision": "mixed", "deterministic": False}))]
    )
    assert "Against a measured T4" in (describe_claim(a_picture("mixed"), [mixed]) or "")


def test_the_list_follows_the_folder_of_this_machine(
    home: Path, make_t4: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also a file that somebody put there by hand; after any command of the benchmark."""
    keep_current()
    assert not home.exists()
    store.keep(make_t4())
    assert main(["bench", "history"]) == 0
    (card,) = read_cards()
    assert (card.key, card.place) == ("t4", "colab-hosted")
    before = list_file().stat().st_mtime_ns
    keep_current()
    assert list_file().stat().st_mtime_ns == before
    shutil.rmtree(store.results_folder())
    keep_current()
    assert read_cards() == ()


def test_what_people_handed_in_speaks_too(tmp_path: Path, home: Path, make_t4: Make, make_result: Make) -> None:
    for result in (make_t4(), make_result(number=7)):
        store.keep(result, tmp_path / "results")
    (found,) = store.evidence(tmp_path / "results")  # a card that Colab never had says nothing of it
    assert found.device.name == "Tesla T4"
    assert len(store.evidence_files(tmp_path / "results")) == 2
