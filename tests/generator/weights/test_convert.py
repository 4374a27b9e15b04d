"""Published forms in, exactly the tensors of our networks out; wrong and damaged files named as what they are."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dreamrig.errors import FailedError, NotReadyError
from generator.models.clip import CLIP, CLIPArchitecture
from generator.models.outline import outline
from generator.models.vqgan import VQGAN, VQGANArchitecture
from generator.weights.convert import ConversionError, in_float32
from generator.weights.convert import convert as convert_by
from generator.weights.foreign.checkpoint import CarefulFile, open_checkpoint
from generator.weights.foreign.head import seems_checkpoint
from generator.weights.foreign.stored import CheckpointError

ROOT = Path(__file__).parents[3]
FORMS = [
    ("vqgan.ckpt", "vqgan", "vqgan"),
    ("legacy.ckpt", "vqgan", "vqgan"),
    ("transformer.ckpt", "vqgan", "vqgan"),
    ("gumbel.ckpt", "vqgan", "gumbel"),
    ("vit.pt", "clip", "vit"),
    ("resnet.pt", "clip", "resnet"),
]
convert = partial(convert_by, outline=outline)


@pytest.mark.parametrize(("form", "kind", "weights"), FORMS)
def test_exactly_the_tensors_of_our_network_come_out(
    originals: Any, tmp_path: Path, form: str, kind: Any, weights: str
) -> None:
    steps: list[tuple[int, int]] = []
    converted = convert(originals.write(form), kind, tmp_path / "out", lambda *step: steps.append(step))
    given: dict[str, Tensor] = getattr(originals, weights)
    found = load_file(tmp_path / "out")
    assert set(found) == {name for name in given if not name.endswith("num_batches_tracked")}
    for name, tensor in found.items():
        wanted = given[name].half() if kind == "clip" else given[name]
        assert tensor.dtype == wanted.dtype
        assert torch.equal(tensor, wanted), name
    assert converted.bytes == (tmp_path / "out").stat().st_size
    assert steps[-1][0] == steps[-1][1] < converted.bytes
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_copies_in_other_precisions_are_the_same_numbers(originals: Any, tmp_path: Path, dtype: torch.dtype) -> None:
    """OpenAI's ViT-B-32.pt is in half precision, its copies on hubs in single: the same network for a resumed run."""
    half = convert(originals.write("vit.pt"), "clip", tmp_path / "half")
    tensors = load_file(tmp_path / "half")
    found = []
    for name, changes in (("same", 0.0), ("other", 2.0**-10)):
        wide = {key: value.to(dtype) if value.is_floating_point() else value for key, value in tensors.items()}
        wide["logit_scale"] = wide["logit_scale"] + changes
        save_file(wide, tmp_path / f"{name}.safetensors")
        found.append(convert(tmp_path / f"{name}.safetensors", "clip", tmp_path / name))
    assert len({half.sha256, *(one.sha256 for one in found)}) == 3
    assert [one.numbers_sha256 == half.numbers_sha256 for one in found] == [True, False]


def test_numbers_in_bfloat16_are_read_as_torch_reads_them() -> None:
    numbers = torch.tensor([0.0, -1.5, 3e38, 1e-39, float("inf")], dtype=torch.bfloat16)
    data = numbers.view(torch.int16).numpy().tobytes()
    assert in_float32("BF16", data) == numbers.float().numpy().tobytes()


@pytest.mark.parametrize(("form", "kind", "weights"), FORMS)
def test_sizes_are_those_of_the_network_and_the_weights_load(
    originals: Any, tmp_path: Path, form: str, kind: Any, weights: str
) -> None:
    architecture = convert(originals.write(form), kind, tmp_path / "out").architecture
    made: nn.Module = (
        VQGAN(VQGANArchitecture(**architecture)) if kind == "vqgan" else CLIP(CLIPArchitecture(**architecture))
    )
    result = made.load_state_dict(load_file(tmp_path / "out"), strict=False)
    assert not result.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in result.missing_keys)


def test_our_own_files_can_be_imported_again(originals: Any, tmp_path: Path) -> None:
    first = convert(originals.write("vqgan.ckpt"), "vqgan", tmp_path / "first.safetensors")
    second = convert(tmp_path / "first.safetensors", "vqgan", tmp_path / "second.safetensors")
    assert first == second


KINDS = (
    torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
    torch.bool,
)  # fmt: skip


def _marked(parameter: nn.Parameter) -> nn.Parameter:
    parameter.mark = "kept"  # type: ignore[attr-defined]  # torch then writes it with its state
    return parameter


def test_views_and_all_kinds_of_numbers_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    base = torch.arange(24.0)
    values = {
        "transposed": base[:6].view(2, 3).T,
        "inner": base.view(4, 6)[1:3, 2:5],
        "channels_last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        **{str(kind): (torch.arange(3) > 0).to(kind) for kind in KINDS},
        "bfloat": torch.randn(5).bfloat16(),
        "parameter": nn.Parameter(torch.randn(3)),
        "parameter with a mark of its own": _marked(nn.Parameter(torch.randn(3))),
    }
    for zipped in (True, False):
        torch.save({"state_dict": values}, tmp_path / "x", _use_new_zipfile_serialization=zipped)
        with open_checkpoint(tmp_path / "x") as stored:
            assert set(stored) == set(values)
            for name, tensor in values.items():
                plain = tensor.detach().contiguous()
                wanted = plain.view(torch.int16).numpy() if name == "bfloat" else plain.numpy()
                assert stored[name].shape == tuple(tensor.shape)
                assert stored[name].read() == wanted.tobytes(), name


def test_the_numbers_of_a_written_file_begin_at_a_multiple_of_eight(originals: Any, tmp_path: Path) -> None:
    """As the format asks for, whatever the length of the names: https://github.com/huggingface/safetensors#format."""
    for form, kind, _ in FORMS:
        convert(originals.write(form), kind, tmp_path / form)
        head = int.from_bytes((tmp_path / form).read_bytes()[:8], "little")
        assert head % 8 == 0, form


@pytest.mark.parametrize("asked", [None, -1, 5])
def test_a_piece_larger_than_allowed_is_refused_however_it_is_asked_for(tmp_path: Path, asked: int | None) -> None:
    (tmp_path / "x").write_bytes(b"12345678")
    with CarefulFile(tmp_path / "x") as file:
        file.most_bytes = 4
        with pytest.raises(CheckpointError, match="larger than that of any"):
            file.read(asked)
        file.most_bytes = 8
        assert file.read(asked) == b"12345678"[: 8 if asked in (None, -1) else asked]


def test_a_length_of_four_gigabytes_is_no_head_of_a_checkpoint() -> None:
    assert seems_checkpoint((2**32 - 1).to_bytes(8, "little") + b"{")
    assert not seems_checkpoint((2**32).to_bytes(8, "little") + b"{")
    assert not seems_checkpoint((8).to_bytes(8, "little"))


# ---- what is no checkpoint


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html><head><title> Login  </title>", "it is a web page with the title 'Login'"),
        (b"\n\n  <HTML><body>404", "it is a web page"),
        (b'<?xml version="1.0"?><Error>', "it is an XML document"),
        (b'{"error": "not found"}', "it is a JSON document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (b"\x00\x01\x02\x03", "it begins with"),
    ],
)
def test_a_file_that_is_none_is_named_as_what_it_is(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "last.ckpt").write_bytes(data)
    with pytest.raises(CheckpointError, match=f"last.ckpt is no checkpoint: {words}"):
        convert(tmp_path / "last.ckpt", "vqgan", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["vqgan.ckpt", "legacy.ckpt", "vit.pt"])
def test_a_file_cut_short_anywhere_is_refused(originals: Any, tmp_path: Path, form: str) -> None:
    data = originals.write(form).read_bytes()
    for share in (0.0001, 0.01, 0.3, 0.9, 0.9999):
        (tmp_path / "cut").write_bytes(data[: max(8, int(len(data) * share))])
        with pytest.raises(FailedError):
            convert(tmp_path / "cut", "clip" if form == "vit.pt" else "vqgan", tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["cut"]


def test_a_changed_byte_in_a_zip_archive_is_found(originals: Any, tmp_path: Path) -> None:
    data = bytearray(originals.write("vqgan.ckpt").read_bytes())
    with zipfile.ZipFile(originals.write("vqgan.ckpt")) as archive:
        biggest = max(archive.infolist(), key=lambda info: info.file_size)
    data[biggest.header_offset + 1000] ^= 1
    (tmp_path / "changed").write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        convert(tmp_path / "changed", "vqgan", tmp_path / "out")


def test_the_wrong_model_is_named(originals: Any, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="is no checkpoint of a CLIP") as caught:
        convert(originals.write("vqgan.ckpt"), "clip", tmp_path / "out")
    assert caught.value.hint == "it seems to be the checkpoint of a VQGAN"
    torch.save({"a": torch.ones(3)}, tmp_path / "other")
    with pytest.raises(ConversionError, match=r"lacks encoder.conv_in.weight"):
        convert(tmp_path / "other", "vqgan", tmp_path / "out")


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_a_missing_or_misshapen_tensor_is_named(originals: Any, tmp_path: Path, change: str) -> None:
    weights = dict(originals.vqgan)
    if change == "missing":
        del weights["decoder.norm_out.weight"]
    else:
        weights["decoder.norm_out.weight"] = torch.ones(7)
    torch.save({"state_dict": weights}, tmp_path / "bad")
    with pytest.raises(ConversionError, match=r"tensor decoder\.norm_out\.weight"):
        convert(tmp_path / "bad", "vqgan", tmp_path / "out")


def test_no_tensors_at_all(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "epoch": 3}, tmp_path / "bare")
    with pytest.raises(CheckpointError, match="has no tensors"):
        convert(tmp_path / "bare", "vqgan", tmp_path / "out")
    torch.save([1, 2], tmp_path / "list")
    with pytest.raises(CheckpointError, match="no state_dict"):
        convert(tmp_path / "list", "vqgan", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match="none that PyTorch wrote"):
        convert(tmp_path / "zip", "vqgan", tmp_path / "out")


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(4.0)}, tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "good") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in files if name.endswith("data.pkl"))
    assert files[pickled].count(b"K\x04\x85") == 1  # the shape (4,)
    files[pickled] = files[pickled].replace(b"K\x04\x85", b"K\x09\x85")
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with open_checkpoint(tmp_path / "bad") as stored, pytest.raises(CheckpointError, match="beyond"):
        stored["a"].read()


def test_a_tensor_that_repeats_its_numbers_is_refused(tmp_path: Path) -> None:
    """No weights do, and a few bytes could stand for any number of them."""
    torch.save({"a": torch.ones(1).expand(1_000_000, 1_000_000)}, tmp_path / "bad")
    with open_checkpoint(tmp_path / "bad") as stored, pytest.raises(CheckpointError, match="beyond"):
        stored["a"].read()


def test_a_compressed_archive_cannot_swell_up(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "good") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(CheckpointError, match="compressed"), open_checkpoint(tmp_path / "bomb"):
        pass


@pytest.mark.parametrize(
    "header", [b"{", b"[]", b'{"a":1}', b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,400]}}', b"[" * 100_000]
)
def test_damaged_safetensors_are_refused(tmp_path: Path, header: bytes) -> None:
    if header.startswith(b"["):
        header = b'{"a":' + header + b"}"
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(CheckpointError, match="damaged or cut short"), open_checkpoint(tmp_path / "x.safetensors"):
        pass


# ---- memory and disk


def test_memory_stays_at_one_tensor(tmp_path: Path) -> None:
    """An original of 400 MB with 150 MB of weights, converted in a process that may hold 64 MiB more than it does."""
    weights = {f"w{number}": torch.full((2500, 1000), float(number)) for number in range(15)}
    torch.save({"state_dict": weights, "rest": torch.zeros(62_500_000)}, tmp_path / "big.ckpt")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from generator.weights.foreign.checkpoint import open_checkpoint; from generator.weights import convert\n"
        "import numpy\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with open_checkpoint(folder / 'big.ckpt') as stored:\n"
        "    convert._write_whole(folder / 'out', stored, lambda *_: None, lambda: None)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    grown_kib, has_torch = ended.stdout.split()
    assert int(grown_kib) < 64 * 1024
    assert has_torch == "False"
    assert (tmp_path / "out").stat().st_size > 150_000_000
    found = load_file(tmp_path / "out")
    assert all(bool((found[f"w{number}"] == number).all()) for number in range(15))


def test_a_limit_of_the_file_system_leaves_nothing_behind(originals: Any, tmp_path: Path) -> None:
    original = originals.write("vqgan.ckpt")
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from generator.models.outline import outline; import generator.models.vqgan\n"
        "from generator.weights.convert import convert\n"
        "from dreamrig.errors import RigError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"try: convert(Path({str(original)!r}), 'vqgan', Path({str(tmp_path / 'out')!r}), outline=outline)\n"
        "except RigError as error: print(type(error).__name__, error.message)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert re.match(r"NotReadyError Cannot write .*out\b", ended.stdout), ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_the_file_and_leaves_nothing_behind(originals: Any, tmp_path: Path) -> None:
    def fill(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NotReadyError, match=r"Cannot write .*out: the disk is full"):
        convert(originals.write("vqgan.ckpt"), "vqgan", tmp_path / "out", fill)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(originals: Any, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(originals.write("vqgan.ckpt"), "vqgan", tmp_path / "out", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_torchscript_names_are_those_of_torch_itself(originals: Any) -> None:
    """torch.jit.load runs the file's code and is no part of the tool; here it is the oracle."""
    path = originals.write("vit.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        known = torch.jit.load(str(path)).state_dict()
    assert {"input_resolution", "visual.transformer.resblocks.1.attn.in_proj_weight"} <= set(known)
    with open_checkpoint(path) as stored:
        assert set(known) <= set(stored)
        for name, tensor in known.items():
            assert stored[name].shape == tuple(tensor.shape)
            assert stored[name].read() == tensor.detach().contiguous().numpy().tobytes(), name
