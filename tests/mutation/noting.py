"""A plugin of pytest: notes which test runs which line, and how long it takes (`-p noting`, file in NOTES).

Lines come from coverage.py with a context for each test. Lines run while modules are loaded belong to no test, and
lines run in other processes are not seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

SOURCES = ["dreamrig", "bench", "generator", "provision"]


class Notes:
    """What was seen of one run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: dict[str, float] = {}
        self._coverage = coverage.Coverage(data_file=None, source=SOURCES)
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Everything until the test is torn down is its own."""
        self._coverage.switch_context(item.nodeid)
        yield
        self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up and tear-down count too."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        """{"seconds": {test: number}, "lines": {file: {line: [test]}}}, files as the root of the run has them."""
        self._coverage.stop()
        data, root = self._coverage.get_data(), Path.cwd()
        lines = {}
        for file in data.measured_files():
            found = data.contexts_by_lineno(file)
            lines[str(Path(file).relative_to(root))] = {
                line: [test for test in tests if test] for line, tests in found.items()
            }
        self._file.write_text(json.dumps({"seconds": self._seconds, "lines": lines}), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """From here on."""
    config.pluginmanager.register(Notes(Path(os.environ["NOTES"])), "notes")
