"""What the project file promises about the installed packages."""

import importlib.metadata
import tomllib
from pathlib import Path

from dreamrig import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_every_package_is_there_checked_and_under_the_contract() -> None:
    assert all((ROOT / package / "__init__.py").is_file() for package in PACKAGES)
    assert PROJECT["tool"]["mypy"]["packages"] == [*PACKAGES, "docs.made"]
    assert PROJECT["tool"]["importlinter"]["root_packages"] == PACKAGES


def test_nobody_else_owns_our_package_names() -> None:
    """Two distributions with one folder name overwrite each other without a word."""
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["dreamrig"])) == {"dreamrig"}


def test_tests_are_no_packages() -> None:
    """An `__init__.py` under tests/ would make `import generator` mean the tests."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_changelog_knows_where_the_next_version_goes() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert __version__.count(".") == 2
