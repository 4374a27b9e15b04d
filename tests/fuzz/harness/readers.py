"""Every reader of outside data as a function of bytes, what it may raise, and good files to begin with."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench.result.reading import parse_json
from dreamrig.documents import DocumentError, parse_object, parse_toml
from dreamrig.errors import RigError
from generator.config import GenerateConfig
from generator.front.prove.file import read_proof
from generator.front.video.keyframes import read_keyframes
from generator.front.video.pictures import read_upright
from generator.pictures.formats import encode_picture
from generator.pictures.opening import open_picture
from generator.pictures.reading import read_recipe
from generator.pictures.recipe import Recipe
from generator.runs.folder import load_run
from generator.state import state_from_bytes
from generator.weights.foreign.checkpoint import open_checkpoint
from generator.wishes import prompts
from generator.wishes.seeds import parse_seed
from generator.work.batch_file import read_batch
from generator.work.settings_file import read_config
from provision.facts.facts import load_facts
from provision.facts.wslconf import read_wsl_conf, read_wslconfig

SEEDS = Path(__file__).parents[1].joinpath("seeds")


@dataclass(frozen=True)
class Reader:
    """One way in."""

    read: Callable[[bytes, Path], object]
    """(content, a file with that content)."""
    may_raise: tuple[type[Exception], ...]
    good: Callable[[], list[bytes]]
    suffix: str = ""


def _checkpoint(data: bytes, file: Path) -> None:
    with open_checkpoint(file) as stored:
        for one in list(stored.values())[:50]:
            one.read()


def _record(data: bytes, file: Path) -> None:
    (file.parent / "run.json").write_bytes(data)
    load_run(file.parent)


def _words(data: bytes, file: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for parse in (prompts.parse, prompts.parse_pictures, prompts.parse_noise, prompts.parse_masks, parse_seed):
        try:
            parse(text)
        except RigError:
            continue


def good_checkpoints() -> list[bytes]:
    """The four forms, small: a zip archive, a TorchScript, consecutive pickles, safetensors."""
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00"
        b"\x00\x00cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    state = b"\x80\x02}X\x06\x00\x00\x00weight" + tensor + b"s."
    module = b"\x80\x02c__torch__\nModule\n)\x81}X\x06\x00\x00\x00weight" + tensor + b"sb."
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    legacy = head + state + pickle.dumps(["0"], 2) + (2).to_bytes(8, "little") + bytes(8)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    safetensors = len(header).to_bytes(8, "little") + header + bytes(8)
    noise = pickle.dumps({"state_dict": OrderedDict(a=[1, 2.5, "x"]), "callbacks": {"k": (1, 2)}}, 2)
    return [_zip(state), _zip(module, "constants.pkl"), legacy, safetensors, _zip(noise)]


def _zip(data: bytes, *others: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (("data.pkl", data), ("data/0", bytes(8)), *((other, b"\x80\x02).") for other in others)):
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def good_pictures() -> list[bytes]:
    """A picture of ours in each format, and some of others."""
    picture = Image.new("RGB", (16, 8), "red")
    recipe = Recipe(config=GenerateConfig(prompt="sea").to_dict())
    found = [encode_picture(picture, recipe, suffix) for suffix in (".png", ".jpg", ".webp")]
    for mode, kind in (("P", "GIF"), ("CMYK", "TIFF"), ("I;16", "PNG"), ("RGBA", "PNG")):
        buffer = io.BytesIO()
        Image.new(mode, (16, 8)).save(buffer, kind)
        found.append(buffer.getvalue())
    mp4 = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + b"\0\0\0\x10moov\0\0\0\x08udta"
    return [*found, mp4]


def good_proofs() -> list[bytes]:
    """A proof without a drawing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("proof.json", json.dumps({"schema": 1, "subjects": [{"name": "toy", "curves": []}]}))
    return [buffer.getvalue()]


def _json(*documents: object) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(document).encode() for document in documents]


BEATS = b'# a song\n0 dawn\n0:02.5, noon\n"7.25",night\n'
RUN = {"schema": 1, "prompt": "sea", "seed": 1, "steps": 9, "status": "done", "created_at": "2026-05-04T12:00:00+00:00"}
TOML = b'prompt = "sea"\nsteps = 10\n[[picture]]\nprompt = "sun"\nseed = 3\n'
CONF = b"[boot]\nsystemd=true\n[wsl2]\nmemory=8GB\nkernelCommandLine = a b\n"

READERS: dict[str, Reader] = {
    "checkpoint": Reader(_checkpoint, (RigError,), good_checkpoints, ".ckpt"),
    "recipe": Reader(lambda data, file: read_recipe(file), (RigError,), good_pictures, ".png"),
    "picture": Reader(lambda data, file: open_picture(str(file), "RGB"), (RigError,), good_pictures, ".png"),
    "state": Reader(lambda data, file: state_from_bytes(data), (RigError,), good_checkpoints),
    "record": Reader(_record, (ValueError,), _json(RUN, {**RUN, "number": 3, "kind": "film"})),
    "json": Reader(lambda data, file: parse_object(data), (DocumentError,), _json(RUN, {"a": [1, {"b": None}]})),
    "toml": Reader(lambda data, file: parse_toml(data), (DocumentError,), lambda: [TOML]),
    "settings": Reader(lambda data, file: read_config(file), (RigError,), lambda: [TOML], ".toml"),
    "batch": Reader(lambda data, file: read_batch(file), (RigError,), lambda: [TOML], ".toml"),
    "lines": Reader(lambda data, file: read_batch(file), (RigError,), lambda: [b"sea\n# no\na {red,blue}\n"], ".txt"),
    "beats": Reader(lambda data, file: read_keyframes(file), (RigError,), lambda: [BEATS], ".txt"),
    "beats-csv": Reader(lambda data, file: read_keyframes(file), (RigError,), lambda: [BEATS], ".csv"),
    "beats-json": Reader(lambda data, file: read_keyframes(file), (RigError,), _json({"0": "dawn"}), ".json"),
    "frame": Reader(lambda data, file: read_upright(file), (RigError,), good_pictures, ".png"),
    "proof": Reader(lambda data, file: read_proof(file), (RigError,), good_proofs, ".zip"),
    "result": Reader(lambda data, file: parse_json(data, "x"), (RigError,), _json(RUN)),
    "facts": Reader(lambda data, file: load_facts(file), (RigError,), _json({"schema": 1, "facts": {}}), ".json"),
    "wslconfig": Reader(lambda data, file: read_wslconfig(data), (), lambda: [CONF, CONF.decode().encode("utf-16")]),
    "wslconf": Reader(lambda data, file: read_wsl_conf(data), (), lambda: [CONF]),
    "words": Reader(_words, (), lambda: [b"sunset:2 | boat @left:-1 ^ fog:0.5:1", b"sky=a.png | sea=b.png", b"42:0.5"]),
}


def seeds_of(name: str) -> list[bytes]:
    """Kept faults first, then good files."""
    kept = sorted((SEEDS / name).glob("*")) if (SEEDS / name).is_dir() else []
    return [file.read_bytes() for file in kept] + READERS[name].good()
