"""What a wish may start from, and at which place it joins the line."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.crew.protocol import Draw
from generator.serve.asking import where
from generator.serve.settings import ServeSettings
from generator.serve.wish import has_held


@pytest.mark.parametrize(
    "prompt",
    [
        "a grue",
        "cat|grue",
        "grue:2",
        "grue:2:-1",
        "cat ^grue^dog",
        "a Grüe",
        "a gru\u00ade at night",
        "\uff47\uff52\uff55\uff45",
        "(GRUE)",
        "grue_house",
        "the grue's den",
        "an Ice  dragon asleep",
        "an ice-dragon",
        "cat | two ice dragon:3",
        "\u4e00\u53ea\u732b",
    ],
)
def test_a_held_word_or_phrase_is_found_as_the_generator_reads_the_prompt(prompt: str) -> None:
    own = ServeSettings(hold_words="Grue, ice dragon, \u732b, ,")
    assert has_held(prompt, own.held_words)
    assert not has_held(prompt, ServeSettings(hold_words=" , !").held_words)


@pytest.mark.parametrize("prompt", ["a gruesome sight", "ice | dragon", "ice on a dragon", "dragon ice", "a house:2"])
def test_what_only_looks_like_a_held_word_is_not_held(prompt: str) -> None:
    assert not has_held(prompt, ServeSettings(hold_words="grue, ice dragon, 2").held_words)


def test_submit_says_where_a_picture_stands(sites: Callable[..., Any]) -> None:
    site = sites(at_once=False, settings=ServeSettings(keep_free_mib=0, idle_unload="0", hold_words="grue"))
    ann = site.friend("ann")
    first = site.submit(ann)
    site.until(ann, first, "running")
    said = [where(ann.post("/api/v1/jobs", json={"prompt": prompt}).json()) for prompt in ("a grue", "a house")]
    assert said == ["held: the owner has to look at this prompt first", "number 1, unknown yet"]
    assert where(ann.get(f"/api/v1/jobs/{first}").json()) == "is drawn now"
    assert where({"state": "done", "number": None}) == "done"


def test_modules_that_the_documentation_imports_are_there() -> None:
    text = Path(__file__).parents[3].joinpath("docs/serve.md").read_text(encoding="utf-8")
    named = re.findall(r"^import (generator[.\w]+)", text, re.MULTILINE)
    assert named
    for name in named:
        assert importlib.util.find_spec(name) is not None, name


def test_nobody_goes_on_from_a_deleted_picture(site: Any) -> None:
    ann = site.friend("ann")
    parent = site.submit(ann)
    site.until(ann, parent, "done")
    child = site.submit(ann, parent=parent)
    site.until(ann, child, "done")
    ann.post(f"/p/{parent}/delete")
    answer = ann.post("/api/v1/jobs", json={"prompt": "a house", "parent": parent})
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, "That picture was deleted.")
    assert "That picture was deleted." in ann.post(f"/p/{child}/again").text
    assert site.rows("SELECT count(*) FROM job")[0][0] == 2


def test_a_picture_that_another_one_will_start_from_stays_until_then(by_hand: Any) -> None:
    ann, ben = by_hand.friend("ann"), by_hand.friend("ben")
    parent = by_hand.submit(ann)
    by_hand.crews[-1].draw_now(by_hand.crews[-1].next_order(Draw))
    by_hand.until(ann, parent, "done")
    child = by_hand.submit(ben, parent=parent)
    assert ann.post(f"/p/{parent}/delete").status_code == 409
    assert by_hand.home.picture_folder(parent).is_dir()
    by_hand.crews[-1].draw_now(by_hand.crews[-1].next_order(Draw))
    by_hand.until(ben, child, "done")
    assert ann.post(f"/p/{parent}/delete").status_code == 303


def test_the_page_says_the_number_that_it_will_be(by_hand: Any) -> None:
    ann, ben, noor = by_hand.friend("ann"), by_hand.friend("ben"), by_hand.friend("noor")
    by_hand.submit(ann)
    order = by_hand.crews[-1].next_order(Draw)
    for client in (ben, ben, ann, noor, ben, noor):
        said = re.search(r"You will be number (\d+)", client.get("/").text)
        assert said is not None
        key = by_hand.submit(client)
        assert client.get(f"/api/v1/jobs/{key}").json()["number"] == int(said[1])
    by_hand.crews[-1].draw_now(order)
