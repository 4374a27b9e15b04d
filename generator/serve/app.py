"""The web process: one event loop with pages, API and dispatcher; the only user of the database. Loads no torch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dreamrig.errors import UsageError
from generator.crew.local import start_worker, worker_command
from generator.serve import api, friends, pages
from generator.serve.access import BodyTooLargeError, Gate
from generator.serve.admission import Refused
from generator.serve.clock import Clock
from generator.serve.dispatcher import Dispatcher, StartCrew
from generator.serve.estimate import History
from generator.serve.friends import Friend
from generator.serve.home import Home
from generator.serve.live import Hub
from generator.serve.service import NotFoundError, Service, read_history
from generator.serve.settings import Patience, ServeSettings, parse_duration
from generator.serve.store import Store, require_its_database
from generator.serve.webhook import Outbox
from generator.serve.wish import WishError

log = logging.getLogger("dreamrig.serve")
EXIT_DISPATCHER_DIED = 70
STOP_SECONDS = 12.0


@dataclass(frozen=True)
class Server:
    """A server ready to listen."""

    app: Any
    service: Service
    owner: Friend
    token: str
    """What the command line of this home shows."""


def make_server(
    home: Home,
    settings: ServeSettings,
    *,
    clock: Clock | None = None,
    patience: Patience | None = None,
    start_crew: StartCrew | None = None,
    command: Sequence[str] | None = None,
) -> Server:
    """Open the home and put everything together. NotReadyError where the database is damaged or missing.

    command: of the worker.   start_crew, clock, patience: tests bring their own.
    """
    clock, patience = clock or Clock(), patience or Patience()
    require_its_database(home)
    home.prepare()
    store, hub, history = Store(home.database), Hub(), History()
    owner = store.write(lambda db: friends.owner(db, clock.now_ms())).result()
    store.read(lambda db: read_history(db, history)).result()
    command = command or worker_command(settings.given, settings.keep_seconds)
    outbox = Outbox(store, home, settings, clock)
    dispatcher = Dispatcher(
        store,
        hub,
        home,
        start_crew
        or partial(start_worker, command or worker_command(settings.given, settings.keep_seconds), home.worker_log),
        clock=clock,
        history=history,
        patience=patience,
        idle_unload_seconds=parse_duration(settings.idle_unload),
        on_done=outbox.put_done,
    )
    service = Service(home, settings, store, hub, clock, history, dispatcher, home.secret())
    token = secrets.token_urlsafe(24)
    inner = Starlette(
        routes=[*api.routes(), *pages.routes(), *operation_routes()],
        exception_handlers={
            BodyTooLargeError: body_too_large,
            Refused: told,
            WishError: told,
            UsageError: told,
            NotFoundError: told,
        },
        lifespan=partial(lifespan, service=service, outbox=outbox),
    )
    inner.state.service = service

    async def who(session: str) -> tuple[Friend, bool] | None:
        return await service.read(lambda db: friends.who(db, session, clock.now_ms()))

    async def owner_now() -> Friend:
        return await service.read(friends.find_owner)

    return Server(Gate(inner, settings=settings, who=who, owner=owner_now, home_token=token), service, owner, token)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette, *, service: Service, outbox: Outbox) -> AsyncIterator[None]:
    """Dispatcher and outbox beside the pages. Where the dispatcher dies, the process dies."""
    running = asyncio.create_task(service.dispatcher.run())
    watching = partial(die_with_it, service=service)
    running.add_done_callback(watching)
    posting = asyncio.create_task(outbox.run())
    app.state.dispatcher_task = running
    yield
    service.hub.close()
    posting.cancel()
    await service.dispatcher.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.shield(running)
    running.remove_done_callback(watching)
    service.store.close()


def die_with_it(task: asyncio.Task[None], *, service: Service) -> None:
    """A page that looks healthy over a dead line would say "running" for ever: the parent starts anew."""
    if task.cancelled() or service.dispatcher.is_stopping:
        return
    log.critical("the dispatcher died", exc_info=task.exception())
    os._exit(EXIT_DISPATCHER_DIED)


async def body_too_large(request: Request, error: Exception) -> Response:
    """More came than the gate lets in, after it began."""
    return JSONResponse({"error": {"code": "too_large", "message": "That is too large."}}, 413, {"connection": "close"})


async def told(request: Request, error: Exception) -> Response:
    """An error of ours: JSON for programs, a page for people."""
    if isinstance(error, UsageError) and not isinstance(error, WishError):
        error = WishError("body", error.message, hint=error.hint)
    status, body, retry_after = api.error_body(error)
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    if request.url.path.startswith("/api/"):
        return JSONResponse(body, status, headers)
    if status == 401:
        return Response(status_code=303, headers={"location": "/enter"})
    response = await pages.page(request, "error", status, message=body["error"]["message"])
    response.headers.update(headers)
    return response


# ---- for whoever watches over it


async def healthz(request: Request) -> Response:
    """Alive."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Able to draw: the dispatcher lives, the database takes writes, a worker is ready or ended on purpose."""
    service = api.service_of(request)
    is_alive = not request.app.state.dispatcher_task.done()
    try:
        await service.write(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES ('readyz', '1')"))
        is_writable = True
    except Refused:
        is_writable = False
    has_worker = service.hub.worker in ("ready", "drawing", "unloaded")
    facts = {"dispatcher": is_alive, "database": is_writable, "worker": has_worker}
    return JSONResponse(facts, 200 if all(facts.values()) else 503)


async def metrics(request: Request) -> Response:
    """Numbers for Prometheus; the owner's alone."""
    if not api.friend_of(request).is_owner:
        raise NotFoundError
    service = api.service_of(request)
    line = await service.line()
    rate = await service.hit_rate()
    rows: list[tuple[str, float]] = [
        (f'dreamrig_jobs{{state="{state}"}}', count) for state, count in line.counts.items()
    ]
    rows += [("dreamrig_streams", service.hub.streams)]
    rows += [] if rate is None else [("dreamrig_ranges_held_ratio", round(rate, 4))]
    text = "".join(f"{name} {value}\n" for name, value in rows)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def operation_routes() -> list[Route]:
    """Health and numbers."""
    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
