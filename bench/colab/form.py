"""What the notebooks ask for besides the work, and what it costs in minutes."""

from __future__ import annotations

import math

from bench.measure.blocks import BUDGETS
from bench.result.result import Effort

SESSIONS = 3
"""Of a notebook, where the time costs nothing: one session says nothing of what differs from start to start."""
CHOICES = (1, SESSIONS, 5)
START_MINUTES = 5.0
"""Until a machine of Colab is there, with what is missing installed."""
LOAD_MINUTES = 1.0
"""Of a session, before anything is measured."""
COST = (
    "Several sessions are fresh processes one after the other, so that what differs from start to start counts too: "
    "with the effort default about {one} minutes for one, {usual} for {sessions}."
)


def minutes(effort: Effort, sessions: int) -> int:
    """About how long a measurement takes on Colab, everything in it."""
    budget = BUDGETS[effort]
    each = LOAD_MINUTES + (budget.warmup_most + budget.measuring + budget.picture) / 60
    return math.ceil(START_MINUTES + sessions * each)


def sessions_line(sessions: int = SESSIONS) -> str:
    """The form's line. sessions: what it says first."""
    choices = ", ".join(f'"{number}"' for number in sorted({*CHOICES, sessions}))
    return f'sessions = "{sessions}"  # @param [{choices}]'


def cost() -> str:
    """What several sessions are good for, and their minutes."""
    return COST.format(one=minutes("default", 1), usual=minutes("default", SESSIONS), sessions=SESSIONS)
