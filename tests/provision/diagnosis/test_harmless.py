"""Where nothing is wrong, nothing is found: healthy outputs, logs of success, settings and questions."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import EXIT_PROBLEM_FOUND
from provision.diagnosis import cli
from provision.diagnosis.cli import DiagnosisDoor
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge

REPORTS = Path(__file__).parents[2] / "reports"
TEXTS: list[dict[str, Any]] = json.loads((REPORTS / "harmless.json").read_text(encoding="utf-8"))["texts"]
ENOUGH = 150
NAMES = (
    "KB5043145",
    "KB5099999 installed successfully",
    "hv_vmbus: registering driver dxgkrnl",
    "checkpoints/vqgan_imagenet_f16_16384.ckpt",
    "RTX 5090",
    "sm_120",
    "/dev/dxg",
    "libcuda.so",
    "ext4.vhdx",
    ".wslconfig",
    "wsl.conf",
    "networkingMode=mirrored",
    "nvidia-driver-550",
    "vmcompute",
    "VirtualMachinePlatform",
    "Hyper-V",
    "Cisco AnyConnect",
    "Tesla T4",
    "torch",
    "taming.models",
    "docker run --gpus all",
    "CUDA_VISIBLE_DEVICES=0",
)
"""A name, a product, a path or a number alone."""


def test_there_are_enough_and_each_is_there_once() -> None:
    assert len({item["text"] for item in TEXTS}) == len(TEXTS) >= ENOUGH
    assert len({item["id"] for item in TEXTS}) == len(TEXTS)


@pytest.mark.parametrize("item", TEXTS, ids=lambda item: item["id"])
def test_nothing_is_found_where_nothing_is_wrong(item: dict[str, Any]) -> None:
    found = diagnose(item["text"], None, load_knowledge()).diagnoses
    assert [(one.cause.slug, [entry["matched"] for entry in one.evidence]) for one in found] == []


@pytest.mark.parametrize("text", NAMES)
def test_a_name_alone_is_no_evidence(text: str) -> None:
    assert [one.cause.slug for one in diagnose(text, None, load_knowledge()).diagnoses] == []


def test_a_harmless_text_in_utf_16_is_as_harmless() -> None:
    found = {item["id"]: diagnose(item["text"].encode("utf-16"), None, load_knowledge()).diagnoses for item in TEXTS}
    assert [name for name, diagnoses in found.items() if diagnoses] == []


def test_the_command_says_so_and_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    for item in TEXTS[:: len(TEXTS) // 12]:
        stream = io.BytesIO(item["text"].encode())
        assert cli.diagnose([], DiagnosisDoor(stdin=lambda stream=stream: stream)) == EXIT_PROBLEM_FOUND  # type: ignore[misc]
        assert "No cause in the knowledge base fits" in capsys.readouterr().out


def test_a_text_with_an_error_beside_healthy_output_is_still_found() -> None:
    """Healthy lines around it neither hide an error nor add a cause to it."""
    error = "WslRegisterDistribution failed with error: 0x80370102"
    alone = {one.cause.slug for one in diagnose(error, None, load_knowledge()).diagnoses}
    for item in TEXTS[::9]:
        if re.search("Virtuali|hypervisor|HypervisorPresent|Version:|Build", item["text"], re.IGNORECASE):
            continue  # it says something about the cause
        found = [one.cause.slug for one in diagnose(f"{item['text']}\n{error}", None, load_knowledge()).diagnoses]
        assert found[0] == "firmware-virtualization-off", item["id"]
        assert alone <= set(found), item["id"]
