"""Between two turns of a scenario: `restart`, `patch FILE`, `mark` (a line in the log of calls); or `sleep SECONDS`."""

import json
import os
import sys
from pathlib import Path

import simulated_machine as machine

FOLDER = Path(os.environ["DREAMRIG_SIMULATION"])


def main(verb: str, *arguments: str) -> None:
    """Change the state that the simulated commands read."""
    state = machine.read(FOLDER / "state.json")
    if verb == "mark":
        line = {"command": "mark", "arguments": [], "boots": state["boots"], "changes": False}
        machine.note_call(FOLDER, line)
    elif verb == "sleep":
        machine.write(FOLDER / "state.json", machine.sleep(state, float(arguments[0])))
    elif verb == "restart":
        machine.write(FOLDER / "state.json", machine.restart(state))
    else:
        patch = json.loads(Path(arguments[0]).read_text("utf-8"))
        machine.write(FOLDER / "state.json", machine.settle(machine.merge(state, patch)))


if __name__ == "__main__":
    main(*sys.argv[1:])
