"""A busy evening, `python -m bench.proofs.serve_load --seconds 60`: 50 open pages, 200 wishes a minute, and it draws.

Starts `dreamrig serve` with the starter in a data folder of its own and prints one JSON document: the processor time
of the server until it answers and its memory, how long pages and submissions took, the first preview after a claim,
and which share of the promised ranges held. The clients share the machine; `load` says how busy it was.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.proofs.waiting import until

FRIENDS = 15
"""As many as may come in within a minute from one address; each has several pages open."""
STREAMS = 50
SUBMISSIONS_A_MINUTE = 200
PAGES = ("/", "/queue", "/gallery")
PAGE_PAUSE_SECONDS = 0.25
WARM_PICTURES = 4
START_SECONDS = 300.0
WISHES = ("sunset over the sea", "a red house", "a boat on a lake", "a castle in the snow")


@dataclass
class Seen:
    """What was measured, in seconds."""

    submissions: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Status and code of each answer that was none -> how often."""
    pages: list[float] = field(default_factory=list)
    first_previews: list[float] = field(default_factory=list)
    messages: int = 0
    """Of the one page that is read."""
    stream_bytes: int = 0
    """Of all others."""


@contextlib.contextmanager
def served(home: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """The server's address, and what its web process had cost when it first answered."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dreamrig", "serve", "--port", str(port)]
    environ = {**os.environ, "DREAMRIG_HOME": str(home), "DREAMRIG_SERVE_KEEP_FREE_MIB": "0"}
    with (home.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(address, "/healthz"), "the page", START_SECONDS, pause_seconds=0.02)
        at_start = cost(home)
        until(lambda: answers(address, "/readyz"), "the worker", START_SECONDS)
        yield address, at_start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def answers(address: str, path: str) -> bool:
    """Whether it says yes."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(address + path, timeout=5).status_code == 200
    return False


def cost(home: Path) -> dict[str, float]:
    """Processor seconds and MiB of the web process."""
    process = psutil.Process(int(address_of(home)["pid"]))
    times = process.cpu_times()
    return {"processor_seconds": times.user + times.system, "memory_mib": process.memory_info().rss / 2**20}


def address_of(home: Path) -> dict[str, Any]:
    """What the server tells the commands of its home."""
    return dict(json.loads((home / "serve" / "serve.json").read_text(encoding="utf-8")))


def owner_of(home: Path, address: str) -> httpx.Client:
    """The command line's client."""
    headers = {"Authorization": f"Bearer {address_of(home)['token']}"}
    return httpx.Client(base_url=address, headers=headers, timeout=60)


def come_in(owner: httpx.Client, address: str) -> list[httpx.Cookies]:
    """A session for each friend, whose limits are not what is measured."""
    sessions = []
    for number in range(FRIENDS):
        name = f"friend {number}"
        token = owner.post("/api/v1/friends/invite", json={"name": name}).json()["path"].partition("#")[2]
        owner.post("/api/v1/friends/limit", json={"name": name, "most_waiting": 500, "most_a_minute": 500})
        with httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as client:
            assert client.post("/enter", data={"token": token}).status_code == 303
            sessions.append(client.cookies)
    return sessions


def warm(owner: httpx.Client) -> None:
    """Pictures before the evening: the ranges come from history."""
    for number in range(WARM_PICTURES):
        draw(owner, {"prompt": WISHES[0], "seed": number})


def draw(owner: httpx.Client, wish: Mapping[str, Any]) -> None:
    """One picture, until it is done; what is refused for now is asked for again."""
    while (answer := owner.post("/api/v1/jobs", json=wish)).status_code in (429, 503):
        time.sleep(1)
    key = answer.raise_for_status().json()["key"]
    while owner.get(f"/api/v1/jobs/{key}").json()["state"] != "done":
        time.sleep(0.1)


async def evening(address: str, sessions: list[httpx.Cookies], seconds: float) -> Seen:
    """Everybody at once, for so long."""
    seen = Seen()
    clients = [
        httpx.AsyncClient(base_url=address, headers={"Origin": address}, cookies=cookies, timeout=60)
        for cookies in sessions
    ]
    jobs = [asyncio.create_task(listen(clients[0], seen))]
    jobs += [asyncio.create_task(drain(address, cookies, seen)) for cookies in islice(cycle(sessions), STREAMS - 1)]
    jobs.append(asyncio.create_task(submit(clients, seen)))
    jobs.append(asyncio.create_task(look(clients, seen)))
    await asyncio.sleep(seconds)
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    for client in clients:
        await client.aclose()
    return seen


async def submit(clients: list[httpx.AsyncClient], seen: Seen) -> None:
    """200 wishes a minute, whoever's."""
    dice, tasks = random.Random(7), set()
    try:
        while True:
            task = asyncio.create_task(one_wish(dice.choice(clients), dice.choice(WISHES), seen))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(60 / SUBMISSIONS_A_MINUTE)
    finally:
        await asyncio.gather(*tasks, return_exceptions=True)


async def one_wish(client: httpx.AsyncClient, prompt: str, seen: Seen) -> None:
    """How long until it is on the disk."""
    began = time.perf_counter()
    answer = await client.post("/api/v1/jobs", json={"prompt": prompt})
    if answer.status_code == 202:
        seen.submissions.append(time.perf_counter() - began)
    else:
        seen.refused[f"{answer.status_code} {answer.text[:60]}"] += 1


async def look(clients: list[httpx.AsyncClient], seen: Seen) -> None:
    """Somebody opens a page, four times a second."""
    dice = random.Random(8)
    while True:
        began = time.perf_counter()
        answer = await dice.choice(clients).get(dice.choice(PAGES))
        if answer.status_code == 200:
            seen.pages.append(time.perf_counter() - began)
        else:
            seen.refused[f"page {answer.status_code}"] += 1
        await asyncio.sleep(PAGE_PAUSE_SECONDS)


async def drain(address: str, cookies: httpx.Cookies, seen: Seen) -> None:
    """An open page whose bytes are counted alone: reading fifty in Python would keep the clock from the others."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    try:
        while data := await reader.read(1 << 20):
            seen.stream_bytes += len(data)
    finally:
        writer.close()


async def listen(client: httpx.AsyncClient, seen: Seen) -> None:
    """An open page; it notes when a claimed picture is first seen."""
    claimed: dict[str, float] = {}
    kind = ""
    async with client.stream("GET", "/api/v1/events", timeout=None) as stream:
        async for line in stream.aiter_lines():
            name, _, text = line.partition(": ")
            if name == "event":
                kind = text
            elif name == "data":
                seen.messages += 1
                note_previews(kind, json.loads(text), claimed, seen)


def note_previews(kind: str, body: dict[str, Any], claimed: dict[str, float], seen: Seen) -> None:
    """From the telling of a claim to that of its first preview, as one page hears both."""
    if kind == "job" and body["kind"] == "claimed":
        claimed[body["key"]] = time.perf_counter()
    elif kind in ("live", "state"):
        for one in body.get("running", body.get("line", [])):
            if one.get("preview") and one["key"] in claimed:
                seen.first_previews.append(time.perf_counter() - claimed.pop(one["key"]))


def spread(values: list[float]) -> dict[str, float | int | None]:
    """How many, the median, and what 99 of 100 keep to."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "median": None, "p99": None}
    return {
        "count": len(ordered),
        "median": round(ordered[len(ordered) // 2], 4),
        "p99": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 4),
    }


def measure(seconds: float) -> dict[str, Any]:
    """One evening in a fresh home."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        home = Path(room) / "home"
        with served(home) as (address, at_start), owner_of(home, address) as owner:
            sessions = come_in(owner, address)
            warm(owner)
            before = cost(home)
            seen = asyncio.run(evening(address, sessions, seconds))
            after = cost(home)
            held = [line for line in owner.get("/metrics").text.splitlines() if "held" in line]
            waiting = owner.get("/api/v1/queue").json()["counts"]["queued"]
    return {
        "web_process_until_it_answers": {name: round(value, 2) for name, value in at_start.items()},
        "web_process_share_of_a_core": round((after["processor_seconds"] - before["processor_seconds"]) / seconds, 3),
        "memory_mib_after": round(after["memory_mib"], 1),
        "streams": STREAMS,
        "messages_of_one": seen.messages,
        "mib_of_the_others": round(seen.stream_bytes / 2**20, 1),
        "submissions": spread(seen.submissions),
        "refused": seen.refused,
        "pages": spread(seen.pages),
        "first_preview_after_claim": spread(seen.first_previews),
        "ranges_held": held,
        "waiting_at_the_end": waiting,
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the evening is")
    print(json.dumps(measure(parser.parse_args().seconds), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
