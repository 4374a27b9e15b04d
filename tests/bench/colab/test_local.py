"""Colab's page on one's own card: a real Jupyter server, asked by a real WebSocket client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.colab import cli as colab_cli
from bench.colab import local as colab_local
from bench.colab.local import COLAB_ORIGIN, Runtime
from dreamrig.errors import FailedError, NotReadyError, UsageError

pytest.importorskip("jupyter_server", reason="the extra [colab] is not installed")
websocket = pytest.importorskip("websocket", reason="comes with jupyter_server")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    made = colab_local.new_runtime(tmp_path_factory.mktemp("files"))
    with colab_local.serve(made):
        yield made


def ask(
    runtime: Runtime, method: str, path: str, *, token: str | None = None, **headers: str
) -> http.client.HTTPResponse:
    """The server's answer; headers: names with _ for -."""
    with closing(http.client.HTTPConnection("127.0.0.1", runtime.port, timeout=20)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"token {token}"
        connection.request(method, path, body=b"{}" if method == "POST" else None, headers=named)
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]  # kept here, since the connection is closed
        return answer


def start_kernel(runtime: Runtime) -> str:
    answer = ask(runtime, "POST", "/api/kernels", token=runtime.token, Origin=COLAB_ORIGIN)
    assert answer.status == 201
    return str(json.loads(answer.body)["id"])  # type: ignore[attr-defined]  # see ask


def connect(runtime: Runtime, kernel: str, *, origin: str | None, token: str | None, host: str | None = None) -> Any:
    query = "" if token is None else f"?token={token}"
    address = f"ws://127.0.0.1:{runtime.port}/api/kernels/{kernel}/channels{query}"
    return websocket.create_connection(address, origin=origin, host=host, timeout=60, suppress_origin=origin is None)


def run_cell(channel: Any, code: str) -> str:
    """What the cell printed."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3", "session": uuid.uuid4().hex}
    request = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": {"code": code}}
    channel.send(json.dumps(request))
    printed = ""
    while True:
        message = json.loads(channel.recv())
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return printed


def test_colabs_page_runs_a_cell_that_sees_torch_and_the_device(runtime: Runtime) -> None:
    kernel = start_kernel(runtime)
    with closing(connect(runtime, kernel, origin=COLAB_ORIGIN, token=runtime.token)) as channel:
        printed = run_cell(
            channel, "import torch, os; print(torch.ones(2).sum().item(), torch.device('cpu'), os.getcwd())"
        )
    assert printed.split()[:2] == ["2.0", "cpu"]
    assert printed.split()[2] == str(runtime.folder.resolve())


@pytest.mark.parametrize(
    ("origin", "token"),
    [
        ("https://evil.example", True),
        ("https://colab.research.google.com.evil.example", True),
        ("http://colab.research.google.com", True),
        ("null", True),
        (COLAB_ORIGIN, False),
        (None, False),
    ],
)
def test_a_foreign_page_or_no_token_gets_no_kernel(runtime: Runtime, origin: str | None, token: bool) -> None:
    kernel = start_kernel(runtime)
    with pytest.raises(websocket.WebSocketBadStatusException):
        connect(runtime, kernel, origin=origin, token=runtime.token if token else None)
    headers = {} if origin is None else {"Origin": origin}
    answer = ask(runtime, "POST", "/api/kernels", token=runtime.token if token else None, **headers)
    assert answer.status in (403, 404)


def test_a_wrong_token_is_none(runtime: Runtime) -> None:
    assert ask(runtime, "GET", "/api/kernels", token="0" * 48, Origin=COLAB_ORIGIN).status == 403


@pytest.mark.parametrize("host", ["evil.example", "192.168.0.7", "evil.example:8888"])
def test_another_host_is_refused(runtime: Runtime, host: str) -> None:
    """A page whose name was rebound to 127.0.0.1 still says its own name."""
    assert ask(runtime, "GET", "/api/kernels", token=runtime.token, Host=host).status == 403
    kernel = start_kernel(runtime)
    with pytest.raises(websocket.WebSocketBadStatusException):
        connect(runtime, kernel, origin=COLAB_ORIGIN, token=runtime.token, host=host)


def test_the_browsers_questions_before_the_first_request_are_answered(runtime: Runtime) -> None:
    answer = ask(
        runtime,
        "OPTIONS",
        f"/api/kernels?token={runtime.token}",
        Origin=COLAB_ORIGIN,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Private_Network="true",
    )
    assert answer.status in (200, 204)
    assert answer.getheader("Access-Control-Allow-Origin") == COLAB_ORIGIN
    assert answer.getheader("Access-Control-Allow-Credentials") == "true"
    assert answer.getheader("Access-Control-Allow-Private-Network") == "true"


def test_it_listens_on_loopback_alone(runtime: Runtime) -> None:
    import psutil

    listening = [
        c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == runtime.port
    ]
    assert listening == ["127.0.0.1"]


def test_there_are_no_terminals_and_no_token_on_a_command_line(runtime: Runtime) -> None:
    assert ask(runtime, "POST", "/api/terminals", token=runtime.token, Origin=COLAB_ORIGIN).status == 404
    import psutil

    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if runtime.token in line]


# --- the command ---------------------------------------------------------------------------------------------


def start_command(folder: Path, *words: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    environ = {**os.environ, "PYTHONPATH": str(colab_local.ROOT)}
    code = "import sys; from bench.colab.cli import colab; sys.exit(colab(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--json", *words], cwd=folder, env=environ, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    text = ""
    while True:
        text += process.stdout.readline().decode()
        try:
            return process, json.loads(text)["data"]
        except ValueError:
            assert process.poll() is None, text


def wait_until_closed(port: int) -> None:
    for _ in range(300):
        if colab_local.is_free(port) and not accepts(port):
            return
        time.sleep(0.1)
    raise AssertionError(f"something still listens on port {port}")


def accepts(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def children_of(pid: int) -> list[Any]:
    import psutil

    return psutil.Process(pid).children(recursive=True)


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """A suite in the background has Ctrl-C switched off, under nohup the end of the terminal; children inherit that."""
    numbers = (signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_and_its_kernels(tmp_path: Path, usual_signals: None, number: signal.Signals) -> None:
    process, data = start_command(tmp_path)
    made = Runtime(port=data["port"], token=data["url"].partition("=")[2], folder=tmp_path)
    start_kernel(made)
    family = children_of(process.pid)
    assert len(family) >= 2  # the server and the kernel
    process.send_signal(number)
    assert process.wait(60) == 0
    wait_until_closed(made.port)
    import psutil

    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


def test_a_killed_command_takes_its_server_along(tmp_path: Path) -> None:
    process, data = start_command(tmp_path)
    process.kill()
    process.wait()
    wait_until_closed(data["port"])


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(NotReadyError, match=str(port)):
            colab_local.choose_port(port)
        assert colab_local.choose_port(None, free=lambda tried: tried == 8890) == 8890
        with pytest.raises(NotReadyError):
            colab_local.choose_port(None, free=lambda tried: False)


def test_a_server_that_does_not_come_up_is_quoted_without_its_token(tmp_path: Path) -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))  # taken, and nobody there who would have to be waited for
        made = Runtime(port=holder.getsockname()[1], token="secret" * 8, folder=tmp_path)
        with pytest.raises(FailedError) as caught, colab_local.serve(made):
            raise AssertionError("it came up on a taken port")
    assert "secret" not in str(caught.value)
    assert "port" in str(caught.value).lower()


@pytest.mark.parametrize("words", [["--port", "0"], ["--port", "70000"], ["--folder", "/nowhere/at/all"]])
def test_bad_words_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        colab_cli.colab(words)
    assert caught.value.hint


def test_docker_is_started_on_loopback_with_the_gpu_where_there_is_one(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def call(argv: list[str]) -> int:
        asked.append(argv)
        return 0

    for has_gpu in (False, True):
        door = colab_cli.RuntimeDoor(
            which=lambda name: f"/usr/bin/{name}", call=call, has_gpu=lambda found=has_gpu: found
        )
        assert colab_cli.colab(["--docker", "--port", "9123", "--folder", str(tmp_path)], door) == 0
    assert [("--gpus=all" in argv) for argv in asked] == [False, True]
    assert all("127.0.0.1:9123:8080" in argv for argv in asked)
    with pytest.raises(NotReadyError):
        colab_cli.colab(["--docker"], colab_cli.RuntimeDoor(which=lambda name: None, call=call))


def test_the_token_is_fresh_and_long(tmp_path: Path) -> None:
    tokens = {colab_local.new_runtime(tmp_path, None).token for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 32 for token in tokens)
    assert os.environ.get("JUPYTER_TOKEN") not in tokens
