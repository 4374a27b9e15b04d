"""Installing dreamrig in Colab must move none of the packages that Colab brings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

packaging_requirements = pytest.importorskip("packaging.requirements", reason="comes with pytest")
from packaging.specifiers import SpecifierSet  # noqa: E402 - after its importorskip

ROOT = Path(__file__).resolve().parents[3]
RUNTIMES = json.loads((ROOT / "bench" / "colab" / "colab_versions.json").read_text(encoding="utf-8"))["runtimes"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [packaging_requirements.Requirement(line) for line in PROJECT["dependencies"]]


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: str(runtime["name"]))
def test_our_requirements_admit_what_is_there(runtime: dict[str, Any]) -> None:
    moved = [
        f"{requirement} against {version}"
        for requirement in REQUIREMENTS
        if (version := runtime["packages"].get(requirement.name)) and not requirement.specifier.contains(version)
    ]
    assert not moved
    if runtime["python"]:
        assert SpecifierSet(PROJECT["requires-python"]).contains(runtime["python"])


def test_the_packages_that_must_not_move_are_looked_at() -> None:
    named = {requirement.name for requirement in REQUIREMENTS}
    latest = RUNTIMES[0]["packages"]
    assert {"torch", "rich", "psutil", "typer", "numpy", "pillow", "nvidia-ml-py"} <= named & set(latest)


def test_a_bound_above_colabs_own_would_be_seen() -> None:
    assert not packaging_requirements.Requirement("psutil>=6").specifier.contains(RUNTIMES[0]["packages"]["psutil"])
