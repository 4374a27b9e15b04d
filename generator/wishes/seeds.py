"""Seeds as words: "blue moon" is as good a seed as 42, and easier to tell a friend."""

from __future__ import annotations

import hashlib
import unicodedata

from dreamrig.errors import UsageError

LARGEST_SEED = 2**63 - 1
SEED_BITS = 40
"""Of a seed made from words: 13 digits at most, and nobody will find two phrases with the same one by chance."""
LONGEST_WORDS = 200


def parse_seed(text: str) -> int:
    """Digits as the number they are, anything else hashed (SHA-256); case and the number of spaces do not count."""
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if not words or len(words) > LONGEST_WORDS or any(unicodedata.category(one) == "Cs" for one in words):
        raise UsageError(f"The seed {text[:40]!r} is no seed.", hint='use a number or some words: --seed "blue moon"')
    if words.isascii() and words.lstrip("+-").isdigit():
        return _number(words)
    digest = hashlib.sha256(words.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def _number(digits: str) -> int:
    if len(digits) > len(str(LARGEST_SEED)) + 1 or not 0 <= int(digits) <= LARGEST_SEED:
        raise UsageError(f"seed is {digits[:40]}.", hint=f"seed must be from 0 to {LARGEST_SEED}")
    return int(digits)
