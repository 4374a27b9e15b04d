"""`dreamrig generate --upscale`, with toy networks and a stand-in for spandrel at the door where Python imports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from dreamrig.settings import Sources
from generator.runs import folder as runs

Command = Callable[..., Any]
SHORT = ["--size", "24x16", "--steps", "2", "--threads", "1", "--cutouts", "4", "--start", "noise", "--seed", "1"]


class Descriptor:
    """Three times as large, nothing but green; what spandrel calls a network with all that is known of it."""

    input_channels = output_channels = scale = 3

    def __init__(self, tensors: Any) -> None:
        self.colour = tensors["colour"]

    def eval(self) -> Descriptor:
        return self

    def __call__(self, image: Any) -> Any:
        return functional.interpolate(image * self.colour.view(1, 3, 1, 1), scale_factor=3, mode="nearest")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    def loader(device: Any) -> Any:
        return SimpleNamespace(load_from_state_dict=Descriptor)

    package = SimpleNamespace(ModelLoader=loader, ImageModelDescriptor=Descriptor, UnsupportedModelError=KeyError)
    monkeypatch.setitem(sys.modules, "spandrel", package)
    save_file({"colour": torch.tensor([0.0, 1.0, 0.0])}, tmp_path / "green.safetensors")
    return str(tmp_path / "green.safetensors")


def large(answer: Any) -> np.ndarray[Any, Any]:
    assert answer.code == 0, answer.err
    with Image.open(answer.data["picture_large"]) as opened:
        assert "dreamrig" in opened.info
        return np.asarray(opened)


@pytest.mark.parametrize(("words", "times"), [([], 3), (["--upscale", "2"], 2), (["--upscale", "5"], 5)])
def test_the_large_picture_is_the_networks(
    words: list[str], times: int, network: str, command: Command, home: Path
) -> None:
    answer = command("generate", "fog", *SHORT, "--upscale-with", network, *words, "--json")
    pixels = large(answer)
    assert pixels.shape == (16 * times, 24 * times, 3)
    assert not pixels[..., [0, 2]].any()
    with Image.open(answer.data["picture"]) as opened:  # the picture itself stays what it is
        assert opened.size == (24, 16)
        assert np.asarray(opened)[..., 0].any()


def test_the_flag_is_stronger_than_the_users_program_and_again_has_it_too(
    network: str, command: Command, home: Path
) -> None:
    program = f"{sys.executable} -c \"open('started', 'w')\" {{input}} {{output}}"
    sources = Sources(environ={"DREAMRIG_UPSCALE_COMMAND": program})
    large(command("generate", "fog", *SHORT, "--upscale-with", network, "--json", sources=sources))
    assert not Path("started").exists()
    assert large(command("again", "last", "--upscale-with", network, "--json")).shape == (48, 72, 3)


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["--upscale", "1"], 2, "use 2 to 8"),
        (["--upscale", "4"], 4, "dreamrig weights fetch realesrgan-x4plus"),
        (["--upscale-with", "ViT-B/32"], 2, "use one of: realesrgan-x4plus"),
        (["--upscale-with", "FILE", "--crew", "local", "--count", "2"], 2, "leave --upscale away"),
    ],
)
def test_what_cannot_be_leaves_no_run(
    words: list[str], code: int, hint: str, network: str, command: Command, home: Path
) -> None:
    answer = command("generate", "fog", *SHORT, *(network if word == "FILE" else word for word in words))
    assert answer.code == code
    assert hint in answer.err
    assert runs.list_runs(home / "runs") == []
