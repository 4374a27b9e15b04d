"""The bot's lives: a task of the server process, begun anew where it ends, and no danger to the pages.

It lives in the server process because that is the only user of the database, and because a process of its own would
need a token that acts for any friend. discord.py adds 18 MB and 0.3 s of imports there, only where a token is set. What
goes wrong in the bot ends its task alone: the pages and the dispatcher do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging

from generator.serve.discord.place import DiscordPlace, tell
from generator.serve.service import Service

log = logging.getLogger("dreamrig.serve")
WAITS = (1.0, 5.0, 15.0, 60.0)
"""Seconds before the bot is begun anew, by lives in a row that were short."""
LONG_LIFE_SECONDS = 300.0
MISSING = "discord.py is not installed: run dreamrig serve discord, then start the server again."


async def keep_alive(service: Service, place: DiscordPlace, waits: tuple[float, ...] = WAITS) -> None:
    """One life of the bot after another, until cancelled; for nothing where there is no token."""
    if not service.settings.discord_token:
        return
    try:
        import aiohttp
        import discord

        from generator.serve.discord import bot as discord_bot
    except ImportError:
        tell(service, MISSING)
        return
    discord_bot.prepare(place)
    short_lives, monotonic = 0, service.clock.monotonic
    while True:
        began = monotonic()
        try:
            async with discord_bot.DreamBot(service) as bot:
                await bot.start(service.settings.discord_token)
        except discord.LoginFailure:
            tell(service, "Discord does not know the token of the bot: make a new one there, and set it here.")
            return
        except (OSError, aiohttp.ClientError) as error:
            tell(service, f"Discord cannot be reached ({type(error).__name__}); it is tried again.")
        except Exception as error:
            log.exception("the bot on Discord ended")
            tell(service, f"The bot ended ({type(error).__name__}); it is begun again.")
        short_lives = 0 if monotonic() - began > LONG_LIFE_SECONDS else short_lives + 1
        await asyncio.sleep(waits[min(max(1, short_lives), len(waits)) - 1])
