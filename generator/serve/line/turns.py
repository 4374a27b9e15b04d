"""Whose turn it is: start-time fair queueing in whole turns. Pure arithmetic.

A picture joins the line in turn max(turn being served, its friend's last turn + 1), and the line is served by turn,
then by arrival. Before somebody's k-th waiting picture begins, no other friend begins more than k + 1 of theirs (times
their weight); in return a newcomer's first picture goes before somebody's second, so a place in the line may rise.
A position that only ever falls cannot be had together with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def next_turn(serving: int, taken: Iterable[int], weight: int = 1) -> int:
    """The turn of a friend's next picture.

    serving: the highest turn that has begun.   taken: turns of this friend's pictures that count, in any order.
    weight: how many pictures of this friend share a turn.
    """
    turns = list(taken)
    if not turns:
        return serving
    last = max(turns)
    return max(serving, last if turns.count(last) < weight else last + 1)


@dataclass(frozen=True)
class Place:
    """One picture in the line, for people."""

    key: str
    friend: int
    turn: int
    number: int
    """From 1: how many begin before it, plus one."""


def why_risen(mine: Place, newcomer: str, turn: int) -> str:
    """One sentence for a place that rose: `newcomer` joined in a turn before mine."""
    if turn < mine.turn:
        return f"{newcomer}'s picture of turn {turn} goes before yours of turn {mine.turn}"
    return f"{newcomer}'s picture goes first"
