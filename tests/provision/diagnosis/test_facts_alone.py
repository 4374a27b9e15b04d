"""`diagnose --facts` without a text, on every recorded machine: it confirms what is so, of a healthy one nothing."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docs.made.errors import LAYERS as HEADINGS
from provision.diagnosis.cause import LAYERS
from provision.diagnosis.diagnose import CONFIRMED, diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.doctor.checks import CHECKS
from provision.doctor.checkup import examine
from provision.facts.facts import Facts
from provision.machine.recorded import Recorded, load_transcript

MACHINES = Path(__file__).parents[2] / "machines"
NAMES = sorted(path.stem for path in MACHINES.glob("*.json"))
HEALTHY = (
    "colab-no-gpu", "colab-t4", "linux-3090", "linux-no-gpu", "windows-healthy", "windows-on-arm",
    "wsl-docker-with-gpu", "wsl-healthy-3090", "wsl-healthy-3090-windows-10", "wsl-laptop-two-gpus", "wsl-no-nvidia",
)  # fmt: skip

UNPROVEN = {
    "windows-hyper-v-guest": "a guest that may virtualize looks the same until it tries",
    "windows-nested-vm": "as above",
    "wsl-docker-without-gpu": "WSL itself may have no GPU either",
    "wsl-kernel-out-of-memory": "only the kernel's own words say it",
}
"""Machines whose cause is likely at most by facts alone, and why."""

SEVERAL: Mapping[str, list[str]] = {
    # Nothing was ever installed on this 1809.
    "windows-too-old": ["windows-build-too-old", "no-distribution-installed"],
    # Slips in both files, and UTF-16.
    "wsl-config-mistakes": ["wslconfig-invalid", "wslconfig-encoding"],
    # The library comes with a driver of Windows, and only with one that knows WSL.
    "wsl-no-windows-driver": ["cuda-windows-driver-missing", "cuda-libcuda-missing"],
    "wsl-old-driver": ["cuda-driver-too-old", "cuda-libcuda-missing"],
}
"""Machines of which more than one cause is true, by reading their transcripts; in fixing order."""


@functools.cache
def facts_of(name: str) -> Facts:
    return examine(Recorded(load_transcript(MACHINES, name)), CHECKS).facts


def confirmed(facts: Facts | Mapping[str, Any]) -> list[str]:
    return [one.cause.slug for one in diagnose(None, facts, load_knowledge()).diagnoses if one.verdict == CONFIRMED]


@pytest.mark.parametrize("name", NAMES)
def test_facts_alone_confirm_what_is_so_and_the_cause_first(name: str) -> None:
    cause = load_transcript(MACHINES, name)["expect"].get("cause")
    single = [] if cause is None or name in UNPROVEN else [cause]
    assert confirmed(facts_of(name)) == SEVERAL.get(name, single)


def test_healthy_machines_confirm_nothing() -> None:
    assert set(HEALTHY) <= set(NAMES)
    assert [name for name in HEALTHY if confirmed(facts_of(name))] == []


def test_the_exceptions_are_machines_with_a_cause() -> None:
    assert all(load_transcript(MACHINES, name)["expect"].get("cause") for name in UNPROVEN)
    assert all(load_transcript(MACHINES, name)["expect"]["cause"] in causes for name, causes in SEVERAL.items())


def test_an_old_windows_is_that_and_nothing_else_of_wsl_2() -> None:
    """Also where features and boot entry are known: 1809 has no WSL 2 to be repaired."""
    windows = {
        "build": 17763, "revision": 6414, "hypervisor_present": False, "hypervisor_launch_type": "auto",
        "firmware_virtualization": True, "slat": True, "vm_monitor": True, "dep_available": True,
        "is_virtual_machine": False, "reboot_pending": False, "nvidia_gpus": ["NVIDIA GeForce RTX 3090"],
        "features": {"virtual_machine_platform": "enabled", "wsl": "enabled", "hyper_v": "enabled"},
        "services": {"vmcompute": "running", "hns": "running", "lxssmanager": "running"},
    }  # fmt: skip
    wsl = {"is_inbox": True, "is_installed": True, "kernel": "absent", "distribution_count": 1}
    assert confirmed({"schema": 1, "windows": windows, "wsl": wsl}) == ["windows-build-too-old"]


def test_a_cpu_build_is_a_fault_only_where_a_gpu_is_known_of() -> None:
    torch = {"is_installed": True, "is_cpu_build": True}
    assert confirmed({"schema": 1, "torch": torch}) == []
    assert confirmed({"schema": 1, "torch": torch, "windows": {"nvidia_gpus": []}}) == []
    for known in (
        {"windows": {"nvidia_gpus": ["NVIDIA GeForce RTX 3090"]}},
        {"cuda": {"device_count": 1}},
        {"linux": {"is_wsl": False, "nvidia_pci_count": 1}},
    ):
        assert confirmed({"schema": 1, "torch": torch, **known}) == ["cuda-torch-cpu-build"]


def test_the_page_of_errors_has_the_layers_in_fixing_order() -> None:
    assert tuple(HEADINGS) == LAYERS
    assert {cause.layer for cause in load_knowledge().causes} <= set(LAYERS)
