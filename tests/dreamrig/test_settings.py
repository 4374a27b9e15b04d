"""Settings: which source wins, and what is said of a wrong one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from dreamrig.settings import Sources, load_sources, resolve, unknown_keys

PROJECT, USER = "./dreamrig.toml", "/home/me/.config/dreamrig/config.toml"
FULL = Sources({"DREAMRIG_STEPS": "3"}, ((PROJECT, {"steps": 4}), (USER, {"steps": 5})))


@pytest.mark.parametrize(
    ("flag", "sources", "expected"),
    [
        (2, FULL, (2, "flag")),
        (0, FULL, (0, "flag")),
        (None, FULL, (3, "DREAMRIG_STEPS")),
        (None, Sources({}, FULL.files), (4, PROJECT)),
        (None, Sources({"DREAMRIG_STEPS": ""}, FULL.files), (4, PROJECT)),
        (None, Sources({}, FULL.files[1:]), (5, USER)),
        (None, Sources({"DREAMRIG_STEP": "9"}, ((PROJECT, {"step": 9}),)), (6, "default")),
    ],
)
def test_stronger_source_wins_and_is_named(flag: int | None, sources: Sources, expected: tuple[int, str]) -> None:
    assert resolve("steps", int, flag, 6, sources=sources) == expected


def test_files_are_read_from_the_current_folder_and_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("DREAMRIG_STEPS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert resolve("steps", int, None, 6) == (6, "default")
    user_file = tmp_path / "config" / "dreamrig" / "config.toml"
    user_file.parent.mkdir(parents=True)
    user_file.write_text("steps = 5\n")
    assert resolve("steps", int, None, 6) == (5, str(user_file))
    (tmp_path / "dreamrig.toml").write_text("steps = 4\n")
    assert resolve("steps", int, None, 6) == (4, "./dreamrig.toml")
    monkeypatch.setenv("DREAMRIG_STEPS", "3")
    assert resolve("steps", int, None, 6) == (3, "DREAMRIG_STEPS")


def test_dotted_names_are_tables_and_hyphens_are_underscores() -> None:
    sources = Sources({"DREAMRIG_SERVE_HOST": "h"}, ((PROJECT, {"serve": {"port": 80}, "cut-power": 2}),))
    assert resolve("serve.port", int, None, 1, sources=sources).value == 80
    assert resolve("serve.host", str, None, "", sources=sources).value == "h"
    assert resolve("cut_power", float, None, 1.0, sources=sources).value == 2.0
    assert resolve("serve.port.more", int, None, 1, sources=sources).value == 1


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("No", False)]
)
def test_yes_and_no_in_the_environment(text: str, value: bool) -> None:
    assert resolve("x", bool, None, not value, sources=Sources({"DREAMRIG_X": text})).value is value


@pytest.mark.parametrize(
    ("type_", "default", "text", "kind"),
    [(int, 0, "1.5", "a whole number"), (float, 0.0, "many", "a number"), (bool, False, "perhaps", "yes or no")],
)
def test_wrong_variable_is_named(type_: type[object], default: object, text: str, kind: str) -> None:
    with pytest.raises(UsageError, match=f"^DREAMRIG_X is '{text}', which is not {kind}") as caught:
        resolve("x", type_, None, default, sources=Sources({"DREAMRIG_X": text}))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("type_", "default", "value"),
    [(int, 0, True), (int, 0, 1.0), (int, 0, "1"), (float, 0.0, False), (bool, False, 1), (str, "", 1), (int, 0, [])],
)
def test_wrong_kind_in_a_file_is_named(type_: type[object], default: object, value: object) -> None:
    with pytest.raises(UsageError, match=r"^x in ./dreamrig.toml is "):
        resolve("x", type_, None, default, sources=Sources({}, ((PROJECT, {"x": value}),)))


@given(st.integers())
def test_any_whole_number_survives_the_environment(number: int) -> None:
    assert resolve("n", int, None, 0, sources=Sources({"DREAMRIG_N": str(number)})).value == number


@given(st.floats(allow_nan=False))
def test_any_number_survives_the_environment(number: float) -> None:
    assert resolve("n", float, None, 0.0, sources=Sources({"DREAMRIG_N": repr(number)})).value == number


@pytest.mark.parametrize("content", [b"steps = ", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_file_that_is_no_toml_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "dreamrig.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not valid TOML") as caught:
        load_sources(file, tmp_path / "none.toml")
    assert str(file) in caught.value.message


def test_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        load_sources(tmp_path, tmp_path / "none.toml")


def test_keys_that_nothing_reads() -> None:
    sources = Sources({}, ((PROJECT, {"steps": 1, "stpes": 2, "cut-power": 1, "serve": {"port": 1, "prot": 2}}),))
    found = list(unknown_keys({"steps", "cut_power", "serve.port"}, sources))
    assert found == [(PROJECT, "stpes"), (PROJECT, "serve.prot")]
