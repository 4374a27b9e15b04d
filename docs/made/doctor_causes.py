"""provision/knowledge/doctor-causes.json from causes.json: what doctor.ps1 needs to explain a broken link, and no more.

Facts alone speak for causes that they prove (`decisive`), and for those that a check of Windows names; nobody pastes a
text, so codes and signatures stay behind. `python -m docs.made.doctor_causes` writes it anew; a test keeps it current.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import provision
from provision.checked_json import read_json
from provision.doctor.check_book import check_book

FILE = Path(provision.__file__).parent / "knowledge" / "doctor-causes.json"
PLACE = "windows"
FIELDS = ("slug", "title", "explanation", "effect", "layer", "prior", "when", "decisive", "differs", "fix", "check",
          "sources")  # fmt: skip


def named() -> set[str]:
    """Slugs of the causes that the checks of Windows name."""
    return {slug for entry in check_book().checks if PLACE in entry.places for slug in entry.causes}


def render(document: Mapping[str, Any]) -> str:
    """The content of the file; the parsed causes.json goes in."""
    wanted = named()
    causes = [
        {field: cause[field] for field in FIELDS if field in cause}
        for cause in document["causes"]
        if cause["slug"] in wanted or (cause.get("when") is not None and cause["decisive"])
    ]
    return json.dumps({"schema": 1, "causes": causes}, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file."""
    FILE.write_text(render(read_json("causes.json")), encoding="utf-8")


if __name__ == "__main__":
    main()
