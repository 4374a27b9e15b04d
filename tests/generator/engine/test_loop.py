"""The loop: its events, variant A against an independent loop, stopping, resuming, and leaving no traces."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from dreamrig.errors import FailedError, NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.engine.adam import Adam
from generator.engine.loop import State, generate, state_from_bytes, state_to_bytes
from generator.events import Checkpointed, Event, Finished, Preview, Raised, Started, Step
from generator.models.base import Models
from generator.wishes import augmentations
from generator.wishes.parse import parse_weights, parse_wishes

Config = Callable[..., GenerateConfig]
MakeModels = Callable[..., Models]


def of(kind: type, events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def collect(events: Iterator[Event], into: list[Event]) -> None:
    """One by one, so that what came before an error is kept."""
    for event in events:
        into.append(event)  # noqa: PERF402


def last(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


# Variant A --------------------------------------------------------------------------------------------------


def reference_loop(
    config: GenerateConfig, models: Models, two_steps: Callable[[Tensor, Tensor, int], Tensor]
) -> tuple[list[float], Tensor]:
    """The published algorithm, written from its description with the chain rule by hand; the losses and the last z."""
    image, guide = models.image, models.guides[0]
    codebook = image.codebook
    rows, columns = config.height // image.factor, config.width // image.factor
    draws = torch.Generator().manual_seed(config.seed)
    codes = torch.randint(len(codebook), (1, rows, columns), generator=draws)
    z = torch.stack([codebook[code] for code in codes.flatten()]).view(1, rows, columns, -1).permute(0, 3, 1, 2)
    v = guide.encode_text([config.prompt])
    v = v / v.norm(dim=1, keepdim=True)
    mean, square, found = torch.zeros_like(z), torch.zeros_like(z), []
    for step in range(1, config.steps + 1):
        nearest = (z.permute(0, 2, 3, 1)[..., None, :] - codebook).square().sum(dim=-1).argmin(dim=-1)
        quantised = codebook[nearest].permute(0, 3, 1, 2).requires_grad_()
        decoded = image.decode(quantised)
        picture = decoded.detach().clamp(0, 1).requires_grad_()
        resampled = two_steps(picture, boxes_by_hand(draws, config, guide.size), guide.size)
        cut = resampled.detach().clamp(0, 1).requires_grad_()
        u = guide.encode_image(cut)
        u = u / u.norm(dim=1, keepdim=True)
        loss = (2 * torch.arcsin((u - v).norm(dim=1) / 2) ** 2).mean()
        found.append(loss.item())
        at_cut = only_back_inside(torch.autograd.grad(loss, cut)[0], resampled)
        at_picture = only_back_inside(torch.autograd.grad(resampled, picture, at_cut)[0], decoded)
        gradient = torch.autograd.grad(decoded, quantised, at_picture)[0]  # straight through to z
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        z = z - config.step_size * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        for channel in range(z.shape[1]):
            z[:, channel] = z[:, channel].clamp(codebook[:, channel].min(), codebook[:, channel].max())
    return found, z


def only_back_inside(gradient: Tensor, x: Tensor) -> Tensor:
    """The gradient where x is within [0, 1] or where descending brings it nearer."""
    outside_and_away = ((x > 1) & (gradient < 0)) | ((x < 0) & (gradient > 0))
    return torch.where(outside_and_away, 0.0, gradient)


def boxes_by_hand(draws: torch.Generator, config: GenerateConfig, size: int) -> Tensor:
    boxes = []
    for u, left, top in torch.rand((config.cutouts, 3), generator=draws, dtype=torch.float64).tolist():
        high, low = min(config.width, config.height), min(config.width, config.height, size)
        side = int(u**config.cut_power * (high - low) + low)
        boxes.append((int(left * (config.width - side + 1)), int(top * (config.height - side + 1)), side))
    return torch.tensor(boxes)


@pytest.mark.parametrize("step_size", [0.05, 0.5])
def test_variant_a_is_the_published_algorithm(
    models: Models, toy_config: Config, two_steps: Callable[[Tensor, Tensor, int], Tensor], step_size: float
) -> None:
    config = toy_config(steps=20, step_size=step_size, width=32, height=24)
    events = list(generate(config, models))
    expected_losses, z = reference_loop(config, models, two_steps)
    assert [step.loss() for step in of(Step, events)] == pytest.approx(expected_losses, rel=5e-6)
    state = of(Checkpointed, events)[-1].state
    torch.testing.assert_close(state.tensors["parameters.0"], z, rtol=0, atol=2e-4 * step_size)  # float32 rounding


# Events -----------------------------------------------------------------------------------------------------


def test_a_run_in_order(models: Models, toy_config: Config) -> None:
    ticks = itertools.count()
    events = list(generate(toy_config(), models, clock=lambda: float(next(ticks)), run_id="r", load_seconds=2.0))
    names = [(type(event).__name__, getattr(event, "index", None)) for event in events]
    assert names == [
        ("Started", None),
        ("Step", 0),
        ("Preview", 0),
        ("Step", 1),
        ("Step", 2),
        ("Preview", 2),
        ("Checkpointed", 3),
        ("Step", 3),
        ("Step", 4),
        ("Preview", 4),
        ("Step", 5),
        ("Checkpointed", 6),
        ("Finished", 6),
    ]
    assert [step.seconds for step in of(Step, events)] == [1.0] * 6
    finished = last(events)
    assert (finished.reason, finished.seconds) == ("done", 13.0)
    started = events[0]
    assert isinstance(started, Started)
    assert (started.run_id, started.load_seconds, started.import_seconds, started.first_step) == ("r", 2.0, None, 0)
    assert set(started.versions) == {"python", "torch", "platform"}
    assert started.device.startswith("cpu (")


def test_zero_means_no_previews_and_a_checkpoint_at_the_end_only(models: Models, toy_config: Config) -> None:
    events = list(generate(toy_config(preview_every=0, checkpoint_every=0), models))
    assert not of(Preview, events)
    assert [event.index for event in of(Checkpointed, events)] == [6]


def test_plan_and_unknown_words_are_told(models: Models, toy_config: Config) -> None:
    started = next(iter(generate(toy_config(prompt="the zea:2 | fog", start="predicted"), models)))
    assert isinstance(started, Started)
    assert started.plan_words == "a plan for the zea"
    assert started.unknown_words == {"zea": ["sea", "see"]}


def test_pictures_are_of_their_own_step_and_asked_for_late(models: Models, toy_config: Config) -> None:
    eager = [step.image().clone() for step in generate(toy_config(step_size=0.5), models) if isinstance(step, Step)]
    events = list(generate(toy_config(step_size=0.5), models))
    late = [step.image() for step in of(Step, events)]
    assert all(torch.equal(a, b) for a, b in zip(eager, late, strict=True))
    assert not torch.equal(late[0], late[5])
    assert torch.equal(of(Preview, events)[1].image(), late[2])
    for picture in [*late, last(events).image()]:
        assert picture.shape == (3, 16, 24)
        assert not picture.requires_grad
        assert 0.0 <= float(picture.min()) < float(picture.max()) <= 1.0


def test_the_final_picture_is_decoded_after_the_last_update(models: Models, toy_config: Config) -> None:
    events = list(generate(toy_config(steps=3, step_size=0.5), models))
    longer = list(generate(toy_config(steps=4, step_size=0.5), models))
    assert torch.equal(last(events).image(), of(Step, longer)[3].image())
    assert not torch.equal(last(events).image(), of(Step, events)[2].image())


def test_the_first_picture_is_the_start(models: Models, toy_config: Config) -> None:
    first = of(Step, list(generate(toy_config(start="predicted"), models)))[0].image()
    assert models.start is not None
    codes = models.start.predict("sunset over the sea", 3, 4, 6).codes
    latent = models.image.codebook[codes].permute(2, 0, 1)[None]
    torch.testing.assert_close(first, models.image.decode(latent)[0].clamp(0, 1))


def test_the_loss_falls(models: Models, toy_config: Config, bundle: dict[str, Any]) -> None:
    for options in ({}, bundle | {"pull": 0.0, "boundary_tv": 0.0, "prompt": "fog", "step_size": 0.3}):
        losses = [s.loss() for s in of(Step, list(generate(toy_config(steps=40, **options), models)))]
        assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


# Options that change the loss -------------------------------------------------------------------------------


def first_loss(models: Models, config: GenerateConfig) -> float:
    return float(of(Step, list(generate(config, models)))[0].loss())


def test_several_guides_count_by_their_mean(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    a, b = toy_guide(seed=4), toy_guide(seed=5)
    config = toy_config(steps=1, cutouts=1, whole_every=1)
    alone = [first_loss(toy_models(guides=(guide,)), config) for guide in (a, b)]
    assert alone[0] != pytest.approx(alone[1])
    assert first_loss(toy_models(guides=(a, b)), config) == pytest.approx(sum(alone) / 2)


def test_guides_of_different_sizes_work_together(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    models = toy_models(guides=(toy_guide(), toy_guide(seed=5, size=12, width=9)))
    assert math.isfinite(first_loss(models, toy_config()))


def test_several_prompts_add_up_with_weight_and_sign(models: Models, toy_config: Config) -> None:
    a = first_loss(models, toy_config(prompt="sunset", steps=1))
    b = first_loss(models, toy_config(prompt="fog", steps=1))
    both = first_loss(models, toy_config(prompt="sunset:2 | fog:-0.5", steps=1))
    assert both == pytest.approx(2 * a - 0.5 * b)


def test_a_high_stop_freezes_the_picture(models: Models, toy_config: Config) -> None:
    frozen = list(generate(toy_config(prompt="sunset:1:50", step_size=0.5), models))
    assert torch.equal(last(frozen).image(), of(Step, frozen)[0].image())


def test_pull_and_boundary_tv_join_the_loss(models: Models, toy_config: Config) -> None:
    plain = toy_config(steps=3, step_size=0.5)
    drifts = [
        float((state.tensors["parameters.0"] - state.tensors["start"]).square().mean())
        for state in (final_state(models, toy_config(steps=30, pull=pull)) for pull in (0.0, 30.0))
    ]
    assert drifts[1] < 0.3 * drifts[0]
    events = of(Step, list(generate(plain, models)))
    with_tv = of(Step, list(generate(toy_config(steps=3, step_size=0.5, boundary_tv=2.0), models)))
    picture = events[0].image()
    across = (picture[:, :, 4::4] - picture[:, :, 3:-1:4]).abs().mean()
    down = (picture[:, 4::4] - picture[:, 3:-1:4]).abs().mean()
    assert with_tv[0].loss() - events[0].loss() == pytest.approx(2 * float(across + down), rel=1e-4)


def test_cut_noise_changes_the_cutouts_only_when_asked(models: Models, toy_config: Config) -> None:
    assert first_loss(models, toy_config(cut_noise=0.5)) != first_loss(models, toy_config())
    assert first_loss(models, toy_config(cut_noise=1e-9)) == pytest.approx(first_loss(models, toy_config()), abs=1e-6)


@pytest.mark.parametrize("option", [{"cut_power": 3.0}, {"cut_min_fraction": 0.9}, {"whole_every": 2}])
def test_every_way_of_cutting_reaches_the_cutouts(models: Models, toy_config: Config, option: dict[str, Any]) -> None:
    assert first_loss(models, toy_config(**option)) != pytest.approx(first_loss(models, toy_config()), rel=1e-4)


def final_state(models: Models, config: GenerateConfig) -> State:
    state: State = of(Checkpointed, list(generate(config, models)))[-1].state
    return state


def test_the_cosine_schedule_falls_to_nothing(models: Models, toy_config: Config) -> None:
    def moves(schedule: str) -> list[float]:
        config = toy_config(steps=12, step_schedule=schedule, checkpoint_every=1, cutouts=16)
        states = [event.state.tensors["parameters.0"] for event in of(Checkpointed, list(generate(config, models)))]
        return [float((b - a).abs().max()) for a, b in itertools.pairwise(states)]

    constant, cosine = moves("constant"), moves("cosine")
    assert cosine[-1] < 0.03 * 0.05 * 2
    assert constant[-1] > 0.3 * constant[0]


def test_per_dimension_steps_move_each_channel_in_its_own_deviations(models: Models, toy_config: Config) -> None:
    config = toy_config(steps=1, start="grey", per_dimension_steps=True, step_size=0.01)
    offsets = final_state(models, config).tensors["parameters.0"]
    moved = offsets.abs().amax(dim=(0, 2, 3))
    torch.testing.assert_close(moved, torch.full((5,), 0.01), rtol=1e-3, atol=0)  # Adam's first step, in deviations


@pytest.mark.parametrize("shared", [False, True])
def test_a_shared_moment_keeps_the_direction_of_the_gradient(shared: bool) -> None:
    gradient = torch.tensor([[3.0, -4.0, 0.0]])
    parameter = torch.zeros_like(gradient)
    Adam([parameter], shared_moment=shared).step([gradient], 1, 0.1)
    # Root mean square 1 of the step, times its size: along the gradient, or every number by as much.
    wanted = -0.1 * gradient / gradient.square().mean().sqrt() if shared else -0.1 * gradient.sign()
    torch.testing.assert_close(parameter, wanted)


def test_a_shared_moment_is_averaged_over_time_as_adams_is() -> None:
    first, second = torch.tensor([1.0, 1.0]), torch.tensor([3.0, -3.0])
    parameter = torch.zeros(2)
    adam = Adam([parameter], shared_moment=True)
    adam.step([first], 1, 0.5)
    before = parameter.clone()
    adam.step([second], 2, 0.5)
    mean = (0.1 * 0.9 * first + 0.1 * second) / (1 - 0.9**2)
    square = (0.001 * 0.999 * 1 + 0.001 * 9) / (1 - 0.999**2)
    torch.testing.assert_close(parameter - before, -0.5 * mean / math.sqrt(square))


# Stopping and resuming --------------------------------------------------------------------------------------


def run_until(models: Models, config: GenerateConfig, steps: int) -> list[Event]:
    looks = itertools.count(1)
    return list(generate(config, models, should_stop=lambda: next(looks) >= steps))


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_stopping_finishes_the_step_saves_and_ends(models: Models, toy_config: Config, steps: int) -> None:
    events = run_until(models, toy_config(), steps)
    assert len(of(Step, events)) == steps
    assert isinstance(events[-2], Checkpointed)
    assert (last(events).reason, last(events).index) == ("interrupted", steps)
    assert [event.index for event in of(Checkpointed, events)].count(steps) == 1


def test_stopping_at_the_last_step_is_done(models: Models, toy_config: Config) -> None:
    assert last(run_until(models, toy_config(), 6)).reason == "done"


@pytest.mark.parametrize("options", ["variant A", "shared moment", "everything"])
@pytest.mark.parametrize("steps", [1, 4])
def test_resumed_is_the_same_bytes(
    models: Models, toy_config: Config, bundle: dict[str, Any], options: str, steps: int
) -> None:
    chosen = {"variant A": {}, "shared moment": {"shared_moment": True}, "everything": bundle}[options]
    config = toy_config(step_size=0.3, **chosen)
    whole = list(generate(config, models))
    half = run_until(models, config, steps)
    state = state_from_bytes(state_to_bytes(of(Checkpointed, half)[-1].state))
    rest = list(generate(config, models, resume=state))
    assert [step.index for step in of(Step, rest)] == list(range(steps, 6))
    assert isinstance(rest[0], Started)
    assert rest[0].first_step == steps
    losses = [step.loss() for step in of(Step, half) + of(Step, rest)]
    assert losses == [step.loss() for step in of(Step, whole)]
    assert torch.equal(last(rest).image(), last(whole).image())
    assert state_to_bytes(of(Checkpointed, rest)[-1].state) == state_to_bytes(of(Checkpointed, whole)[-1].state)


def test_a_state_is_a_snapshot(models: Models, toy_config: Config) -> None:
    events = generate(toy_config(checkpoint_every=1), models)
    state = next(event for event in events if isinstance(event, Checkpointed)).state
    before = state_to_bytes(state)
    list(events)
    assert state_to_bytes(state) == before


def test_resuming_does_not_plan_again_and_keeps_the_words(toy_models: MakeModels, toy_config: Config) -> None:
    config = toy_config(start="predicted")
    state = of(Checkpointed, run_until(toy_models(), config, 2))[-1].state
    rest = list(generate(config, toy_models(start=None), resume=state))
    assert isinstance(rest[0], Started)
    assert rest[0].plan_words == "a plan for sunset over the sea"


def test_a_finished_run_resumes_to_its_picture(models: Models, toy_config: Config) -> None:
    whole = list(generate(toy_config(), models))
    again = list(generate(toy_config(), models, resume=of(Checkpointed, whole)[-1].state))
    assert not of(Step, again)
    assert torch.equal(last(again).image(), last(whole).image())


def test_a_run_can_be_continued_for_more_steps(models: Models, toy_config: Config) -> None:
    state = of(Checkpointed, list(generate(toy_config(), models)))[-1].state
    more = list(generate(toy_config(steps=9, preview_every=1), models, resume=state))
    assert torch.equal(last(more).image(), last(list(generate(toy_config(steps=9), models))).image())


def test_a_state_of_another_run_is_refused(models: Models, toy_models: MakeModels, toy_config: Config) -> None:
    state = of(Checkpointed, run_until(models, toy_config(), 4))[-1].state
    wrong: list[tuple[GenerateConfig, Models]] = [
        (toy_config(seed=4), models),
        (toy_config(offset_levels=2), models),
        (toy_config(steps=3), models),
        (toy_config(), toy_models(sha256="ff")),
        (toy_config(), toy_models(name="other")),
    ]
    for config, other in wrong:
        with pytest.raises(UsageError) as caught:
            next(iter(generate(config, other, resume=state)))
        assert caught.value.hint


# Bad luck ---------------------------------------------------------------------------------------------------


class Spoiled:
    """A guide that gives NaN from one step on, in its value or only in its gradient."""

    def __init__(self, guide: Any, from_step: int, *, only_gradient: bool = False) -> None:
        self.guide, self.left, self.only_gradient = guide, from_step, only_gradient
        self.size, self.width = guide.size, guide.width
        self.encode_text, self.unknown_words = guide.encode_text, guide.unknown_words

    def encode_image(self, cutouts: Tensor) -> Tensor:
        self.left -= 1
        embedded: Tensor = self.guide.encode_image(cutouts)
        if self.left >= 0:
            return embedded
        if self.only_gradient and self.left == -1:
            embedded.register_hook(lambda gradient: gradient * math.nan)  # type: ignore[no-untyped-call]  # torch ships it untyped
            return embedded
        return embedded if self.only_gradient else embedded * math.nan


@pytest.mark.parametrize("only_gradient", [False, True])
@pytest.mark.parametrize(("every", "checked_at"), [({"preview_every": 2}, 5), ({"preview_every": 0}, 6)])
def test_nan_fails_with_its_step_instead_of_pictures_of_garbage(
    toy_models: MakeModels,
    toy_config: Config,
    toy_guide: type,
    every: dict[str, Any],
    checked_at: int,
    *,
    only_gradient: bool,
) -> None:
    models = toy_models(guides=(Spoiled(toy_guide(), 3, only_gradient=only_gradient),))
    events: list[Event] = []
    with pytest.raises(FailedError, match="NaN at step 3") as caught:
        collect(generate(toy_config(**every), models), events)
    assert caught.value.hint
    assert isinstance(events[-1], Raised)
    assert isinstance(events[-1].error, FailedError)
    assert len(of(Step, events)) == checked_at
    assert [event.index for event in of(Checkpointed, events)] == [3]


def test_no_step_waits_for_a_value_unless_asked(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    """NaN goes unnoticed between previews: nobody looked, so nobody waited."""
    models = toy_models(guides=(Spoiled(toy_guide(), 0),))
    config = toy_config(preview_every=0, checkpoint_every=0)
    events = generate(config, models)
    seen = [next(events) for _ in range(7)]
    assert len(of(Step, seen)) == 6
    with pytest.raises(FailedError):
        list(events)


class Breaking:
    """A guide that raises in its second look."""

    def __init__(self, guide: Any, error: Exception) -> None:
        self.guide, self.error, self.looks = guide, error, 0
        self.size, self.width = guide.size, guide.width
        self.encode_text, self.unknown_words = guide.encode_text, guide.unknown_words

    def encode_image(self, cutouts: Tensor) -> Tensor:
        self.looks += 1
        if self.looks == 2:
            raise self.error
        embedded: Tensor = self.guide.encode_image(cutouts)
        return embedded


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (ValueError("a bug"), ValueError),
        (RuntimeError("shapes do not fit"), RuntimeError),
        (torch.OutOfMemoryError("CUDA out of memory"), NotReadyError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), NotReadyError),
    ],
)
def test_errors_in_a_step_are_told_then_raised_and_leave_no_mode_behind(
    toy_models: MakeModels, toy_config: Config, toy_guide: type, error: Exception, becomes: type[Exception]
) -> None:
    events: list[Event] = []
    models = toy_models(guides=(Breaking(toy_guide(), error),))
    modes = torch_modes()
    with pytest.raises(becomes):
        collect(generate(toy_config(fit="off"), models), events)
    assert isinstance(events[-1], Raised)
    assert type(events[-1].error) is becomes
    assert torch_modes() == modes


class Cramped(Breaking):
    """A guide that has no room for more than so many cutouts at a time, from its second look on."""

    most = 4

    def encode_image(self, cutouts: Tensor) -> Tensor:
        self.looks += 1
        if self.looks > 1 and len(cutouts) > self.most:
            raise self.error
        embedded: Tensor = self.guide.encode_image(cutouts)
        return embedded


def test_a_run_that_finds_no_room_goes_on_thriftier(
    toy_models: MakeModels, toy_config: Config, toy_guide: type
) -> None:
    """With the same picture up to rounding, as fewer cutouts at a time have it, and a word about it."""
    config = toy_config(cutouts=16, step_size=0.3, cut_noise=0.1)
    full = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
    events = list(generate(config, toy_models(guides=(Cramped(toy_guide(), full),))))
    roomy = list(generate(config, toy_models()))
    torch.testing.assert_close(last(events).image(), last(roomy).image(), rtol=0, atol=1e-3)
    notes = [step.notes for step in of(Step, events)]
    assert notes[0] == notes[2] == ()
    assert notes[1] == tuple(f"the memory ran out: {n} cutouts at a time from step 1 on" for n in (8, 4))
    assert of(Checkpointed, events)[-1].state.config == config.to_dict()


def test_where_nothing_is_left_to_save_the_size_that_may_fit_is_said(
    toy_models: MakeModels, toy_config: Config, toy_guide: type
) -> None:
    cramped = Cramped(toy_guide(), torch.OutOfMemoryError("CUDA out of memory"))
    cramped.most = 0
    with pytest.raises(NotReadyError, match="Out of memory at step 1") as caught:
        list(generate(toy_config(width=64, height=64), toy_models(guides=(cramped,))))
    assert re.match(r"use --width \d+ --height \d+, or fewer --cutouts", caught.value.hint)
    assert cramped.looks == 1 + 4  # 4, 2 and 1 at a time, and decoding twice


def test_impossible_requests_raise_before_anything_is_told(models: Models, toy_config: Config) -> None:
    for config, error in ((toy_config(start="nowhere.png"), UsageError), (toy_config(), NotReadyError)):
        with pytest.raises(error):
            next(iter(generate(config, models, available_mib=0.0 if error is NotReadyError else None)))


@pytest.mark.parametrize("start", ["grey", "noise", "predicted"])
def test_a_size_the_model_cannot_make_is_refused_whatever_the_start(
    models: Models, toy_models: MakeModels, toy_config: Config, start: str
) -> None:
    class Coarse:
        codebook, decode, encode = models.image.codebook, models.image.decode, models.image.encode
        factor = 16

    with pytest.raises(UsageError, match="multiple of 16"):
        next(iter(generate(toy_config(start=start), toy_models(image=Coarse()))))


# No traces --------------------------------------------------------------------------------------------------


def torch_modes() -> tuple[object, ...]:
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
    )


@contextmanager
def surroundings(name: str) -> Iterator[None]:
    contexts = {"no_grad": torch.no_grad(), "inference": torch.inference_mode(), "plain": torch.enable_grad()}
    with contexts[name]:
        yield


@pytest.mark.parametrize("name", ["no_grad", "inference", "plain"])
def test_modes_and_the_global_generator_are_untouched_at_every_event(
    models: Models, toy_config: Config, bundle: dict[str, Any], name: str
) -> None:
    expected = last(list(generate(toy_config(**bundle), models))).image()
    with surroundings(name):
        before = torch_modes()
        for event in generate(toy_config(**(bundle | {"threads": 2})), models):
            assert torch_modes() == before
            if isinstance(event, Finished):
                assert torch.allclose(event.image(), expected, atol=1e-3)
        assert torch_modes() == before


def test_an_abandoned_run_leaves_no_mode_behind(models: Models, toy_config: Config) -> None:
    before = torch_modes()
    events = generate(toy_config(threads=2), models)
    for _ in range(3):
        next(events)
    events.close()  # type: ignore[attr-defined]  # known here, not to the type
    assert torch_modes() == before


def test_steps_run_as_configured(toy_models: MakeModels, toy_config: Config, toy_guide: type) -> None:
    seen = []

    class Looking(Breaking):
        def encode_image(self, cutouts: Tensor) -> Tensor:
            seen.append(
                (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.is_grad_enabled())
            )
            embedded: Tensor = self.guide.encode_image(cutouts)
            return embedded

    models = toy_models(guides=(Looking(toy_guide(), ValueError()),))
    list(generate(toy_config(steps=2, threads=2), models))
    list(generate(toy_config(steps=1, deterministic=False), models))
    assert seen == [(True, 2, True), (True, 2, True), (False, 1, True)]


def test_phases_are_timed_where_somebody_wants_to_know(models: Models, toy_config: Config) -> None:
    seen: list[str] = []

    @contextmanager
    def phases(name: str) -> Iterator[None]:
        yield
        seen.append(name)

    timed = last(list(generate(toy_config(steps=2), models, phases=phases))).image()
    assert seen == ["decode", "cutouts", "clip", "backward", "optimiser"] * 2
    assert torch.equal(timed, last(list(generate(toy_config(steps=2), models))).image())


def test_what_is_asked_for_is_read_once(models: Models, toy_config: Config) -> None:
    """Not anew for the check, for the memory's prediction and in every step."""
    readers = (parse_wishes, parse_weights, augmentations.parse)
    config = toy_config(prompt="sea | fog @left", guide_weights="1", augmentations="flip noise(0.1)")
    for reader in readers:
        reader.cache_clear()
    list(generate(config, models))
    assert [reader.cache_info().misses for reader in readers] == [1, 1, 1]
