"""The Python that runs dreamrig: do its packages belong together, and where does it draw."""

from __future__ import annotations

from provision.doctor.check import FactReader, Finding, evidence, passed, unknown, warned
from provision.doctor.checks.cuda import fitting_torch
from provision.doctor.rules import holds
from provision.doctor.steps import LOOK_AT_PATH, OWN_ENVIRONMENT
from provision.versions import version_tuple


def python(facts: FactReader) -> Finding:
    """Packages that hide each other, torch with a torchvision of another release; and why the device is what it is."""
    environment = facts.get("python.environment")
    if environment is None:
        return unknown(facts, "python.environment")
    proof = evidence(facts, "python.version", "python.environment", "torch.version", "python.torchvision")
    if doubled := facts.get("python.doubled"):
        sentence = f"Twice on the path of this Python, so that one hides the other: {', '.join(doubled)}."
        return warned(sentence, (*proof, *evidence(facts, "python.doubled")), OWN_ENVIRONMENT, LOOK_AT_PATH)
    torch, torchvision = facts.get("torch.version"), facts.get("python.torchvision")
    if not is_pair(torch, torchvision):
        sentence = f"torch {torch} and torchvision {torchvision} are not of one release."
        return warned(sentence, proof, fitting_torch(facts, "Renew both in one go:"))
    kind = {"venv": "in a venv", "conda": "of conda", "system": "of the system"}[environment]
    return passed(f"Python {facts.get('python.version')} {kind}; {tell_device(facts)}.", *proof)


def is_pair(torch: str | None, torchvision: str | None) -> bool:
    """Whether two versions belong together: torch 2.x with torchvision 0.(x + 15) for one CUDA; or one is missing.

    github.com/pytorch/vision#installation
    """
    if torch in (None, "absent") or torchvision in (None, "absent"):
        return True
    release, vision = version_tuple(str(torch)), version_tuple(str(torchvision))
    if release[:1] != (2,) or len(vision) < 2:
        return True
    minor = release[1] if len(release) > 1 else 0
    built, built_vision = (str(version).partition("+")[2] for version in (torch, torchvision))
    return vision[:2] == (0, minor + 15) and (not built or not built_vision or built == built_vision)


def tell_device(facts: FactReader) -> str:
    """What it draws on as far as files tell, and why it is the CPU where it is: torch is not imported for that."""
    if facts.get("torch.is_installed") is False:
        return "it draws nowhere, because torch is not installed"
    if not holds("has-gpu", facts):
        return "it draws on the CPU, because no NVIDIA GPU was found"
    if facts.get("torch.is_cpu_build"):
        return "it draws on the CPU, because its torch was built without CUDA"
    return f"its torch is built for CUDA {facts.get('torch.cuda')}"
