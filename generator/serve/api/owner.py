"""`/api/v1` for the owner: friends, and what the machine does. Everybody else is told that there is no such thing."""

from __future__ import annotations

from typing import TypeVar, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dreamrig.errors import UsageError
from generator.serve import friends
from generator.serve.api.answers import LimitBody, ModeBody, NameBody, RevokeBody, SweepBody
from generator.serve.api.base import body_of, friend_of, service_of
from generator.serve.friends import Friend
from generator.serve.line.admission import Refused
from generator.serve.parting import part_with
from generator.serve.service import NotFoundError, Service
from generator.serve.watching import retention
from generator.serve.wish import WishError

B = TypeVar("B")


def for_owner(request: Request) -> Service:
    """The server; NotFoundError for anybody but its owner."""
    if not friend_of(request).is_owner:
        raise NotFoundError
    return service_of(request)


async def list_friends(request: Request) -> Response:
    """Everybody there ever was."""
    service = for_owner(request)
    return JSONResponse({"friends": [friend_view(one) for one in await service.read(friends.all_friends)]})


def friend_view(friend: Friend) -> dict[str, object]:
    """A friend and the limits of one."""
    names = ("name", "is_owner", "weight", "most_waiting", "most_a_minute", "quota_mib")
    return {**{name: getattr(friend, name) for name in names}, "revoked": friend.revoked_at is not None}


async def invite(request: Request) -> Response:
    """A link that lets the friend of that name in, once."""
    service, now = for_owner(request), service_of(request).clock.now_ms()
    name = (await read_as(request, NameBody))["name"]
    token = await service.write(lambda db: friends.invite(db, friends.befriend(db, name, now).id, now))
    return JSONResponse({"path": f"/enter#{token}"})


async def revoke(request: Request) -> Response:
    """Let a friend in no more; streams end at once."""
    service, body = for_owner(request), await read_as(request, RevokeBody)
    friend = await named(service, body["name"])
    await part_with(service, friend.name, body.get("pictures", "keep"))
    return JSONResponse({})


async def limit(request: Request) -> Response:
    """Set what the body names."""
    service, body = for_owner(request), await read_as(request, LimitBody)
    friend = await named(service, body["name"])
    limits = {name: value for name, value in body.items() if name != "name"}
    await service.write(lambda db: friends.limit(db, friend.id, **limits))
    service.hub.ring(line=True)
    return JSONResponse({})


async def named(service: Service, name: str) -> Friend:
    """The friend of that name; Refused where there is none."""
    try:
        return await service.read(lambda db: friends.by_name(db, name))
    except UsageError as error:
        raise Refused(404, "no_such_friend", error.message) from error


async def read_as(request: Request, kind: type[B]) -> B:
    """The body, as the document describes it; WishError names the field that is wrong."""
    body = await body_of(request)
    known = get_type_hints(kind)
    for name in body:
        if name not in known:
            raise WishError(name[:40], f"There is no field {name[:40]!r}.", hint=f"use {', '.join(known)}")
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$.")
        raise WishError(where.rstrip("`") or "body", f"{reason}.") from error


async def sweep_old(request: Request) -> Response:
    """What would go, or went."""
    service, body = for_owner(request), await read_as(request, SweepBody)
    now, choose, is_applied = service.clock.now_ms(), await chosen(service, body), body.get("apply", False)
    going = await service.read(lambda db: list(choose(db, now)))
    use = await service.read(lambda db: retention.use_by_friend(db, going))
    if "quota_mib" in body:
        use = [{**one, "quota_mib": body["quota_mib"]} for one in use if body.get("friend") in (None, one["name"])]
    if is_applied:
        await retention.sweep(service, choose)
    return JSONResponse(
        {
            "applied": is_applied,
            "goes": len(going),
            "goes_bytes": sum(one.bytes for one in going),
            "oldest_at": min((one.ended_at for one in going), default=None),
            "newest_at": max((one.ended_at for one in going), default=None),
            "friends": use,
        }
    )


async def chosen(service: Service, body: SweepBody) -> retention.Choice:
    """What a body asks to let go; WishError where it asks for nothing, or for two things."""
    days, is_quota = body.get("days"), body.get("to_quota", False)
    if (days is None) != is_quota or (not is_quota and {"quota_mib", "friend"} & body.keys()):
        raise WishError("days", "Either an age or the quota decides what goes.", hint="give days, or to_quota")
    if days is not None:
        return retention.older_than(days)
    if name := body.get("friend", ""):
        await named(service, name)
    quota_mib = body.get("quota_mib")
    return lambda db, now: retention.beyond_quota(db, now, quota_mib, name)


async def change_mode(request: Request) -> Response:
    """Draw, begin nothing new, give the graphics card back, or pause; for a while, or until told otherwise."""
    service, body = for_owner(request), await read_as(request, ModeBody)
    await service.set_mode(body["mode"], body.get("length", "0"))
    return JSONResponse({"mode": service.hub.mode, "until": service.hub.until})
