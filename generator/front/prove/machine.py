"""What a proof tells about its machine: card, driver, systems, versions; nobody's name, no path, no address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.facts.redact import Redactor, make_redactor
from provision.facts.survey import Survey
from provision.machine.machine import Machine

TOLD = (
    "linux.kernel",
    "linux.distribution",
    "linux.is_wsl",
    "linux.wsl_version",
    "linux.is_container",
    "linux.memory_mib",
    "wsl.version",
    "windows.build",
    "windows.nvidia_driver",
    "cuda.driver",
    "cuda.driver_cuda",
    "cuda.device_count",
    "cuda.gpu_names",
    "cuda.capability",
    "cuda.memory_mib",
    "torch.version",
    "torch.cuda",
    "torch.is_cpu_build",
    "torch.arch_list",
    "torch.cuda_available",
    "torch.kernel",
    "python.version",
)
"""Facts as the doctor knows them, by dotted path: those without a text that somebody else wrote into them."""


def describe_machine(machine: Machine) -> tuple[dict[str, Any], Redactor]:
    """The facts of TOLD, None = could not be read; and what takes this machine's own names out of any other text."""
    survey = Survey(machine)
    survey.prefetch()
    found = {path: _ask(survey, path) for path in TOLD}
    redactor = make_redactor(machine, survey.seen())
    return {"place": survey.place, **{path: redactor.value(value) for path, value in found.items()}}, redactor


def _ask(survey: Survey, path: str) -> Any:
    try:
        return survey.get(path)
    except Exception:  # noqa: BLE001 - one collector that breaks must not cost the proof
        return None


def in_words(facts: Mapping[str, Any]) -> str:
    """One line about the machine: its card or that there is none, driver, system, torch."""
    cards, driver = facts.get("cuda.gpu_names") or (), facts.get("cuda.driver") or facts.get("windows.nvidia_driver")
    system = facts.get("linux.distribution") or facts["place"]
    parts = [
        ", ".join(cards) if cards else "no NVIDIA card seen",
        *([f"driver {driver}"] if driver else []),
        f"{system} in WSL {facts.get('linux.wsl_version') or ''}".rstrip() if facts.get("linux.is_wsl") else system,
        f"torch {facts.get('torch.version') or 'unknown'}",
        f"Python {facts.get('python.version') or 'unknown'}",
    ]
    return " · ".join(parts)
