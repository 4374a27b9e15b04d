"""The check "python": packages that hide each other, torch with the wrong torchvision, and where it draws."""

import pytest

from provision.doctor.check import CheckVerdict
from provision.doctor.checks.python import is_pair, python
from provision.facts.facts import Facts


def facts(**python_facts: object) -> Facts:
    own = {"version": "3.12.3", "environment": "venv", "doubled": [], "torchvision": "absent", **python_facts}
    torch = {"is_installed": True, "version": "2.6.0+cu124", "cuda": "12.4", "is_cpu_build": False}
    return Facts({"schema": 1, "place": "linux", "python": own, "torch": torch, "linux": {"nvidia_pci_count": 1}})


@pytest.mark.parametrize(
    ("torch", "torchvision", "fits"),
    [
        ("2.6.0+cu124", "0.21.0+cu124", True),
        ("2.13.0", "0.28.0", True),
        ("2.4.0+cu121", "0.20.1+cu124", False),
        ("2.6.0+cu124", "0.21.0+cpu", False),
        ("2.6.0", "0.20.1", False),
        ("2.6.0", "absent", True),
        (None, "0.21.0", True),
        ("1.13.1", "0.14.1", True),
        ("2.9.0+cu128", "0.24.0", True),
    ],
)
def test_pairs(torch: str | None, torchvision: str, fits: bool) -> None:
    assert is_pair(torch, torchvision) is fits


def test_a_whole_environment_passes_and_says_where_it_draws() -> None:
    finding = python(facts())
    assert finding.verdict is CheckVerdict.PASS
    assert finding.sentence == "Python 3.12.3 in a venv; its torch is built for CUDA 12.4."


def test_a_wrong_torchvision_is_renewed_with_torch() -> None:
    finding = python(facts(torchvision="0.20.1+cu124"))
    assert finding.verdict is CheckVerdict.WARN
    assert " torch torchvision " in (finding.fix[0].command or "")


def test_packages_that_stand_twice_are_named() -> None:
    finding = python(facts(doubled=["torch", "numpy"]))
    assert finding.verdict is CheckVerdict.WARN
    assert "torch, numpy" in finding.sentence


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"torch": {"is_installed": False}}, "torch is not installed"),
        ({"linux": {"nvidia_pci_count": 0}}, "no NVIDIA GPU was found"),
        ({"torch": {"is_installed": True, "is_cpu_build": True}}, "built without CUDA"),
    ],
)
def test_why_it_is_the_cpu(changed: dict[str, object], reason: str) -> None:
    document = {**facts().document, **changed}
    assert reason in python(Facts(document)).sentence
