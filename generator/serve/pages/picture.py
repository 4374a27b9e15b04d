"""The pages of one picture: tray, print, what its buttons do, its files; and the page that a share opens."""

from __future__ import annotations

import asyncio
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from generator.serve import growth, reports, shares
from generator.serve.api.base import LONGEST_REQUEST_KEY, body_of, service_of
from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.line.queue import QueuedJob
from generator.serve.pages.look import inside, page
from generator.serve.service import NotFoundError, Service
from generator.serve.views import may_see

TEXT_CHUNKS = (b"tEXt", b"iTXt", b"zTXt", b"eXIf")


async def picture(request: Request, me: Friend) -> Response:
    """The tray while it develops; the print when it is done, at the same address."""
    service, key = service_of(request), request.path_params["key"]
    view = await service.view(me, key)
    job = await service.read(lambda db: queue.by_key(db, key))
    assert job is not None
    number = job.id
    related = await service.read(lambda db: family(db, job))
    seen = [one for one in related if one is not None and service_can_see(service, one, me)]
    hearts = await service.read(
        lambda db: db.execute(
            "SELECT count(*), coalesce(sum(friend = ?), 0) FROM heart WHERE job = ?", (me.id, number)
        ).fetchone()
    )
    return await page(
        request,
        "picture",
        one=view,
        request_key=secrets.token_urlsafe(12),
        recipe=recipe_line(job) if view["prompt"] is not None else "",
        parents=[one for one in seen if one.id == job.parent],
        children=[one for one in seen if one.parent == job.id],
        hearts=hearts[0],
        loved=bool(hearts[1]),
        shared=await shares.link_of(service, job) if view["mine"] else None,
        reported=await service.read(lambda db: reports.was_reported_by(db, number, me.id)),
        can_act=view["mine"] or me.is_owner,
        film=await asyncio.to_thread(growth.state_of, service, job) if view["prompt"] is not None else "",
    )


def family(db: Any, job: QueuedJob) -> list[QueuedJob | None]:
    """What it was made from, and what was made from it."""
    rows = db.execute("SELECT * FROM job WHERE parent = ? AND state='done' AND deleted_at IS NULL LIMIT 12", (job.id,))
    above = [] if job.parent is None else [queue.by_id(db, job.parent)]
    return [*above, *map(QueuedJob.from_row, rows.fetchall())]


def service_can_see(service: Service, job: QueuedJob, me: Friend) -> bool:
    """Whether a relative may be shown."""
    return job.state == "done" and may_see(job, me, service.settings.visibility)


def recipe_line(job: QueuedJob) -> str:
    """A picture's making as one readable line."""
    config = job.config
    return (
        f"{config['prompt']} · {job.wish['preset']}, {config['width']}×{config['height']}, {config['steps']} steps,"
        f" seed {config['seed']} · {config['model']}"
    )


async def act(request: Request, me: Friend) -> Response:
    """What the buttons beside a picture do."""
    service, key, what = service_of(request), request.path_params["key"], request.path_params["what"]
    back, body = f"/p/{key}", await body_of(request)
    days = shares.days_in(body if what == "share" else {})
    sent = request_in(body, what, key)
    if what == "again":
        return RedirectResponse(f"/p/{(await service.again(me, key, sent)).key}", 303)
    if what == "mutate":
        await service.mutate(me, key, sent)
        return RedirectResponse("/queue", 303)
    simple: dict[str, Callable[[], Awaitable[Any]]] = {
        "cancel": lambda: service.cancel(me, key),
        "hide": lambda: service.hide(me, key, True),
        "show": lambda: service.hide(me, key, False),
        "report": lambda: reports.report(service, me, key),
        "heart": lambda: service.heart(me, key),
        "share": lambda: shares.share(service, me, key, days),
        "unshare": lambda: shares.unshare(service, me, key),
        "delete": lambda: service.delete(me, key),
        "retry": lambda: service.retry(me, key, sent),
        "grow": lambda: growth.grow(service, me, key),
    }
    if what not in simple:
        raise NotFoundError
    made = await simple[what]()
    if what == "delete":
        back = "/gallery"
    if what in ("hide", "show", "delete"):
        back = back_in(body) or back
    return RedirectResponse(f"/p/{made.key}" if what == "retry" else back, 303)


def request_in(body: Mapping[str, Any], what: str, key: str) -> str | None:
    """The idempotency key of one press of one button: a page has one for all its buttons. None = it sent none."""
    sent = str(body.get("request") or "")
    return f"{what} {key} {sent}"[:LONGEST_REQUEST_KEY] if sent else None


def back_in(body: Mapping[str, Any]) -> str:
    """The queue, or the part of the gallery, that a form wants to see again; "" for any other address."""
    asked = str(body.get("back") or "")
    return asked if re.fullmatch(r"/queue|/gallery(\?[!-~]{0,2000})?", asked) else ""


async def file(request: Request, me: Friend) -> Response:
    """A file of a picture, for whoever may see it."""
    service, kind = service_of(request), request.path_params["kind"]
    job = await service.seen(me, request.path_params["key"])
    return serve_file(service, job, kind, request)


def serve_file(service: Service, job: QueuedJob, kind: str, request: Request) -> Response:
    """The bytes; a picture that is done never changes."""
    if kind == "plain":
        data = b"".join(without_text(service.file(job, "picture").read_bytes()))
        return Response(data, media_type="image/png", headers={"cache-control": "private, max-age=86400"})
    path = service.file(job, kind)
    if kind == "live":
        return Response(path.read_bytes(), media_type="image/jpeg", headers={"cache-control": "no-store"})
    name = f"dreamrig-{job.key}{path.suffix}" if "download" in request.query_params else None
    return FileResponse(path, headers={"cache-control": "private, max-age=86400"}, filename=name)


def without_text(png: bytes) -> Iterator[bytes]:
    """A PNG without its recipe and every other text; the pixels' own bytes stay."""
    yield png[:8]
    at = 8
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunk = png[at : at + 12 + length]
        if chunk[4:8] not in TEXT_CHUNKS:
            assert zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
            yield chunk
        at += 12 + length


async def shared(request: Request) -> Response:
    """One picture for whoever has its link: prompt, picture, day, and nothing else."""
    service, token = service_of(request), request.path_params["token"]
    job = await shares.open_share(service, token)
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return await page(request, "shared", one=job, token=token, base=base, me=None)


async def shared_file(request: Request) -> Response:
    """The shared picture as a JPEG of at most 512 pixels, or as it was enlarged; opened by its token alone."""
    service = service_of(request)
    job = await shares.open_share(service, request.path_params["token"])
    path = service.file(job, {"card.jpg": "thumb-512", "picture.png": "large"}.get(request.path_params["name"], ""))
    if path.suffix == ".png":
        data = b"".join(without_text(path.read_bytes()))
        return Response(data, media_type="image/png", headers={"cross-origin-resource-policy": "cross-origin"})
    return FileResponse(path, headers={"cross-origin-resource-policy": "cross-origin"})


def routes() -> list[Any]:
    """Pages and files of pictures."""
    return [
        Route("/p/{key}", inside(picture)),
        Route("/p/{key}/{what}", inside(act), methods=["POST"]),
        Route("/files/{key}/{kind}", inside(file)),
        Route("/s/{token}", shared),
        Route("/s/{token}/{name}", shared_file),
    ]
