"""Several pictures drawn in the same steps: which ones, and all of them to their ends.

One thread, in turns: every run goes on to where its next step is due, then the steps that are due are taken together.
Nothing waits, so nothing can wait for ever: a run that ended, however it did, is not asked again. Each keeps its own
folder, checkpoints and ending; see generator.engine.together for what is shared. Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dreamrig.errors import InterruptedByUser
from generator.config import GenerateConfig, networks_key
from generator.devices import available_memory_mib
from generator.engine.arithmetic import Arithmetic
from generator.engine.memory import estimate_together_mib
from generator.engine.together import Company, Due
from generator.models.base import Models
from generator.wishes.parse import parse_weights
from generator.work.plan import Plan

MOST_BY_ITSELF = 8
"""Pictures in a step where nobody says, on a GPU: the first of them is not to wait for a hundred others."""
Result = TypeVar("Result")
Doing = Generator[Due, None, Result]


@dataclass(frozen=True)
class Fellows:
    """How many pictures, from the first on, are drawn in the same steps."""

    count: int
    why_no_more: str = ""
    """What the one after them has that keeps it apart, e.g. "another size"; "" = no more were wanted."""


def fellows_of(plans: Sequence[Plan], models: Models, wanted: int) -> Fellows:
    """Of these plans, the first of which was loaded for.

    wanted: so many at most; 0 = as the device likes best, which is one by one on a CPU.
    """
    device = models.image.codebook.device
    most = wanted or (1 if device.type == "cpu" else MOST_BY_ITSELF)
    chosen = [plans[0].to_config(models.defaults)]
    for plan in plans[1:most]:
        config = plan.to_config(models.defaults)
        if why := why_apart(chosen[0], config, models):
            return Fellows(len(chosen), why)
        if estimate_together_mib([*chosen, config], models) > available_memory_mib(device):
            return Fellows(len(chosen), "no memory for more")
        chosen.append(config)
    return Fellows(len(chosen))


def why_apart(first: GenerateConfig, other: GenerateConfig, models: Models) -> str:
    """Why two pictures cannot be drawn in the same steps; "" = they can. models: of the first."""
    device = models.image.codebook.device
    differences: dict[str, Callable[[GenerateConfig], object]] = {
        "other networks": networks_key,
        "another size": lambda config: (config.width, config.height),
        "other edges (--seamless)": lambda config: config.seamless,
        "other threads or another --deterministic": lambda config: Arithmetic.of(config, device),
    }
    for words, value_of in differences.items():
        if value_of(first) != value_of(other):
            return words
    if guides_of(first, models) != guides_of(other, models):
        return "other guides"
    return _why_alone(first) or _why_alone(other)


def guides_of(config: GenerateConfig, models: Models) -> list[int]:
    """Which of the guides count."""
    return [id(guide) for guide in models.with_guides_that_count(parse_weights(config.guide_weights)).guides]


def _why_alone(config: GenerateConfig) -> str:
    if config.cut_batch:
        return "some cutouts at a time (--cut-batch)"
    if config.checkpointed_decoding:
        return "decoding twice (--checkpointed-decoding)"
    return "windows (--tile)" if config.tile else ""


def drive(doings: Sequence[Doing[Result]]) -> list[Result | BaseException]:
    """Every run to its end: what came of each, or what it ended in, in the order given.

    Where one is interrupted at once, all are, each in its own way.
    """
    rounds = _Rounds(doings)
    try:
        while rounds.going:
            rounds.company.take(rounds.dues())
    except KeyboardInterrupt:
        rounds.interrupt()
    return [rounds.ended[number] for number in range(len(doings))]


class _Rounds(Generic[Result]):
    """Runs on their way."""

    def __init__(self, doings: Sequence[Doing[Result]]) -> None:
        self.going = dict(enumerate(doings))
        self.ended: dict[int, Result | BaseException] = {}
        self.company = Company()

    def dues(self) -> list[Due]:
        """The next step of each, after all that comes before it; those for which there is none have ended."""
        found = map(self.go_on, list(self.going))
        return [due for due in found if due is not None]

    def go_on(self, number: int) -> Due | None:
        """One run to its next step, or to its end."""
        try:
            return next(self.going[number])
        except StopIteration as end:
            self.ended[number] = end.value
        except Exception as error:  # noqa: BLE001 - told by whoever asked for this picture
            self.ended[number] = error
        del self.going[number]
        if isinstance(self.ended[number], InterruptedByUser):
            raise KeyboardInterrupt
        return None

    def interrupt(self) -> None:
        """End those that are left, where they stand."""
        for number, doing in self.going.items():
            try:
                doing.throw(KeyboardInterrupt())
            except BaseException as error:  # noqa: BLE001 - its own, or the one thrown where it had not begun
                self.ended.setdefault(number, error)
        self.going.clear()
