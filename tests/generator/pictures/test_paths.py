"""Paths in settings: found, made absolute, made harmless, and asked for again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.pictures.opening import open_picture
from generator.pictures.paths import (
    LARGEST_PICTURE_BYTES,
    describe_pictures,
    flag_of,
    paths_in,
    with_absolute_paths,
    with_names_alone,
)
from generator.pictures.reading import RECIPE_KEY, read_recipe
from generator.pictures.recipe import Recipe

SETTINGS: dict[str, Any] = {
    "prompt": "sea @sky",
    "start": "/home/me/start.png",
    "mask": "/home/me/mask.png",
    "regions": "sky=/home/me/sky.png",
    "image_prompts": "/home/me/a.png:2 | /home/me/b.png @sky:1:-1 ^ /home/me/c.png",
}


def test_every_path_is_found_but_the_starts() -> None:
    assert paths_in(SETTINGS) == [
        ("mask", "/home/me/mask.png"),
        ("regions", "/home/me/sky.png"),
        *[("image_prompts", f"/home/me/{name}.png") for name in "abc"],
    ]
    assert paths_in(GenerateConfig(prompt="x").to_dict()) == []


def test_absolute_paths_change_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    names = with_names_alone(SETTINGS)
    assert "/" not in "".join(names.values())
    absolute = with_absolute_paths(names)
    assert absolute["mask"] == str(tmp_path / "mask.png")
    here = {name: value.replace("/home/me", str(tmp_path)) for name, value in SETTINGS.items()}
    assert GenerateConfig(**absolute).wishes() == GenerateConfig(**here).wishes()
    assert with_absolute_paths({"start": "grey", "steps": 3}) == {"start": "grey", "steps": 3}


@pytest.mark.parametrize("start", ["noise", "/home/me/noise"])
def test_the_public_recipe_holds_names_alone(start: str) -> None:
    recipe = Recipe(config=GenerateConfig(**{**SETTINGS, "start": start}).to_dict())
    assert "/home" not in str(recipe.public().to_dict())
    assert recipe.public().config["start"] == ("noise" if start == "noise" else "image")


def test_pictures_are_described_by_name_and_content(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    found = describe_pictures({"mask": str(tmp_path / "a.png"), "image_prompts": f"{tmp_path}/b.png:2"})
    assert found == [
        {"setting": setting, "name": f"{name}.png", "sha256": hashlib.sha256(name.encode()).hexdigest()}
        for setting, name in (("mask", "a"), ("image_prompts", "b"))
    ]
    with pytest.raises(UsageError, match=r"nowhere\.png") as caught:
        describe_pictures({"mask": str(tmp_path / "nowhere.png")})
    assert "--mask" in caught.value.hint


def test_a_recipe_from_afar_asks_for_its_pictures() -> None:
    config = GenerateConfig(prompt="x", mask="/home/me/mask.png", image_prompts="/home/me/a.png:2").to_dict()
    pictures = ({"setting": "mask", "name": "mask.png", "sha256": "ab" * 32},)
    recipe = Recipe.from_dict(Recipe(config=config, pictures=pictures).public().to_dict())
    assert recipe.pictures == pictures
    with pytest.raises(UsageError, match=r"'mask\.png' \(sha256 abababababab") as caught:
        recipe.to_config()
    assert "--mask" in caught.value.hint
    with pytest.raises(UsageError, match=r"'a\.png'"):
        recipe.to_config(mask="/here/mask.png")
    again = recipe.to_config(mask="/here/mask.png", image_prompts="/here/a.png:2")
    assert again.wishes().pictures[0].weight == 2.0
    assert Recipe(config=config).to_config() == GenerateConfig.from_dict(config)


@pytest.mark.parametrize(
    "config", [{"image_prompts": 5}, {"regions": "x"}, {"regions": ["a"]}, {"mask": None}, {"image_prompts": "|"}]
)
def test_a_damaged_recipe_is_refused_not_a_crash(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Recipe(config={"prompt": "x", **config}).to_config()
    with pytest.raises(UsageError):
        Recipe.from_dict({"schema": 1, "config": {}, "pictures": ["x"]})


FROM_A_STRANGER = {
    "start": "/etc/passwd",
    "mask": "/dev/zero",
    "overlay": "../../secret.png",
    "regions": "sky=/dev/zero",
    "image_prompts": "/proc/self/environ:2",
}


@pytest.mark.parametrize("setting", sorted(FROM_A_STRANGER))
def test_a_picture_from_a_stranger_names_no_file_of_this_machine(setting: str, tmp_path: Path) -> None:
    """Whoever made it wrote what they liked into it: /dev/zero, once opened, is never read to its end."""
    config = {**GenerateConfig(prompt="x @sky").to_dict(), setting: FROM_A_STRANGER[setting]}
    forged = PngInfo()
    forged.add_itxt(RECIPE_KEY, json.dumps(Recipe(config=config).to_dict()))
    Image.new("RGB", (8, 8)).save(tmp_path / "stranger.png", pnginfo=forged)
    recipe = read_recipe(tmp_path / "stranger.png")
    assert "/" not in str(recipe.config[setting])
    with pytest.raises(UsageError, match="does not carry") as caught:
        recipe.to_config()
    assert flag_of(setting) in caught.value.hint
    given = with_absolute_paths({setting: FROM_A_STRANGER[setting].replace("/dev/zero", "/mine.png")})
    assert recipe.to_config(**given).to_dict()[setting] == given[setting]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "too large"])
def test_only_files_of_a_pictures_size_are_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "too large":
        with path.open("wb") as file:
            file.truncate(LARGEST_PICTURE_BYTES + 1)  # a hole: it takes no room
    else:
        path = Path("/dev/zero")
    with pytest.raises(UsageError):
        describe_pictures({"mask": str(path)})
    with pytest.raises(UsageError):
        open_picture(str(path), "L")
