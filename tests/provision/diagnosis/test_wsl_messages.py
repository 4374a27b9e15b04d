"""WSL's own messages, counted: each has a cause among the first three, or says nothing, for a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge

MESSAGES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "wsl_messages.json").read_text(encoding="utf-8"))[
    "messages"
]
LOOKED_AT = 3


def slugs(text: str) -> list[str]:
    return [one.cause.slug for one in diagnose(text, None, load_knowledge()).diagnoses]


def test_they_are_all_there_once() -> None:
    names = [message["name"] for message in MESSAGES]
    assert len(set(names)) == len(names) >= 150
    assert all(("cause" in message) != ("says_nothing" in message) for message in MESSAGES)


@pytest.mark.parametrize("message", [one for one in MESSAGES if "cause" in one], ids=lambda one: one["name"])
def test_a_message_leads_to_its_cause(message: dict[str, Any]) -> None:
    for text in (message["text"], f"PS C:\\> wsl\r\nwsl: {message['text']}\r\n"):
        assert message["cause"] in slugs(text)[:LOOKED_AT]


@pytest.mark.parametrize("message", [one for one in MESSAGES if "says_nothing" in one], ids=lambda one: one["name"])
def test_what_says_nothing_finds_nothing(message: dict[str, Any]) -> None:
    assert message["says_nothing"]
    assert slugs(message["text"]) == []
