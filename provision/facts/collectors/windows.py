"""The Windows half of the facts: from powershell/doctor.ps1, started from Windows or, through interop, from WSL.

Where that script cannot be run, three programs that every Windows has tell the little that a GPU needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dreamrig.errors import UsageError
from provision.facts.collectors.linux import has_interop, is_wsl, wsl_conf
from provision.facts.facts import Part, from_json
from provision.facts.wslconf import read_wslconfig
from provision.machine.machine import NOT_FOUND, Machine

POWERSHELL = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File")
ASK_CMD = ("/u", "/d", "/c", "ver & set USERPROFILE")
"""/u: UTF-16 whatever the console's code page is."""
ASK_NVIDIA = ("--query-gpu=name,driver_version,driver_model.current", "--format=csv,noheader")
POWERSHELL_SECONDS, PROGRAM_SECONDS = 45.0, 8.0
NO_INTEROP = "failed: Windows programs cannot be started from here (interop is off)"


def collect_windows(machine: Machine) -> Part:
    """The windows and wsl halves; empty on a plain Linux."""
    if not has_windows(machine):
        return Part()
    if is_wsl(machine) and not has_interop(machine, wsl_conf(machine)):
        return Part(unknown=_both(NO_INTEROP))
    part, reason = ask_powershell(machine)
    if part is not None:
        return part
    basic = ask_programs(machine)
    return Part(basic, _both(reason), "wsl.exe, nvidia-smi.exe, cmd.exe" if basic else None)


def has_windows(machine: Machine) -> bool:
    """Whether there is a Windows to ask."""
    return machine.system == "win32" or (machine.system == "linux" and is_wsl(machine))


def _both(reason: str) -> dict[str, str]:
    return {"windows": reason, "wsl": reason}


def ask_powershell(machine: Machine) -> tuple[Part | None, str]:
    """What doctor.ps1 finds, or None and the reason."""
    script = f"{machine.root}/powershell/doctor.ps1"
    if not machine.exists(script):
        return None, "failed: powershell/doctor.ps1 is not beside this Python package"
    path = windows_path(machine, script)
    if path is None:
        return None, "failed: wslpath does not translate the path of doctor.ps1"
    program = windows_program(machine, "powershell.exe", "System32/WindowsPowerShell/v1.0/powershell.exe")
    ran = machine.run(program, *POWERSHELL, path, "-Facts", "-Json", timeout_seconds=POWERSHELL_SECONDS)
    if ran.code == NOT_FOUND:
        return None, "failed: there is no powershell.exe"
    start = ran.text.find("{")
    if start < 0:
        return None, ran.why_not if not ran.good else "failed: doctor.ps1 printed no JSON"
    try:
        answer = json.loads(ran.text[start:])
        if problem := _problem(answer):
            return None, f"failed: {problem}"
        facts = from_json(answer, "the answer of doctor.ps1")
    except (json.JSONDecodeError, RecursionError, UsageError) as error:
        return None, f"failed: {error}"
    if facts.document.get("windows") is None:
        return None, "failed: doctor.ps1 found no Windows"
    return Part(dict(_leaves(facts.document)), dict(facts.document["unknown"]), _collector(facts.document)), ""


def _problem(answer: Any) -> str | None:
    """What the document of a failed doctor.ps1 says; None where it has data."""
    errors = answer.get("errors") if isinstance(answer, dict) and answer.get("data") is None else None
    return str(errors[0].get("message")) if errors and isinstance(errors[0], dict) else None


def _leaves(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of the two halves that Windows makes."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for key, value in node.items():
                yield from walk(value, f"{path}.{key}")
        else:
            yield path, node

    for half in ("windows", "wsl"):
        yield from walk(document.get(half) or {}, half)


def _collector(document: Mapping[str, Any]) -> str:
    return ", ".join(document.get("collectors") or ()) or "powershell"


def windows_path(machine: Machine, path: str) -> str | None:
    """A path of this system as Windows programs want it."""
    if machine.system == "win32":
        return path.replace("/", "\\")
    ran = machine.run("wslpath", "-w", path, timeout_seconds=PROGRAM_SECONDS)
    return ran.first_line if ran.good else None


def windows_program(machine: Machine, name: str, place: str) -> str:
    """A Windows program by name, or by its place below the Windows folder where the Windows PATH is not appended."""
    if machine.system == "win32" or machine.which(name):
        return name
    full = f"{drives_root(machine)}/c/Windows/{place}"
    return full if machine.exists(full) else name


def drives_root(machine: Machine) -> str:
    """Where WSL mounts the drives: /mnt, or what [automount] root says."""
    return (wsl_conf(machine).values.get("automount.root") or "/mnt").rstrip("/")


def ask_programs(machine: Machine) -> dict[str, Any]:
    """Build, driver and WSL version without PowerShell; in every language, since only numbers and names are read."""
    smi = windows_program(machine, "nvidia-smi.exe", "System32/nvidia-smi.exe")
    return {
        **read_ver(ask_cmd(machine)),
        **read_nvidia_smi(machine.run(smi, *ASK_NVIDIA, timeout_seconds=PROGRAM_SECONDS).text),
        **read_wsl_version(ask_wsl(machine)),
    }


def ask_wsl(machine: Machine) -> str:
    """What `wsl --version` says where WSL is installed; '' elsewhere.

    Without WSL, the wsl.exe of Windows 11 24H2 takes that question for a wish to install it (oomol-lab/ovm-win PR 87).
    From inside WSL there is one for certain.
    """
    program = windows_program(machine, "wsl.exe", "System32/wsl.exe")
    if machine.system == "win32":
        program = f"{machine.env('ProgramFiles') or 'C:/Program Files'}/WSL/wsl.exe"
        if not machine.exists(program):
            return ""
    return machine.run(program, "--version", timeout_seconds=PROGRAM_SECONDS).text


def ask_cmd(machine: Machine) -> str:
    """What cmd.exe says about Windows' version and the user's folder."""
    program = windows_program(machine, "cmd.exe", "System32/cmd.exe")
    return machine.run(program, *ASK_CMD, timeout_seconds=PROGRAM_SECONDS).text


def read_ver(text: str) -> dict[str, Any]:
    """`Microsoft Windows [Version 10.0.22631.3007]` in any language -> build and revision."""
    found = re.search(r"\[[^\]\d]*\d+\.\d+\.(\d+)(?:\.(\d+))?\]", text)
    if found is None:
        return {}
    return {"windows.build": int(found[1]), **({"windows.revision": int(found[2])} if found[2] else {})}


def read_nvidia_smi(text: str) -> dict[str, Any]:
    """Rows `NVIDIA GeForce RTX 3090, 552.86, WDDM` -> names, driver, driver model."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    rows = [row for row in rows if len(row) == 3 and re.fullmatch(r"\d+\.\d+", row[1])]
    if not rows:
        return {}
    models = {row[2].lower() for row in rows} & {"wddm", "tcc", "mcdm"}
    model = models.pop() if len(models) == 1 else "mixed" if models else None
    return {
        "windows.nvidia_gpus": [row[0] for row in rows],
        "windows.nvidia_driver": rows[0][1],
        "windows.nvidia_driver_model": model,
    }


def read_wsl_version(text: str) -> dict[str, Any]:
    """`WSL version: 2.4.13.0` and `Kernel version: ...` in any language: the first two lines that end in a version."""
    found = re.findall(r"(?m)[:：]\s*(\d+(?:\.\d+)+(?:-\d+)?)\s*$", text)
    if len(found) < 2:
        return {}
    return {"wsl.version": found[0], "wsl.kernel": found[1], "wsl.is_installed": True, "wsl.is_inbox": False}


def collect_wslconfig(machine: Machine) -> Part:
    """What .wslconfig sets and what is wrong in it, read by ourselves."""
    if not has_windows(machine):
        return Part()
    folder = profile_folder(machine)
    if folder is None:
        return Part()
    settings = read_wslconfig(machine.read(f"{folder}/.wslconfig"))
    values = {
        "wsl.wslconfig_encoding": settings.encoding,
        "wsl.wslconfig_problems": list(settings.problems),
        "wsl.wslconfig_gpu_support": settings.boolean("wsl2.gpuSupport", True),
        "wsl.wslconfig_custom_kernel": settings.values.get("wsl2.kernel", ""),
        "wsl.wslconfig_memory_mib": settings.size_mib("wsl2.memory"),
        "wsl.wslconfig_networking_mode": settings.values.get(
            "wsl2.networkingmode", settings.values.get("experimental.networkingmode", "")
        ).lower(),
        "wsl.wslconfig_localhost_forwarding": settings.boolean("wsl2.localhostForwarding", True),
    }
    return Part(values)


def profile_folder(machine: Machine) -> str | None:
    """The folder of the Windows user as this system reaches it; None where that cannot be told."""
    if machine.system == "win32":
        return machine.env("USERPROFILE")
    if not has_interop(machine, wsl_conf(machine)):
        return None
    found = re.search(r"(?m)^USERPROFILE=([A-Za-z]):\\(.+?)\s*$", ask_cmd(machine))
    if found is None:
        return None
    folder = f"{drives_root(machine)}/{found[1].lower()}/" + found[2].replace("\\", "/")
    return folder if machine.exists(folder) else None
