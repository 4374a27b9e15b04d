"""Checkpoints of the published forms, tiny and random, and a server on loopback that serves them well or badly."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from generator.models.clip import CLIP, CLIPArchitecture
from generator.models.full import load_full
from generator.models.vqgan import VQGAN, VQGANArchitecture
from generator.weights.door import WeightsDoor
from generator.work.door import GeneratorDoor

TINY_VQGAN = VQGANArchitecture(
    codes=16, channels=32, multipliers=(1, 2), res_blocks=1, attention_levels=(1,), code_width=8, z_channels=6
)
TINY_GUMBEL = VQGANArchitecture(
    codes=16,
    channels=32,
    multipliers=(1, 1),
    res_blocks=1,
    attention_levels=(1,),
    code_width=8,
    z_channels=8,
    gumbel=True,
)
TINY_VIT = CLIPArchitecture(
    width=16, side=8, image_width=64, patch=4, image_layers=(2,), text_width=64, text_layers=1, tokens=49408
)
TINY_RESNET = CLIPArchitecture(
    width=16, side=32, image_width=8, image_layers=(1, 1, 1, 1), text_width=64, text_layers=1, tokens=40
)


def upscaler_of(reads: int = 3) -> dict[str, Tensor]:
    """A large upscaler of Real-ESRGAN with one block of 4 channels, named as basicsr's rrdbnet_arch.py names it."""
    sides = {"conv_first": (4, reads), "conv_last": (3, 4)}
    sides |= dict.fromkeys(("conv_body", "conv_up1", "conv_up2", "conv_hr"), (4, 4))
    for dense in ("rdb1", "rdb2", "rdb3"):
        grown = {"conv1": (2, 4), "conv2": (2, 6), "conv3": (2, 8), "conv4": (2, 10), "conv5": (4, 12)}
        sides |= {f"body.0.{dense}.{name}": side for name, side in grown.items()}
    return {
        f"{name}.{what}": torch.randn(shape, generator=torch.Generator().manual_seed(7))
        for name, (gives, has) in sides.items()
        for what, shape in (("weight", (gives, has, 3, 3)), ("bias", (gives,)))
    }


def random_weights(network: nn.Module) -> dict[str, Tensor]:
    """Weights that no two tensors share."""
    generator = torch.Generator().manual_seed(5)
    return {
        name: torch.randn(one.shape, generator=generator) * 0.1 if one.is_floating_point() else torch.tensor(3)
        for name, one in network.state_dict().items()
    }


class Callback:
    """Stands for what Lightning puts into its checkpoints besides the weights."""

    def __init__(self) -> None:
        self.best = torch.tensor(1.5)


def lightning(path: Path, weights: dict[str, Tensor], prefix: str = "", *, zipped: bool = True) -> Path:
    """What Lightning saves: the weights among discriminator, perceptual loss, optimiser, callbacks and settings."""
    others = {
        "loss.discriminator.main.0.weight": torch.randn(4, 3, 4, 4),
        "loss.perceptual_loss.net.slice1.0.weight": torch.randn(4, 3, 3, 3),
        "cond_stage_model.encoder.conv_in.weight": torch.randn(2, 3),
        "transformer.blocks.0.mlp.0.weight": torch.randn(8, 4),
    }
    document = {
        "epoch": 12,
        "global_step": 100_001,
        "pytorch-lightning_version": "1.0.8",
        "state_dict": OrderedDict({f"{prefix}{name}": one for name, one in weights.items()} | others),
        "callbacks": {Callback: Callback()},
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.randn(5)}}, "param_groups": [{"lr": 4.5e-6}]}],
        "lr_schedulers": [],
        "hyper_parameters": OrderedDict(embed_dim=256, ddconfig={"ch_mult": [1, 1, 2]}),
    }
    torch.save(document, path, _use_new_zipfile_serialization=zipped)
    return path


class Holder(nn.Module):
    """A module with these tensors at their places, for TorchScript; forward is only there to be traced."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        inner: dict[str, dict[str, Tensor]] = {}
        for name, one in tensors.items():
            first, _, rest = name.partition(".")
            if rest:
                inner.setdefault(first, {})[rest] = one
            elif one.is_floating_point() and not first.startswith("running_"):
                self.register_parameter(first, nn.Parameter(one))
            else:
                self.register_buffer(first, one)
        for first, rest_tensors in inner.items():
            self.add_module(first, Holder(rest_tensors))

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.ones(2, 2)


def torchscript(path: Path, weights: dict[str, Tensor]) -> Path:
    """What OpenAI published: a traced module in half precision, with three numbers and a mask besides the weights."""
    halves = {name: one.half() if one.is_floating_point() else one for name, one in weights.items()}
    extras = {"input_resolution": torch.tensor(8), "context_length": torch.tensor(77), "vocab_size": torch.tensor(40)}
    mask = {"transformer.resblocks.0.attn_mask": torch.ones(3, 3)}
    with warnings.catch_warnings():  # the form is of 2021, and deprecated since
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(Holder(halves | extras | mask), torch.ones(1, 2)).save(str(path))
    return path


@dataclass
class Originals:
    """Checkpoints of tiny networks, written on demand."""

    folder: Path
    vqgan: dict[str, Tensor] = field(default_factory=lambda: random_weights(VQGAN(TINY_VQGAN)))
    gumbel: dict[str, Tensor] = field(default_factory=lambda: random_weights(VQGAN(TINY_GUMBEL)))
    vit: dict[str, Tensor] = field(default_factory=lambda: random_weights(CLIP(TINY_VIT)))
    resnet: dict[str, Tensor] = field(default_factory=lambda: random_weights(CLIP(TINY_RESNET)))

    def write(self, form: str) -> Path:
        path = self.folder / form
        if not path.exists():
            _FORMS[form](self, path)
        return path


_FORMS: dict[str, Callable[[Originals, Path], Path]] = {
    "vqgan.ckpt": lambda self, path: lightning(path, self.vqgan),
    "legacy.ckpt": lambda self, path: lightning(path, self.vqgan, zipped=False),
    "transformer.ckpt": lambda self, path: lightning(path, self.vqgan, "first_stage_model."),
    "gumbel.ckpt": lambda self, path: lightning(path, self.gumbel),
    "vit.pt": lambda self, path: torchscript(path, self.vit),
    "resnet.pt": lambda self, path: torchscript(path, self.resnet),
}


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    return Originals(tmp_path_factory.mktemp("originals"))


@pytest.fixture
def upscaler() -> Callable[..., dict[str, Tensor]]:
    """Makes the tensors of a small upscaler; reads = the channels that its first layer reads."""
    return upscaler_of


# ---- the server


@dataclass
class Served:
    """A file, and how it is served."""

    data: bytes = b""
    drops: list[int] = field(default_factory=list)
    """Bytes after which the next answers end, one after the other; then none ends early."""
    ranges: bool = True
    etag: str | None = '"1"'
    length: int | None = None
    """A Content-Length that is not true."""
    tells_length: bool = True
    content_type: str = "application/octet-stream"
    status: int = 200
    moved_to: str = ""
    range_start: int | None = None
    """The start that a 206 claims instead of the one asked for."""
    encoding: str = ""
    block_seconds: float = 0.0
    """Pause after every 64 KiB."""


class Server:
    """Files by path, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, str | None]] = []
        """(path, Range header)."""
        self.conditions: list[tuple[str, str | None]] = []
        """(path, If-Range header)."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Range")))
                server.conditions.append((self.path, self.headers.get("If-Range")))
                serve(self, server.files.get(self.path, Served(status=404)))

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def put(self, path: str, served: Served) -> str:
        self.files[path] = served
        return self.url(path)


def serve(handler: BaseHTTPRequestHandler, served: Served) -> None:
    """One answer."""
    handler.close_connection = True
    data, asked, start = served.data, handler.headers.get("Range"), 0
    if served.moved_to or served.status != 200:
        handler.send_response(served.status)
        if served.moved_to:
            handler.send_header("Location", served.moved_to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    is_same = handler.headers.get("If-Range") in (None, served.etag)
    if asked and served.ranges and is_same:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(data):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(data)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        claimed = start if served.range_start is None else served.range_start
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {claimed}-{len(data) - 1}/{len(data)}")
    else:
        handler.send_response(200)
    if served.tells_length:
        length = served.length if served.length is not None else len(data) - start
        handler.send_header("Content-Length", str(length))
    if served.etag:
        handler.send_header("ETag", served.etag)
    if served.encoding:
        handler.send_header("Content-Encoding", served.encoding)
    handler.send_header("Content-Type", served.content_type)
    handler.end_headers()
    end = start + served.drops.pop(0) if served.drops else len(data)
    _send(handler, data[start:end], served.block_seconds)


def _send(handler: BaseHTTPRequestHandler, data: bytes, block_seconds: float) -> None:
    pause = threading.Event()
    try:
        for first in range(0, len(data), 65536):
            handler.wfile.write(data[first : first + 65536])
            if block_seconds:
                handler.wfile.flush()
                pause.wait(block_seconds)
    except OSError:  # the client has gone
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def served() -> type[Served]:
    return Served


@pytest.fixture
def make_registry(tmp_path: Path) -> Callable[..., Path]:
    """A registry file: name -> (kind, sources)."""

    def make(**rows: tuple[str, list[dict[str, Any]]]) -> Path:
        words = {"licence": "none stated", "trained_on": "random numbers", "terms": "Not for looking at."}
        weights = {
            name: {"kind": kind, **words, "approximate_mib": 1, "sources": sources}
            for name, (kind, sources) in rows.items()
        }
        path = tmp_path / "registry.json"
        path.write_text(json.dumps({"schema": 1, "weights": weights}))
        return path

    return make


@pytest.fixture
def two_served(
    server: Server, served: type[Served], source: Callable[..., dict[str, Any]], originals: Originals
) -> dict[str, Any]:
    """The rows of a registry with a VQGAN and a CLIP that are served."""
    rows: dict[str, Any] = {}
    for name, kind, form in (("tiny-vqgan", "vqgan", "vqgan.ckpt"), ("tiny/clip@8px", "clip", "vit.pt")):
        data = originals.write(form).read_bytes()
        rows[name] = (kind, [source(server.put(f"/{form}", served(data)), data)])
    return rows


@pytest.fixture
def person_at() -> Callable[[Path, io.StringIO, bool | None], GeneratorDoor]:
    """(registry file, where is talked, what the person says) -> a door to networks of that registry, on the CPU."""

    def door(file: Path, talk: io.StringIO, answer: bool | None) -> GeneratorDoor:
        weights = WeightsDoor(
            ask=lambda question: answer, registry_file=file, stderr=lambda: Console(file=talk, width=100)
        )
        return GeneratorDoor(
            load_models=lambda config: load_full(config, torch.device("cpu")),
            stderr=lambda: Console(file=talk, width=100),
            environ={},
            weights=lambda: weights,
        )

    return door


class Terminal(io.StringIO):
    """Where a person looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal() -> type[Terminal]:
    """Makes one that nobody has written to yet."""
    return Terminal


@pytest.fixture
def source() -> Callable[..., dict[str, Any]]:
    """A source row for these bytes; known=False leaves hash and size open."""

    def make(url: str, data: bytes = b"", *, known: bool = True) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest() if known else None
        return {"url": url, "sha256": sha256, "bytes": len(data) if known else None}

    return make


@pytest.fixture
def data(originals: Any) -> bytes:
    """A published checkpoint of a VQGAN."""
    return bytes(originals.write("vqgan.ckpt").read_bytes())


@pytest.fixture
def talk() -> list[str]:
    """What a fetch says, sentence by sentence."""
    return []
