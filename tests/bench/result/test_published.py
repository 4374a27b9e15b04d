"""The figures of others: each whole, each with a doubt, and none that could be taken for a measurement."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from bench.claims.published import FOLDER, Published, load_published, parse_published
from bench.result import store
from bench.result.result import read_result
from dreamrig.errors import UsageError

FILES = sorted(FOLDER.glob("*.json"))


def document(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_whole(path: Any) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert set(found) == {field.name for field in dataclasses.fields(Published)} | {"schema", "kind"}
    assert found["id"] == path.stem
    low, high = found["steps_per_second_low"], found["steps_per_second_high"]
    assert high is None or low <= high


def test_none_is_taken_for_a_result() -> None:
    for path in FILES:
        assert path.stem not in store.baseline_names()
        with pytest.raises(UsageError, match="no result of the benchmark"):
            read_result(path)


def test_every_published_pace_of_vqgan_clip_is_there() -> None:
    paces = {one.id: one.pace for one in load_published() if one.subject == "VQGAN+CLIP" and one.pace}
    assert paces == {
        "adafruit-guide-480": "1",
        "apple-vqgan-on-cpu-256": "0.019",
        "colab-mse-notebook-640x512": "1.51",
        "kaggle-chinese-clip-256": "at least 1.6",
        "runvqgan-workstation": "2.8 to 8.3",
    }
    assert pytest.approx(1.51, rel=0.01) == 458 / (5 * 60 + 4)
    assert pytest.approx(1.61, rel=0.01) == 200 / 124.1
    assert pytest.approx(0.019, rel=0.01) == 1 / 52.45


def test_conditions_in_words() -> None:
    found = {one.id: one for one in load_published()}
    assert found["adafruit-guide-480"].conditions.startswith(
        "free Google Colab, model not recorded, 480x480, 64 cutouts"
    )
    assert found["text2art-hosted"].conditions == "not stated"
    memory = found["memory-tnwei"].memory_mib
    assert memory is not None
    assert memory["480x480"] == 8465


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "measured"}, "kind"),
        ({"doubts": []}, "doubts"),
        ({"steps_per_second_low": -1}, "steps_per_second_low"),
    ],
)
def test_a_broken_file_is_told_with_its_field(change: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_published({**document("adafruit-guide-480"), **change}, "x.json")
