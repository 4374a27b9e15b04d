"""What `dreamrig colab` needs: the packages of dreamrig[colab], and a port to listen on."""

from __future__ import annotations

import re

from provision.facts.facts import Part
from provision.machine.machine import Machine

PACKAGES = ("jupyter_server", "ipykernel")
PORTS = range(8888, 8938)
"""Where `dreamrig colab` looks for a free one, from Jupyter's own on."""
LISTENING = re.compile(r"(?m)^\s*\d+: (?:00000000|0100007F|0{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A ")
"""A line of /proc/net/tcp or tcp6: a socket that listens on loopback or on every address; the port in hex."""


def collect_colab(machine: Machine) -> Part:
    """Whether the packages are there, and which of the ports are taken in this system."""
    values: dict[str, object] = {"python.has_colab_packages": all(_has(machine, name) for name in PACKAGES)}
    tables = [machine.read(path) for path in ("/proc/net/tcp", "/proc/net/tcp6")]
    if any(table is not None for table in tables):
        values["linux.ports_taken"] = taken_ports(
            "\n".join((table or b"").decode("ascii", "replace") for table in tables)
        )
    return Part(values)


def _has(machine: Machine, package: str) -> bool:
    return any(machine.exists(f"{entry or '.'}/{package}/__init__.py") for entry in machine.python_path)


def taken_ports(table: str) -> list[int]:
    """Those of PORTS on which something listens, by the tables of the kernel."""
    return sorted({int(port, 16) for port in LISTENING.findall(table)} & set(PORTS))
