"""docs/pictures/serve.png: the first page of `dreamrig serve` with nine pictures that its starter networks drew.

`python -m docs.made.serve_page` starts the server in a data folder of its own, asks for the pictures as three friends,
waits for them, and takes the picture with headless Chromium. `--all FOLDER` takes one of every page besides, on a
screen and on a phone, dark and light.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from docs.made.browser import BrowserPage, browser

PICTURE = Path(__file__).parents[1] / "pictures" / "serve.png"
MOST_BYTES = 250_000
WIDTH, HEIGHT = 1120, 800
FRIENDS = ("ben", "mia", "noor")
PROMPTS = (
    "sunset over the sea",
    "a red house on a meadow under a blue sky",
    "a starry night over the sea with the moon",
    "a green cactus in the desert at sunset",
    "a castle in the snow at night",
    "a blue fish",
    "a rainbow over a meadow with hills",
    "a red balloon over snowy mountains",
    "a yellow flower",
)
SEED = 7
POLL_SECONDS = 1.0
SCREENS = {"screen": (1120, 900), "phone": (412, 915)}


@contextmanager
def server(home: Path) -> Iterator[str]:
    """`dreamrig serve` in that data folder; gives its address once it answers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dreamrig", "serve", "--port", str(port)]
    with (home.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "DREAMRIG_HOME": str(home)}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        while not is_ready(address):
            if process.poll() is not None:
                raise SystemExit((home.parent / "log").read_text(encoding="utf-8"))
            time.sleep(POLL_SECONDS)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def is_ready(address: str) -> bool:
    """Whether it can draw."""
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


class Circle:
    """The owner and friends of a running server."""

    def __init__(self, home: Path, address: str) -> None:
        token = json.loads((home / "serve" / "serve.json").read_text(encoding="utf-8"))["token"]
        self.address = address
        self.owner = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def invitation(self, name: str) -> str:
        """A link's path that lets a friend in."""
        answer = self.owner.post("/api/v1/friends/invite", json={"name": name})
        return str(answer.raise_for_status().json()["path"])

    def friend(self, name: str) -> httpx.Client:
        """A friend who has come in."""
        client = httpx.Client(base_url=self.address, headers={"Origin": self.address}, timeout=60)
        assert client.post("/enter", data={"token": self.invitation(name)}).status_code == 303
        return client

    def draw(self, client: httpx.Client, **wish: Any) -> str:
        """Ask for a picture; its key."""
        return str(client.post("/api/v1/jobs", json=wish).raise_for_status().json()["key"])

    def until(self, key: str, *states: str) -> Mapping[str, Any]:
        """Wait until a picture is in one of these states."""
        while (found := self.owner.get(f"/api/v1/jobs/{key}").json())["state"] not in states:
            time.sleep(POLL_SECONDS)
        return dict(found)


def fill(circle: Circle) -> tuple[httpx.Client, list[str]]:
    """Nine pictures of three friends; gives the first friend and the keys."""
    clients = [circle.friend(name) for name in FRIENDS]
    keys = [
        circle.draw(client, prompt=prompt, preset="quick", seed=SEED)
        for client, prompt in zip(cycle(clients), PROMPTS, strict=False)
    ]
    for key in keys:
        found = circle.until(key, "done", "failed")
        assert found["state"] == "done", found
    return clients[0], keys


def small(png: bytes) -> bytes:
    """The same pixels, packed tighter than a browser does in a hurry."""
    target = io.BytesIO()
    with Image.open(io.BytesIO(png)) as whole:
        whole.convert("RGB").save(target, "PNG", optimize=True)
    return target.getvalue()


def every_page(page: BrowserPage, circle: Circle, friend: httpx.Client, keys: list[str], folder: Path) -> None:
    """Pictures of all pages, with one picture in the making and some that wait."""
    folder.mkdir(parents=True, exist_ok=True)
    running = circle.draw(friend, prompt="a lighthouse in a storm", preset="slow")
    waiting = [circle.draw(friend, prompt=prompt, preset="good") for prompt in ("a boat", "two moons over a lake")]
    friend.post(f"/p/{keys[0]}/share")
    shared = friend.get(f"/p/{keys[0]}").text.partition('href="/s/')[2].partition('"')[0]
    circle.until(running, "running")
    paths = {
        "draw": "/", "live": f"/p/{running}", "waiting": f"/p/{waiting[0]}", "picture": f"/p/{keys[0]}",
        "queue": "/queue", "gallery": "/gallery", "owner": "/owner", "enter": "/enter", "share": f"/s/{shared}",
    }  # fmt: skip
    for screen, (width, height) in SCREENS.items():
        for scheme in ("dark", "light"):
            page.look(width, height, scheme)
            for name, path in paths.items():
                page.open(circle.address + path)
                (folder / f"{name}-{screen}-{scheme}.png").write_bytes(page.picture(full=True))


def come_in(page: BrowserPage, circle: Circle, path: str) -> None:
    """Open an invitation, and wait until the page behind it is there."""
    page.open(circle.address + path)
    while page.evaluate("location.pathname") != "/" or page.evaluate("document.readyState") != "complete":
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="a picture of every page besides")
    folder = parser.parse_args().all
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room, server(Path(room) / "home") as address:
        circle = Circle(Path(room) / "home", address)
        friend, keys = fill(circle)
        with browser() as page:
            page.look(WIDTH, HEIGHT, "dark")
            come_in(page, circle, circle.invitation("owner" if folder else FRIENDS[0]))
            page.open(circle.address)
            data = small(page.picture())
            assert len(data) <= MOST_BYTES, f"{len(data)} bytes are more than {MOST_BYTES}"
            PICTURE.write_bytes(data)
            if folder is not None:
                every_page(page, circle, friend, keys, folder)


if __name__ == "__main__":
    main()
