"""Where a board or PC maker hides its firmware switches, from knowledge/firmware.json: the user's own board only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.diagnosis.predicate import FactReader

MAKER_FACTS = ("windows.board_manufacturer", "windows.computer_manufacturer")
VENDORS = {"intel": "Intel", "amd": "AMD"}
MODEL_FACTS = ("windows.computer_model", "windows.board_product")
COMMON_MAKERS = ("ASUS", "MSI", "Gigabyte / Aorus")
"""Of most boards of gaming PCs."""


@dataclass(frozen=True)
class Board:
    """What firmware.json says of one maker. vendor: of the processor, intel or amd, None where it is not known."""

    maker: str
    entry: Mapping[str, Any]
    vendor: str | None

    def lines(self, *, no_execute: bool = False) -> list[str]:
        """One sentence each: the key at power-on; where the switch is, for this processor or for both kinds; notes.

        no_execute: the switch is that of NX / XD and not that of virtualization.
        """
        keys = " or ".join(self.entry.get("keys") or ())
        told = [f"{self.maker}: press {keys} at power-on."] if keys else []
        if no_execute:
            told += _tell_switch("", self.entry.get("nx"))
        else:
            vendors = [self.vendor] if self.vendor in VENDORS else list(VENDORS)
            for vendor in vendors:
                told += _tell_switch(f"{VENDORS[str(vendor)]}: ", self.entry.get(str(vendor)))
        return told + list(filter(None, [self.entry.get("notes")]))


@dataclass(frozen=True)
class UnknownBoard:
    """Nobody said whose board it is: the commonest makers in its place. firmware: firmware.json."""

    firmware: Mapping[str, Any]

    def lines(self, *, no_execute: bool = False) -> list[str]:
        """One sentence for each of the commonest makers, and how `dreamrig doctor` tells the own one."""
        makers = {entry["maker"]: entry for entry in self.firmware.get("makers") or ()}
        told = [_tell_maker(makers[name], no_execute=no_execute) for name in COMMON_MAKERS if name in makers]
        return [*told, "dreamrig doctor names the key and the menu of your own board, where its maker is known."]


def _tell_maker(entry: Mapping[str, Any], *, no_execute: bool) -> str:
    """ASUS: Del or F2 at power-on; Advanced > CPU Configuration > Virtualization (Intel) or SVM Mode (AMD)."""
    keys = " or ".join(entry.get("keys") or ())
    switches = {"": entry.get("nx")} if no_execute else {f" ({VENDORS[one]})": entry.get(one) for one in VENDORS}
    known = {mark: switch for mark, switch in switches.items() if switch}
    paths = {_short(switch["path"]) for switch in known.values()}
    shared = f"{paths.pop()} > " if len(paths) == 1 else ""
    places = [("" if shared else f"{_short(one['path'])} > ") + one["setting"] + mark for mark, one in known.items()]
    return f"{entry['maker']}: {keys} at power-on; {shared}{' or '.join(places)}."


def _short(path: str) -> str:
    """A menu path without what it is on other models."""
    return re.sub(r" \((?:older:|or )[^)]*\)$", "", path)


def _tell_switch(head: str, switch: Mapping[str, str] | None) -> list[str]:
    """Where a switch is, nothing where that is not known."""
    where = " > ".join(filter(None, ((switch or {}).get("path"), (switch or {}).get("setting"))))
    return [f"{head}{where}: Enabled."] if where else []


def find_board(read: FactReader, firmware: Mapping[str, Any]) -> Board | None:
    """The entry for the machine that `read` tells about; None where its maker is not known, or not listed."""
    seen = " ".join(str(read(path) or "") for path in (*MAKER_FACTS, *MODEL_FACTS)).lower()
    vendor = read("windows.cpu_vendor")
    for entry in firmware.get("makers") or ():
        if any(re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", seen) for word in entry.get("match") or ()):
            return Board(str(entry["maker"]), entry, vendor)
    return None
