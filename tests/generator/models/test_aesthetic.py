"""The heads as published: which guide has one, how it is read, and what is said where it is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.models import clip
from generator.models.aesthetic import load_heads
from generator.models.choose import load_models
from generator.models.names import HEADS, published_networks
from generator.weights import registry

CPU = torch.device("cpu")


def install(home: Path, name: str, tensors: dict[str, Any]) -> None:
    """As `weights fetch` does it, from a file as LAION writes it."""
    from safetensors.torch import save_file

    folder = registry.folder_of(name, home)
    folder.mkdir(parents=True)
    save_file(tensors, folder / registry.MODEL)
    file = folder / registry.MODEL
    facts = {
        "name": name, "kind": "head", "sha256": registry.sha256_of(file), "bytes": file.stat().st_size,
        "original_sha256": "00", "original_bytes": 1, "source": "test", "is_published": False, "licence": "none",
        "terms": "none", "architecture": {}, "fetched_at": "2026", "checked_mtime_ns": file.stat().st_mtime_ns,
    }  # fmt: skip
    registry.write_meta(registry.Installed(**facts), folder)


def test_every_head_belongs_to_a_guide_that_there_is_and_is_pinned() -> None:
    known = registry.entries()
    assert set(HEADS) <= set(clip.ARCHITECTURES)
    assert set(HEADS.values()) == {name for name, entry in known.items() if entry.kind == "head"}
    assert all(source.is_pinned for name in HEADS.values() for source in known[name].sources)


def test_a_run_that_asks_for_it_needs_the_heads_of_its_guides() -> None:
    config = GenerateConfig(prompt="x", model="coco-f16", guides="ViT-L/14, RN50, ViT-B/32", aesthetic=1.0)
    assert published_networks(config)[4:] == ("aesthetic-vit-l-14", "aesthetic-vit-b-32")
    assert len(published_networks(GenerateConfig(prompt="x", model="coco-f16"))) == 2


def test_heads_lie_where_their_guides_do(tmp_path: Path) -> None:
    weight = torch.arange(6.0)[None]
    install(tmp_path, "aesthetic-vit-b-32", {"weight": weight, "bias": torch.tensor([2.0])})
    none, head = load_heads(("RN50", "ViT-B/32"), CPU, tmp_path)
    assert none is None
    assert head is not None
    assert torch.equal(head.weight, weight[0])
    assert float(head.scores(torch.tensor([[0.0, 0, 0, 0, 0, 7.0]]))) == pytest.approx(7.0)


def test_what_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError) as caught:
        load_heads(("ViT-L/14",), CPU, tmp_path)
    assert caught.value.hint == "run: dreamrig weights fetch aesthetic-vit-l-14"
    install(tmp_path, "aesthetic-vit-l-14", {"layers.0.weight": torch.ones(2, 3)})
    with pytest.raises(NotReadyError, match="no linear head"):
        load_heads(("ViT-L/14",), CPU, tmp_path)
    for guides in (("RN50",), ()):
        with pytest.raises(UsageError, match="no head") as refused:
            load_heads(guides, CPU, tmp_path)
        assert "ViT-L/14" in refused.value.hint


def test_the_starter_has_none() -> None:
    with pytest.raises(UsageError, match="no head"):
        load_models(GenerateConfig(prompt="x", aesthetic=1.0, device="cpu"))
