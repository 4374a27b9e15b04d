"""Whether an address leads to this very server: it is opened as a friend would, and has to answer a fresh question.

Only who holds this home's secret can answer: a page of somebody else behind a typed address is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from provision.facts.collectors.windows import windows_program
from provision.machine.machine import Machine

PATH = "/.well-known/dreamrig"
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
SECONDS = 10.0
LONGEST_ANSWER = 4096
Fetch = Callable[[str], tuple[int, bytes]]


@dataclass(frozen=True)
class Reached:
    """How an address was found. fix: the next step; empty where all is well."""

    address: str
    is_us: bool
    sentence: str
    fix: str = ""


def proof(secret: bytes, nonce: str) -> str:
    """The answer to a question; nothing else that the secret signs looks like it."""
    return hmac.new(secret, f"reach {nonce}".encode(), hashlib.sha256).hexdigest()


def probe(address: str, secret: bytes, fetch: Fetch | None = None) -> Reached:
    """Open an address and ask who is there. address: as friends type it, without a path."""
    nonce = secrets.token_urlsafe(24)
    try:
        status, body = (fetch or open_url)(f"{address.rstrip('/')}{PATH}?nonce={nonce}")
    except OSError as error:
        return Reached(address, False, f"{address} cannot be opened: {why(error)}.", hint_for(error))
    return judge(address, status, body, proof(secret, nonce))


def judge(address: str, status: int, body: bytes, expected: str) -> Reached:
    """What an answer means."""
    if status == 200 and hmac.compare_digest(body.strip(), expected.encode()):
        return Reached(address, True, f"{address} leads here.")
    if status == 421:
        return Reached(
            address, False, f"{address} leads to a dreamrig that does not go by that name.",
            f"run: dreamrig serve --public-url {address}",
        )  # fmt: skip
    if status == 200:
        return Reached(
            address, False, f"{address} is answered by somebody else.", "is it typed right? is the tunnel yours?"
        )
    if 300 <= status < 400:
        return Reached(address, False, f"{address} sends on to another address.", "name the address it sends on to")
    if status >= 500:
        return Reached(
            address, False, f"{address} answers {status}: the tunnel or proxy is there, and does not find the server.",
            "does it lead to the port that the server listens on? see: dreamrig serve check",
        )  # fmt: skip
    return Reached(address, False, f"{address} answers {status}, as no dreamrig does.", "is it typed right?")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere."""

    def redirect_request(self, *given: object) -> None:
        """None = the answer is taken as it is."""


def open_url(url: str) -> tuple[int, bytes]:
    """Status and the beginning of the body; OSError where there is no answer. No proxy of the environment is used."""
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            return answer.status, answer.read(LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        return error.code, error.read(LONGEST_ANSWER)


def fetch_from_windows(machine: Machine) -> Fetch:
    """Opens addresses as a browser on Windows would, with its curl."""
    program = windows_program(machine, "curl.exe", "System32/curl.exe")

    def fetch(url: str) -> tuple[int, bytes]:
        words = ("--silent", "--max-time", str(int(SECONDS)), "--write-out", "\\n%{http_code}", url)
        ran = machine.run(program, *words, timeout_seconds=SECONDS + 5)
        body, _, status = ran.out.rpartition(b"\n")
        if not ran.good or not status.strip().isdigit():
            raise OSError(f"Windows' curl says: {ran.first_line or ran.why_not}")
        return int(status), body

    return fetch


def why(error: OSError) -> str:
    """The reason in a few words."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not good ({reason.verify_message})"
    if isinstance(reason, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    if isinstance(reason, socket.gaierror):
        return "nobody knows that name"
    if isinstance(reason, ConnectionRefusedError):
        return "nobody listens there"
    return str(reason).rstrip(".")


def hint_for(error: OSError) -> str:
    """The next step."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        return "is the tunnel still up? a quick tunnel has another name each time"
    if isinstance(reason, ConnectionRefusedError | TimeoutError):
        return "is the server running, and the way to it open? see: dreamrig serve reach"
    return "see: dreamrig serve reach"
