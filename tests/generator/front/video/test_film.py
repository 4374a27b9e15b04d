"""The parts of films: tracks, movement, files and sound."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreamrig.errors import RigError, UsageError
from generator.config import GenerateConfig
from generator.front.video.audio import open_audio
from generator.front.video.encode import FilmFormat, write_film
from generator.front.video.movement import BORDERS, Border, Motion, Movement, move
from generator.front.video.source import probe_film, read_frames
from generator.front.video.spec import FilmSpec, parse_rate, scene_at
from generator.front.video.timelapse import rate_for
from generator.front.video.tracks import Track, parse_track
from generator.pictures import containers
from generator.pictures.formats import metadata_blocks
from generator.pictures.reading import read_recipe
from generator.pictures.recipe import Recipe

av = pytest.importorskip("av")

ROOT = Path(__file__).parents[4]


def noise_picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


# ---- tracks


def test_a_track_is_straight_between_its_points() -> None:
    track = parse_track("zoom", "4:1, 8:2,10:2.5", 0, 10)
    assert [track.at(frame) for frame in (0, 4, 5, 8, 9, 10, 99)] == [1, 1, 1.25, 2, 2.25, 2.5, 2.5]
    assert parse_track("zoom", " .5 ", 0, 1).at(77) == 0.5


@given(st.dictionaries(st.integers(0, 10**6), st.floats(-9, 9), min_size=1, max_size=5))
def test_a_track_comes_back_from_its_text(points: dict[int, float]) -> None:
    track = Track(tuple(sorted((frame, round(value, 6)) for frame, value in points.items())))
    assert parse_track("x", str(track), -10, 10) == track


@pytest.mark.parametrize("text", ["", "x", "1:", "1:2,1:3", "5:1, 4:1", "nan", "inf", "1e3", "11", "1:11", "-1:1"])
def test_what_is_no_track_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_track("zoom", text, 0, 10)
    assert "--zoom" in caught.value.message + caught.value.hint or "zoom" in caught.value.hint


# ---- movement


@pytest.mark.parametrize("border", BORDERS)
def test_what_does_not_move_stays(border: Border) -> None:
    picture = noise_picture(24, 16)
    assert move(picture, Motion(), border).tobytes() == picture.tobytes()


@given(shift_x=st.integers(-30, 30), shift_y=st.integers(-30, 30))
def test_a_wrapped_shift_is_a_roll(shift_x: int, shift_y: int) -> None:
    picture = noise_picture(24, 16)
    moved = np.asarray(move(picture, Motion(shift_x=shift_x % 24, shift_y=-(shift_y % 16)), "wrap"))
    expected = np.roll(np.asarray(picture), (-(shift_y % 16), shift_x % 24), axis=(0, 1))
    assert np.abs(moved.astype(int) - expected).max() <= 1


def test_a_quarter_turn_is_clockwise() -> None:
    picture = noise_picture(16, 16)
    turned = np.asarray(move(picture, Motion(rotate=90), "edge"))
    assert np.abs(turned.astype(int) - np.rot90(np.asarray(picture), -1)).max() <= 1


def test_zoom_magnifies_about_the_centre() -> None:
    """Four quarters of one colour each: zoomed, their corner stays where it is; a small square in one grows."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16, :16], pixels[16:, 16:] = 200, 100
    same = np.asarray(move(Image.fromarray(pixels), Motion(zoom=2.0), "reflect"))
    inside = [(4, 4), (4, 28), (28, 4), (28, 28)]
    assert [same[place].tolist() for place in inside] == [pixels[place].tolist() for place in inside]
    dot = np.zeros((32, 32, 3), np.uint8)
    dot[14:18, 14:18] = 255
    grown = np.asarray(move(Image.fromarray(dot), Motion(zoom=2.0), "edge")).mean() / dot.mean()
    assert grown == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(("border", "column"), [("reflect", 2), ("wrap", 13), ("edge", 0)])
def test_what_comes_in_from_outside(border: Border, column: int) -> None:
    pixels = np.asarray(noise_picture(16, 16))
    moved = np.asarray(move(Image.fromarray(pixels), Motion(shift_x=3), border))
    assert np.abs(moved[:, 0].astype(int) - pixels[:, column]).max() <= 1


def test_movements_come_back_and_slips_are_refused() -> None:
    movement = Movement.parse({"zoom": "0:1, 9:1.5", "shift-x": "-2"}, "wrap")
    assert Movement.parse(movement.to_texts(), movement.border) == movement
    assert movement.at(9) == Motion(zoom=1.5, shift_x=-2)
    for texts, border in (({}, "mirror"), ({"zoom": "0"}, "wrap"), ({"rotate": "181"}, "wrap")):
        with pytest.raises(UsageError) as caught:
            Movement.parse(texts, border)
        assert caught.value.hint


# ---- the spec


def test_scenes_share_the_frames() -> None:
    shown = [scene_at("dawn ^ noon^night", index, 7) for index in range(7)]
    assert shown == ["dawn"] * 3 + ["noon"] * 2 + ["night"] * 2


def test_every_frame_has_its_settings() -> None:
    first = GenerateConfig(prompt="a ^ b", steps=50, seed=2**63 - 1, frames_every=1, step_size=0.2)
    spec = FilmSpec(frames=2, rate="12", frame_changes={"steps": 5, "start": "image", "step_size": 0.1})
    assert spec.config_at(first, 0, None).to_dict() == {
        **first.to_dict(),
        "prompt": "a",
        **dict.fromkeys(("preview_every", "checkpoint_every", "frames_every"), 0),
    }
    second = spec.config_at(first, 1, "/x.png")
    assert (second.prompt, second.steps, second.step_size, second.start) == ("b", 5, 0.1, "/x.png")
    assert second.seed == 0


def test_the_spec_comes_back_and_damage_is_refused() -> None:
    spec = FilmSpec(frames=3, rate="30000/1001", movement={"zoom": "1.1"}, source={"name": "a", "sha256": "b"})
    assert FilmSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    for facts in (
        {},
        {"frames": 0, "rate": "1"},
        {"frames": "x", "rate": "1"},
        {"frames": 1, "rate": 3, "movement": 3},
    ):
        with pytest.raises(UsageError):
            FilmSpec.from_dict(facts)


def test_rates() -> None:
    assert parse_rate("29.97") == Fraction(2997, 100)
    assert [rate_for(frames, None) for frames in (3, 100, 240, 9000)] == [5, 10, 24, 60]
    assert rate_for(30, 2.0) == 15
    for seconds in (1e-320, 0.0, float("inf"), float("nan")):
        with pytest.raises(UsageError):
            rate_for(30, seconds)
    for text in ("0", "-1", "x", "1/0", "1000", "nan"):
        with pytest.raises(UsageError):
            parse_rate(text)


# ---- files

RECIPE = Recipe(config=GenerateConfig(prompt="fog över 海", start="grey").to_dict(), steps_done=3)
COLOURS = [(220, 40, 30), (30, 190, 60), (40, 60, 210), (240, 240, 240), (10, 10, 10)]


def make_frames(folder: Path, count: int = 5, size: tuple[int, int] = (32, 16)) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{index:06}.png" for index in range(count)]
    for index, path in enumerate(paths):
        Image.new("RGB", size, COLOURS[index % len(COLOURS)]).save(path)
    return paths


def write(path: Path, frames: list[Path], rate: int = 10, audio: Any = None, **more: Any) -> None:
    film = FilmFormat(rate=Fraction(rate), **more)
    comment, blocks = RECIPE.public().to_dict(), metadata_blocks(RECIPE)
    write_film(path, frames, film, comment=comment, metadata=blocks, audio=audio)


def decode(path: Path) -> list[tuple[float, np.ndarray[Any, Any]]]:
    with av.open(str(path)) as container:
        return [(float(frame.time), np.asarray(frame.to_image())) for frame in container.decode(video=0)]


def test_an_mp4_shows_the_frames_in_their_colours_and_times(tmp_path: Path) -> None:
    ticks: list[int] = []
    frames = make_frames(tmp_path / "frames")
    film = FilmFormat(rate=Fraction(10), hold_frames=3)
    write_film(tmp_path / "a.mp4", frames, film, comment={}, metadata=(b"", b""), tick=ticks.append)
    shown = decode(tmp_path / "a.mp4")
    assert [time for time, _ in shown] == pytest.approx([index / 10 for index in range(8)])
    for (_, pixels), colour in zip(shown, [*COLOURS, *[COLOURS[-1]] * 3], strict=True):
        assert np.abs(pixels.mean(axis=(0, 1)) - colour).max() < 6
    assert ticks == list(range(1, 9))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.mp4"]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe (Debian: ffmpeg)")
def test_ffprobe_sees_an_ordinary_mp4(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", make_frames(tmp_path / "frames"), hold_frames=5)
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", tmp_path / "a.mp4"]
    done = subprocess.run(command, capture_output=True, check=True)
    told = json.loads(done.stdout)
    (stream,) = told["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["color_space"]) == ("h264", "yuv420p", "bt709")
    assert (stream["width"], stream["height"], stream["avg_frame_rate"], stream["nb_frames"]) == (32, 16, "10/1", "10")
    assert float(told["format"]["duration"]) == pytest.approx(1.0)
    assert json.loads(told["format"]["tags"]["comment"])["config"]["prompt"] == "fog över 海"
    assert not done.stderr


def test_a_webp_shows_the_frames_and_loops(tmp_path: Path) -> None:
    write(tmp_path / "a.webp", make_frames(tmp_path / "frames"), hold_frames=5)
    with Image.open(tmp_path / "a.webp") as opened:
        assert opened.info["loop"] == 0
        milliseconds, means = [], []
        for index in range(opened.n_frames):  # type: ignore[attr-defined]  # a WebP has it
            opened.seek(index)
            opened.load()
            milliseconds.append(opened.info["duration"])
            means.append(np.asarray(opened.convert("RGB")).mean(axis=(0, 1)))
    assert np.abs(np.array(means[:5]) - COLOURS).max() < 6
    assert sum(milliseconds) == pytest.approx(1000, abs=100)


@pytest.mark.parametrize("name", ["a.mp4", "a.webp"])
def test_a_film_carries_its_recipe(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, make_frames(tmp_path / "frames"))
    assert read_recipe(tmp_path / name) == RECIPE.public()


def test_equal_frames_are_equal_films(tmp_path: Path) -> None:
    frames = make_frames(tmp_path / "frames")
    for suffix in ("mp4", "webp"):
        for name in ("one", "two"):
            write(tmp_path / f"{name}.{suffix}", frames)
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


ENCODE = """
import sys; from fractions import Fraction; from pathlib import Path
from generator.front.video.encode import FilmFormat, write_film
frames = sorted(Path(sys.argv[1]).glob("*.png"))
write_film(Path(sys.argv[2]), frames, FilmFormat(rate=Fraction(12)), comment={}, metadata=(b"", b""))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="MALLOC_PERTURB_ is glibc's")
@pytest.mark.parametrize("suffix", ["mp4", "webp"])
def test_equal_frames_are_equal_films_whatever_lies_in_the_memory(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    pixels = np.asarray(noise_picture(30, 20).resize((240, 160), Image.Resampling.BICUBIC))
    for index in range(10):
        Image.fromarray(np.roll(pixels, 5 * index, axis=1)).save(tmp_path / "frames" / f"{index:06}.png")
    films = []
    for filling in ("1", "77"):
        film = tmp_path / f"{filling}.{suffix}"
        words = [sys.executable, "-c", ENCODE, str(tmp_path / "frames"), str(film)]
        subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_PERTURB_": filling})
        films.append(film.read_bytes())
    assert films[0] == films[1]


def test_a_failed_film_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    frames = make_frames(tmp_path / "frames")
    (tmp_path / "old.mp4").write_bytes(b"old")
    frames[3].write_bytes(b"no picture")
    with pytest.raises(UsageError, match="000003"):
        write(tmp_path / "old.mp4", frames)
    Image.new("RGB", (64, 16)).save(frames[3])
    with pytest.raises(UsageError, match="64x16"):
        write(tmp_path / "old.mp4", frames)
    assert (tmp_path / "old.mp4").read_bytes() == b"old"
    with pytest.raises(UsageError, match="MP4 or a WebP"):
        write(tmp_path / "film.avi", frames)
    with pytest.raises(RigError) as caught:
        write(tmp_path / "absent" / "film.mp4", make_frames(tmp_path / "frames"))
    assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "old.mp4"]


# ---- sources and sound


def make_source(
    path: Path, *, sound: str = "aac", seconds: float = 1.0, rate: int = 10, late: float = 0.0, silent: float = 0.0
) -> Path:
    """A film of one colour per frame, no picture in its first `late` seconds, and a tone after `silent` seconds."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = 32, 16, "yuv420p"
        voice = container.add_stream(sound, rate=8000, layout="mono") if sound else None
        for index in range(round(seconds * rate)):
            frame = av.VideoFrame.from_image(Image.new("RGB", (32, 16), (20 * index, 255 - 20 * index, 100)))
            frame.pts = index + round(late * rate)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if voice is not None:
            tone = np.sin(np.arange(round((seconds + late) * 8000)) * 0.3)
            tone[: round(silent * 8000)] = 0.0
            frame = av.AudioFrame.from_ndarray((tone * 20000).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 8000, 0
            container.mux(voice.encode(frame))
            container.mux(voice.encode())
    return path


def test_a_source_tells_what_it_is(tmp_path: Path) -> None:
    film = probe_film(make_source(tmp_path / "a.mp4"))
    assert (film.width, film.height, film.rate, film.has_audio) == (32, 16, 10, True)
    assert film.seconds == pytest.approx(1.0)
    assert [film.frames_at(Fraction(rate)) for rate in (10, 5, 20)] == [10, 5, 20]
    assert film.frames_at(Fraction(10), 0.45) == 4
    assert not probe_film(make_source(tmp_path / "b.mkv", sound="")).has_audio


@pytest.mark.parametrize("late", [0.0, 0.3])
@pytest.mark.parametrize(
    ("rate", "expected"), [(10, list(range(10))), (5, [0, 2, 4, 6, 8]), (20, [i // 2 for i in range(20)])]
)
def test_pictures_at_another_rate_are_those_shown_then(
    rate: int, expected: list[int], late: float, tmp_path: Path
) -> None:
    film = probe_film(make_source(tmp_path / "a.mkv", late=late))
    pictures = list(read_frames(film, Fraction(rate), film.frames_at(Fraction(rate))))
    assert [round(np.asarray(picture)[..., 0].mean() / 20) for picture in pictures] == expected
    from_third = list(read_frames(film, Fraction(rate), len(expected), first=3))
    assert [picture.tobytes() for picture in from_third] == [picture.tobytes() for picture in pictures[3:]]


def sound_of(path: Path) -> tuple[str, list[bytes], float]:
    """Codec, packets and seconds of the first sound track."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        end = max(float((packet.pts + packet.duration) * packet.time_base) for packet in packets)
        return stream.codec_context.name, [bytes(packet) for packet in packets], end


@pytest.mark.parametrize(
    ("sound", "suffix"), [("aac", "mp4"), ("flac", "mkv"), ("libmp3lame", "mkv"), ("pcm_s16le", "mkv")]
)
def test_the_sound_is_kept(sound: str, suffix: str, tmp_path: Path) -> None:
    """Bit by bit where MP4 takes it, encoded anew where not; never longer than the film."""
    source = probe_film(make_source(tmp_path / f"a.{suffix}", sound=sound))
    codec, packets, _ = sound_of(source.path)
    frames = make_frames(tmp_path / "frames")
    with open_audio(source.path, source.starts_at, 0.5) as audio:
        assert audio is not None
        assert audio.is_copied == (sound in ("aac", "flac"))  # MP4 takes no MP3 of 8 kHz
        write(tmp_path / "made.mp4", frames, audio=audio)
    made_codec, made_packets, end = sound_of(tmp_path / "made.mp4")
    assert len(decode(tmp_path / "made.mp4")) == 5
    assert 0.35 < end < 0.75
    if audio.is_copied:
        assert made_codec == codec
        assert set(made_packets) <= set(packets)
    else:
        assert made_codec == "aac"


def onset_of(path: Path) -> float:
    """Seconds after the first picture at which the sound begins to be heard."""
    with av.open(str(path)) as container:
        begin = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().astype(float).reshape(-1)
            loud = np.flatnonzero(np.abs(samples) > 0.2 * (1.0 if frame.format.name.startswith("flt") else 32768))
            if len(loud):
                return float(frame.time + loud[0] / frame.sample_rate - begin)
    raise AssertionError("the film is silent")


@pytest.mark.parametrize("late", [0.0, 0.3])
@pytest.mark.parametrize("sound", ["aac", "pcm_s16le"])
def test_the_sound_stays_beside_its_pictures(sound: str, late: float, tmp_path: Path) -> None:
    source = probe_film(make_source(tmp_path / "a.mkv", sound=sound, late=late, silent=0.6))
    before = onset_of(source.path)
    assert before == pytest.approx(0.6 - late, abs=0.13)  # what the source's own encoder makes of it
    with open_audio(source.path, source.starts_at, 1.0) as audio:
        write(tmp_path / "made.mp4", make_frames(tmp_path / "frames", count=10), audio=audio)
    assert onset_of(tmp_path / "made.mp4") == pytest.approx(before, abs=0.02 if sound == "aac" else 0.13)


def test_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a film")
    (tmp_path / "empty.mp4").touch()
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for name in ("text.mp4", "empty.mp4", "sound.wav", "absent.mp4"):
        with pytest.raises(UsageError, match=name) as caught:
            probe_film(tmp_path / name)
        assert caught.value.hint


def test_a_damaged_box_is_no_comment(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", make_frames(tmp_path / "frames"))
    data = (tmp_path / "a.mp4").read_bytes()
    place = data.index(b"udta") - 4
    (tmp_path / "b.mp4").write_bytes(data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :])
    with (tmp_path / "b.mp4").open("rb") as file:
        assert containers.find_mp4_comment(file) is None
    with pytest.raises(UsageError, match="no dreamrig recipe"):
        read_recipe(tmp_path / "b.mp4")
