"""The page on how far the intervals can be trusted is what the code says."""

from __future__ import annotations

import itertools

import pytest

from bench.proofs.intervals import __main__ as made


@pytest.mark.slow
def test_the_page_is_what_is_computed() -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.render(), "run: python -m bench.proofs.intervals"


def test_equals_are_called_different_in_a_twentieth_of_cases_at_most() -> None:
    """Five sessions each and more, which differ by up to 3 %; what 4,000 trials may miss is added."""
    shares = [row for row in made.different_rows() if "sessions each" in row[0] and not row[0].startswith("3 ")]
    assert len(shares) == 5
    assert all(float(share.removesuffix("%")) <= 5.5 for row in shares for share in row[1:])


def test_more_sessions_make_a_narrower_interval_that_sees_more() -> None:
    """Six were four times as wide as five, and saw a quarter of what five saw."""
    counts = (3, 5, 6, 7, 10, 15, 20, 21, 30)
    widths = [made.width(made.session_ratios(count, 0.03, trials=200)) for count in counts]
    assert all(more < fewer for fewer, more in itertools.pairwise(widths))
    slower = [made.session_ratios(count, 0.03, 1.08, trials=200) for count in (3, 5, 6, 10)]
    seen = [sum(not ratio.holds(1.0) for ratio in ratios) for ratios in slower]
    assert seen == sorted(seen)
    assert seen[1] > 150
