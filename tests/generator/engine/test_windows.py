"""A picture in windows is the picture as a whole where the decoder looks no further, and has no seam where it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.proofs.seams import excess, side_by_side
from dreamrig.errors import NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.engine.augment.chance import Chance
from generator.engine.draws import Cutting, draw
from generator.engine.loop import generate, state_from_bytes, state_to_bytes
from generator.engine.memory import largest_tile_that_fits, predict_memory_mib, require_fit
from generator.engine.objective import Painter
from generator.engine.stages import enlarged_crisply
from generator.engine.windows import IN_THE_END, ON_THE_WAY, Windows
from generator.events import Checkpointed, Event, Finished, Step
from generator.models.base import Models
from generator.models.codebook import codebook_range

Config = Callable[..., GenerateConfig]
FACTOR, CELLS = 4, 24
GRID = (40, 57)
LARGE: dict[str, Any] = {"width": 160, "height": 128, "tile": 96, "steps": 3, "step_size": 0.2, "checkpoint_every": 1}


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


class Decoder:
    """Convolutions that look `reach` cells far, then every cell as a square of pixels; keeps what it was asked for."""

    def __init__(self, reach: int) -> None:
        self.reach, self.seen = reach, list[tuple[int, ...]]()
        self.kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(1)) / 4

    def __call__(self, latent: Tensor) -> Tensor:
        self.seen.append(tuple(latent.shape[2:]))
        x = latent
        for _ in range(self.reach):
            x = torch.tanh(functional.conv2d(x, self.kernel, padding=1))
        return functional.interpolate(x, scale_factor=FACTOR, mode="nearest")


def normalising(latent: Tensor) -> Tensor:
    """Sees all it gets, as a group normalisation does: brightness and contrast depend on the window."""
    smooth = (latent - latent.mean()) / (latent.std() + 0.5)
    return functional.interpolate(smooth, scale_factor=FACTOR, mode="bilinear")


def gradient(decode: Callable[[Tensor], Tensor], latent: Tensor) -> tuple[Tensor, Tensor]:
    leaf = latent.clone().requires_grad_()
    picture = decode(leaf)
    (found,) = torch.autograd.grad((picture * noise(*picture.shape)).sum(), leaf)
    return picture.detach(), found


def last_picture(events: list[Event]) -> Tensor:
    (finished,) = (event for event in events if isinstance(event, Finished))
    return finished.image()


@pytest.mark.parametrize(("cuts", "reach"), [((4, 9), ON_THE_WAY.rim), ((8, 4), 1), (None, IN_THE_END.rim)])
def test_picture_and_gradient_are_those_of_the_whole_where_the_decoder_looks_no_further_than_the_rim(
    cuts: tuple[int, int] | None, reach: int
) -> None:
    windows, latent = Windows(CELLS, FACTOR), noise(1, 3, *GRID)
    network = Decoder(reach)
    whole = gradient(network, latent)
    tiled = gradient(lambda leaf: windows.decode(network, leaf, cuts), latent)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-5)


def test_a_decoder_that_looks_further_is_blended_in_picture_and_gradient() -> None:
    """What is handed back is the gradient of the very picture that the guides have seen."""
    windows, latent, cuts = Windows(CELLS, FACTOR), noise(1, 3, *GRID), (5, 7)

    def plainly(leaf: Tensor) -> Tensor:
        whole = torch.zeros(1, 3, *(side * FACTOR for side in GRID))
        for window in windows.over(GRID, FACTOR, cuts):
            down, across = window.down.pixels(FACTOR), window.across.pixels(FACTOR)
            seen = window.weigh(normalising(window.cells_of(leaf)))
            around = (across.start, whole.shape[3] - across.stop, down.start, whole.shape[2] - down.stop)
            whole = whole + functional.pad(seen, around)
        return whole

    tiled = gradient(lambda leaf: windows.decode(normalising, leaf, cuts), latent)
    torch.testing.assert_close(tiled, gradient(plainly, latent), rtol=1e-4, atol=2e-5)
    assert not torch.allclose(tiled[0], normalising(latent), atol=0.01)


@pytest.mark.parametrize("side", [24, 25, 32, 33, 40, 57, 64, 128, 129])
@pytest.mark.parametrize("cells", [24, 32])
def test_wherever_the_cuts_are_the_weights_add_up_and_no_window_is_too_large(side: int, cells: int) -> None:
    windows = Windows(cells, FACTOR)
    (places, _) = windows.first_cuts((side, side))
    assert len(places) >= 1
    assert (len(places) > 3) == (side > cells)
    for cuts in (None, *((first, first) for first in places)):
        total = torch.zeros(side * FACTOR)
        over = windows.over((side, 1), FACTOR, cuts if cuts is None else (cuts[0], 0))
        assert cuts is None or [window.down.span.start for window in over][:2] in ([0], [0, cuts[0]])
        for window in over:
            total[window.down.pixels(FACTOR)] += window.down.weights
            extra = 0 if cuts else 2 * (IN_THE_END.margin - ON_THE_WAY.margin)
            assert window.down.span.seen_to - window.down.span.seen_from <= cells + extra
        torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)


def test_no_cut_stays_where_it_is(models: Models, toy_config: Config) -> None:
    """Every step draws its own, of all the places there are."""
    config = toy_config(**LARGE)
    painter = Painter.of(config, models.image)
    chance = Chance(1)
    drawn = [draw(Cutting.of(config), chance, (160, 128), (), [], [], painter.first_cuts()).cuts for _ in range(200)]
    down, across = ({cuts[axis] for cuts in drawn if cuts is not None} for axis in (0, 1))
    assert (down, across) == (set(range(5, 12)), set(range(4, 10)))


def test_a_run_in_windows_is_the_run_as_a_whole(models: Models, toy_config: Config) -> None:
    """The toy's decoder sees one cell: apart from where the cuts are drawn everything is as it was."""
    config = toy_config(**LARGE | {"cut_method": "pooling", "boundary_tv": 0.3, "steps": 5})
    tiled, whole = (list(generate(one, models)) for one in (config, replace(config, tile=0)))
    torch.testing.assert_close(last_picture(tiled), last_picture(whole), rtol=0, atol=1e-4)
    losses = [[event.loss() for event in events if isinstance(event, Step)] for events in (tiled, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert losses[0][-1] != losses[0][0]


def test_decoder_and_encoder_never_see_more_than_a_window(models: Models, toy_config: Config) -> None:
    grids: list[int] = []
    decode, encode = models.image.decode, models.image.encode

    def seen_decode(latent: Tensor) -> Tensor:
        grids.append(max(latent.shape[2:]))
        return decode(latent)

    def seen_encode(image: Tensor) -> Tensor:
        grids.append(max(image.shape[2:]) // FACTOR)
        return encode(image)

    models.image.decode = seen_decode  # type: ignore[method-assign]  # a spy at the door
    models.image.encode = seen_encode  # type: ignore[method-assign]  # a spy at the door
    config = toy_config(**LARGE | {"width": 320, "height": 256, "start": "gradient", "seamless": "x"})
    picture = last_picture(list(generate(config, models)))
    assert picture.shape == (3, 256, 320)
    assert max(grids) <= 24 + 2 * (IN_THE_END.margin - ON_THE_WAY.margin)
    assert len(grids) > 50


KINDS: dict[str, dict[str, Any]] = {
    "coarse to fine": {"stages": "1/4:1:1, 1/2:1", "offset_levels": 2, "start": "predicted"},
    "with chance": {"augmentations": "flip noise(0.1)", "cut_noise": 0.1, "seamless": "x", "cut_batch": 2, "ema": 0.9},
    "twice": {"checkpointed_decoding": True, "optimiser": "adamw", "pixel_pull": 0.1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_after_any_step_it_goes_on_to_the_same_bytes(models: Models, toy_config: Config, kind: str) -> None:
    config = toy_config(**LARGE | {"steps": 4} | KINDS[kind])
    whole = list(generate(config, models))
    kept = [event for event in whole if isinstance(event, Checkpointed)]
    for checkpoint in kept[:-1]:
        resumed = list(generate(config, models, resume=state_from_bytes(state_to_bytes(checkpoint.state))))
        assert torch.equal(last_picture(resumed), last_picture(whole)), checkpoint.state.step
        last = [event for event in resumed if isinstance(event, Checkpointed)][-1]
        assert state_to_bytes(last.state) == state_to_bytes(kept[-1].state), checkpoint.state.step


def test_a_stage_that_fits_into_a_window_is_the_picture_that_is_drawn_at_its_size(
    models: Models, toy_config: Config
) -> None:
    """And what follows begins with that picture, enlarged: not with codes between its codes."""
    config = toy_config(**LARGE | {"stages": "1/2:2", "steps": 3, "start": "gradient"})
    small = replace(config, width=80, height=64, stages="", steps=2)
    assert small.tile == 0
    staged, alone = (list(generate(one, models)) for one in (config, small))
    states = [
        [one.state.tensors["parameters.0"] for one in events if isinstance(one, Checkpointed)]
        for events in (staged, alone)
    ]
    assert torch.equal(states[0][0], states[1][0])
    picture = enlarged_crisply(last_picture(alone)[None], (160, 128))
    low, high = codebook_range(models.image.codebook)
    assert torch.allclose(states[0][1], models.image.encode(picture).clamp(low, high), atol=1e-5)


def test_a_stage_too_small_for_a_picture_of_its_own_has_cells_of_the_large_start(
    models: Models, toy_config: Config
) -> None:
    config = toy_config(**LARGE | {"stages": "1/32:1", "steps": 2})
    assert last_picture(list(generate(config, models))).shape == (3, 128, 160)


def test_features_that_have_their_place_go_with_it(models: Models, toy_config: Config, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGBA", (160, 128), "red").save(tmp_path / "red.png")
    Image.new("L", (160, 128), 255).save(tmp_path / "all.png")
    changes = {"overlay": str(tmp_path / "red.png"), "mask": str(tmp_path / "all.png"), "prompt": "sea | sun @left"}
    tiled = last_picture(list(generate(toy_config(**LARGE | changes), models)))
    plain = last_picture(list(generate(toy_config(**LARGE), models)))
    assert not torch.allclose(tiled, plain)


def test_nothing_is_kept_of_the_decoder_while_the_guides_look(models: Models, toy_config: Config) -> None:
    """What autograd holds for the way back grows with the picture alone, not with what the decoder makes inside."""

    def kept_floats(tile: int) -> int:
        run_config = toy_config(**LARGE | {"tile": tile})
        painter, kept = Painter.of(run_config, models.image), dict[int, int]()
        latent = noise(1, 5, 32, 40).requires_grad_()

        def keep(tensor: Tensor) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            painter(latent, (4, 4) if tile else None)
        return sum(kept.values())

    pixels = 3 * 128 * 160
    assert kept_floats(96) <= 2 * pixels + 2 * 5 * 32 * 40  # before and after the clamp, and the latent
    assert kept_floats(0) > kept_floats(96) + pixels  # what the sine needs


def test_the_memory_follows_the_window(models: Models) -> None:
    asked = replace(models, memory_mib=lambda width, height, cutouts: width * height / 100 + 10 * cutouts)
    large = GenerateConfig(prompt="x", width=1024, height=1024, tile=256, cutouts=8, cut_noise=0.0)
    larger = replace(large, width=2048, height=2048)
    needs = [predict_memory_mib(one, asked) for one in (large, larger)]
    assert 256**2 / 100 < needs[0] < 256**2 / 100 + 150
    assert needs[1] < needs[0] + 400  # the picture itself, its gradients, the cutouts' matrices
    assert predict_memory_mib(replace(large, tile=0), asked) > 1024**2 / 100
    assert predict_memory_mib(replace(large, cutouts=90), asked) > 900  # the guides' share, where it is more


def test_what_does_not_fit_is_told_the_windows_in_which_it_does(models: Models) -> None:
    asked = replace(models, memory_mib=lambda width, height, cutouts: width * height / 100)
    config = GenerateConfig(prompt="x", width=1024, height=768)
    tile = largest_tile_that_fits(2000.0, config, asked)
    with pytest.raises(NotReadyError) as caught:
        require_fit(config, asked, 2000.0)
    assert f"in windows it fits: --tile {tile}; else the largest size" in caught.value.hint
    require_fit(replace(config, tile=tile), asked, 2000.0)
    with pytest.raises(NotReadyError):
        require_fit(replace(config, tile=tile + 8), asked, 2000.0)
    assert largest_tile_that_fits(100.0, config, asked) == 0


@pytest.mark.parametrize(
    ("tile", "factor", "message", "hint"),
    [(64, 4, "Windows of 64 pixels are too small", "--tile 96 or more"), (408, 16, "multiple of 16", "--tile 416")],
)
def test_windows_that_cannot_be_are_refused_with_what_can(
    toy_config: Config, tile: int, factor: int, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Windows.of(toy_config(width=480, height=480, tile=tile), factor)
    assert hint in caught.value.hint


def test_a_window_as_large_as_the_picture_is_none() -> None:
    config = GenerateConfig(prompt="x", width=256, height=128, tile=256)
    assert config == GenerateConfig(prompt="x", width=256, height=128)
    assert config.workload_id() == GenerateConfig(prompt="x", width=256, height=128).workload_id()
    assert replace(config, tile=248).tile == 248


def test_a_run_refuses_before_it_starts(models: Models, toy_config: Config) -> None:
    with pytest.raises(UsageError, match="too small"):
        next(iter(generate(toy_config(width=160, tile=32), models)))


# ---- seams


@pytest.mark.parametrize(("cuts", "most"), [(None, 1.0), ((5, 7), 4.0)])
def test_seams_can_be_measured_and_there_are_none(cuts: tuple[int, int] | None, most: float) -> None:
    """Squared jumps across the cuts, of those across cells elsewhere: near 1 blended, a thousand and more without."""
    rows, columns = torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 80)
    latent = (rows[:, None] + columns)[None, None].expand(1, 3, -1, -1) + 0.02 * noise(1, 3, 64, 80)
    windows = Windows(CELLS, FACTOR)
    over = windows.over((64, 80), FACTOR, cuts)
    assert excess(windows.decode(normalising, latent, cuts), over, FACTOR) < most
    assert excess(side_by_side(normalising, latent, over, FACTOR), over, FACTOR) > 1000


def test_again_draws_the_same_picture(drawn_again: Callable[..., tuple[bytes, bytes]]) -> None:
    words = ("sea", "--tile", "96", "--steps", "2", "--width", "128", "--height", "104", "--start", "noise")
    first, again = drawn_again(*words, "--seed", "5")
    assert first == again
