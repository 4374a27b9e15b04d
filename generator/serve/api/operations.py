"""Every operation of `/api/v1` once: its route, what it takes and what it may answer. `openapi` renders this table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from generator.serve.api import answers, stream
from generator.serve.api import base as api
from generator.serve.api import owner as owner_api
from generator.serve.service import Service

Handler = Callable[[Request], Awaitable[Response]]
DOCUMENT = Path(__file__).parent / "openapi.json"
"""Made by `python -m docs.made.openapi`."""
TEXT_SCHEMA: Mapping[str, Any] = {"type": "string"}


@dataclass(frozen=True)
class Parameter:
    """Something beside path and body. schema: as JSON Schema has it."""

    name: str
    says: str
    where: Literal["query", "header"] = "query"
    schema: Mapping[str, Any] = field(default_factory=lambda: TEXT_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    name: str
    """operationId."""
    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    says: str
    answer: Any
    """The type of what comes where all is well; None = a stream of events, Any = any JSON object."""
    status: int = 200
    bodies: Mapping[str, Any] = field(default_factory=dict)
    """Content type -> type; empty = none is read."""
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    """Beside those of the gate."""


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
WISH = {JSON: answers.WishBody, FORM: answers.WishForm}
SUBMITTING = (404, 422, 429, 503, 507)
IDEMPOTENCY = Parameter(
    "Idempotency-Key",
    "The same key makes one picture, however often it is sent.",
    "header",
    {"type": "string", "minLength": 1, "maxLength": api.LONGEST_REQUEST_KEY},
)
LAST_EVENT = Parameter(
    "Last-Event-ID", "The newest event there was: what was missed comes first.", "header", {"type": "string"}
)
WAIT = Parameter(
    "wait",
    f"Seconds to wait for a change, {api.LONGEST_WAIT_SECONDS:.0f} at most; what is no number counts as 0.",
)
SEEN = Parameter("seen", "`version` of the last answer: what changed since is answered at once.")
WALL = (
    Parameter("before", "The key of the last picture of the page before."),
    Parameter("q", "Words of the prompt; the first 200 characters count."),
    Parameter("by", "A friend's name."),
    Parameter("loved", "Only those with this viewer's heart; any value."),
)


async def document(request: Request) -> Response:
    """What this table says, as OpenAPI."""
    api.friend_of(request)
    return FileResponse(DOCUMENT, media_type=JSON)


def _act(name: str, says: str, handler: Handler, *refusals: int, parameters: tuple[Parameter, ...] = ()) -> Operation:
    """An operation on one picture that answers with how it is then."""
    return Operation(
        name=name, method="POST", path=f"/api/v1/jobs/{{key}}/{name}", handler=handler, says=says,
        answer=answers.JobView, parameters=parameters, refusals=(404, 507, *refusals),
    )  # fmt: skip


def _owners(name: str, says: str, handler: Handler, body: Any, answer: Any = answers.Nothing) -> Operation:
    return Operation(
        name=name, method="POST", path=f"/api/v1/friends/{name}", handler=handler, says=says, answer=answer,
        bodies={JSON: body}, refusals=(404, 422, 507),
    )  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="submit", method="POST", path="/api/v1/jobs", handler=api.submit, status=202, answer=answers.JobView,
        says="Put a wish into the line. It is on the disk when this answers.", bodies=WISH,
        parameters=(IDEMPOTENCY,), refusals=SUBMITTING,
    ),
    Operation(
        name="job", method="GET", path="/api/v1/jobs/{key}", handler=api.job, answer=answers.JobAnswer,
        says="One picture; with `wait`, once something has changed.", parameters=(WAIT, SEEN), refusals=(404,),
    ),
    _act("cancel", "End it for good; what had ended stays as it is.", api.acting(Service.cancel)),
    _act("retry", "The same wish as a new job, where it failed or was cancelled.", api.retry, 409, 422, 429, 503,
         parameters=(IDEMPOTENCY,)),
    _act("hide", "Out of everybody else's sight.", api.acting(partial(Service.hide, hidden=True))),
    _act("show", "Back in everybody's sight.", api.acting(partial(Service.hide, hidden=False))),
    Operation(
        name="queue", method="GET", path="/api/v1/queue", handler=api.whole_queue, answer=answers.LineView,
        says="The whole state: the line, and what the machine is about.",
    ),
    Operation(
        name="events", method="GET", path="/api/v1/events", handler=stream.events, answer=None,
        says="Server-sent events: `state` (as `queue` answers) first and after each change, `job` for each event in"
        " between, `live` for the running picture.", parameters=(LAST_EVENT,),
    ),
    Operation(
        name="pictures", method="GET", path="/api/v1/pictures", handler=api.pictures, answer=answers.Wall,
        says="Finished pictures, the newest first, a page at a time.", parameters=WALL,
    ),
    Operation(
        name="friends", method="GET", path="/api/v1/friends", handler=owner_api.list_friends, refusals=(404,),
        says="The owner's: everybody there ever was.", answer=answers.FriendList,
    ),
    _owners("invite", "The owner's: a link that lets a friend in, once, within seven days.", owner_api.invite,
            answers.NameBody, answers.Invitation),
    _owners("revoke", "The owner's: let a friend in no more.", owner_api.revoke, answers.RevokeBody),
    _owners("limit", "The owner's: how much one friend may ask for.", owner_api.limit, answers.LimitBody),
    Operation(
        name="mode", method="POST", path="/api/v1/mode", handler=owner_api.change_mode, answer=answers.ModeView,
        says="The owner's: draw, begin nothing new, give the graphics card back, or pause.",
        bodies={JSON: answers.ModeBody}, refusals=(404, 422, 507),
    ),
    Operation(
        name="sweep", method="POST", path="/api/v1/sweep", handler=owner_api.sweep_old, answer=answers.Sweep,
        says="The owner's: what would go to make room, and with apply, let it go.",
        bodies={JSON: answers.SweepBody}, refusals=(404, 422, 507),
    ),
    Operation(
        name="openapi", method="GET", path="/api/v1/openapi.json", handler=document, answer=Any,
        says="This document.",
    ),
)  # fmt: skip


def routes() -> list[Route]:
    """All of `/api/v1`."""
    return [Route(one.path, one.handler, methods=[one.method], name=one.name) for one in OPERATIONS]
