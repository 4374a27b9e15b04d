"""The web process of a server: one life of pages, API and dispatcher under uvicorn."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from dreamrig import called, settings
from dreamrig.errors import EXIT_GOOD, NotReadyError, RigError
from generator.crew.local import die_with_parent
from generator.serve import friends
from generator.serve.clock import Clock, wall_ms
from generator.serve.home import Home, this_home, write_address
from generator.serve.settings import Patience, ServeSettings, load_settings
from generator.serve.watching import lines

if TYPE_CHECKING:
    from generator.serve.app import Server

log = logging.getLogger("dreamrig.serve")
GRACE_SECONDS = 3
ROOM_SECONDS = 5.0
OWNER_LINK_DAYS = 1.0 / 24


def web_process(
    flags: dict[str, Any],
    worker: Sequence[str] | None = None,
    patience: Patience | None = None,
    clock: Clock | None = None,
) -> int:
    """One life of the server. worker: its command; tests bring their own, another patience and another clock."""
    import uvicorn

    from generator.serve.app import make_server

    die_with_parent()
    own, home = load_settings(flags, settings.load_sources()), this_home()
    lines.begin(own)
    server = make_server(home, own, command=worker, patience=patience, clock=clock)
    config = uvicorn.Config(
        server.app, host=own.host, port=own.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS, server_header=False, proxy_headers=False, lifespan="on",
        log_config=None,  # its lines are ours
    )  # fmt: skip
    web = Web(config, server.service)

    def on_signal(number: int, frame: FrameType | None) -> None:
        web.should_exit = True  # before uvicorn listens for signals, and after: it raises what it caught once more

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    with announced(server, home, own):
        web.run()
    return EXIT_GOOD if web.started else NotReadyError.exit_code


@contextlib.contextmanager
def announced(server: Server, home: Home, own: ServeSettings) -> Iterator[None]:
    """Say where it is, for as long as it is there. On a full disk the pages go on, and this waits for room."""
    url = f"http://{'127.0.0.1' if own.host in ('0.0.0.0', '::') else own.host}:{own.port}"  # noqa: S104 - to print it
    if own.log == "json":
        log.info("listening", extra={lines.FACTS: {"friends": own.public_url or url}})
    else:
        print(f"friends: {own.public_url or url}", flush=True)
    is_over = threading.Event()
    telling = threading.Thread(target=tell_once_there_is_room, args=(server, home, own, url, is_over), daemon=True)
    try:
        tell_commands_and_owner(server, home, own, url)
    except RigError as error:
        home.address_file.unlink(missing_ok=True)  # the one of before would mislead
        lines.note(own, f"{error.message} Until there is room: no link for you, and no `dreamrig queue`.")
        telling.start()
    yield
    is_over.set()
    if telling.ident is not None:
        telling.join()
    home.address_file.unlink(missing_ok=True)


def tell_commands_and_owner(server: Server, home: Home, own: ServeSettings, url: str) -> None:
    """The address for the commands of this home, a link for its owner; RigError where the disk takes neither.

    The owner's own link is shown on a terminal alone: elsewhere it would stay in a log.
    """
    write_address(home, url, server.token, os.getpid(), own.public_url)
    if own.log == "json":
        return
    if not sys.stdout.isatty():
        print(f"yours, on a terminal: {called.name()} serve friends invite {friends.OWNER_NAME}", flush=True)
        return
    now = wall_ms()
    token = server.service.store.write(lambda db: friends.invite(db, server.owner.id, now, OWNER_LINK_DAYS)).result()
    print(f"yours, once: {url}/enter#{token}", flush=True)


def tell_once_there_is_room(server: Server, home: Home, own: ServeSettings, url: str, is_over: threading.Event) -> None:
    """The same, tried until it succeeds or the server ends."""
    while not is_over.wait(ROOM_SECONDS):
        with contextlib.suppress(RigError):
            tell_commands_and_owner(server, home, own, url)
            return


def Web(config: Any, service: Any) -> Any:  # noqa: N802 - makes a uvicorn server that closes streams first
    """A uvicorn server whose streams are told to close before it waits for them."""
    import uvicorn

    class Closing(uvicorn.Server):
        async def shutdown(self, sockets: Any = None) -> None:
            service.hub.close()
            await super().shutdown(sockets)

    return Closing(config)
