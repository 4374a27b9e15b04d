"""wheels.json: does every build that is offered have kernels for the GPU and run on the driver it is offered for?"""

import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest

from provision.cards.gpus import load_gpus
from provision.cards.wheels import INDEX_URL, choose_wheel, load_wheels, newest_for, overview
from provision.checked_json import read_json
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.wheel_steps import fit_step, fit_wheels
from provision.doctor.checks.cuda import fitting_torch
from provision.facts.facts import Facts

ROOT = Path(__file__).parents[3]
CAPABILITIES = ["5.0", "5.2", "6.0", "6.1", "7.0", "7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "12.0", "12.1"]
DRIVERS = [None, "11.4", "11.8", "12.0", "12.2", "12.4", "12.8", "13.0", "13.1", "14.0"]
PYTHONS = [None, "3.9", "3.10", "3.12", "3.13", "3.14", "3.15"]
STEPS = [
    (cause["slug"], step)
    for cause in read_json("causes.json")["causes"]
    for step in cause["fix"]
    if "download.pytorch.org" in (step["command"] or "")
]


@pytest.mark.parametrize(("capability", "driver"), list(itertools.product(CAPABILITIES, DRIVERS)))
def test_what_is_offered_has_the_architecture_and_runs_on_the_driver(capability: str, driver: str | None) -> None:
    for python in PYTHONS:
        wheel = choose_wheel(capability, driver, python)
        if wheel is None:
            continue
        major, minor = map(int, capability.split("."))
        same = [int(arch.split(".")[1]) for arch in wheel.archs if int(arch.split(".")[0]) == major]
        assert same, (wheel.index, capability)
        assert min(same) <= minor
        assert driver is None or int(driver.split(".")[0]) >= int(wheel.cuda.split(".")[0])
        assert newest_for(wheel, python) is not None


@pytest.mark.parametrize(
    ("capability", "driver", "index"),
    [
        ("12.0", None, "cu128"),
        ("12.0", "12.8", "cu128"),
        ("12.0", "13.0", "cu130"),
        ("8.6", None, "cu126"),
        ("8.6", "12.2", "cu126"),
        ("8.6", "13.0", "cu130"),
        ("8.6", "11.4", "cu118"),
        ("6.1", "13.1", "cu126"),
        ("7.0", "13.0", "cu126"),
        ("9.0", "12.4", "cu126"),
        (None, None, "cu126"),
    ],
)
def test_the_index_of_2026(capability: str | None, driver: str | None, index: str) -> None:
    wheel = choose_wheel(capability, driver)
    assert wheel is not None
    assert wheel.index == index


@pytest.mark.parametrize(
    ("capability", "driver", "python"), [("3.7", None, None), ("12.0", "11.4", None), ("8.6", None, "3.7")]
)
def test_where_nothing_fits_nothing_is_offered(capability: str, driver: str | None, python: str | None) -> None:
    assert choose_wheel(capability, driver, python) is None


def test_every_gpu_that_cuda_12_serves_gets_a_build() -> None:
    served = [entry for entry in load_gpus()["gpus"] if not entry["architecture"].startswith("Kepler")]
    assert [entry["pattern"] for entry in served if choose_wheel(entry["capability"], "13.0") is None] == []


def test_command_and_sentence_name_one_index() -> None:
    for wheel in load_wheels():
        assert wheel.command().endswith(INDEX_URL + wheel.index)
        assert wheel.sentence().startswith(f"{wheel.index} has PyTorch")


def test_every_step_that_installs_torch_leaves_the_index_open_and_renews_torchvision_too() -> None:
    # What belongs to a release that is there, or to an older one, wants its index, whatever the card.
    installing = [(slug, step) for slug, step in STEPS if not step["command"].endswith(("/cpu", "/cuNNN"))]
    assert len(installing) >= 5
    for slug, step in installing:
        assert "INDEX" in step["command"], slug
        assert " torch torchvision " in step["command"], slug
        assert step["text"].endswith(overview()), f"{slug}: its sentence is not that of wheels.json"


def told_by(text: str) -> list[dict[str, Any]]:
    report = diagnose(text, None, load_knowledge())
    fitted = fit_wheels(report, report.told.get)
    return [
        dict(step)
        for one in fitted.diagnoses
        for step in one.cause.document["fix"]
        if "whl/" in (step["command"] or "")
    ]


def test_a_text_that_names_the_card_gets_its_index_in_sentence_and_command() -> None:
    text = (
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation."
    )
    first = told_by(text)[0]
    assert "cu128" in first["text"]
    assert first["command"].endswith("/cu128")
    assert "cu126" not in first["text"]


def test_the_driver_of_the_text_counts_too() -> None:
    first = told_by(
        "| NVIDIA-SMI 580.65 Driver Version: 580.88 CUDA Version: 13.0 |\nRTX 5090: no kernel image is available"
    )[0]
    assert "cu130" in first["text"]
    assert first["command"].endswith("/cu130")


def test_a_card_without_builds_is_told_so() -> None:
    step = STEPS[0][1]
    fitted = fit_step(step, {"cuda.capability": "3.7"}.get)
    assert fitted["command"] is None
    assert "sm_37" in fitted["text"]


def test_the_doctor_takes_the_same_build() -> None:
    facts = Facts({"schema": 1, "place": "linux", "cuda": {"capability": "12.0", "driver_cuda": "12.8"}, "torch": {}})
    step = fitting_torch(facts, "Or by hand:")
    assert step.command is not None
    assert step.command.endswith("/cu128")
    assert "cu128" in step.text


def test_the_table_knows_every_release_that_dreamrig_accepts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = next(item for item in project["project"]["dependencies"] if item.startswith("torch>"))
    limit = int(wanted.rpartition("<2.")[2])
    assert max(int(wheel.torch[1].split(".")[1]) for wheel in load_wheels()) >= limit - 1
