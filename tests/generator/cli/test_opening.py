"""`dreamrig open`: which program gets which name of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator.cli.opening import Viewers, open_run, windows_path
from generator.runs.folder import Run, new_run


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
