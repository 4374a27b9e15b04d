"""A whole `dreamrig serve` in processes of its own: parent, web process, worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

TOY = Path(__file__).with_name("toy_serve.py")
START_SECONDS = 600
"""For the first start of all, which nobody has measured yet."""
STARTS = 20
"""Whatever a test waits for is done within so many starts of this machine, and a minute."""


class Rig:
    """`dreamrig serve` in a home of its own, with the real starter or with toy networks."""

    def __init__(self, home: Path, toy_step_seconds: float | None = None) -> None:
        self.home = home
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.environ = {
            **os.environ,
            "DREAMRIG_HOME": str(home),
            "OMP_WAIT_POLICY": "passive",
            "DREAMRIG_SERVE_KEEP_SECONDS": "0",
            "DREAMRIG_SERVE_KEEP_FREE_MIB": "0",
        }
        toy = None if toy_step_seconds is None else [sys.executable, "-P", str(TOY), str(toy_step_seconds)]
        self.command = [*(toy or [sys.executable, "-P", "-m", "dreamrig", "serve"]), "--port", str(self.port)]
        self.log = (home.parent / "log").open("ab")
        self.patience_seconds = float(START_SECONDS)
        began = time.monotonic()
        self.start()
        self.until(lambda: self.ask("GET", "/readyz"))
        self.patience_seconds = 60 + STARTS * (time.monotonic() - began)

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env=self.environ, stdout=self.log, stderr=self.log, cwd=self.home.parent
        )

    def start_again(self) -> None:
        """As a service does after its death: until nothing of the one before holds the home any more."""
        deadline = time.monotonic() + self.patience_seconds
        (self.home / "serve" / "serve.json").unlink(missing_ok=True)
        while True:
            self.start()
            while self.process.poll() is None and not self.address():
                time.sleep(0.05)
            if self.process.poll() is None:
                return
            assert time.monotonic() < deadline, (self.home.parent / "log").read_text()[-2000:]
            time.sleep(0.2)

    def address(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.home / "serve" / "serve.json").read_text()))
        except (OSError, ValueError):
            return {}

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON; None while the server is away."""
        headers = {"Authorization": f"Bearer {self.address().get('token', '')}", **more.pop("headers", {})}
        try:
            answer = httpx.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10, **more)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code < 300 else None

    def until(self, true: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self.patience_seconds
        while not (found := true()):
            assert time.monotonic() < deadline, (self.home.parent / "log").read_text()[-2000:]
            assert self.process.poll() is None, (self.home.parent / "log").read_text()[-2000:]
            time.sleep(0.05)
        return found

    def is_up(self) -> bool:
        """Whether somebody answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def fetch(self, path: str) -> bytes:
        """A file, as the owner gets it."""
        headers = {"Authorization": f"Bearer {self.address()['token']}"}
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.content

    def submit(self, wish: dict[str, Any], **headers: str) -> str:
        return str(self.until(lambda: self.ask("POST", "/api/v1/jobs", json=wish, headers=headers))["key"])

    def job(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.until(lambda: self.ask("GET", f"/api/v1/jobs/{key}"))
        return found

    def picture(self, key: str) -> Path:
        return self.home / "serve" / "pictures" / key[:2] / key / "picture.png"

    def done(self, key: str) -> bytes:
        self.until(lambda: self.job(key)["state"] == "done")
        return self.picture(key).read_bytes()

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What the database says, whether the server runs or not."""
        connection = sqlite3.connect(f"file:{self.home / 'serve.db'}?mode=ro", uri=True, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def row(self, key: str) -> sqlite3.Row:
        return self.rows("SELECT * FROM job WHERE key = ?", key)[0]

    def worker_pid(self, key: str) -> int:
        return int(self.until(lambda: self.row(key)["worker"]).split()[0])

    def halt(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(self.patience_seconds)

    def stop(self) -> None:
        self.halt()
        if not self.log.closed:
            self.log.close()
