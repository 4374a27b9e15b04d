"""The commands of the bot on Discord."""

from __future__ import annotations

import logging

import discord
from discord import app_commands

from generator.crew.menu import CHOICES, STYLES
from generator.serve.discord import acts as discord_acts
from generator.serve.discord.answers import answer, asker_of, request_of
from generator.serve.line.admission import Refused
from generator.serve.service import Service
from generator.serve.wish import LONGEST_PROMPT

log = logging.getLogger("dreamrig.serve")
MOST_CHOICES = 25
"""Of an option, and of what is offered while somebody types."""


class Commands(app_commands.CommandTree[discord.Client]):
    """/dream, /queue, /cancel; /pause and /resume for the owner. They exist in opened servers alone."""

    def __init__(self, bot: discord.Client, service: Service) -> None:
        super().__init__(bot)
        servers = [discord.Object(one) for one in service.settings.opened_servers]
        styles = [app_commands.Choice(name=name, value=name) for name in list(STYLES)[:MOST_CHOICES]]
        presets = [app_commands.Choice(name=one.label, value=name) for name, one in CHOICES.items()]

        @self.command(name="dream", description="Draw a picture of what you say.", guilds=servers)
        @app_commands.describe(prompt="what to draw", style="words that are appended", preset="how long it may take")
        @app_commands.choices(style=styles, preset=presets)
        async def dream(
            interaction: discord.Interaction[discord.Client],
            prompt: app_commands.Range[str, 1, LONGEST_PROMPT],
            style: str = "none",
            preset: str = "quick",
        ) -> None:
            wish = {"prompt": prompt, "style": style, "preset": preset}
            request = request_of(interaction)
            await answer(interaction, lambda asker: discord_acts.dream(service, asker, wish, request), posts=True)

        @self.command(name="queue", description="Who waits for what.", guilds=servers)
        async def queue(interaction: discord.Interaction[discord.Client]) -> None:
            await answer(interaction, lambda asker: discord_acts.line_words(service, asker))

        @self.command(name="cancel", description="End a picture of yours that is not done.", guilds=servers)
        @app_commands.describe(picture="which one; your newest where you name none")
        async def cancel(interaction: discord.Interaction[discord.Client], picture: str = "") -> None:
            await answer(
                interaction,
                lambda asker: (
                    discord_acts.cancel(service, asker, picture)
                    if picture
                    else discord_acts.cancel_newest(service, asker)
                ),
            )

        @cancel.autocomplete("picture")
        async def own(interaction: discord.Interaction[discord.Client], typed: str) -> list[app_commands.Choice[str]]:
            try:
                jobs = await discord_acts.unfinished(service, asker_of(interaction))
            except Refused:
                return []
            fitting = [job for job in jobs if typed.casefold() in job.prompt.casefold()]
            return [app_commands.Choice(name=job.prompt[:100], value=job.key) for job in fitting[:MOST_CHOICES]]

        @self.command(
            name="page", description="Your own way to the page: everybody's pictures, hearts, films.", guilds=servers
        )
        async def page(interaction: discord.Interaction[discord.Client]) -> None:
            await answer(interaction, lambda asker: discord_acts.page_link(service, asker))

        @self.command(name="pause", description="The owner's: give the graphics card back for a while.", guilds=servers)
        @app_commands.describe(length="how long, e.g. 90m or 3h; 0 = until /resume")
        async def pause(interaction: discord.Interaction[discord.Client], length: str = "3h") -> None:
            await answer(interaction, lambda asker: discord_acts.pause(service, asker, length))

        @self.command(name="resume", description="The owner's: draw again.", guilds=servers)
        async def resume(interaction: discord.Interaction[discord.Client]) -> None:
            await answer(interaction, lambda asker: discord_acts.resume(service, asker))

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """An interaction that could not be answered, e.g. because it died; the next one can."""
        log.warning("a command of Discord was not answered: %s", type(error.__cause__ or error).__name__)
