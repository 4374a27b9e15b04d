"""provision/knowledge/literals.json from causes.json: which plain texts each pattern needs, so that few are compiled.

`python -m docs.made.literals` writes it anew; a test keeps it current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import provision
from provision.checked_json import read_json
from provision.diagnosis.literals import required_literals

FILE = Path(provision.__file__).parent / "knowledge" / "literals.json"


def patterns(document: Mapping[str, Any]) -> Iterator[str]:
    """Every regular expression of the parsed causes.json."""
    for cause in document["causes"]:
        yield from (entry["regex"] for entry in (*cause["signatures"], *cause["context"]))
    yield from (entry["regex"] for entry in document["told"])


def render(document: Mapping[str, Any]) -> str:
    """The content of the file."""
    found = {regex: required_literals(regex) for regex in sorted(set(patterns(document)))}
    return json.dumps({"schema": 1, "literals": found}, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file."""
    FILE.write_text(render(read_json("causes.json")), encoding="utf-8")


if __name__ == "__main__":
    main()
