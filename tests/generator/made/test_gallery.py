"""docs/gallery.md is current, its commands run, and its pictures are what they claim to be."""

from __future__ import annotations

import html
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docs.made import gallery
from docs.made.gallery import DRAWN, FOLDER, PAGE, GalleryEntry
from dreamrig.errors import UsageError
from generator import devices
from generator.config import GenerateConfig
from generator.knobs import kinds_of
from generator.pictures.reading import read_recipe

Command = Callable[..., Any]
ENTRIES = [entry for entries in gallery.read_entries().values() for entry in entries]
FEW = {"generate": ["--steps", "1", "--cutouts", "2"], "film": ["--frames", "2", "--steps", "1", "--frame-steps", "1"]}
FEW["restyle"] = ["--seconds", "0.2", "--frame-steps", "1", "--cutouts", "2"]
MOST_BYTES = 1_500_000


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == gallery.render_page(), "run: python -m docs.made.gallery --page"


def test_the_page_shows_what_is_there_and_nothing_else() -> None:
    shown = set(re.findall(r'<img src="gallery/([^"]+)"', PAGE.read_text(encoding="utf-8")))
    assert shown == {entry.file for entry in ENTRIES}
    files = list(FOLDER.iterdir())
    needed = {word for entry in ENTRIES for command in entry.commands for word in shlex.split(command)}
    assert shown <= {path.name for path in files} <= shown | (needed & {path.name for path in files})
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_a_caption_with_quotes_stays_whole_beside_its_picture() -> None:
    found = re.findall(r'<img src="gallery/([^"]+)" alt="([^"]*)">', PAGE.read_text(encoding="utf-8"))
    assert {file: html.unescape(alt) for file, alt in found} == {e.file: e.caption.replace("`", "") for e in ENTRIES}


def test_the_commands_stand_on_the_page_and_fix_the_seed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for entry in ENTRIES:
        assert entry.commands[-1].endswith(f"--out {entry.file}")
        for command in entry.commands:
            assert f"\ndreamrig {command}\n" in text
            assert "--seed" in command or "last" in shlex.split(command)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.file)
def test_every_command_runs(entry: GalleryEntry, command: Command, home: Path) -> None:
    """On toy networks, with one step: the words are understood, and the file comes out."""
    for path in FOLDER.iterdir():
        if path.name in DRAWN or path.suffix in (".png", ".mp4"):
            shutil.copy(path, Path.cwd())
    for line in entry.commands:
        name, *words = shlex.split(line)
        few = FEW.get(name) or FEW.get(words[0], [])
        if "--frames-every" in words:
            few = ["--steps", "4", "--cutouts", "2"]
        answer = command(name, *words, *few, *(["--force"] if "--out" in words else []))
        assert answer.code == 0, answer
    assert Path(entry.file).is_file()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.file)
def test_the_picture_was_made_by_its_command(entry: GalleryEntry) -> None:
    """As far as its recipe tells: prompt, seed, networks, and each flag that is a setting."""
    recipe = read_recipe(FOLDER / entry.file)
    assert recipe.weights["name"] == "starter"
    words = shlex.split(entry.commands[0])
    flags = dict(zip(words, [*words[1:], ""], strict=True))
    assert recipe.config["prompt"] == ("" if words[1].startswith("--") else words[2 if words[0] == "video" else 1]) or (
        words[1] == "restyle" and recipe.config["prompt"] == words[3]
    )
    for name, kind in kinds_of(GenerateConfig).items():
        flag = f"--{name.replace('_', '-')}"
        if flag in flags and name not in ("seed", "start", "image_prompts"):
            assert recipe.config[name] == kind(flags[flag])


def test_a_picture_of_it_is_drawn_again(tmp_path: Path) -> None:
    """The quickest one, with the starter: near the same pixels, nearer on a machine like the one it was made on."""
    entry = next(entry for entry in ENTRIES if entry.file == "heart.png")
    with gallery.own_data_folder():
        gallery.make(entry, tmp_path)
    before, after = (np.asarray(Image.open(folder / entry.file), np.int16) for folder in (FOLDER, tmp_path))
    was, now = read_recipe(FOLDER / entry.file), read_recipe(tmp_path / entry.file)
    assert now.config == was.config
    difference = np.abs(after - before)
    # Processors of one name may still be of two kinds, so even there a few codes may come out otherwise.
    is_alike = (was.versions["torch"], was.machine) == (devices.versions()["torch"], now.machine)
    assert difference.mean() < (1 if is_alike else 12)


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        gallery.make(GalleryEntry(file="x.png", caption="", commands=("generate x --seed -1 --out x.png",)), tmp_path)


def test_the_page_says_what_it_is_not() -> None:
    assert "Nothing here was made with the original VQGAN and CLIP weights" in gallery.INTRODUCTION
