"""`/api/v1`: for pages, the command line and programs. JSON in, JSON out; errors have a code and a sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from generator.serve import friends, queue
from generator.serve.access import Visitor
from generator.serve.admission import Refused
from generator.serve.friends import Friend
from generator.serve.service import NotFoundError, Service
from generator.serve.wish import WishError, read_wish

LONGEST_WAIT_SECONDS = 25.0
STREAM_PAUSE_SECONDS = 0.25
"""At least between two messages of a stream: previews come twice a second."""
KEEP_ALIVE_SECONDS = 15.0
LONGEST_REQUEST_KEY = 100
FINAL = ("done", "failed", "cancelled")
Handler = Callable[[Request], Awaitable[Response]]


def service_of(request: Request) -> Service:
    """The server this request came to."""
    found: Service = request.app.state.service
    return found


def visitor_of(request: Request) -> Visitor:
    """Who asks, as the gate found out."""
    found: Visitor = request.state.visitor
    return found


def friend_of(request: Request) -> Friend:
    """Who asks; Refused for a stranger."""
    friend = visitor_of(request).friend
    if friend is None:
        raise Refused(401, "come_in_first", "Ask the owner for an invitation.")
    return friend


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object or the form of a request; WishError for anything else."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    data = await request.body()
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WishError("body", "That is no JSON object.")
    return found


async def submit(request: Request) -> Response:
    """202 with the job: it is on the disk."""
    friend, key = friend_of(request), request.headers.get("idempotency-key")
    if key is not None and (not key or len(key) > LONGEST_REQUEST_KEY):
        raise WishError("body", f"An Idempotency-Key has 1 to {LONGEST_REQUEST_KEY} characters.")
    service = service_of(request)
    job = await service.submit(friend, read_wish(await body_of(request)), key)
    view = service.view_of(job, friend, await service.line())
    return JSONResponse(view, 202, {"location": f"/api/v1/jobs/{job.key}"})


async def job(request: Request) -> Response:
    """One job; `?wait=25&seen=VERSION` answers when something changed, or after so many seconds."""
    friend, service, key = friend_of(request), service_of(request), request.path_params["key"]
    wait, seen = request.query_params.get("wait", "0"), request.query_params.get("seen", "")
    seconds = min(LONGEST_WAIT_SECONDS, float(wait)) if wait.replace(".", "", 1).isdigit() else 0.0
    version = service.hub.version
    view = await service.view(friend, key)
    if seconds and view["state"] not in FINAL and seen in ("", str(version)):
        loop = asyncio.get_running_loop()
        deadline, before = loop.time() + seconds, view
        while view == before and loop.time() < deadline and not service.hub.is_closing:
            version = await service.hub.wait(version, deadline - loop.time())
            view = await service.view(friend, key)
    return JSONResponse({**view, "version": version})


def acting(action: Callable[[Service, Friend, str], Awaitable[Any]]) -> Handler:
    """A handler that does something with one job and answers with how it is then."""

    async def act(request: Request) -> Response:
        friend, service, key = friend_of(request), service_of(request), request.path_params["key"]
        made = await action(service, friend, key)
        return JSONResponse(await service.view(friend, made.key if isinstance(made, queue.Job) else key))

    return act


async def whole_queue(request: Request) -> Response:
    """The line for this viewer."""
    return JSONResponse(await service_of(request).whole_state(friend_of(request)))


async def pictures(request: Request) -> Response:
    """A page of the wall."""
    friend, service, asked = friend_of(request), service_of(request), request.query_params
    jobs = await service.wall(
        friend,
        before=asked.get("before"),
        words=asked.get("q", "")[:200],
        by=asked.get("by", ""),
        loved="loved" in asked,
    )
    line = await service.line()
    views = [service.view_of(one, friend, line) for one in jobs]
    return JSONResponse({"pictures": views, "next": views[-1]["key"] if views else None})


async def events(request: Request) -> Response:
    """Server-sent events: first the whole state, then every change; ids are those of the database's events."""
    friend = friend_of(request)
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isdigit() and len(last) < 18 else None
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(stream(request, friend, after), media_type="text/event-stream", headers=headers)


async def stream(request: Request, friend: Friend, after: int | None) -> AsyncIterator[bytes]:
    """The bytes of one stream, until the server closes, the friend is revoked, or nobody reads."""
    service, session = service_of(request), visitor_of(request).session
    hub = service.hub
    hub.streams += 1
    try:
        state = await service.whole_state(friend)
        newest = state["event"]
        if after is not None and after < newest:
            async for data in missed(service, friend, after, newest):
                yield data
        yield message("state", state, newest)
        version, line_version = hub.version, hub.line_version
        while not hub.is_closing and not await request.is_disconnected():
            version_before, version = version, await hub.wait(version, KEEP_ALIVE_SECONDS)
            if version == version_before:
                yield b": still here\n\n"
                continue
            if session is not None and await is_gone(service, session):
                return
            if hub.line_version != line_version:
                line_version = hub.line_version
                state = await service.whole_state(friend)
                async for data in missed(service, friend, newest, state["event"]):
                    yield data
                newest = state["event"]
                yield message("state", state, newest)
            else:
                yield message("live", await live(service, friend))
            await asyncio.sleep(STREAM_PAUSE_SECONDS)
    finally:
        hub.streams -= 1


async def missed(service: Service, friend: Friend, after: int, until: int) -> AsyncIterator[bytes]:
    """The events between two numbers, without what they are about: that stands in the state."""
    for row in await service.read(lambda db: queue.events_after(db, after)):
        if row["id"] <= until:
            yield message(
                "job", {"key": row["key"], "kind": row["kind"], "mine": row["friend"] == friend.id}, row["id"]
            )


async def live(service: Service, friend: Friend) -> dict[str, Any]:
    """The running picture for one viewer, and what the machine is about."""
    line = await service.line()
    running = [service.view_of(one, friend, line) for one in line.jobs if one.state == "running"]
    return {"running": running, "worker": service.hub.worker, "mode": service.hub.mode}


async def is_gone(service: Service, session: str) -> bool:
    """Whether a session has ended meanwhile."""
    return await service.read(lambda db: friends.who(db, session, service.clock.now_ms())) is None


def message(kind: str, body: Mapping[str, Any], number: int | None = None) -> bytes:
    """One message of a stream."""
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


async def befriend(request: Request) -> Response:
    """The owner's: `invite`, `revoke` or `limit` a friend by name."""
    if not friend_of(request).is_owner:
        raise NotFoundError
    service, body, now = service_of(request), await body_of(request), service_of(request).clock.now_ms()
    name, what = str(body.get("name", "")), request.path_params["what"]
    if what == "invite":
        token = await service.write(lambda db: friends.invite(db, friends.befriend(db, name, now).id, now))
        return JSONResponse({"path": f"/enter#{token}"})
    if what == "revoke":
        await service.write(lambda db: friends.revoke(db, friends.by_name(db, name).id, now))
    elif what == "limit":
        limits = {key: value for key, value in body.items() if key != "name" and type(value) is int}
        await service.write(lambda db: friends.limit(db, friends.by_name(db, name).id, **limits))
    else:
        raise NotFoundError
    service.hub.ring(line=True)  # streams of a revoked friend look up and end
    return JSONResponse({})


def routes() -> list[Route]:
    """All of `/api/v1`."""
    actions: dict[str, Callable[[Service, Friend, str], Awaitable[Any]]] = {
        "cancel": Service.cancel,
        "retry": Service.retry,
        "hide": lambda service, friend, key: service.hide(friend, key, True),
        "show": lambda service, friend, key: service.hide(friend, key, False),
    }
    return [
        Route("/api/v1/jobs", submit, methods=["POST"]),
        Route("/api/v1/jobs/{key}", job),
        *[Route(f"/api/v1/jobs/{{key}}/{name}", acting(act), methods=["POST"]) for name, act in actions.items()],
        Route("/api/v1/queue", whole_queue),
        Route("/api/v1/friends/{what}", befriend, methods=["POST"]),
        Route("/api/v1/events", events),
        Route("/api/v1/pictures", pictures),
    ]


def error_body(error: Exception) -> tuple[int, dict[str, Any], int | None]:
    """Status, JSON and seconds to wait for an error of ours."""
    if isinstance(error, Refused):
        return error.status, {"error": {"code": error.code, "message": error.message}}, error.retry_after
    if isinstance(error, WishError):
        told = {"code": error.reason, "message": error.message, "hint": error.hint, "field": error.field}
        return 422, {"error": told}, None
    assert isinstance(error, NotFoundError)
    return 404, {"error": {"code": "not_found", "message": "There is no such picture."}}, None
