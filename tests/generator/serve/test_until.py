"""Gaming until a time of day: by the server's own clock, tomorrow where it is past."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dreamrig.errors import UsageError
from generator.serve.cli import serve
from generator.serve.home import this_home, write_address
from generator.serve.settings import parse_end


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is not UTC, and skips an hour in spring."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("23:00", ms(2026, 1, 10, 22, 0)),
        ("until 23:00", ms(2026, 1, 10, 22, 0)),
        ("9:30", ms(2026, 1, 11, 8, 30)),
        ("21:00", ms(2026, 1, 11, 20, 0)),  # it is just that: tomorrow
        ("90m", ms(2026, 1, 10, 21, 30)),
        ("0", None),
    ],
)
def test_a_time_of_day_is_the_next_one(berlin: None, text: str, expected: int | None) -> None:
    assert parse_end(text, ms(2026, 1, 10, 20, 0)) == expected


def test_tomorrow_may_have_an_hour_less(berlin: None) -> None:
    assert parse_end("8:00", ms(2026, 3, 28, 12, 0)) == ms(2026, 3, 29, 6, 0)


@pytest.mark.parametrize("text", ["24:00", "23:60", "23:0", "soon", "", "until", "-3h", "until 3h"])
def test_what_is_neither_length_nor_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no time of day"):
        parse_end(text, 0)


def test_the_owner_plays_until_then(site: Any) -> None:
    owner = site.owner()
    site.until_ready()
    end = datetime.fromtimestamp(site.service.clock.now_ms() / 1000 + 7200)  # noqa: DTZ006 - the server's own
    assert owner.post("/owner/mode", data={"mode": "gaming", "length": f"until {end:%H:%M}"}).status_code == 303
    assert f"The graphics card plays a game until {end:%H:%M}." in owner.get("/queue").text
    answer = owner.post("/api/v1/mode", json={"mode": "gaming", "length": f"{end:%H:%M}"})
    assert answer.json()["until"] == int(end.replace(second=0, microsecond=0).timestamp() * 1000)
    assert owner.post("/owner/mode", data={"mode": "gaming", "length": "when I like"}).status_code == 422


@pytest.mark.parametrize("words", [["--until", "23:00", "--for", "3h"], ["--until", "25:00"], ["--for", "soon"]])
def test_the_command_asks_no_server_for_what_cannot_be(words: list[str]) -> None:
    with pytest.raises(UsageError):
        serve(["pause", *words])


def test_the_command_asks_the_running_server(
    site: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(site.home.root.parent / "data"))
    home = this_home()
    home.address_file.parent.mkdir(parents=True)
    write_address(home, site.url, site.server.token, os.getpid())
    assert serve(["pause", "--until", "23:00"]) == 0
    assert "The graphics card is yours" in capsys.readouterr().out
    assert site.service.hub.mode == "gaming"
    assert f"{datetime.fromtimestamp(site.service.hub.until / 1000):%H:%M}" == "23:00"  # noqa: DTZ006 - the server's own
