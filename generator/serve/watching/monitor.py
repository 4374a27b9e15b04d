"""For whoever watches over a server: does it live, can it draw, its numbers, and whether an address leads to it."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dreamrig.errors import NotReadyError
from generator.serve.api import base as api
from generator.serve.line.admission import Refused
from generator.serve.service import NotFoundError
from generator.serve.watching import exposition, probe

WORKING = ("ready", "drawing", "unloaded", "crowded")
"""States of a worker in which nothing is wrong."""
WRITE_SECONDS = 5.0


async def healthz(request: Request) -> Response:
    """Alive."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Able to draw: the dispatcher lives, the database takes writes, a worker is ready or ended on purpose."""
    service = api.service_of(request)
    is_alive = not request.app.state.dispatcher_task.done()
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await service.write(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES ('readyz', '1')"))
        is_writable = True
    except (Refused, NotReadyError, TimeoutError):
        is_writable = False
    has_worker = service.hub.worker in WORKING and service.hub.mode != "paused"
    facts = {"dispatcher": is_alive, "database": is_writable, "worker": has_worker}
    return JSONResponse(facts, 200 if all(facts.values()) else 503)


async def who_is_this(request: Request) -> Response:
    """The answer to a fresh question that only this home can give; for `dreamrig serve reach`."""
    nonce = request.query_params.get("nonce", "")
    if not probe.NONCE.fullmatch(nonce):
        raise NotFoundError
    return PlainTextResponse(probe.proof(api.service_of(request).secret, nonce) + "\n")


async def metrics(request: Request) -> Response:
    """Numbers for Prometheus; the owner's alone."""
    if not api.friend_of(request).is_owner:
        raise NotFoundError
    text = exposition.render(await exposition.measure(api.service_of(request)))
    return PlainTextResponse(text, media_type=exposition.CONTENT_TYPE)


def routes() -> list[Route]:
    """Health, numbers, and who this is."""
    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route(probe.PATH, who_is_this),
    ]
