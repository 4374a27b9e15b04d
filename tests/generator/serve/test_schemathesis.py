"""Schemathesis against a running server: whatever its document allows and forbids, asked by owner, friend and stranger.

Its own tests know what is right; this one knows nothing but the document. The stream of events has no end, and is left
to test_api_document.py.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.serve.access import COOKIE
from generator.serve.api.operations import DOCUMENT

EXAMPLES = 10
"""Of each operation and kind of data."""
CHECKS = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]
"""What a prompt or a name may be is more than a pattern can say: what the schema allows may be refused in words."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="needs schemathesis, of the extra dev"),
]


def ask_everything(url: str, folder: Path, *headers: str) -> str:
    """What it found wrong; "" = nothing."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", url, "--no-color"]
    command += [*CHECKS, "--max-examples", str(EXAMPLES), "--seed", "16", "--exclude-operation-id", "events"]
    command += ["--request-timeout", "30", "--warnings", "off"]
    for header in headers:
        command += ["--header", header]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return "" if found.returncode == 0 else found.stdout + found.stderr


@pytest.mark.parametrize("who", ["owner", "friend", "stranger"])
def test_every_answer_is_as_the_document_says(site: Any, tmp_path: Path, who: str) -> None:
    site.until_ready()
    client = {"owner": site.owner, "friend": lambda: site.friend("ann"), "stranger": site.visitor}[who]()
    site.store(lambda db: db.execute("UPDATE friend SET most_a_minute = 10000, most_waiting = 10000"))  # no 429
    if who != "stranger":
        site.until(client, site.submit(client), "done")
    headers = [f"Origin: {site.url}"]
    headers += [f"Cookie: {COOKIE}={client.cookies[COOKIE]}"] if COOKIE in client.cookies else []
    found = ask_everything(site.url, tmp_path, *headers)
    assert not found, found
