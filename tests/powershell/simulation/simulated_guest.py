"""Linux inside the simulated PC: what setup's guest scripts (powershell/DreamRig/Guest) find and leave there.

A distribution of the scenario's state may have `guest`, which is merged over FRESH:

    user, python, checkout, environment, picture     what `ask` prints
    doctor                                           {"code": 3, "document": {...}}, or text to print
    errors                                           {"python do": "E: no such package"}: the step ends with 100
    ineffective                                      ["python do"]: the step ends with 0 and changes nothing

Every script that runs is logged as Call("guest", [step, verb, *arguments, "user=NAME"]); `do` counts as a change.
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import simulated_machine as machine

FRESH: dict[str, Any] = {
    "user": "root",
    "python": "none",
    "checkout": "absent",
    "environment": "absent",
    "picture": "none",
    "doctor": {"code": 0, "document": {"place": "wsl", "findings": [], "first_broken": None, "next": None}},
    "errors": {},
    "ineffective": [],
}
DONE: dict[str, Any] = {
    "user": "jorg",
    "python": "python3",
    "checkout": "current",
    "environment": "ready",
    "picture": "/home/jorg/.local/share/dreamrig/runs/1/picture.png",
}
STAGED = "/run/dreamrig-setup.sh"


def runs_script(arguments: list[str]) -> bool:
    """Whether this wsl.exe call hands a script to the distribution's shell."""
    return arguments[-2:] == ["sh", "-s"] or arguments[-2:] == ["sh", STAGED]


def run(arguments: list[str], state: Any, distribution: dict[str, Any]) -> tuple[str, str, int, Any]:
    """Output, error output, exit code and the changed state (None where nothing changed)."""
    staged = Path(os.environ["DREAMRIG_SIMULATION"]) / "staged.sh"
    if arguments[-1] == STAGED:
        text = staged.read_text("utf-8")
    else:
        text = sys.stdin.buffer.read().decode("utf-8")
        assert "\r" not in text, "a script for Linux has CR line ends"
        put = re.match(rf"cat >{STAGED} <<'([^']+)'\n(.*)\n\1\n$", text, re.DOTALL)
        if put:
            staged.write_text(put[2], "utf-8")
            return ("", "", 0, None)
    return _step(text, arguments, state, distribution)


def _step(text: str, arguments: list[str], state: Any, distribution: dict[str, Any]) -> tuple[str, str, int, Any]:
    words = shlex.split(text.partition("\n")[0])[2:]  # set -- VERB ARGUMENT...
    named = re.search(r"^# dreamrig guest step: (\w+)$", text, re.MULTILINE)
    assert named, text[:200]
    guest = {**FRESH, **distribution.get("guest", {})}
    user = arguments[arguments.index("-u") + 1] if "-u" in arguments else guest["user"]
    _log([named[1], *words, f"user={user}"], state)
    step, verb = named[1], words[0]
    key = f"{step} {verb}"
    if key in guest["errors"]:
        return ("", guest["errors"][key] + "\n", 100, None)
    if step == "doctor":
        document = {
            "schema": 1,
            "command": "doctor",
            "ok": not guest["doctor"]["code"],
            "data": guest["doctor"]["document"],
            "errors": [],
        }
        return (json.dumps(document) + "\n", "", guest["doctor"]["code"], None)
    if verb == "ask":
        return (guest[step] + "\n", "", 0, None)
    if key in guest["ineffective"]:
        return ("done\n", "", 0, None)
    guest[step] = words[1] if step == "user" else DONE[step]
    distribution["guest"] = guest
    return (f"Lots of output\n{guest[step]}\n", "", 0, state)


def _log(words: list[str], state: Any) -> None:
    line = {"command": "guest", "arguments": words, "boots": state["boots"], "changes": words[1] == "do"}
    machine.note_call(Path(os.environ["DREAMRIG_SIMULATION"]), line)
