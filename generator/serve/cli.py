"""`dreamrig serve` and what belongs to it: the commands and their words."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from dreamrig import extras, settings
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.paths import user_config_file
from dreamrig.words import MIB, memory
from generator.crew.settings import choose
from generator.serve.backup import make_backup
from generator.serve.client import call
from generator.serve.clock import wall_ms
from generator.serve.discord import setup as discord_setup
from generator.serve.friends import FATES, Fate, fate_of
from generator.serve.home import Home, read_address, this_home
from generator.serve.parent import run
from generator.serve.process import web_process
from generator.serve.settings import ServeSettings, load_settings, parse_end
from generator.serve.upkeep import commands as upkeep
from generator.serve.upkeep.situation import as_it_runs

Host = Annotated[str | None, typer.Option("--host", help="Where to listen; beyond loopback name the public address.")]
Port = Annotated[int | None, typer.Option("--port", help="The port, 8700 by itself.")]
Url = Annotated[str | None, typer.Option("--public-url", help="The address that friends use.")]

Pictures = Annotated[str, typer.Option("--pictures", help="What becomes of them: keep, hide or delete.")]
Days = Annotated[int | None, typer.Option("--days", help="Pictures that ended before so many days.")]
ToQuota = Annotated[bool, typer.Option("--to-quota", help="Instead: the oldest, until each friend may ask again.")]
AsQuota = Annotated[int | None, typer.Option("--quota", help="The same, as if every quota were so many MiB.")]
OfFriend = Annotated[str | None, typer.Option("--friend", help="The same, for one friend alone.")]
Apply = Annotated[bool, typer.Option("--apply", help="Really let them go.")]


def serve(args: list[str]) -> int:
    """`dreamrig serve …`; returns the exit code."""
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, invoke_without_command=True
    )

    @app.callback()
    def main(
        context: typer.Context,
        host: Host = None,
        port: Port = None,
        public_url: Url = None,
        crew: Annotated[str | None, typer.Option("--crew", help="Who draws: local, or ray = every joined PC.")] = None,
        address: Annotated[str | None, typer.Option("--address", help="The crew's head, for --crew ray.")] = None,
    ) -> int:
        """A page where friends type a prompt, wait their turn and get the picture."""
        choose(crew, address)
        if context.invoked_subcommand is None:
            return run({"host": host, "port": port, "public_url": public_url})
        return EXIT_GOOD

    @app.command("process", hidden=True)
    def process(host: Host = None, port: Port = None, public_url: Url = None) -> int:
        """The web process; `dreamrig serve` starts it."""
        return web_process({"host": host, "port": port, "public_url": public_url})

    @app.command("pause")
    def pause(
        length: Annotated[str, typer.Option("--for", help="How long, e.g. 3h.")] = "0",
        until: Annotated[str, typer.Option("--until", help="Instead: until then, e.g. 23:00.")] = "",
    ) -> int:
        """Gaming mode: keep, give the graphics card back; what is asked for waits."""
        if until and length != "0":
            raise UsageError("It ends after a while or at a time of day.", hint="give --for or --until")
        parse_end(until or length, wall_ms())
        call("POST", "/api/v1/mode", {"mode": "gaming", "length": until or length})
        print("The graphics card is yours; the queue waits.")
        return EXIT_GOOD

    @app.command("resume")
    def resume() -> int:
        """Draw again."""
        call("POST", "/api/v1/mode", {"mode": "drawing"})
        print("Drawing.")
        return EXIT_GOOD

    @app.command("backup")
    def backup() -> int:
        """A whole copy of the database, and the pictures by hard links."""
        print(make_backup(this_home()))
        return EXIT_GOOD

    @app.command("run")
    def run_command(
        host: Host = None,
        port: Port = None,
        public_url: Url = None,
        stay: Annotated[
            bool, typer.Option("--stay", help="Hold a server that a unit runs; for a task of Windows.")
        ] = False,
    ) -> int:
        """The same as without a word: what units and tasks start."""
        flags = {"host": host, "port": port, "public_url": public_url}
        return upkeep.stay_here(partial(run, flags)) if stay else run(flags)

    _add_owners(app)
    upkeep.add_to(app)
    app.add_typer(_friends(), name="friends")
    return app(args, prog_name="dreamrig serve", standalone_mode=False) or EXIT_GOOD


def _add_owners(app: typer.Typer) -> None:
    """What the owner does now and then."""

    @app.command("discord")
    def discord_command(application: Annotated[str, typer.Argument(metavar="[APPLICATION_ID]")] = "") -> int:
        """A bot for your Discord server: the clicks there, the settings here, and the link that invites it."""
        print(discord_setup.guide(load_settings({}, settings.load_sources()), application, str(user_config_file())))
        extras.bring("discord")
        return EXIT_GOOD

    @app.command("sweep")
    def sweep(
        days: Days = None,
        to_quota: ToQuota = False,
        quota: AsQuota = None,
        friend: OfFriend = None,
        apply: Apply = False,
    ) -> int:
        """Make room: which old pictures would go, and with --apply let them. Hearts and open links keep theirs."""
        told = call("POST", "/api/v1/sweep", sweep_body(days, to_quota, quota, friend, apply))
        word = "went" if apply else "would go; nothing was changed, --apply does it"
        print(f"{told['goes']} pictures, {memory(told['goes_bytes'] / MIB)}: {word}")
        for one in told["friends"]:
            print(f"  {use_line(one)}")
        return EXIT_GOOD


def sweep_body(
    days: int | None, to_quota: bool, quota_mib: int | None, friend: str | None, apply: bool
) -> dict[str, Any]:
    """What the server is asked; UsageError where neither an age nor the quota is named, or both are."""
    is_quota = to_quota or quota_mib is not None or friend is not None
    if (days is None) != is_quota:
        raise UsageError(
            "An age or the quota decides what goes.",
            hint="dreamrig serve sweep --days 90, or: dreamrig serve sweep --to-quota",
        )
    given = {"days": days, "to_quota": is_quota or None, "quota_mib": quota_mib, "friend": friend}
    return {**{name: value for name, value in given.items() if value is not None}, "apply": apply}


def use_line(one: Mapping[str, Any]) -> str:
    """One friend's: what goes, what is used, and whether that is still too much when it is gone."""
    goes = f"{one['goes']} of them, {memory(one['goes_bytes'] / MIB)}"
    uses = f"uses {memory(one['used_bytes'] / MIB)} of {memory(one['quota_mib'])}"
    is_full = one["used_bytes"] - one["goes_bytes"] >= one["quota_mib"] * MIB
    return (
        f"{one['name']}: {goes}; {uses}{'; stays full: the rest is hearted, shared or waited for' if is_full else ''}"
    )


def _friends() -> Any:
    """`dreamrig serve friends …`."""
    group = typer.Typer(help="Who may come in.")

    @group.command("invite")
    def invite(name: str) -> int:
        """A link that lets a friend in, once, within seven days."""
        home, own = this_home(), load_settings({}, settings.load_sources())
        print(base_url(home, own) + call("POST", "/api/v1/friends/invite", {"name": name})["path"])
        return EXIT_GOOD

    @group.command("list")
    def list_all() -> int:
        """Everybody, with what they may ask for."""
        for one in call("GET", "/api/v1/friends")["friends"]:
            may = f"{one['most_waiting']} waiting, {one['most_a_minute']} a minute, {one['quota_mib']} MiB"
            note = ", owner" if one["is_owner"] else ", not let in" if one["revoked"] else ""
            print(f"{one['name']}: {may}, weight {one['weight']}{note}")
        return EXIT_GOOD

    @group.command("revoke")
    def revoke(name: str, pictures: Pictures = "") -> int:
        """Let a friend in no more; on a terminal it is asked what becomes of the pictures."""
        fate = fate_in(pictures or asked_fate(name))
        call("POST", "/api/v1/friends/revoke", {"name": name, "pictures": fate})
        return EXIT_GOOD

    @group.command("limit")
    def limit(
        name: str,
        waiting: int | None = None,
        minute: int | None = None,
        quota: int | None = None,
        weight: int | None = None,
    ) -> int:
        """Set how many may wait, how many a minute, how many MiB, and how many share a turn."""
        given = {"most_waiting": waiting, "most_a_minute": minute, "quota_mib": quota, "weight": weight}
        changes = {key: value for key, value in given.items() if value is not None}
        call("POST", "/api/v1/friends/limit", {"name": name, **changes})
        return EXIT_GOOD

    return group


def asked_fate(name: str) -> str:
    """What a person at a terminal says; elsewhere the pictures stay."""
    if sys.stdin is None or not sys.stdin.isatty():
        return "keep"
    return str(typer.prompt(f"What becomes of {name}'s pictures? {', '.join(FATES)}", default="keep", err=True))


def fate_in(said: str) -> Fate:
    """UsageError for what is none."""
    fate = fate_of(said.strip())
    if fate is None:
        raise UsageError(f"Pictures cannot be {said[:40]!r}.", hint=f"use {', '.join(FATES)}")
    return fate


def base_url(home: Home, own: ServeSettings) -> str:
    """What friends type."""
    found = as_it_runs(home, own).public_url.rstrip("/")
    return found or str((read_address(home) or {}).get("url") or f"http://127.0.0.1:{own.port}")
