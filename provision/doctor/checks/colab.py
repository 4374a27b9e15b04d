"""The Colab page on this machine's own card: can a browser reach what `dreamrig colab` serves.

Nothing else needs it, so that what is wrong here is a warning. The browser itself cannot be asked. Chrome asks its user
since version 142 (developer.chrome.com/blog/local-network-access), Brave has a setting for each site
(brave.com/privacy-updates/27-localhost-permission), Safari takes an http address in an https page for mixed content.
"""

from __future__ import annotations

from provision.doctor.check import (
    FactReader,
    Finding,
    FixStep,
    evidence,
    line,
    passed,
    skipped,
    unknown,
    warned,
)
from provision.doctor.checks.wsl_network import MODE, changed, is_wsl_1, unasked
from provision.facts.collectors.colab import PORTS

FORWARDING = "wsl.wslconfig_localhost_forwarding"
REACHES = ("", "nat", "mirrored", "virtioproxy")
"""Networking modes in which Windows' localhost leads into WSL; NAT only with localhostForwarding."""
BROWSERS = line(
    "Chrome and Edge ask once whether the page may reach this device: allow it. Brave refuses until the site is allowed"
    " in its settings. Safari refuses. None of this can be seen from here."
)


def colab_page(facts: FactReader) -> Finding:
    """Packages, container, WSL's way from Windows, a free port; SKIP where it was never set up."""
    has_packages = facts.get("python.has_colab_packages")
    if has_packages is None:
        return unknown(facts, "python.has_colab_packages")
    packages = evidence(facts, "python.has_colab_packages")
    if not has_packages:
        return skipped("It was never set up here (dreamrig colab).", proof=packages, unused=True)
    return _container(facts) or (_wsl(facts) if facts.place == "wsl" else None) or _port(facts)


def _container(facts: FactReader) -> Finding | None:
    if not facts.get("linux.is_container"):
        return None
    sentence = "This is a container: a browser outside does not reach its loopback, so Colab's page cannot."
    return warned(sentence, evidence(facts, "linux.is_container"), OUTSIDE)


def _wsl(facts: FactReader) -> Finding | None:
    """What stands between a browser on Windows and a server in WSL 2; WSL 1 has Windows' own network."""
    if is_wsl_1(facts):
        return None
    if found := unasked(facts, MODE, FORWARDING):
        return found
    mode, proof = facts.get(MODE), evidence(facts, MODE, FORWARDING)
    if mode == "none":
        return warned(
            "WSL has no network, so Colab's page cannot reach it.",
            proof,
            *changed("take the line networkingMode=none out of [wsl2]."),
        )
    if mode not in REACHES:
        return skipped(f"Cannot be told: whether localhost leads into WSL with networkingMode={mode}.", proof=proof)
    if mode in ("", "nat") and not facts.get(FORWARDING):
        sentence = "Windows' localhost does not lead into WSL, so Colab's page cannot reach it."
        return warned(sentence, proof, *changed("take the line localhostForwarding=false out of [wsl2]."))
    return None


def _port(facts: FactReader) -> Finding:
    """`dreamrig colab` takes the first free port; which are taken on the Windows side of WSL is not known."""
    taken = facts.get("linux.ports_taken")
    proof = (*evidence(facts, "linux.ports_taken"), BROWSERS)
    free = next((port for port in PORTS if port not in (taken or ())), None)
    if free is None:
        sentence = f"Ports {PORTS[0]} to {PORTS[-1]} are taken, where Colab's page would be served."
        return warned(sentence, proof, OTHER_PORT)
    where = "" if taken is None else f" on port {free}"
    return passed(f"dreamrig colab can serve it{where}: in Chrome or Edge, which ask once.", *proof)


OTHER_PORT = FixStep("Choose another port.", "dreamrig colab --port 9000")
OUTSIDE = FixStep("Start it outside of the container, or give the container the network of its host.")
