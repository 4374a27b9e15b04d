"""What failed the last time, for --since-fix: one small file in the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dreamrig.documents import DocumentError, read_object, write_object
from dreamrig.errors import UsageError
from dreamrig.paths import ensure_folder
from provision.doctor.check import Finding

SCHEMA = 1
FILE = "doctor.json"


def to_repeat(findings: Sequence[Finding]) -> list[str]:
    """Names of what failed, and of what was not looked at because of that."""
    broken = {finding.check for finding in findings if finding.broken}
    return [finding.check for finding in findings if finding.broken or finding.blocked_by in broken]


def remember(folder: Path, failed: Sequence[str]) -> None:
    """Write the names down; where nothing failed and nothing is written yet, nothing is made."""
    path = folder / FILE
    if failed or path.exists():
        ensure_folder(folder)
        write_object(path, {"schema": SCHEMA, "failed": list(failed)}, indent=None)


def recall(folder: Path) -> list[str]:
    """The names written down last; UsageError where there are none."""
    path = folder / FILE
    try:
        names = read_object(path).get("failed")
    except FileNotFoundError:
        raise UsageError("No earlier doctor found anything broken here.", hint="run: dreamrig doctor") from None
    except (OSError, DocumentError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{path} cannot be read.", hint=f"run: rm {path} && dreamrig doctor")
    return names
