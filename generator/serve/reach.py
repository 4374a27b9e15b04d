"""How friends reach a server inside WSL: ways, what each needs, what can go wrong. Printed, never done."""

from __future__ import annotations

from dataclasses import dataclass

from generator.serve.settings import ServeSettings


@dataclass(frozen=True)
class Way:
    """One way in."""

    name: str
    for_whom: str
    commands: tuple[str, ...]
    mind: str


def ways(own: ServeSettings) -> tuple[Way, ...]:
    """From the safest to the widest; a router's port forward is not offered."""
    port = own.port
    return (
        Way("this PC", "you", (f"open http://127.0.0.1:{port}",), "Windows forwards localhost into WSL by itself."),
        Way(
            "Tailscale Serve, in WSL",
            "close friends",
            (f"tailscale serve --bg {port}", "dreamrig serve --public-url https://NAME.TAILNET.ts.net"),
            "The safest: friends join your tailnet. Its identity headers are not trusted.",
        ),
        Way(
            "the LAN, WSL in NAT mode",
            "the same house",
            (
                f"netsh interface portproxy add v4tov4 listenport={port} connectport={port} connectaddress=WSL-ADDRESS",
                f"New-NetFirewallRule -DisplayName dreamrig -Direction Inbound -Protocol TCP -LocalPort {port}",
                f"dreamrig serve --host 0.0.0.0 --public-url http://PC-ADDRESS:{port}",
            ),
            "Needs an administrator, and the proxy anew when WSL's address changes. Undo: netsh interface portproxy "
            f"delete v4tov4 listenport={port}; Remove-NetFirewallRule -DisplayName dreamrig",
        ),
        Way(
            "Cloudflare quick tunnel",
            "an evening",
            (f"cloudflared tunnel --url http://127.0.0.1:{port}", "dreamrig serve --public-url https://WHAT-IT-PRINTS"),
            "Public: nobody comes in without an invitation. The address changes each time; live streams are held back, "
            "and the page asks instead.",
        ),
        Way(
            "Tailscale Funnel",
            "Discord's preview cards",
            (f"tailscale funnel --bg {port}", "dreamrig serve --public-url https://NAME.TAILNET.ts.net"),
            "Public: nobody comes in without an invitation.",
        ),
    )


def advice(own: ServeSettings) -> str:
    """All ways as text."""
    parts = []
    for way in ways(own):
        lines = [f"{way.name}: for {way.for_whom}", *(f"    {command}" for command in way.commands), f"  {way.mind}"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
