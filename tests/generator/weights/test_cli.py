"""`dreamrig weights` end to end: from a server on loopback to one step of a picture, and killed at every point."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from rich.console import Console

from dreamrig.cli import COMMANDS
from dreamrig.commands import load
from dreamrig.errors import NotReadyError
from generator.config import GenerateConfig
from generator.engine.loop import generate
from generator.events import Finished, Step
from generator.front.cli.weights import weights
from generator.models.full import load_full
from generator.models.outline import outline
from generator.weights import registry
from generator.weights import store as weights_store
from generator.weights.convert import TEMPORARY_HEAD
from generator.weights.door import WeightsDoor
from generator.weights.registry import converted_tensors, entries, is_ready

SCRIPT = Path(__file__).with_name("fetch_process.py")
ROOT = Path(__file__).parents[3]
MIB = 1024 * 1024


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        document = json.loads(self.out)
        assert (document["schema"], document["command"]) == (1, "weights")
        return document["data"]


Command = Callable[..., Answer]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(make_registry: Callable[..., Path], server: Any, served: Any, source: Any, originals: Any) -> Path:
    """A registry of four models, each served under its own name."""
    rows: dict[str, Any] = {}
    for name, kind, form in (
        ("tiny-vqgan", "vqgan", "vqgan.ckpt"),
        ("tiny-gumbel", "vqgan", "gumbel.ckpt"),
        ("tiny/clip@8px", "clip", "vit.pt"),
        ("tiny-unknown", "vqgan", "legacy.ckpt"),
    ):
        data = originals.write(form).read_bytes()
        url = server.put(f"/{form}", served(data))
        rows[name] = (kind, [source(url, data, known=name != "tiny-unknown")])
    path = make_registry(**rows)
    entries.cache_clear()
    return path


@pytest.fixture
def command(home: Path, file: Path, answer_of: Callable[..., tuple[int, str, str]]) -> Command:
    """Run `dreamrig weights` in process; an error comes back as its code, message and hint."""

    def run(*args: str, **changes: Any) -> Answer:
        talk = io.StringIO()
        outside: dict[str, Any] = {
            "stderr": lambda: Console(file=talk, width=100),
            "ask": lambda question: None,
            "sleep": lambda seconds: None,
            "registry_file": file,
        }
        return Answer(*answer_of(lambda: weights(list(args), WeightsDoor(**(outside | changes))), talk))

    return run


def folder_of(home: Path, name: str = "tiny-vqgan") -> Path:
    return home / "weights" / name


# ---- the whole way


def test_from_the_network_to_one_step_of_a_picture(command: Command, home: Path, originals: Any) -> None:
    answer = command("fetch", "tiny-vqgan", "tiny/clip@8px", "--yes")
    assert answer.code == 0
    assert answer.out.count("fetched and converted") == 2
    assert "--model tiny-vqgan" in answer.out
    assert "--guides tiny/clip@8px" in answer.out
    config = GenerateConfig(
        prompt="sunset over the sea",
        model="tiny-vqgan",
        guides="tiny/clip@8px",
        width=32,
        height=16,
        steps=1,
        cutouts=2,
        start="noise",
        threads=1,
    )
    models = load_full(config, torch.device("cpu"), home / "weights")
    assert torch.equal(models.image.codebook, originals.vqgan["quantize.embedding.weight"])
    events = list(generate(config, models, available_mib=10_000))
    assert any(isinstance(event, Step) and event.loss() > 0 for event in events)
    assert isinstance(events[-1], Finished)
    assert events[-1].image().shape == (3, 16, 32)


def test_a_gumbel_codebook_goes_the_same_way(command: Command, home: Path, originals: Any) -> None:
    assert command("fetch", "tiny-gumbel", "tiny/clip@8px", "--yes").code == 0
    config = GenerateConfig(
        prompt="x", model="tiny-gumbel", guides="tiny/clip@8px", width=16, height=16, steps=1, cutouts=2, start="noise"
    )
    models = load_full(config, torch.device("cpu"), home / "weights")
    assert torch.equal(models.image.codebook, originals.gumbel["quantize.embed.weight"])
    assert isinstance(list(generate(config, models, available_mib=10_000))[-1], Finished)


def test_what_is_on_disk_and_noted(command: Command, home: Path, originals: Any, file: Path) -> None:
    command("fetch", "tiny-vqgan", "--yes")
    folder = folder_of(home)
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "meta.json", ".lock"}
    meta = json.loads((folder / "meta.json").read_text())
    data = originals.write("vqgan.ckpt").read_bytes()
    assert meta["sha256"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert meta["original_sha256"] == hashlib.sha256(data).hexdigest()
    assert meta["original_bytes"] == len(data)
    assert meta["source"] == entries(file)["tiny-vqgan"].sources[0].url
    assert meta["is_published"] is True
    assert meta["licence"] == "none stated"
    assert meta["architecture"]["codes"] == 16
    found = converted_tensors("tiny-vqgan", home / "weights")
    assert all(tensor.dtype == torch.float32 for tensor in found.values())
    assert all(torch.equal(tensor, originals.vqgan[name]) for name, tensor in found.items())


# ---- terms


def test_terms_are_shown_and_nothing_is_fetched_before_they_are_accepted(
    command: Command, home: Path, server: Any
) -> None:
    answer = command("fetch", "tiny-vqgan")
    assert answer.code == 2
    assert re.search(r"licence +none stated\n +trained on +random numbers\n +terms +Not for looking at\.", answer.err)
    assert "add --yes" in answer.err
    assert command("fetch", "tiny-vqgan", ask=lambda question: False).code == 130
    assert server.requests == []
    assert not is_ready("tiny-vqgan", home / "weights")
    assert command("fetch", "tiny-vqgan", ask=lambda question: True).code == 0
    assert is_ready("tiny-vqgan", home / "weights")


# ---- what is here


def test_list_tells_every_state(command: Command, home: Path, server: Any) -> None:
    command("fetch", "tiny-vqgan", "--yes", "--keep-original")
    server.files["/gumbel.ckpt"].drops = [200_000] + [0] * 10
    server.files["/gumbel.ckpt"].ranges = True
    failed = command("fetch", "tiny-gumbel", "--yes")
    assert failed.code == 1
    assert failed.err.splitlines()[-1].strip() == server.url("/gumbel.ckpt")  # for a person to open
    rows = {row["name"]: row for row in command("list", "--json").data["weights"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "tiny-vqgan": "ready",
        "tiny-gumbel": "part",
        "tiny/clip@8px": "absent",
        "tiny-unknown": "import only",
    }
    assert rows["tiny-gumbel"]["part_bytes"] == 200_000
    assert rows["tiny-vqgan"]["original_bytes"] > rows["tiny-vqgan"]["installed"]["bytes"]
    text = command("list").out
    assert re.search(r"tiny-vqgan +ready, \d\.\d MiB \+ \d original", text)
    assert re.search(r"tiny/clip@8px +~1.0 MiB from 1 host", text)


def test_a_second_fetch_asks_nobody(command: Command, server: Any) -> None:
    command("fetch", "tiny-vqgan", "--yes")
    asked = len(server.requests)
    answer = command("fetch", "tiny-vqgan")
    assert (answer.code, len(server.requests)) == (0, asked)
    assert "already here" in answer.out
    assert command("fetch", "tiny-vqgan", "--json").data["fetched"] == []
    assert command("fetch", "tiny-vqgan", "--yes", "--again", "--json").data["fetched"] == ["tiny-vqgan"]
    assert len(server.requests) == asked + 1


def test_a_kept_original_spares_the_next_download(command: Command, home: Path, server: Any, originals: Any) -> None:
    command("fetch", "tiny-vqgan", "--yes", "--keep-original")
    original = folder_of(home) / "original.ckpt"
    assert original.read_bytes() == originals.write("vqgan.ckpt").read_bytes()
    asked = len(server.requests)
    assert command("fetch", "tiny-vqgan", "--yes", "--again").code == 0
    assert len(server.requests) == asked
    assert not original.exists()


def test_names_are_found_whatever_their_capitals_and_wrong_ones_refused(command: Command) -> None:
    assert command("fetch", "TINY-CLIP-8PX", "--yes", "--json").data["weights"][0]["name"] == "tiny/clip@8px"
    answer = command("fetch", "tiny-vqgna", "--yes")
    assert answer.code == 2
    assert "did you mean tiny-vqgan?" in answer.err
    assert command("remove", "../../etc").code == 2


def test_a_hash_that_nobody_told_is_noted_and_compared_next_time(
    command: Command, home: Path, server: Any, served: Any, originals: Any
) -> None:
    sha256 = hashlib.sha256(originals.write("legacy.ckpt").read_bytes()).hexdigest()
    answer = command("fetch", "tiny-unknown", "--yes", "--unchecked")
    assert f"SHA-256 {sha256}, now noted" in answer.err
    assert sha256 in (home / "weights" / "recorded.json").read_text()
    assert command("remove", "tiny-unknown").code == 0
    server.put("/legacy.ckpt", served(originals.write("vqgan.ckpt").read_bytes()))
    answer = command("fetch", "tiny-unknown", "--yes")  # what was noted is something to check by
    assert answer.code == 1
    assert "SHA-256" in answer.err
    command("remove", "tiny-unknown", "--forget")
    assert command("fetch", "tiny-unknown", "--yes", "--unchecked").code == 0


def test_what_nobody_can_check_is_only_fetched_where_that_is_said(command: Command, home: Path, server: Any) -> None:
    answer = command("fetch", "tiny-unknown", "--yes")
    assert (answer.code, server.requests) == (4, [])
    assert "tiny-unknown is import only: nobody tells its SHA-256" in answer.err
    assert "dreamrig weights fetch tiny-unknown --unchecked" in answer.err
    assert server.url("/legacy.ckpt") in answer.err
    assert command("fetch", "tiny-unknown", "--yes", "--unchecked").code == 0
    assert is_ready("tiny-unknown")


# ---- verify, import, remove


def test_verify_finds_what_changed(command: Command, home: Path) -> None:
    assert command("verify").out == "Nothing is here.\n"
    assert command("verify", "tiny-vqgan").code == 4
    command("fetch", "tiny-vqgan", "tiny-gumbel", "--yes")
    assert command("verify").out == "tiny-vqgan: good\ntiny-gumbel: good\n"
    model = folder_of(home) / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    answer = command("verify")
    assert answer.code == 3
    assert answer.out == "tiny-vqgan: DAMAGED\ntiny-gumbel: good\n"
    assert "fetch tiny-vqgan --again" in answer.err
    assert command("verify", "--json").data == {
        "verified": [{"name": "tiny-vqgan", "ok": False}, {"name": "tiny-gumbel", "ok": True}]
    }
    with pytest.raises(NotReadyError, match="damaged"):  # loading looks too
        converted_tensors("tiny-vqgan", home / "weights")
    model.write_bytes(data[:-5])
    assert command("verify", "tiny-vqgan").code == 3
    assert not is_ready("tiny-vqgan", home / "weights")


def test_a_copied_file_is_hashed_once_and_then_trusted(command: Command, home: Path) -> None:
    command("fetch", "tiny-vqgan", "--yes")
    folder = folder_of(home)
    os.utime(folder / "model.safetensors", ns=(1, 1))
    converted_tensors("tiny-vqgan", home / "weights")
    assert json.loads((folder / "meta.json").read_text())["checked_mtime_ns"] == 1


def test_all_that_is_missing_is_named_at_once(home: Path) -> None:
    config = GenerateConfig(prompt="a", model="imagenet-f16-16384", guides="ViT-B/32,RN50,ViT-B/32")
    with pytest.raises(NotReadyError, match="imagenet-f16-16384 and ViT-B/32 and RN50 are not here yet") as caught:
        load_full(config, torch.device("cpu"), home / "weights")
    assert caught.value.hint == "run: dreamrig weights fetch imagenet-f16-16384 ViT-B/32 RN50"


def test_a_preset_names_all_that_it_needs(command: Command, server: Any) -> None:
    """The terms of both are shown, and nothing is fetched before they are accepted."""
    answer = command("fetch", "--preset", "adafruit", registry_file=registry.REGISTRY_FILE)
    assert answer.code == 2
    assert [line for line in answer.err.splitlines() if line in entries()] == ["imagenet-f16-16384", "ViT-B/32"]
    assert command("fetch", "--preset", "adafriut").code == 2
    nothing = command("fetch")
    assert nothing.code == 2
    assert "Nothing is named" in nothing.err
    assert server.requests == []


def test_not_here_names_the_command(home: Path) -> None:
    with pytest.raises(NotReadyError) as caught:
        converted_tensors("ViT-B/32", home / "weights")
    assert caught.value.hint == "run: dreamrig weights fetch ViT-B/32"


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"name": 3}', "\x00"])
def test_a_damaged_note_is_no_readiness(command: Command, home: Path, text: str) -> None:
    command("fetch", "tiny-vqgan", "--yes")
    (folder_of(home) / "meta.json").write_text(text)
    assert not is_ready("tiny-vqgan", home / "weights")
    assert command("fetch", "tiny-vqgan", "--yes").code == 0


def test_import_needs_no_network(command: Command, home: Path, server: Any, originals: Any, tmp_path: Path) -> None:
    original = originals.write("transformer.ckpt")
    answer = command("import", str(original), "--as", "tiny-vqgan")
    assert answer.code == 0
    assert "not one that the registry lists" in answer.err
    assert "tiny-vqgan: imported, " in answer.out
    assert server.requests == []
    assert original.exists()
    assert json.loads((folder_of(home) / "meta.json").read_text())["is_published"] is False
    assert set(converted_tensors("tiny-vqgan", home / "weights")) == set(originals.vqgan)
    published = command("import", str(originals.write("vqgan.ckpt")), "--as", "tiny-vqgan", "--json")
    assert published.data["weights"][0]["is_published"] is True


def test_import_of_a_wrong_file(command: Command, home: Path, originals: Any, tmp_path: Path) -> None:
    assert command("import", str(tmp_path / "none"), "--as", "tiny-vqgan").code == 2
    (tmp_path / "page.ckpt").write_text("<html><title>Sorry</title>")
    answer = command("import", str(tmp_path / "page.ckpt"), "--as", "tiny-vqgan")
    assert answer.code == 1
    assert "it is a web page with the title 'Sorry'" in answer.err
    assert "see: dreamrig weights list; or fetch it: dreamrig weights fetch tiny-vqgan" in answer.err
    answer = command("import", str(originals.write("vit.pt")), "--as", "tiny-vqgan")
    assert "it seems to be the checkpoint of a CLIP" in answer.err
    assert not is_ready("tiny-vqgan", home / "weights")


def test_a_wrong_import_leaves_the_good_ones_alone(command: Command, home: Path, originals: Any) -> None:
    command("fetch", "tiny-vqgan", "--yes")
    command("import", str(originals.write("vit.pt")), "--as", "tiny-vqgan")
    assert command("verify", "tiny-vqgan").code == 0
    assert not list(home.rglob(f"{TEMPORARY_HEAD}*"))


def test_remove(command: Command, home: Path) -> None:
    command("fetch", "tiny-vqgan", "--yes", "--keep-original")
    assert re.fullmatch(r"tiny-vqgan: \d\.\d MiB freed\n", command("remove", "tiny-vqgan", "--original").out)
    assert command("verify", "tiny-vqgan").code == 0
    assert command("remove", "tiny-vqgan", "--json").data["freed_bytes"] > 100_000
    assert not folder_of(home).exists()
    assert command("remove", "tiny-vqgan").out == "tiny-vqgan: there was nothing\n"


# ---- interrupted, killed, at the same time


def test_ctrl_c_tells_how_to_go_on(command: Command, home: Path, server: Any) -> None:
    server.files["/vqgan.ckpt"].drops = [200_000]

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    answer = command("fetch", "tiny-vqgan", "--yes", sleep=interrupt)
    assert answer.code == 130
    assert "dreamrig weights fetch tiny-vqgan" in answer.err
    assert command("fetch", "tiny-vqgan", "--yes").code == 0
    assert server.requests[-1] == ("/vqgan.ckpt", "bytes=200000-")


def process(home: Path, file: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DREAMRIG_HOME": str(home)}
    command = [sys.executable, str(SCRIPT), str(file), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=environment)


def test_kill_9_in_the_middle_of_a_download_then_another_go(
    home: Path, file: Path, server: Any, originals: Any, command: Command
) -> None:
    server.files["/vqgan.ckpt"].block_seconds = 0.02
    running = process(home, file, "fetch", "tiny-vqgan", "--yes")
    while not any(part.stat().st_size > 300_000 for part in folder_of(home).glob("original-*.part")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.005)
    running.kill()
    running.communicate()
    assert not is_ready("tiny-vqgan", home / "weights")
    assert command("list", "--json").data["weights"][0]["state"] == "part"
    server.files["/vqgan.ckpt"].block_seconds = 0.0
    again = process(home, file, "fetch", "tiny-vqgan", "--yes")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "fetched and converted" in out
    shares = [int(share) for share in re.findall(r"tiny-vqgan  (\d+)%", err)]  # off a terminal a line per tenth
    assert shares == sorted(set(shares))
    assert shares[-1] == 100
    assert len(shares) <= 10
    assert "\x1b" not in err
    _, asked = server.requests[-1]
    assert int(asked.removeprefix("bytes=").removesuffix("-")) >= 300_000
    assert set(converted_tensors("tiny-vqgan", home / "weights")) == set(originals.vqgan)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("over_another", [False, True])
def test_killed_at_any_change_of_the_disk_nothing_looks_ready_that_is_not(
    command: Command, home: Path, file: Path, server: Any, originals: Any, tmp_path: Path, over_another: bool
) -> None:
    """A fork that kills itself at its n-th opening, renaming or deleting of a file, for every n.

    over_another: in place of an earlier model of the same size.
    """
    torch.save({"state_dict": {name: -one for name, one in originals.vqgan.items()}}, tmp_path / "earlier")
    entry = entries(file)["tiny-vqgan"]
    point, seen = 0, set()
    while True:
        point += 1
        weights_store.remove_model(entry, home / "weights")
        if over_another:
            command("import", str(tmp_path / "earlier"), "--as", "tiny-vqgan")
        status = in_fork(lambda: fetch_quietly(entry, home, file), kill_at=point)
        facts = registry.installed("tiny-vqgan", home / "weights")
        if facts is not None:  # then it is good, be it the new or the earlier one
            assert registry.sha256_of(folder_of(home) / "model.safetensors") == facts.sha256
        seen.add((weights_store.status(entry, home / "weights").state, facts is not None and facts.is_published))
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        fetch_quietly(entry, home, file)
        assert weights_store.verify_model(entry, home / "weights").is_published
        assert {path.name for path in folder_of(home).iterdir()} == {"model.safetensors", "meta.json", ".lock"}
    assert point > 10
    assert {("ready", True), ("part", False)} <= seen
    assert (("ready", False) in seen) is over_another
    assert not list(home.rglob(f"{TEMPORARY_HEAD}*"))


def fetch_quietly(entry: Any, home: Path, file: Path) -> None:
    door = WeightsDoor(registry_file=file, weights_folder=lambda: home / "weights")
    weights_store.fetch_model(entry, door, lambda line: None, lambda done, total: None, outline=outline)


def in_fork(work: Callable[[], None], kill_at: int) -> int:
    """Run `work` in a fork that kills itself at a change of the disk; returns how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    changes = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in ("os.rename", "os.remove", "os.mkdir"):
            changes += 1
            if changes == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.addaudithook(count)
        work()
        code = 0
    finally:
        os._exit(code)


def test_two_at_once_do_not_meet(command: Command, home: Path, file: Path, server: Any) -> None:
    seen: list[Answer] = []

    def meanwhile(seconds: float) -> None:
        seen.extend((command("fetch", "tiny-vqgan", "--yes"), command("remove", "tiny-vqgan")))

    server.files["/vqgan.ckpt"].drops = [200_000]
    assert command("fetch", "tiny-vqgan", "--yes", sleep=meanwhile).code == 0
    assert [answer.code for answer in seen] == [4, 4]
    assert "Another dreamrig is at work" in seen[0].err
    assert command("verify", "tiny-vqgan").code == 0


# ---- the front door and the shipped registry


def test_list_and_fetch_without_conversion_load_no_torch(home: Path) -> None:
    code = (
        "import sys; from dreamrig.cli import main; main(sys.argv[1:]); print('torch' in sys.modules, file=sys.stderr)"
    )
    for words in (["weights", "--help"], ["weights", "list"], ["weights", "fetch", "ViT-B/32"], ["weights", "verify"]):
        ended = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        assert ended.stderr.splitlines()[-1] == "False"


def test_the_command_is_on_the_table() -> None:
    assert load(COMMANDS["weights"]) is weights


def test_shipped_registry_is_sound() -> None:
    from generator.models import guides, vqgan

    known = entries()
    assert {name for name, entry in known.items() if entry.kind == "vqgan"} == set(vqgan.ARCHITECTURES)
    assert {name for name, entry in known.items() if entry.kind == "clip"} == set(guides.ARCHITECTURES)
    assert len({registry.folder_name(name).lower() for name in known}) == len(known)
    for entry in known.values():
        assert entry.licence
        assert entry.terms
        assert entry.trained_on
        assert entry.sources
        for source in entry.sources:
            assert source.url.startswith("https://")
            assert source.sha256 is None or re.fullmatch("[0-9a-f]{64}", source.sha256)
            if source.host.startswith("openaipublic."):  # their addresses contain the hash
                assert f"/{source.sha256}/" in source.url
        size = entry.sources[0].bytes
        assert size is None or abs(size / MIB - entry.approximate_mib) < 1


def test_an_upscaler_is_fetched_whole_and_says_how_to_use_it(
    command: Command,
    home: Path,
    tmp_path: Path,
    server: Any,
    served: Any,
    source: Any,
    make_registry: Any,
    upscaler: Any,
) -> None:
    tensors = upscaler()
    torch.save({"params_ema": tensors}, tmp_path / "x4.pth")
    data = (tmp_path / "x4.pth").read_bytes()
    file = make_registry(x4=("upscaler", [source(server.put("/x4.pth", served(data)), data)]))
    answer = command("fetch", "x4", "--yes", registry_file=file)
    assert answer.code == 0
    assert "--upscale-with x4" in answer.out
    found = converted_tensors("x4", home / "weights")
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert "Upscaler, which enlarges:\n  x4  ready" in command("list", registry_file=file).out


def test_one_network_is_shown_whatever_its_capitals(command: Command) -> None:
    answer = command("show", "TINY-vqgan")
    assert answer.code == 0
    assert answer.out.startswith("tiny-vqgan\n")
    assert "nobody but 127.0.0.1 is known to give it" in answer.out
    assert command("show", "tiny-vqgan", "--json").data["weights"][0]["name"] == "tiny-vqgan"
    assert command("show", "nothing").code == 2


def test_the_documentation_lists_what_the_registry_has() -> None:
    text = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in text.splitlines() if line.startswith("| `")}
    assert list(rows) == list(entries())
    for name, entry in entries().items():
        assert f"| {entry.approximate_mib} MiB |" in rows[name]
        assert all(source.host in rows[name] for source in entry.sources)
        known = {source.sha256 is not None for source in entry.sources}
        word = "at some addresses" if len(known) == 2 else "yes" if known == {True} else "no"
        assert f"| {word} |" in rows[name], name
        assert ("(import only)" in rows[name]) is entry.is_import_only, name
        assert entry.kind == "clip" or (entry.terms in rows[name] and entry.trained_on in rows[name])


def test_damage_in_the_numbers_of_an_unknown_file_is_found_and_the_next_mirror_gives_it(
    command: Command,
    home: Path,
    originals: Any,
    server: Any,
    served: Any,
    source: Any,
    make_registry: Callable[..., Path],
) -> None:
    """It opens well; only reading every tensor, to convert it, shows the damage."""
    good = originals.write("vqgan.ckpt").read_bytes()
    place = good.index(originals.vqgan["decoder.conv_out.weight"].numpy().tobytes())
    damaged = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
    urls = server.put("/bad", served(damaged)), server.put("/good", served(good))
    rows, how = [source(url, known=False) for url in urls], ("--yes", "--unchecked")
    first = command("fetch", "tiny", *how, registry_file=make_registry(tiny=("vqgan", rows[:1])))
    assert first.code == 1
    assert "damaged or cut short" in first.err
    assert list(folder_of(home, "tiny").glob("original-*")) == []
    assert not (home / "weights" / "recorded.json").exists()
    entries.cache_clear()
    answer = command("fetch", "tiny", *how, registry_file=make_registry(tiny=("vqgan", rows)))
    assert answer.code == 0
    assert "damaged or cut short; trying the next mirror" in answer.err
    recorded = json.loads((home / "weights" / "recorded.json").read_text())
    assert {row["sha256"] for row in recorded.values()} == {hashlib.sha256(good).hexdigest()}
