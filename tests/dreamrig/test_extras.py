"""Extras: installed on first use into an environment of ours, the exact command told elsewhere."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dreamrig import called, extras
from dreamrig.errors import EXIT_NOT_READY, NotReadyError
from dreamrig.locks import sole_holder

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


class Installer:
    """Writes down what it is asked; ends with these codes in turn, then with 0."""

    def __init__(self, *codes: int) -> None:
        self.asked: list[list[str]] = []
        self._codes: Iterator[int] = iter(codes)

    def __call__(self, command: list[str]) -> int:
        self.asked.append(command)
        return next(self._codes, 0)


def bring(name: str, install: Installer, prefix: Path) -> None:
    extras.bring(name, is_there=lambda _: False, install=install, prefix=prefix)


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(called.VARIABLE, "./rig")


def test_the_table_is_that_of_the_project_file() -> None:
    wanted = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {name: list(extra.requirements) for name, extra in extras.EXTRAS.items()} == {
        name: wanted[name] for name in extras.EXTRAS
    }
    # What would bring another torch, or is a workshop's own, installs itself nowhere.
    assert set(wanted) - set(extras.EXTRAS) == {"reference", "making", "upscale", "dev"}


@pytest.mark.parametrize("name", extras.EXTRAS)
def test_elsewhere_the_exact_command_is_told_and_nothing_is_installed(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(called.VARIABLE, raising=False)
    install = Installer()
    with pytest.raises(NotReadyError, match="not installed") as caught:
        bring(name, install, tmp_path)
    assert caught.value.exit_code == EXIT_NOT_READY
    assert f"{sys.executable} -m pip install '" in caught.value.hint
    assert all(one in caught.value.hint for one in extras.EXTRAS[name].requirements)
    assert not install.asked
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("ours")
def test_it_is_installed_once_with_its_size_told_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install = Installer()
    bring("video", install, tmp_path)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "note: installing av, this once (107 MB on disk)\n"
    assert [command[1:4] for command in install.asked] == [["-m", "pip", "install"]]
    assert install.asked[0][0] == sys.executable
    assert install.asked[0][-1] == "av>=17.0"
    extras.bring("video", is_there=lambda _: True, install=install, prefix=tmp_path)
    assert len(install.asked) == 1


@pytest.mark.usefixtures("ours")
def test_without_a_network_the_error_says_what_to_do(tmp_path: Path) -> None:
    install = Installer(1)
    with pytest.raises(NotReadyError, match="Installing jupyter-server and ipykernel failed") as caught:
        bring("colab", install, tmp_path)
    assert caught.value.exit_code == EXIT_NOT_READY
    assert "is there a network? then run: " in caught.value.hint
    bring("colab", install, tmp_path)
    assert install.asked[0] == install.asked[1]


@pytest.mark.usefixtures("ours")
def test_what_a_killed_installer_left_is_replaced(tmp_path: Path) -> None:
    def killed(command: list[str]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extras.bring("video", is_there=lambda _: False, install=killed, prefix=tmp_path)
    install = Installer()
    bring("video", install, tmp_path)
    bring("video", install, tmp_path)
    assert ["--ignore-installed" in command for command in install.asked] == [True, False]


@pytest.mark.usefixtures("ours")
def test_an_installer_at_work_is_not_joined_by_another(tmp_path: Path) -> None:
    install = Installer()
    (tmp_path / ".dreamrig").mkdir()
    with (
        sole_holder(tmp_path / ".dreamrig", NotReadyError("held")),
        pytest.raises(NotReadyError, match="Another dreamrig is installing"),
    ):
        bring("video", install, tmp_path)
    assert not install.asked


def test_modules_that_an_installer_left_half_way_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "av.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "av", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert extras.is_installed("video")
    (tmp_path / ".dreamrig").mkdir()
    (tmp_path / ".dreamrig" / "extra-video").touch()
    assert not extras.is_installed("video")


@pytest.mark.usefixtures("ours")
def test_where_something_is_left_to_do_it_is_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(name: str) -> None:
        raise NotReadyError("No bot.", hint="run: dreamrig serve discord")

    monkeypatch.setattr(extras, "bring", refuse)
    extras.bring_or_note("discord")
    assert capsys.readouterr().err == "note: No bot. run: ./rig serve discord\n"
