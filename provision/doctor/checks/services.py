"""Windows' services that virtual machines and WSL's network need: lists of them, with a step for each."""

from __future__ import annotations

from provision.doctor.check import FactReader, Finding, evidence, unknown
from provision.doctor.rules import holds, named_finding, shared_finding
from provision.doctor.steps import allow_service

VFPEXT_BUILD = 22621
VM, NETWORK = "vm-services", "network-services"


def vm_services(facts: FactReader) -> Finding:
    """vmcompute, HNS and, from 22621 on, vfpext; and what keeps vmcompute from starting."""
    if found := shared_finding("proven-by-wsl-2", facts):
        return found
    names = ["vmcompute", "hns", *(["vfpext"] if (facts.get("windows.build") or 0) >= VFPEXT_BUILD else [])]
    states = {name: facts.get(f"windows.services.{name}") for name in names}
    proof = evidence(facts, *(f"windows.services.{name}" for name in names))
    if disabled := [name for name, state in states.items() if state == "disabled"]:
        steps = [allow_service(name) for name in disabled]
        return named_finding(VM, "disabled", facts, proof, steps, names=", ".join(disabled))
    if missing := [name for name, state in states.items() if state == "absent"]:
        what = "waiting" if facts.get("windows.reboot_pending") else "missing"
        return named_finding(VM, what, facts, proof, names=", ".join(missing))
    if None in states.values():
        return unknown(facts, "windows.services.vmcompute")
    return _what_stops_vmcompute(facts) or named_finding(VM, "fine", facts, proof)


def _what_stops_vmcompute(facts: FactReader) -> Finding | None:
    if facts.get("windows.vmcompute_cfg_off"):
        return named_finding(VM, "cfg-off", facts, evidence(facts, "windows.vmcompute_cfg_off"))
    if facts.get("windows.vm_logon_right") is False:
        return named_finding(VM, "no-logon-right", facts, evidence(facts, "windows.vm_logon_right"))
    return None


def network_services(facts: FactReader) -> Finding:
    """SharedAccess (connection sharing), MpsSvc (firewall) and HNS."""
    names = ("sharedaccess", "mpssvc", "hns")
    proof = evidence(facts, *(f"windows.services.{name}" for name in names))
    states = {name: facts.get(f"windows.services.{name}") for name in names}
    if disabled := [name for name, state in states.items() if state == "disabled"]:
        steps = [allow_service(name, "auto" if name == "mpssvc" else "demand") for name in disabled]
        what = "disabled-yet-running" if facts.place == "wsl" and holds("wsl-2-here", facts) else "disabled"
        return named_finding(NETWORK, what, facts, proof, steps, names=", ".join(disabled))
    if all(state is None for state in states.values()):
        return unknown(facts, "windows.services.sharedaccess")
    return named_finding(NETWORK, "fine", facts, proof)
