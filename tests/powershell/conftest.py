"""The scripts run for real, under PowerShell 7 and as Windows PowerShell 5.1, against a simulated Windows.

    def test_it(windows):                                  # once under `pwsh`, once under `powershell`
        pc = windows(fresh(elevated=True))                 # a scenario: see simulation/simulated_machine.py
        ran = pc.run(SETUP, "-Unattended")                 # powershell/setup.ps1 -Unattended; .code .out .err .json
        assert ran.code == 0
        assert pc.changes == [...]                         # the calls that change something, in their order
        pc.restart()                                       # waiting features are done, volatile keys are gone
        facts = pc.evaluate("Get-RigFact")                 # one expression of the module's, as JSON

`fresh(**patch)` is a bare Windows 11, `ready(**patch)` one with WSL 2 and Ubuntu; the patch is merged in: None
removes.
`pc.state` reads the scenario as the commands left it, `pc.patch({...})` changes it. `pc.calls` is everything that was
asked: Call(command, arguments, boots, changes), from PowerShell's commands (arguments: a dict) and from executables
(arguments: a list). `pc.home` is the user's profile folder, whose name has a space and an umlaut, `pc.program_data` the
shared one. `pc.run(..., input="y\\n")` answers questions, `environment=` sets variables.

What the simulated commands and executables do by themselves is in simulation/; an executable says something else with
`answers`, a command throws with `errors`. Where no PowerShell is found the tests are skipped and say so; with
DREAMRIG_REQUIRE_PWSH=1 that is a failure. DREAMRIG_PWSH names the folder to look in before PATH.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "simulation"))

import scenarios
import simulated_machine as machine
from read_scenarios import PLAYED, READS, ReadSide, make_pc
from simulated_pc import EDITIONS, PATIENCE_SECONDS, SimulatedWindows, evaluate_each, require_powershell

PLAYED_TOGETHER = {"several", "read_side"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who shares played scenarios shares their cost: with the first one left out, the next one would pay for all."""
    for item in items:
        if PLAYED_TOGETHER & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=EDITIONS)
def edition(request: pytest.FixtureRequest) -> str:
    """pwsh, then powershell (5.1)."""
    require_powershell(request.param)
    return str(request.param)


@pytest.fixture
def windows(edition: str, tmp_path: Path) -> Callable[..., SimulatedWindows]:
    """Makes a simulated PC in the state given."""
    made: list[SimulatedWindows] = []

    def make(state: machine.State) -> SimulatedWindows:
        made.append(SimulatedWindows(tmp_path / f"PC {len(made)} \u00e4", edition, state))
        return made[-1]

    return make


@pytest.fixture(scope="module", params=EDITIONS)
def several(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Plays many scenarios in one PowerShell process per edition (simulation/scenarios.py).

    @pytest.fixture(scope="module")
    def seen(several):
        return several({"home": Scenario(fresh(elevated=True), [Turn(SETUP, ["-HyperV"])])})
    """
    edition = str(request.param)
    require_powershell(edition)
    folder = tmp_path_factory.mktemp("several")

    def play(played: Mapping[str, scenarios.Scenario]) -> dict[str, scenarios.Outcome]:
        pcs = {name: SimulatedWindows(folder / f"{name} \u00e4", edition, one.state) for name, one in played.items()}
        lines = scenarios.render(played, pcs)
        # One process for many scenarios has the time of many.
        everything = next(iter(pcs.values())).execute("\n".join(lines), patience_seconds=10 * PATIENCE_SECONDS)
        return scenarios.split(everything, played, pcs)

    return play


@pytest.fixture(scope="session")
def read_side(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ReadSide]:
    """What an edition made of the scenarios in simulation/read_scenarios.py, all of them in one process."""

    @functools.cache
    def play(edition: str) -> ReadSide:
        require_powershell(edition)
        pcs = {
            name: make_pc(READS[name], tmp_path_factory.mktemp("read") / "PC \u00e4", edition)
            for name in PLAYED[edition]
        }
        return ReadSide(pcs, evaluate_each(edition, pcs, "Invoke-Checkup -Facts (Get-RigFact -TimeoutSeconds 2)"))

    return play
