"""The owner's page: what the machine does, who may come in, what needs a person."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dreamrig import extras
from dreamrig.paths import free_mib
from dreamrig.words import MIB
from generator.serve import friends, growth, outbox, reports
from generator.serve.api.base import body_of, service_of
from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.pages.look import inside, page
from generator.serve.service import NotFoundError
from generator.serve.settings import parse_duration
from generator.serve.watching.retention import use_by_friend

OWNERS_STATES: tuple[queue.State, ...] = ("held", "parked", "failed")


async def owner(request: Request, me: Friend) -> Response:
    """Mode, friends, what needs a person."""
    return await owner_page(request, me)


async def owner_page(request: Request, me: Friend, invitation: str = "") -> Response:
    """The owner's page, with a fresh invitation where one was made; for everybody else there is none."""
    if not me.is_owner:
        raise NotFoundError
    service = service_of(request)
    everybody = await service.read(friends.all_friends)
    states = {state: await service.read(partial(queue.in_state, state=state)) for state in OWNERS_STATES}
    rate = await service.hit_rate()
    return await page(
        request,
        "owner",
        everybody=everybody,
        states=states,
        names={one.id: one.name for one in everybody},
        rate=None if rate is None else round(100 * rate),
        log=tail(service.home.worker_log),
        invitation=invitation,
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


async def owner_act(request: Request, me: Friend) -> Response:
    """The buttons of the owner's page."""
    if not me.is_owner:
        raise NotFoundError
    service, body, what = service_of(request), await body_of(request), request.path_params["what"]
    now = service.clock.now_ms()
    if what == "mode":
        mode = body.get("mode")
        if mode not in ("drawing", "draining", "gaming", "paused"):
            raise NotFoundError
        length = parse_duration(str(body.get("length") or "0"))
        await service.dispatcher.set_mode(mode, now + length * 1000 if length and mode != "drawing" else None)
    elif what == "invite":
        name = str(body.get("name", ""))
        token = await service.write(lambda db: friends.invite(db, friends.befriend(db, name, now).id, now))
        base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return await owner_page(request, me, invitation=f"{base}/enter#{token}")
    elif what == "revoke":
        name = str(body.get("name", ""))
        await service.write(lambda db: friends.revoke(db, friends.by_name(db, name).id, now))
    elif what in ("condemn", "acquit"):
        await service.hide(me, str(body.get("key", "")), what == "condemn")
    elif what in ("release", "unpark"):
        key, change = str(body.get("key", "")), queue.release if what == "release" else queue.unpark
        job = await service.own(me, key)
        await service.write(lambda db: change(db, job.id, now))
    else:
        raise NotFoundError
    service.changed()
    return RedirectResponse("/owner", 303)


def routes() -> list[Any]:
    """The owner's page and its buttons."""
    return [
        Route("/owner", inside(owner)),
        Route("/owner/{what}", inside(owner_act), methods=["POST"]),
    ]
