"""The procedural world the starter learns: scenes, pictures, captions."""

import random
from pathlib import Path

import numpy as np
import pytest

from generator.starter import words, world
from generator.starter.making.captions import caption
from generator.starter.making.pool import open_pool, scene_at
from generator.starter.making.render import render
from generator.starter.world import SLOTS, Scene, draw_scene, hides_object, replace, spots


def landscape(**slots: str) -> Scene:
    first = {name: values[0] for name, values in SLOTS.items()}
    return replace(Scene(tuple(first.values())), **slots)


def many(count: int) -> list[Scene]:
    rng = random.Random(5)
    return [draw_scene(rng) for _ in range(count)]


def test_scenes_round_trip_through_their_indices() -> None:
    for scene in many(300):
        assert Scene.from_indices(scene.indices()) == scene


def test_the_same_seed_gives_the_same_world_and_another_another() -> None:
    assert [scene_at(1, i) for i in range(40)] == [scene_at(1, i) for i in range(40)]
    assert [scene_at(1, i) for i in range(40)] != [scene_at(2, i) for i in range(40)]


def test_a_picture_is_the_same_twice_and_full_sized() -> None:
    for scene in many(25):
        first = render(scene)
        assert first.shape == (world.SIDE, world.SIDE, 3)
        assert first.dtype == np.uint8
        assert np.array_equal(first, render(scene))


@pytest.mark.parametrize("style", words.STYLES)
def test_every_object_shows_in_every_style(style: str) -> None:
    empty = render(landscape(style=style))
    seen = []
    for kind in words.OBJECTS:
        scene = landscape(style=style, object_1=kind, colour_1="red", size_1="big", x_1="5", y_1="6")
        changed = np.abs(render(scene).astype(int) - empty).max(2) > 8
        assert changed.sum() > 150, kind
        seen.append(render(scene).tobytes())
    assert len(set(seen)) == len(words.OBJECTS)


def test_each_slot_that_can_show_changes_the_picture() -> None:
    scene = landscape(
        light="sun", light_colour="yellow", light_x="4", back="mountains", object_1="house", colour_1="red"
    )
    shown = {"style": "neon", "sky": "night", "ground": "snow", "back": "city", "back_colour": "purple",
             "light": "moon",
             "light_colour": "red", "light_x": "9", "light_y": "low", "stars": "stars", "clouds": "dark",
             "extra": "rainbow", "horizon": "3", "layout": "2", "object_1": "tree", "colour_1": "blue", "size_1": "big",
             "x_1": "8", "y_1": "7", "object_2": "boat"}  # fmt: skip
    for slot, value in shown.items():
        assert not np.array_equal(render(scene), render(replace(scene, **{slot: value}))), slot


def test_a_sunset_is_warm_above_and_the_sun_lies_where_the_slots_say() -> None:
    picture = render(landscape(sky="sunset", ground="sea")).astype(int)
    band = picture[35:55].mean((0, 1))
    assert band[0] > band[2] + 60
    scene = landscape(light="sun", light_colour="yellow", light_x="10", light_y="high")
    changed = np.abs(render(scene).astype(int) - render(landscape()).astype(int)).sum(2)
    assert abs(changed.sum(0).argmax() / world.SIDE - spots(scene)[1][0]) < 0.12


def test_the_world_hides_no_object_before_its_backdrop() -> None:
    rng = random.Random(5)
    assert not any(hides_object(draw_scene(rng)) for _ in range(2000))
    heart = {"kind": "shapes", "object_1": "heart", "colour_1": "red", "colour_a": "white", "colour_b": "red"}
    scene = replace(draw_scene(rng), object_2="none", pattern="plain", **heart)
    assert not hides_object(scene)
    assert hides_object(replace(scene, colour_a="red"))
    assert hides_object(replace(scene, pattern="stripes"))
    assert not hides_object(replace(scene, kind="landscape", colour_a="red"))


def test_captions_state_only_what_is_there_in_known_words() -> None:
    rng = random.Random(11)
    for scene in many(600):
        one = caption(scene, rng)
        assert one.text
        assert words.unknown_words(one.text) == {}, one.text
        for slot, value in one.stated.items():
            if slot.startswith(("x_", "light_x")):
                assert value in ("left", "middle", "right")
            else:
                assert scene[slot] == value, (one.text, slot)


def test_a_stated_object_and_colour_are_in_the_text() -> None:
    rng = random.Random(12)
    for scene in many(300):
        one = caption(scene, rng, full=True)
        for number in (1, 2):
            if scene[f"object_{number}"] != "none":
                assert f"{scene[f'colour_{number}']} {scene[f'object_{number}']}" in one.text


def test_captions_read_like_english() -> None:
    rng = random.Random(13)
    for scene in many(400):
        text = caption(scene, rng).text
        assert "  " not in text
        assert " a orange" not in f" {text}"
        assert text == text.strip()


def test_the_pool_is_what_its_seed_says_and_is_rendered_once(tmp_path: Path) -> None:
    pool = open_pool(tmp_path, seed=3, count=12, workers=1)
    assert len(pool) == 12
    for index in (0, 7, 11):
        assert pool.scene(index) == scene_at(3, index)
        assert np.array_equal(pool.pictures[index], render(scene_at(3, index)))
    stamp = (tmp_path / "pictures.npy").stat().st_mtime_ns
    open_pool(tmp_path, seed=3, count=12, workers=1)
    assert (tmp_path / "pictures.npy").stat().st_mtime_ns == stamp
    assert open_pool(tmp_path, seed=4, count=12, workers=1).scene(0) == scene_at(4, 0)
