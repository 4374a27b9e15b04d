"""Whether this machine can join a crew: several machines that draw for one queue (dreamrig crew join).

Nothing else needs it, so that what is wrong here is a warning. Whether both have the same versions and weights,
and whether each reaches the other, only the other machine can tell: `dreamrig crew join` asks it before anything joins.
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

HAS_RAY, KINDS = "python.has_ray", "linux.address_kinds"
TAKEN = "linux.crew_ports_taken"
ASKED_THERE = line(
    "The same versions, the same weights, clocks that agree and ports that are open both ways are asked by"
    " dreamrig crew join, before anything joins."
)
OTHER = FixStep("See who listens there, and stop it: it may be another node.", "ss -ltnp")
TAILSCALE = FixStep("Or give WSL an address of its own that others reach: Tailscale, inside WSL.", "tailscale up")
WIRE = FixStep("Connect it to the network of the other machine.")


def crew(facts: FactReader) -> Finding:
    """Ray, an address that others reach, free ports; SKIP where Ray was never installed."""
    has_ray = facts.get(HAS_RAY)
    if has_ray is None:
        return unknown(facts, HAS_RAY)
    proof = evidence(facts, HAS_RAY)
    if not has_ray:
        return skipped("It was never set up here (the extra [ray]).", proof=proof, unused=True)
    return (_wsl(facts) if facts.place == "wsl" else None) or _address(facts) or _ports(facts)


def _wsl(facts: FactReader) -> Finding | None:
    """Behind NAT a node reaches out and nobody reaches in, while every node of a crew must reach every other."""
    if is_wsl_1(facts):
        return warned("Ray does not run on WSL 1.", evidence(facts, "linux.wsl_version"), TO_WSL_2)
    if found := unasked(facts, MODE, KINDS):
        return found
    if facts.get(MODE) in ("mirrored", "bridged") or "tailscale" in facts.get(KINDS):
        return None
    sentence = "WSL's network is behind NAT: no other machine reaches this one, so it cannot join."
    return warned(sentence, evidence(facts, MODE, KINDS), *MIRRORED, TAILSCALE)


def _address(facts: FactReader) -> Finding | None:
    if found := unasked(facts, KINDS):
        return found
    if not facts.get(KINDS):
        return warned("This machine has no address but loopback: it cannot join.", evidence(facts, KINDS), WIRE)
    return None


def _ports(facts: FactReader) -> Finding:
    taken = facts.get(TAKEN)
    if taken:
        sentence = f"Port {taken[0]} is taken, which a node of a crew needs."
        return warned(sentence, evidence(facts, TAKEN), OTHER)
    proof = (*evidence(facts, KINDS, TAKEN), ASKED_THERE)
    return passed("It has Ray, an address that others can use, and free ports: it can join.", *proof)


MIRRORED = changed("write networkingMode=mirrored under [wsl2] (Windows 11).")
TO_WSL_2 = FixStep("Make it WSL 2.", "wsl --set-version DISTRIBUTION 2", where="windows")
