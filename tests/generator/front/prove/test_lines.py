"""The verdict of a whole proof: it claims no more than was compared, and says what was not."""

from __future__ import annotations

import pytest

from generator.front.prove.bands import ProofVerdict
from generator.front.prove.lines import ProofLine, closing, tell_verdicts, verdict_of

HOLDS, DIFFERS, NOT_RECORDED = ProofVerdict.HOLDS, ProofVerdict.DIFFERS, ProofVerdict.NOT_RECORDED
STARTER = {"weights": HOLDS, "crowson": HOLDS, "dreamrig": HOLDS}
FULL_SIZE = {"imagenet-f16-16384": HOLDS, "ViT-B/32": HOLDS, "crowson": NOT_RECORDED, "dreamrig": NOT_RECORDED}


def lines_of(**subjects: dict[str, ProofVerdict]) -> list[ProofLine]:
    """Names of subjects have no dashes here."""
    return [
        ProofLine(subject=subject, what=what, found="-", verdict=verdict)
        for subject, found in subjects.items()
        for what, verdict in found.items()
    ]


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([HOLDS, HOLDS], ProofVerdict.HOLDS),
        ([HOLDS, NOT_RECORDED], ProofVerdict.IN_PART),
        ([NOT_RECORDED], ProofVerdict.NOT_RECORDED),
        ([HOLDS, NOT_RECORDED, DIFFERS], ProofVerdict.DIFFERS),
    ],
)
def test_the_whole_holds_only_where_all_was_compared(verdicts: list[ProofVerdict], whole: ProofVerdict) -> None:
    lines = [ProofLine(subject="x", what=str(number), found="", verdict=one) for number, one in enumerate(verdicts)]
    assert verdict_of(lines) is whole


def test_what_was_compared_and_what_was_not_is_named() -> None:
    lines = lines_of(starter=STARTER, full=FULL_SIZE)
    compared = "files of starter, curves of starter, files of full hold"
    assert tell_verdicts(lines) == f"{compared}; curves of full were not compared"
    told = " ".join(closing(lines, 100).split())
    assert "Not compared: curves of full." in told
    assert "This machine computes" not in told


def test_where_only_some_got_a_verdict_those_are_named() -> None:
    lines = lines_of(starter={**STARTER, "crowson": DIFFERS}, full={**FULL_SIZE, "dreamrig": HOLDS})
    assert tell_verdicts(lines) == (
        "curves of starter (crowson) differ; files of starter, curves of starter (dreamrig), files of full, "
        "curves of full (dreamrig) hold; curves of full (crowson) were not compared"
    )


def test_what_holds_is_said_of_what_was_looked_at_alone() -> None:
    told = " ".join(closing(lines_of(starter=STARTER), 100).split())
    assert "This machine computes what was recorded: files of starter, curves of starter." in told
    assert "full size as well: dreamrig prove" in told
