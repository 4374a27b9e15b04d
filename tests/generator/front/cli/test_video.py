"""`dreamrig video` end to end, with toy networks: films that are made, stopped, killed and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.front.video.chain import START, Chain
from generator.front.video.source import probe_film
from generator.front.video.spec import FilmSpec
from generator.models.base import Models
from generator.runs import folder as runs
from generator.sinks.frames import frames_of

av = pytest.importorskip("av")

SCRIPT = Path(__file__).parents[2] / "toy_process.py"
ROOT = Path(__file__).parents[4]
PICTURES = ["--size", "24x16", "--seed", "3", "--threads", "1", "--cutouts", "4", "--start", "noise"]
FILM = ["film", "fog ^ sea", *PICTURES, "--steps", "4", "--frame-steps", "2", "--frames", "5", "--zoom", "1.1"]


Command = Callable[..., Any]


@pytest.fixture
def process(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command with toy networks as a process; whatever is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: float, *args: str, **environ: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
        started.append(
            subprocess.Popen([sys.executable, str(SCRIPT), str(seconds), *args], text=True, env=surroundings, **pipes)
        )
        return started[-1]

    yield start
    for running in started:
        running.kill()
        running.communicate()


def wait_for_frame(home: Path, number: int) -> runs.Run:
    """The film, once so many of its frames are told to be done."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in runs.list_runs(home / "runs"):
            if run.steps_done >= number:
                return run
        time.sleep(0.02)
    raise AssertionError("the film did not get that far")


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, "the film did not get that far"
        time.sleep(0.02)


def frame_bytes(run: runs.Run) -> list[bytes]:
    return [path.read_bytes() for path in frames_of(run)]


def find(home: Path, name: str) -> runs.Run:
    return runs.find_run(name, home / "runs")


def seconds_of(path: Path) -> float:
    with av.open(str(path)) as container:
        return float(container.duration / av.time_base)


# ---- time-lapse


def test_a_run_keeps_frames_and_becomes_a_film(command: Command, home: Path) -> None:
    made = command("generate", "fog", *PICTURES, "--steps", "5", "--frames-every", "2", "--json").data
    run = find(home, made["run"])
    assert [path.name for path in frames_of(run)] == ["000000.jpg", "000002.jpg", "000004.jpg", "000005.jpg"]
    with Image.open(frames_of(run)[-1]) as last, Image.open(run.folder / "picture.png") as picture:
        difference = np.asarray(last, int) - np.asarray(picture, int)
    assert np.abs(difference).mean() < 6
    answer = command("video", "timelapse", run.id, "--fps", "4", "--hold", "0.5", "--json")
    assert answer.code == 0
    assert answer.data["frames"] == 4
    assert seconds_of(run.folder / "film.mp4") == pytest.approx(1.5, abs=0.1)
    again = command("again", str(run.folder / "film.mp4"), "--json").data
    assert Path(again["picture"]).read_bytes() == (run.folder / "picture.png").read_bytes()


def test_a_resumed_run_has_the_frames_of_one_that_was_not_stopped(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    args = ["fog", *PICTURES, "--steps", "14", "--frames-every", "3", "--checkpoint-every", "2"]
    running = process(0.05, "generate", *args)
    run = wait_for_frame(home, 4)
    running.kill()
    running.communicate()
    assert command("generate", "--resume", run.id).code == 0
    whole = command("generate", *args, "--json").data
    assert frame_bytes(find(home, run.id)) == frame_bytes(find(home, whole["run"]))


def test_a_timelapse_holds_its_run_and_is_told_what_it_can(command: Command, home: Path) -> None:
    made = command("generate", "fog", *PICTURES, "--steps", "2", "--frames-every", "1", "--json").data
    run = find(home, made["run"])
    for words in (["--hold", "nan"], ["--hold", "1e9"], ["--hold=-3"], ["--crf", "99"], ["--seconds", "1e-320"]):
        assert command("video", "timelapse", run.id, *words).code == 2
    with runs.sole_worker(run):
        answer = command("video", "timelapse", run.id)
        assert (answer.code, "going on in another process" in answer.err) == (2, True)
        assert command("video", "timelapse", run.id, "--out", "elsewhere.mp4").code == 0
    run.claim()
    assert "--out" in command("video", "timelapse", run.id).err
    assert not (run.folder / "film.mp4").exists()


def test_timelapse_says_what_is_missing(command: Command, home: Path) -> None:
    made = command("generate", "fog", *PICTURES, "--steps", "2", "--json").data
    answer = command("video", "timelapse", made["run"])
    assert answer.code == 2
    assert "--frames-every" in answer.err
    assert command("video", "timelapse", "absent").code == 2
    assert command("video", "timelapse", made["run"], "--fps", "3", "--seconds", "3").code == 2
    assert command("video", *FILM).code == 0
    answer = command("video", "timelapse", "last")
    assert answer.code == 2
    assert "film already" in answer.err


# ---- a film out of nothing


def test_a_film_is_made_and_every_frame_comes_from_the_one_before(command: Command, home: Path) -> None:
    answer = command("video", *FILM, "--fps", "5", "--hold", "0", "--out", "mine.webp", "--json")
    assert answer.code == 0, answer.err
    run = find(home, answer.data["run"])
    assert (run.kind, run.seen(), run.steps_done) == ("film", "done", 5)
    frames = frame_bytes(run)
    assert len(frames) == len(set(frames)) == 5
    with Image.open("mine.webp") as film:
        assert (film.size, film.n_frames) == ((24, 16), 5)  # type: ignore[attr-defined]  # a WebP has it
    assert not (run.folder / "start.png").exists()
    # The first frame is what `generate` draws.
    picture = command("generate", "fog", *PICTURES, "--steps", "4", "--json").data["picture"]
    with Image.open(picture) as drawn, Image.open(frames_of(run)[0]) as first:
        assert np.array_equal(np.asarray(drawn), np.asarray(first))
    # Another movement changes every frame but the first.
    other = command("video", *FILM, "--rotate", "20", "--json").data
    same = [one == two for one, two in zip(frames, frame_bytes(find(home, other["run"])), strict=True)]
    assert same == [True, False, False, False, False]


def test_a_film_is_no_picture_to_the_other_commands(command: Command, home: Path) -> None:
    made = command("video", *FILM, "--json").data
    assert "dreamrig video" in command("again", made["run"]).err
    assert "dreamrig video" in command("again", made["film"]).err
    assert "dreamrig video resume" in command("generate", "--resume", made["run"]).err
    told = command("history").out
    assert "5/5 frames" in told
    answer = command("video", "resume", made["run"], "--json")
    assert answer.code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_film_that_was_stopped_goes_on_to_the_same_bytes(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    running = process(0.15, "video", *FILM, "--out", str(home.parent / "mine.mp4"))
    run = wait_for_frame(home, 2)
    assert command("video", "resume", run.id).code == 2  # somebody is at it
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert not (home.parent / "mine.mp4").exists()
    if number == signal.SIGINT:
        assert running.returncode == 130
        assert f"dreamrig video resume {run.id}" in err
    assert f"dreamrig video resume {run.id}" in command("history").out
    before = len(frames_of(run))
    assert 2 <= before < 5
    assert command("video", "resume", run.id).code == 0
    whole = command("video", *FILM, "--json").data
    assert frame_bytes(run) == frame_bytes(find(home, whole["run"]))
    assert (home.parent / "mine.mp4").read_bytes() == Path(whole["film"]).read_bytes()


@pytest.mark.parametrize(("number", "begun"), [(2, START), (3, "frames/000002.png")])
def test_a_film_stopped_at_a_gap_or_beyond_it_is_not_done(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]], number: int, begun: str
) -> None:
    run = find(home, command("video", *FILM, "--json").data["run"])
    (run.folder / "film.mp4").unlink()
    frames_of(run)[2].unlink()
    running = process(0.5, "video", "resume", run.id)
    wait_for_file(run.folder / begun)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert f"Interrupted after frame {number} of 5" in err
    stopped = find(home, run.id)
    assert (stopped.seen(), stopped.steps_done) == ("interrupted", number)
    assert command("video", "resume", run.id).code == 0
    assert (run.folder / "film.mp4").exists()


def test_a_full_disk_is_one_clear_error_and_the_film_goes_on(
    command: Command, home: Path, process: Callable[..., subprocess.Popen[str]]
) -> None:
    limit = {"TOY_FILE_LIMIT": "300", "TOY_LIMIT_FROM": "9"}  # not even a frame fits, after some that did
    running = process(0.0, "video", *FILM, **limit)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 4
    assert err.count("error:") == 1
    assert "Traceback" not in err
    (run,) = runs.list_runs(home / "runs")
    assert f"dreamrig video resume {run.id}" in err
    assert 1 <= len(frames_of(run)) < 5
    assert not [path for path in run.folder.rglob("*") if path.suffix == ".tmp"]
    assert command("video", "resume", run.id).code == 0


# ---- a film painted anew


def make_source(path: Path, frames: int = 6) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=6)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        voice = container.add_stream("aac", rate=16000, layout="mono")
        for index in range(frames):
            frame = av.VideoFrame.from_image(Image.new("RGB", (48, 32), (40 * index, 255 - 40 * index, 90)))
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        tone = (np.sin(np.arange(16000 * frames // 6) * 0.2) * 9000).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        sound.sample_rate = 16000
        container.mux(voice.encode(sound))
        container.mux(voice.encode())
    return path


STYLE = ["--threads", "1", "--cutouts", "4", "--seed", "3", "--frame-steps", "2", "--json"]


def test_a_film_is_painted_anew_and_keeps_its_sound(command: Command, home: Path) -> None:
    make_source(Path("mine.mp4"))
    answer = command("video", "restyle", "mine.mp4", "fog", "--size", "24x16", *STYLE, "--out", "made.mp4")
    assert answer.code == 0, answer.err
    with av.open("made.mp4") as made, av.open("mine.mp4") as mine:
        assert (made.streams.video[0].width, made.streams.video[0].height) == (24, 16)
        assert made.streams.video[0].frames == 6
        sounds = [[bytes(packet) for packet in film.demux(audio=0) if packet.size] for film in (made, mine)]
    assert set(sounds[0]) <= set(sounds[1])
    assert len(sounds[0]) >= len(sounds[1]) - 2
    assert "work" not in Path("made.mp4").read_bytes().decode("latin-1")  # no path


def test_smoothing_lets_the_frame_before_through(
    tmp_path: Path, models: Models, toy_config: Callable[..., Any]
) -> None:
    run = runs.new_run(prompt="fog", seed=1, steps=2, kind="film", base=tmp_path)
    source = probe_film(make_source(tmp_path / "a.mp4", frames=2))
    before, shown = Image.new("RGB", (24, 16), (200, 0, 100)), Image.new("RGB", (48, 32), (100, 80, 0))
    for smoothing, expected in ((0.0, (100, 80, 0)), (0.25, (125, 60, 25)), (0.9, (190, 8, 90))):
        spec = FilmSpec(frames=2, rate="6", smoothing=smoothing)
        start = Chain(run, toy_config(), spec, models, source)._start(1, before, shown)
        assert start is not None
        assert start.size == (24, 16)
        assert np.abs(np.asarray(start, int) - expected).max() <= 1
        first = Chain(run, toy_config(), spec, models, source)._start(0, None, shown)
        assert first is not None
        assert np.asarray(first)[0, 0].tolist() == [100, 80, 0]


def test_the_shape_is_the_films_own_where_nobody_chooses(command: Command, home: Path) -> None:
    make_source(Path("mine.mp4"), frames=2)
    data = command("video", "restyle", "mine.mp4", "fog", *STYLE, "--fps", "3").data
    assert data["frames"] == 1
    with Image.open(frames_of(find(home, data["run"]))[0]) as frame:
        assert frame.size == (160, 112)  # 3 : 2 with as many pixels as 128 x 128, in sixteens


def test_a_changed_source_is_refused(command: Command, home: Path) -> None:
    make_source(Path("mine.mp4"), frames=2)
    made = command("video", "restyle", "mine.mp4", "fog", "--size", "24x16", *STYLE).data
    make_source(Path("mine.mp4"), frames=3)
    answer = command("video", "resume", made["run"])
    assert answer.code == 2
    assert "changed" in answer.err


# ---- what cannot be


@pytest.mark.parametrize(
    "args",
    [
        ["film"],
        ["film", " "],
        ["film", "fog", "--frames", "0"],
        ["film", "fog", "--zoom", "3"],
        ["film", "fog", "--border", "mirror"],
        ["film", "fog", "--fps", "0"],
        ["film", "fog", "--frame-steps", "0"],
        ["film", "fog", "--out", "film.avi"],
        ["film", "fog", "--out", "absent/film.mp4"],
        ["film", "fog", "--crf", "52"],
        ["film", "fog", "--colour", "red"],
        ["restyle", "absent.mp4", "fog"],
        ["restyle", "text.mp4", "fog"],
        ["film", "{fog,sea}"],
        ["film", "fog ^ sea", "--story-blend", "0.5"],
        ["film", "fog", "--frames-every", "1"],
        ["restyle", "real.mp4", "fog", "--seconds", "0"],
        ["restyle", "real.mp4", "fog", "--seconds", "-1"],
        ["restyle", "real.mp4", "fog", "--seconds", "nan"],
        ["resume", "absent"],
        ["timelapse"],
        ["nonsense"],
    ],
)
def test_bad_words_are_refused_before_anything_is_made(args: list[str], command: Command, home: Path) -> None:
    Path("text.mp4").write_text("not a film")
    make_source(Path("real.mp4"), frames=2)
    answer = command("video", *args)
    assert answer.code == 2, answer
    assert answer.err.splitlines()[-1]
    assert runs.list_runs(home / "runs") == []


def test_help_needs_no_torch() -> None:
    ask = "from generator.front.cli.video import video; video(['film', '--help'])"
    words = f"import sys; {ask}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"
