"""A real cluster on this machine: a head and a node with toy networks, and `dreamrig serve --crew ray` over them.

One cluster and one server for all; every test leaves two machines that draw.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from generator.pictures.reading import read_recipe

pytest.importorskip("ray", reason="the extra [ray] is not installed")
pytestmark = [pytest.mark.ray, pytest.mark.slow]
HERE = Path(__file__).parent
PATIENCE_SECONDS = 600
"""Ray's processes take 8 s to start on an idle machine and a minute on a busy one."""
LEASE_SECONDS = 15
STEP_SECONDS = "0.05"
WISH = {"prompt": "sunset over the sea", "preset": "quick", "seed": 5}
LONG = {**WISH, "preset": "good"}
"""120 steps."""


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DREAMRIG_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE / "quick"), os.environ.get("PYTHONPATH", "")]),
        "TOY_STEP_SECONDS": STEP_SECONDS,
    }


class Member:
    """`dreamrig crew start` or `join` in a home of its own."""

    def __init__(self, home: Path, *words: str) -> None:
        self.home, self.log = home, home.parent / f"{home.name}.log"
        command = [sys.executable, "-P", "-m", "dreamrig", "crew", *words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment(home), stdout=log, stderr=log)

    def said(self, word: str) -> str:
        """What stands behind a word at the beginning of a line, once it does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for line in self.log.read_text().splitlines():
                if line.startswith(word):
                    return line.removeprefix(word).strip()
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def everything(self) -> list[psutil.Process]:
        """Its process and all below it: Ray's, and the workers."""
        with contextlib.suppress(psutil.NoSuchProcess):
            mine = psutil.Process(self.process.pid)
            return [mine, *mine.children(recursive=True)]
        return []

    def workers(self) -> list[psutil.Process]:
        """The processes that draw."""
        return [one for one in self.everything() if "ray::Actor" in " ".join(name_of(one))]

    def all_get(self, number: signal.Signals) -> None:
        for one in self.everything():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(number)

    def kill(self) -> None:
        self.all_get(signal.SIGSTOP)  # or a process could start another while the list is gone through
        self.all_get(signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)


def name_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class TwoPcs:
    """A head that draws, a node that draws, and the server on the head."""

    def __init__(self, folder: Path, whole: Any) -> None:
        self.folder, self.number = folder, 0
        self.head = Member(folder / "head", "start", "--free-ports", "--cpus", "1")
        self.address, self.token = self.head.said("crew:"), self.head.said("token:")
        self.rig = whole.Rig(self.head.home)
        self.rig.submit(WISH)
        self.head_machine = str(self.rig.until(lambda: next(iter(self.machines()), None)))
        self.node = self.join()

    def join(self) -> Member:
        self.number += 1
        words = ("join", "--token-file", self.token, "--free-ports", "--cpus", "1", self.address)
        node = Member(self.folder / f"node{self.number}", *words)
        node.said("joined")
        return node

    def machines(self) -> set[str]:
        """The machines that draw at this moment."""
        return {str(row["worker"]).split()[1] for row in self.rig.rows("SELECT worker FROM job WHERE state='running'")}

    def is_on_the_node(self, row: Any) -> bool:
        """Whether another machine than the head draws it."""
        return row["state"] == "running" and str(row["worker"]).split()[1] != self.head_machine

    def stop(self) -> None:
        self.rig.stop()
        for member in (self.node, self.head):
            member.kill()


@pytest.fixture(scope="module")
def pcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPcs]:
    spec = importlib.util.spec_from_file_location("whole", HERE.parent / "serve" / "whole.py")
    assert spec is not None
    assert spec.loader is not None
    whole = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(whole)
    folder = tmp_path_factory.mktemp("pcs")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder / "head").items():
            patch.setenv(name, value)
        patch.setenv("DREAMRIG_CREW_KIND", "ray")
        patch.setenv("DREAMRIG_CREW_STATION", "toy_station")
        patch.setenv("DREAMRIG_CREW_LEASE_SECONDS", str(LEASE_SECONDS))
        both = TwoPcs(folder, whole)
        yield both
        both.stop()


@pytest.fixture(scope="module")
def usual(pcs: TwoPcs) -> bytes:
    """The long picture, never interrupted."""
    return bytes(pcs.rig.done(pcs.rig.submit(LONG)))


def refusal(home: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", "dreamrig", *words]
    found = subprocess.run(
        command, env={**environment(home), "DREAMRIG_CREW_KIND": "local"}, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    return found.returncode, found.stderr


def test_without_a_token_nothing_is_asked_and_with_another_it_is_said(pcs: TwoPcs, tmp_path: Path) -> None:
    code, said = refusal(tmp_path / "none", "crew", "join", pcs.address)
    assert (code, "no token" in said) == (4, True), said
    code, said = refusal(tmp_path / "none", "serve", "--address", pcs.address)
    assert (code, "no token" in said) == (4, True), said
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    code, said = refusal(tmp_path / "other", "crew", "join", "--token-file", str(wrong), pcs.address)
    assert (code, "another token" in said) == (4, True), said


def test_work_spreads_and_two_machines_draw_the_same_bytes(pcs: TwoPcs) -> None:
    keys = [pcs.rig.submit(LONG) for _ in range(4)]
    pcs.rig.until(lambda: len(pcs.machines()) == 2)
    assert len({pcs.rig.done(key) for key in keys}) == 1
    for key in keys:
        assert dict(read_recipe(pcs.rig.picture(key)).config) == json.loads(pcs.rig.row(key)["config"])
        assert not pcs.rig.picture(key).with_name("live.jpg").exists()


def test_a_killed_machine_costs_an_attempt_and_no_byte(pcs: TwoPcs, usual: bytes) -> None:
    key = drawn_on_the_node(pcs)
    lost_at = time.time()
    pcs.node.kill()
    pcs.rig.until(lambda: pcs.rig.row(key)["attempt"] == 2)
    assert pcs.rig.row(key)["kept_step"] > 0
    tell_loss(pcs, key, "killed", lost_at)
    assert pcs.rig.done(key) == usual
    pcs.node = pcs.join()


def test_a_machine_that_was_silent_is_refused_when_it_speaks_again(pcs: TwoPcs, usual: bytes) -> None:
    key = drawn_on_the_node(pcs)
    lost_at = time.time()
    pcs.node.all_get(signal.SIGSTOP)
    pcs.rig.until(lambda: pcs.rig.row(key)["attempt"] == 2)
    tell_loss(pcs, key, f"silent, lease of {LEASE_SECONDS} s", lost_at)
    pcs.node.all_get(signal.SIGCONT)
    assert pcs.rig.done(key) == usual
    events = [row["kind"] for row in pcs.rig.rows("SELECT kind FROM event WHERE job = ?", pcs.rig.row(key)["id"])]
    assert events.count("done") == 1
    assert pcs.rig.row(key)["attempt"] == 2
    pcs.node.kill()
    pcs.node = pcs.join()


def test_a_machine_that_leaves_is_drained_without_blame(pcs: TwoPcs, usual: bytes) -> None:
    key = drawn_on_the_node(pcs)
    code, said = refusal(pcs.node.home, "crew", "leave")
    assert (code, pcs.node.process.wait(PATIENCE_SECONDS)) == (0, 0), said + pcs.node.log.read_text()
    assert pcs.rig.done(key) == usual
    assert (pcs.rig.row(key)["crashes"], pcs.rig.row(key)["attempt"]) == (0, 2)
    pcs.node = pcs.join()


def test_a_killed_driver_costs_no_byte(pcs: TwoPcs, usual: bytes) -> None:
    key = pcs.rig.submit(LONG)
    pcs.rig.until(lambda: pcs.rig.row(key)["kept_step"] > 0)
    server = pcs.rig.address()["pid"]
    os.kill(server, signal.SIGKILL)
    pcs.rig.until(lambda: pcs.rig.address().get("pid") not in (None, server))
    assert pcs.rig.done(key) == usual
    assert pcs.rig.row(key)["crashes"] == 0


def test_a_small_siege_loses_nothing(pcs: TwoPcs) -> None:
    """Workers and driver die; every picture is there once, and is the one that its recipe says."""
    wishes = [{**WISH, "seed": seed} for seed in range(20, 26)]
    keys = [pcs.rig.submit(wish) for wish in wishes]
    for key, victim in zip(keys[::2], ("worker", "driver", "worker"), strict=True):
        pcs.rig.until(lambda key=key: pcs.rig.row(key)["state"] in ("running", "done"))
        if victim == "driver":
            os.kill(pcs.rig.address()["pid"], signal.SIGKILL)
        else:
            for one in [*pcs.node.workers(), *pcs.head.workers()][:1]:
                one.kill()
    pictures = {key: pcs.rig.done(key) for key in keys}
    assert len({hashlib.sha256(data).digest() for data in pictures.values()}) == len(keys)
    for key, wish in zip(keys, wishes, strict=True):
        assert read_recipe(pcs.rig.picture(key)).config["seed"] == wish["seed"]
        kinds = [row["kind"] for row in pcs.rig.rows("SELECT kind FROM event WHERE job=?", pcs.rig.row(key)["id"])]
        assert (kinds.count("submitted"), kinds.count("done")) == (1, 1)


def tell_loss(pcs: TwoPcs, key: str, how: str, lost_at: float) -> None:
    """What the loss of a machine cost, for who runs this with -s: the figures of docs/scale.md."""
    row = pcs.rig.row(key)
    (ended,) = pcs.rig.rows("SELECT at FROM event WHERE job=? AND kind='crashed' ORDER BY id LIMIT 1", row["id"])
    print(f"{how}: over after {ended['at'] / 1000 - lost_at:.1f} s; kept: step {row['kept_step']}")


def drawn_on_the_node(pcs: TwoPcs) -> str:
    """A long picture that the node has begun and kept; whatever else waits or runs is cancelled."""
    tried: list[str] = []

    def begun_there() -> str | None:
        found = [key for key in tried if (row := pcs.rig.row(key))["kept_step"] > 0 and pcs.is_on_the_node(row)]
        if not found and not pcs.rig.rows("SELECT 1 FROM job WHERE state='queued'"):
            tried.append(pcs.rig.submit(LONG))
        return found[0] if found else None

    key = str(pcs.rig.until(begun_there))
    for other in tried:
        if other != key:
            pcs.rig.ask("POST", f"/api/v1/jobs/{other}/cancel", json={})
    return key
