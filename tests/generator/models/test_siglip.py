"""SigLIP 2 against transformers' own network, and its tokens against transformers' own tokenizer.

transformers imports without torchvision; what open_clip and timm computed, which need it, is in test_layouts.py.
"""

from __future__ import annotations

import io
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError
from generator.models import guides, siglip_sizes
from generator.models.outline import outline
from generator.models.pieces import PAD, Pieces, byte_tokens
from generator.models.siglip import SigLIP, SigLIPArchitecture
from generator.weights.convert import convert

SMALL = SigLIPArchitecture(
    width=128, side=32, image_width=128, patch=8, image_layers=(3,), image_hidden=200,
    text_width=128, text_layers=2, text_hidden=72, context=6, tokens=50,
)  # fmt: skip
TOKENS = torch.tensor([[7, 9, 3, 1, PAD, PAD], [4, 5, 6, 7, 8, 1]])


@pytest.fixture(scope="module")
def theirs() -> Any:
    package = pytest.importorskip(
        "transformers", reason="the oracle is transformers' SiglipModel: pip install transformers"
    )
    sides = {"num_attention_heads": 2, "hidden_act": "gelu_pytorch_tanh", "hidden_size": SMALL.image_width}
    seen = {"intermediate_size": 200, "num_hidden_layers": 3, "image_size": SMALL.side, "patch_size": SMALL.patch}
    said = {"intermediate_size": 72, "num_hidden_layers": 2, "vocab_size": 50, "max_position_embeddings": 6}
    config = package.SiglipConfig(vision_config={**sides, **seen}, text_config={**sides, **said})
    torch.manual_seed(3)
    network = package.SiglipModel(config).eval().requires_grad_(False)
    for weight in network.parameters():  # normalisations and biases matter too
        weight.copy_(0.2 * torch.randn(weight.shape) + (0.0 if weight.dim() > 1 else 0.3))
    return network


@pytest.fixture
def ours(theirs: Any, tmp_path: Path) -> SigLIP:
    """The same network, through its published form and our reader."""
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    convert(tmp_path / "model.safetensors", "clip", tmp_path / "ours", outline=outline)
    tensors = load_file(tmp_path / "ours")
    network = guides.make(guides.sizes_by_name("SigLIP2-B/16", tensors))
    network.load_state_dict(tensors, strict=True)
    assert isinstance(network, SigLIP)
    return network.prepare()


def assert_equal(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    """To a fraction of the largest number."""
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * float(expected.detach().abs().max()))


def pixels_of(sizes: SigLIPArchitecture) -> Tensor:
    return torch.rand(3, 3, sizes.side, sizes.side, generator=torch.Generator().manual_seed(6))


def test_sizes_are_read_off_the_tensors(ours: SigLIP) -> None:
    assert ours.sizes == SMALL


def test_both_towers_and_the_way_back_are_theirs(theirs: Any, ours: SigLIP) -> None:
    pixels = pixels_of(SMALL).requires_grad_()
    found = ours.encode_image(pixels)
    expected = theirs.get_image_features(pixel_values=pixels * 2 - 1).pooler_output
    assert_equal(found, expected)
    assert_equal(*(torch.autograd.grad(y.square().sum(), pixels)[0] for y in (found, expected)))
    assert_equal(ours.encode_tokens(TOKENS), theirs.get_text_features(input_ids=TOKENS).pooler_output)


def test_scale_and_offset_are_theirs(theirs: Any, ours: SigLIP) -> None:
    pixels = pixels_of(SMALL)
    expected = theirs(input_ids=TOKENS, pixel_values=pixels * 2 - 1).logits_per_image
    seen, said = ours.encode_image(pixels), ours.encode_tokens(TOKENS)
    cosines = torch.nn.functional.cosine_similarity(seen[:, None], said[None], -1)
    assert_equal(cosines * ours.logit_scale.exp() + ours.logit_bias, expected)


def test_half_precision_is_near(ours: SigLIP) -> None:
    pixels = pixels_of(SMALL)
    full = ours.encode_image(pixels)
    half = ours.prepare(torch.float16).encode_image(pixels)
    assert half.dtype == torch.float16
    assert torch.cosine_similarity(half.float(), full).min() > 0.999


def test_the_table_of_tokens_stays_where_it_is_read() -> None:
    """On the meta device nothing can be computed with what lies elsewhere."""
    network = SigLIP(SMALL)
    assert guides.place(network, torch.device("meta")) is network
    elsewhere = {name for name, weight in network.named_parameters() if weight.device.type != "meta"}
    assert elsewhere == {"token_embedding.weight"}
    on_card = sum(weight.numel() for weight in network.parameters() if weight.device.type == "meta")
    assert guides.weights_on_card(network) == on_card
    assert network.prepare().encode_tokens(TOKENS).device.type == "meta"
    assert network.encode_image(pixels_of(SMALL).to("meta")).device.type == "meta"


def test_a_siglip_under_the_name_of_a_clip_is_refused(ours: SigLIP) -> None:
    with pytest.raises(ValueError, match="no SigLIP"):
        guides.sizes_by_name("ViT-B/32", ours.state_dict())


@pytest.mark.parametrize("name", siglip_sizes.ARCHITECTURES)
def test_published_sizes_are_read_off_the_tensors(name: str) -> None:
    with torch.device("meta"):
        tensors = guides.make(guides.ARCHITECTURES[name]).state_dict()
    assert guides.sizes_by_name(name, tensors) == guides.ARCHITECTURES[name]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("SigLIP2-B/32@256px", 376_856_066),
        ("SigLIP2-L/16@256px", 881_526_786),
        ("SigLIP2-SO400M/14", 1_135_463_602),
    ],
)
def test_there_are_as_many_weights_as_published(name: str, count: int) -> None:
    """As embeddings-benchmark/mteb counts those of the published files (siglip_models.py)."""
    with torch.device("meta"):
        network = guides.make(guides.ARCHITECTURES[name])
    assert sum(weight.numel() for weight in network.parameters()) == count


# ---- tokens ----------------------------------------------------------------------------------------------------------

TEXTS = (
    "a red fox in the snow",
    "A Red FOX, in the SNOW!",
    "  spaces   inside and around ",
    "ÄÖÜ und ein Fuchs",
    "日本語 🦊",
    "<eos> a_b-c 100%",
    "",
)


@cache
def small_model(pad: int = 0) -> bytes:
    """A SentencePiece model of Gemma's kind: merged pairs, single bytes for what is strange, no space put before."""
    package = pytest.importorskip(
        "sentencepiece", reason="the tokenizer is the extra [siglip]: pip install sentencepiece"
    )
    texts = ["a red fox in the snow at night", "sunset over the sea", "a castle on a hill", "the quick brown fox"] * 4
    out = io.BytesIO()
    package.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=out, model_type="bpe", vocab_size=340, byte_fallback=True,
        pad_id=pad, eos_id=1 - pad, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
        add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="identity",
        character_coverage=1.0, split_by_whitespace=False, hard_vocab_limit=False, minloglevel=2, num_threads=1,
    )  # fmt: skip
    return out.getvalue()


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_transformers(text: str) -> None:
    """Its tokenizer is another implementation, in Rust, and puts texts into lower case by itself."""
    package = pytest.importorskip("transformers", reason="the oracle is its Siglip2Tokenizer: pip install transformers")
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_proto=small_model())
    pieces = {model.id_to_piece(number): number for number in range(model.get_piece_size())}
    merges = [
        (-model.get_score(number), (piece[:at], piece[at:]))
        for piece, number in pieces.items()
        for at in range(1, len(piece))
        if not model.is_byte(number) and piece[:at] in pieces and piece[at:] in pieces
    ]
    theirs = package.Siglip2Tokenizer(vocab=pieces, merges=[pair for _, pair in sorted(merges, key=lambda one: one[0])])
    expected = theirs(text.replace("<eos>", "< eos>"), add_special_tokens=False).input_ids
    found = Pieces(small_model(), "tiny").tokenise(text.replace("<eos>", "< eos>"), 64)
    assert found[: len(expected)] == expected
    assert found[len(expected) :] == [1] + [0] * (63 - len(expected))


def test_the_name_of_a_mark_in_a_prompt_is_ordinary_text() -> None:
    assert Pieces(small_model(), "tiny").tokenise("<eos><pad>", 64).count(1) == 1


def test_a_text_that_is_too_long_says_how_much_of_it_fits() -> None:
    with pytest.raises(UsageError, match=r"SigLIP 2 reads 7: the first 2 of its 5 words"):
        Pieces(small_model(), "tiny").tokenise("a red xylophone in zz", 8)


@pytest.mark.parametrize("what", ["cut short", "no model", "other marks", "a damaged piece"])
def test_another_tokenizer_is_refused(what: str) -> None:
    model = {
        "cut short": small_model()[:200],
        "no model": b"nonsense",
        "other marks": small_model(pad=1),
        "a damaged piece": small_model().replace(b"<0x41>", b"<0\xc941>"),
    }[what]
    with pytest.raises(MissingWeightsError, match="tiny is not the one of SigLIP 2"):
        Pieces(model, "tiny")


def test_without_the_package_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(NotReadyError, match="sentencepiece, which is not installed") as caught:
        Pieces(model, "tiny")
    assert "-m pip install 'sentencepiece>=" in caught.value.hint


def test_random_weights_read_bytes() -> None:
    assert byte_tokens("AB", 5) == [2 + 97, 2 + 98, 1, 0, 0]
    assert byte_tokens("a" * 99, 5) == [99, 99, 99, 99, 1]
