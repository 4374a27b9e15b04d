"""What every page has: templates, who is here, how the machine is. The look is a darkroom, the words are plain."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dreamrig.words import MIB
from generator.crew.menu import CHOICES, SHAPES, STYLES
from generator.serve import friends
from generator.serve.access import set_cookie
from generator.serve.api.base import service_of, visitor_of
from generator.serve.friends import Friend
from generator.serve.line.admission import Refused
from generator.serve.views import FAILURES, SOMEBODY, mode_words
from generator.serve.wish import LONGEST_PROMPT

HERE = Path(__file__).parent
environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals.update(
    choices=CHOICES,
    shapes=SHAPES,
    styles=STYLES,
    failures=FAILURES,
    mode_words=mode_words,
    somebody=SOMEBODY,
    longest_prompt=LONGEST_PROMPT,
)
environment.filters["when"] = lambda ms: f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
environment.filters["mib"] = lambda bytes_: f"{bytes_ / MIB:,.0f} MiB"
environment.filters["day"] = lambda ms: f"{datetime.fromtimestamp(ms / 1000, UTC):%A, %d %B %Y}"


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
        with contextlib.suppress(Refused):  # a full disk keeps nobody out
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
