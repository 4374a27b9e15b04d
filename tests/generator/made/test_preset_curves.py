"""The record of the presets' losses: what is measured, what is drawn, and that the page tells it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
import torch

from docs.made import preset_curves
from docs.made import presets as presets_page
from docs.made.preset_chart import COLOURS, MOST_TICKS, band, panels_of, render_chart, round_ticks
from generator.engine.cutouts import apply
from generator.engine.loop import generate
from generator.engine.losses import spherical
from generator.events import Step
from generator.models.base import Models
from generator.presets import PRESETS

RECORD: dict[str, Any] = json.loads(preset_curves.RECORD.read_text(encoding="utf-8"))


def test_the_whole_picture_is_looked_at_as_the_formula_says(models: Models, toy_config: Callable[..., Any]) -> None:
    config = toy_config(prompt="fog", steps=5)
    run = preset_curves.record_run(config, models, look_every=2)
    steps = [event for event in generate(config, models) if isinstance(event, Step)]
    assert run["loss"] == [round(step.loss(), 5) for step in steps]
    assert [index for index, _ in run["whole_picture"]] == [0, 2, 4]
    guide, picture = models.guides[0], steps[2].image()[None]
    whole = torch.tensor([[0, 0, min(picture.shape[2:])]])
    with torch.no_grad():
        seen = spherical(guide.encode_image(apply(picture, whole, guide.size)), guide.encode_text(["fog"]))
    assert run["whole_picture"][1][1] == pytest.approx(float(seen), abs=1e-5)


def test_every_preset_is_run_with_its_own_settings(models: Models) -> None:
    record = preset_curves.record_all(models, side=16, steps=2, seeds=(1, 2), look_every=1)
    assert list(record["presets"]) == list(PRESETS)
    for name, facts in record["presets"].items():
        values = PRESETS[name].values_for("starter")
        assert facts["cutouts"] == values.get("cutouts", facts["cutouts"])
        assert [run["seed"] for run in facts["runs"]] == [1, 2]
        assert all(len(run["loss"]) == 2 for run in facts["runs"])
    render_chart(record)


def test_the_record_holds_what_the_page_needs() -> None:
    assert set(RECORD["presets"]) == set(PRESETS)
    for facts in RECORD["presets"].values():
        assert len({run["seed"] for run in facts["runs"]}) >= 3
        assert all(len(run["loss"]) == RECORD["steps"] for run in facts["runs"])
    section = presets_page.render_curves()
    assert f"{RECORD['steps']} steps" in section
    crowson = [run["whole_picture"][-1][1] for run in RECORD["presets"]["crowson"]["runs"]]
    assert f"{sum(crowson) / len(crowson):.3f} ({min(crowson):.3f}–{max(crowson):.3f}) |" in section


def test_every_preset_comes_nearer_as_the_page_says() -> None:
    assert "every preset comes nearer to the prompt" in presets_page.CURVES
    for facts in RECORD["presets"].values():
        for run in facts["runs"]:
            assert run["whole_picture"][-1][1] < run["whole_picture"][0][1]


def test_the_chart_is_of_this_record() -> None:
    text = preset_curves.CHART.read_text(encoding="utf-8")
    assert text == render_chart(RECORD), "run: python -m docs.made.preset_curves --chart"


def test_the_chart_draws_means_and_bands() -> None:
    assert band([[(0, 1.0), (2, 4.0)], [(0, 3.0), (2, 2.0)]]) == [(0, 1.0, 2.0, 3.0), (2, 2.0, 3.0, 4.0)]
    root = ET.fromstring(render_chart(RECORD))
    lines = [element for element in root.iter() if element.tag.endswith("polyline")]
    assert len(lines) == 2 * len(PRESETS) <= 2 * len(COLOURS)
    box = [float(number) for number in root.get("viewBox", "").split()]
    for line in lines:
        for point in line.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= box[2]
            assert 0 <= y <= box[3]
    assert [panel.title for panel in panels_of(RECORD)][1] == "the preset’s own loss"


@pytest.mark.parametrize(
    ("top", "expected"),
    [(39, [0, 5, 10, 15, 20, 25, 30, 35]), (1.14, [0, 0.2, 0.4, 0.6, 0.8, 1]), (1, [0, 0.2, 0.4, 0.6, 0.8, 1])],
)
def test_ticks_are_round(top: float, expected: list[float]) -> None:
    assert round_ticks(top) == expected
    assert all(3 <= len(round_ticks(number / 7)) <= MOST_TICKS for number in range(1, 2000))
