"""The network behind style and content: what it is made of, and what is said where it is not here."""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dreamrig.errors import NotReadyError
from generator.config import GenerateConfig
from generator.models.choose import load_models
from generator.models.companions import torchvision_command
from generator.models.perceptual import DEVIATION, MEAN, WEIGHTS, Perceptual, import_vgg19, load_vgg19

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]
LAYOUT = (2, 2, 0, 3, 3, 0, 4, 4, 4, 4, 0, 5, 5, 5, 5, 0, 5, 5, 5, 5, 0)
"""VGG-19 with few channels; 0 = a pool."""


class SmallVGG(nn.Module):
    """Laid out as torchvision's."""

    def __init__(self, weights: object) -> None:
        super().__init__()
        assert weights is None
        layers: list[nn.Module] = []
        inside = 3
        for outside in LAYOUT:
            if outside:
                layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(inplace=True)]
                inside = outside
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, str, dict[str, Tensor]]:
    """A folder with weights, the first digits of their SHA-256, and what they are."""
    torch.manual_seed(0)
    tensors = SmallVGG(None).state_dict()
    torch.save(tensors, tmp_path / WEIGHTS)
    return tmp_path, hashlib.sha256((tmp_path / WEIGHTS).read_bytes()).hexdigest()[:8], tensors


def test_the_layers_are_the_papers(published: Any) -> None:
    folder, digits, tensors = published
    network = load_vgg19(CPU, lambda: SmallVGG, folder, digits)
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    style, content = network.features(picture)
    assert [tuple(layer.shape[1:]) for layer in style] == [(2, 32, 32), (3, 16, 16), (4, 8, 8), (5, 4, 4), (5, 2, 2)]
    assert content.shape[1:] == (5, 4, 4)
    assert all(float(layer.min()) >= 0 for layer in (*style, content))  # after their ReLUs
    mean, deviation = (torch.tensor(of).view(1, 3, 1, 1) for of in (MEAN, DEVIATION))
    first = nn.functional.conv2d(
        (picture - mean) / deviation, tensors["features.0.weight"], tensors["features.0.bias"], padding=1
    )
    torch.testing.assert_close(style[0], first.relu())
    assert not any(parameter.requires_grad for parameter in network.layers.parameters())


def test_of_a_tiny_picture_something_is_left(published: Any) -> None:
    folder, digits, _ = published
    style, content = load_vgg19(CPU, lambda: SmallVGG, folder, digits).features(torch.rand(1, 3, 4, 8))
    assert [tuple(layer.shape[2:]) for layer in (*style, content)] == [(4, 8), (2, 4), (1, 2), (1, 2), (1, 2), (1, 2)]


def test_a_relu_in_place_does_not_change_what_was_kept() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(inplace=True))
    before = Perceptual(layers, (0,), 1).features(torch.rand(1, 3, 4, 4))[0][0]
    assert float(before.min()) < 0


@pytest.mark.parametrize("damage", ["missing", "other"])
def test_weights_that_are_not_here_name_the_command(published: Any, damage: str) -> None:
    folder, digits, _ = published
    if damage == "missing":
        (folder / WEIGHTS).unlink()
    else:
        (folder / WEIGHTS).write_bytes(b"something else")
    with pytest.raises(NotReadyError) as caught:
        load_vgg19(CPU, lambda: SmallVGG, folder, digits)
    assert "python -c" in caught.value.hint
    assert "vgg19" in caught.value.hint


@pytest.mark.parametrize(
    ("found", "words"),
    [(None, "is not installed"), (SimpleNamespace(), "cannot be imported")],
)
def test_torchvision_that_is_not_here_or_of_another_torch_names_the_command(
    found: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None if found is None else SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchvision.models", found)
    with pytest.raises(NotReadyError, match=words) as caught:
        import_vgg19()
    assert caught.value.hint == f"run: {torchvision_command()}"
    with pytest.raises(NotReadyError, match="torchvision"):
        load_models(GenerateConfig(prompt="fog", style="painting.png", device="cpu"))


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.13.0+cpu", "'torchvision==0.28.*' --index-url https://download.pytorch.org/whl/cpu"),
        ("2.6.0+cu126", "'torchvision==0.21.*' --index-url https://download.pytorch.org/whl/cu126"),
        ("2.13.1", "'torchvision==0.28.*'"),
    ],
)
def test_the_torchvision_of_this_torch(version: str, words: str) -> None:
    assert torchvision_command(version) == f"{sys.executable} -m pip install --force-reinstall --no-deps {words}"


def test_nothing_imports_it_unasked() -> None:
    """Neither torchvision nor what needs it stands at the head of any module."""
    for folder in ("bench", "dreamrig", "generator", "provision"):
        for path in (ROOT / folder).rglob("*.py"):
            heads = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
            names = [getattr(node, "module", None) or alias.name for node in heads for alias in node.names]
            packages = {name.split(".")[0] for name in names}
            assert not packages & {"torchvision", "spandrel", "einops"}, path
            assert "generator.models.perceptual" not in names, path
