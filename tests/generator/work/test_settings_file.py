"""Settings as TOML, there and back."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.wishes.seeds import parse_seed
from generator.work.settings_file import read_config, render_config, save_config, to_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)))
def test_any_value_comes_back_from_toml(value: Any) -> None:
    found = tomllib.loads(f"key = {to_toml(value)}")["key"]
    assert (found, type(found)) == (value, type(value))


@given(
    prompt=st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters=":|^"), min_size=1
    ),
    step_size=st.floats(1e-6, 100),
    seed=st.integers(0, 2**63 - 1),
)
def test_a_config_comes_back(prompt: str, step_size: float, seed: int) -> None:
    prompt = f"fog {prompt}"
    config = GenerateConfig(prompt=prompt, step_size=step_size, seed=seed, start='C:\\pictures\\a "b".png')
    assert GenerateConfig.from_dict(tomllib.loads(render_config(config))) == config


def test_the_file_tells_what_every_setting_means(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    save_config(path, GenerateConfig(prompt="fog", cut_power=2))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("cut_power = 2.0") - 1] == "# Above 1 favours small cutouts, below 1 large ones."
    assert "dreamrig generate --config mine.toml" in lines[0]
    assert GenerateConfig.from_dict(read_config(path)) == GenerateConfig(prompt="fog", cut_power=2)


def test_dashes_and_seeds_in_words_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('prompt = "fog"\nstep-size = 0.2\nseed = "Blue Moon"\n')
    assert read_config(path) == {"prompt": "fog", "step_size": 0.2, "seed": parse_seed("blue moon")}


@pytest.mark.parametrize(
    ("content", "word"),
    [(b'colour = "red"', "colour"), (b"steps = ", "TOML"), (b"\xff", "TOML"), (b"[steps]\na = 1\n[x]", "x")],
)
def test_what_is_no_settings_file_is_named(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=word) as caught:
        read_config(path)
    assert caught.value.hint
    with pytest.raises(UsageError):
        read_config(tmp_path / "absent.toml")


def test_seeds_as_words() -> None:
    assert parse_seed("42") == 42
    assert parse_seed(" 007 ") == 7
    assert parse_seed("Blue  Moon") == parse_seed("blue moon") != parse_seed("blue moons")
    # For ever: a seed told to a friend stays the same. printf "blue moon" | sha256sum | cut -c1-10
    assert parse_seed("blue moon") == 0x3B74DC9061
    assert 0 <= parse_seed("x") < 2**40
    for wrong in ("", "  ", "-1", str(2**63), "9" * 5000, "word " * 100):
        with pytest.raises(UsageError) as caught:
            parse_seed(wrong)
        assert caught.value.hint


@pytest.mark.parametrize(("size", "is_taken"), [(1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_a_settings_file_has_a_mebibyte_at_most(tmp_path: Path, size: int, is_taken: bool) -> None:
    (tmp_path / "x.toml").write_text('prompt = "a fox"\n#'.ljust(size, "."), encoding="utf-8")
    with contextlib.nullcontext() if is_taken else pytest.raises(UsageError, match=r"x\.toml"):
        assert read_config(tmp_path / "x.toml") == {"prompt": "a fox"}
