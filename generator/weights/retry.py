"""When a request is made again, and after how long: one policy for every download.

What an answer's status means: RFC 9110, section 15; 425: RFC 8470; 429: RFC 6585. Waits double and are spread by
chance, so that a thousand clients of a server that was down do not come back in the same second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ATTEMPTS = 4
"""Tries in a row that bring nothing before a mirror is given up."""
LONGEST_WAIT_SECONDS = 30.0
LONGEST_ASKED_SECONDS = 120.0
"""Of a server that says itself how long to wait (Retry-After); one that asks for more is given up for the next."""

Meaning = Literal["good", "again", "nothing after the part", "never"]
_TRY_AGAIN_LATER = frozenset((408, 425, 429, 500, 502, 503, 504))


def meaning_of(status: int) -> Meaning:
    """What the status of an answer means for a download; a redirect that comes here was followed too often already."""
    if 200 <= status < 300:
        return "good" if status in (200, 206) else "never"
    if status == 416:
        return "nothing after the part"
    return "again" if status in _TRY_AGAIN_LATER else "never"


def asked_seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; None where there is none, or where it is a date, which needs the same clock."""
    text = (retry_after or "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None


@dataclass
class RetryPatience:
    """How often in a row nothing came, and how long to wait until the next try."""

    chance: Callable[[], float]
    """A number from 0 to 1."""
    failures: int = 0

    def failed(self, *, brought_something: bool, asked: float | None = None) -> float | None:
        """Seconds to wait after one more failure; None = this is enough."""
        self.failures = 1 if brought_something else self.failures + 1
        if self.failures >= ATTEMPTS or (asked is not None and asked > LONGEST_ASKED_SECONDS):
            return None
        doubled = min(2.0 ** (self.failures - 1), LONGEST_WAIT_SECONDS)
        return max(doubled * (1 + self.chance()) / 2, asked or 0.0)
