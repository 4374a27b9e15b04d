"""A check is a function from facts to a finding: a verdict, one sentence, the evidence and the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Evidence = Mapping[str, Any]
"""{"kind": "fact", "fact", "value"} or {"kind": "unknown", "fact", "reason"} or {"kind": "text", "line"}."""
PLACES = ("windows", "wsl", "linux", "colab", "other")
REPORT_HINT = (
    "If it stays so, this is a bug in dreamrig or in a driver: please report it, with the file that this writes."
)


class CheckVerdict(StrEnum):
    """How a check ended."""

    PASS = "PASS"  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"
    CRASH = "CRASH"


@dataclass(frozen=True)
class FixStep:
    """One step of a fix, as causes.json has it."""

    text: str
    command: str | None = None
    where: str | None = None
    """windows, wsl, linux, firmware, host (of a virtual machine) or colab; None = here."""
    needs_admin: bool = False
    needs_restart: bool = False
    risk: str | None = None
    undo: str | None = None

    @property
    def can_be_done(self) -> bool:
        """It has a command or a place; otherwise it only tells something."""
        return self.command is not None or self.where is not None

    def to_dict(self) -> dict[str, Any]:
        """The step as it stands in a `--json` document."""
        told = {"text": self.text, "command": self.command, "needs_admin": self.needs_admin}
        told |= {"needs_restart": self.needs_restart, "risk": self.risk, "undo": self.undo}
        return told if self.where is None else {**told, "where": self.where}


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    verdict: CheckVerdict
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    fix: tuple[FixStep, ...] = ()
    blocked_by: str | None = None
    """SKIP only: the check whose failure makes this one pointless."""
    stops: bool = False
    """Nothing is broken (WARN), but the checks that need this one have nothing to look at."""
    unused: bool = False
    """SKIP only: it belongs to something that was never set up here, so that nothing is left in the dark."""
    general: bool = False
    """The fix is what one tries when nothing is known: that of a cause, where one is found, is better."""
    cause: str | None = None
    """Slug of the diagnosed cause."""
    check: str = ""
    asks: str = ""
    seconds: float | None = None

    @property
    def broken(self) -> bool:
        """FAIL or CRASH."""
        return self.verdict in (CheckVerdict.FAIL, CheckVerdict.CRASH)

    def to_dict(self) -> dict[str, Any]:
        """The finding as it stands in a `--json` document."""
        return {
            "check": self.check,
            "asks": self.asks,
            "verdict": str(self.verdict),
            "sentence": self.sentence,
            "evidence": [dict(item) for item in self.evidence],
            "fix": [step.to_dict() for step in self.fix],
            "blocked_by": self.blocked_by,
            "cause": self.cause,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


class FactReader(Protocol):
    """A facts document, or a survey that reads facts when they are asked for."""

    @property
    def place(self) -> str:
        """windows, wsl, linux, colab or other."""

    def get(self, path: str) -> Any:
        """The fact, None where it is not known."""

    def reason(self, path: str) -> str:
        """Why a fact is not known."""


Look = Callable[[FactReader], Finding]


@dataclass(frozen=True)
class DoctorCheck:
    """A question, the function that answers it, where it makes sense, and which checks must hold first."""

    name: str
    asks: str
    look: Look
    needs: tuple[str, ...] = ()
    """Names of earlier checks; "windows:name" = needed there only."""
    places: tuple[str, ...] = PLACES

    def needs_at(self, place: str) -> tuple[str, ...]:
        """The names of the checks that this one needs in `place`."""
        split = (need.rpartition(":") for need in self.needs)
        return tuple(name for where, _, name in split if not where or where == place)


# ---- what checks say -----------------------------------------------------------------------------------------------


def evidence(facts: FactReader, *paths: str) -> tuple[Evidence, ...]:
    """The facts under these paths, or why they are not known."""
    return tuple(_evidence(facts, path) for path in paths)


def _evidence(facts: FactReader, path: str) -> Evidence:
    value = facts.get(path)
    if value is None:
        return {"kind": "unknown", "fact": path, "reason": facts.reason(path)}
    return {"kind": "fact", "fact": path, "value": value}


def line(text: str) -> Evidence:
    """Something that a program or a file said."""
    return {"kind": "text", "line": text}


def passed(sentence: str, *proof: Evidence) -> Finding:
    """PASS."""
    return Finding(CheckVerdict.PASS, sentence, proof)


def warned(sentence: str, proof: Iterable[Evidence], *fix: FixStep, stops: bool = False) -> Finding:
    """WARN."""
    return Finding(CheckVerdict.WARN, sentence, tuple(proof), fix, stops=stops)


def failed(sentence: str, proof: Iterable[Evidence], *fix: FixStep, general: bool = False) -> Finding:
    """FAIL."""
    return Finding(CheckVerdict.FAIL, sentence, tuple(proof), fix, general=general)


def skipped(
    sentence: str, blocked_by: str | None = None, proof: Iterable[Evidence] = (), unused: bool = False
) -> Finding:
    """SKIP: it makes no sense to look, or nobody can tell."""
    return Finding(CheckVerdict.SKIP, sentence, tuple(proof), blocked_by=blocked_by, unused=unused)


def unknown(facts: FactReader, path: str) -> Finding:
    """SKIP, because a fact could not be read."""
    reason, half = facts.reason(path), path.partition(".")[0]
    if half in ("windows", "wsl") and reason.startswith(("failed", "timeout")) and reason == facts.reason(half):
        return skipped("Cannot be told: Windows could not be asked (see windows-half).", proof=evidence(facts, path))
    return skipped(f"Cannot be told: {to_words(reason)}.", proof=evidence(facts, path))


def to_words(reason: str) -> str:
    """A reason of a facts document as part of a sentence."""
    words = {
        "denied": "that needs an administrator",
        "absent": "this system does not say",
        "timeout": "no answer came in time",
        "not-asked": "nobody has asked",
    }
    return words.get(reason, reason.removeprefix("failed: ").rstrip("."))


def crashed(sentence: str, proof: Iterable[Evidence] = (), *fix: FixStep) -> Finding:
    """CRASH: a driver or a check broke; the last step is to report it."""
    return Finding(CheckVerdict.CRASH, sentence, tuple(proof), (*fix, FixStep(REPORT_HINT, "dreamrig doctor --report")))
