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
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from dreamrig.errors import RigError, UsageError
from generator.crew.local import start_worker, worker_command
from generator.serve import friends
from generator.serve.access import BodyTooLargeError, Denied, Gate
from generator.serve.api import base as api
from generator.serve.api import operations
from generator.serve.api.stream import Once
from generator.serve.clock import Clock
from generator.serve.discord.life import keep_alive
from generator.serve.discord.place import DiscordPlace
from generator.serve.friends import Friend
from generator.serve.home import Home
from generator.serve.line.admission import Refused
from generator.serve.line.dispatcher import StartCrew
from generator.serve.line.estimate import History
from generator.serve.line.live import Hub
from generator.serve.line.team import chosen_dispatcher
from generator.serve.pages import circle as pages
from generator.serve.pages import look
from generator.serve.service import NotFoundError, Service, read_history
from generator.serve.settings import Patience, ServeSettings, parse_duration
from generator.serve.store import Store, StoreRefusedError, require_its_database
from generator.serve.watching import monitor
from generator.serve.watching.logs import Journal
from generator.serve.watching.retention import keep_swept
from generator.serve.webhook import Outbox
from generator.serve.wish import WishError

log = logging.getLogger("dreamrig.serve")
EXIT_DISPATCHER_DIED = 70
STOP_SECONDS = 12.0
GOODBYE_SECONDS = 2.0
"""For the bot on Discord to say that it is offline."""


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
    discord: DiscordPlace | None = None,
) -> Server:
    """Open the home and put everything together. NotReadyError where the database is damaged or missing.

    command: of the worker.   start_crew, clock, patience, discord: tests bring their own.
    """
    clock, patience = clock or Clock(), patience or Patience()
    require_its_database(home)
    home.prepare()
    store, hub, history = Store(home.database), Hub(), History()
    owner = store.write(lambda db: friends.owner(db, clock.now_ms())).result()
    store.read(lambda db: read_history(db, history)).result()
    command = command or worker_command(settings.given, settings.keep_seconds)
    outbox = Outbox(store, home, settings, clock)
    dispatcher = chosen_dispatcher(settings)(
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
        routes=[*operations.routes(), *pages.routes(), *monitor.routes()],
        exception_handlers={
            BodyTooLargeError: body_too_large,
            Refused: told,
            WishError: told,
            UsageError: told,
            NotFoundError: told,
            HTTPException: no_such_thing,
        },
        lifespan=partial(lifespan, service=service, outbox=outbox, discord=discord or DiscordPlace()),
    )
    inner.state.service, inner.state.once = service, Once(hub)

    async def who(session: str) -> tuple[Friend, bool] | None:
        try:
            return await service.read(lambda db: friends.who(db, session, clock.now_ms()))
        except Refused as refused:
            raise Denied(refused.status, refused.code, refused.message) from refused

    async def owner_now() -> Friend:
        return await service.read(friends.find_owner)

    return Server(Gate(inner, settings=settings, who=who, owner=owner_now, home_token=token), service, owner, token)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette, *, service: Service, outbox: Outbox, discord: DiscordPlace) -> AsyncIterator[None]:
    """Dispatcher, outbox and bot beside the pages. Where the dispatcher dies, the process dies."""
    running = asyncio.create_task(service.dispatcher.run())
    watching = partial(die_with_it, service=service)
    running.add_done_callback(watching)
    journal = Journal(service)
    beside = [
        asyncio.create_task(work)
        for work in (outbox.run(), keep_alive(service, discord), journal.run(), keep_swept(service))
    ]
    for task in beside:
        task.add_done_callback(complain)
    app.state.dispatcher_task = running
    yield
    service.hub.close()
    for task in beside:
        task.cancel()
    await service.dispatcher.stop()
    with contextlib.suppress(TimeoutError, StoreRefusedError):
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.shield(running)
    running.remove_done_callback(watching)
    await asyncio.wait(beside, timeout=GOODBYE_SECONDS)
    with contextlib.suppress(StoreRefusedError):
        await journal.write()
    service.store.close()


def complain(task: asyncio.Task[None]) -> None:
    """Pages go on without a helper that died; that it did stands in the log."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a helper died", exc_info=error)


def die_with_it(task: asyncio.Task[None], *, service: Service) -> None:
    """A page that looks healthy over a dead line would say "running" for ever: the parent starts anew."""
    if task.cancelled() or service.dispatcher.is_stopping:
        return
    error = task.exception()
    if isinstance(error, RigError):
        log.critical("%s %s", error.message, error.hint)
    else:
        log.critical("the dispatcher died", exc_info=error)
    os._exit(EXIT_DISPATCHER_DIED)


async def body_too_large(request: Request, error: Exception) -> Response:
    """More came than the gate lets in, after it began."""
    return JSONResponse({"error": {"code": "too_large", "message": "That is too large."}}, 413, {"connection": "close"})


async def no_such_thing(request: Request, error: Exception) -> Response:
    """No such address, or not for that method."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/api/"):
        told = {"code": "no_such_address" if error.status_code == 404 else "wrong_method", "message": error.detail}
        return JSONResponse({"error": told}, error.status_code, error.headers)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


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
    response = await look.page(request, "error", status, message=body["error"]["message"])
    response.headers.update(headers)
    return response
