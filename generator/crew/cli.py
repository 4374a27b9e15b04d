"""`dreamrig crew start | join | check | leave`: several machines, one queue."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from dreamrig import console, settings
from dreamrig.command import make_app, run_group
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, NotReadyError, UsageError
from generator.crew import membership, reaching
from generator.crew.cards import cards_here
from generator.crew.check import CrewCheck, hindrances, look
from generator.crew.cluster import (
    CrewFolder,
    NodeWanted,
    Ports,
    Running,
    own_address,
    require_ray,
    with_port,
)
from generator.crew.door import CrewDoor, Membership, ask
from generator.crew.membership import MemberDifference
from generator.crew.starting import ray_process

LEAVE_SECONDS = 120.0
"""For the worker's step, its checkpoint, and the driver's next look."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOPBACK = ("127.", "localhost", "::1")
Host = Annotated[str | None, typer.Option("--host", help="The address of this machine that the others reach.")]
TokenFile = Annotated[str | None, typer.Option("--token-file", help="The crew's token, copied here.")]
Free = Annotated[bool, typer.Option("--free-ports", help="Any free ports: several nodes on one machine.", hidden=True)]
Cpus = Annotated[int | None, typer.Option("--cpus", help="Cores that may draw; all of them by itself.")]
Gpus = Annotated[int | None, typer.Option("--gpus", help="Cards that may draw; all of them by itself.")]


def crew(args: list[str]) -> int:
    """`dreamrig crew …`; returns the exit code."""
    app = make_app("Several machines draw for one queue, over Ray, inside one network.")

    @app.command("start")
    def start_command(
        host: Host = None,
        draws: Annotated[bool, typer.Option("--draw/--no-draw", help="Whether this machine draws as well.")] = True,
        cpus: Cpus = None,
        gpus: Gpus = None,
        free_ports: Free = False,
    ) -> int:
        """Be the head of a crew, until Ctrl-C. Then, in another terminal: dreamrig serve --crew ray."""
        return start(host, draws, cpus, gpus, Ports.free() if free_ports else Ports())

    @app.command("join")
    def join_command(
        address: Annotated[str, typer.Argument(help="The head's address, as `dreamrig crew start` prints it.")],
        token_file: TokenFile = None,
        host: Host = None,
        cpus: Cpus = None,
        gpus: Gpus = None,
        free_ports: Free = False,
    ) -> int:
        """Draw for a crew, until Ctrl-C or `dreamrig crew leave`; checks first whether this machine fits."""
        folder = folder_with(token_file)
        return join(folder, address, host, cpus, gpus, Ports.free() if free_ports else Ports())

    @app.command("check")
    def check_command(
        address: Annotated[
            str | None, typer.Argument(help="The head's; by itself the one that is set or known.")
        ] = None,
        token_file: TokenFile = None,
        host: Host = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> int:
        """Say whether this machine could join, as `crew join` would, and join nothing."""
        return print_check(look(folder_with(token_file), address, host), as_json=as_json)

    @app.command("leave")
    def leave_command() -> int:
        """Finish the step, keep the picture, go."""
        return leave(CrewFolder())

    return run_group(app, "crew", args)


# ---- the head


def start(host: str | None, draws: bool, cpus: int | None, gpus: int | None, ports: Ports) -> int:
    """Hold Ray's head and the door until told to stop."""
    require_ray()
    folder = CrewFolder()
    require_alone(folder)
    address = host or own_address()
    if address.startswith(LOOPBACK):
        raise UsageError(
            f"A head at {address} can be reached by nobody: Ray turns loopback into this machine's address.",
            hint=f"leave --host away, or: dreamrig crew start --host {own_address()}",
        )
    token = folder.make_token()
    model = model_served()
    wanted = NodeWanted(
        address=address, ports=ports, label=secrets.token_hex(6), draws=draws, cpus=cpus, gpus=gpus, cards=cards_here()
    )
    membership.weights_here(model)  # read once before anybody asks, who would wait for it
    members = Membership(
        lambda: {
            **membership.facts_here(model).to_dict(),
            "port": ports.ray,
            "ports": reaching.listened_on(ports),
        },
        partial(reaching.listen_once, address, ports),
        wanted.label,
    )
    command, where = wanted.command(folder.temporary), f"{address}:{ports.door}"
    with (
        told_to_stop(members.used_by) as stopped,
        CrewDoor((address, ports.door), token, members).open(),
        ray_process(command, folder) as process,
    ):
        Running.write(folder, ray=f"{address}:{ports.ray}", door=where, is_head=True)
        print(f"crew: {where}\ntoken: {folder.token_file}", flush=True)
        console.print_note(f"note: elsewhere, with a copy of the token: dreamrig crew join --token-file FILE {where}")
        until_over(stopped, process, folder)
    return EXIT_GOOD


# ---- a node


def join(folder: CrewFolder, address: str, host: str | None, cpus: int | None, gpus: int | None, ports: Ports) -> int:
    """Ask the door, compare, be reachable both ways; then hold a node until told to stop."""
    require_ray()
    require_alone(folder)
    token, where = folder.token(), with_port(address)
    head = ask(where, token, {"kind": "facts"})
    ray_address = f"{where.rpartition(':')[0]}:{int(head.get('port', 0))}"
    mine = host or own_address(where.rpartition(":")[0])
    if found := hindrances(where, token, head, mine, ports):
        tell(found)
        console.print_note("note: nothing joined")
        return EXIT_PROBLEM_FOUND
    label = secrets.token_hex(6)
    wanted = NodeWanted(
        address=mine, ports=ports, label=label, head=ray_address, cpus=cpus, gpus=gpus, cards=cards_here()
    )
    with told_to_stop() as stopped, ray_process(wanted.command(folder.temporary), folder) as process:
        Running.write(folder, ray=ray_address, door=where, is_head=False)
        print(f"joined {where}", flush=True)
        until_over(stopped, process, folder)
        drain(where, token, label)
    return EXIT_GOOD


def print_check(seen: CrewCheck, *, as_json: bool) -> int:
    """What was found; EXIT_PROBLEM_FOUND where something is in the way."""
    if as_json:
        console.print_json("crew check", seen.to_dict(), ok=not seen.hindrances)
    elif seen.hindrances:
        tell(seen.hindrances)
    else:
        print(seen.sentence())
    return EXIT_PROBLEM_FOUND if seen.hindrances else EXIT_GOOD


def tell(found: Sequence[MemberDifference]) -> None:
    """Each with its fix."""
    for one in found:
        print(f"{one.what}\n  fix: {one.fix}")


def drain(where: str, token: str, label: str) -> None:
    """Take no more work, and wait until what is drawn here is kept and put back."""
    deadline = time.monotonic() + LEAVE_SECONDS
    with contextlib.suppress(NotReadyError):  # the head is gone: there is nobody to wait for
        while not ask(where, token, {"kind": "leave", "node": label}) and time.monotonic() < deadline:
            time.sleep(0.5)


def leave(folder: CrewFolder) -> int:
    """Tell the node of this home to go, and wait until it has."""
    running = Running.read(folder)
    if running is None:
        raise NotReadyError("No node of a crew runs here.", hint="run: dreamrig crew join ADDRESS")
    if running.is_head and has_driver(folder, running):
        raise NotReadyError(
            "This is the head of the crew, and a server or a batch draws over it.",
            hint="end that first (Ctrl-C at `dreamrig serve`), then: dreamrig crew leave",
        )
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + 2 * LEAVE_SECONDS
    while Running.read(folder) is not None:
        if time.monotonic() > deadline:
            raise NotReadyError(f"The node (process {running.pid}) does not go.", hint=f"see {folder.log}")
        time.sleep(0.2)
    print("left")
    return EXIT_GOOD


def has_driver(folder: CrewFolder, running: Running) -> bool:
    """Whether somebody gives the crew work; not where its door does not say."""
    with contextlib.suppress(NotReadyError):
        return bool(ask(running.door, folder.token(), {"kind": "driven"}))
    return False


# ---- both


def require_alone(folder: CrewFolder) -> None:
    """One head or node a home."""
    running = Running.read(folder)
    if running is not None:
        raise NotReadyError(
            f"A {'head' if running.is_head else 'node'} of {running.door} runs here already.",
            hint="run: dreamrig crew leave" if not running.is_head else "stop it with Ctrl-C there",
        )


def folder_with(token_file: str | None) -> CrewFolder:
    """What this home keeps, with the token of that file where one is named."""
    folder = CrewFolder()
    if token_file is not None:
        keep_token_of(folder, Path(token_file).expanduser())
    return folder


def keep_token_of(folder: CrewFolder, path: Path) -> None:
    """Copy a token into this home; UsageError for a file that holds none."""
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"Cannot read {path}.", hint="copy the file that `dreamrig crew start` names") from None
    if len(token) < 32 or not token.isalnum():
        raise UsageError(f"{path} holds no token.", hint="copy the file that `dreamrig crew start` names")
    folder.keep_token(token)


def model_served() -> str:
    """The model that this home's server draws with."""
    return settings.resolve("serve.model", str, None, membership.STARTER, sources=settings.load_sources()).value


@contextlib.contextmanager
def told_to_stop(used_by: Callable[[], str] = lambda: "") -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and the end of the terminal set; the last not where nohup has it ignored.

    used_by: who would be left without a crew; where somebody would, the first Ctrl-C says so, and the second counts.
    """
    stopped, warned = threading.Event(), threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and not warned.is_set() and (user := used_by()):
            warned.set()
            with contextlib.suppress(OSError, RuntimeError):  # no terminal; or it came in the middle of a print
                console.print_note(
                    f"note: {user} draws over this crew, and would wait: Ctrl-C again ends it all the same"
                )
            return
        stopped.set()

    wanted = [one for one in STOPS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, on_signal) for one in wanted}
    try:
        yield stopped
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def until_over(stopped: threading.Event, process: Any, folder: CrewFolder) -> None:
    """Until told to stop; NotReadyError where Ray ends by itself."""
    while not stopped.wait(0.5):
        if process.poll() is not None:
            raise NotReadyError("Ray ended by itself.", hint=f"its last words are in {folder.log}")
    with contextlib.suppress(OSError):  # its terminal may be gone
        print("leaving", file=sys.stderr, flush=True)
