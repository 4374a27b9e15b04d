"""Films out of folders of pictures, frames between frames, prompts at their times: what people and folders bring."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dreamrig.errors import FailedError, UsageError
from dreamrig.settings import Sources
from generator.front.video.chain import Chain
from generator.front.video.interpolate import make_interpolator
from generator.front.video.keyframes import first_frames, frames_for, read_keyframes
from generator.front.video.pictures import digest_of_folder, pictures_in, prepare, probe_folder, read_pictures
from generator.front.video.spec import FilmSpec, scene_at
from generator.runs import folder as runs
from generator.sinks.frames import frames_of

av = pytest.importorskip("av")

Command = Callable[..., Any]
ANEW = ["--size", "24x16", "--seed", "3", "--threads", "1", "--cutouts", "4", "--steps", "2", "--frame-steps", "1"]
QUICK = [*ANEW, "--start", "noise"]


def paint(path: Path, shade: int = 100, size: tuple[int, int] = (32, 16), **more: Any) -> Path:
    Image.new("RGB", size, (shade, shade, shade)).save(path, **more)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """frame1 to frame12, each lighter than the one before."""
    place = tmp_path / "holiday"
    place.mkdir()
    for number in (10, 9, 1, 12, 2, 11, 3, 4, 5, 6, 7, 8):
        paint(place / f"frame{number}.png", 20 * number)
    (place / "notes.txt").write_text("not a picture")
    (place / ".hidden.png").write_bytes(b"")
    return place


def shades_of(film: Path | str) -> list[int]:
    with av.open(str(film)) as container:
        return [frame.to_image().getpixel((5, 5))[0] for frame in container.decode(video=0)]


def rate_of(film: Path | str) -> Fraction:
    with av.open(str(film)) as container:
        return Fraction(container.streams.video[0].average_rate)


# ---- a film out of pictures


def test_numbers_are_in_their_order_and_the_film_lies_here(command: Command, folder: Path) -> None:
    data = command("video", "pictures", str(folder), "--fps", "6", "--hold", "0", "--json").data
    assert (Path(data["film"]), data["frames"], data["fps"]) == (Path("holiday.mp4").absolute(), 12, "6")
    assert shades_of("holiday.mp4") == pytest.approx([20 * number for number in range(1, 13)], abs=3)
    assert rate_of("holiday.mp4") == 6


def test_a_film_that_is_there_is_not_overwritten_unasked(command: Command, folder: Path) -> None:
    Path("holiday.mp4").write_bytes(b"mine")
    answer = command("video", "pictures", str(folder))
    assert (answer.code, Path("holiday.mp4").read_bytes()) == (2, b"mine")
    assert "--force" in answer.err
    assert command("video", "pictures", str(folder), "--force").code == 0
    assert command("video", "pictures", str(folder), "--out", "x.webp", "--seconds", "2", "--quiet").code == 0


def test_mixed_sizes_are_named_and_fitted_when_asked(command: Command, folder: Path) -> None:
    paint(folder / "frame5.png", 100, (64, 64))
    paint(folder / "frame6.jpg", 120, (31, 17))
    answer = command("video", "pictures", str(folder))
    assert answer.code == 2
    assert "frame5.png is 64x64, and frame1.png 32x16." in answer.err
    assert "--fit" in answer.err
    assert command("video", "pictures", str(folder), "--fit", "--hold", "0").code == 0
    assert len(shades_of("holiday.mp4")) == 13


def test_odd_sides_and_turned_cameras_become_a_film(command: Command, tmp_path: Path) -> None:
    place = tmp_path / "odd"
    place.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(3):
        paint(place / f"{number}.jpg", 100, (31, 17), exif=exif)
    assert command("video", "pictures", str(place)).code == 0
    with av.open("odd.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (16, 30)


def test_transparent_and_16_bit_pictures_are_frames_as_they_are_seen(tmp_path: Path) -> None:
    """White lies behind what is transparent, and 16 bits are not cut off: also in those that need no other size."""
    clear, deep = tmp_path / "0.png", tmp_path / "1.png"
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(clear)
    Image.fromarray(np.full((16, 16), 32768, np.uint16)).save(deep)
    film = probe_folder(tmp_path, "1")
    seen = [picture.getpixel((3, 3)) for picture in read_pictures(film, Fraction(1), 2)]
    assert seen == [(255, 255, 255), (128, 128, 128)]
    (tmp_path / "made").mkdir()
    made = prepare([clear, deep], tmp_path / "made", fits=False)
    assert [Image.open(path).convert("RGB").getpixel((3, 3)) for path in made] == seen


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: [path.unlink() for path in folder.glob("frame*")], "There are no pictures in"),
        (lambda folder: (folder / "frame7.png").write_bytes((folder / "frame7.png").read_bytes()[:60]), "frame7.png"),
        (lambda folder: (folder / "frame7.png").write_text("<html>"), "frame7.png is not a picture that can be read"),
        (lambda folder: (folder / "frame7.png").write_bytes(b""), "frame7.png is not a picture that can be read"),
        (lambda folder: _link(folder / "frame13.png", paint(folder.parent / "secret.png")), "a link out of the folder"),
        (lambda folder: _link(folder / "frame13.png", Path("/etc/passwd")), "a link out of the folder"),
        (lambda folder: _link(folder / "frame13.png", folder / "gone.png"), "There is no picture"),
    ],
)
def test_what_is_no_folder_of_pictures_is_a_sentence_and_leaves_nothing(
    command: Command, home: Path, folder: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    spoil(folder)
    for words in (["pictures", str(folder)], ["restyle", str(folder), "fog", *ANEW]):
        answer = command("video", *words)
        assert answer.code == 2
        assert said in answer.err
    assert list(Path().iterdir()) == []
    assert runs.list_runs(home / "runs") == []


def _link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def test_a_link_inside_the_folder_is_a_picture_and_a_pipe_is_none(folder: Path) -> None:
    _link(folder / "frame13.png", folder / "frame1.png")
    os.mkfifo(folder / "frame14.png")
    (folder / "frame15.png").mkdir()
    assert [path.name for path in pictures_in(folder)][-2:] == ["frame12.png", "frame13.png"]


def test_one_picture_is_a_film_too(command: Command, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    paint(tmp_path / "one" / "a.png")
    assert command("video", "pictures", str(tmp_path / "one"), "--fps", "2", "--hold", "1").code == 0
    assert len(shades_of("one.mp4")) == 3


def test_no_folder_is_a_sentence(command: Command, folder: Path) -> None:
    for word in ("nowhere", str(folder / "frame1.png"), "x\0"):
        assert command("video", "pictures", word).code == 2
    assert command("video", "pictures", str(folder), "--fps", "5", "--seconds", "2").code == 2
    assert command("video", "pictures", str(folder), "--crf", "99").code == 2


def test_pictures_that_fit_are_not_copied(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir(exist_ok=True)
    assert prepare(pictures_in(folder), tmp_path / "work", fits=False) == pictures_in(folder)


# ---- a folder painted anew


def test_a_folder_is_painted_anew_and_goes_on_only_as_it_was(
    command: Command, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["restyle", str(folder), "fog", *ANEW, "--fps", "12", "--smoothing", "0"]
    answer = command("video", *words, "--json")
    assert answer.code == 0, answer.err
    data = answer.data
    assert (data["frames"], data["fps"]) == (12, "12")
    whole = [path.read_bytes() for path in frames_of(runs.find_run(data["run"], home / "runs"))]
    assert len(set(whole)) > 3
    made = Chain.make

    def two_frames(self: Chain, should_stop: Any, on_frame: Any) -> int:
        return made(replace(self), lambda: len(frames_of(self.run)) >= 2, on_frame)

    monkeypatch.setattr(Chain, "make", two_frames)
    assert command("video", *words).code == 130
    monkeypatch.undo()
    monkeypatch.setenv("DREAMRIG_HOME", str(home))
    stopped = next(run for run in runs.list_runs(home / "runs") if run.id != data["run"])
    paint(folder / "frame12.png", 3)
    answer = command("video", "resume", stopped.id)
    assert answer.code == 2
    assert "has changed since" in answer.err
    paint(folder / "frame12.png", 240)
    assert command("video", "resume", stopped.id).code == 0
    assert [path.read_bytes() for path in frames_of(stopped)] == whole


def test_a_folders_pictures_are_at_their_times(folder: Path) -> None:
    film = probe_folder(folder, "6")
    assert (film.rate, film.seconds, film.frames_at(Fraction(3))) == (6, 2.0, 6)
    shades = [picture.getpixel((0, 0)) for picture in read_pictures(film, Fraction(3), 6)]
    assert shades == [(20 * number,) * 3 for number in (1, 3, 5, 7, 9, 11)]
    assert len(list(read_pictures(film, Fraction(6), 12, first=9))) == 3


def test_the_digest_is_of_names_and_bytes(folder: Path) -> None:
    before = digest_of_folder(folder)
    (folder / "notes.txt").write_text("other notes")
    assert digest_of_folder(folder) == before
    (folder / "frame12.png").rename(folder / "frame13.png")
    assert digest_of_folder(folder) != before


# ---- frames between frames

DOUBLE = """
import sys, shutil, pathlib
given, made, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
frames = sorted(given.iterdir())
for number in range(count):
    shutil.copy(frames[number * len(frames) // count], made / f"{number + 1:08}.png")
"""

BROKEN = "import sys, pathlib; [(pathlib.Path(sys.argv[2]) / f'{number}.png').write_text('x') for number in range(24)]"


def program(body: str, words: str = "{input} {output} {count}") -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(body)} {words}"


def having(command: str) -> Sources:
    return Sources(environ={"DREAMRIG_INTERPOLATE_COMMAND": command})


def test_a_program_of_the_users_own_makes_frames_between(command: Command, folder: Path) -> None:
    words = ["pictures", str(folder), "--fps", "6", "--hold", "0.5", "--interpolate", "2"]
    answer = command("video", *words, sources=having(program(DOUBLE)))
    assert answer.code == 0, answer.err
    assert "interpolating 12 frames with your own program" in answer.err
    told = dict(line.split() for line in answer.out.splitlines())
    assert (told["frames"], told["film_frames"], told["film_fps"]) == ("12", "24", "12")
    assert rate_of("holiday.mp4") == 12
    assert len(shades_of("holiday.mp4")) == 24 + 6


def test_a_films_frames_too_and_the_run_keeps_its_own(command: Command, home: Path) -> None:
    words = ["film", "fog", *QUICK, "--frames", "3", "--hold", "0", "--interpolate", "3", "--json"]
    data = command("video", *words, sources=having(program(DOUBLE))).data
    assert len(frames_of(runs.find_run(data["run"], home / "runs"))) == 3
    assert (len(shades_of(data["film"])), rate_of(data["film"])) == (9, 36)
    assert (data["frames"], data["film_frames"], data["film_fps"]) == (3, 9, "36")


@pytest.mark.parametrize(
    ("words", "sources", "said"),
    [
        (["--interpolate", "2"], Sources(), "interpolate.command is not set"),
        (["--interpolate", "1"], having("x"), "use 2 to 16"),
        (["--interpolate", "2"], having("rife -i {input}"), "lacks {input} or {output}"),
        (["--interpolate", "2"], having("no-such-program {input} {output}"), "there is no program 'no-such-program'"),
        (["--interpolate", "2"], having("'{input} {output}"), "cannot be read"),
        (
            ["--interpolate", "2"],
            Sources(files=(("./dreamrig.toml", {"interpolate": {"command": "x {input} {output}"}}),)),
            "is not set",
        ),
    ],
)
def test_what_cannot_interpolate_is_said_before_anything_is_drawn(
    command: Command, home: Path, folder: Path, words: list[str], sources: Sources, said: str
) -> None:
    for start in (["pictures", str(folder)], ["film", "fog", *QUICK]):
        answer = command("video", *start, *words, sources=sources)
        assert answer.code == 2
        assert said in answer.err
    assert runs.list_runs(home / "runs") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import sys; print('no Vulkan', file=sys.stderr); sys.exit(3)", "ended with code 3: no Vulkan"),
        ("", "made no frames that can be read"),
        (DOUBLE.replace("range(count)", "range(2)"), "made 2 frames of 12"),
        (BROKEN, "made no frames that can be read"),
    ],
)
def test_a_program_that_fails_is_quoted(folder: Path, tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(FailedError, match=said):
        make_interpolator(program(body), 2)(pictures_in(folder), tmp_path)


def test_frames_too_fast_to_show_are_refused(command: Command, folder: Path) -> None:
    answer = command(
        "video", "pictures", str(folder), "--fps", "60", "--interpolate", "4", sources=having(program(DOUBLE))
    )
    assert answer.code == 2
    assert "240 frames a second are more than 120" in answer.err


# ---- prompts at their times


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("beats.txt", "# the song\n0 dawn\n\n0:00.5   noon, bright\n1 night\n"),
        ("beats.csv", 'seconds,prompt\n0,dawn\n0.5,"noon, bright"\n1,night\n'),
        ("beats.csv", '0,dawn\n0.5,"noon, bright"\n1,night\n'),
        ("beats.json", '{"0": "dawn", "0.5": "noon, bright", "1": "night"}'),
        ("beats.txt", "\ufeff0.2 dawn\r\n0.5, noon, bright\r\n1; night"),
    ],
)
def test_scenes_begin_at_their_times(command: Command, home: Path, name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")
    assert [one.prompt for one in read_keyframes(Path(name))] == ["dawn", "noon, bright", "night"]
    assert first_frames(read_keyframes(Path(name)), Fraction(12)) == (0, 6, 12)
    assert frames_for(read_keyframes(Path(name)), Fraction(12)) == 18


def test_a_film_follows_them_and_remembers_them(command: Command, home: Path) -> None:
    Path("beats.txt").write_text("0 dawn\n0.25 noon {bright}\n0.3334 night")
    data = command("video", "film", "--keyframes", "beats.txt", *QUICK, "--frames", "6", "--json").data
    run = runs.find_run(data["run"], home / "runs")
    assert run.prompt == "dawn ^ noon {bright} ^ night"
    film = runs.read_json(run.folder / "config.json")["film"]
    assert film["scene_starts"] == [0, 3, 4]
    spec = FilmSpec.from_dict(film)
    shown = [scene_at(run.prompt, index, spec.frames, spec.scene_starts) for index in range(6)]
    assert shown == ["dawn"] * 3 + ["noon {bright}"] + ["night"] * 2
    assert "scene_starts" not in FilmSpec(frames=3, rate="12").to_dict()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There are no prompts"),
        ("dawn\n", "beats.txt, line 1: no time and prompt"),
        ("0 dawn\n1\n", "line 2"),
        ("0 dawn\n1 ", "line 2"),
        ("1 dawn\n0.5 noon\n", "0.5 s does not come after 1 s"),
        ("0 dawn\n0 noon\n", "does not come after"),
        ("0 dawn\n0.01 noon\n", "two prompts fall on one frame"),
        ("0 dawn\n9999999 noon\n", "line 2"),
        ("0 dawn\n-1 noon\n", "line 2"),
        ("0 dawn\n1e9 noon\n", "line 2"),
        ("0 dawn ^ noon\n", "each line is one"),
        ("".join(f"{number} sea\n" for number in range(101)), "has 101 prompts"),
        ("0 dawn\n600 noon\n600000 night", "frames"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(command: Command, home: Path, text: str, said: str) -> None:
    Path("beats.txt").write_text(text)
    answer = command("video", "film", "--keyframes", "beats.txt", *QUICK)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("text", ["[]", '{"0": 1}', '{"0": "a", "0": "b"}', "{", '{"x": "a"}'])
def test_json_that_is_none_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError):
        read_keyframes(tmp_path / "x.json")


def test_keyframes_and_words_contradict(command: Command, home: Path) -> None:
    Path("beats.txt").write_text("0 dawn\n1 noon")
    assert command("video", "film", "fog", "--keyframes", "beats.txt", *QUICK).code == 2
    answer = command("video", "film", "--keyframes", "beats.txt", *QUICK, "--frames", "12")
    assert "12 frames end before 'noon' begins, in frame 12" in answer.err
    assert command("video", "film", *QUICK).code == 2
    for word in ("nowhere.txt", "\0", "/dev/zero"):
        assert command("video", "film", "--keyframes", word, *QUICK).code == 2
    Path("beats.txt").write_bytes(b"0 \xff\xfe")
    assert "no UTF-8" in command("video", "film", "--keyframes", "beats.txt", *QUICK).err
