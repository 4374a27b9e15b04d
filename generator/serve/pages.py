"""Pages: rendered here, working without JavaScript; a form answers 303. The look is a darkroom, the words are plain."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from generator.crew.menu import CHOICES, SHAPES, STYLES
from generator.serve import friends, queue
from generator.serve.access import COOKIE, set_cookie
from generator.serve.admission import Refused
from generator.serve.api import body_of, friend_of, service_of, visitor_of
from generator.serve.estimate import words
from generator.serve.friends import Friend
from generator.serve.queue import Job
from generator.serve.service import NotFoundError, Service
from generator.serve.settings import parse_duration
from generator.serve.wish import WishError, read_wish

HERE = Path(__file__).parent
RECENT = 9
OWNERS_STATES: tuple[queue.State, ...] = ("held", "parked", "failed")
KNOCKS_A_MINUTE = 20
FAILURES = {
    "out_of_memory": "It did not fit into the memory here.",
    "device_lost": "The graphics card was lost.",
    "not_finite": "The numbers ran away. Another seed usually helps.",
    "weights_missing": "The networks for it are missing here.",
    "disk_full": "The disk here is full. It goes on once there is room.",
    "bad_request": "This version cannot draw it any more.",
    "bug": "Something broke. The owner can see what.",
    "crashed": "It broke three times. The owner has to look.",
}
TEXT_CHUNKS = (b"tEXt", b"iTXt", b"zTXt", b"eXIf")
environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals.update(choices=CHOICES, shapes=SHAPES, styles=STYLES, failures=FAILURES)
environment.filters["when"] = lambda ms: f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
environment.filters["day"] = lambda ms: f"{datetime.fromtimestamp(ms / 1000, UTC):%A, %d %B %Y}"
environment.filters["clock"] = lambda ms: f"{datetime.fromtimestamp(ms / 1000):%H:%M}"  # noqa: DTZ006 - the owner's own


async def page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    """A template with what every page shows: who is here, what the machine is about."""
    service, visitor = service_of(request), visitor_of(request)
    line = await service.line() if visitor.friend is not None else None
    common = {
        "me": visitor.friend,
        "hub": service.hub,
        "counts": None if line is None else line.counts,
        "path": request.url.path,
    }
    response = HTMLResponse(environment.get_template(f"{name}.html").render(**{**common, **values}), status)
    if visitor.renew and visitor.session is not None:
        session = visitor.session
        await service.write(lambda db: friends.renew(db, session, service.clock.now_ms()))
        set_cookie(response, session, service.settings)
    return response


def inside(handler: Callable[[Request, Friend], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A page for friends: a stranger is sent to the door."""

    async def guarded(request: Request) -> Response:
        visitor = visitor_of(request)
        if visitor.friend is None:
            return RedirectResponse("/enter", 303)
        return await handler(request, visitor.friend)

    return guarded


async def draw(request: Request, me: Friend) -> Response:
    """The form, what it costs in time, and the newest pictures of everybody."""
    return await draw_page(request, me)


async def draw_page(request: Request, me: Friend, status: int = 200, **values: Any) -> Response:
    """The first page, as asked for or with what was wrong in a form."""
    service, asked = service_of(request), request.query_params
    costs = {}
    for name in CHOICES:
        offer = next((one for one in service.hub.offers if (one.preset, one.shape) == (name, "square")), None)
        kind = (
            None
            if offer is None
            else (offer.model, name, offer.config["width"] * offer.config["height"], offer.config["steps"])
        )
        costs[name] = words(None if kind is None else service.history.range_of(kind))
    line = await service.line()
    first = {"prompt": asked.get("prompt", "")[:500], "parent": asked.get("parent", ""), "style": "none"}
    if "dice" in asked and service.hub.examples:
        first["prompt"] = secrets.choice(service.hub.examples)
    recent = (await service.wall(me))[:RECENT]
    return await page(
        request,
        "draw",
        status,
        **{
            "filled": first,
            "error": None,
            "costs": costs,
            "number": line.counts["queued"] + line.counts["running"] + 1,
            "left": words(await service.promise("quick", "square")),
            "pictures": [service.view_of(one, me, line) for one in recent],
            "request_key": secrets.token_urlsafe(12),
            **values,
        },
    )


async def submit(request: Request, me: Friend) -> Response:
    """The form of the first page."""
    body = await body_of(request)
    key = body.pop("request", None)
    try:
        made = await service_of(request).submit(me, read_wish(body), key[:100] if key else None)
    except (WishError, Refused) as error:
        filled = {
            "prompt": body.get("prompt", ""),
            "parent": body.get("parent", ""),
            "style": body.get("style", "none"),
        }
        status = error.status if isinstance(error, Refused) else 422
        hint = error.hint if isinstance(error, WishError) else ""
        return await draw_page(request, me, status, filled=filled, error=f"{error.message} {hint}".strip())
    return RedirectResponse(f"/p/{made.key}", 303)


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
        recipe=recipe_line(job) if view["prompt"] is not None else "",
        parents=[one for one in seen if one.id == job.parent],
        children=[one for one in seen if one.parent == job.id],
        hearts=hearts[0],
        loved=bool(hearts[1]),
        shared=await service.shared_token(job) if view["mine"] else None,
        can_act=view["mine"] or me.is_owner,
    )


def family(db: Any, job: Job) -> list[Job | None]:
    """What it was made from, and what was made from it."""
    rows = db.execute("SELECT * FROM job WHERE parent = ? AND state='done' AND deleted_at IS NULL LIMIT 12", (job.id,))
    above = [] if job.parent is None else [queue.by_id(db, job.parent)]
    return [*above, *map(Job.from_row, rows.fetchall())]


def service_can_see(service: Service, job: Job, me: Friend) -> bool:
    """Whether a relative may be shown."""
    from generator.serve.views import may_see

    return job.state == "done" and may_see(job, me, service.settings.visibility)


def recipe_line(job: Job) -> str:
    """A picture's making as one readable line."""
    config = job.config
    return (
        f"{config['prompt']} · {job.wish['preset']}, {config['width']}×{config['height']}, {config['steps']} steps,"
        f" seed {config['seed']} · {config['model']}"
    )


async def act(request: Request, me: Friend) -> Response:
    """What the buttons beside a picture do."""
    service, key, what = service_of(request), request.path_params["key"], request.path_params["what"]
    back = f"/p/{key}"
    if what in ("again", "mutate"):
        return await once_more(service, me, key, what)
    simple: dict[str, Callable[[], Awaitable[Any]]] = {
        "cancel": lambda: service.cancel(me, key),
        "hide": lambda: service.hide(me, key, True),
        "show": lambda: service.hide(me, key, False),
        "heart": lambda: service.heart(me, key),
        "share": lambda: service.share(me, key),
        "unshare": lambda: service.unshare(me, key),
        "delete": lambda: service.delete(me, key),
        "retry": lambda: service.retry(me, key),
    }
    if what not in simple:
        raise NotFoundError
    made = await simple[what]()
    if what == "delete":
        back = "/gallery"
    return RedirectResponse(f"/p/{made.key}" if what == "retry" else back, 303)


async def once_more(service: Service, me: Friend, key: str, what: str) -> Response:
    """The same wish with another seed, or four that start from this picture."""
    job = await service.seen(me, key)
    wish = {**job.wish, "seed": None}
    if what == "again":
        made = await service.submit(me, read_wish(wish))
        return RedirectResponse(f"/p/{made.key}", 303)
    for _ in range(4):
        await service.submit(me, read_wish({**wish, "parent": key}))
    return RedirectResponse("/queue", 303)


async def line(request: Request, me: Friend) -> Response:
    """The queue."""
    return await page(request, "queue", state=await service_of(request).whole_state(me))


async def gallery(request: Request, me: Friend) -> Response:
    """The wall by day."""
    service, asked = service_of(request), request.query_params
    chosen: dict[str, Any] = {"q": asked.get("q", "")[:200], "by": asked.get("by", "")[:40], "loved": "loved" in asked}
    jobs = await service.wall(me, before=asked.get("before"), words=chosen["q"], by=chosen["by"], loved=chosen["loved"])
    current = await service.line()
    views = [service.view_of(one, me, current) for one in jobs]
    return await page(request, "gallery", pictures=views, chosen=chosen, names=sorted(current.names.values()))


async def file(request: Request, me: Friend) -> Response:
    """A file of a picture, for whoever may see it."""
    service, kind = service_of(request), request.path_params["kind"]
    job = await service.seen(me, request.path_params["key"])
    return serve_file(service, job, kind, request)


def serve_file(service: Service, job: Job, kind: str, request: Request) -> Response:
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


# ---- for everybody who has the address


async def enter(request: Request) -> Response:
    """The door: the link's token comes by a form, so that it stands in no log."""
    service, visitor = service_of(request), visitor_of(request)
    if request.method == "GET":
        return await page(request, "enter", error="")
    if not service.knocks.allows(visitor.address, KNOCKS_A_MINUTE):
        return await page(request, "enter", 429, error="Too many tries from there: wait a minute.")
    token = str((await body_of(request)).get("token", "")).strip().rpartition("#")[2]
    session = await service.write(lambda db: friends.enter(db, token, service.clock.now_ms()))
    if session is None:
        return await page(
            request, "enter", 403, error="That link is used up, too old, or not ours. Ask for another one."
        )
    response = RedirectResponse("/", 303)
    set_cookie(response, session, service.settings)
    return response


async def leave(request: Request) -> Response:
    """End this session."""
    session = visitor_of(request).session
    if session is not None:
        await service_of(request).write(lambda db: friends.leave(db, session))
    response = RedirectResponse("/enter", 303)
    response.delete_cookie(COOKIE)
    return response


async def shared(request: Request) -> Response:
    """One picture for whoever has its link: prompt, picture, day, and nothing else."""
    service, token = service_of(request), request.path_params["token"]
    job = await service.shared(token)
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return await page(request, "shared", one=job, token=token, base=base, me=None)


async def shared_file(request: Request) -> Response:
    """The shared picture as a JPEG of at most 512 pixels, or as it was enlarged; opened by its token alone."""
    service = service_of(request)
    job = await service.shared(request.path_params["token"])
    path = service.file(job, {"card.jpg": "thumb-512", "picture.png": "large"}.get(request.path_params["name"], ""))
    if path.suffix == ".png":
        data = b"".join(without_text(path.read_bytes()))
        return Response(data, media_type="image/png", headers={"cross-origin-resource-policy": "cross-origin"})
    return FileResponse(path, headers={"cross-origin-resource-policy": "cross-origin"})


# ---- the owner's


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
    elif what in ("release", "unpark"):
        key, change = str(body.get("key", "")), queue.release if what == "release" else queue.unpark
        job = await service.own(me, key)
        await service.write(lambda db: change(db, job.id, now))
    else:
        raise NotFoundError
    service.changed()
    return RedirectResponse("/owner", 303)


async def cancel_line(request: Request, me: Friend) -> Response:
    """Cancel from the queue."""
    friend_of(request)
    await service_of(request).cancel(me, request.path_params["key"])
    return RedirectResponse("/queue", 303)


def routes() -> list[Any]:
    """All pages and files."""
    return [
        Route("/", inside(draw)),
        Route("/draw", inside(submit), methods=["POST"]),
        Route("/p/{key}", inside(picture)),
        Route("/p/{key}/{what}", inside(act), methods=["POST"]),
        Route("/queue", inside(line)),
        Route("/queue/{key}/cancel", inside(cancel_line), methods=["POST"]),
        Route("/gallery", inside(gallery)),
        Route("/files/{key}/{kind}", inside(file)),
        Route("/enter", enter, methods=["GET", "POST"]),
        Route("/leave", leave, methods=["POST"]),
        Route("/s/{token}", shared),
        Route("/s/{token}/{name}", shared_file),
        Route("/owner", inside(owner)),
        Route("/owner/{what}", inside(owner_act), methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
