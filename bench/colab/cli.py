"""`dreamrig colab`: the Colab page in the browser, this machine's own card under it."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bench.colab import local as colab_local
from bench.colab.local import Runtime
from dreamrig import console, extras
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, FailedError, NotReadyError, UsageError

STEPS = """Colab's page can use this machine while this command runs.

  1. In Colab, open the menu beside "Connect" and choose "Connect to a local runtime".
  2. Paste this address, then click "Connect":

     {url}

The address is a key: whoever has it may run code here. Chrome and Edge ask whether the page may reach this device;
allow it. Brave does once its settings allow the site, Safari does not. Something else in the way: dreamrig doctor.
The notebook for the comparison is {notebook} (in Colab: File, Upload notebook).
Files of the page: {folder}
Ctrl-C stops it."""
NOTEBOOK = Path(__file__).parents[1] / "colab.ipynb"


@dataclass(frozen=True, kw_only=True)
class RuntimeDoor:
    """What the command takes from outside; tests bring their own."""

    which: Callable[[str], str | None] = shutil.which
    call: Callable[[list[str]], int] = subprocess.call
    has_gpu: Callable[[], bool] = lambda: Path("/dev/dxg").exists() or Path("/dev/nvidiactl").exists()
    serve: Callable[[Runtime], AbstractContextManager[subprocess.Popen[bytes]]] = colab_local.serve


def colab(args: list[str], door: RuntimeDoor | None = None) -> int:
    """`dreamrig colab …`; returns 0 after Ctrl-C."""
    import typer

    door = door or RuntimeDoor()

    def body(
        port: Annotated[
            int | None, typer.Option(metavar="PORT", help="On this port; the first free from 8888.")
        ] = None,
        folder: Annotated[Path | None, typer.Option(help="What the page sees as its files; here if left out.")] = None,
        docker: Annotated[bool, typer.Option("--docker", help="Google's own image (tens of GB) instead.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="The address as one JSON document, then serve.")] = False,
    ) -> int:
        """Serve this machine to Colab's page ("Connect to a local runtime") until Ctrl-C."""
        if port is not None and not 1 <= port <= 65535:
            raise UsageError(f"--port {port} is no port.", hint="use 1024 to 65535, e.g. --port 9000")
        runtime = colab_local.new_runtime(_folder(folder), port)
        if docker:
            return _run_docker(runtime, door)
        return _run_jupyter(runtime, door, as_json=as_json)

    return run_one("colab", body, args)


def _folder(asked: Path | None) -> Path:
    folder = (asked or Path.cwd()).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", hint=f"make it: mkdir -p '{folder}'")
    return folder


def _run_jupyter(runtime: Runtime, door: RuntimeDoor, *, as_json: bool) -> int:
    extras.bring("colab")
    with _stop_event() as stop, door.serve(runtime) as process:
        if as_json:
            data = {"url": runtime.url, "port": runtime.port, "origin": colab_local.COLAB_ORIGIN}
            console.print_json("colab", {**data, "folder": runtime.folder})
            sys.stdout.flush()
        else:
            print(STEPS.format(url=runtime.url, notebook=NOTEBOOK, folder=runtime.folder), flush=True)
        while not stop.wait(0.2):
            if process.poll() is not None:
                raise FailedError("Jupyter's server ended by itself.", hint="start it again: dreamrig colab")
    console.print_note("stopped")
    return EXIT_GOOD


@contextmanager
def _stop_event() -> Iterator[threading.Event]:
    """Set by Ctrl-C, a polite kill or the end of the terminal; the former handlers come back afterwards.

    What was switched off when this began (nohup, a shell's &) stays off, but for the polite kill.
    """
    stop = threading.Event()
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heard = [one for one in known if signal.getsignal(one) != signal.SIG_IGN or one == signal.SIGTERM]
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in heard}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _run_docker(runtime: Runtime, door: RuntimeDoor) -> int:
    if door.which("docker") is None:
        raise NotReadyError("Docker is not here.", hint="without it, run: dreamrig colab")
    command = colab_local.docker_command(runtime, has_gpu=door.has_gpu())
    console.print_note(f"starting: {' '.join(command)}")
    console.print_note(f"paste the address it prints, with port {runtime.port}, into Colab's local runtime")
    code = door.call(command)
    if code not in (0, 130):
        raise FailedError(f"docker ended with exit code {code}.", hint="its own words stand above; see: docker info")
    return EXIT_GOOD
