"""`dreamrig open`: which program gets which name of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator.front.cli.opening import open_run
from generator.runs.folder import Run, new_run
from generator.work.viewers import Viewers, address_of, has_links, linked, windows_path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    return new_run(prompt="sea", seed=1, steps=1, base=tmp_path / "runs")


WSL = {"WSL_DISTRO_NAME": "Ubuntu"}


@pytest.mark.parametrize(
    ("path", "environ", "expected"),
    [
        ("/home/me/a b.png", WSL, r"\\wsl.localhost\Ubuntu\home\me\a b.png"),
        ("/mnt/c/Users/me/a.png", WSL, r"C:\Users\me\a.png"),
        ("/mnt/data/a.png", WSL, r"\\wsl.localhost\Ubuntu\mnt\data\a.png"),
        ("/home/me/a.png", {}, None),
    ],
)
def test_how_windows_names_a_file(path: str, environ: dict[str, str], expected: str | None) -> None:
    assert windows_path(Path(path), environ) == expected


@pytest.mark.parametrize(
    ("there", "environ", "program"),
    [
        (("xdg-open",), {}, "xdg-open"),
        (("open",), {}, "open"),
        (("xdg-open", "wslview", "explorer.exe"), WSL, "wslview"),
        (("xdg-open", "explorer.exe"), WSL, "explorer.exe"),
    ],
)
def test_the_best_program_of_the_system_opens_it(
    run: Run, capsys: pytest.CaptureFixture[str], there: tuple[str, ...], environ: dict[str, str], program: str
) -> None:
    picture = run.folder / "picture.png"
    picture.write_bytes(b"")
    started: list[list[str]] = []
    viewers = Viewers(
        which=lambda name: name if name in there else None,
        start=lambda argv: not started.append(argv),  # type: ignore[func-returns-value]  # started it was
        environ=environ,
    )
    assert open_run([], viewers) == 0
    shown = windows_path(picture, environ) if program == "explorer.exe" else str(picture)
    assert started == [[program, shown]]
    told = capsys.readouterr().out.splitlines()
    assert told == [one for one in (str(picture), windows_path(picture, environ)) if one]


def test_without_a_viewer_or_a_picture_it_says_so(run: Run) -> None:
    with pytest.raises(UsageError, match="no picture yet"):
        open_run(["last"], Viewers(environ={}))
    (run.folder / "film.mp4").write_bytes(b"")
    with pytest.raises(NotReadyError, match="no viewer"):
        open_run(["last"], Viewers(which=lambda name: None, environ={}))


# ---- --open, and links in the terminal

SHORT = ["--size", "24x16", "--steps", "2", "--seed", "3", "--threads", "1", "--cutouts", "4"]


def test_open_shows_the_picture_when_it_is_done(command: Callable[..., Any], home: Path) -> None:
    started: list[list[str]] = []
    viewers = Viewers(
        which=lambda name: name if name == "xdg-open" else None,
        start=lambda argv: not started.append(argv),  # type: ignore[func-returns-value]  # started it was
        environ={},
    )
    answer = command("generate", "fog", *SHORT, "--open", "--json", viewers=viewers)
    assert started == [["xdg-open", answer.data["picture"]]]
    command("again", "last", "--open", "--out", "mine.png", viewers=viewers)
    assert started[1:] == [["xdg-open", str(home.parent / "work" / "mine.png")]]
    command("again", "last", viewers=viewers)
    assert len(started) == 2


def test_open_without_a_viewer_is_a_note_and_for_several_pictures_refused(command: Callable[..., Any]) -> None:
    answer = command("generate", "fog", *SHORT, "--open", viewers=Viewers(which=lambda name: None, environ={}))
    assert (answer.code, "note: there is no viewer here" in answer.err) == (0, True)
    assert command("generate", "{fog,sea}", *SHORT, "--open").code == 2


def test_inside_wsl_the_name_that_windows_has_stands_beside_the_path(command: Callable[..., Any]) -> None:
    answer = command("generate", "fog", *SHORT, environ=WSL)
    picture, windows = (line.split(maxsplit=1)[1] for line in answer.out.splitlines()[:2])
    assert windows == windows_path(Path(picture), WSL)
    assert "\x1b" not in answer.out  # a pipe: no link


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WT_SESSION": "1", "TERM": "xterm-256color"}, True),
        ({"VTE_VERSION": "7200"}, True),
        ({"VTE_VERSION": "4800"}, False),
        ({"VTE_VERSION": "new"}, False),
        ({"KONSOLE_VERSION": "230800"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"WT_SESSION": "1", "TERM": "screen-256color"}, False),
        ({"WT_SESSION": "1", "TMUX": "/tmp/x"}, False),
    ],
)
def test_which_terminals_know_links(environ: dict[str, str], expected: bool) -> None:
    assert has_links(environ) is expected


def test_a_link_names_the_machine_and_a_terminal_without_links_gets_the_path() -> None:
    path, kitty = Path("/home/me/a b%ü.png"), {"TERM": "xterm-kitty"}
    assert linked(path, {}) == str(path)
    address = "file://rig/home/me/a%20b%25%C3%BC.png"
    assert linked(path, kitty, "rig") == f"\x1b]8;;{address}\x1b\\{path}\x1b]8;;\x1b\\"
    assert address_of(path, {"TERM_PROGRAM": "vscode"}, "rig").startswith("file:///home/me/")
    assert address_of(path, WSL, "rig").startswith("file://wsl.localhost/Ubuntu/home/me/")
