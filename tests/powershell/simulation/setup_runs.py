"""What the tests of setup.ps1 share: the script, a PC that is finished, and reading what a run did."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import simulated_machine as machine

ROOT = Path(__file__).resolve().parents[3]
SETUP = ROOT / "powershell" / "setup.ps1"
TASK = "DreamRig-Setup-Resume"
AT_HOME = {
    "user": "me",
    "python": "python3",
    "checkout": "current",
    "environment": "ready",
    "picture": "/home/me/.local/share/dreamrig/runs/1/picture.png",
}


def with_linux(*distributions: machine.State, **patch: Any) -> machine.State:
    """A PC with WSL 2 and these distributions, as an administrator sees it."""
    wsl = {"distributions": list(distributions), **patch.pop("wsl", {})}
    return machine.ready(**{"elevated": True, "wsl": wsl, **patch})


def finished(**patch: Any) -> machine.State:
    """A PC on which everything is done."""
    return with_linux({"name": "Ubuntu", "version": 2, "guest": AT_HOME}, **patch)


def setup_folder(pc: Any) -> Path:
    """Where setup keeps its state, its log and its lock."""
    return Path(pc.home / "AppData" / "Local" / "DreamRig" / "setup")


def state_file(pc: Any) -> Any:
    """The state that setup left."""
    return json.loads((setup_folder(pc) / "state.json").read_text("utf-8"))


def in_few_words(calls: Sequence[Any]) -> list[str]:
    """Each call as its command and what makes it that one."""
    return [_in_few_words(call) for call in calls]


def _in_few_words(call: Any) -> str:
    if isinstance(call.arguments, list):
        return " ".join([call.command, *(word for word in call.arguments if not word.startswith("user="))])
    subject = (
        call.arguments.get("FeatureName") or call.arguments.get("TaskName") or call.arguments.get("MountPoint") or ""
    )
    return f"{call.command} {' '.join(subject) if isinstance(subject, list) else subject}".strip()


def step(document: Any, name: str) -> Any:
    """One step of the plan in a document of setup.ps1 -Json."""
    return next(one for one in document["data"]["plan"] if one["id"] == name)


CALL = Path(__file__).parent / "call.ps1"


def inside(text: str) -> str:
    """Lines for call.ps1 that run inside the module, where the private functions are."""
    return f"& (Get-Module DreamRig) {{ {text} }}"
