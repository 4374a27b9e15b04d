"""Messages on Discord by the bot's own token, which does not lapse as an interaction's does after 15 minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import aiohttp
import discord
from discord import ui

from generator.serve.discord.answers import NOBODY, PictureButton
from generator.serve.discord.posts import MessageGoneError, PostLaterError, Shown, UnpostableError

RIGHTS = "View Channel, Send Messages and Attach Files"
UNKNOWN_MESSAGE = 10008
"""Discord's code for a message that is not there."""


class Messages:
    """A PostDoor over the bot's own token, which does not lapse as an interaction's does."""

    def __init__(self, bot: discord.Client) -> None:
        self.bot = bot

    async def send(self, channel: int, nonce: str, shown: Shown, key: str, path: Path | None) -> int:
        """Make a message, once for a nonce."""
        files = await self.files(path)
        target = self.bot.get_partial_messageable(channel)
        view = buttons_of(shown, key) or ui.View()
        made = await self.asked(target.send(shown.text, files=files, view=view, nonce=nonce, allowed_mentions=NOBODY))
        return int(made.id)

    async def edit(self, channel: int, message: int, shown: Shown, key: str, path: Path | None) -> None:
        """Let a message show something else."""
        files = await self.files(path)
        target = self.bot.get_partial_messageable(channel).get_partial_message(message)
        view = buttons_of(shown, key)
        await self.asked(target.edit(content=shown.text, attachments=files, view=view, allowed_mentions=NOBODY))

    async def files(self, path: Path | None) -> list[discord.File]:
        """The file, named neutrally."""
        if path is None:
            return []
        return [await asyncio.to_thread(discord.File, path, filename=f"dream{path.suffix}")]

    async def asked(self, request: Awaitable[Any]) -> Any:
        """What Discord answers; its refusals sorted by what can be done about them."""
        try:
            return await request
        except discord.NotFound as error:
            if error.code == UNKNOWN_MESSAGE:
                raise MessageGoneError from None
            raise UnpostableError("the channel is gone, or the bot is not in that server any more") from None
        except discord.Forbidden:
            raise UnpostableError(f"the bot may not post in that channel: it needs {RIGHTS}") from None
        except discord.RateLimited as error:
            raise PostLaterError("Discord asks to wait", error.retry_after) from None
        except discord.HTTPException as error:
            if error.status == 429 or error.status >= 500:
                raise PostLaterError(f"Discord answered {error.status}") from None
            raise UnpostableError(f"Discord answered {error.status}, code {error.code}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise PostLaterError(type(error).__name__) from None


def buttons_of(shown: Shown, key: str) -> ui.View | None:
    """The buttons below a message; None = none."""
    if not shown.buttons:
        return None
    view = ui.View(timeout=None)
    for what in shown.buttons:
        view.add_item(PictureButton(what, key))
    return view
