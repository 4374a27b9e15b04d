"""How to reach the switches of this very board: a restart into the firmware, the key at power-on, menu and setting."""

from __future__ import annotations

from dreamrig.errors import RigError
from provision.diagnosis.board import find_board
from provision.diagnosis.knowledge import load_firmware
from provision.doctor.check import FactReader, FixStep

GENERAL_KEYS = "Key at power-on: mostly Del, F2, F10 or Esc."
VIRTUALIZATION = {
    "intel": "Intel Virtualization Technology (VT-x): Enabled.",
    "amd": "SVM Mode: Enabled.",
}
NO_EXECUTE = {"intel": "Execute Disable Bit (XD): Enabled.", "amd": "NX Mode: Enabled."}


def virtualization_steps(facts: FactReader) -> tuple[FixStep, ...]:
    """How to turn CPU virtualization on, on this board."""
    own = board_lines(facts)
    general = (GENERAL_KEYS, VIRTUALIZATION.get(_vendor(facts), "Intel VT-x or AMD SVM: Enabled."))
    return (_set(own or general),)


def nx_steps(facts: FactReader) -> tuple[FixStep, ...]:
    """How to turn no-execute on, on this board."""
    own = board_lines(facts)[:1]
    return (_set((*(own or (GENERAL_KEYS,)), NO_EXECUTE.get(_vendor(facts), "NX or XD: Enabled."))),)


def _set(lines: tuple[str, ...]) -> FixStep:
    return FixStep(" ".join((*lines, "Save, and let Windows start.")), None, "firmware")


def _vendor(facts: FactReader) -> str:
    return facts.get("windows.cpu_vendor") or ""


def board_lines(facts: FactReader) -> tuple[str, ...]:
    """Key, menu and setting of the board's maker; empty where it is not known."""
    try:
        board = find_board(facts.get, load_firmware())
    except RigError:  # a damaged table costs the maker's words alone
        return ()
    return tuple(board.lines()) if board is not None else ()
