"""A Discord on loopback, REST and gateway, for one bot: answers as the real one is documented to, remembers what came.

The shapes are those of https://discord.com/developers/docs (API version 10); like the real one it answers exactly
`application/json`, for discord.py reads nothing else as JSON.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.Gfake1.a-token-that-must-not-be-told-to-anybody"
BOT, SERVER, OTHER_SERVER, CHANNEL, ROLE, ANN, BEN = (1000000000000000000 + number for number in range(1, 8))
ALL_RIGHTS, NO_FILES = str(1024 + 2048 + 32768), str(1024 + 2048)
PATIENCE_SECONDS = 30


def user(number: int, name: str) -> dict[str, Any]:
    return {"id": str(number), "username": name, "global_name": name, "discriminator": "0", "avatar": None}


def role(number: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number), "name": name, "color": 0, "colors": {"primary_color": 0}, "hoist": False, "position": 0,
        "permissions": "0", "managed": False, "mentionable": False, "flags": 0,
    }  # fmt: skip


def guild(number: int, name: str) -> dict[str, Any]:
    empty = ("members", "emojis", "stickers", "features", "threads", "presences", "voice_states", "stage_instances")
    return {
        "id": str(number), "name": name, "owner_id": "1", "member_count": 2, "large": False, "unavailable": False,
        "roles": [role(number, "@everyone"), role(ROLE, "painters")],
        "channels": [{"id": str(CHANNEL), "type": 0, "name": "art", "position": 0, "permission_overwrites": []}],
        "guild_scheduled_events": [], "soundboard_sounds": [], "preferred_locale": "en-US", "premium_tier": 0,
        **{key: [] for key in empty},
    }  # fmt: skip


class DiscordOnLoopback:
    """Runs in a thread of its own; tests call its methods from theirs."""

    def __init__(self) -> None:
        self.numbers = count(2_000_000_000_000_000_000)
        self.connections: list[web.WebSocketResponse] = []
        self.heard: list[dict[str, Any]] = []
        """Payloads of the gateway: identify, resume, presence."""
        self.commands: dict[int, list[dict[str, Any]]] = {}
        """Server -> its commands, as they were synced."""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.callbacks: dict[str, dict[str, Any]] = {}
        """Interaction -> what was answered first."""
        self.answers: dict[str, dict[str, Any]] = {}
        """Token of an interaction -> what became of that answer."""
        self.messages: dict[int, dict[str, Any]] = {}
        self.deaths: list[int] = []
        """Statuses that the next requests about messages are answered with."""
        self.by_nonce: dict[str, int] = {}
        self.knows_token = True
        self.is_shut = False
        """Whether the gateway lets nobody in."""
        self.sequence = 0
        self.servers = [SERVER]
        """Which the bot is in."""
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(PATIENCE_SECONDS)

    # ---- its life

    def _run(self, started: threading.Event) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._open())
        started.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())

    async def _open(self) -> None:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_get("/gateway", self.gateway)
        app.router.add_get("/gateway/", self.gateway)
        app.router.add_route("*", "/api/{path:.*}", self.api)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = self.runner.addresses[0][1]

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE_SECONDS)

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)

    # ---- the gateway

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        if self.is_shut:
            return web.Response(status=502)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}})
        async for came in socket:
            if came.type is not WSMsgType.TEXT:
                continue
            said = came.json()
            if said["op"] == 1:
                await socket.send_json({"op": 11})
                continue
            self.heard.append(said)
            if said["op"] == 2:
                self.connections.append(socket)
                await self.welcome(socket)
            elif said["op"] == 6:
                self.connections.append(socket)
                await self.dispatch(socket, "RESUMED", {})
        return socket

    async def welcome(self, socket: web.WebSocketResponse) -> None:
        ready = {
            "v": 10, "user": {**user(BOT, "dreamer"), "bot": True}, "session_id": "one", "shard": [0, 1],
            "guilds": [{"id": str(one), "unavailable": True} for one in self.servers],
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway",
            "application": {"id": str(BOT), "flags": 0},
        }  # fmt: skip
        await self.dispatch(socket, "READY", ready)
        for one in self.servers:
            await self.dispatch(socket, "GUILD_CREATE", guild(one, "the circle"))

    async def dispatch(self, socket: web.WebSocketResponse, kind: str, body: dict[str, Any]) -> None:
        self.sequence += 1
        await socket.send_json({"op": 0, "t": kind, "s": self.sequence, "d": body})

    def invite(self, server: int) -> None:
        """Somebody lets the bot into one more server."""
        self.servers.append(server)
        joined = {key: value for key, value in guild(server, "another").items() if key != "unavailable"}
        self._do(self.dispatch(self.connections[-1], "GUILD_CREATE", joined))

    def drop(self, code: int = 4000) -> None:
        """The connection breaks."""
        self._do(self.connections[-1].close(code=code))

    # ---- REST

    async def api(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.requests.append((request.method, path, dict(request.headers)))
        kind, *parts = path.split("/")
        if request.headers.get("Authorization") not in (None, f"Bot {TOKEN}") or not self.knows_token:
            return self.json({"message": "401: Unauthorized", "code": 0}, 401)
        if path == "users/@me":
            return self.json({**user(BOT, "dreamer"), "bot": True})
        if path == "oauth2/applications/@me":
            return self.json(
                {"id": str(BOT), "name": "dreamer", "icon": None, "description": "", "bot_public": False,
                 "bot_require_code_grant": False, "verify_key": "", "owner": user(1, "o"), "flags": 0}
            )  # fmt: skip
        if kind == "applications":
            return await self.sync(request, int(parts[2]))
        if kind == "interactions":
            self.callbacks[parts[0]] = await request.json()
            body = {"interaction": {"id": parts[0], "type": 2, "response_message_loading": True}}
            return self.json(body) if "with_response" in request.query else web.Response(status=204)
        if kind == "webhooks":
            self.answers[parts[1]] = await request.json()
            return self.json(self.message(int(next(self.numbers)), self.answers[parts[1]]))
        return await self.about_messages(request, parts)

    async def sync(self, request: web.Request, server: int) -> web.Response:
        if server not in self.servers:
            return self.json({"message": "Missing Access", "code": 50001}, 403)
        known = {
            "application_id": str(BOT),
            "version": "1",
            "guild_id": str(server),
            "default_member_permissions": None,
        }
        made = [{"id": str(next(self.numbers)), **known, **command} for command in await request.json()]
        self.commands[server] = made
        return self.json(made)

    async def about_messages(self, request: web.Request, parts: list[str]) -> web.Response:
        if self.deaths:
            return self.death(self.deaths.pop(0))
        body, files = await self.read(request)
        if request.method == "POST":
            nonce = body.get("nonce") if body.get("enforce_nonce") else None
            number = self.by_nonce.get(nonce or "") or next(self.numbers)
            self.by_nonce[nonce or ""] = number
            self.messages[number] = {**body, "files": files, "channel": int(parts[0]), "edits": 0}
        else:
            number = int(parts[2])
            if number not in self.messages:
                return self.json({"message": "Unknown Message", "code": 10008}, 404)
            before = self.messages[number]
            kept = files if "attachments" in body else before["files"]
            self.messages[number] = {**before, **body, "files": kept, "edits": before["edits"] + 1}
        return self.json(self.message(number, body))

    async def read(self, request: web.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The JSON and the files of a request."""
        if not request.content_type.startswith("multipart/"):
            return await request.json(), {}
        body: dict[str, Any] = {}
        files: dict[str, bytes] = {}
        async for part in await request.multipart():
            if part.name == "payload_json":
                body = json.loads(await part.text())
            else:
                files[part.filename] = bytes(await part.read())
        return body, files

    def death(self, status: int) -> web.Response:
        if status == 429:
            limit = {"message": "You are being rate limited.", "retry_after": 0.05, "global": False}
            return self.json(limit, 429, Via="1.1 google", **{"Retry-After": "1"})
        return self.json({"message": "no", "code": {403: 50013, 404: 10003}.get(status, 0)}, status)

    def message(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(number), "channel_id": str(CHANNEL), "author": {**user(BOT, "dreamer"), "bot": True},
            "content": body.get("content") or "", "timestamp": "2026-11-27T12:00:00+00:00", "edited_timestamp": None,
            "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [],
            "embeds": [], "pinned": False, "type": 0, "flags": 0, "components": body.get("components") or [],
        }  # fmt: skip

    def json(self, body: Any, status: int = 200, **headers: str) -> web.Response:
        return web.Response(
            body=json.dumps(body).encode(), status=status, content_type="application/json", headers=headers
        )

    # ---- what people do

    def interact(
        self,
        kind: int,
        data: dict[str, Any],
        *,
        by: tuple[int, str] = (ANN, "ann"),
        server: int = SERVER,
        roles: tuple[int, ...] = (),
        rights: str = ALL_RIGHTS,
        **more: Any,
    ) -> str:
        """Send an interaction over the gateway; its number."""
        number = str(next(self.numbers))
        member = {
            "user": user(*by), "roles": [str(one) for one in roles], "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False, "mute": False, "flags": 0, "permissions": "0", "nick": None,
        }  # fmt: skip
        body = {
            "id": number, "application_id": str(BOT), "type": kind, "token": f"token-{number}", "version": 1,
            "guild_id": str(server), "guild": {"id": str(server), "features": [], "locale": "en-US"},
            "channel_id": str(CHANNEL),
            "channel": {"id": str(CHANNEL), "type": 0, "name": "art", "permissions": "0", "position": 0},
            "member": member, "app_permissions": rights, "locale": "en-US", "guild_locale": "en-US",
            "entitlements": [], "authorizing_integration_owners": {}, "context": 0, "attachment_size_limit": 10 * 2**20,
            "data": data, **more,
        }  # fmt: skip
        self._do(self.dispatch(self.connections[-1], "INTERACTION_CREATE", body))
        return number

    def command(self, name: str, server: int = SERVER, by: tuple[int, str] = (ANN, "ann"), **given: Any) -> str:
        """Somebody types a command. given: options, and what `interact` takes besides."""
        how = {key: given.pop(key) for key in ("roles", "rights") if key in given}
        known = next((one for one in self.commands.get(server, []) if one["name"] == name), {"id": "1"})
        options = [{"name": key, "type": 3, "value": value} for key, value in given.items()]
        data = {"id": known["id"], "name": name, "type": 1, "guild_id": str(server), "options": options}
        return self.interact(2, data, by=by, server=server, **how)

    def press(self, custom_id: str, by: tuple[int, str] = (ANN, "ann")) -> str:
        """Somebody presses a button of the newest message that has it."""
        number, body = next(
            (number, body)
            for number, body in reversed(self.messages.items())
            if custom_id in json.dumps(body["components"])
        )
        data = {"custom_id": custom_id, "component_type": 2}
        return self.interact(3, data, by=by, message=self.message(number, body))

    def send_form(self, custom_id: str, text: str, by: tuple[int, str] = (ANN, "ann")) -> str:
        """Somebody sends a form."""
        field = {"type": 4, "custom_id": "x", "value": text, "id": 2}
        return self.interact(
            5, {"custom_id": custom_id, "components": [{"type": 1, "id": 1, "components": [field]}]}, by=by
        )

    def answer(self, interaction: str) -> str:
        """What that interaction was answered with in the end."""
        return str(self.until(lambda: self.answers.get(f"token-{interaction}"))["content"])

    def until(self, true: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := true()):
            assert time.monotonic() < deadline, (self.requests[-5:], self.heard[-3:])
            time.sleep(0.01)
        return found

    def presence(self) -> dict[str, Any]:
        """The newest presence: status and words."""
        said = [one["d"] for one in self.heard if one["op"] == 3]
        return {"status": said[-1]["status"], "words": said[-1]["activities"][0].get("state")} if said else {}
