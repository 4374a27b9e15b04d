"""How a bot comes into a server: the link with the least rights, settings that say what is wrong."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from dreamrig.errors import UsageError
from generator.serve.discord import setup as discord_setup
from generator.serve.settings import ServeSettings

APPLICATION = "100000000000000001"
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.Gfake1.secret"


def test_the_link_asks_for_the_least() -> None:
    asked = parse_qs(urlsplit(discord_setup.invite_link(APPLICATION)).query)
    assert asked["client_id"] == [APPLICATION]
    assert asked["scope"] == ["bot applications.commands"]
    # View Channel, Send Messages, Attach Files, Send Messages in Threads: bits 10, 11, 15, 38 of Discord's list.
    assert int(asked["permissions"][0]) == 1024 + 2048 + 32768 + 274877906944


def test_the_guide_shows_the_link_once_the_application_is_known_and_never_the_token() -> None:
    assert "prints the link" in discord_setup.guide(ServeSettings())
    for text in (
        discord_setup.guide(ServeSettings(), APPLICATION),
        discord_setup.guide(ServeSettings(discord_token=TOKEN)),
    ):
        assert f"client_id={APPLICATION}" in text
        assert "secret" not in text
    with pytest.raises(UsageError, match="no application's number"):
        discord_setup.guide(ServeSettings(), "my bot")
    assert discord_setup.application_of("???") == ""


@pytest.mark.parametrize("name", ["discord_servers", "discord_role", "discord_owner"])
def test_numbers_of_discord_are_numbers(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        ServeSettings(**{name: "my server"})
    assert ServeSettings(discord_servers=f"{APPLICATION}, {APPLICATION}9").opened_servers == {
        int(APPLICATION),
        int(f"{APPLICATION}9"),
    }
