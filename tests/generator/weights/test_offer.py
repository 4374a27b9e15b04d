"""`dreamrig generate` that lacks networks: on a terminal it asks, fetches from a server on loopback, and draws."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

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

SCRIPT = Path(__file__).with_name("offer_process.py")
ROOT = Path(__file__).parents[3]
NETWORKS = ["--model", "tiny-vqgan", "--guides", "tiny/clip@8px"]
SHORT = ["--size", "32x16", "--steps", "2", "--cutouts", "2", "--start", "noise", "--threads", "1", "--no-preview"]
QUESTION = b"[y/N]"


@pytest.fixture
def file(make_registry: Callable[..., Path], server: Any, two_served: Any, source: Any) -> Path:
    """A registry of a VQGAN and a CLIP that are served, and VQGANs whose only address is dead or not pinned."""
    rows = {**two_served}
    rows["tiny-gone"] = ("vqgan", [{**source(server.url("/gone")), "gone": "reported dead in 2026"}])
    rows["tiny-unknown"] = ("vqgan", [source(server.url("/vqgan.ckpt"), known=False)])
    path = make_registry(**rows)
    registry.entries.cache_clear()
    return path


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
    assert draw("--out", "film.txt", film=film, answer=True).code == 2
    assert server.requests == []
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
    assert f"about {mib:,} MiB to fetch: {mib // 8 // 60} min" in render_total(missing, known_pace(tmp_path))
    assert "at 8.0 MiB/s (as the last download came)" in render_total(missing, 8.0)
    (tmp_path / "pace.json").write_text("[")
    assert known_pace(tmp_path) is None


def test_a_download_that_went_on_counts_what_came_now() -> None:
    seconds = iter([10.0, 10.0, 12.0, 14.0])
    progress = DownloadProgress("x", Screen(Console(file=io.StringIO())), lambda: next(seconds))
    assert progress.received() == (0, 0.0)
    for done in (100, 160, 400):
        progress.on_bytes(done, None)
    assert progress.received() == (300, 4.0)
