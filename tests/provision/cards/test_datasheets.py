"""datasheets.json: is every figure whole, do the figures agree with each other, is the right card found by its name?"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from provision.cards.datasheets import (
    PRECISIONS,
    Datasheet,
    colab_datasheets,
    datasheet,
    datasheets,
    find_datasheet,
    parse_datasheets,
)
from provision.cards.gpus import find_gpu
from provision.checked_json import KnowledgeError, read_json

DOCUMENT: dict[str, Any] = read_json("datasheets.json")
DRIVER_NAMES = {
    "Tesla K80": "k80",
    "Tesla P100-PCIE-16GB": "p100-pcie",
    "Tesla V100-SXM2-16GB": "v100-sxm2",
    "Tesla V100-PCIE-32GB": "v100-pcie",
    "Tesla T4": "t4",
    "NVIDIA L4": "l4",
    "NVIDIA A100-SXM4-40GB": "a100-40gb",
    "NVIDIA A100-SXM4-80GB": "a100-80gb",
    "NVIDIA H100 80GB HBM3": "h100-sxm",
    "NVIDIA H200": "h200-sxm",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "g4",
    "NVIDIA GeForce RTX 3090": "rtx-3090",
    "NVIDIA GeForce RTX 4090": "rtx-4090",
    "NVIDIA GeForce RTX 5090": "rtx-5090",
}
OTHER_CARDS = (
    "NVIDIA GeForce RTX 3090 Ti",
    "NVIDIA GeForce RTX 4090 Laptop GPU",
    "NVIDIA GeForce RTX 4090 D",
    "NVIDIA GeForce RTX 5090 Laptop GPU",
    "NVIDIA H100 PCIe",
    "NVIDIA H200 NVL",
    "NVIDIA L40S",
    "NVIDIA T400",
    "AMD EPYC 7B13",
)


@pytest.mark.parametrize("sheet", datasheets(), ids=lambda sheet: sheet.key)
def test_figures_agree_with_each_other(sheet: Datasheet) -> None:
    if sheet.lanes and sheet.boost_mhz:  # an oracle: two FLOPs per lane and clock
        assert sheet.fp32_tflops.value == pytest.approx(2 * sheet.lanes * sheet.boost_mhz / 1e6, rel=0.03)
    if sheet.tensor_lanes and sheet.boost_mhz and sheet.fp16_tensor_tflops:
        at_boost = 2 * sheet.tensor_lanes * sheet.boost_mhz / 1e6
        printed_for = 1830 / 1980 if sheet.architecture == "Hopper" else 1  # the clock of its tensor figures
        assert sheet.fp16_tensor_tflops.value == pytest.approx(printed_for * at_boost, rel=0.01)
        assert sheet.peak_tflops("fp16") >= at_boost
    assert sheet.fp32_tflops.source
    assert sheet.bandwidth_gb_per_second is not None
    assert all(sheet.peak_tflops(name) >= sheet.fp32_tflops.value for name in PRECISIONS)
    if sheet.architecture in ("Kepler", "Pascal"):
        assert sheet.fp16_tensor_tflops is None
    else:  # without the figure, a bound on anything but fp32 would be false
        assert sheet.fp16_tensor_tflops is not None
        assert sheet.tensor_lanes is not None
    if sheet.architecture not in ("Kepler", "Pascal", "Volta", "Turing"):
        assert sheet.tf32_tensor_tflops is not None
        assert sheet.bf16_tensor_tflops is not None
        assert sheet.bf16_tensor_tflops.value == sheet.fp16_tensor_tflops.value
        assert sheet.tf32_tensor_tflops.value == pytest.approx(sheet.fp16_tensor_tflops.value / 2, rel=0.01)
    if sheet.architecture in ("Kepler", "Pascal", "Volta", "Turing"):
        assert sheet.tf32_tensor_tflops is None
        assert sheet.bf16_tensor_tflops is None


def test_every_card_of_the_plan_is_there() -> None:
    assert {sheet.key for sheet in datasheets()} >= set(DRIVER_NAMES.values())
    assert {sheet.name for sheet in colab_datasheets()} >= {"T4", "L4", "K80 (one die)", "P100 PCIe", "A100 40 GB"}
    assert datasheet("t4").colab


@pytest.mark.parametrize(("name", "key"), DRIVER_NAMES.items())
def test_a_card_is_found_by_the_name_the_driver_gives_it(name: str, key: str) -> None:
    sheet = find_datasheet(name)
    assert sheet is not None
    assert sheet.key == key


@pytest.mark.parametrize("name", OTHER_CARDS)
def test_a_card_of_a_similar_name_is_not_taken_for_another(name: str) -> None:
    assert find_datasheet(name) is None


@pytest.mark.parametrize("name", DRIVER_NAMES)
def test_both_tables_of_gpus_agree(name: str) -> None:
    sheet, entry = find_datasheet(name), find_gpu(name)
    assert sheet is not None
    if entry is not None and entry["fp32_tflops"] is not None and "V100-SXM2" not in name:
        assert entry["fp32_tflops"] == pytest.approx(sheet.fp32_tflops.value, rel=0.02)


def test_a_rounded_figure_makes_no_bound_too_tight() -> None:
    assert datasheet("t4").peak_tflops("fp32") == pytest.approx(8.1408)  # printed as 8.1
    assert datasheet("t4").peak_tflops("fp16") == pytest.approx(65.1264)  # printed as 65
    assert datasheet("t4").peak_tflops("tf32") == datasheet("t4").peak_tflops("fp32")  # it has no such unit
    assert datasheet("p100-pcie").peak_tflops("fp16") == pytest.approx(19.05)


def test_doubts_are_kept() -> None:
    assert "memory" in datasheet("rtx-3090").doubts()["fp16_tensor_tflops"]
    assert datasheet("k80").doubts()["fp32_tflops"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda document: document.update(schema=2), "schema 2"),
        (lambda document: document["gpus"][0].pop("fp32_tflops"), "gpus[0] has no 'fp32_tflops'"),
        (lambda document: document["gpus"][1].update(match="("), "gpus[1] has a 'match'"),
        (lambda document: document["gpus"][2]["fp32_tflops"].update(value=0), "gpus[2].fp32_tflops has 'value' 0.0"),
        (lambda document: document["gpus"][2]["fp32_tflops"].update(value=True), "gpus[2].fp32_tflops has no 'value'"),
        (lambda document: document["gpus"][3]["fp32_tflops"].update(source="me"), "'source' 'me'"),
    ],
)
def test_damage_is_told_with_its_place(change: Any, told: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    with pytest.raises(KnowledgeError) as caught:
        parse_datasheets(document, "datasheets.json")
    assert told in caught.value.message


def test_every_source_is_used() -> None:
    text = json.dumps(DOCUMENT["gpus"])
    assert all(f'"source": "{key}"' in text for key in DOCUMENT["sources"])
