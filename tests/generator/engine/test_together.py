"""Several runs in one step: each goes the way it would have gone alone, whatever the others do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from dreamrig.errors import FailedError, NotReadyError
from generator.config import GenerateConfig
from generator.engine.loop import generate, turns
from generator.engine.together import Company, Due, kind_of
from generator.events import Checkpointed, Event, Finished, Step
from generator.models.base import Models
from generator.wishes.stages import parse_stages

Config = Callable[..., GenerateConfig]
STRICT = {"deterministic": True, "precision": "fp32", "preview_every": 0, "checkpoint_every": 0}
COMPANIES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "seeds": [{"seed": seed} for seed in range(4)],
    "prompts, weights and regions": [
        {"prompt": "sea:2 | fog:-0.5"},
        {"prompt": "sea | fog @left:0.3", "cut_noise": 0.1},
        {"prompt": "sea ^ fog", "augmentations": "flip affine(20) noise(0.1)"},
    ],
    "styles": [
        {"optimiser": "adamw", "step_schedule": "cosine"},
        {"offset_levels": 3, "per_dimension_steps": True, "pull": 0.3},
        {"cut_method": "pooling", "tv": 1.0, "ema": 0.9},
        {"cutouts": 9, "palette": 1.0, "palette_colours": "red, blue"},
    ],
    "seamless": [{"seamless": "both"}, {"seamless": "both", "seed": 5}],
    "shares of guides": [{"guide_weights": "1, 3"}, {"guide_weights": "2, 1"}],
    "an earlier end": [{"steps": 12}, {}, {"steps": 31, "seed": 9}],
    "stages": [{"stages": "1/2:20"}, {"stages": "1/2:20", "seed": 7}, {}],
}


def drive(runs: Sequence[Iterator[Event | Due]], company: Company) -> list[list[Event]]:
    """All events of each, their steps taken together."""
    found: list[list[Event]] = [[] for _ in runs]
    going = dict(enumerate(runs))
    while going:
        dues = []
        for number, run in list(going.items()):
            for turn in run:
                if isinstance(turn, Due):
                    dues.append(turn)
                    break
                found[number].append(turn)
            else:
                del going[number]
        company.take(dues)
    return found


def together(configs: Sequence[GenerateConfig], models: Models, company: Company | None = None) -> list[list[Event]]:
    return drive([turns(config, models) for config in configs], company or Company())


def losses_of(events: Sequence[Event]) -> list[float]:
    return [event.loss() for event in events if isinstance(event, Step)]


def state_of(events: Sequence[Event]) -> Mapping[str, Tensor]:
    return [event for event in events if isinstance(event, Checkpointed)][-1].state.tensors


def require_alike(found: Sequence[Event], alone: Sequence[Event]) -> None:
    """The same path within float32's rounding, to the same end."""
    assert [type(event) for event in found] == [type(event) for event in alone]
    assert losses_of(found) == pytest.approx(losses_of(alone), rel=1e-4)
    mine, theirs = state_of(found), state_of(alone)
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("company", COMPANIES)
def test_each_follows_its_own_path_for_fifty_steps(
    company: str, toy_models: Callable[..., Models], toy_guide: Any, toy_config: Config
) -> None:
    models = toy_models(guides=(toy_guide(), toy_guide(seed=5, size=12, width=9)))
    configs = [toy_config(**{"steps": 50, **STRICT, **wish}) for wish in COMPANIES[company]]
    for config, found in zip(configs, together(configs, models), strict=True):
        require_alike(found, list(generate(config, models)))


class Counting:
    """Networks that count their calls and how much came in each."""

    def __init__(self, models: Models) -> None:
        self.decoded: list[int] = []
        self.seen: list[int] = []
        image, (guide,) = models.image, models.guides
        self.decode, self.encode = image.decode, guide.encode_image
        image.decode = self._decode  # type: ignore[method-assign]  # a spy at the door
        guide.encode_image = self._encode  # type: ignore[method-assign]  # a spy at the door
        self.models = models

    def _decode(self, latent: Tensor) -> Tensor:
        self.decoded.append(len(latent))
        return self.decode(latent)

    def _encode(self, cutouts: Tensor) -> Tensor:
        self.seen.append(len(cutouts))
        return self.encode(cutouts)


def test_a_step_decodes_once_and_looks_once_for_all(models: Models, toy_config: Config) -> None:
    spy = Counting(models)
    configs = [toy_config(**STRICT, steps=3, seed=seed, prompt="sea | fog @left") for seed in range(4)]
    together(configs, models)
    assert spy.decoded == [4, 4, 4, 1, 1, 1, 1]  # three steps, then each one's finished picture
    assert spy.seen == [4 * 2 * configs[0].cutouts] * 3


@pytest.mark.parametrize(
    "wish",
    [{"cut_batch": 2}, {"checkpointed_decoding": True}, {"width": 32}, {"tile": 96, "width": 104, "height": 96}],
)
def test_what_cannot_go_with_the_others_goes_alone(wish: dict[str, Any], models: Models, toy_config: Config) -> None:
    configs = [toy_config(**STRICT), toy_config(**STRICT, seed=4), toy_config(**{**STRICT, **wish})]
    alone = [list(generate(config, models)) for config in configs]
    spy = Counting(models)
    found = together(configs, models)
    assert spy.decoded.count(2) == configs[0].steps
    assert 3 not in spy.decoded
    for mine, theirs in zip(found, alone, strict=True):
        require_alike(mine, theirs)


def test_other_networks_threads_or_rounding_are_another_kind(
    models: Models, toy_models: Callable[..., Models], toy_config: Config
) -> None:
    def kind(models: Models, **wish: Any) -> object:
        due = next(turn for turn in turns(toy_config(**wish), models) if isinstance(turn, Due))
        return kind_of(due)

    plain = kind(models)
    assert plain == kind(models, seed=8, prompt="fog", cutouts=9, steps=9)
    others = [kind(toy_models()), kind(models, threads=2), kind(models, deterministic=False), kind(models, width=32)]
    assert plain not in others


def test_stages_meet_only_on_the_same_grid(models: Models, toy_config: Config) -> None:
    (stage,) = parse_stages("1/2:3")
    spy = Counting(models)
    together([toy_config(**STRICT, stages="1/2:3"), toy_config(**STRICT)], models)
    steps = 6
    assert spy.decoded.count(2) == steps - stage.steps


@pytest.mark.parametrize("only_gradient", [False, True])
def test_nan_in_one_does_not_touch_the_others(
    models: Models, toy_config: Config, monkeypatch: pytest.MonkeyPatch, *, only_gradient: bool
) -> None:
    configs = [toy_config(**STRICT, seed=seed) for seed in range(3)]
    alone = [list(generate(config, models)) for config in configs]
    (guide,) = models.guides
    encode, cutouts = guide.encode_image, configs[0].cutouts

    def spoiled(cuts: Tensor) -> Tensor:
        seen = encode(cuts)
        bad = torch.zeros(len(cuts), 1)
        bad[cutouts : 2 * cutouts] = torch.nan
        if not only_gradient:
            return torch.where(bad.isnan(), bad, seen)
        seen.register_hook(lambda gradient: torch.where(bad.isnan(), bad, gradient))  # type: ignore[no-untyped-call]
        return seen

    monkeypatch.setattr(guide, "encode_image", spoiled)
    ended = []

    def guarded(run: Iterator[Event | Due]) -> Iterator[Event | Due]:
        try:
            yield from run
        except FailedError as error:
            ended.append(error.message)

    found = drive([guarded(turns(config, models)) for config in configs], Company())
    assert ended == ["The loss became NaN at step 0."]
    for number in (0, 2):
        require_alike(found[number], alone[number])


def short_of_memory(models: Models, most: int) -> Models:
    """Networks that decode so many at a time and no more."""
    image = models.image
    decode = image.decode

    def with_limit(latent: Tensor) -> Tensor:
        if len(latent) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        return decode(latent)

    image.decode = with_limit  # type: ignore[method-assign]  # a small device at the door
    return models


HALVED = {2: ["2 pictures in a step from step 0 on"], 1: ["2 pictures in a step from step 0", "one picture in a step"]}


@pytest.mark.parametrize("most", HALVED)
def test_the_company_is_halved_where_the_memory_is_too_small(
    most: int, models: Models, toy_models: Callable[..., Models], toy_config: Config
) -> None:
    configs = [toy_config(**STRICT, seed=seed, cut_noise=0.1) for seed in range(5)]
    found = together(configs, short_of_memory(toy_models(), most))
    for config, mine in zip(configs, found, strict=True):
        require_alike(mine, list(generate(config, models)))
    said = [note for events in found for event in events if isinstance(event, Step) for note in event.notes]
    assert all(wanted in note for wanted, note in zip(HALVED[most], said, strict=True))


def test_one_alone_that_has_no_room_either_tells_it_and_the_rest_goes_on(models: Models, toy_config: Config) -> None:
    config = toy_config(**STRICT)
    with pytest.raises(NotReadyError, match="Out of memory at step 0"):
        together([config, replace(config, seed=4)], short_of_memory(models, 0))


def test_an_error_of_one_is_its_own(models: Models, toy_config: Config) -> None:
    configs = [toy_config(**STRICT, seed=seed) for seed in range(3)]
    runs = [turns(config, models) for config in configs]

    events: list[Event] = []

    def failing(run: Iterator[Event | Due]) -> Iterator[Event | Due]:
        try:
            for turn in run:
                if isinstance(turn, Due) and turn.run.done == 2:
                    turn.run.optimiser.step = lambda *_: 1 / 0  # type: ignore[assignment, method-assign, return-value]
                elif not isinstance(turn, Due):
                    events.append(turn)
                yield turn
        except ZeroDivisionError:
            return

    found = drive([runs[0], failing(runs[1]), runs[2]], Company())
    assert type(events[-1]).__name__ == "Raised"
    for number in (0, 2):
        require_alike(found[number], list(generate(configs[number], models)))


def test_a_step_that_nobody_took_is_taken_by_its_run(models: Models, toy_config: Config) -> None:
    """Which is how a single picture is drawn: to the same bytes."""
    config = toy_config()
    mine = [turn for turn in turns(config, models) if not isinstance(turn, Due)]
    for one, other in zip(mine, generate(config, models), strict=True):
        assert type(one) is type(other)
        if isinstance(one, Finished):
            assert isinstance(other, Finished)
            assert torch.equal(one.image(), other.image())
