"""How friends reach a server, inside WSL above all: what applies here, what each way needs, what can go wrong.

Printed, never done. Whether an address leads here is tried by `probe`. Issues named are those of microsoft/WSL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from generator.serve.settings import ServeSettings
from provision.facts.collectors.windows import windows_path
from provision.machine.machine import Machine

WSL_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
"""Under which the firewall of Hyper-V knows WSL."""
NAT = "the LAN, WSL in NAT mode"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is around this server, as far as it can be told; None = it cannot."""

    is_wsl: bool = False
    networking: str | None = None
    """nat, mirrored, bridged, virtioproxy or none, as wslinfo says."""
    address: str | None = None
    """Of this system, in its network."""
    tailscale_name: str | None = None
    distribution: str = "NAME"
    """Of this system in Windows."""
    reach_script: str | None = None
    """Path of powershell/reach.ps1 as Windows has it; None = it is not here."""
    has_tailscale: bool = False
    has_cloudflared: bool = False


def look_around(machine: Machine) -> Surroundings:
    """Ask this machine; a program that is not there is an answer."""
    is_wsl = machine.env("WSL_DISTRO_NAME") is not None
    mode = machine.run("wslinfo", "--networking-mode").first_line.strip().lower() if is_wsl else ""
    addresses = machine.run("hostname", "-I").text.split()
    return Surroundings(
        is_wsl=is_wsl,
        networking=mode if mode in ("nat", "mirrored", "bridged", "virtioproxy", "none") else None,
        address=next((one for one in addresses if ":" not in one), None),
        distribution=machine.env("WSL_DISTRO_NAME") or "NAME",
        reach_script=_reach_script(machine) if is_wsl else None,
        has_tailscale=machine.which("tailscale") is not None,
        tailscale_name=tailscale_name(machine) if machine.which("tailscale") else None,
        has_cloudflared=machine.which("cloudflared") is not None,
    )


def _reach_script(machine: Machine) -> str | None:
    script = f"{machine.root}/powershell/reach.ps1"
    return (windows_path(machine, script) or script) if machine.exists(script) else None


def tailscale_name(machine: Machine) -> str | None:
    """By which name the tailnet knows this machine; None where it is not in one."""
    try:
        name = json.loads(machine.run("tailscale", "status", "--json").out)["Self"]["DNSName"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(name).rstrip(".") or None


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way in."""

    name: str
    for_whom: str
    commands: Sequence[str]
    """Those of Windows begin with a name of PowerShell's, and need an administrator where `mind` says so."""
    mind: str
    undo: Sequence[str] = ()
    lacks: str = ""
    """Why it is none here; empty = it applies."""


def ways(own: ServeSettings, here: Surroundings) -> tuple[Way, ...]:
    """From the safest to the widest; a router's port forward is not offered."""
    lan = (nat(own, here), mirrored(own, here)) if here.is_wsl else (plain_lan(own, here),)
    return (
        this_pc(own, here),
        tailscale(own, here, "serve"),
        *lan,
        cloudflare(own, here),
        tailscale(own, here, "funnel"),
    )


def serve_words(own: ServeSettings) -> str:
    """The server's command, with its port where that is not the usual one."""
    return "dreamrig serve" if own.port == ServeSettings().port else f"dreamrig serve --port {own.port}"


def this_pc(own: ServeSettings, here: Surroundings) -> Way:
    """The owner's own browser."""
    mind = "Windows forwards localhost into WSL by itself" if here.is_wsl else "Nothing is needed"
    if here.networking == "mirrored":
        mind += "; in mirrored mode some ports fail (WSL #12891): another one often works, --port 8701"
    return Way(name="this PC", for_whom="you", commands=(f"open http://127.0.0.1:{own.port}",), mind=f"{mind}.")


def tailscale(own: ServeSettings, here: Surroundings, kind: str) -> Way:
    """Tailscale's serve (the tailnet) or funnel (everybody)."""
    name = here.tailscale_name or "NAME.TAILNET.ts.net"
    is_open = kind == "funnel"
    return Way(
        name=f"Tailscale {kind.capitalize()}",
        for_whom="Discord's preview cards" if is_open else "close friends",
        commands=(f"tailscale {kind} --bg {own.port}", f"{serve_words(own)} --public-url https://{name}"),
        undo=(f"tailscale {kind} reset",),
        mind="Public: nobody comes in without an invitation. It listens on 443, 8443 or 10000."
        if is_open
        else "The safest: friends join your tailnet. Its identity headers are not trusted.",
        lacks="" if here.has_tailscale else "there is no program tailscale here",
    )


def nat(own: ServeSettings, here: Surroundings) -> Way:
    """The house, where WSL has a network of its own."""
    lacks = "" if here.networking in ("nat", None) else f"WSL's network is {here.networking}"
    return replace(_nat_by_hand(own, here) if here.reach_script is None else _nat_by_task(own, here), lacks=lacks)


def _nat_by_task(own: ServeSettings, here: Surroundings) -> Way:
    """A task of Windows leads the port on."""
    script = f'powershell -NoProfile -ExecutionPolicy Bypass -File "{here.reach_script}"'
    return Way(
        name=NAT,
        for_whom="the same house",
        commands=(
            f"{script} -Distribution {here.distribution} -Port {own.port}",
            f"{serve_words(own)} --host 0.0.0.0 --public-url http://PC-ADDRESS:{own.port}",
        ),
        undo=(f"{script} -Undo",),
        mind="The first in PowerShell as administrator, once (-WhatIf shows it): a firewall rule for private networks,"
        " and a task that leads the port on to WSL, anew whenever its address changes.",
    )


def _nat_by_hand(own: ServeSettings, here: Surroundings) -> Way:
    """The same without the folder powershell: once, until WSL's address changes."""
    port, address = own.port, here.address or "WSL-ADDRESS"
    return Way(
        name=NAT,
        for_whom="the same house",
        commands=(
            f"netsh interface portproxy add v4tov4 listenport={port} connectport={port} connectaddress={address}",
            f"New-NetFirewallRule -DisplayName dreamrig -Direction Inbound -Protocol TCP -LocalPort {port}",
            f"{serve_words(own)} --host 0.0.0.0 --public-url http://PC-ADDRESS:{port}",
        ),
        undo=(
            f"netsh interface portproxy delete v4tov4 listenport={port}",
            "Remove-NetFirewallRule -DisplayName dreamrig",
        ),
        mind="The first two in PowerShell as administrator, and the first anew whenever WSL's address changes;"
        " powershell/reach.ps1 of a release does that by itself.",
    )


def mirrored(own: ServeSettings, here: Surroundings) -> Way:
    """The house, where WSL shares the network of Windows."""
    port = own.port
    rule = f"New-NetFirewallHyperVRule -Name dreamrig -DisplayName dreamrig -VMCreatorId '{WSL_CREATOR}'"
    return Way(
        name="the LAN, WSL in mirrored mode",
        for_whom="the same house",
        commands=(
            f"{rule} -Direction Inbound -Protocol TCP -LocalPorts {port}",
            f"{serve_words(own)} --host 0.0.0.0 --public-url http://PC-ADDRESS:{port}",
        ),
        undo=("Remove-NetFirewallHyperVRule -Name dreamrig",),
        mind="The first in PowerShell as administrator: the usual firewall rules do not count there (WSL #10597).",
        lacks=""
        if here.networking == "mirrored"
        else "it needs Windows 11, networkingMode=mirrored in .wslconfig; some PCs then lose the network (WSL #41251)",
    )


def plain_lan(own: ServeSettings, here: Surroundings) -> Way:
    """The house, without WSL in between."""
    address = here.address or "ADDRESS"
    return Way(
        name="the LAN",
        for_whom="the same house",
        commands=(f"{serve_words(own)} --host 0.0.0.0 --public-url http://{address}:{own.port}",),
        mind=f"This machine's firewall has to let port {own.port} in. Without https, others there can read along.",
    )


def cloudflare(own: ServeSettings, here: Surroundings) -> Way:
    """A tunnel for an evening."""
    return Way(
        name="Cloudflare quick tunnel",
        for_whom="an evening",
        commands=(
            f"cloudflared tunnel --url http://127.0.0.1:{own.port}",
            f"{serve_words(own)} --public-url https://WHAT-IT-PRINTS",
        ),
        undo=("Ctrl-C ends it",),
        mind="Public: nobody comes in without an invitation. The address changes each time, and the server has to be"
        " told. Live streams are held back (cloudflared #1449): the page asks instead.",
        lacks="" if here.has_cloudflared else "there is no program cloudflared here",
    )


def advice(found: Sequence[Way]) -> str:
    """All ways as text, those that apply first."""
    parts = []
    for way in (one for one in found if not one.lacks):
        lines = [f"{way.name}: for {way.for_whom}", *(f"    {command}" for command in way.commands), f"  {way.mind}"]
        lines += [f"  Undo: {'; '.join(way.undo)}"] if way.undo else []
        parts.append("\n".join(lines))
    rest = [f"  {way.name} (for {way.for_whom}): {way.lacks}" for way in found if way.lacks]
    return "\n\n".join([*parts, *(["Not here:\n" + "\n".join(rest)] if rest else [])])
