"""`dreamrig serve`, and submit, queue, cancel, which speak to the running server through its own API."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from dreamrig import console, settings
from dreamrig.errors import EXIT_GOOD, FailedError, NotReadyError, RigError, UsageError
from dreamrig.paths import ensure_folder
from generator.serve import friends, reach
from generator.serve.clock import wall_ms
from generator.serve.home import Home, held, read_address, this_home, write_address
from generator.serve.settings import LOOPBACK, Patience, ServeSettings, load_settings, parse_duration

PROCESS = (sys.executable, "-P", "-m", "dreamrig", "serve", "process")
"""The web process's command, without flags."""
RESTART_WAITS = (0.2, 1.0, 5.0, 15.0, 60.0)
LONG_LIFE_SECONDS = 60.0
GRACE_SECONDS = 3
OWNER_LINK_DAYS = 1.0 / 24
Host = Annotated[str | None, typer.Option("--host", help="Where to listen; beyond loopback name the public address.")]
Port = Annotated[int | None, typer.Option("--port", help="The port, 8700 by itself.")]
Url = Annotated[str | None, typer.Option("--public-url", help="The address that friends use.")]


def serve(args: list[str]) -> int:
    """`dreamrig serve …`; returns the exit code."""
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, invoke_without_command=True
    )

    @app.callback()
    def main(context: typer.Context, host: Host = None, port: Port = None, public_url: Url = None) -> int:
        """A page where friends type a prompt, wait their turn and get the picture."""
        if context.invoked_subcommand is None:
            return run({"host": host, "port": port, "public_url": public_url})
        return EXIT_GOOD

    @app.command("process", hidden=True)
    def process(host: Host = None, port: Port = None, public_url: Url = None) -> int:
        """The web process; `dreamrig serve` starts it."""
        return web_process({"host": host, "port": port, "public_url": public_url})

    @app.command("pause")
    def pause(length: Annotated[str, typer.Option("--for", help="How long, e.g. 3h.")] = "0") -> int:
        """Gaming mode: keep, give the graphics card back; what is asked for waits."""
        parse_duration(length)
        call("POST", "/owner/mode", {"mode": "gaming", "length": length})
        print("The graphics card is yours; the queue waits.")
        return EXIT_GOOD

    @app.command("resume")
    def resume() -> int:
        """Draw again."""
        call("POST", "/owner/mode", {"mode": "drawing"})
        print("Drawing.")
        return EXIT_GOOD

    @app.command("backup")
    def backup() -> int:
        """A whole copy of the database, and the pictures by hard links."""
        print(make_backup(this_home()))
        return EXIT_GOOD

    @app.command("reach")
    def reach_command() -> int:
        """How friends can reach this machine: ways, commands, risks."""
        print(reach.advice(load_settings({}, settings.load_sources())))
        return EXIT_GOOD

    app.add_typer(_friends(), name="friends")
    return app(args, prog_name="dreamrig serve", standalone_mode=False) or EXIT_GOOD


def _friends() -> Any:
    """`dreamrig serve friends …`."""
    group = typer.Typer(help="Who may come in.")

    @group.command("invite")
    def invite(name: str) -> int:
        """A link that lets a friend in, once, within seven days."""
        home, own = this_home(), load_settings({}, settings.load_sources())
        print(base_url(home, own) + call("POST", "/api/v1/friends/invite", {"name": name})["path"])
        return EXIT_GOOD

    @group.command("revoke")
    def revoke(name: str) -> int:
        """Let a friend in no more; the pictures stay."""
        call("POST", "/api/v1/friends/revoke", {"name": name})
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


def base_url(home: Home, own: ServeSettings) -> str:
    """What friends type."""
    return own.public_url.rstrip("/") or str((read_address(home) or {}).get("url") or f"http://127.0.0.1:{own.port}")


# ---- the parent


def run(flags: dict[str, Any], process: Sequence[str] = PROCESS, waits: Sequence[float] = RESTART_WAITS) -> int:
    """Hold the home, keep a web process alive, pass signals on. process: its command.   waits: see supervise."""
    own = load_settings(flags, settings.load_sources())
    require_safe_bind(own)
    home = this_home()
    with held(home) as lock:
        return supervise(flags, lock, process, waits)


def require_safe_bind(own: ServeSettings) -> None:
    """Beyond loopback only on purpose: UsageError without a public address that friends and Host checks know."""
    if own.host not in LOOPBACK and not own.public_url:
        raise UsageError(
            f"serve.host {own.host} opens the server to others, and serve.public_url does not say by which address.",
            hint=f"run: dreamrig serve --host {own.host} --public-url http://ADDRESS:{own.port}",
        )


def supervise(flags: dict[str, Any], lock: int, process: Sequence[str], waits: Sequence[float]) -> int:
    """Start the web process, and again where it dies, with growing pauses; returns its exit code once told to stop.

    lock: the descriptor that holds the home. The web process inherits it: where this parent is killed, nobody may write
    the database before that process has left.   waits: seconds before it is started again, by deaths in a row.
    """
    words = [
        word
        for name, value in flags.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    command = [*process, *words]
    told: list[int] = []
    deaths = 0

    def on_signal(number: int, frame: FrameType | None) -> None:
        told.append(number)
        child.terminate()

    while True:
        began = time.monotonic()
        with subprocess.Popen(command, pass_fds=(lock,)) as child:
            previous = {}
            for number in (signal.SIGINT, signal.SIGTERM):
                previous[number] = signal.signal(number, on_signal)
            code = child.wait()
            for number, handler in previous.items():
                signal.signal(number, handler)
        if told or code in (EXIT_GOOD, UsageError.exit_code, NotReadyError.exit_code):
            return EXIT_GOOD if told else code
        deaths = 0 if time.monotonic() - began > LONG_LIFE_SECONDS else deaths + 1
        console.print_note(f"note: the server ended with {code}; starting it again")
        time.sleep(waits[min(deaths, len(waits)) - 1])


def web_process(flags: dict[str, Any], worker: Sequence[str] | None = None, patience: Patience | None = None) -> int:
    """One life of the server. worker: its command; tests bring their own, and another patience."""
    import uvicorn

    from generator.crew.local import die_with_parent
    from generator.serve.app import make_server

    die_with_parent()
    own, home = load_settings(flags, settings.load_sources()), this_home()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    server = make_server(home, own, command=worker, patience=patience)
    now = wall_ms()
    token = server.service.store.write(lambda db: friends.invite(db, server.owner.id, now, OWNER_LINK_DAYS)).result()
    url = f"http://{'127.0.0.1' if own.host in ('0.0.0.0', '::') else own.host}:{own.port}"  # noqa: S104 - to print it
    write_address(home, url, server.token, os.getpid())
    print(f"friends: {own.public_url or url}\nyours, once: {url}/enter#{token}", flush=True)
    config = uvicorn.Config(
        server.app, host=own.host, port=own.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS, server_header=False, proxy_headers=False, lifespan="on",
    )  # fmt: skip
    web = Web(config, server.service)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)  # uvicorn raises what it caught once more when it has ended
    web.run()
    home.address_file.unlink(missing_ok=True)
    return EXIT_GOOD if web.started else NotReadyError.exit_code


def Web(config: Any, service: Any) -> Any:  # noqa: N802 - makes a uvicorn server that closes streams first
    """A uvicorn server whose streams are told to close before it waits for them."""
    import uvicorn

    class Closing(uvicorn.Server):
        async def shutdown(self, sockets: Any = None) -> None:
            service.hub.close()
            await super().shutdown(sockets)

    return Closing(config)


# ---- clients of the running server


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the running server of this home; NotReadyError where none runs."""
    where = read_address(this_home())
    if where is None:
        raise NotReadyError("No server of this home is running.", hint="run: dreamrig serve")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {where['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(where["url"] + path, data, headers, method=method)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310 - as above
            text = answer.read()
            return json.loads(text) if answer.headers.get_content_type() == "application/json" else text
    except urllib.error.HTTPError as error:
        raise told(error) from None
    except OSError as error:
        raise NotReadyError(
            f"The server at {where['url']} does not answer: {error}.", hint="run: dreamrig serve"
        ) from None


def told(error: urllib.error.HTTPError) -> RigError:
    """What the server answered, as an error of ours."""
    try:
        body = json.loads(error.read())["error"]
        return FailedError(body["message"], hint=body.get("hint", ""))
    except (ValueError, KeyError):
        return FailedError(f"The server answered {error.code}.")


def submit(args: list[str]) -> int:
    """`dreamrig submit PROMPT`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(prompt: list[str], preset: str = "quick", shape: str = "square", style: str = "none") -> int:
        """Put a picture into the running server's line."""
        made = call(
            "POST", "/api/v1/jobs", {"prompt": " ".join(prompt), "preset": preset, "shape": shape, "style": style}
        )
        print(f"{made['key']}  number {made['number']}, {made.get('left', '')}")
        return EXIT_GOOD

    return app(args, prog_name="dreamrig submit", standalone_mode=False) or EXIT_GOOD


def show_queue(args: list[str]) -> int:
    """`dreamrig queue`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> int:
        """The line of the running server."""
        state = call("GET", "/api/v1/queue")
        if as_json:
            console.print_json("queue", state)
            return EXIT_GOOD
        counts = state["counts"]
        print(f"{state['mode']}, worker {state['worker']}: {counts['running']} running, {counts['queued']} waiting")
        for one in state["line"]:
            place = "now" if one["state"] == "running" else one["number"]
            print(f"{place}  {one['key']}  {one['friend']}  {one['prompt'] or '(not shown)'}  {one.get('left', '')}")
        return EXIT_GOOD

    return app(args, prog_name="dreamrig queue", standalone_mode=False) or EXIT_GOOD


def cancel(args: list[str]) -> int:
    """`dreamrig cancel KEY`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(key: str) -> int:
        """End a picture of the running server for good."""
        print(call("POST", f"/api/v1/jobs/{key}/cancel", {})["state"])
        return EXIT_GOOD

    return app(args, prog_name="dreamrig cancel", standalone_mode=False) or EXIT_GOOD


def make_backup(home: Home) -> Path:
    """backups/<time>/ with serve.db, whole, and the pictures as hard links; works beside a running server."""
    import sqlite3

    if not home.database.is_file():
        raise UsageError(f"There is no database {home.database}.", hint="run: dreamrig serve")
    folder = ensure_folder(home.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, timeout=30) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "serve.db"),))
    connection.close()
    for path in sorted(home.pictures.rglob("*")):
        target = folder / "pictures" / path.relative_to(home.pictures)
        if path.is_file() and not path.name.startswith("."):
            ensure_folder(target.parent)
            os.link(path, target)
    return folder
