"""Pages: rendered here, working without JavaScript; a form answers 303. The look is a darkroom, the words are plain."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from generator.crew.menu import CHOICES, SHAPES, STYLES
from generator.serve import friends
from generator.serve.access import COOKIE, set_cookie
from generator.serve.api.base import body_of, friend_of, service_of, visitor_of
from generator.serve.friends import Friend
from generator.serve.line.admission import Refused
from generator.serve.line.estimate import words
from generator.serve.pages import owner_acts
from generator.serve.pages import picture as picture_pages
from generator.serve.pages.look import HERE, inside, page
from generator.serve.views import about
from generator.serve.wish import LONGEST_PROMPT, WishError, read_wish

RECENT = 9
KNOCKS_A_MINUTE = 20


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
    first = filled_in({**asked, "prompt": asked.get("prompt", "")[:LONGEST_PROMPT]})
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
            "next": await service.next_of(me),
            "pictures": [service.view_of(one, me, line) for one in recent],
            "stuck": len(await service.stuck(me)),
            "request_key": secrets.token_urlsafe(12),
            **values,
        },
    )


def filled_in(form: Mapping[str, Any]) -> dict[str, str]:
    """What the fields of the first page show: as they were sent; the usual one for a choice that is none."""
    shown = {name: str(form.get(name, "")) for name in ("prompt", "parent", "preset", "shape", "style")}
    for name, known in (("preset", CHOICES), ("shape", SHAPES), ("style", STYLES)):
        if shown[name] not in known:
            shown[name] = next(iter(known))
    return shown


async def submit(request: Request, me: Friend) -> Response:
    """The form of the first page."""
    body = await body_of(request)
    key = request_in(body)
    body.pop("request", None)
    try:
        made = await service_of(request).submit(me, read_wish(body), key)
    except (WishError, Refused) as error:
        status = error.status if isinstance(error, Refused) else 422
        hint = error.hint if isinstance(error, WishError) else ""
        return await draw_page(request, me, status, filled=filled_in(body), error=f"{error.message} {hint}".strip())
    return RedirectResponse(f"/p/{made.key}", 303)


def request_in(body: Mapping[str, Any]) -> str | None:
    """The form's idempotency key: of its words too, for a page that was gone back to sends the same for other ones."""
    if not body.get("request"):
        return None
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


async def line(request: Request, me: Friend) -> Response:
    """The queue, and what of this friend's own has left it without an end."""
    service = service_of(request)
    state, now = await service.whole_state(me), await service.line()
    stuck = [service.view_of(one, me, now) for one in await service.stuck(me)]
    return await page(
        request, "queue", state=state, about=about(service.hub), stuck=stuck, request_key=secrets.token_urlsafe(12)
    )


async def gallery(request: Request, me: Friend) -> Response:
    """The wall by day."""
    service, asked = service_of(request), request.query_params
    chosen: dict[str, Any] = {"q": asked.get("q", "")[:200], "by": asked.get("by", "")[:40], "loved": "loved" in asked}
    jobs = await service.wall(me, before=asked.get("before"), words=chosen["q"], by=chosen["by"], loved=chosen["loved"])
    current = await service.line()
    views = [service.view_of(one, me, current) for one in jobs]
    here = f"/gallery?{request.url.query}".removesuffix("?")
    names = sorted(current.names.values()) if service.settings.visibility == "circle" else []
    return await page(request, "gallery", pictures=views, chosen=chosen, names=names, back=here)


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
        service = service_of(request)
        await service.write(lambda db: friends.leave(db, session))
        service.hub.ring(line=True)  # its streams look up and end
    response = RedirectResponse("/enter", 303)
    response.delete_cookie(COOKIE)
    return response


async def cancel_line(request: Request, me: Friend) -> Response:
    """Cancel from the queue."""
    friend_of(request)
    await service_of(request).cancel(me, request.path_params["key"])
    return RedirectResponse("/queue", 303)


def routes() -> list[Any]:
    """All pages and files."""
    return [
        *picture_pages.routes(),
        *owner_acts.routes(),
        Route("/", inside(draw)),
        Route("/draw", inside(submit), methods=["POST"]),
        Route("/queue", inside(line)),
        Route("/queue/{key}/cancel", inside(cancel_line), methods=["POST"]),
        Route("/gallery", inside(gallery)),
        Route("/enter", enter, methods=["GET", "POST"]),
        Route("/leave", leave, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
