"""Whether this machine can join a crew: several machines that draw for one queue (dreamrig crew join).

Nothing else needs it, so that what is wrong here is a warning. Whether both have the same versions, code, weights and
time, and whether each reaches the other, only the other machine can tell: where this home knows a head, it is asked as
`dreamrig crew join` would.
"""

from __future__ import annotations

import re

from dreamrig import extras
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
from provision.versions import is_less, version_tuple

HAS_RAY, KINDS = "python.has_ray", "linux.address_kinds"
TAKEN = "linux.crew_ports_taken"
VERSION, ROLE, HINDRANCES = "python.ray_version", "linux.crew_role", "linux.crew_hindrances"
WORDS = {
    "python": "another Python", "ray": "another Ray", "dreamrig": "another dreamrig", "code": "other code of dreamrig",
    "weights": "other weights", "clock": "another time", "head_ports": "ports of the head that are shut",
    "own_ports": "ports of this machine that are shut",
}  # fmt: skip
"""Of what the head would refuse it for."""
ASKED_THERE = line(
    "Versions, code, weights, clocks and ports both ways are compared with a head by dreamrig crew check ADDRESS, once"
    " its token lies here; dreamrig crew join does so before anything joins."
)
MEND = FixStep("See what differs, with the command that mends each.", "dreamrig crew check")
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
    found = _ray(facts) or (_wsl(facts) if facts.place == "wsl" else None) or _address(facts)
    return found or _member(facts) or _ports(facts) or _head(facts)


def _ray(facts: FactReader) -> Finding | None:
    """A Ray that dreamrig does not take: an older one asks nobody for a token."""
    version, (wanted,) = str(facts.get(VERSION) or ""), extras.EXTRAS["ray"].requirements
    first, last = re.findall(r"[0-9.]+", wanted)
    if not version_tuple(version) or not (is_less(version, first) or not is_less(version, last)):
        return None
    sentence = f"Ray {version} is there, and dreamrig draws over {wanted}."
    return warned(sentence, evidence(facts, VERSION), FixStep("Install that.", extras.pip_command(wanted)))


def _member(facts: FactReader) -> Finding | None:
    """What runs here already needs no free ports, and whether it fits was asked when it joined, and is asked again."""
    if facts.get(ROLE) == "head":
        return passed("This machine is the head of its crew.", *evidence(facts, ROLE, VERSION))
    return _head(facts) if facts.get(ROLE) == "node" else None


def _head(facts: FactReader) -> Finding:
    """What the head says that this home knows; PASS without it where it was never named, or is off."""
    proof = evidence(facts, KINDS, TAKEN, VERSION, "python.version")
    kinds = facts.get(HINDRANCES)
    if kinds:
        sentence = f"The head of the crew would not take it: {', '.join(WORDS[kind] for kind in kinds)}."
        return warned(sentence, evidence(facts, HINDRANCES), MEND)
    if kinds is None:
        told = facts.reason(HINDRANCES)
        asked = () if told == "absent" else (line(f"Its head was asked, in vain: {told.removeprefix('failed: ')}."),)
        return passed(
            "It has Ray, an address that others can use, and free ports: it can join.", *proof, *asked, ASKED_THERE
        )
    return passed("It fits the crew that it knows: versions, code, weights, clocks, and ports both ways.", *proof)


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


def _ports(facts: FactReader) -> Finding | None:
    taken = facts.get(TAKEN)
    if taken:
        sentence = f"Port {taken[0]} is taken, which a node of a crew needs."
        return warned(sentence, evidence(facts, TAKEN), OTHER)
    return None


MIRRORED = changed("write networkingMode=mirrored under [wsl2] (Windows 11).")
TO_WSL_2 = FixStep("Make it WSL 2.", "wsl --set-version DISTRIBUTION 2", where="windows")
