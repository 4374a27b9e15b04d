"""The page on how far the intervals can be trusted is what the code says."""

from __future__ import annotations

import pytest

from bench.proofs.intervals import __main__ as made


@pytest.mark.slow
def test_the_page_is_what_is_computed() -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.render(), "run: python -m bench.proofs.intervals"


def test_equals_are_called_different_in_a_twentieth_of_cases_at_most() -> None:
    """Five sessions each and more, which differ by up to 3 %."""
    shares = [row for row in made.different_rows() if row[0].startswith(("5 ", "10 "))]
    assert len(shares) == 2
    assert all(float(share.removesuffix("%")) <= 5 for row in shares for share in row[1:])
