"""`weights import`: every kind of the registry is compared with what it is said to be, before it counts as here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generator.front.cli.weights import weights
from generator.models import guides
from generator.models.names import HEADS
from generator.models.siglip import SigLIP, SigLIPArchitecture
from generator.models.small_networks import READS
from generator.weights import registry
from generator.weights.door import WeightsDoor

TINY_SIGLIP = SigLIPArchitecture(
    width=64, side=16, image_width=64, patch=8, image_layers=(1,), image_hidden=32,
    text_width=64, text_layers=1, text_hidden=32, context=4, tokens=40,
)  # fmt: skip
COMPACT = {
    "body.0.weight": (4, 3, 3, 3), "body.0.bias": (4,), "body.1.weight": (4,), "body.2.weight": (4, 4, 3, 3),
    "body.2.bias": (4,), "body.3.weight": (4,), "body.4.weight": (48, 4, 3, 3), "body.4.bias": (48,),
}  # fmt: skip
"""A compact upscaler of Real-ESRGAN, named as its srvgg_arch.py names it."""

Import = Callable[..., tuple[int, str, str]]


@pytest.fixture
def imported(home: Path, tmp_path: Path, answer_of: Callable[..., Any]) -> Import:
    """`weights import` of these tensors, or of this file, under a name of the registry: exit code, out, err."""

    def run(what: dict[str, Tensor] | Path, name: str) -> tuple[int, str, str]:
        file = what if isinstance(what, Path) else tmp_path / "theirs.safetensors"
        if not isinstance(what, Path):
            save_file(what, file)
        door = WeightsDoor(weights_folder=lambda: home / "weights")
        answer: tuple[int, str, str] = answer_of(
            lambda: weights(["import", str(file), "--as", name], door), io.StringIO()
        )
        return answer

    return run


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def assert_refused(answer: tuple[int, str, str], name: str, *words: str) -> None:
    code, out, err = answer
    assert (code, out) == (1, "")
    assert all(word in err for word in words), err
    assert not registry.is_ready(name)


def test_a_clip_is_no_upscaler(imported: Import, originals: Any) -> None:
    answer = imported(originals.write("vit.pt"), "realesrgan-x4plus")
    assert_refused(
        answer, "realesrgan-x4plus", "vit.pt is no upscaler of Real-ESRGAN", "it seems to be the checkpoint of a CLIP"
    )


@pytest.mark.parametrize(("name", "reads"), [("realesrgan-x4plus", 3), ("realesrgan-x2plus", 12)])
def test_a_large_upscaler_is_taken_under_its_own_name_alone(
    imported: Import, upscaler: Any, name: str, reads: int
) -> None:
    assert_refused(imported(upscaler(15 - reads), name), name, f"is another upscaler than {name}")
    code, _, err = imported(upscaler(reads), name)
    assert code == 0, err
    assert registry.is_ready(name)


def test_a_compact_upscaler_is_taken_under_its_own_name_alone(imported: Import) -> None:
    assert_refused(imported(drawn(COMPACT), "realesrgan-x4plus"), "realesrgan-x4plus", "is another upscaler")
    assert imported(drawn(COMPACT), "realesr-general-x4v3")[0] == 0
    assert set(registry.converted_tensors("realesr-general-x4v3")) == set(COMPACT)


@pytest.mark.parametrize("missing", ["conv_up2.bias", "body.0.rdb3.conv5.weight"])
def test_an_upscaler_that_is_not_whole_is_refused(imported: Import, upscaler: Any, missing: str) -> None:
    tensors = upscaler()
    del tensors[missing]
    assert_refused(imported(tensors, "realesrgan-x4plus"), "realesrgan-x4plus", f"lacks the tensor {missing}")


def test_a_compact_upscaler_that_is_not_whole_is_refused(imported: Import) -> None:
    shapes = {name: shape for name, shape in COMPACT.items() if name != "body.3.weight"} | {"body.3.bias": (4,)}
    assert_refused(imported(drawn(shapes), "realesr-general-x4v3"), "realesr-general-x4v3", "tensor body.3.weight")


@pytest.mark.parametrize("name", HEADS.values())
def test_a_head_is_that_of_its_clip(imported: Import, name: str) -> None:
    (guide,) = (guide for guide, head in HEADS.items() if head == name)
    width = guides.ARCHITECTURES[guide].width
    good = {"weight": torch.zeros(1, width), "bias": torch.zeros(1)}
    for wrong in ({"weight": torch.zeros(2, width), "bias": torch.zeros(2)}, {"weight": good["weight"]}):
        assert_refused(imported(wrong, name), name, "is no linear head")
    other = {**good, "weight": torch.zeros(1, 1280 - width)}
    assert_refused(imported(other, name), name, f"is the head of another CLIP than {guide}")
    assert imported(good, name)[0] == 0


def test_a_siglip_is_no_clip_and_a_clip_no_siglip(imported: Import, originals: Any) -> None:
    siglip = {name: torch.zeros(one.shape) for name, one in SigLIP(TINY_SIGLIP).state_dict().items()}
    words = "is the checkpoint of a SigLIP, and ViT-B/32 is a CLIP", "under a name of a SigLIP: dreamrig weights list"
    assert_refused(imported(siglip, "ViT-B/32"), "ViT-B/32", *words)
    words = "is the checkpoint of a CLIP, and SigLIP2-B/16 is a SigLIP", "under a name of a CLIP"
    assert_refused(imported(originals.write("vit.pt"), "SigLIP2-B/16"), "SigLIP2-B/16", *words)
    assert imported(siglip, "SigLIP2-B/16")[0] == 0


def test_a_refused_file_leaves_what_was_here(imported: Import, originals: Any, home: Path) -> None:
    assert imported(originals.write("vit.pt"), "ViT-B/32")[0] == 0
    meta = home / "weights" / "ViT-B-32" / registry.META
    before = json.loads(meta.read_text())
    assert imported(originals.write("vqgan.ckpt"), "ViT-B/32")[0] == 1
    assert json.loads(meta.read_text()) == before


def test_of_every_published_upscaler_its_first_layer_is_known() -> None:
    assert set(READS) == {name for name, entry in registry.entries().items() if entry.kind == "upscaler"}
