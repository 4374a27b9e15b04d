"""A picture's growing as a film: on demand, once, by a process of its own, for those who may see the picture."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.config import GenerateConfig
from generator.pictures.recipe import Recipe
from generator.serve import growth

pytest.importorskip("av", reason="needs the extra [video]")


def grown(site: Any, client: Any, frames: int = 4) -> tuple[str, Path]:
    """A done picture whose growing was kept."""
    key = site.submit(client)
    site.until(client, key, "done")
    folder = site.home.picture_folder(key)
    facts = {"prompt": "a house", "seed": 1, "steps": frames, "created_at": "2026-11-27T12:00:00+00:00"}
    (folder / "run.json").write_text(json.dumps({"schema": 1, "status": "done", **facts}))
    recipe = Recipe(config=GenerateConfig(prompt="a house").to_dict())
    (folder / "config.json").write_text(json.dumps(recipe.to_dict()))
    (folder / "frames").mkdir()
    for number in range(frames):
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32), (number * 60, 80, 20)).save(buffer, "JPEG")
        (folder / "frames" / f"{number:06}.jpg").write_bytes(buffer.getvalue())
    return key, folder


def test_a_film_is_made_once_and_shown(site: Any) -> None:
    ann, ben, stranger = site.friend("ann"), site.friend("ben"), site.visitor()
    key, folder = grown(site, ann)
    assert "Watch it grow" in ben.get(f"/p/{key}").text
    assert ben.post(f"/p/{key}/grow").headers["location"] == f"/p/{key}"
    film = ben.get(f"/files/{key}/film")
    assert film.headers["content-type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"
    assert f'src="/files/{key}/film"' in ben.get(f"/p/{key}").text
    assert not (folder / "frames").exists()
    assert stranger.get(f"/files/{key}/film").status_code == 303
    before = (folder / "film.mp4").stat().st_mtime_ns
    assert ann.post(f"/p/{key}/grow").status_code == 303
    assert (folder / "film.mp4").stat().st_mtime_ns == before


def test_a_hidden_picture_has_no_film_for_others(site: Any) -> None:
    ann, ben = site.friend("ann"), site.friend("ben")
    key, folder = grown(site, ann)
    ann.post(f"/p/{key}/hide")
    assert ben.post(f"/p/{key}/grow").status_code == 404
    assert not (folder / "film.mp4").exists()


def test_what_cannot_be_filmed_says_so(site: Any) -> None:
    ann = site.friend("ann")
    key, folder = grown(site, ann, frames=1)
    assert "Watch it grow" not in ann.get(f"/p/{key}").text
    answer = ann.post(f"/p/{key}/grow")
    assert answer.status_code == 409
    assert "its growing was not kept" in answer.text
    broken, folder = grown(site, ann)
    (folder / "frames" / "000001.jpg").write_bytes(b"torn")
    assert ann.post(f"/p/{broken}/grow").status_code == 500
    assert (folder / "frames").is_dir()
    assert not (folder / "film.mp4").exists()


def test_a_film_that_takes_too_long_is_said_so(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "LONGEST_SECONDS", 0.0)
    ann = site.friend("ann")
    key, folder = grown(site, ann)
    answer = ann.post(f"/p/{key}/grow")
    assert answer.status_code == 500
    assert "The film could not be made" in answer.text
    assert not (folder / "film.mp4").exists()


def test_the_web_process_loads_no_codec() -> None:
    import subprocess

    heavy = ("av", "torch", "numpy", "PIL")
    code = f"import sys; import generator.serve.app; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_a_film_costs_what_the_processor_has_left() -> None:
    assert growth.film_command(Path("/x"))[:2] == ["nice", "-n"]
