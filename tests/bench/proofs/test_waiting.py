"""Waiting for another process: for what it gives, through errors that say "not yet", and not for ever."""

from __future__ import annotations

import pytest

from bench.proofs.waiting import until


def test_what_comes_is_given() -> None:
    answers = iter([0, None, OSError("not yet"), "here"])

    def ask() -> object:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    assert until(ask, "it", 60.0, not_yet=(OSError,), pause_seconds=0.0) == "here"


def test_what_does_not_come_is_named() -> None:
    with pytest.raises(SystemExit, match="the page: not within 0 s"):
        until(lambda: False, "the page", 0.0, pause_seconds=0.0)


def test_another_error_is_one() -> None:
    with pytest.raises(KeyError):
        until(lambda: {}["a"], "it", 60.0, not_yet=(OSError,))
