"""One constant puts the badge of Colab in, and fills in the address that the notebooks ask for."""

from __future__ import annotations

import re
from pathlib import Path

from generator.front.notebook.file import REPOSITORY, address, badge

ROOT = Path(__file__).resolve().parents[4]


def test_without_an_address_there_is_no_badge() -> None:
    assert badge("a.ipynb", "") == address("") == ""


def test_with_one_the_badge_opens_that_file() -> None:
    made = badge("bench/colab.ipynb", "owner/name")
    assert made.endswith("(https://colab.research.google.com/github/owner/name/blob/main/bench/colab.ipynb)")
    assert address("owner/name") == "https://github.com/owner/name"


def test_the_readme_has_the_badges_that_the_constant_makes() -> None:
    found = re.findall(r"\(https://colab\.research\.google\.com/github/([^)]*)\)", (ROOT / "README.md").read_text())
    notebooks = ("generator/dreamrig.ipynb", "bench/colab.ipynb")
    assert found == ([f"{REPOSITORY}/blob/main/{path}" for path in notebooks] if REPOSITORY else [])
    assert all((ROOT / path).is_file() for path in notebooks)
