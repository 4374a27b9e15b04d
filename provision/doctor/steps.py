"""Steps that checks in code take from checks.json, and the few that are made of the facts of this machine."""

from __future__ import annotations

from provision.doctor.check import FactReader, FixStep
from provision.doctor.rules import step

RESTART = step("restart")
SHUTDOWN_WSL = step("shutdown-wsl")
WINDOWS_DRIVER = step("windows-driver")
NO_GPU = step("no-gpu")
MAKE_ROOM = step("make-room")
OWN_ENVIRONMENT = step("own-environment")
LOOK_AT_PATH = step("look-at-path")


def allow_service(name: str, how: str = "demand") -> FixStep:
    """Give a service its usual start type back."""
    return step("allow-service", name=name, how=how)


def edit_wslconfig(what: str) -> FixStep:
    """Change .wslconfig."""
    return step("edit-wslconfig", what=what)


def convert_steps(facts: FactReader) -> tuple[FixStep, ...]:
    """How to bring the default distribution to WSL 2."""
    known = facts.get("wsl.default_distribution")
    return (step("convert-distribution" if known else "convert-some-distribution", facts),)


def wddm_steps(facts: FactReader) -> tuple[FixStep, ...]:
    """How to bring a GPU into the driver model that reaches WSL; which one, only where there is but one."""
    is_alone = len(facts.get("windows.nvidia_gpus") or ()) == 1
    return (step("to-wddm"),) if is_alone else (step("list-driver-models"), step("one-to-wddm"))
