"""`/api/v1/events`: one stream of server-sent events a viewer, beginning with the whole state."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from generator.serve import friends
from generator.serve.api.base import friend_of, service_of, visitor_of
from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.line.live import Hub
from generator.serve.service import Service
from generator.serve.views import about

STREAM_PAUSE_SECONDS = 0.25
"""At least between two messages of a stream: previews come twice a second."""
KEEP_ALIVE_SECONDS = 15.0


async def events(request: Request) -> Response:
    """Server-sent events: first the whole state, then every change; ids are those of the database's events."""
    friend = friend_of(request)
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isdecimal() and len(last) < 18 else None
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(stream(request, friend, after), media_type="text/event-stream", headers=headers)


class Once:
    """What all streams of one friend are told at one version of the hub: made for the first that asks.

    Made for each stream, the states of fifty open pages took most of what the server computes on a busy evening.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._version = -1
        self._made: dict[tuple[str, int], asyncio.Future[tuple[int, bytes]]] = {}

    async def get(
        self, kind: str, friend: Friend, make: Callable[[], Awaitable[tuple[int, bytes]]]
    ) -> tuple[int, bytes]:
        """The number of the newest event in it, and the message. What `make` raises is raised, and not kept."""
        if self._version != self._hub.version:  # looked at before anything is read: what is kept is never older
            self._version, self._made = self._hub.version, {}
        made, key = self._made, (kind, friend.id)
        if key not in made:
            made[key] = asyncio.ensure_future(make())
        try:
            return await asyncio.shield(made[key])  # a stream that ends must not take it from the others
        except Exception:
            made.pop(key, None)
            raise


async def stream(request: Request, friend: Friend, after: int | None) -> AsyncIterator[bytes]:
    """The bytes of one stream, until the server closes, the friend is revoked, or nobody reads."""
    service, session = service_of(request), visitor_of(request).session
    hub, once = service.hub, request.app.state.once
    hub.streams += 1
    try:
        version, line_version = hub.version, hub.line_version  # before the state: what changes is told after
        newest, state = await once.get("state", friend, partial(whole_state, service, friend))
        if after is not None and after < newest:
            async for data in missed(service, friend, after, newest):
                yield data
        yield state
        while not hub.is_closing and not await request.is_disconnected():
            version_before, version = version, await hub.wait(version, KEEP_ALIVE_SECONDS)
            if version == version_before:
                yield b": still here\n\n"
                continue
            if hub.line_version != line_version:
                line_version = hub.line_version
                if session is not None and await is_gone(service, session):  # who is sent away changes the line
                    return
                until, state = await once.get("state", friend, partial(whole_state, service, friend))
                async for data in missed(service, friend, newest, until):
                    yield data
                newest = until
                yield state
            else:
                yield (await once.get("live", friend, partial(live, service, friend)))[1]
            await asyncio.sleep(STREAM_PAUSE_SECONDS)
    finally:
        hub.streams -= 1


async def missed(service: Service, friend: Friend, after: int, until: int) -> AsyncIterator[bytes]:
    """The events between two numbers, without what they are about: that stands in the state."""
    while after < until:  # however long somebody was away
        rows = await service.read(partial(queue.events_after, after=after))
        for row in rows:
            if row["id"] <= until:
                told = {"key": row["key"], "kind": row["kind"], "mine": row["friend"] == friend.id}
                yield message("job", told, row["id"])
        after = rows[-1]["id"] if rows else until


async def whole_state(service: Service, friend: Friend) -> tuple[int, bytes]:
    """Everything a page needs to be right."""
    state = await service.whole_state(friend)
    return state["event"], message("state", state, state["event"])


async def live(service: Service, friend: Friend) -> tuple[int, bytes]:
    """The running picture for one viewer, and what the machine is about."""
    line = await service.line()
    running = [service.view_of(one, friend, line) for one in line.jobs if one.state == "running"]
    return 0, message("live", {"running": running, **about(service.hub)})


async def is_gone(service: Service, session: str) -> bool:
    """Whether a session has ended meanwhile."""
    return await service.read(lambda db: friends.who(db, session, service.clock.now_ms())) is None


def message(kind: str, body: Mapping[str, Any], number: int | None = None) -> bytes:
    """One message of a stream."""
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
