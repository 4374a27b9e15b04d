"""The gate in front of every request: by which name we are called, from where it comes, how much it brings, who it is.

Each rule has a test that is named after what it prevents. Everything a request may not do is answered here.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from generator.serve.friends import Friend
from generator.serve.settings import ServeSettings

COOKIE = "dreamrig"
COOKIE_SECONDS = 90 * 86_400
MOST_BODY_BYTES = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_TYPES = frozenset({"application/json", "application/x-www-form-urlencoded"})
POLICY = (
    "default-src 'self'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-robots-tag": "noindex, nofollow",
}
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
Who = Callable[[str], Awaitable[tuple[Friend, bool] | None]]


@dataclass(frozen=True)
class Visitor:
    """Who asks. friend: None = a stranger."""

    friend: Friend | None
    address: str
    session: str | None = None
    by_token: bool = False
    """Whether it is the command line of this home."""
    renew: bool = False

    @property
    def is_owner(self) -> bool:
        """Whether the server is theirs."""
        return self.friend is not None and self.friend.is_owner


class Denied(Exception):
    """A request that the gate does not let through."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class BodyTooLargeError(Exception):
    """More came than was announced."""


class Gate:
    """ASGI middleware: refuses, or sets `state.visitor` and goes on; adds the headers that every answer has."""

    def __init__(
        self, app: App, *, settings: ServeSettings, who: Who, owner: Callable[[], Awaitable[Friend]], home_token: str
    ) -> None:
        self.app, self.settings, self.who = app, settings, who
        self.owner, self.home_token = owner, home_token

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            check_host(headers, self.settings)
            visitor = await self.visitor(scope, headers)
            check_unsafe(scope["method"], headers, visitor, self.settings)
        except Denied as denied:
            await _answer(send, denied)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        try:
            await self.app(scope, _limited(receive), _with_headers(send, scope["path"]))
        except BodyTooLargeError:
            await _answer(send, too_large())

    async def visitor(self, scope: Any, headers: Mapping[str, str]) -> Visitor:
        """Who asks: the command line by its token, a friend by a cookie, or a stranger."""
        address = client_address(scope, headers, self.settings.trusted_proxy)
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if hmac.compare_digest(token.encode(), self.home_token.encode()):
                return Visitor(await self.owner(), address, by_token=True)
            raise Denied(401, "bad_token", "That token is not the one of this home.")
        session = read_cookie(headers.get("cookie", ""))
        found = None if session is None else await self.who(session)
        if session is None or found is None:
            return Visitor(None, address)
        return Visitor(found[0], address, session, renew=found[1])


def check_host(headers: Mapping[str, str], settings: ServeSettings) -> None:
    """Against DNS rebinding: only names that are ours are answered to."""
    host = headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if name not in settings.hosts:
        raise Denied(421, "wrong_host", "This server does not go by that name: the owner can set serve.public_url.")


def check_unsafe(method: str, headers: Mapping[str, str], visitor: Visitor, settings: ServeSettings) -> None:
    """Against forged requests of other sites, and bodies that nobody needs."""
    if method in SAFE_METHODS:
        return
    if not visitor.by_token:
        check_origin(headers)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BODY_BYTES:
        raise too_large()
    if kind not in BODY_TYPES and (kind or length != "0"):
        raise Denied(415, "wrong_type", "Send JSON or a form.")


def check_origin(headers: Mapping[str, str]) -> None:
    """An unsafe request has to come from a page of ours, and has to say so."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Denied(403, "other_site", "That came from another site.")
    if origin is None:
        if site is None:
            raise Denied(403, "no_origin", "That does not say where it comes from.")
        return
    if origin == "null" or urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Denied(403, "other_site", "That came from another site.")


def client_address(scope: Any, headers: Mapping[str, str], trusted_proxy: str) -> str:
    """Where it comes from; what a proxy says counts only where the owner named that proxy."""
    client = scope.get("client")
    address = client[0] if client else "?"
    forwarded = headers.get("x-forwarded-for", "")
    if trusted_proxy and address == trusted_proxy and forwarded:
        return forwarded.rpartition(",")[2].strip()[:64]
    return str(address)


def read_cookie(header: str) -> str | None:
    """Our session in a Cookie header."""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def set_cookie(response: Any, session: str, settings: ServeSettings) -> None:
    """The session for ninety days from now, for us alone."""
    secure = settings.is_https
    response.set_cookie(COOKIE, session, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure, path="/")


def too_large() -> Denied:
    """A body beyond the limit."""
    return Denied(413, "too_large", f"That is larger than {MOST_BODY_BYTES // 1024} KiB.")


def _limited(receive: Receive) -> Receive:
    """`receive` that counts what really comes, whatever was announced."""
    total = 0

    async def limited() -> Any:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MOST_BODY_BYTES:
            raise BodyTooLargeError
        return message

    return limited


def _with_headers(send: Send, path: str) -> Send:
    """`send` that adds what every answer has."""

    async def sender(message: Any) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name.encode(), text.encode()) for name, text in HEADERS.items() if name.encode() not in present]
            if b"cache-control" not in present:
                kind = b"public, max-age=3600" if path.startswith("/static/") else b"no-store"
                added.append((b"cache-control", kind))
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sender


async def _answer(send: Send, denied: Denied) -> None:
    body = json.dumps({"error": {"code": denied.code, "message": denied.message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), text.encode()) for name, text in HEADERS.items()]
    await send({"type": "http.response.start", "status": denied.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
