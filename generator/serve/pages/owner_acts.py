"""The buttons of the owner's page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dreamrig.errors import RigError
from generator.serve import friends
from generator.serve.api.base import body_of, service_of
from generator.serve.backup import make_backup
from generator.serve.friends import Friend, fate_of
from generator.serve.line import queue
from generator.serve.pages.look import inside
from generator.serve.pages.owner import Room, owner, owner_page
from generator.serve.parting import part_with
from generator.serve.service import NotFoundError
from generator.serve.watching.retention import beyond_quota, older_than, sweep, use_by_friend
from generator.serve.wish import WishError


async def owner_act(request: Request, me: Friend) -> Response:
    """The buttons of the owner's page."""
    act = ACTS.get(request.path_params["what"])
    if not me.is_owner or act is None:
        raise NotFoundError
    answer = await act(request, me, await body_of(request))
    service_of(request).changed()
    return RedirectResponse("/owner", 303) if answer is None else answer


async def _mode(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    service, mode = service_of(request), body.get("mode")
    if mode not in ("drawing", "draining", "gaming", "paused"):
        raise NotFoundError
    await service.set_mode(mode, str(body.get("length") or "0"))


async def _invite(request: Request, me: Friend, body: Mapping[str, Any]) -> Response:
    service, name = service_of(request), str(body.get("name", ""))
    now = service.clock.now_ms()
    token = await service.write(lambda db: friends.invite(db, friends.befriend(db, name, now).id, now))
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return await owner_page(request, me, invitation=f"{base}/enter#{token}")


async def _revoke(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    fate = fate_of(body.get("pictures", "keep"))
    if fate is None:
        raise NotFoundError
    await part_with(service_of(request), str(body.get("name", "")), fate)


async def _limit(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    service, name = service_of(request), str(body.get("name", ""))
    limits = {limit: _whole(body, limit) for limit in friends.LIMITS if limit in body}
    await service.write(lambda db: friends.limit(db, friends.by_name(db, name).id, **limits))


async def _room(request: Request, me: Friend, body: Mapping[str, Any]) -> Response:
    """What would go; with `apply`, it goes."""
    service, days = service_of(request), _whole(body, "days") if body.get("days") else None
    choose = beyond_quota if days is None else older_than(days)
    if body.get("apply"):
        gone = await sweep(service, choose)
        return await owner_page(request, me, said=f"{gone} picture{'' if gone == 1 else 's'} went to make room.")
    now = service.clock.now_ms()
    going = await service.read(lambda db: list(choose(db, now)))
    use = await service.read(lambda db: use_by_friend(db, going))
    return await owner_page(request, me, room=Room(days, len(going), sum(one.bytes for one in going), use))


async def _backup(request: Request, me: Friend, body: Mapping[str, Any]) -> Response:
    try:
        folder = await asyncio.to_thread(make_backup, service_of(request).home)
    except RigError as error:
        return await owner_page(request, me, said=f"There is no new backup. {error.message}", status=507)
    return await owner_page(request, me, said=f"A whole copy lies in {folder}.")


async def _judge(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    service, key = service_of(request), str(body.get("key", ""))
    if request.path_params["what"] == "condemn":
        await service.hide(me, key, True)
    else:
        await service.acquit(me, key)


async def _let_go_on(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    service, change = service_of(request), queue.release if request.path_params["what"] == "release" else queue.unpark
    job, now = await service.own(me, str(body.get("key", ""))), service.clock.now_ms()
    await service.write(lambda db: change(db, job.id, now))


async def _refuse(request: Request, me: Friend, body: Mapping[str, Any]) -> None:
    await service_of(request).refuse(me, str(body.get("key", "")), str(body.get("reason", "")))


def _whole(body: Mapping[str, Any], name: str) -> int:
    """A whole number of a form; WishError names the field."""
    said = str(body[name]).strip()
    if not re.fullmatch(r"[0-9]{1,9}", said):
        raise WishError(name, f"{said[:40]!r} is no whole number.", hint="use digits alone")
    return int(said)


Act = Callable[[Request, Friend, Mapping[str, Any]], Awaitable[Response | None]]
ACTS: Mapping[str, Act] = {
    "mode": _mode,
    "invite": _invite,
    "revoke": _revoke,
    "limit": _limit,
    "room": _room,
    "backup": _backup,
    "condemn": _judge,
    "acquit": _judge,
    "release": _let_go_on,
    "unpark": _let_go_on,
    "refuse": _refuse,
}
"""What a button does; the page again where it returns none."""


def routes() -> list[Any]:
    """The owner's page and its buttons."""
    return [
        Route("/owner", inside(owner)),
        Route("/owner/{what}", inside(owner_act), methods=["POST"]),
    ]
