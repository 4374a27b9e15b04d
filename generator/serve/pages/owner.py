"""The owner's page: what the machine does, who may come in, what needs a person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dreamrig import extras
from dreamrig.paths import free_mib
from dreamrig.words import MIB
from generator.serve import friends, growth, outbox, reports
from generator.serve.api.base import service_of
from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.pages.look import page
from generator.serve.service import LONGEST_REASON, NotFoundError
from generator.serve.views import may_see
from generator.serve.watching.retention import use_by_friend


@dataclass(frozen=True)
class Room:
    """What would go to make room, shown before it goes."""

    days: int | None
    """Those that ended before so many days; None = the oldest until each friend may ask again."""
    goes: int
    goes_bytes: int
    friends: Sequence[Mapping[str, Any]]
    """As use_by_friend tells them."""


OWNERS_STATES: tuple[queue.State, ...] = ("held", "parked", "failed")


async def owner(request: Request, me: Friend) -> Response:
    """Mode, friends, what needs a person."""
    return await owner_page(request, me)


async def owner_page(
    request: Request, me: Friend, invitation: str = "", said: str = "", room: Room | None = None, status: int = 200
) -> Response:
    """The owner's page with what a button brought: an invitation, a sentence, what would go. Others have none."""
    if not me.is_owner:
        raise NotFoundError
    service = service_of(request)
    everybody = await service.read(friends.all_friends)
    states = {state: await service.read(partial(queue.in_state, state=state)) for state in OWNERS_STATES}
    rate = await service.hit_rate()
    return await page(
        request,
        "owner",
        status,
        everybody=everybody,
        states=states,
        may_see=lambda job: may_see(job, me, service.settings.visibility),
        longest_reason=LONGEST_REASON,
        names={one.id: one.name for one in everybody},
        rate=None if rate is None else round(100 * rate),
        log=tail(service.home.worker_log),
        invitation=invitation,
        said=said,
        room=room,
        limits=friends.LIMITS,
        unposted=await service.read(outbox.given_up),
        disk_mib=await asyncio.to_thread(free_mib, service.home.root),
        floor_mib=service.settings.keep_free_mib,
        can_film=growth.can_film(),
        install_av=extras.pip_command(*extras.EXTRAS["video"].requirements),
        reported=await service.read(reports.waiting),
        used_mib={one["name"]: one["used_bytes"] / MIB for one in await service.read(use_by_friend)},
    )


def tail(path: Path, lines: int = 20, most_bytes: int = 8192) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - most_bytes))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
