"""`dreamrig crew check`: what `crew join` would say of this machine and the head that it knows, without joining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dreamrig import settings
from generator.crew import membership, reaching
from generator.crew.cluster import CrewFolder, Ports, Running, own_address, require_ray, with_port
from generator.crew.door import ask
from generator.crew.membership import MemberDifference, MemberFacts
from generator.crew.settings import load_crew_settings

Role = Literal["head", "node"]


@dataclass(frozen=True, kw_only=True)
class CrewCheck:
    """What was found."""

    head: str | None
    """HOST:PORT of its door; None = this home knows of no head but itself, and nobody was asked."""
    role: Role | None
    """What runs here already."""
    hindrances: Sequence[MemberDifference] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """For people, where nothing is in the way."""
        if self.role == "head":
            return "This machine is the head of its crew."
        if self.head is None:
            return "This home knows no head yet: dreamrig crew check ADDRESS"
        if self.role == "node":
            return f"This machine is in the crew of {self.head}: Ray, Python, code, weights and clocks agree."
        return f"It can join {self.head}: Ray, Python, code, weights and clocks agree, ports are open both ways."


def look(folder: CrewFolder, address: str | None, host: str | None = None) -> CrewCheck:
    """Ask the head at that address, at crew.address, or the one that this home joined last.

    NotReadyError where Ray or the token is missing, or where nobody answers.   host: as for `crew join`.
    """
    running = Running.read(folder)
    if running is not None and running.is_head:
        return CrewCheck(head=running.door, role="head")
    role: Role | None = None if running is None else "node"
    where = known_head(folder, address)
    if where is None:
        return CrewCheck(head=None, role=role)
    require_ray()
    token = folder.token()
    head = ask(where, token, {"kind": "facts"})
    if role == "node":  # its ports are in use, by itself
        found = membership.differences_of(MemberFacts.from_dict(head), membership.facts_here(head["model"]))
    else:
        mine = host or own_address(where.rpartition(":")[0])
        found = hindrances(where, token, head, mine, Ports())
    return CrewCheck(head=where, role=role, hindrances=tuple(found))


def known_head(folder: CrewFolder, address: str | None) -> str | None:
    """HOST:PORT of the door; None = nobody has named one, and this home has joined none."""
    wanted = address or load_crew_settings({}, settings.load_sources()).address
    return with_port(wanted) if wanted else Running.joined_last(folder)


def hindrances(where: str, token: str, head: dict[str, Any], mine: str, ports: Ports) -> list[MemberDifference]:
    """What keeps this machine out of the crew: what differs from the head, or else what is shut between both.

    where: the door.   head: what it told.   mine, ports: as the others are to reach this machine.
    """
    found = membership.differences_of(MemberFacts.from_dict(head), membership.facts_here(head["model"]))
    return found or reaching.unreached(where, token, head, mine, ports)
