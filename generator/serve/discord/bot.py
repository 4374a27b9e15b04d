"""The bot on Discord: one connection with its commands, messages and lamp. It dials out; nothing has to reach us.

This module and those of its name import discord.py (the extra `discord`), only where the owner has set a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket

from generator.serve.discord import acts as discord_acts
from generator.serve.discord.answers import NOBODY, PictureButton, answer, remix_in, request_of
from generator.serve.discord.commands import Commands
from generator.serve.discord.messages import Messages
from generator.serve.discord.place import DiscordPlace, tell
from generator.serve.discord.posts import Poster
from generator.serve.service import Service

log = logging.getLogger("dreamrig.serve")
LAMP_SECONDS = 15.0
"""At least between two changes of the presence: Discord counts them."""
GUILDS_SECONDS = 0.5
"""For which the names of servers are waited for, after each."""
LONGEST_LIMIT_SECONDS = 60.0
"""For which a request waits where Discord asks it to; beyond that it is tried anew later."""


class DreamBot(discord.Client):
    """One connection of the bot, for as long as it lives; buttons and messages outlive it."""

    def __init__(self, service: Service, **options: Any) -> None:
        """options: of discord.Client."""
        intents = discord.Intents.none()
        intents.guilds = True  # names of roles and channels; no message of anybody is read
        super().__init__(
            intents=intents, allowed_mentions=NOBODY, max_ratelimit_timeout=LONGEST_LIMIT_SECONDS, **options
        )
        self.service = service
        self.tree = Commands(self, service)
        self.lamp: tuple[discord.Status, str] | None = None
        """What this connection shows."""
        self._tasks: list[asyncio.Task[None]] = []

    async def setup_hook(self) -> None:
        """After the log-in: buttons of earlier lives, commands of every opened server, messages, lamp."""
        self.add_dynamic_items(PictureButton)
        for server in sorted(self.service.settings.opened_servers):
            await self.sync(server)
        poster = Poster(self.service, Messages(self))
        self._tasks = [asyncio.create_task(work) for work in (self.watch(poster.run()), self.watch(self.keep_lamp()))]

    async def sync(self, server: int) -> None:
        """Let an opened server know the commands; a server that the bot is not in is told to the owner."""
        try:
            await self.tree.sync(guild=discord.Object(server))
        except discord.Forbidden:
            tell(self.service, f"The bot may not put commands into the server {server}: invite it there.")

    async def watch(self, work: Awaitable[None]) -> None:
        """Where a task of ours dies, the connection ends, and with it this life of the bot: it is begun anew."""
        try:
            await work
        except Exception:
            log.exception("the bot's task died")
            await self.close()

    async def close(self) -> None:
        """End the connection and what hangs on it."""
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        await super().close()

    async def on_ready(self) -> None:
        """A new session: nothing of the old one's presence is left."""
        self.lamp = None
        self.tell_where()

    async def on_resumed(self) -> None:
        """The session goes on."""
        self.tell_where()

    async def on_disconnect(self) -> None:
        """Until it is resumed."""
        self.service.hub.discord = "The connection to Discord broke; it is tried again."

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Somebody invited it: an opened server gets its commands without a restart."""
        if guild.id in self.service.settings.opened_servers:
            await self.sync(guild.id)
        self.tell_where()

    def tell_where(self) -> None:
        """Connected; servers that nobody opened are named, so that the owner can, and those it is not invited to."""
        assert self.user is not None
        opened = self.service.settings.opened_servers
        names = [guild.name for guild in self.guilds if guild.id in opened]
        others = [f"{guild.name} ({guild.id})" for guild in self.guilds if guild.id not in opened]
        closed = f"; in {', '.join(others)} too, which serve.discord_servers does not open" if others else ""
        absent = sorted(str(one) for one in opened - {guild.id for guild in self.guilds})
        uninvited = f"; not invited to {', '.join(absent)}" if absent else ""
        tell(self.service, f"{self.user.name} is there for {', '.join(names) or 'no server'}{closed}{uninvited}.")

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """The form of a remix, also one that was opened before a restart."""
        found = remix_in(interaction)
        if found is not None:
            (key, prompt), request = found, request_of(interaction)
            await answer(
                interaction, lambda asker: discord_acts.remix(self.service, asker, key, prompt, request), posts=True
            )

    async def keep_lamp(self) -> None:
        """Presence says what the machine is about."""
        version = self.service.hub.version
        while True:
            await self.wait_until_ready()
            wanted = lamp_of(self.service)
            if wanted != self.lamp:
                with contextlib.suppress(ConnectionError, aiohttp.ClientError):  # between two connections
                    await self.change_presence(status=wanted[0], activity=discord.CustomActivity(wanted[1]))
                    self.lamp = wanted
                await asyncio.sleep(LAMP_SECONDS)
            version = await self.service.hub.wait(version, LAMP_SECONDS)


def lamp_of(service: Service) -> tuple[discord.Status, str]:
    """Drawing, idle, or not to be disturbed."""
    words = discord_acts.lamp_words(service)
    if service.hub.mode != "drawing":
        return discord.Status.dnd, words
    return (discord.Status.online if service.hub.worker == "drawing" else discord.Status.idle), words


def prepare(place: DiscordPlace) -> None:
    """Where Discord is, and that nobody talks here: the library would warn of packages for voices."""
    discord.http.Route.BASE = place.api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(place.gateway)
    logging.getLogger("discord.client").addFilter(shorten)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def shorten(record: logging.LogRecord) -> bool:
    """A connection that broke is an evening's ordinary news: a line of the log, not a page of it."""
    if record.exc_info and record.msg.startswith("Attempting a reconnect"):
        kind, record.exc_info = record.exc_info[0], None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = f"{record.msg} ({getattr(kind, '__name__', 'unknown')})"
    return True
