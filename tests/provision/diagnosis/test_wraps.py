"""A terminal of any width changes no diagnosis: of the code of any cause, and of words where there is no code."""

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from provision.diagnosis.cause import Cause
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.reading import read_text
from provision.diagnosis.wraps import FAR_COLUMN, is_wrapped

REPORTS = Path(__file__).parents[2] / "reports"
NARROWEST, WIDEST = 20, 120
STEP = 10
"""Every text is wrapped at every tenth width; which ones, goes round, so that all widths occur."""

KNOWLEDGE = load_knowledge()
CODED = [cause for cause in KNOWLEDGE.causes if cause.codes]


def first(text: str) -> str | None:
    diagnoses = diagnose(text, None, KNOWLEDGE).diagnoses
    return diagnoses[0].cause.slug if diagnoses else None


def wrap_hard(text: str, width: int) -> str:
    """As terminals do it: in the middle of words."""
    return "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(1, len(line)), width))


def wrap_line(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def wrap_words(text: str, width: int) -> str:
    """As chat programs and mail do it: between words."""
    lines = text.split("\n")
    return "\n".join(part for line in lines for part in wrap_line(line, width) or [""])


def told(cause: Cause) -> str:
    """A message that carries the weightiest code of a cause."""
    code = max(cause.codes, key=lambda code: code.weight)
    shown = code.hex or code.name or str(code.decimal)
    path = f"Error code: Wsl/Service/CreateInstance/{code.name}" if code.name and code.hex else ""
    return f"The command could not be finished. WslRegisterDistribution failed with error: {shown}\n{path}".rstrip()


def wordy() -> list[tuple[str, str]]:
    """Reports without any code."""
    reports: list[dict[str, Any]] = []
    for name in ("corpus", "found"):
        reports += json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))["reports"]
    read = [(report["id"], read_text(report["text"], KNOWLEDGE)) for report in reports]
    return [(id_, reading.text) for id_, reading in read if reading is not None and not reading.codes]


def changed(text: str, turn: int) -> list[tuple[int, str | None]]:
    """The widths at which wrapping brings another diagnosis, and which one."""
    plain = first(text)
    changes: list[tuple[int, str | None]] = []
    for width in range(NARROWEST + turn % STEP, WIDEST + 1, STEP):
        found = {first(wrap_hard(text, width)), first(wrap_words(text, width))}
        changes += [(width, one) for one in found - {plain}]
    return changes


@pytest.mark.parametrize(("turn", "cause"), list(enumerate(CODED)), ids=lambda one: getattr(one, "slug", ""))
def test_a_code_at_any_width(turn: int, cause: Cause) -> None:
    assert first(told(cause)) is not None
    assert changed(told(cause), turn) == []


@pytest.mark.parametrize(("turn", "id_", "text"), [(turn, *one) for turn, one in enumerate(wordy())])
def test_words_at_any_width(turn: int, id_: str, text: str) -> None:
    assert changed(text, turn) == []


WSL_ADVICE = (
    "Please enable the Virtual Machine Platform Windows feature and ensure virtualization is enabled in the BIOS.\n"
    "For information please visit https://aka.ms/enablevirtualization"
)


def test_the_advice_of_wsl_is_no_word_of_the_user() -> None:
    """It asks for virtualization; it does not say that it is on. Whatever the width, and with blanks at the breaks."""

    def scores(text: str) -> list[tuple[str, float]]:
        return [(one.cause.slug, one.score) for one in diagnose(text, None, KNOWLEDGE).diagnoses]

    plain = scores(WSL_ADVICE)
    for width in range(NARROWEST, WIDEST + 1):
        words = wrap_words(WSL_ADVICE, width)
        for text in (wrap_hard(WSL_ADVICE, width), words, words.replace("\n", " \r\n ")):
            assert scores(text) == plain, (width, text)


def test_what_the_user_says_of_the_firmware_counts() -> None:
    def score(text: str) -> float:
        found = {one.cause.slug: one.score for one in diagnose(text, None, KNOWLEDGE).diagnoses}
        return found["firmware-virtualization-off"]

    alone = score("0x80370102")
    for said in (
        "but virtualization is enabled in the BIOS",
        "SVM is enabled in BIOS",
        "Virtualization is already enabled",
        "I enabled virtualization in my BIOS",
        "Virtualization: Enabled",
    ):
        assert score(f"0x80370102, {said}") < alone, said


@pytest.mark.parametrize(
    ("line", "following"), [("the code is 0x1", "bc of it"), ("Wsl/Service/WSL_E_DISTRO_N", "OT_FOUND")]
)
def test_what_is_short_was_broken_from_the_far_column_on_alone(line: str, following: str) -> None:
    assert [is_wrapped(line, width, following, ()) for width in (FAR_COLUMN - 1, FAR_COLUMN)] == [False, True]
