"""The real command with the real starter: worker and server killed in mid-picture, and not a byte is different."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.pictures.reading import read_recipe
from generator.runs.mark import process_mark

PATIENCE_SECONDS = 180
WISH = {"prompt": "sunset over the sea", "preset": "good", "seed": 5}


class Rig:
    """`dreamrig serve` in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.environ = {
            **os.environ,
            "DREAMRIG_HOME": str(home),
            "OMP_WAIT_POLICY": "passive",
            "DREAMRIG_SERVE_KEEP_SECONDS": "0",
        }
        command = [sys.executable, "-P", "-m", "dreamrig", "serve", "--port", str(self.port)]
        self.log = (home.parent / "log").open("ab")
        self.process = subprocess.Popen(command, env=self.environ, stdout=self.log, stderr=self.log, cwd=home.parent)

    def address(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.home / "serve" / "serve.json").read_text()))
        except (OSError, ValueError):
            return {}

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON; None while the server is away."""
        headers = {"Authorization": f"Bearer {self.address().get('token', '')}"}
        try:
            answer = httpx.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10, **more)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code < 300 else None

    def until(self, true: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := true()):
            assert time.monotonic() < deadline, (self.home.parent / "log").read_text()[-2000:]
            assert self.process.poll() is None
            time.sleep(0.05)
        return found

    def submit(self) -> str:
        return str(self.until(lambda: self.ask("POST", "/api/v1/jobs", json=WISH))["key"])

    def job(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.until(lambda: self.ask("GET", f"/api/v1/jobs/{key}"))
        return found

    def done(self, key: str) -> bytes:
        self.until(lambda: self.job(key)["state"] == "done")
        return (self.home / "serve" / "pictures" / key[:2] / key / "picture.png").read_bytes()

    def row(self, key: str) -> sqlite3.Row:
        connection = sqlite3.connect(f"file:{self.home / 'serve.db'}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            found: sqlite3.Row = connection.execute("SELECT * FROM job WHERE key = ?", (key,)).fetchone()
            return found
        finally:
            connection.close()

    def worker_pid(self, key: str) -> int:
        return int(self.until(lambda: self.row(key)["worker"]).split()[0])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)
        self.log.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    started = Rig(tmp_path / "home")
    yield started
    started.stop()


@pytest.mark.slow
def test_killed_worker_and_killed_server_cost_no_byte(rig: Rig) -> None:
    whole = rig.done(rig.submit())
    key = rig.submit()
    rig.until(lambda: rig.row(key)["kept_step"] >= 10)
    os.kill(rig.worker_pid(key), signal.SIGKILL)
    rig.until(lambda: rig.row(key)["attempt"] == 2)
    rig.until(lambda: (found := rig.job(key)).get("resumed_at") or found["state"] == "done")
    assert rig.row(key)["state"] == "running", "it was done before the server could be killed"
    worker, server = rig.worker_pid(key), rig.address()["pid"]
    os.kill(server, signal.SIGKILL)
    rig.until(lambda: rig.address().get("pid") not in (None, server))
    assert rig.done(key) == whole
    assert process_mark(worker) is None
    row = rig.row(key)
    assert (row["crashes"], row["attempt"]) == (1, 3)
    config = json.loads(row["config"])
    picture = rig.home / "serve" / "pictures" / key[:2] / key / "picture.png"
    assert dict(read_recipe(picture).config) == config

    rig.process.send_signal(signal.SIGTERM)
    assert rig.process.wait(PATIENCE_SECONDS) == 0
    assert not (rig.home / "serve" / "serve.json").exists()


@pytest.mark.slow
def test_stopping_keeps_the_picture_and_the_commands_speak_to_the_server(rig: Rig) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-P", "-m", "dreamrig", *words]
        return subprocess.run(line, env=rig.environ, capture_output=True, text=True, check=False, cwd=rig.home.parent)

    rig.until(lambda: rig.ask("GET", "/api/v1/queue"))
    key = rig.until(lambda: command("submit", "--preset", "slow", "a red house").stdout).split()[0]
    rig.until(lambda: rig.row(key)["kept_step"] > 0)
    assert "a red house" in command("queue").stdout
    second = command("serve", "--port", "1")
    assert second.returncode == 4
    assert str(rig.port) in second.stderr
    link = command("serve", "friends", "invite", "ben").stdout.strip()
    assert "/enter#" in link
    kept = rig.row(key)["kept_step"]
    rig.process.send_signal(signal.SIGTERM)
    assert rig.process.wait(PATIENCE_SECONDS) == 0
    row = rig.row(key)
    assert (row["state"], row["crashes"]) == ("queued", 0)
    assert row["kept_step"] >= kept
    assert command("queue").returncode == 4

    backup = Path(command("serve", "backup").stdout.strip())
    connection = sqlite3.connect(backup / "serve.db")
    assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    assert connection.execute("SELECT count(*) FROM job").fetchone()[0] == 1
    connection.close()


def test_the_web_process_loads_no_torch() -> None:
    script = "import sys, generator.serve.app, generator.serve.cli; "
    script += "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
