"""Which machine, which software: what a result says about where it was measured. No host, user or serial number."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.result.result import PLACES, BenchResult, Device, Host, Place, Software, Tool
from dreamrig import __version__
from dreamrig.errors import UsageError
from dreamrig.words import MIB
from provision.machine.nvml import NvmlGauge

if TYPE_CHECKING:
    import torch

    from provision.machine.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
GIT_SECONDS = 5.0


def describe_tool(root: Path = ROOT) -> Tool:
    """The dreamrig that runs, with the commit where it runs from a checkout of its own."""
    if not (root / ".git").exists():
        return Tool(version=__version__)
    commit, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "--untracked-files=no")
    return Tool(version=__version__, commit=commit or None, is_dirty=None if status is None else bool(status))


def _git(root: Path, *words: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None


def describe_host(machine: Machine | None = None) -> tuple[Host, Place]:
    """The machine, and the place: one of PLACES."""
    from provision.facts.collectors import linux
    from provision.facts.facts import look_up, put
    from provision.machine.local import ThisMachine

    machine = machine or ThisMachine()
    place = linux.find_place(machine)
    facts: dict[str, Any] = {}
    if machine.system == "linux":
        for path, value in linux.collect_system(machine).values.items():
            put(facts, path, value)
    is_container = look_up(facts, "linux.is_container")
    host = Host(
        os=str(look_up(facts, "linux.distribution") or f"{platform.system()} {platform.release()}")[:200],
        kernel=look_up(facts, "linux.kernel"),
        cpu=_processor(),
        cpu_threads=_cpu_threads(),
        memory_mib=_memory_mib(),
        wsl_version=look_up(facts, "linux.wsl_version"),
        is_container=is_container,
    )
    return host, _place(place, is_container=bool(is_container))


def without_names(result: BenchResult, machine: Machine | None = None) -> BenchResult:
    """The same without this machine's and its user's names, addresses and folders, wherever a text might hold them.

    Those are the texts that are not ours: the system's description, and why a gauge could not be read. What a driver
    calls its device stays, and the user's own note.
    """
    from provision.facts.facts import Facts
    from provision.facts.redact import make_redactor
    from provision.machine.local import ThisMachine

    known = {"linux": {"kernel": result.host.kernel}, "torch": {"version": result.software.torch}}
    redactor = make_redactor(machine or ThisMachine(), Facts({"place": "other", "unknown": {}, **known}))
    host = replace(
        result.host,
        os=redactor.text(result.host.os),
        kernel=result.host.kernel and redactor.text(result.host.kernel),
    )
    telemetry = result.telemetry
    if telemetry is not None:
        missing = {field: redactor.text(why) for field, why in telemetry.missing.items()}
        telemetry = replace(telemetry, missing=missing)
    return replace(result, host=host, telemetry=telemetry)


def _place(found: str, *, is_container: bool) -> Place:
    """A place of the facts as a place of a result."""
    if found == "colab":
        return "colab-hosted"
    if found == "linux" and is_container:
        return "container"
    if found == "other" and platform.system() == "Darwin":
        return "mac"
    return cast("Place", found) if found in PLACES else "other"


def require_place(asked: str) -> Place:
    """A place that somebody named; UsageError for one that there is not."""
    if asked not in PLACES:
        raise UsageError(f"There is no place {asked!r}.", hint=f"use one of: {', '.join(PLACES)}")
    return cast("Place", asked)


def _processor() -> str:
    """The processor's name, as the engine tells it."""
    import torch

    from generator.devices import describe

    return describe(torch.device("cpu")).removeprefix("cpu (").removesuffix(")")[:200]


def _cpu_threads() -> int | None:
    import psutil

    return psutil.cpu_count()


def _memory_mib() -> float:
    import psutil

    return round(psutil.virtual_memory().total / MIB)


def describe_device(device: torch.device, gauge: NvmlGauge | None) -> Device:
    """The device that computes, with what NVML knows of a card."""
    import torch

    if device.type != "cuda":
        return Device(kind="mps" if device.type == "mps" else "cpu", name=_processor())
    major, minor = torch.cuda.get_device_capability(device)
    known: dict[str, Any] = {
        "memory_mib": torch.cuda.get_device_properties(device).total_memory / MIB,
        "count": torch.cuda.device_count(),
        **(gauge.facts() if gauge else {}),
    }
    name = torch.cuda.get_device_name(device)[:200]
    return Device(kind="cuda", name=name, capability=f"{major}.{minor}", **known)


def describe_software(threads: int | None, flags: dict[str, Any]) -> Software:
    """Python, torch and what torch computes with."""
    import torch

    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # torch ships it untyped
    return Software(
        python=platform.python_version(),
        torch=torch.__version__,
        cuda_runtime=torch.version.cuda,
        cudnn=None if cudnn is None else str(cudnn),
        threads=threads,
        flags=flags,
    )
