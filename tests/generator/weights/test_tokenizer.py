"""A tokenizer goes the way of weights: fetched, checked, kept as one tensor of bytes; with the guide that needs it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from generator.front.cli.weights import weights
from generator.models.outline import outline
from generator.weights.convert import ConversionError, convert
from generator.weights.door import WeightsDoor
from generator.weights.foreign.checkpoint import LARGEST_PIECES_BYTES
from generator.weights.foreign.head import first_pieces
from generator.weights.foreign.stored import CheckpointError
from generator.weights.registry import entries

PAD, END = (b"\n\x0e\n\x05" + mark + b"\x15\x00\x00\x00\x00\x18\x03" for mark in (b"<pad>", b"<eos>"))
MODEL = PAD + END + bytes(range(256)) * 8
"""As SentencePiece's models begin; what follows is not looked at here."""

Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture
def door(
    tmp_path: Path, server: Any, served: Any, source: Any, originals: Any, make_registry: Callable[..., Path]
) -> WeightsDoor:
    """A CLIP that needs a tokenizer, both on loopback."""
    clip = originals.write("vit.pt").read_bytes()
    file = make_registry(
        guide=("clip", [source(server.put("/clip", served(clip)), clip)]),
        reader=("tokenizer", [source(server.put("/model", served(MODEL)), MODEL)]),
    )
    document = json.loads(file.read_text())
    document["weights"]["guide"]["needs"] = ["reader"]
    file.write_text(json.dumps(document))
    entries.cache_clear()
    return WeightsDoor(registry_file=file, weights_folder=lambda: tmp_path / "weights")


def test_a_guide_is_fetched_with_what_it_reads_by(door: WeightsDoor, answer_of: Answer, tmp_path: Path) -> None:
    code, out, err = answer_of(lambda: weights(["fetch", "guide", "--yes"], door), io.StringIO())
    assert code == 0, err
    assert "guide: fetched and converted" in out
    assert "reader: fetched and converted" in out
    assert "use it    with a guide that reads by it" in out
    kept = load_file(tmp_path / "weights" / "reader" / "model.safetensors")
    assert bytes(kept["pieces"].tolist()) == MODEL
    code, out, _ = answer_of(lambda: weights(["list"], door), io.StringIO())
    assert "Tokenizer, which reads for SigLIP 2:\n  reader  ready" in out
    code, out, _ = answer_of(lambda: weights(["verify"], door), io.StringIO())
    assert (code, out) == (0, "guide: good\nreader: good\n")


def test_a_guide_without_it_says_what_is_missing(
    door: WeightsDoor, answer_of: Answer, tmp_path: Path, originals: Any
) -> None:
    file = originals.write("vit.pt")
    code, out, _ = answer_of(lambda: weights(["import", str(file), "--as", "guide"], door), io.StringIO())
    assert code == 0
    assert "needs     reader too: dreamrig weights fetch reader" in out
    (tmp_path / "tokenizer.model").write_bytes(MODEL)
    words = ["import", str(tmp_path / "tokenizer.model"), "--as", "reader"]
    code, out, _ = answer_of(lambda: weights(words, door), io.StringIO())
    assert (code, "reader: imported" in out) == (0, True)


def test_a_tokenizer_is_no_clip_and_a_clip_no_tokenizer(tmp_path: Path, originals: Any) -> None:
    (tmp_path / "tokenizer.model").write_bytes(MODEL)
    with pytest.raises(ConversionError, match="is no checkpoint of a CLIP") as caught:
        convert(tmp_path / "tokenizer.model", "clip", tmp_path / "out", outline=outline)
    assert caught.value.hint == "it seems to be the tokenizer of SentencePiece"
    with pytest.raises(ConversionError, match="is no tokenizer of SentencePiece"):
        convert(originals.write("vit.pt"), "tokenizer", tmp_path / "out", outline=outline)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (PAD + PAD, "<pad> and <pad>"),
        (PAD, "<pad>"),
        (PAD + END[:6], "<pad> and <e"),
        (PAD + b"\n\xff\xff" * 9, "<pad>"),
    ],
)
def test_the_tokenizer_of_another_model_is_refused(tmp_path: Path, pieces: bytes, said: str) -> None:
    """T5's goes on with </s>: it reads texts, but not as SigLIP 2 was taught."""
    (tmp_path / "t5.model").write_bytes(pieces)
    with pytest.raises(ConversionError, match=f"t5.model is no tokenizer of SigLIP 2: its first pieces are {said}"):
        convert(tmp_path / "t5.model", "tokenizer", tmp_path / "out", outline=outline)
    assert not (tmp_path / "out").exists()


def test_what_sentencepiece_itself_writes_is_read(tmp_path: Path) -> None:
    package = pytest.importorskip("sentencepiece", reason="the extra [siglip]")
    out = io.BytesIO()
    package.SentencePieceTrainer.train(
        sentence_iterator=iter(["a red fox in the snow"] * 4), model_writer=out, model_type="bpe", vocab_size=40,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", hard_vocab_limit=False,
        minloglevel=2, num_threads=1,
    )  # fmt: skip
    assert first_pieces(out.getvalue(), 3) == ("<pad>", "<eos>", "<s>")


@pytest.mark.parametrize("data", [b"\n<html>", b"\n \n \n<pad>", b"{}"])
def test_what_begins_otherwise_is_no_tokenizer(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(data * 400)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        convert(tmp_path / "tokenizer.json", "tokenizer", tmp_path / "out", outline=outline)


def test_one_as_large_as_a_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(MODEL)
    with path.open("r+b") as file:
        file.truncate(LARGEST_PIECES_BYTES + 1)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        convert(path, "tokenizer", tmp_path / "out", outline=outline)
