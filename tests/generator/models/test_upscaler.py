"""Networks that enlarge a finished picture: which, how large, and what is said where something is missing."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from dreamrig.errors import NotReadyError, RigError, UsageError
from dreamrig.extras import pip_command
from generator.models import upscaler
from generator.models.companions import torchvision_command
from generator.models.upscaler import enlarge_with, import_spandrel, network_upscaler, read_file

CPU = torch.device("cpu")


class Doubling:
    """Each pixel as four, in the colours of its tensor; remembers what it was given."""

    scale = 2

    def __init__(self, tensors: Any, device: torch.device) -> None:
        self.colours, self.seen = tensors["colours"], []

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(tuple(image.shape[2:]))
        return functional.interpolate(image * self.colours.view(1, 3, 1, 1), scale_factor=2, mode="nearest")


@pytest.fixture
def weights(tmp_path: Path) -> str:
    save_file({"colours": torch.tensor([1.0, 0.0, 1.0])}, tmp_path / "magenta.safetensors")
    return str(tmp_path / "magenta.safetensors")


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package itself. Of torchvision it needs functions of two architectures alone, which are not tried here."""
    try:
        import torchvision.transforms.functional  # noqa: F401 - whether it fits this torch
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            monkeypatch.delitem(sys.modules, name)
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        functions: Any = sys.modules["torchvision.transforms.functional"]
        functions.InterpolationMode = functions.rotate = functions.normalize = None
    return pytest.importorskip("spandrel", reason="the extra [upscale]", exc_type=ImportError)


def picture_of(width: int = 12, height: int = 10) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("factor", "size"), [(None, (24, 20)), (2, (24, 20)), (3, (36, 30)), (4, (48, 40)), (8, (96, 80))]
)
def test_the_picture_is_as_many_times_larger_as_asked(factor: int | None, size: tuple[int, int], weights: str) -> None:
    enlarged = network_upscaler(weights, factor, "cpu", load=Doubling)(picture_of())
    assert enlarged.size == size
    assert np.asarray(enlarged)[..., 1].max() == 0  # by the network and its weights
    assert np.asarray(enlarged)[..., 0].max() > 200


def test_every_pixel_of_an_exact_network_is_exact(weights: str) -> None:
    enlarged = network_upscaler(weights, 2, "cpu", load=Doubling)(picture_of(600, 300))
    expected = np.asarray(picture_of(600, 300)).repeat(2, axis=0).repeat(2, axis=1) * np.array(
        [1, 0, 1], dtype=np.uint8
    )
    assert np.array_equal(np.asarray(enlarged), expected)


def test_where_the_memory_runs_out_the_tiles_are_smaller() -> None:
    class Tight(Doubling):
        def __call__(self, image: Tensor) -> Tensor:
            if image.shape[3] > 150:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
            return super().__call__(image)

    network = Tight({"colours": torch.ones(3)}, CPU)
    picture = picture_of(300, 200)
    enlarged = enlarge_with(network, picture, 2, CPU)
    assert np.array_equal(np.asarray(enlarged), np.asarray(picture).repeat(2, axis=0).repeat(2, axis=1))
    with pytest.raises(RuntimeError, match="allocate"):
        enlarge_with(Never({"colours": torch.ones(3)}, CPU), picture, 2, CPU)


class Never(Doubling):
    def __call__(self, image: Tensor) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def test_larger_than_any_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="16384"):
        enlarge_with(Doubling({"colours": torch.ones(3)}, CPU), Image.new("RGB", (9000, 8)), 2, CPU)


@pytest.mark.parametrize(
    ("model", "factor", "kind", "words", "hint"),
    [
        (None, 1, UsageError, "--upscale is 1", "2 to 8"),
        (None, 9, UsageError, "--upscale is 9", "2 to 8"),
        (None, 4, NotReadyError, "realesrgan-x4plus", "dreamrig weights fetch realesrgan-x4plus"),
        ("absent.pth", None, UsageError, "no file", "path"),
        ("ViT-B/32", None, UsageError, "does not enlarge", "realesrgan-x4plus"),
        ("realesrgan", None, UsageError, "no weights called", "weights list"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_drawn(
    model: str | None, factor: int | None, kind: type[RigError], words: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words) as caught:
        network_upscaler(model, factor, "cpu", base=tmp_path, load=Doubling)
    assert hint in caught.value.hint


@pytest.mark.parametrize("missing", ["spandrel", "torchvision"])
def test_a_missing_package_names_the_command(missing: str, monkeypatch: pytest.MonkeyPatch, weights: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("spandrel", "torchvision")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(NotReadyError, match="--upscale needs spandrel") as caught:
        network_upscaler(weights, 2, "cpu")
    assert caught.value.hint == f"run: {torchvision_command()}; then: {pip_command(upscaler.REQUIREMENT)}"


def test_the_average_of_a_published_checkpoint_is_what_is_read(tmp_path: Path) -> None:
    inner = {"conv_first.weight": torch.ones(2, 3, 3, 3)}
    torch.save({"params": {"conv_first.weight": torch.zeros(2, 3, 3, 3)}, "params_ema": inner}, tmp_path / "x4.pth")
    assert torch.equal(read_file(tmp_path / "x4.pth")["conv_first.weight"], inner["conv_first.weight"])
    torch.save({"params": inner}, tmp_path / "x2.pth")
    assert list(read_file(tmp_path / "x2.pth")) == ["conv_first.weight"]


def test_a_real_network_of_spandrels(spandrel: Any, tmp_path: Path) -> None:
    """Real-ESRGAN's small network with random weights, in a file as its authors write them, tiled and whole."""
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    network = Compact(num_feat=16, num_conv=2, upscale=4)
    torch.save({"params": network.state_dict()}, tmp_path / "small.pth")
    picture = picture_of(300, 40)
    enlarged = network_upscaler(str(tmp_path / "small.pth"), None, "cpu")(picture)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        whole = (network(pixels).clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(enlarged).astype(float) - whole).max() <= 1  # of 255: rounding
    assert np.mean(np.asarray(enlarged) != whole) < 0.001


def test_a_file_of_another_network_is_refused(spandrel: Any, weights: str) -> None:
    load: Callable[..., Any] = import_spandrel()
    with pytest.raises(UsageError, match="knows no network"):
        load({"colours": torch.ones(3)}, CPU)
