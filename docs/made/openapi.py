"""`python -m docs.made.openapi` writes generator/serve/openapi.json from the table of operations."""

from __future__ import annotations

import json

from generator.serve.api.openapi import document
from generator.serve.api.operations import DOCUMENT


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
