"""What a picture takes of the disk is known before it is taken into the line."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.crew import drawing
from generator.crew.protocol import Ready
from generator.pictures.png import ENLARGEMENT, LARGEST_LARGE_SIDE, SMALLEST_LARGE_SIDE, enlarge_smoothly
from generator.serve.line import admission
from generator.serve.line.admission import needed_mib
from generator.serve.settings import ServeSettings


def test_the_sizes_are_those_of_the_generator() -> None:
    assert admission.ENLARGED_PIXELS == ENLARGEMENT**2
    assert (admission.SMALLEST_ENLARGED, admission.LARGEST_ENLARGED) == (SMALLEST_LARGE_SIDE**2, LARGEST_LARGE_SIDE**2)
    assert admission.MOST_FRAMES == drawing.MOST_FRAMES


@pytest.mark.parametrize("side", [32, 128, 256])
def test_a_picture_takes_less_than_it_is_given_room_for(side: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    picture, size = Image.fromarray(noise), 0
    for one in (picture, enlarge_smoothly(picture)):
        buffer = io.BytesIO()
        one.save(buffer, "PNG")
        size += buffer.tell()
    assert size < needed_mib({"width": side, "height": side, "steps": 1}) * 2**20


def test_a_large_one_is_refused_where_a_small_one_has_room(
    sites: Callable[..., Any], make_offers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dict(make_offers()[0]["config"])
    small, large = {**config, "width": 128, "height": 128}, {**config, "width": 1024, "height": 1024}
    offered = tuple({**one, "config": small if one["preset"] == "quick" else large} for one in make_offers())
    monkeypatch.setattr("generator.serve.service.free_mib", lambda path: 2048 + 40)
    site = sites(settings=ServeSettings(idle_unload="0"), ready=(Ready("fake", offered, ()),))
    ann = site.friend("ann")
    site.submit(ann, preset="quick")
    refused = ann.post("/api/v1/jobs", json={"prompt": "a house", "preset": "slow"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (507, "disk_full")
