"""What `dreamrig weights` takes from outside: the network, the disk, the clock, the terminal. Tests bring their own."""

from __future__ import annotations

import os
import random
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse
from pathlib import Path
from time import perf_counter, sleep
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from dreamrig import __version__, console
from dreamrig.errors import UsageError
from dreamrig.paths import free_mib, weights_folder
from generator.weights.registry import HUB, REGISTRY_FILE

if TYPE_CHECKING:
    from rich.console import Console

SILENCE_SECONDS = 60.0
"""A connection on which nothing arrives for so long counts as dropped."""


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError("it redirects from https to an unencrypted address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_url(url: str, headers: dict[str, str]) -> HTTPResponse:
    """GET an http or https address, following redirects and the proxies of the environment.

    The standard library does it: no cookies, no retries of its own, nothing to install. Its opener is built by hand,
    because the usual one also opens file: and ftp: addresses.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _NoDowngrade(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    always = {"User-Agent": f"dreamrig/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=always | headers)  # noqa: S310 - the opener knows http and https only
    return cast(HTTPResponse, opener.open(request, timeout=SILENCE_SECONDS))


def hub_endpoint() -> str:
    """Where files of the hub are asked for: HF_ENDPOINT, as in huggingface_hub, else the hub itself.

    UsageError where it is no http or https address.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/")
    if not endpoint:
        return f"https://{HUB}"
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname:
        raise UsageError(f"HF_ENDPOINT={endpoint!r} is no address.", hint=f"such as https://{HUB}, or unset it")
    return endpoint


def hub_cache() -> Path:
    """Where huggingface_hub and its kin keep what they downloaded, by their variables; it need not exist."""
    told = os.environ.get
    home = Path(told("HF_HOME") or Path(told("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    folder = told("HF_HUB_CACHE") or told("HUGGINGFACE_HUB_CACHE") or home / "hub"
    return Path(os.path.expandvars(os.path.expanduser(folder)))  # noqa: PTH111 - it never raises, without a home either


def open_file(path: Path, mode: str) -> IO[bytes]:
    """Open a binary file to write to."""
    return cast(IO[bytes], path.open(mode))


def ask(question: str) -> bool | None:
    """A yes or no from the person at the terminal; None where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    print(question, end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@dataclass(frozen=True, kw_only=True)
class WeightsDoor:
    """One place for everything that is not the command line itself."""

    open_url: Callable[[str, dict[str, str]], HTTPResponse] = open_url
    hub_endpoint: Callable[[], str] = hub_endpoint
    """Where files of the hub are asked for, without a slash at the end."""
    hub_cache: Callable[[], Path] = hub_cache
    """Where the hub's own programs keep what they downloaded; it is only read."""
    open_file: Callable[[Path, str], IO[bytes]] = open_file
    free_mib: Callable[[Path], int | None] = free_mib
    sleep: Callable[[float], None] = sleep
    chance: Callable[[], float] = random.random
    """A number from 0 to 1, which spreads the waits."""
    clock: Callable[[], float] = perf_counter
    """Seconds."""
    ask: Callable[[str], bool | None] = ask
    stderr: Callable[[], Console] = console.stderr_console
    weights_folder: Callable[[], Path] = weights_folder
    registry_file: Path = REGISTRY_FILE
