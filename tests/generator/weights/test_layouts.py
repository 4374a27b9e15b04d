"""The same networks in other people's layouts; the oracle is what those packages themselves computed.

layouts/*.json were written by the packages that they name: names and shapes of a tiny network's tensors, and what it
made of fixed inputs. The numbers in it are drawn here again (numpy promises the stream of RandomState for ever).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generator.models import guides
from generator.models.clip import ARCHITECTURES, CLIP, CLIPArchitecture
from generator.models.clip_sizes import by_name
from generator.models.outline import outline
from generator.models.vqgan import VQGAN, VQGANArchitecture
from generator.weights.convert import ConversionError
from generator.weights.convert import convert as convert_by
from generator.weights.foreign.stored import CheckpointError

convert = partial(convert_by, outline=outline)
LAYOUTS = Path(__file__).with_name("layouts")


def drawn(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """The numbers that the package's own network had."""
    random = np.random.RandomState(20)
    return {
        name: torch.from_numpy(np.asarray(random.standard_normal(shape) * 0.1, dtype=np.float32))
        for name, shape in sorted(shapes.items())
    }


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((LAYOUTS / "transformers-clip.json").read_text())
    return found


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_a_clip_of_transformers_sees_what_transformers_saw(known: dict[str, Any], tmp_path: Path, form: str) -> None:
    weights, file = drawn(known["shapes"]), tmp_path / form
    positions = {"text_model.embeddings.position_ids": torch.arange(12)[None]}  # in files of older versions
    save_file(weights, file) if form.endswith("safetensors") else torch.save(weights | positions, file)
    sizes = CLIPArchitecture(**convert(file, "clip", tmp_path / "out").architecture)
    network = CLIP(sizes)
    network.load_state_dict(load_file(tmp_path / "out"), strict=True)
    network.prepare()
    pixels = torch.from_numpy(np.random.RandomState(21).random_sample((2, 3, 8, 8)).astype(np.float32))
    torch.testing.assert_close(network.encode_image(pixels), torch.tensor(known["image"]), atol=1e-5, rtol=0)
    texts = network.encode_tokens(torch.tensor(known["tokens"]))
    torch.testing.assert_close(texts, torch.tensor(known["text"]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("names", ["today's", "before 0.17"])
def test_a_vqgan_of_diffusers_draws_what_diffusers_drew(tmp_path: Path, names: str) -> None:
    known = json.loads((LAYOUTS / "diffusers-vqmodel.json").read_text())
    weights = drawn(known["shapes"])
    if names != "today's":
        for new, old in {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}.items():
            weights = {name.replace(f".{new}.", f".{old}."): one for name, one in weights.items()}
    save_file(weights, tmp_path / "theirs")
    sizes = VQGANArchitecture(**convert(tmp_path / "theirs", "vqgan", tmp_path / "out").architecture)
    network = VQGAN(sizes)
    network.load_state_dict(load_file(tmp_path / "out"), strict=True)
    network.prepare()
    random = np.random.RandomState(21)
    latent = torch.from_numpy(random.standard_normal((1, 8, 2, 3)).astype(np.float32))
    picture = torch.from_numpy((random.random_sample((1, 3, 4, 6)) * 2 - 1).astype(np.float32))
    with torch.no_grad():
        drawing, seen = network.decode(latent), network.encode(picture)
    torch.testing.assert_close(drawing.flatten(), torch.tensor(known["decoded"]), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.flatten(), torch.tensor(known["encoded"]), atol=1e-5, rtol=0)


def sees_and_reads(network: Any, known: Mapping[str, Any]) -> None:
    """As open_clip did, of one picture of noise and its own tokens."""
    network.prepare()
    pixels = torch.from_numpy(np.random.RandomState(21).random_sample((2, 3, 16, 16)).astype(np.float32))
    torch.testing.assert_close(network.encode_image(pixels), torch.tensor(known["image"]), atol=1e-6, rtol=0)
    texts = network.encode_tokens(torch.tensor(known["tokens"]))
    torch.testing.assert_close(texts, torch.tensor(known["text"]), atol=1e-6, rtol=0)


def test_a_clip_of_open_clip_sees_what_open_clip_saw(tmp_path: Path) -> None:
    """As LAION's H/14: its heads are wider than openai-clip's, and its towers compute the GELU itself."""
    known = json.loads((LAYOUTS / "open-clip.json").read_text())
    torch.save({"state_dict": drawn(known["shapes"])}, tmp_path / "theirs.bin")
    read = CLIPArchitecture(**convert(tmp_path / "theirs.bin", "clip", tmp_path / "out").architecture)
    network = CLIP(by_name(read, ARCHITECTURES["ViT-H/14-laion2b"]))
    network.load_state_dict(load_file(tmp_path / "out"), strict=True)
    sees_and_reads(network, known)


def test_a_siglip_of_open_clip_sees_what_open_clip_saw(tmp_path: Path) -> None:
    """The image tower is timm's; as SO400M's, heads are 72 wide and the hidden layers have a width of their own."""
    known = json.loads((LAYOUTS / "open-clip-siglip.json").read_text())
    save_file(drawn(known["shapes"]), tmp_path / "theirs")
    convert(tmp_path / "theirs", "clip", tmp_path / "out")
    read = load_file(tmp_path / "out")
    network = guides.make(guides.sizes_by_name("SigLIP2-SO400M/14", read))
    network.load_state_dict(read, strict=True)
    sees_and_reads(network, known)


@pytest.fixture(scope="module")
def timms() -> dict[str, Any]:
    """A CLIP of open_clip whose image tower is timm's vit_base_patch16_clip_224, but small."""
    found: dict[str, Any] = json.loads((LAYOUTS / "open-clip-timm.json").read_text())
    return found


def test_a_clip_with_the_image_tower_of_timm_sees_what_open_clip_saw(timms: dict[str, Any], tmp_path: Path) -> None:
    """And as the same numbers do under the names of openai-clip, by the way that every other file takes."""
    save_file(drawn(timms["shapes"]), tmp_path / "theirs")
    read = CLIPArchitecture(**convert(tmp_path / "theirs", "clip", tmp_path / "out").architecture)
    assert convert(tmp_path / "out", "clip", tmp_path / "again") == convert(tmp_path / "theirs", "clip", tmp_path / "b")
    network = CLIP(by_name(read, ARCHITECTURES["ViT-B/16-laion2b"]))
    network.load_state_dict(load_file(tmp_path / "out"), strict=True)
    sees_and_reads(network, timms)


@pytest.mark.parametrize(
    "name",
    [
        "visual.trunk.blocks.1.ls1.gamma",
        "visual.trunk.blocks.0.attn.q_norm.weight",
        "visual.trunk.reg_token",
        "visual.trunk.head.weight",
        "visual.head.proj.bias",
    ],
)
def test_a_tower_of_timm_that_computes_something_else_is_refused(
    timms: dict[str, Any], tmp_path: Path, name: str
) -> None:
    save_file(drawn(timms["shapes"]) | {name: torch.ones(3)}, tmp_path / "theirs")
    with pytest.raises(CheckpointError, match=f"has {name}, which that of a CLIP has not"):
        convert(tmp_path / "theirs", "clip", tmp_path / "out")


@pytest.mark.parametrize("name", ["norm_pre.weight", "cls_token", "blocks.1.attn.qkv.bias"])
def test_a_tower_of_timm_that_lacks_something_is_refused(timms: dict[str, Any], tmp_path: Path, name: str) -> None:
    weights = drawn(timms["shapes"])
    del weights[f"visual.trunk.{name}"]
    save_file(weights, tmp_path / "theirs")
    with pytest.raises(ConversionError):
        convert(tmp_path / "theirs", "clip", tmp_path / "out")


def test_the_image_tower_of_timm_alone_is_named_as_that(timms: dict[str, Any], tmp_path: Path) -> None:
    """As model.safetensors of timm/vit_base_patch16_clip_224.openai; open_clip_model.safetensors there has both."""
    trunk = "visual.trunk."
    tower = {name.removeprefix(trunk): one for name, one in drawn(timms["shapes"]).items() if name.startswith(trunk)}
    save_file(tower | {"head.weight": torch.ones(24, 128), "head.bias": torch.zeros(24)}, tmp_path / "theirs")
    with pytest.raises(ConversionError, match="is no checkpoint of a CLIP") as caught:
        convert(tmp_path / "theirs", "clip", tmp_path / "out")
    assert "timm's image tower alone: take open_clip_model.safetensors" in caught.value.hint


def test_a_siglip_without_the_key_of_its_head_is_refused(tmp_path: Path) -> None:
    weights = drawn(json.loads((LAYOUTS / "open-clip-siglip.json").read_text())["shapes"])
    del weights["visual.trunk.attn_pool.kv.weight"]
    save_file(weights, tmp_path / "theirs")
    with pytest.raises(ConversionError, match=r"tensor visual\.head\.attn\.in_proj_weight"):
        convert(tmp_path / "theirs", "clip", tmp_path / "out")


def test_both_layouts_of_the_same_numbers_become_the_same_file(known: dict[str, Any], tmp_path: Path) -> None:
    save_file(drawn(known["shapes"]), tmp_path / "theirs")
    theirs = convert(tmp_path / "theirs", "clip", tmp_path / "ours")
    assert convert(tmp_path / "ours", "clip", tmp_path / "again") == theirs


@pytest.mark.parametrize("prefix", ["text.", "module."])
def test_prefixes_of_open_clip_are_taken_off(originals: Any, tmp_path: Path, prefix: str) -> None:
    """Its CustomTextCLIP keeps the text tower under "text."; its training, all of the network under "module."."""
    inside = ("visual.", "logit_scale") if prefix == "text." else ()
    named = {name if name.startswith(inside) and inside else prefix + name: one for name, one in originals.vit.items()}
    torch.save({"epoch": 3, "state_dict": named}, tmp_path / "theirs.pt")
    torch.save(originals.vit, tmp_path / "ours.pt")
    assert convert(tmp_path / "theirs.pt", "clip", tmp_path / "a") == convert(
        tmp_path / "ours.pt", "clip", tmp_path / "b"
    )


def test_a_missing_part_of_the_attention_is_named(known: dict[str, Any], tmp_path: Path) -> None:
    weights = drawn(known["shapes"])
    del weights["vision_model.encoder.layers.1.self_attn.k_proj.weight"]
    save_file(weights, tmp_path / "theirs")
    with pytest.raises(ConversionError, match=r"tensor visual\.transformer\.resblocks\.1\.attn\.in_proj_weight"):
        convert(tmp_path / "theirs", "clip", tmp_path / "out")


def test_parts_of_the_attention_that_do_not_fit_are_refused(known: dict[str, Any], tmp_path: Path) -> None:
    weights = drawn(known["shapes"])
    name = "text_model.encoder.layers.0.self_attn.v_proj.weight"
    save_file(weights | {name: weights[name].half()}, tmp_path / "theirs")
    with pytest.raises(CheckpointError, match="different shapes or precisions"):
        convert(tmp_path / "theirs", "clip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
