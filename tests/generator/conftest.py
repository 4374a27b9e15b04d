"""Toy networks: random, tiny, differentiable, the same in every process. Pictures of 16 to 32 px, cutouts of 8 px."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from dreamrig.cli import COMMANDS, to_rig_error
from dreamrig.commands import load
from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.models.base import Models, StartPlan
from generator.work.door import GeneratorDoor
from generator.work.viewers import Viewers


def _weights(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class ToyImage:
    """Codes of 4 px: a random linear painting of every code, bent a little so that it is no linear map."""

    factor = 4

    def __init__(self, codes: int = 24, channels: int = 5) -> None:
        deviations = torch.linspace(0.4, 1.6, channels)
        self.codebook = _weights(1, codes, channels) * deviations
        self.paint = _weights(2, channels, 3, self.factor, self.factor) * 0.25
        self.read = _weights(3, channels, 3, self.factor, self.factor) * 0.2

    def decode(self, latent: Tensor) -> Tensor:
        painted = functional.conv_transpose2d(latent, self.paint, stride=self.factor)
        return 0.5 + painted + 0.1 * torch.sin(3 * painted)

    def encode(self, image: Tensor) -> Tensor:
        return functional.conv2d(image, self.read, stride=self.factor)


class ToyGuide:
    """A random two-layer reading of 8 px cutouts; a text is a random vector that its letters decide."""

    def __init__(self, seed: int = 4, size: int = 8, width: int = 6) -> None:
        self.size, self.width = size, width
        self.first = _weights(seed, 3 * size * size, 16) * 0.2
        self.second = _weights(seed + 100, 16, width)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") for text in texts]
        return torch.stack([_weights(seed, self.width) for seed in seeds])

    def encode_image(self, cutouts: Tensor) -> Tensor:
        return torch.tanh((cutouts.flatten(1) - 0.5) @ self.first) @ self.second

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        return {word: ["sea", "see"] for word in text.split() if word == "zea"}


class ToyStart:
    """Plans a code per cell from text and seed alone."""

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        codes = torch.arange(rows * columns).view(rows, columns) * (seed + 1) % 24
        return StartPlan((codes + len(text)) % 24, f"a plan for {text}")


def make_models(**changes: Any) -> Models:
    models = Models(image=ToyImage(), guides=(ToyGuide(),), start=ToyStart(), name="toy", sha256="00")
    return replace(models, **changes)


def make_config(**changes: Any) -> GenerateConfig:
    values: dict[str, Any] = {
        "prompt": "sunset over the sea",
        "width": 24,
        "height": 16,
        "steps": 6,
        "seed": 3,
        "start": "noise",
        "cutouts": 4,
        "preview_every": 2,
        "checkpoint_every": 3,
        "threads": 1,
    }
    return GenerateConfig(**(values | changes))


BUNDLE: dict[str, Any] = {
    "prompt": "sunset over the sea:2 | fog:-0.5:-3",
    "start": "predicted",
    "offset_levels": 3,
    "per_dimension_steps": True,
    "step_schedule": "cosine",
    "pull": 0.3,
    "cut_noise": 0.1,
    "cut_power": 0.8,
    "cut_min_fraction": 0.6,
    "whole_every": 4,
    "boundary_tv": 1.0,
}
"""Every option at once."""


def naive_kernel(ratio: float) -> Tensor:
    """Taps at 0, r, 2r ... mirrored, the outermost dropped, sinc(t) sinc(t / 2) within 2, summing to 1."""
    count = math.ceil(2 / ratio + 1)
    right = [index * ratio for index in range(count)]
    taps = ([-t for t in reversed(right[1:])] + right)[1:-1]

    def sinc(t: float) -> float:
        return 1.0 if t == 0 else math.sin(math.pi * t) / (math.pi * t)

    weights = torch.tensor([sinc(t) * sinc(t / 2) if abs(t) < 2 else 0.0 for t in taps], dtype=torch.float64)
    return weights / weights.sum()


def naive_resample(crop: Tensor, size: int) -> Tensor:
    """The two steps as defined: one axis after the other, channels as a batch."""
    channels, height, width = crop.shape[1:]
    planes = crop.reshape(channels, 1, height, width)
    if size < height:
        kernel = naive_kernel(size / height).to(crop)
        pad = (len(kernel) - 1) // 2
        planes = functional.conv2d(functional.pad(planes, (0, 0, pad, pad), "reflect"), kernel[None, None, :, None])
    if size < width:
        kernel = naive_kernel(size / width).to(crop)
        pad = (len(kernel) - 1) // 2
        planes = functional.conv2d(functional.pad(planes, (pad, pad, 0, 0), "reflect"), kernel[None, None, None])
    planes = planes.reshape(1, channels, height, width)
    return functional.interpolate(planes, (size, size), mode="bicubic", align_corners=True)


def two_step_cutouts(image: Tensor, boxes: Tensor, size: int) -> Tensor:
    """The definition of cutouts, one by one: (1, 3, H, W), rows of (x, y, side) -> (N, 3, S, S)."""
    crops = (image[:, :, y : y + side, x : x + side] for x, y, side in boxes.tolist())
    return torch.cat([naive_resample(crop, size) for crop in crops])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests share few cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def models() -> Models:
    return make_models()


@pytest.fixture
def toy_guide() -> type[ToyGuide]:
    return ToyGuide


@pytest.fixture
def toy_models() -> Callable[..., Models]:
    return make_models


@pytest.fixture
def toy_config() -> Callable[..., GenerateConfig]:
    """A short run of small pictures; fields by keyword."""
    return make_config


@pytest.fixture
def bundle() -> dict[str, Any]:
    return dict(BUNDLE)


@pytest.fixture
def two_steps() -> Callable[[Tensor, Tensor, int], Tensor]:
    """The slow definition of cutouts, to compare with."""
    return two_step_cutouts


# ---- commands


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert set(document) == {"schema", "command", "ok", "data", "errors"}
        data: dict[str, Any] = document["data"]
        return data


WITHOUT_DOOR = ("history", "rm", "prompts")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder and an empty working folder."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture
def answer_of(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], int], io.StringIO], Answer]:
    """What a call of a command's function comes to; an error comes back as its code, message and hint.

    The call's other talk, beside what it writes to standard error itself, is in the text given.
    """

    def run(call: Callable[[], int], talk: io.StringIO) -> Answer:
        capsys.readouterr()
        try:
            code = call()
        except (Exception, KeyboardInterrupt) as raised:  # the parser's own errors share no class with ours
            error = to_rig_error(raised)
            if error.message.startswith("Unexpected"):
                raise
            return Answer(error.exit_code, capsys.readouterr().out, f"{talk.getvalue()}{error.message}\n{error.hint}\n")
        captured = capsys.readouterr()
        return Answer(code, captured.out, talk.getvalue() + captured.err)

    return run


@pytest.fixture
def command(
    home: Path, models: Models, answer_of: Callable[[Callable[[], int], io.StringIO], Answer]
) -> Callable[..., Answer]:
    """Run a command in process with toy networks."""

    def run(name: str, *args: str, sources: Sources | None = None, **changes: Any) -> Answer:
        talk = io.StringIO()
        door = GeneratorDoor(
            load_models=changes.pop("load_models", lambda config: models),
            stderr=lambda: Console(file=talk, width=100),
            sources=lambda: sources or Sources(),
            environ=changes.pop("environ", {}),
            viewers=changes.pop("viewers", Viewers(which=lambda name: None)),
        )
        function: Any = load(COMMANDS[name])
        return answer_of(lambda: function(list(args), *([] if name in WITHOUT_DOOR else [door])), talk)

    return run


@pytest.fixture
def drawn_again(command: Callable[..., Answer]) -> Callable[..., tuple[bytes, bytes]]:
    """The picture of some words of `generate`, and the one that `again` makes of it."""

    def draw(*words: str) -> tuple[bytes, bytes]:
        first = command("generate", *words, "--json")
        assert first.code == 0, first.err
        again = command("again", first.data["picture"], "--json")
        assert again.code == 0, again.err
        return Path(first.data["picture"]).read_bytes(), Path(again.data["picture"]).read_bytes()

    return draw
