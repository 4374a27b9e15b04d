"""Where Discord is, and what the owner is told about the bot there."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from generator.serve.service import Service

log = logging.getLogger("dreamrig.serve")


@dataclass(frozen=True)
class DiscordPlace:
    """Where Discord is; tests have one of their own."""

    api: str = "https://discord.com/api/v10"
    gateway: str = "wss://gateway.discord.gg/"


def tell(service: Service, words: str) -> None:
    """For the owner's page and the log."""
    service.hub.discord = words
    log.info("discord: %s", words)
