"""`dreamrig generate` that lacks networks: on a terminal it asks, fetches from a server on loopback, and draws."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from PIL import Image
from rich.console import Console
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from dreamrig.screen import Screen
from generator.config import GenerateConfig
from generator.front.cli.generate import generate
from generator.front.cli.offer import render_total
from generator.front.cli.video import video
from generator.models.names import GUIDE, published_networks
from generator.presets import PRESETS
from generator.runs import folder as runs
from generator.weights import registry
from generator.weights.pace import LEAST_BYTES, known_pace, note_pace
from generator.weights.progress import DownloadProgress
from generator.weights.words import render_terms

SCRIPT = Path(__file__).with_name("offer_process.py")
ROOT = Path(__file__).parents[3]
NETWORKS = ["--model", "tiny-vqgan", "--guides", "tiny/clip@8px"]
SHORT = ["--size", "32x16", "--steps", "2", "--cutouts", "2", "--start", "noise", "--threads", "1", "--no-preview"]
QUESTION = b"[y/N]"


@pytest.fixture
def file(
    make_registry: Callable[..., Path], server: Any, served: Any, two_served: Any, source: Any, upscaler: Any
) -> Path:
    """A registry of a VQGAN, a CLIP and an upscaler that are served, and VQGANs whose only
    address is dead or not pinned.
    """
    rows = {**two_served}
    data = save(upscaler())
    rows["realesrgan-x4plus"] = ("upscaler", [source(server.put("/x4", served(data)), data)])
    rows["tiny-gone"] = ("vqgan", [{**source(server.url("/gone")), "gone": "reported dead in 2026"}])
    rows["tiny-unknown"] = ("vqgan", [source(server.url("/vqgan.ckpt"), known=False)])
    path = make_registry(**rows)
    registry.entries.cache_clear()
    return path


class Fourfold:
    """What stands for spandrel's network."""

    input_channels = output_channels = 3
    scale = 4

    def __init__(self, tensors: Any) -> None:
        assert "conv_first.weight" in tensors

    def eval(self) -> Fourfold:
        return self

    def __call__(self, image: Tensor) -> Tensor:
        return functional.interpolate(image, scale_factor=4)


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, as far as it is asked for."""
    loader = SimpleNamespace(load_from_state_dict=Fourfold)
    package = SimpleNamespace(ModelLoader=lambda device: loader, ImageModelDescriptor=Fourfold)
    package.UnsupportedModelError = KeyError
    monkeypatch.setitem(sys.modules, "spandrel", package)


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def draw(home: Path, file: Path, answer_of: Callable[..., Any], person_at: Any, terminal: Any) -> Callable[..., Answer]:
    """`dreamrig generate` in process, before a terminal where `answer` is what the person says."""

    def run(
        *args: str, answer: bool | None = None, talk: io.StringIO | None = None, film: tuple[str, ...] = ()
    ) -> Answer:
        talk = terminal() if talk is None else talk
        door = person_at(file, talk, answer)
        if film:
            return Answer(*answer_of(lambda: video([*film, *NETWORKS, *args], door), talk))
        return Answer(*answer_of(lambda: generate(["fog", *NETWORKS, *SHORT, *args], door), talk))

    return run


def at_a_terminal(home: Path, file: Path, typed: bytes, *args: str) -> tuple[int, str]:
    """Exit code of the command as a process with a terminal of its own, and all that the terminal showed."""
    master, slave = pty.openpty()
    env = {**os.environ, "DREAMRIG_HOME": str(home), "NO_COLOR": "1"}
    words = [sys.executable, str(SCRIPT), str(file), "fog", *NETWORKS, *SHORT, *args]
    process = subprocess.Popen(words, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    shown, waits = b"", True
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
        if waits and QUESTION in shown:
            os.write(master, typed)
            waits = False
    os.close(master)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def test_a_yes_at_a_terminal_fetches_what_is_missing_and_draws(home: Path, file: Path, server: Any) -> None:
    code, shown = at_a_terminal(home, file, b"y\n")
    assert code == 0, shown
    before, _, after = shown.partition("Fetch now under these terms, and draw? [y/N]")
    for said in ("tiny-vqgan\n", "tiny/clip@8px\n", "none stated", "Not for looking at.", "about 1.0 MiB"):
        assert said in before
    assert "2 networks not here yet, about 2.0 MiB to fetch: 400 ms at 5.0 MiB/s (assumed" in before
    assert [path for path, _ in server.requests] == ["/vqgan.ckpt", "/vit.pt"]
    (run,) = runs.list_runs(home / "runs")
    assert run.seen() == "done"
    assert str(run.picture) in after


def test_what_is_here_is_not_asked_for_again(home: Path, file: Path, server: Any) -> None:
    assert at_a_terminal(home, file, b"y\n")[0] == 0
    server.requests.clear()
    code, shown = at_a_terminal(home, file, b"n\n")
    assert (code, server.requests, QUESTION.decode() in shown) == (0, [], False)


def test_a_no_at_a_terminal_names_the_command_that_fetches(home: Path, file: Path, server: Any) -> None:
    code, shown = at_a_terminal(home, file, b"\n")
    assert code == 4
    assert "dreamrig weights fetch tiny-vqgan tiny/clip@8px" in shown
    assert (server.requests, runs.list_runs(home / "runs")) == ([], [])


@pytest.mark.parametrize("told", [["--json"], ["--quiet"]])
def test_programs_are_not_asked(draw: Callable[..., Answer], server: Any, told: list[str]) -> None:
    answer = draw(*told, answer=True)
    assert answer.code == 4
    assert "The weights tiny-vqgan and tiny/clip@8px are not here yet." in answer.err
    assert "dreamrig weights fetch tiny-vqgan tiny/clip@8px" in answer.err
    assert server.requests == []


def test_off_a_terminal_nobody_is_asked(draw: Callable[..., Answer], server: Any) -> None:
    answer = draw(answer=True, talk=io.StringIO())
    assert (answer.code, server.requests) == (4, [])
    assert "dreamrig weights fetch tiny-vqgan tiny/clip@8px" in answer.err


def test_a_batch_asks_once_for_all_that_it_needs(draw: Callable[..., Answer], home: Path, server: Any) -> None:
    answer = draw("and {sea,sky}", answer=True)
    assert answer.code == 0, answer.err
    assert [path for path, _ in server.requests] == ["/vqgan.ckpt", "/vit.pt"]
    assert len(runs.list_runs(home / "runs")) == 2


@pytest.mark.usefixtures("spandrel")
def test_what_enlarges_is_offered_with_what_draws(draw: Callable[..., Answer], home: Path, server: Any) -> None:
    answer = draw("--upscale", "4", answer=True)
    assert answer.code == 0, answer.err
    assert "3 networks not here yet, about 3.0 MiB to fetch" in answer.err
    assert [path for path, _ in server.requests] == ["/vqgan.ckpt", "/vit.pt", "/x4"]
    (run,) = runs.list_runs(home / "runs")
    with Image.open(run.picture.with_name("picture-large.png")) as opened:
        assert opened.size == (128, 64)


@pytest.mark.usefixtures("spandrel")
@pytest.mark.parametrize("more", [(), ("and {sea,sky}",)])
def test_off_a_terminal_all_is_named_that_drawing_and_enlarging_lack(
    draw: Callable[..., Answer], server: Any, more: tuple[str, ...]
) -> None:
    for answer in (draw("--upscale", "4", *more, talk=io.StringIO()), draw("--upscale", "4", *more, answer=False)):
        assert (answer.code, server.requests) == (4, [])
        assert "dreamrig weights fetch tiny-vqgan tiny/clip@8px realesrgan-x4plus" in " ".join(answer.err.split())


def test_a_missing_package_is_named_with_all_missing_networks_and_nothing_is_fetched(
    draw: Callable[..., Answer], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    for answer in (draw("--upscale", "4", answer=True), draw("--upscale", "4", talk=io.StringIO())):
        assert (answer.code, server.requests) == (4, [])
        said = " ".join(answer.err.split())
        assert "tiny-vqgan and tiny/clip@8px and realesrgan-x4plus are not here yet. --upscale needs spandrel" in said
        assert "run: dreamrig weights fetch tiny-vqgan tiny/clip@8px realesrgan-x4plus; then: " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--upscale", "9"), "use 2 to 8"),
        (("--upscale-with", "ViT-B/32"), "use one of: realesrgan-x4plus"),
        (("--upscale-with", "no.pth"), "There is no file no.pth"),
        (("--aesthetic", "1"), "no head for these guides"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    draw: Callable[..., Answer], server: Any, words: tuple[str, ...], said: str
) -> None:
    answer = draw(*words, answer=True)
    assert (answer.code, server.requests) == (2, [])
    assert said in answer.err
    assert "licence" not in answer.err


@pytest.mark.parametrize("name", ["tiny-gone", "tiny-unknown"])
def test_what_can_be_imported_alone_is_said_before_anything_is_fetched(
    draw: Callable[..., Answer], server: Any, name: str
) -> None:
    answer = draw("--model", name, answer=True)
    assert answer.code == 4
    assert f"{name} is import only" in answer.err
    assert f"dreamrig weights import FILE --as {name}" in answer.err
    assert server.requests == []


def test_a_wrong_out_is_refused_before_anybody_is_asked(draw: Callable[..., Answer], server: Any) -> None:
    answer = draw("--out", "picture.txt", answer=True)
    assert (answer.code, server.requests) == (2, [])


def test_a_download_that_fails_says_what_a_person_can_do(draw: Callable[..., Answer], server: Any, served: Any) -> None:
    server.put("/vit.pt", served(status=404))
    answer = draw(answer=True)
    assert answer.code == 1
    assert "No mirror gave tiny/clip@8px" in answer.err
    assert registry.is_ready("tiny-vqgan")


def test_a_film_asks_as_a_picture_does(draw: Callable[..., Answer], home: Path, server: Any) -> None:
    pytest.importorskip("av")
    film = ("film", "fog", *SHORT[:-1], "--frame-steps", "1", "--frames", "2")
    answer = draw(film=film, answer=False)
    assert (answer.code, server.requests) == (4, [])
    assert "dreamrig weights fetch tiny-vqgan tiny/clip@8px" in answer.err
    for wrong in (("--out", "film.txt"), ("--aesthetic", "1"), ("--frame-steps", "2", "--start", "no.png")):
        answer = draw(*wrong, film=film, answer=True)
        assert (answer.code, server.requests) == (2, []), wrong
        assert "licence" not in answer.err
    answer = draw(film=film, answer=True)
    assert answer.code == 0, answer.err
    assert [path for path, _ in server.requests] == ["/vqgan.ckpt", "/vit.pt"]
    (run,) = runs.list_runs(home / "runs")
    assert (run.kind, run.seen()) == ("film", "done")


# ---- names and pace


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_presets_run_lacks_what_weights_fetch_gets_for_it(preset: Any) -> None:
    config = GenerateConfig.from_dict({**preset.values, "prompt": "fog"})
    assert published_networks(config) == preset.networks


def test_a_starter_and_random_weights_need_nothing_published() -> None:
    assert published_networks(GenerateConfig(prompt="fog")) == ()
    assert published_networks(GenerateConfig(prompt="fog", model="imagenet-f16-1024", random_weights=True)) == ()
    assert published_networks(GenerateConfig(prompt="fog", model="imagenet-f16-1024")) == ("imagenet-f16-1024", GUIDE)


def test_the_pace_of_the_last_download_is_what_the_next_is_reckoned_with(tmp_path: Path) -> None:
    assert known_pace(tmp_path) is None
    note_pace(tmp_path, LEAST_BYTES - 1, 2.0)
    note_pace(tmp_path, LEAST_BYTES, 0.5)
    assert known_pace(tmp_path) is None  # too little to tell
    note_pace(tmp_path, 2 * LEAST_BYTES, 4.0)
    assert known_pace(tmp_path) == 8.0
    missing = [registry.find("imagenet-f16-16384"), registry.find(GUIDE)]
    mib = sum(entry.approximate_mib for entry in missing)
    said = render_total(missing, known_pace(tmp_path))
    assert re.search(rf"about {mib:,} MiB to fetch( \(up to [^)]*\))?: {mib // 8 // 60} min", said)
    assert "at 8.0 MiB/s (as the last download came)" in render_total(missing, 8.0)
    (tmp_path / "pace.json").write_text("[")
    assert known_pace(tmp_path) is None


def test_the_offer_tells_the_size_of_the_first_address_and_the_largest_of_the_others() -> None:
    sources = [
        registry.Source(f"https://{host}/x", None, mib and mib * 2**20) for host, mib in (("a", 300), ("b", 500))
    ]
    words = {"kind": "clip", "licence": "l", "trained_on": "t", "terms": "t", "approximate_mib": 300}
    several = registry.Entry(name="x", sources=tuple(sources), **words)  # type: ignore[arg-type]
    alike = replace(several, name="y", sources=(*sources[:1], replace(sources[1], bytes=302 * 2**20)))
    assert "  size        about 300 MiB (up to 500 MiB from another address), of which" in render_terms(several)
    assert "  size        about 300 MiB, of which" in render_terms(alike)
    assert "about 600 MiB to fetch (up to 802 MiB from another address): 2 min" in render_total([several, alike], None)
    untold = replace(several, sources=(sources[0], replace(sources[1], bytes=None)))
    assert "about 300 MiB, of which" in render_terms(untold)


def test_a_download_that_went_on_counts_what_came_now() -> None:
    seconds = iter([10.0, 10.0, 12.0, 14.0])
    progress = DownloadProgress("x", Screen(Console(file=io.StringIO())), lambda: next(seconds))
    assert progress.received() == (0, 0.0)
    for done in (100, 160, 400):
        progress.on_bytes(done, None)
    assert progress.received() == (300, 4.0)
