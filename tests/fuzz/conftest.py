"""The harness is imported by its plain names; `--long` is for hours."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "harness"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", nargs="?", const=1.0, type=float, metavar="HOURS", help="fuzz for so long (1 hour), not half a minute"
    )


@pytest.fixture(scope="session")
def fuzz_seconds(request: pytest.FixtureRequest) -> float:
    """Processor seconds for all readers together, half of them for plain mutation."""
    hours = request.config.getoption("--long", default=None)
    return 30.0 if hours is None else 3600.0 * hours
