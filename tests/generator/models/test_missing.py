"""Whatever a run lacks is told at once, with all that is to be run for it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.models import reference
from generator.models.choose import load_models
from generator.models.companions import torchvision_command
from generator.models.missing import together

FULL_SIZE = {"prompt": "fog", "device": "cpu", "model": "imagenet-f16-16384", "guides": "ViT-L/14"}
VGG = f"{shlex.quote(sys.executable)} -c \"import torchvision; torchvision.models.vgg19(weights='IMAGENET1K_V1')\""


def config_of(**more: Any) -> GenerateConfig:
    return GenerateConfig(**{**FULL_SIZE, **more})


@pytest.fixture(autouse=True)
def _nothing_is_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(home / "hub"))
    monkeypatch.setitem(sys.modules, "torchvision", None)


def test_the_head_is_named_with_the_networks() -> None:
    with pytest.raises(MissingWeightsError) as caught:
        load_models(config_of(aesthetic=1.0))
    assert caught.value.hint == "run: dreamrig weights fetch imagenet-f16-16384 ViT-L/14 aesthetic-vit-l-14"


@pytest.mark.parametrize("asks", ["style", "content"])
def test_what_measures_style_is_named_with_the_networks(asks: str) -> None:
    with pytest.raises(NotReadyError) as caught:
        load_models(config_of(aesthetic=1.0, **{asks: "painting.png"}))
    for said in ("ViT-L/14", "aesthetic-vit-l-14", "torchvision, which is not installed", "The weights of VGG-19"):
        assert said in caught.value.message
    fetch, install, vgg = caught.value.hint.split("; then: ")
    assert fetch == "run: dreamrig weights fetch imagenet-f16-16384 ViT-L/14 aesthetic-vit-l-14"
    assert install == torchvision_command()
    assert vgg.startswith(VGG)


def test_the_reference_packages_are_named_with_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{reference.__name__}.")]:
        monkeypatch.delitem(sys.modules, name)  # what another test has read
    monkeypatch.setattr(reference, "find_spec", lambda name: None)
    with pytest.raises(NotReadyError) as caught:
        load_models(config_of(backend="reference"))
    fetch, install = caught.value.hint.split("; then: ")
    assert fetch == "run: dreamrig weights fetch imagenet-f16-16384 ViT-L/14"
    assert f"run: {install}" == reference.INSTALL


def test_what_cannot_be_is_said_before_what_is_missing() -> None:
    with pytest.raises(UsageError, match="no head for these guides"):
        load_models(config_of(guides="RN50", aesthetic=1.0, style="painting.png"))
    with pytest.raises(UsageError, match=r"openai-clip has no network for ViT-B/16-laion2b"):
        load_models(config_of(guides="ViT-B/16-laion2b", backend="reference"))


def test_one_error_stays_itself_and_weights_alone_stay_weights() -> None:
    one, other = MissingWeightsError("A.", hint="run: a"), MissingWeightsError("B.", hint="run: b")
    assert together([one]) is one
    both = together([one, other])
    assert (type(both), both.message, both.hint) == (MissingWeightsError, "A. B.", "run: a; then: b")
    assert type(together([one, NotReadyError("C.", hint="run: c")])) is NotReadyError
