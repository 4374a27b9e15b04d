"""Small knowledge bases, for tests of one rule each."""

from typing import Any

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.knowledge import parse_knowledge

VMP = "windows.features.virtual_machine_platform"
CODE = {"hex": "0x80370102", "name": "HCS_E_HYPERV_NOT_INSTALLED"}


def cause(slug: str, **more: Any) -> dict[str, Any]:
    plain = {
        "title": slug,
        "explanation": "An example.",
        "effect": "blocks",
        "prior": 0.5,
        "decisive": False,
        "fix": [],
    }
    return {"slug": slug, **plain, **more}


def carries(weight: float, **code: Any) -> dict[str, Any]:
    return {**(code or CODE), "weight": weight}


def says(regex: str, weight: float, states: bool = False) -> dict[str, Any]:
    return {"regex": regex, "weight": weight, "states": states}


def query(id_: str, *facts: str, needs_admin: bool = False) -> dict[str, Any]:
    return {"id": id_, "facts": list(facts), "command": id_, "where": "windows", "needs_admin": needs_admin}


def know(*causes: dict[str, Any], **more: Any) -> Knowledge:
    return parse_knowledge({"schema": 1, "version": "1", "causes": list(causes), **more})
