"""The owner's settings of a server: `[serve]` in dreamrig.toml, DREAMRIG_SERVE_*, flags over both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from dreamrig import settings
from dreamrig.errors import UsageError
from dreamrig.settings import Sources

LOOPBACK = ("127.0.0.1", "localhost", "::1")
VISIBILITIES = ("circle", "own")
SNOWFLAKE = re.compile(r"[0-9]{17,20}")
"""How Discord numbers everything: https://discord.com/developers/docs/reference#snowflakes."""
TOKEN = re.compile(r"[A-Za-z0-9_.-]*")
STOP_SECONDS_AT_MOST = 30
"""After a signal to stop it is over in 15; whoever stops it may kill it then."""
WEB_ADDRESS = re.compile(r"[!-~]+")
EXIT_NO_CREW = 75
"""Of a web process, for its parent alone: the crew that is to draw is not there, and may come back."""
UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What an owner may set; every field is also `serve.<name>` in a file."""

    host: str = "127.0.0.1"
    """Where it listens."""
    port: int = 8700
    public_url: str = ""
    """The address friends use, e.g. https://rig.example.ts.net; its host is then answered to, its https makes cookies
    Secure."""
    trusted_proxy: str = ""
    """The address of a proxy whose X-Forwarded-For counts; empty = none."""
    visibility: str = "circle"
    """circle: friends see one another's prompts and pictures; own: everybody sees their own."""
    model: str = "starter"
    """The networks that draw."""
    idle_unload: str = "15m"
    """End the idle worker after so long, so that its memory is free; 0 = never."""
    keep_seconds: int = 5
    """Between two checkpoints of a picture, at least: what a killed worker costs."""
    keep_free_mib: int = 2048
    """Refuse new pictures when less room than this would be left on the disk."""
    keep_days: int = 0
    """Days after which ended pictures go that nobody has hearted or shared; 0 = they stay."""
    log: str = "text"
    """text or json: lines of the log."""
    log_prompts: bool = False
    """Whether the log holds what friends asked for."""
    hold_words: str = ""
    """Words or phrases, separated by commas, that hold a prompt until the owner has looked at it."""
    webhook: str = ""
    """A Discord webhook; its address is a secret."""
    webhook_posts: str = "shared"
    """shared or all."""
    discord_token: str = ""
    """The token of your Discord bot; a secret."""
    discord_servers: str = ""
    """Numbers of the Discord servers whose members may draw, separated by commas."""
    discord_role: str = ""
    """The number of a role that a member needs; empty = none."""
    discord_owner: str = ""
    """Your own number on Discord: what you ask for there is asked for by the owner."""

    def __post_init__(self) -> None:
        if self.visibility not in VISIBILITIES:
            raise UsageError(f"serve.visibility is {self.visibility!r}.", hint=f"use {' or '.join(VISIBILITIES)}")
        if self.webhook_posts not in ("shared", "all"):
            raise UsageError(f"serve.webhook_posts is {self.webhook_posts!r}.", hint="use shared or all")
        if self.log not in ("text", "json"):
            raise UsageError(f"serve.log is {self.log!r}.", hint="use text or json")
        if self.keep_days < 0:
            raise UsageError(f"serve.keep_days is {self.keep_days}.", hint="use a number of days, or 0 for all of them")
        if self.public_url and (not urlsplit(self.public_url).hostname or self.public_scheme not in ("http", "https")):
            raise UsageError(f"serve.public_url is {self.public_url!r}.", hint="give a whole address: https://…")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"serve.port is {self.port}.", hint="use 1024 to 65535")
        parse_duration(self.idle_unload)
        self._check_discord()

    def _check_discord(self) -> None:
        if self.webhook and not is_web_address(self.webhook):  # never shown, not even a wrong one
            raise UsageError(
                "serve.webhook is no whole address.",
                hint="copy it anew from Discord, Integrations, Webhooks: it begins with https://",
            )
        for name in ("discord_servers", "discord_role", "discord_owner"):
            if not all(map(SNOWFLAKE.fullmatch, listed_in(getattr(self, name)))):
                raise UsageError(
                    f"serve.{name} is {getattr(self, name)!r}.",
                    hint="Discord's numbers have 17 to 20 digits; see: serve discord",
                )
        if not TOKEN.fullmatch(self.discord_token):  # never shown, not even a wrong one
            raise UsageError("serve.discord_token is no token of a bot.", hint="run: dreamrig serve discord")

    @property
    def opened_servers(self) -> frozenset[int]:
        """Discord servers whose members may draw."""
        return frozenset(map(int, listed_in(self.discord_servers)))

    @property
    def public_scheme(self) -> str:
        """http or https, as friends see it."""
        return urlsplit(self.public_url).scheme

    @property
    def public_host(self) -> str:
        """The name in it; empty where there is none."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def is_https(self) -> bool:
        """Whether friends come by https, so that cookies can be Secure."""
        return self.public_scheme == "https"

    @property
    def hosts(self) -> frozenset[str]:
        """Names that a request may call us by."""
        named = urlsplit(self.public_url).hostname
        own = {self.host} - {"0.0.0.0", "::"}  # noqa: S104 - to leave them out
        return frozenset({*LOOPBACK, *own, *({named} if named else ())})

    @property
    def held_words(self) -> frozenset[str]:
        """hold_words, each as it was written."""
        return frozenset(listed_in(self.hold_words))

    @property
    def given(self) -> Mapping[str, Any]:
        """Settings of the generator for every picture."""
        return {"model": self.model}


def listed_in(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_web_address(text: str) -> bool:
    """Whether it has a scheme of the web, a host, and nothing that no address has."""
    try:
        found = urlsplit(text)
        has_place = bool(found.hostname) and found.port != 0
    except ValueError:
        return False
    return has_place and found.scheme in ("http", "https") and WEB_ADDRESS.fullmatch(text) is not None


def parse_duration(text: str) -> int:
    """ "15m", "3h", "90s" or "0" -> seconds; UsageError for anything else."""
    found = re.fullmatch(r"(\d{1,6})\s*([smh]?)", text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no length of time.", hint="write it like 90s, 15m or 3h")
    return int(found[1]) * UNITS[found[2] or "s"]


def parse_end(text: str, now_ms: int) -> int | None:
    """When that is over: "3h" from now, or "23:00" or "until 23:00" by this machine's clock, tomorrow where it is past.

    Milliseconds of UTC; None for "0", an open end; UsageError for anything else.
    """
    found = re.fullmatch(r"(?:until\s+)?([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if found is not None:
        now = datetime.fromtimestamp(now_ms / 1000)  # noqa: DTZ006 - the owner's own
        end = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        if end.timestamp() * 1000 <= now_ms:
            end += timedelta(days=1)
        return int(end.timestamp() * 1000)
    try:
        seconds = parse_duration(text)
    except UsageError as error:
        told = f"{text[:40]!r} is no length of time and no time of day."
        raise UsageError(told, hint="write it like 90m, 3h or 23:00") from error
    return now_ms + seconds * 1000 if seconds else None


def load_settings(flags: Mapping[str, Any], sources: Sources) -> ServeSettings:
    """Flags over variables over files over defaults. flags: by field name, None = not given."""
    kinds = get_type_hints(ServeSettings)
    usual = ServeSettings()
    found = {
        one.name: settings.resolve(
            f"serve.{one.name}", kinds[one.name], flags.get(one.name), getattr(usual, one.name), sources=sources
        ).value
        for one in fields(ServeSettings)
    }
    return replace(usual, **found)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the server waits for what, in seconds. Tests wait less."""

    tick: float = 1.0
    leave: float = 10.0
    """For a worker that was told to leave."""
    beat: float = 30.0
    """Without a beat a worker is dead."""
    stuck: float = 120.0
    """Without a step at least this long, or STUCK_STEPS usual steps, a drawing worker hangs."""
    crowded: float = 30.0
    """Before a worker that found no room on the device is started again."""
    restart: tuple[float, ...] = field(default=(0.2, 1.0, 5.0, 15.0, 60.0))
    """Before a worker that ended is started again, by how often it did so in a row."""
