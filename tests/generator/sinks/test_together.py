"""Several runs told as one: when all took a step, with the mean of their losses and all of their pictures."""

from __future__ import annotations

import pytest
import torch

from generator.config import GenerateConfig
from generator.events import Event, Finished, Preview, Raised, Started, Step
from generator.sinks.together import Gathered, side_by_side


def started(steps: int = 3) -> Started:
    return Started(config=GenerateConfig(prompt="x", steps=steps), run_id="r", versions={}, device="cpu")


def step(index: int, loss: float) -> Step:
    return Step(index, lambda: loss, 0.1, lambda: torch.full((3, 2, 2), loss), notes=("a note",))


def finished(index: int) -> Finished:
    return Finished(index, lambda: torch.zeros(3, 2, 2), "done", 1.0)


def gather(*told: tuple[int, Event], runs: int = 2) -> list[Event]:
    heard: list[Event] = []
    gathered = Gathered([heard.append], runs)
    listeners = [gathered.listener(number) for number in range(runs)]
    for number, event in told:
        listeners[number](event)
    return heard


def losses(events: list[Event]) -> list[tuple[int, float]]:
    return [(event.index, event.loss()) for event in events if isinstance(event, Step)]


def test_a_step_is_told_when_all_took_it_with_the_mean_of_their_losses() -> None:
    begun = [(0, started(3)), (1, started(9)), (0, step(0, 1.0))]
    assert losses(gather(*begun)) == []
    heard = gather(*begun, (1, step(0, 3.0)), (1, step(1, 5.0)), (0, step(1, 6.0)))
    assert losses(heard) == [(0, 2.0), (1, 5.5)]
    assert isinstance(heard[1], Started)
    assert heard[1].config.steps == 9
    assert all(event.notes == () for event in heard if isinstance(event, Step))  # told by each run itself


@pytest.mark.parametrize("last", [finished(1), Raised(RuntimeError("x"))])
def test_one_that_ended_is_not_waited_for_and_the_last_ends_it_all(last: Event) -> None:
    begun = [(0, started()), (1, started()), (0, step(0, 1.0))]
    heard = gather(*begun, (0, last), (1, step(0, 3.0)), (1, step(1, 4.0)))
    assert losses(heard) == [(0, 3.0), (1, 4.0)]
    assert not isinstance(heard[-1], Finished | Raised)
    assert gather(*begun, (0, last), (1, last))[-1] is last
    # It ended instead of the step that the other had taken already.
    assert losses(gather(*begun[:2], (1, step(0, 3.0)), (0, last))) == [(0, 3.0)]


def test_one_that_never_started_is_not_waited_for() -> None:
    assert losses(gather((1, started()), (1, step(0, 2.0)), (1, step(1, 1.0)), runs=3)) == [(0, 2.0), (1, 1.0)]


def test_a_preview_is_all_newest_pictures_in_reading_order() -> None:
    begun = [(number, started()) for number in range(3)] + [(number, step(0, float(number))) for number in range(3)]
    image = torch.zeros(3, 2, 2)
    heard = gather(*begun, (1, Preview(0, lambda: image)), (0, Preview(0, lambda: image)), runs=3)
    (preview,) = (event for event in heard if isinstance(event, Preview))
    shown = preview.image()
    assert shown.shape == (3, 4, 4)
    assert [float(shown[0, y, x]) for y in (0, 2) for x in (0, 2)] == [0.0, 1.0, 2.0, 0.0]


def test_one_picture_is_itself() -> None:
    picture = torch.rand(3, 4, 6)
    assert torch.equal(side_by_side([lambda: picture]), picture)
