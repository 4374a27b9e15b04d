"""A runtime on this machine for Colab's page ("Connect to a local runtime").

Google's instructions (research.google.com/colaboratory/local-runtimes.html) start Jupyter with Colab as the allowed
origin; the page then talks to it over HTTP and WebSocket with the token of the address. Chrome also asks, before a
public page may reach this device, for Access-Control-Allow-Private-Network (colabtools issue 5506), and the server
must accept credentials (colabtools issue 5302).
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from dreamrig.errors import FailedError, NotReadyError
from provision.facts.collectors.colab import PORTS

COLAB_ORIGIN = "https://colab.research.google.com"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
DOCKER_IMAGE = "us-docker.pkg.dev/colab-images/public/runtime"
SETTINGS = "settings.json"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where the page finds this machine. The token is a secret: it belongs on the terminal and nowhere else."""

    port: int
    token: str
    folder: Path
    """What the page sees as its files."""

    @property
    def url(self) -> str:
        """The address to paste; localhost, because that is what Colab asks for."""
        return f"http://localhost:{self.port}/?token={self.token}"


def is_free(port: int) -> bool:
    """Whether a server could listen there on loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None, free: Callable[[int], bool] = is_free) -> int:
    """The wanted port, else the first free one from Jupyter's own on; NotReadyError where there is none."""
    found = next(filter(free, PORTS if wanted is None else (wanted,)), None)
    if found is None:
        named = f"Port {wanted} is" if wanted else f"Ports {PORTS[0]} to {PORTS[-1]} are"
        raise NotReadyError(f"{named} taken.", hint="choose another: dreamrig colab --port 9000")
    return found


def new_runtime(folder: Path, port: int | None = None) -> Runtime:
    """A free port and a fresh token."""
    return Runtime(port=choose_port(port), token=secrets.token_hex(24), folder=folder)


def server_settings(runtime: Runtime) -> dict[str, Any]:
    """Jupyter's configuration: loopback, one origin, this token, no other door."""
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": runtime.port,
            "port_retries": 0,
            "allow_origin": COLAB_ORIGIN,
            "allow_credentials": True,
            "allow_remote_access": False,
            "identity_provider_class": "bench.colab.server.OneOriginProvider",
            "tornado_settings": {"headers": {"Access-Control-Allow-Private-Network": "true"}},
            "root_dir": str(runtime.folder),
            "open_browser": False,
            "terminals_enabled": False,
            "answer_yes": True,
            "allow_root": hasattr(os, "geteuid") and os.geteuid() == 0,
            "log_level": "WARN",
        },
        "IdentityProvider": {"token": runtime.token},
    }


@contextmanager
def serve(runtime: Runtime, *, clock: Callable[[], float] = monotonic) -> Iterator[subprocess.Popen[bytes]]:
    """The server, answering; stopped with all its kernels when the block ends.

    FailedError with the end of the server's own words where it does not come up.
    """
    home = Path(tempfile.mkdtemp(prefix="dreamrig-colab-"))  # mode 0700: it holds the token
    try:
        (home / SETTINGS).write_text(json.dumps(server_settings(runtime)), encoding="utf-8")
        log = home / "server.log"
        with log.open("wb") as sink:
            process = _start(home, runtime.folder, sink.fileno())
        try:
            _wait_until_ready(runtime, process, log, clock)
            yield process
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(home: Path, folder: Path, log: int) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches us alone; nobody's own Jupyter settings count.

    Cells can import dreamrig also where the page's folder is another and nothing is installed.
    """
    own = {
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "DREAMRIG_PLACE": "colab-local",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.colab.server", str(home / SETTINGS)],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **own},
        cwd=folder,
        start_new_session=True,
    )


def _wait_until_ready(
    runtime: Runtime, process: subprocess.Popen[bytes], log: Path, clock: Callable[[], float]
) -> None:
    give_up_at = clock() + START_SECONDS
    while not answers(runtime):
        if process.poll() is not None or clock() > give_up_at:
            words = log.read_text(encoding="utf-8", errors="replace").replace(runtime.token, "[token]")
            last = "\n".join(words.splitlines()[-8:]) or "it said nothing"
            raise FailedError(f"Jupyter's server did not come up: {last}", hint="see: dreamrig doctor")
        sleep(0.05)


def answers(runtime: Runtime) -> bool:
    """Whether the server takes our token."""
    connection = http.client.HTTPConnection("127.0.0.1", runtime.port, timeout=5)
    try:
        connection.request("GET", "/api/status", headers={"Authorization": f"token {runtime.token}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end with its kernels; what has not ended in time is killed."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_session(process)
        process.wait()


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def docker_command(runtime: Runtime, *, has_gpu: bool) -> list[str]:
    """Google's own image as the runtime, on loopback. It makes its own token and prints the address."""
    gpu = ["--gpus=all"] if has_gpu else []
    return ["docker", "run", "--rm", "-it", *gpu, "-p", f"127.0.0.1:{runtime.port}:8080", DOCKER_IMAGE]
