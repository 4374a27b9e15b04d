"""Foreign weights that were made to hurt, or were damaged on the way: one sentence, little work, the next mirror."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from generator.models.outline import outline
from generator.weights.convert import ConversionError, choose, convert
from generator.weights.foreign.checkpoint import open_checkpoint
from generator.weights.foreign.stored import CheckpointError, StoredTensor

PROTO2, STOP = b"\x80\x02", b"."
MIB, GIB = 1024**2, 1024**3


def zipped(path: Path, data: bytes, **others: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        for name, content in others.items():
            archive.writestr(f"archive/{name}", content)
    return path


def names(path: Path) -> set[str]:
    with open_checkpoint(path) as stored:
        return set(stored)


def text(words: str) -> bytes:
    return b"X" + struct.pack("<I", len(words)) + words.encode()


# ---- work


def nested_keys(width: int, depth: int) -> bytes:
    """A tuple of `width` times the same tuple of … as a key: hashing it looks at width ** depth items."""
    inner = b")q\x00"
    for level in range(1, depth + 1):
        inner += b"0(" + b"h" + bytes([level - 1]) + (b"h" + bytes([level - 1])) * (width - 1) + b"tq" + bytes([level])
    return PROTO2 + b"}" + inner + b"K\x01s" + STOP


def test_a_few_hundred_bytes_of_tuples_as_a_key_cost_nothing(tmp_path: Path) -> None:
    data = nested_keys(100, 4)
    assert len(data) < 1000
    with pytest.raises(CheckpointError, match="holds no weights"):
        names(zipped(tmp_path / "x", data))


def test_a_million_bytes_that_copy_the_same_list_again_and_again_are_stopped(tmp_path: Path) -> None:
    pairs = b"(" + b"".join(text(f"{number}") + b"K\x01\x86" for number in range(10_000)) + b"l" + b"q\x00"
    again = b"ccollections\nOrderedDict\nq\x010" + b"h\x01h\x00\x85R0" * 100_000
    with pytest.raises(CheckpointError, match="larger than that of any checkpoint"):
        names(zipped(tmp_path / "x", PROTO2 + pairs + again + STOP))


def test_a_module_that_names_itself_thirty_thousand_times_is_stopped(tmp_path: Path) -> None:
    state = b"".join(text(f"m{number}") + b"h\x00" for number in range(30_000))
    module = PROTO2 + b"c__torch__\nModule\n)\x81q\x00}(" + state + b"ub" + STOP
    with pytest.raises(CheckpointError, match="more modules than any CLIP"):
        names(zipped(tmp_path / "x", module, **{"constants.pkl": PROTO2 + b")" + STOP}))


def test_millions_of_files_in_an_archive_are_not_even_listed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        for number in range(60_000):
            archive.writestr(zipfile.ZipInfo(f"archive/data/some-long-name-{number:040d}"), b"")
    with pytest.raises(CheckpointError, match="table of contents"):
        names(tmp_path / "x")


def test_many_small_tensors_of_one_huge_storage_are_not_read_by_the_gigabyte(originals: Any, tmp_path: Path) -> None:
    """Each would have the whole storage read; counted is what is read."""
    import torch

    storage = torch.zeros(70_000_000, dtype=torch.uint8).untyped_storage()
    weights = {
        name: torch.empty(0).set_(storage, 0, tuple(one.shape), one.stride())  # type: ignore[call-overload]
        for name, one in originals.vqgan.items()
        if one.is_floating_point()
    }
    torch.save({"state_dict": weights | {n: o for n, o in originals.vqgan.items() if n not in weights}}, tmp_path / "x")
    with pytest.raises(ConversionError, match="larger than any published model"):
        convert(tmp_path / "x", "vqgan", tmp_path / "out", outline=outline)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
def test_a_network_of_others_has_eight_gibibytes_at_most(more: int, is_taken: bool) -> None:
    parts = {name: StoredTensor("U8", (size,), bytes, size) for name, size in (("a", 5 * GIB), ("b", 3 * GIB + more))}
    with contextlib.nullcontext() if is_taken else pytest.raises(ConversionError, match="larger than any published"):
        chosen, _ = choose(parts, "upscaler", "x", None)
        assert chosen == parts


@pytest.mark.parametrize(("claimed", "told"), [(64 * MIB, "damaged or cut short"), (64 * MIB + 1, "or larger than")])
def test_a_pickle_that_claims_more_than_64_mebibytes_is_not_read(tmp_path: Path, claimed: int, told: str) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("archive/data.pkl", PROTO2 + b"}" + STOP)
        info = archive.getinfo("archive/data.pkl")
        info.file_size = info.compress_size = claimed  # what the table of contents says, written at the end
    with pytest.raises(CheckpointError, match=told):
        names(tmp_path / "x")


@pytest.mark.parametrize(("size", "is_taken"), [(64 * MIB, True), (64 * MIB + 1, False)])
def test_a_tokenizer_has_64_mebibytes_at_most(tmp_path: Path, size: int, is_taken: bool) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.write(b"\n\x0e\n\x05<pad>")
        file.truncate(size)
    with contextlib.nullcontext() if is_taken else pytest.raises(CheckpointError, match="is no checkpoint"):
        assert names(tmp_path / "x") == {"pieces"}


# ---- numbers


def safetensors(path: Path, row: Any, data: bytes = bytes(16)) -> Path:
    header = json.dumps({"a": row}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [
        ([2.0, 2], [0, 16]),
        ([True, 4], [0, 16]),
        ([2**70, 0], [0, 0]),
        ([-2, -2], [0, 16]),
        ([2, 2], [0.0, 16]),
        ([2, 2], [False, 16]),
        ([2, 2], [-16, 0]),
        ([2, 2], [0, 2**63]),
        ([1] * 100, [0, 4]),
        ("22", [0, 16]),
        ({"2": 2}, [0, 8]),
        ([2**40, 2**40, 0], [0, 0]),
    ],
)
def test_sizes_in_a_safetensors_header_are_plain_bounded_numbers(
    tmp_path: Path, shape: Any, offsets: list[Any]
) -> None:
    with pytest.raises(CheckpointError):
        names(safetensors(tmp_path / "x", {"dtype": "F32", "shape": shape, "data_offsets": offsets}))


def test_the_same_header_with_good_sizes_is_read(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "x", {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]})
    with open_checkpoint(path) as stored:
        assert stored["a"].read() == bytes(16)


@pytest.mark.parametrize("length", [2**62, 2**40, 5_000_000, 9, 1, 0])
def test_a_header_length_that_is_not_true_reads_nothing(tmp_path: Path, length: int) -> None:
    (tmp_path / "x").write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError):
        names(tmp_path / "x")


def tensor(numel: bytes, shape: bytes = b"K\x02\x85", stride: bytes = b"K\x01\x85") -> bytes:
    """A state_dict with one tensor, as PyTorch writes it."""
    return (
        b"}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + numel + b"tQK\x00" + shape + stride + b"\x89NtRs"
    )


@pytest.mark.parametrize("numel", [b"\x88", b"G@\x00\x00\x00\x00\x00\x00\x00", b"J\xff\xff\xff\xff"])
@pytest.mark.parametrize("legacy", [False, True])
def test_sizes_in_a_pickle_are_plain_bounded_numbers(tmp_path: Path, numel: bytes, legacy: bool) -> None:
    body = PROTO2 + tensor(numel) + STOP
    if legacy:
        head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
        (tmp_path / "x").write_bytes(head + body + pickle.dumps(["0"], 2) + struct.pack("<q", 1) + bytes(4))
    else:
        zipped(tmp_path / "x", body, **{"data/0": bytes(8)})
    with pytest.raises(CheckpointError):
        names(tmp_path / "x")


def test_a_storage_that_claims_more_than_the_file_has_takes_no_memory(tmp_path: Path) -> None:
    huge = b"\x8a\x06" + (2**46).to_bytes(6, "little")
    path = zipped(tmp_path / "x", PROTO2 + tensor(huge) + STOP, **{"data/0": bytes(8)})
    with open_checkpoint(path) as stored, pytest.raises(CheckpointError):
        stored["a"].read()


# ---- damage


def pickle_of(path: Path) -> tuple[int, int]:
    """Where the pickle of a zipped checkpoint begins in the file, and its length."""
    with zipfile.ZipFile(path) as archive:
        info = next(info for info in archive.infolist() if info.filename.endswith("/data.pkl"))
        with path.open("rb") as file:
            file.seek(info.header_offset + 26)
            name_length, extra_length = struct.unpack("<HH", file.read(4))
    return info.header_offset + 30 + name_length + extra_length, info.file_size


@pytest.mark.parametrize("form", ["vqgan.ckpt", "legacy.ckpt", "vit.pt"])
def test_bytes_that_are_no_text_where_text_should_be(originals: Any, tmp_path: Path, form: str) -> None:
    data = bytearray(originals.write(form).read_bytes())
    place = data.index(b"weight")
    data[place : place + 4] = b"\xff\xfe\xfd\xfc"
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CheckpointError):
        names(tmp_path / "x")


@pytest.mark.parametrize("place", [8, 30, -10, -40])
def test_names_in_an_archive_that_are_no_text(originals: Any, tmp_path: Path, place: int) -> None:
    """What a directory of the archive says is damaged, in the place of flags, names and offsets."""
    data = bytearray(originals.write("vqgan.ckpt").read_bytes())
    start = data.index(b"PK\x01\x02") if place > 0 else len(data)
    data[start + place : start + place + 8] = b"\xff" * 8
    (tmp_path / "x").write_bytes(data)
    try:
        with open_checkpoint(tmp_path / "x") as stored:
            for one in stored.values():
                one.read()
    except CheckpointError as error:
        assert len(error.message) < 200  # noqa: PT017 - where the damage meets nothing that is read, all is well
