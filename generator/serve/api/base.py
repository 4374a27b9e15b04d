"""`/api/v1`: for pages, the command line and programs. JSON in, JSON out; errors have a code and a sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from generator.serve.access import Visitor
from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.line.admission import Refused
from generator.serve.service import NotFoundError, Service
from generator.serve.wish import WishError, read_wish

LONGEST_WAIT_SECONDS = 25.0
LONGEST_REQUEST_KEY = 100
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
    friend, key = friend_of(request), request_key_of(request)
    service = service_of(request)
    job = await service.submit(friend, read_wish(await body_of(request)), key)
    view = service.view_of(job, friend, await service.line())
    return JSONResponse(view, 202, {"location": f"/api/v1/jobs/{job.key}"})


def request_key_of(request: Request) -> str | None:
    """Its Idempotency-Key; None where there is none, WishError for one that is too long."""
    key = request.headers.get("idempotency-key")
    if key is not None and (not key or len(key) > LONGEST_REQUEST_KEY):
        raise WishError("body", f"An Idempotency-Key has 1 to {LONGEST_REQUEST_KEY} characters.")
    return key


async def job(request: Request) -> Response:
    """One job; `?wait=25&seen=VERSION` answers when something changed, or after so many seconds."""
    friend, service, key = friend_of(request), service_of(request), request.path_params["key"]
    wait, seen = request.query_params.get("wait", "0"), request.query_params.get("seen", "")
    seconds = min(LONGEST_WAIT_SECONDS, float(wait)) if wait.replace(".", "", 1).isdecimal() else 0.0
    version = service.hub.version
    view = await service.view(friend, key)
    if seconds and view["state"] not in queue.FINAL and seen in ("", str(version)):
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
        return await how_it_is(service, friend, made.key if isinstance(made, queue.QueuedJob) else key)

    return act


async def retry(request: Request) -> Response:
    """The same wish as a new job: this one is answered."""
    friend, service, sent = friend_of(request), service_of(request), request_key_of(request)
    made = await service.retry(friend, request.path_params["key"], sent)
    return await how_it_is(service, friend, made.key)


async def how_it_is(service: Service, friend: Friend, key: str) -> Response:
    """For whoever may act on it, also an owner whom the picture's friend has just hidden it from."""
    job = await service.own(friend, key)
    return JSONResponse(service.view_of(job, friend, await service.line()))


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


def error_body(error: Exception) -> tuple[int, dict[str, Any], int | None]:
    """Status, JSON and seconds to wait for an error of ours."""
    if isinstance(error, Refused):
        return error.status, {"error": {"code": error.code, "message": error.message}}, error.retry_after
    if isinstance(error, WishError):
        told = {"code": error.reason, "message": error.message, "hint": error.hint, "field": error.field}
        return 422, {"error": told}, None
    assert isinstance(error, NotFoundError)
    return 404, {"error": {"code": "not_found", "message": "There is no such picture."}}, None
