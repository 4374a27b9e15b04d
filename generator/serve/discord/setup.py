"""How a bot comes into a server of Discord: its library, the clicks there, the settings here.

The clicks are those of Discord's developer portal as its documentation had them in 2025; the portal itself was not seen
from here, so the names of its buttons are not verified. Rights: https://discord.com/developers/docs/topics/permissions.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlencode

from dreamrig import extras
from dreamrig.errors import UsageError
from generator.serve.settings import SNOWFLAKE, ServeSettings

VIEW_CHANNEL, SEND_MESSAGES, ATTACH_FILES, SEND_IN_THREADS = 1 << 10, 1 << 11, 1 << 15, 1 << 38
LEAST_RIGHTS = VIEW_CHANNEL | SEND_MESSAGES | ATTACH_FILES | SEND_IN_THREADS
PORTAL = "https://discord.com/developers/applications"
INVITE = "https://discord.com/oauth2/authorize"
STEPS = """\
A bot for your Discord server: members type /dream there. It dials out, so nothing of this PC has to be reachable.

1. {portal}
   New Application, a name, Create.
2. Bot (on the left): Reset Token, copy it. Whoever has it is the bot: put it nowhere else.
   Public Bot: off, so that nobody but you can invite it. (If that is refused: Installation, Install Link: None.)
   Privileged Gateway Intents: all three stay off; it reads nobody's messages.
3. Invite it; it asks for View Channels, Send Messages, Send Messages in Threads, Attach Files, and no more:
   {invite}
4. In Discord: your settings, Advanced, Developer Mode: on. A right click on the server: Copy Server ID;
   on yourself: Copy User ID; on a role (server settings, Roles): Copy Role ID, if members shall need one.
5. Here, in {file} under [serve]; then start the server again:
   discord_token = "…"
   discord_servers = "the server's number"
   discord_owner = "your own number"
   discord_role = "the role's number, or leave it away"

These clicks are from Discord's documentation and were not tried from here."""


def guide(own: ServeSettings, application: str = "", file: str = "dreamrig.toml") -> str:
    """All steps, with the link that invites the bot where its application is known. file: where settings go."""
    number = application or application_of(own.discord_token)
    if application and not SNOWFLAKE.fullmatch(application):
        raise UsageError(f"{application!r} is no application's number.", hint=f"copy the Application ID at {PORTAL}")
    unknown = "dreamrig serve discord APPLICATION_ID prints the link (General Information, Application ID)"
    return STEPS.format(portal=PORTAL, invite=invite_link(number) if number else unknown, file=file)


def invite_link(application: str) -> str:
    """The address at which somebody with Manage Server lets the bot in, with the least rights."""
    asked = {"client_id": application, "scope": "bot applications.commands", "permissions": str(LEAST_RIGHTS)}
    return f"{INVITE}?{urlencode(asked)}"


def application_of(token: str) -> str:
    """The number of the application, which a token begins with; "" where it does not look like one."""
    head = token.partition(".")[0]
    try:
        number = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return number if SNOWFLAKE.fullmatch(number) else ""


def bring_if_wanted(own: ServeSettings) -> None:
    """At the start of a server: the library where a token is set; a server without its bot is better than none."""
    if own.discord_token:
        extras.bring_or_note("discord")
