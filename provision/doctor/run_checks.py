"""Runs checks: needs first, each check in a thread of its own.

A check whose need failed is SKIP; one that raises or does not come back is CRASH, and the others go on.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from provision.doctor.check import DoctorCheck, FactReader, Finding, crashed, line, skipped

LIMIT_SECONDS = 240.0
"""Longer than every time-out of a probe: past it, the check itself hangs."""


@dataclass
class _Slot:
    """Where a running check leaves its finding. The first one counts: a check may end after it was given up."""

    check: DoctorCheck
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    finding: Finding | None = None

    def put(self, finding: Finding, seconds: float | None) -> None:
        with self.lock:
            if self.finding is None:
                name, asks = self.check.name, self.check.asks
                self.finding = replace(finding, check=name, asks=asks, seconds=seconds)
        self.done.set()


def run_checks(
    checks: Sequence[DoctorCheck], facts: FactReader, limit_seconds: float = LIMIT_SECONDS
) -> tuple[Finding, ...]:
    """The findings of those checks that make sense in the place, in the same order.

    A need must stand before the check that needs it; a need that is not among the checks counts as met. limit_seconds:
    how long a check may take once its needs are met.
    """
    slots = {each.name: _Slot(each) for each in checks if facts.place in each.places}
    for slot in slots.values():
        threading.Thread(target=_run_one, args=(slot, slots, facts), daemon=True).start()
    for slot in slots.values():
        if not slot.done.wait(limit_seconds):
            slot.put(crashed(f"The check did not come back within {limit_seconds:g} seconds."), limit_seconds)
    return tuple(slot.finding for slot in slots.values() if slot.finding is not None)


def _run_one(slot: _Slot, slots: Mapping[str, _Slot], facts: FactReader) -> None:
    needs = [slots[name] for name in slot.check.needs_at(facts.place) if name in slots]
    for need in needs:
        need.done.wait()
    began = perf_counter()
    blocked = _blocked(needs)
    finding = blocked if blocked is not None else _look(slot.check, facts)
    slot.put(finding, perf_counter() - began)


def _blocked(needs: Iterable[_Slot]) -> Finding | None:
    """SKIP where one of the needs failed, or was itself skipped because of one that failed."""
    for need in needs:
        found = need.finding
        if found is not None and (found.broken or found.stops):
            return skipped(f"Needs {need.check.name}.", need.check.name)
        if found is not None and found.blocked_by is not None:
            return skipped(f"Needs {found.blocked_by}.", found.blocked_by)
    return None


def _look(each: DoctorCheck, facts: FactReader) -> Finding:
    try:
        return each.look(facts)
    except Exception as error:  # noqa: BLE001 - whatever breaks in a check is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = line(f"{where.filename.rpartition('/')[2]}, line {where.lineno}, in {where.name}: {where.line}")
        return crashed(f"The check itself broke: {type(error).__name__}: {error}".rstrip(": ") + ".", [place])
