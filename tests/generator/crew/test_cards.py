"""Several cards in one PC: a worker for each, in a batch and in a server, without a word from anybody."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from generator.crew import batch
from generator.crew.cards import VISIBLE, bound_to, several_cards
from generator.crew.settings import CrewSettings
from generator.front.cli import crew_batch
from generator.serve.line import team
from generator.serve.line.dispatcher import Dispatcher
from generator.serve.settings import ServeSettings
from generator.work.plan import Plan

ONE = [("RTX 3090", "GPU-1")]
TWO = [*ONE, ("Tesla T4", "GPU-2")]


@pytest.mark.parametrize(
    ("cards", "shown", "wanted", "found"),
    [
        ([], None, "", []),
        (ONE, None, "", []),
        (TWO, None, "", ["GPU-1", "GPU-2"]),
        (TWO, None, "t4", ["GPU-2"]),
        (TWO, "0", "", []),
        (TWO, "", "", []),
        (TWO, "1,0", "", ["1", "0"]),
        (ONE, "0,1", "", []),
        ([("RTX 3090", "GPU-1"), ("RTX 3090", "")], None, "", ["GPU-1"]),
    ],
)
def test_the_cards_that_get_a_worker_each(
    cards: list[tuple[str, str]], shown: str | None, wanted: str, found: list[str]
) -> None:
    environ = {} if shown is None else {VISIBLE: shown}
    assert several_cards(CrewSettings(cards=wanted).wants, cards, environ) == found


def test_workers_of_a_batch_see_one_card_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    places = batch.LocalPlaces(3, {}, 5.0, tmp_path / "batch.log", ["GPU-1", "GPU-2"])
    places.command = [sys.executable, "-c", f"import os, sys; print(os.environ[{VISIBLE!r}], file=sys.stderr)"]

    async def seen() -> list[str]:
        for post in await places.posts():
            await (await places.start(post)).wait()
        return [(tmp_path / f"batch-{post}.log").read_text().strip() for post in range(3)]

    assert asyncio.run(seen()) == ["GPU-1", "GPU-2", "GPU-1"]
    places.cards = ()
    assert asyncio.run(seen())[0].endswith("0,1")
    assert bound_to("") == {}


def test_a_batch_goes_to_both_cards_by_itself_where_nothing_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_batch, "several_cards", partial(several_cards, cards=TWO, environ={}))
    plans = [Plan(prompt="a house", given={"seed": seed}) for seed in (1, 2)]
    assert crew_batch.spreads_by_itself(plans, {})
    assert not crew_batch.spreads_by_itself(plans[:1], {})
    for asked in ("first", "upscale", "as_json", "batch_size"):
        assert not crew_batch.spreads_by_itself(plans, {asked: True})
    for settings in ({"device": "cpu"}, {"device": "cuda:1"}, {"model": "imagenet-f16-1024"}):
        assert not crew_batch.spreads_by_itself([plans[0], Plan(prompt="a house", given=settings)], {})
    monkeypatch.setattr(crew_batch, "several_cards", partial(several_cards, cards=ONE, environ={}))
    assert not crew_batch.spreads_by_itself(plans, {})


def test_workers_of_a_batch_are_as_many_as_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    monkeypatch.setattr(crew_batch, "several_cards", partial(several_cards, cards=TWO, environ={}))
    values: Mapping[str, Any] = {"crew": None, "as_json": False, "quiet": True}
    for given, workers, cards in (({}, 2, ["GPU-1", "GPU-2"]), ({"device": "cuda:1"}, 1, [])):
        places = crew_batch._places(crew_batch.Asked.from_values(values), Plan(prompt="a house", given=given))
        assert isinstance(places, batch.LocalPlaces)
        assert (places.workers, places.cards) == (workers, cards)


def test_a_server_has_a_dispatcher_for_each_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "several_cards", partial(several_cards, cards=ONE, environ={}))
    assert team.chosen_dispatcher(ServeSettings()) is Dispatcher
    monkeypatch.setattr(team, "several_cards", partial(several_cards, cards=TWO, environ={}))
    chosen = team.chosen_dispatcher(ServeSettings())
    assert isinstance(chosen, partial)
    assert (chosen.func, chosen.args) == (team.local_team, (["GPU-1", "GPU-2"],))
    started: list[Mapping[str, str]] = []

    async def start(environ: Mapping[str, str]) -> Any:
        started.append(environ)

    async def what() -> None:
        roster = team.CardRoster(["GPU-1", "GPU-2"], start)
        for post in await roster.posts():
            await roster.start(post)

    asyncio.run(what())
    assert started == [{VISIBLE: "GPU-1"}, {VISIBLE: "GPU-2"}]
