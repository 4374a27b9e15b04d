"""A server's home of an earlier version (tests/homes/served): today's server brings it forward and goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.pictures.reading import read_recipe
from generator.serve.migrations import MIGRATIONS

SERVED = Path(__file__).parents[2] / "homes" / "served"
DONE, HALF, *WAITING = "27QhmBnEhFtW", "0Kp4XX9QW-iT", "wogiTCaAAr63", "SJY30mjD--ce"
LINK = "/s/1-0faec3cb5768a34dceb81e6087d55f5d"


@pytest.mark.slow
def test_todays_server_migrates_it_and_draws_what_waits_with_its_recorded_settings(
    tmp_path: Path, rigs: Callable[..., Any]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(SERVED, home)
    rig = rigs(toy_step_seconds=0.0)
    assert rig.rows("PRAGMA user_version")[0][0] == len(MIGRATIONS)
    recorded = {row["key"]: json.loads(row["config"]) for row in rig.rows("SELECT key, config FROM job")}
    assert [rig.job(key)["state"] for key in (DONE, HALF, *WAITING)] == ["done", "queued", "queued", "queued"]
    assert rig.fetch(LINK)
    assert rig.fetch(f"/files/{DONE}/picture") == (SERVED / "serve/pictures/27" / DONE / "picture.png").read_bytes()
    rig.until(lambda: rig.ask("POST", "/api/v1/mode", json={"mode": "drawing"}))  # it was left in gaming mode
    for key in (HALF, *WAITING):
        rig.done(key)
        drawn, asked = dict(read_recipe(rig.picture(key)).config), recorded[key]
        assert {name: drawn[name] for name in asked} == asked
        assert json.loads(rig.row(key)["config"]) == asked
    assert rig.rows("SELECT count(*) FROM job WHERE crashes > 0 OR code IS NOT NULL")[0][0] == 0
    order = [row["job"] for row in rig.rows("SELECT job FROM event WHERE kind = 'done' ORDER BY id")]
    assert order[:2] == [1, 2], "the interrupted one went on first"
