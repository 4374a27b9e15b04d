"""What a machine needs to join a crew: Ray's package, ports to listen on, an address that others can reach.

And what the head of the crew would say, where this home knows one: `dreamrig crew check` asks it.
"""

from __future__ import annotations

import ipaddress
import json
import re

from provision.facts.facts import Part
from provision.machine.machine import Machine, Ran

PORTS = (*range(8702, 8708), *range(8710, 8750))
"""Of `dreamrig crew join`: managers, Ray's helpers, workers."""
ASK = ("-m", "dreamrig", "crew", "check", "--json")
HEAD_SECONDS = 60.0
NOT_READY = 4
LISTENING = re.compile(r"(?m)^\s*\d+: [0-9A-F]{8,32}:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A ")
"""A line of /proc/net/tcp or tcp6: a socket that listens on whatever address; the port in hex."""
LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")
"""An address of this machine in /proc/net/fib_trie."""
TAILNET = ipaddress.ip_network("100.64.0.0/10")
"""Where Tailscale's addresses lie (tailscale.com/kb/1015/100.x-addresses)."""


def collect_crew(machine: Machine) -> Part:
    """Whether Ray is there, which of its ports are taken, and what kinds of addresses this system has."""
    values: dict[str, object] = {"python.has_ray": _has_ray(machine), "python.ray_version": _ray_version(machine)}
    tables = [machine.read(path) for path in ("/proc/net/tcp", "/proc/net/tcp6")]
    if any(table is not None for table in tables):
        text = "\n".join((table or b"").decode("ascii", "replace") for table in tables)
        values["linux.crew_ports_taken"] = sorted({int(port, 16) for port in LISTENING.findall(text)} & set(PORTS))
    routes = machine.read("/proc/net/fib_trie")
    if routes is not None:
        values["linux.address_kinds"] = address_kinds(routes.decode("ascii", "replace"))
    return Part(values)


def _has_ray(machine: Machine) -> bool:
    return any(machine.exists(f"{entry or '.'}/ray/__init__.py") for entry in machine.python_path)


def _ray_version(machine: Machine) -> str:
    for entry in machine.python_path:
        text = (machine.read(f"{entry or '.'}/ray/_version.py") or b"").decode("utf-8", "replace")
        if found := re.search(r"""(?m)^version = ["']([^"']+)""", text):
            return found[1]
    return "absent"


def collect_head(machine: Machine) -> Part:
    """What the head would refuse this machine for, by kinds that name no address; nobody is asked without a token."""
    if not (_has_ray(machine) and machine.exists(f"{machine.data_folder()}/crew/token")):
        return _told(None, "absent")
    ran = machine.run(*(machine.python, *ASK), timeout_seconds=HEAD_SECONDS, cwd=machine.root)
    try:
        seen = json.loads(ran.text)["data"]
        role, kinds = seen["role"], sorted({one["kind"] for one in seen["hindrances"]})
    except (ValueError, KeyError, TypeError):
        return _told(None, _why_not(ran))
    return _told(role, "absent" if seen["head"] is None else kinds)


def _told(role: str | None, hindrances: list[str] | str) -> Part:
    """hindrances: a text says why they are not known."""
    known: dict[str, object] = {} if role is None else {"linux.crew_role": role}
    if isinstance(hindrances, list):
        return Part({**known, "linux.crew_hindrances": hindrances}, {"linux.crew_role": "absent"})
    return Part(known, {"linux.crew_role": hindrances, "linux.crew_hindrances": hindrances})


def _why_not(ran: Ran) -> str:
    """That nobody answers, without an address, or what else went wrong."""
    return "failed: the head does not answer, or has another token" if ran.code == NOT_READY else ran.why_not


def address_kinds(routes: str) -> list[str]:
    """tailscale, private, public: of the addresses that the kernel calls its own, without loopback. No address."""
    found = (ipaddress.ip_address(text) for text in LOCAL.findall(routes))
    return sorted({_kind(one) for one in found if not one.is_loopback and not one.is_link_local})


def _kind(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address in TAILNET:
        return "tailscale"
    return "private" if address.is_private else "public"
