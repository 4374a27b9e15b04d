"""Loading the full-size networks: from converted weights, from none, with the reference packages and without them."""

from __future__ import annotations

import functools
import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dreamrig.errors import NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.engine import loop as engine
from generator.engine.aims import START
from generator.events import Checkpointed, Finished, Step
from generator.models import clip_sizes, full, guides, vqgan
from generator.models.base import Models
from generator.models.choose import MODELS, load_models
from generator.models.clip import CLIP, CLIPArchitecture
from generator.models.full import Loader, load_full
from generator.models.likes import STARTERS, likes_of
from generator.models.names import TOKENIZER, published_networks, tokenizers_of
from generator.models.random_weights import random_tensors
from generator.models.siglip import SigLIP, SigLIPArchitecture
from generator.models.vqgan import VQGAN, VQGANArchitecture
from generator.presets import PRESETS
from generator.weights import registry
from generator.work.plan import Plan

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]
SMALL_VQGAN = VQGANArchitecture(
    codes=30, channels=32, multipliers=(1, 1, 2), attention_levels=(2,), code_width=8, z_channels=8
)
SMALL_CLIP = CLIPArchitecture(
    width=16, side=32, image_width=64, patch=16, image_layers=(2,), text_width=64, text_layers=1
)
SMALL_SIGLIP = SigLIPArchitecture(
    width=64, side=48, image_width=64, patch=16, image_layers=(2,), image_hidden=80,
    text_width=64, text_layers=1, text_hidden=72, context=16, tokens=290,
)  # fmt: skip
SMALL_RESNET = CLIPArchitecture(
    width=16, side=32, image_width=16, image_layers=(1, 1, 1, 1), text_width=64, text_layers=1
)


def tensors_of(network: Callable[[Any], nn.Module], sizes: Any, name: str) -> dict[str, Tensor]:
    with torch.device("meta"):
        empty = network(sizes)
    return random_tensors(empty, name)


def install(home: Path, name: str, tensors: dict[str, Tensor]) -> None:
    """What `dreamrig weights fetch` leaves behind."""
    folder = registry.folder_of(name, home)
    folder.mkdir(parents=True)
    file = folder / registry.MODEL
    save_file(tensors, file)
    facts = registry.Installed(
        name=name, kind=registry.entries()[name].kind, sha256=registry.sha256_of(file), bytes=file.stat().st_size,
        original_sha256="00", original_bytes=1, source="test", is_published=False, licence="", terms="",
        architecture={}, fetched_at="", checked_mtime_ns=file.stat().st_mtime_ns,
    )  # fmt: skip
    registry.write_meta(registry.Installed(**asdict(facts)), folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small networks under the names of published ones."""
    folder = tmp_path_factory.mktemp("weights")
    install(folder, "imagenet-f16-1024", tensors_of(VQGAN, SMALL_VQGAN, "one"))
    install(folder, "ViT-B/32", tensors_of(CLIP, SMALL_CLIP, "two"))
    install(folder, "RN50", tensors_of(CLIP, SMALL_RESNET, "three"))
    return folder


def config_of(**changes: Any) -> GenerateConfig:
    values = {"prompt": "sunset over the sea", "model": "imagenet-f16-1024", "device": "cpu", "start": "noise"}
    return GenerateConfig(**{**values, "width": 32, "height": 16, "steps": 2, "cutouts": 3, **changes})


def test_what_tells_weights_apart_is_their_numbers(tmp_path: Path) -> None:
    """A run goes on with another mirror's copy; one that an earlier version converted is still here."""
    install(tmp_path, "ViT-B/32", tensors_of(CLIP, SMALL_CLIP, "two"))
    folder = registry.folder_of("ViT-B/32", tmp_path)
    facts = registry.installed("ViT-B/32", tmp_path)
    assert facts is not None
    assert facts.identity == facts.sha256
    loader = Loader(config_of(), CPU, tmp_path)
    found = []
    for file, numbers in (("a", "n"), ("b", "n"), ("b", "m")):
        registry.write_meta(replace(facts, sha256=file, numbers_sha256=numbers), folder)
        found.append(loader.sha256(["ViT-B/32"]))
    assert found[0] == found[1] != found[2]
    earlier = {key: value for key, value in asdict(facts).items() if key != "numbers_sha256"}
    (folder / registry.META).write_text(json.dumps(earlier))
    assert registry.installed("ViT-B/32", tmp_path) == facts


def test_converted_weights_become_models(home: Path) -> None:
    models = load_full(config_of(), CPU, home)
    assert models.name == "imagenet-f16-1024+ViT-B/32"
    assert models.image.factor == 4
    assert models.image.codebook.shape == (30, 8)
    (guide,) = models.guides
    assert (guide.size, guide.width) == (32, 16)
    assert guide.encode_text(["the sea", "a longer text about the sea"]).shape == (2, 16)
    assert guide.encode_image(torch.rand(3, 3, 32, 32)).shape == (3, 16)
    assert guide.unknown_words("zea") == {}
    assert models.image.decode(torch.zeros(1, 8, 3, 4)).shape == (1, 3, 12, 16)


def test_a_text_stands_for_itself_whatever_its_company(home: Path) -> None:
    (guide,) = load_full(config_of(), CPU, home).guides
    alone, beside = guide.encode_text(["the sea"]), guide.encode_text(["the sea", "a much longer text about the sea"])
    torch.testing.assert_close(beside[:1], alone)
    assert not torch.allclose(beside[1], alone[0], atol=1e-3)


def test_pictures_are_in_zero_to_one_outside_and_minus_one_to_one_inside(home: Path) -> None:
    image = load_full(config_of(), CPU, home).image
    network = VQGAN(SMALL_VQGAN)
    network.load_state_dict(tensors_of(VQGAN, SMALL_VQGAN, "one"))
    network.prepare(channels_last=True)
    latent, picture = torch.rand(1, 8, 2, 3), torch.rand(1, 3, 8, 12)
    torch.testing.assert_close(image.decode(latent), network.decode(latent) * 0.5 + 0.5)
    torch.testing.assert_close(image.encode(picture), network.encode(2 * picture - 1))


def test_several_guides_and_the_order_they_were_asked_for_in(home: Path) -> None:
    models = load_full(config_of(guides="RN50, ViT-B/32"), CPU, home)
    assert models.name == "imagenet-f16-1024+RN50+ViT-B/32"
    alone = load_full(config_of(guides="RN50"), CPU, home)
    pixels = torch.rand(2, 3, 32, 32)
    assert torch.equal(models.guides[0].encode_image(pixels), alone.guides[0].encode_image(pixels))
    assert models.sha256 != alone.sha256


def test_the_name_tells_what_no_tensor_does(tmp_path: Path) -> None:
    """The same numbers under the names of OpenAI's, LAION's B/32 and L/14: another GELU, then other pixels too."""
    names = ("ViT-B/32", "ViT-B/32-laion2b", "ViT-L/14-laion2b")
    install(tmp_path, "imagenet-f16-1024", tensors_of(VQGAN, SMALL_VQGAN, "one"))
    for name in names:
        install(tmp_path, name, tensors_of(CLIP, SMALL_CLIP, "two"))
    guides = load_full(config_of(guides=", ".join(names)), CPU, tmp_path).guides
    pixels = torch.rand(2, 3, 32, 32)
    for guide, name in zip(guides, names, strict=True):
        network = CLIP(clip_sizes.by_name(SMALL_CLIP, clip_sizes.ARCHITECTURES[name]))
        network.load_state_dict(tensors_of(CLIP, SMALL_CLIP, "two"))
        torch.testing.assert_close(guide.encode_image(pixels), network.prepare().encode_image(pixels))
    seen = [guide.encode_image(pixels) for guide in guides]
    said = [guide.encode_text(["a fox"]) for guide in guides]
    assert min(float((one - other).abs().max()) for one, other in ((seen[0], seen[1]), (seen[1], seen[2]))) > 1e-3
    assert torch.equal(said[1], said[2])
    assert not torch.equal(said[0], said[1])


def install_tokenizer(folder: Path, tokens: int) -> None:
    """A SentencePiece model of so many pieces, as `weights import` leaves it."""
    package = pytest.importorskip("sentencepiece", reason="the extra [siglip]: pip install sentencepiece")
    out = io.BytesIO()
    package.SentencePieceTrainer.train(
        sentence_iterator=iter(["a red fox in the snow", "the sea at night"] * 4), model_writer=out, model_type="bpe",
        vocab_size=tokens, byte_fallback=True, pad_id=0, eos_id=1, bos_id=2, unk_id=3, minloglevel=2, num_threads=1,
    )  # fmt: skip
    install(folder, TOKENIZER, {"pieces": torch.frombuffer(bytearray(out.getvalue()), dtype=torch.uint8)})


def siglip_home(folder: Path, *, tokens: int = SMALL_SIGLIP.tokens) -> Path:
    install(folder, "imagenet-f16-1024", tensors_of(VQGAN, SMALL_VQGAN, "one"))
    install(folder, "ViT-B/32", tensors_of(CLIP, SMALL_CLIP, "two"))
    install(folder, "SigLIP2-B/16", tensors_of(SigLIP, SMALL_SIGLIP, "three"))
    install_tokenizer(folder, tokens)
    return folder


def test_a_siglip_and_a_clip_guide_side_by_side(tmp_path: Path) -> None:
    """Of different sides and widths, of pixels normalised differently, of texts read differently."""
    models = load_full(config_of(guides="SigLIP2-B/16, ViT-B/32"), CPU, siglip_home(tmp_path))
    assert [(guide.size, guide.width) for guide in models.guides] == [(48, 64), (32, 16)]
    said = models.guides[0].encode_text(["a red fox", "A RED FOX", "the sea"])
    torch.testing.assert_close(said[0], said[1])
    assert not torch.allclose(said[0], said[2])
    pixels = torch.rand(2, 3, 48, 48)
    network = SigLIP(SMALL_SIGLIP)
    network.load_state_dict(tensors_of(SigLIP, SMALL_SIGLIP, "three"))
    torch.testing.assert_close(models.guides[0].encode_image(pixels), network.prepare().encode_image(pixels))
    steps = [event for event in engine.generate(config_of(prompt="a red fox"), models) if isinstance(event, Step)]
    alone = load_full(config_of(guides="ViT-B/32"), CPU, tmp_path)
    with_clip_alone = [
        event for event in engine.generate(config_of(prompt="a red fox"), alone) if isinstance(event, Step)
    ]
    assert len(steps) == len(with_clip_alone) == 2
    assert all(math.isfinite(step.loss()) for step in steps)
    assert steps[1].loss() != with_clip_alone[1].loss()


def test_the_tokenizer_counts_among_the_weights(tmp_path: Path) -> None:
    home = siglip_home(tmp_path)
    before = load_full(config_of(guides="SigLIP2-B/16"), CPU, home).sha256
    shutil.rmtree(registry.folder_of(TOKENIZER, home))
    install_tokenizer(home, SMALL_SIGLIP.tokens - 1)
    with pytest.raises(UsageError, match="The tokenizer has 289 tokens, and the guide knows 290"):
        load_full(config_of(guides="SigLIP2-B/16"), CPU, home)
    shutil.rmtree(registry.folder_of(TOKENIZER, home))
    with pytest.raises(NotReadyError, match="The weights gemma-tokenizer are not here yet") as caught:
        load_full(config_of(guides="SigLIP2-B/16"), CPU, home)
    assert caught.value.hint == "run: dreamrig weights fetch gemma-tokenizer"
    install_tokenizer(home, SMALL_SIGLIP.tokens)
    assert load_full(config_of(guides="SigLIP2-B/16"), CPU, home).sha256 == before


def test_what_a_siglip_needs_the_registry_knows() -> None:
    """Both rooms say it: the registry to who fetches, the names to who draws."""
    for name in guides.ARCHITECTURES:
        assert registry.entries()[name].needs == tokenizers_of([name])
    config = GenerateConfig(prompt="fog", model="coco-f16", guides="SigLIP2-B/16, ViT-B/32")
    assert published_networks(config) == ("coco-f16", "SigLIP2-B/16", "ViT-B/32", TOKENIZER)


def test_other_weights_have_another_digest(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    install(other, "imagenet-f16-1024", tensors_of(VQGAN, SMALL_VQGAN, "changed"))
    install(other, "ViT-B/32", tensors_of(CLIP, SMALL_CLIP, "two"))
    digests = {load_full(config_of(), CPU, folder).sha256 for folder in (home, home, other)}
    assert len(digests) == 2


@pytest.mark.parametrize("backend", ["own", "reference"])
def test_a_run_with_either_back_end(home: Path, backend: str) -> None:
    try:
        models = load_full(config_of(backend=backend, guides="ViT-B/32,RN50"), CPU, home)
    except NotReadyError as error:
        pytest.skip(error.message)
    finished = [event for event in engine.generate(config_of(), models) if isinstance(event, Finished)]
    assert finished[0].index == 2


def test_both_back_ends_see_and_say_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        own, theirs = (load_full(config_of(backend=name), CPU, home) for name in ("own", "reference"))
    except NotReadyError as error:
        pytest.skip(error.message)
    latent, pixels = torch.rand(1, 8, 3, 3), torch.rand(2, 3, 32, 32)
    near = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(own.image.decode(latent), theirs.image.decode(latent), **near)
    torch.testing.assert_close(own.guides[0].encode_image(pixels), theirs.guides[0].encode_image(pixels), **near)
    torch.testing.assert_close(
        own.guides[0].encode_text(["the sea"]), theirs.guides[0].encode_text(["the sea"]), **near
    )
    assert own.sha256 == theirs.sha256
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("backend", ["own", "reference"])
def test_checkpointed_decoding_is_switched_at_the_image(home: Path, backend: str) -> None:
    try:
        image = load_full(config_of(backend=backend), CPU, home).image
    except NotReadyError as error:
        pytest.skip(error.message)
    assert isinstance(image, full.FullImage)
    slopes, kept = [], []
    for image.checkpointed in (False, True):
        latent = torch.linspace(-1, 1, 8 * 9).view(1, 8, 3, 3).requires_grad_()
        count: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, c=count: c.append(t.numel()) or t, lambda t: t):  # type: ignore[func-returns-value]
            picture = image.decode(latent)
        kept.append(sum(count))
        slopes.append(torch.autograd.grad(picture.square().sum(), latent)[0])
    assert torch.equal(*slopes)
    assert kept[1] < kept[0] / 2


def test_missing_weights_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="imagenet-f16-1024") as caught:
        load_full(config_of(), CPU, tmp_path)
    assert caught.value.hint == "run: dreamrig weights fetch imagenet-f16-1024 ViT-B/32"


@pytest.mark.parametrize("backend", ["own", "reference"])
def test_weights_of_something_else_are_refused(tmp_path: Path, backend: str) -> None:
    for name in ("imagenet-f16-1024", "ViT-B/32"):
        install(tmp_path, name, tensors_of(CLIP, SMALL_CLIP, "two"))
    with pytest.raises(NotReadyError, match=r"not of the kind|not installed"):
        load_full(config_of(backend=backend), CPU, tmp_path)


@pytest.mark.parametrize("backend", ["own", "reference"])
def test_weights_with_a_hole_are_refused(tmp_path: Path, backend: str) -> None:
    tensors = tensors_of(VQGAN, SMALL_VQGAN, "one")
    del tensors["decoder.conv_out.bias"]
    install(tmp_path, "imagenet-f16-1024", tensors)
    install(tmp_path, "ViT-B/32", tensors_of(CLIP, SMALL_CLIP, "two"))
    with pytest.raises(NotReadyError, match=r"not of the kind|not installed"):
        load_full(config_of(backend=backend), CPU, tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence", "hint"),
    [
        ({"model": "imagnet-f16-1024"}, "no model 'imagnet-f16-1024'", "did you mean imagenet-f16-1024"),
        ({"model": "coco"}, "no model 'coco'", "coco-f16"),
        ({"model": "qqq"}, "no model 'qqq'", "there are: starter, starter/second, starter/first, imagenet-f16-1024, "),
        ({"guides": "vit-b/32"}, "no guide 'vit-b/32'", "did you mean ViT-B/32"),
        ({"model": "starter", "guides": "ViT-B/32"}, "starter has networks of its own", "leave --guides away"),
        ({"model": "starter", "backend": "reference"}, "starter has networks of its own", "leave --backend away"),
        ({"guides": "ViT-H/14-laion2b", "backend": "reference"}, "no network for ViT-H/14-laion2b", "--backend own"),
    ],
)
def test_unknown_names_are_met_with_known_ones(changes: dict[str, Any], sentence: str, hint: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        load_models(config_of(**changes))
    assert hint in caught.value.hint


def test_every_published_name_is_known_here() -> None:
    kinds = {name: entry.kind for name, entry in registry.entries().items()}
    assert {name for name, kind in kinds.items() if kind == "vqgan"} == set(MODELS) - set(STARTERS)
    assert {name for name, kind in kinds.items() if kind == "clip"} == set(guides.ARCHITECTURES)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_defaults_make_a_config(device: str) -> None:
    defaults = likes_of("coco-f16", on_cpu=device == "cpu")
    config = Plan(prompt="the sea", given={"model": "coco-f16"}).to_config(defaults)
    assert config.model == "coco-f16"
    assert config.start != "predicted"
    assert config.width == (256 if device == "cpu" else 480)


def test_half_precision_is_for_cuda_alone() -> None:
    def is_mixed(precision: str, device: str) -> bool:
        return full.Loader(config_of(precision=precision), torch.device(device)).is_mixed

    assert is_mixed("mixed", "cuda")
    assert not any((is_mixed("fp32", "cuda"), is_mixed("mixed", "cpu"), is_mixed("fp32", "cpu")))


def test_bfloat16_is_for_every_device_and_for_our_own_networks() -> None:
    for device in ("cpu", "cuda"):
        loader = full.Loader(config_of(precision="bf16"), torch.device(device))
        assert (loader.guide_dtype, loader.decoder_dtype) == (torch.bfloat16, torch.bfloat16)
    mixed = full.Loader(config_of(precision="mixed"), torch.device("cuda"))
    assert (mixed.guide_dtype, mixed.decoder_dtype) == (torch.float16, torch.float32)
    with pytest.raises(UsageError, match="not in bf16"):
        load_models(config_of(precision="bf16", backend="reference"))


def test_random_weights_are_the_same_each_time_and_keep_activations_alive() -> None:
    first, again, other = (tensors_of(VQGAN, SMALL_VQGAN, name) for name in ("one", "one", "two"))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["quant_conv.weight"], other["quant_conv.weight"])
    network = VQGAN(SMALL_VQGAN)
    network.load_state_dict(first)
    picture = network.prepare().decode(torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(1)))
    assert 0.05 < float(picture.std()) < 20


BLOCKED = """
import sys
sys.modules.update(dict.fromkeys(("clip", "taming", "torchvision", "pytorch_lightning", "lightning", "ftfy", "regex")))
import torch
from generator.config import GenerateConfig
from generator.models.choose import load_models
from generator.models.bpe import encode
try:
    load_models(GenerateConfig(prompt="x", model="coco-f16", backend="reference", random_weights=True, device="cpu"))
except Exception as error:
    print(type(error).__name__, error, "|", error.hint)
print(encode("the sea"))
"""


def test_the_own_networks_need_no_package_of_others() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True, cwd=ROOT)
    first, second = done.stdout.splitlines()
    said, _, hint = first.partition(" | ")
    assert said == "NotReadyError The reference networks of taming-transformers are not installed."
    assert hint.endswith(" -m pip install --no-deps taming-transformers openai-clip")
    assert second == "[518, 2102]"


@functools.lru_cache(maxsize=1)
def full_size(model: str) -> Models:
    """Random weights at the published sizes; one pair at a time is kept."""
    return load_models(config_of(model=model, random_weights=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_takes_a_step_at_full_size(name: str) -> None:
    changes = {"width": 64, "height": 64, "steps": 1, "cutouts": 2, "random_weights": True}
    config = config_of(**{**PRESETS[name].values_for(PRESETS[name].values["model"]), **changes})
    models = full_size(config.model)
    assert models.image.codebook.shape == (vqgan.ARCHITECTURES[config.model].codes, 256)
    events = list(engine.generate(config, models))
    (step,) = [event for event in events if isinstance(event, Step)]
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert math.isfinite(step.loss())
    (state,) = [event.state for event in events if isinstance(event, Checkpointed)]
    assert finished.image().shape == (3, 64, 64)
    assert finished.image().isfinite().all()
    latent, start = state.tensors["parameters.0"], state.tensors[START]
    assert latent.shape == start.shape == (1, 256, 4, 4)
    assert float((latent != start).float().mean()) > 0.95  # Adam's first step is as long everywhere
