"""Headless Chromium over a pair of pipes, for pictures of our own pages and for tests that look at them.

It speaks the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/), a JSON object and a NUL a
message, so it needs neither a port nor a library.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Literal

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""Where it is; None = not on this machine."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--remote-debugging-pipe",
    # A page that is looked at counts milliseconds; one of several in a browser without a window counts seconds.
    "--disable-background-timer-throttling",
)  # fmt: skip
# The protocol's pipes are descriptors 3 and 4. A small Python gives ours those numbers, whatever they were, and becomes
# the browser; a shell could not name those of two digits.
LAUNCH = (
    "import fcntl, os, sys; ends = [fcntl.fcntl(int(it), fcntl.F_DUPFD, 10) for it in sys.argv[1:3]];"
    " os.dup2(ends[0], 3); os.dup2(ends[1], 4); os.execv(sys.argv[3], sys.argv[3:])"
)
# Also those further down, which a browser would load when they are scrolled to.
EVERY_PICTURE = (
    "Promise.all([...document.images].map(it => { it.loading = 'eager'; return it.decode().catch(() => 0); }))"
    ".then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))).then(() => 0)"
)
END_SECONDS = 60


class BrowserError(RuntimeError):
    """Chromium has ended, or does not do what it was told."""


class BrowserPage:
    """One page of a browser."""

    def __init__(self, orders: IO[bytes], answers: IO[bytes]) -> None:
        self.orders, self.answers = orders, answers
        self.number, self.session = 0, ""
        self.problems: list[str] = []
        """What the browser's console had to complain about."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.orders.write(json.dumps(message).encode() + b"\0")
        self.orders.flush()
        while (answer := self.read()).get("id") != self.number or answer.get("sessionId", "") != self.session:
            pass
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def read(self) -> dict[str, Any]:
        """The next message."""
        data = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            if not byte:
                raise BrowserError("Chromium has ended")
            data += byte
        message: dict[str, Any] = json.loads(data)
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.problems.append(message["params"]["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(message["params"]["exceptionDetails"]["text"]))
        return message

    def begin(self, **where: Any) -> None:
        """Open an empty page, and listen to what it complains about. where: of Target.createTarget."""
        target = self.call("Target.createTarget", url="about:blank", **where)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def beside(self) -> BrowserPage:
        """A page of somebody else in the same browser, with cookies of its own."""
        other = BrowserPage(self.orders, self.answers)
        other.begin(browserContextId=other.call("Target.createBrowserContext")["browserContextId"])
        return other

    def key(self, name: str, text: str = "") -> None:
        """Press a key and let it go, e.g. Tab. text: what it types, a carriage return for Enter."""
        code = {"Tab": 9, "Enter": 13, " ": 32}.get(name, ord(name[0].upper()))
        pressed = {"key": name, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def look(self, width: int, height: int, scheme: Literal["dark", "light"], scale: float = 1.0) -> None:
        """Be a screen of so many CSS pixels; below 600 wide, a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=width < 600,
        )  # fmt: skip
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        """Go there, and wait until it is loaded with its pictures."""
        self.call("Page.navigate", url=address)
        while self.read().get("method") != "Page.loadEventFired":
            pass
        self.evaluate(EVERY_PICTURE)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript on the page; promises are waited for."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def picture(self, full: bool = False) -> bytes:
        """What it looks like, as PNG. full: the whole page and not the screen alone."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"])


@contextmanager
def browser() -> Iterator[BrowserPage]:
    """Chromium with a profile of its own, which ends with it. BrowserError where there is none."""
    if CHROMIUM is None:
        raise BrowserError("Chromium is needed (Debian package chromium)")
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out)]
        words += [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(words, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            with os.fdopen(ours_out, "wb") as orders, os.fdopen(ours_in, "rb") as answers:
                page = BrowserPage(orders, answers)
                page.begin()
                yield page
        finally:
            process.terminate()
            process.wait(END_SECONDS)
