"""Which tests are slow is measured: `--processor-seconds` writes tests/slow.json anew, `-m "not slow"` reads it.

Processor time, of the test, of what it starts and of what is set up for it, hardly depends on how busy the machine is.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

RECORD = Path(__file__).with_name("slow.json")
SLOW_SECONDS = 0.5
"""Of a test function with all its cases: more is slow."""
PROPERTY = "processor_seconds"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processor-seconds", action="store_true", help=f"measure, and write {RECORD.name} anew")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--processor-seconds") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Record(config), "processor-seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The mark comes from the record; what is marked by hand stays so."""
    slow = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    for item in items:
        if function_of(item.nodeid) in slow:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Everything since the test before it ended."""
    yield
    now = sum(os.times()[:4])
    item.user_properties.append((PROPERTY, now - item.session.stash.get(SEEN, 0.0)))
    item.session.stash[SEEN] = now


SEEN = pytest.StashKey[float]()


def function_of(nodeid: str) -> str:
    """Without the parameters of one case."""
    return nodeid.partition("[")[0]


class Record:
    """Sums of a run."""

    def __init__(self, config: pytest.Config) -> None:
        self.root = config.rootpath
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.seconds[function_of(report.nodeid)] += dict(report.user_properties).get(PROPERTY, 0.0)

    def pytest_sessionfinish(self) -> None:
        slow = {name: round(taken, 1) for name, taken in self.seconds.items() if taken > SLOW_SECONDS}
        RECORD.write_text(json.dumps(dict(sorted(slow.items())), indent=1) + "\n", encoding="utf-8")
        rest = sum(taken for name, taken in self.seconds.items() if name not in slow)
        print(f"\n{len(slow)} of {len(self.seconds)} tests are slow; the others took {rest:.0f} s of processor time")
