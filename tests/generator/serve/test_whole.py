"""The real command: worker and server killed in mid-picture, and not a byte is different; stopped, it keeps."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.crew.holding import is_held
from generator.pictures.reading import read_recipe
from generator.runs.mark import process_mark

Rig = Any
FOR_FRIENDS = re.compile(r"## For friends\n\n```sh\n(.*?)```", re.DOTALL)
WISH = {"prompt": "sunset over the sea", "preset": "quick", "seed": 5}


@pytest.fixture
def rig(rigs: Callable[..., Rig]) -> Rig:
    """The real starter."""
    return rigs()


@pytest.mark.slow
def test_killed_worker_and_killed_server_cost_no_byte(rig: Rig) -> None:
    whole = rig.done(rig.submit(WISH))
    key = rig.submit(WISH)
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
    assert dict(read_recipe(rig.picture(key)).config) == config

    rig.process.send_signal(signal.SIGTERM)
    assert rig.process.wait(rig.patience_seconds) == 0
    assert not (rig.home / "serve" / "serve.json").exists()


@pytest.mark.slow
def test_the_readmes_three_commands_let_a_friend_in(rigs: Callable[..., Rig]) -> None:
    found = FOR_FRIENDS.search((Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    lines = [line.partition("#")[0].split() for line in found[1].splitlines()]
    assert [words[:2] for words in lines] == [["./rig", "serve"]] * 3
    assert lines[0] == ["./rig", "serve"]
    rig, said = rigs(toy_step_seconds=0.05), []
    for words in lines[1:]:
        line = [sys.executable, "-P", "-m", "dreamrig", *words[1:]]
        said.append(subprocess.run(line, env=rig.environ, capture_output=True, text=True, check=True).stdout)
    assert f"good   http://127.0.0.1:{rig.port} leads here." in said[0]
    address, _, token = said[1].strip().partition("#")
    origin = f"http://127.0.0.1:{rig.port}"
    assert address == f"{origin}/enter"
    assert httpx.post(address, data={"token": token}, headers={"Origin": origin}).headers["location"] == "/"


@pytest.mark.slow
def test_stopping_keeps_the_picture_and_the_commands_speak_to_the_server(rigs: Callable[..., Rig]) -> None:
    rig = rigs(toy_step_seconds=0.05)

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
    assert rig.process.wait(rig.patience_seconds) == 0
    row = rig.row(key)
    assert (row["state"], row["crashes"]) == ("queued", 0)
    assert row["kept_step"] >= kept
    assert command("queue").returncode == 4

    backup = Path(command("serve", "backup").stdout.strip())
    connection = sqlite3.connect(backup / "serve.db")
    assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    assert connection.execute("SELECT count(*) FROM job").fetchone()[0] == 1
    connection.close()


def test_the_home_is_held_until_the_server_of_a_killed_parent_is_gone(rigs: Callable[..., Rig]) -> None:
    """The web process inherits the lock: nobody else may write the database while it can still."""
    rig = rigs(toy_step_seconds=0.05)
    assert is_held(rig.home), "a picture beside it is told of its worker"
    server = rig.address()["pid"]
    os.kill(server, signal.SIGSTOP)  # it cannot hear that its parent has died
    try:
        rig.process.kill()
        rig.process.wait()
        words = [sys.executable, "-P", "-m", "dreamrig", "serve", "--port", str(rig.port)]
        second = subprocess.run(
            words, env=rig.environ, capture_output=True, text=True, check=False, timeout=rig.patience_seconds
        )
        assert second.returncode == 4, second.stderr
        assert "is running already" in second.stderr
        assert str(rig.port) in second.stderr, "where the first one is"
        assert process_mark(server) is not None
    finally:
        os.kill(server, signal.SIGCONT)
    rig.start_again()
    assert process_mark(server) is None, "a second server began beside the first"
    assert rig.address()["pid"] != server
    rig.until(lambda: rig.ask("GET", "/readyz"))


def test_the_web_process_loads_no_torch() -> None:
    script = "import sys, generator.serve.app, generator.serve.cli, generator.serve.asking; "
    script += "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
