"""Lines that a server's processes write about themselves: for people or for programs, as the owner wants them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from dreamrig import console
from generator.serve.settings import ServeSettings

log = logging.getLogger("dreamrig.serve")
FACTS = "facts"
"""Name under which a record carries more than its sentence."""


class JsonLines(logging.Formatter):
    """One JSON object a record: at (UTC), level, logger, message, its facts, and the error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line feed."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class Plain(logging.Formatter):
    """The same for people: the sentence, then the facts."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it that
        """The first line of a record."""
        facts: Mapping[str, Any] = getattr(record, FACTS, {})
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in facts.items())])


def begin(own: ServeSettings, stream: TextIO = sys.stderr) -> None:
    """Write everything of this process to `stream`, as the owner wants it."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if own.log == "json" else Plain())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def note(own: ServeSettings, sentence: str, **facts: Any) -> None:
    """What whoever started the server should know: a note for people, a line of the log for programs."""
    if own.log == "json":
        log.warning("%s", sentence, extra={FACTS: facts})
    else:
        console.print_note(f"note: {sentence}")
