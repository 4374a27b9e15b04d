"""Many scenarios in one PowerShell process: starting one takes longer than most scenarios do.

    Scenario(fresh(elevated=True), [Turn(SETUP, ["-Unattended"]), "restart", Turn(SETUP, ["-Resume"])])

A turn is a run of a script with its words, and what the person answers: Read-Host takes these in order, and refuses a
question beyond them as a PowerShell without a keyboard does. Between turns, "restart" turns the machine off and on, and
a dict is a merge patch of its state. What comes out per scenario is an Outcome.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import simulated_machine as machine

CHANGER = Path(__file__).parent / "change_state.py"
MARK = "=== turn ends with"


class Turn(NamedTuple):
    """One run of a script."""

    script: Path
    arguments: Sequence[str] = ()
    answers: Sequence[str] = ()
    environment: Mapping[str, str] = {}


class Scenario(NamedTuple):
    """A PC, what happens to it in turn, and files below the user's profile folder."""

    state: machine.State
    turns: Sequence[Turn | str | machine.State]
    files: Mapping[str, bytes] = {}


class Outcome(NamedTuple):
    """The PC afterwards, and what each turn left (conftest's Ran) and asked of Windows (conftest's Call)."""

    pc: Any
    ran: list[Any]
    calls: list[list[Any]]

    def changes(self, turn: int = 0) -> list[Any]:
        """The calls of one turn that change something."""
        return [call for call in self.calls[turn] if call.changes]


def render(scenarios: Mapping[str, Scenario], pcs: Mapping[str, Any]) -> list[str]:
    """Lines of PowerShell that play them all."""
    lines = [
        "function global:Read-Host { param($Prompt) [Console]::Out.WriteLine($Prompt)",
        "    if (-not $SimulatedAnswers.Count) { throw 'Windows PowerShell is in NonInteractive mode.' }",
        "    $SimulatedAnswers.Dequeue() }",
    ]
    for name, scenario in scenarios.items():
        for path, content in scenario.files.items():
            (pcs[name].home / path).parent.mkdir(parents=True, exist_ok=True)
            (pcs[name].home / path).write_bytes(content)
        for number, turn in enumerate(scenario.turns):
            lines += _turn_lines(pcs[name], turn, number)
    return lines


def _turn_lines(pc: Any, turn: Turn | str | machine.State, number: int) -> list[str]:
    change = f"& {_quote(sys.executable)} -ES {_quote(str(CHANGER))}"
    variables = {**pc.environment, **(turn.environment if isinstance(turn, Turn) else {})}
    lines = [f"$env:{name} = {_quote(value)}" for name, value in variables.items() if os.environ.get(name) != value]
    if isinstance(turn, Turn):
        words = " ".join(word if word.startswith("-") else _quote(word) for word in turn.arguments)
        answers = ", ".join(_quote(answer) for answer in turn.answers)
        return [
            *lines,
            f"$global:SimulatedAnswers = [System.Collections.Queue]@({answers}); $global:LASTEXITCODE = 0",
            f"& {_quote(str(turn.script))} {words}",
            f'$end = "`n{MARK} $LASTEXITCODE"; [Console]::Out.WriteLine($end); [Console]::Error.WriteLine($end)',
            f"{change} mark",
        ]
    if turn == "restart":
        return [*lines, f"{change} restart"]
    patch = pc.folder / f"patch-{number}.json"
    patch.write_text(json.dumps(turn), "utf-8")
    return [*lines, f"{change} patch {_quote(str(patch))}"]


def split(everything: Any, scenarios: Mapping[str, Scenario], pcs: Mapping[str, Any]) -> dict[str, Outcome]:
    """The output of all turns, handed back to the scenarios."""
    outs, errs = (re.split(rf"\n?{MARK} (-?\d+)\r?\n", text) for text in (everything.out, everything.err))
    counts = {name: sum(isinstance(turn, Turn) for turn in one.turns) for name, one in scenarios.items()}
    total = sum(counts.values())
    assert len(outs) == len(errs) == 2 * total + 1, (everything.out[-3000:], everything.err[-3000:])
    rans = [type(everything)(int(outs[2 * i + 1]), outs[2 * i], errs[2 * i]) for i in range(total)]
    outcomes = {}
    for name, count in counts.items():
        outcomes[name] = Outcome(pcs[name], rans[:count], _calls_by_turn(pcs[name].calls))
        rans = rans[count:]
    return outcomes


def _calls_by_turn(calls: Sequence[Any]) -> list[list[Any]]:
    turns: list[list[Any]] = [[]]
    for call in calls:
        if call.command == "mark":
            turns.append([])
        else:
            turns[-1].append(call)
    return turns[:-1]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
