"""What a GPU cannot do better than, from its datasheet and the arithmetic of a step: a bound, never a measurement.

A step needs its least FLOPs (the thriftiest convolutions known, see generator.engine.flops), and no unit of the GPU
does more than its peak at the highest clock. Memory is left out: how much of the traffic a cache can save is not known
exactly. `generate` and `bench` say what follows in the words of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dreamrig.words import TERA, pace, short
from provision.cards.datasheets import Datasheet

FREE = "t4"
"""Key of the GPU that Colab gives for free."""
WORTH_SAYING = 1.05


@dataclass(frozen=True)
class Bound:
    """The least time that a GPU can need for a step."""

    sheet: Datasheet
    precision: str
    """Of the fastest unit that the work allows."""
    least_step_seconds: float

    @property
    def most_steps_per_second(self) -> float:
        """it/s that it cannot exceed."""
        return 1 / self.least_step_seconds

    @property
    def is_exact(self) -> bool:
        """Whether the card can never clock above what the bound was made from."""
        return self.sheet.boost_is_limit

    @property
    def basis(self) -> str:
        """What it was made from, in words."""
        peak, figure = self.sheet.peak_tflops(self.precision), self.sheet.fp32_tflops
        doubt = f" ({figure.doubt})" if figure.doubt else ""
        return f"{short(peak)} TFLOP/s in {self.precision}; {figure.source}{doubt}"

    def sure_factor(self, slowest_step_seconds: float) -> float:
        """How many times as fast as this GPU somebody is at least who needs that long for a step at most."""
        return self.least_step_seconds / slowest_step_seconds

    def at_least(self, slowest_step_seconds: float) -> str:
        """The factor that is certain, rounded down: "1.9"; "" where there is none."""
        factor = self.sure_factor(slowest_step_seconds)
        return _rounded_down(factor) if factor >= WORTH_SAYING and self.is_exact else ""

    def describe(self, slowest_step_seconds: float) -> str:
        """One sentence that says what follows for somebody of that pace, and no more."""
        factor, most = self.at_least(slowest_step_seconds), pace(self.most_steps_per_second)
        name = self.sheet.name
        if factor:
            return f"At least {factor}x as fast as any {name}: even at its datasheet peak it does no more than {most}."
        return (
            f"No {name} does more than {most} here, by its datasheet, not measured; "
            "whether it is slower than this rig, a bound cannot tell."
        )


def make_bound(sheet: Datasheet, precision: str, least_flops: float) -> Bound:
    """The bound of a GPU for a step that needs so many FLOPs at least, in the fastest precision that is allowed."""
    return Bound(sheet, precision, least_flops / (sheet.peak_tflops(precision) * TERA))


def _rounded_down(factor: float) -> str:
    """ "1.08", "1.9", "14.2": one digit after the point, two where one would leave nothing to say."""
    digits = 100 if factor < 1.2 else 10
    return f"{math.floor(factor * digits) / digits:g}"
