"""Answers to commands and buttons on Discord: heard at once, answered to whoever asked alone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import ui

from dreamrig.errors import UsageError
from generator.serve.discord import acts as discord_acts
from generator.serve.discord.acts import Asker
from generator.serve.line.admission import Refused
from generator.serve.service import NotFoundError, Service
from generator.serve.wish import KEY, LONGEST_PROMPT

log = logging.getLogger("dreamrig.serve")
NOBODY = discord.AllowedMentions.none()
LABELS = {"again": "Again", "remix": "Remix", "cancel": "Cancel"}
BUTTON = rf"dream:(?P<what>again|remix|cancel):(?P<key>{KEY.pattern})"
REMIX_FORM = "dream:form:"
Work = Callable[[Asker], Awaitable[str]]


def asker_of(interaction: discord.Interaction[Any]) -> Asker:
    """Who asks, from what Discord says with every interaction."""
    user = interaction.user
    roles = frozenset(role.id for role in user.roles) if isinstance(user, discord.Member) else frozenset()
    return Asker(
        id=user.id,
        name=user.display_name,
        server=interaction.guild_id,
        roles=roles,
        channel=interaction.channel_id or 0,
    )


def request_of(interaction: discord.Interaction[Any]) -> str:
    """What makes an interaction one wish, however often it arrives."""
    return f"discord {interaction.id}"


async def answer(interaction: discord.Interaction[Any], work: Work, *, posts: bool = False) -> None:
    """Say at once that it was heard, then what came of it; to whoever asked alone.

    posts: whether a message follows, for which the bot needs rights in the channel.
    """
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        if posts:
            require_rights(interaction)
        words = await work(asker_of(interaction))
    except (Refused, UsageError, NotFoundError) as error:
        words = discord_acts.words_of_error(error)
    except Exception:
        log.exception("an interaction of Discord failed")
        words = "Something broke here; the owner can see what."
    await interaction.edit_original_response(content=words, allowed_mentions=NOBODY)


def require_rights(interaction: discord.Interaction[Any]) -> None:
    """Refused where the bot could not post the picture."""
    has = interaction.app_permissions
    is_thread = isinstance(interaction.channel, discord.Thread)
    wanted = {
        "View Channel": has.view_channel,
        "Send Messages": has.send_messages_in_threads if is_thread else has.send_messages,
        "Attach Files": has.attach_files,
    }
    missing = [name for name, is_there in wanted.items() if not is_there]
    if missing:
        raise Refused(403, "no_rights", f"I may not post here: I need {' and '.join(missing)} in this channel.")


def value_in(components: Any) -> str:
    """The text that was typed into a form with one field, however it is wrapped."""
    for one in components:
        if "value" in one:
            return str(one["value"])
        inner = one.get("components") or ([one["component"]] if "component" in one else [])
        if inner and (found := value_in(inner)):
            return found
    return ""


class PictureButton(ui.DynamicItem[ui.Button[ui.View]], template=BUTTON):
    """A button below a picture: what it does stands in its id, so that it works after a restart."""

    def __init__(self, what: str, key: str) -> None:
        self.what, self.key = what, key
        super().__init__(ui.Button(label=LABELS[what], custom_id=f"dream:{what}:{key}"))

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: Any, /) -> PictureButton:
        """The button that was pressed."""
        return cls(match["what"], match["key"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Again and cancel are done at once; remix asks for the new words."""
        service, key, request = interaction.client.service, self.key, request_of(interaction)
        if self.what == "cancel":
            await answer(interaction, lambda asker: discord_acts.cancel(service, asker, key))
        elif self.what == "again":
            await answer(interaction, lambda asker: discord_acts.again(service, asker, key, request), posts=True)
        else:
            await ask_for_remix(interaction, service, key)


async def ask_for_remix(interaction: discord.Interaction[Any], service: Service, key: str) -> None:
    """A form with the prompt in it."""
    try:
        prompt = await discord_acts.prompt_of(service, asker_of(interaction), key)
    except (Refused, NotFoundError) as error:
        await interaction.response.send_message(discord_acts.words_of_error(error), ephemeral=True)
        return
    form = ui.Modal(title="Remix", custom_id=f"{REMIX_FORM}{key}", timeout=None)
    form.add_item(
        ui.TextInput(
            label="What should I dream?",
            style=discord.TextStyle.paragraph,
            default=prompt,
            max_length=LONGEST_PROMPT,
        )
    )
    await interaction.response.send_modal(form)


def remix_in(interaction: discord.Interaction[Any]) -> tuple[str, str] | None:
    """The key and the new prompt of a form that was sent; None = it is no form of ours."""
    data: Any = interaction.data or {}
    if interaction.type is not discord.InteractionType.modal_submit or not data["custom_id"].startswith(REMIX_FORM):
        return None
    return data["custom_id"].removeprefix(REMIX_FORM), value_in(data["components"])
