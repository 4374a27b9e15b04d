"""What must be true after everything: each broken promise is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from circle import Circle, Listener
from house import House

from generator.pictures.reading import read_recipe
from generator.serve.line.queue import FINAL, WALK


@dataclass(frozen=True)
class Reference:
    """What a wish becomes when nothing happens to it."""

    config: Mapping[str, Any]
    picture: bytes


def broken(
    house: House, circle: Circle, listener: Listener, references: Mapping[str, Reference], worker_kills: int
) -> list[str]:
    """Every promise that was not kept; `references` by wish as JSON."""
    found = house.rows("SELECT job.*, friend.name FROM job JOIN friend ON job.friend = friend.id")
    rows = {row["key"]: dict(row) for row in found}
    events = [dict(row) for row in house.rows("SELECT id, job, kind, data FROM event ORDER BY id")]
    return [
        *acknowledged(circle, rows),
        *pictures(house, circle, rows, references),
        *cancelled(house, circle, rows),
        *walks(events, rows),
        *attempts(events, house.workers),
        *blame(rows, worker_kills),
        *without_gap(listener, events),
        *outside(house),
    ]


def acknowledged(circle: Circle, rows: Mapping[str, Any]) -> Iterator[str]:
    """One row per submission, and each of them has ended."""
    by_request = Counter((row["name"], row["request"]) for row in rows.values() if row["request"] is not None)
    for ask in circle.asked:
        if by_request[ask.friend, ask.request] != 1:
            yield f"{ask.request} of {ask.friend} has {by_request[ask.friend, ask.request]} rows"
        if ask.key not in rows:
            yield f"{ask.request} was acknowledged as {ask.key!r}, which is not there"
        elif rows[ask.key]["request"] != ask.request:
            yield f"{ask.key} is not what {ask.request} was answered"
    for key, row in rows.items():
        if row["state"] not in FINAL:
            yield f"{key} is still {row['state']}"
        if row["state"] == "failed":
            yield f"{key} failed: {row['code']} {row['note']}"


def pictures(
    house: House, circle: Circle, rows: Mapping[str, Any], references: Mapping[str, Reference]
) -> Iterator[str]:
    """The recipe inside each PNG is its job's config, and its bytes are those of an undisturbed run."""
    for ask in circle.asked:
        row, path = rows.get(ask.key), house.picture_folder(ask.key) / "picture.png"
        if row is None or row["state"] != "done":
            continue
        config, expected = json.loads(row["config"]), references[json.dumps(ask.wish)]
        if not path.is_file():
            yield f"{ask.key} is done and has no picture"
            continue
        if changed := differences(dict(read_recipe(path).config), without_path(config)):
            yield f"{ask.key}: the recipe is not its config: {changed}"
        if changed := differences(config, expected.config):
            yield f"{ask.key}: its config is not that of the wish: {changed}"
        if path.read_bytes() != expected.picture:
            yield f"{ask.key}: other bytes than undisturbed (attempt {row['attempt']})"
        if (path.parent / "live.jpg").exists():
            yield f"{ask.key} is done and its preview is left"


def without_path(config: Mapping[str, Any]) -> dict[str, Any]:
    """As a picture tells it: that it starts from a picture, and not where that lies here."""
    return {**config, "start": "image"} if str(config["start"]).startswith("/") else dict(config)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> both values, where they differ."""
    names = {*one, *other}
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def cancelled(house: House, circle: Circle, rows: Mapping[str, Any]) -> Iterator[str]:
    """What was cancelled stays so, and leaves no files."""
    for ask in circle.asked:
        if ask.cancelled and rows[ask.key]["state"] != "cancelled":
            yield f"{ask.key} was cancelled and is {rows[ask.key]['state']}"
    for key, row in rows.items():
        if row["state"] == "cancelled" and house.picture_folder(key).exists():
            yield f"{key} is cancelled and its files are left"


def walks(events: list[dict[str, Any]], rows: Mapping[str, Any]) -> Iterator[str]:
    """States walk the diagram, numbers of events have no hole."""
    state: dict[int, str | None] = {}
    for event in events:
        sources, target = WALK[event["kind"]]
        if state.get(event["job"]) not in sources:
            yield f"event {event['id']}: {state.get(event['job'])} -> {event['kind']}"
        state[event["job"]] = target
    if state != {row["id"]: row["state"] for row in rows.values()}:
        yield "the last events are not the states"
    if [event["id"] for event in events] != list(range(1, len(events) + 1)):
        yield "numbers of events have a hole"


def attempts(events: list[dict[str, Any]], workers: int) -> Iterator[str]:
    """A worker draws one job at a time, and each attempt is the next one."""
    running: set[int] = set()
    last: Counter[int] = Counter()
    for event in events:
        if event["kind"] == "claimed":
            attempt = json.loads(event["data"])["attempt"]
            if len(running) >= workers or event["job"] in running:
                yield f"event {event['id']}: job {event['job']} was begun while {sorted(running)} ran"
            if attempt != last[event["job"]] + 1:
                yield f"event {event['id']}: attempt {attempt} after {last[event['job']]}"
            running.add(event["job"])
            last[event["job"]] = attempt
        else:
            running.discard(event["job"])


def blame(rows: Mapping[str, Any], worker_kills: int) -> Iterator[str]:
    """Only a worker's own death counts as a crash."""
    crashes = sum(row["crashes"] for row in rows.values())
    if crashes > worker_kills:
        yield f"{crashes} crashes were counted, {worker_kills} workers were killed"


def without_gap(listener: Listener, events: list[dict[str, Any]]) -> Iterator[str]:
    """The page that came back by itself heard every event once, in order."""
    first = listener.first
    if first is None or not listener.heard:
        yield "the open page heard nothing"
    elif listener.heard != list(range(first + 1, listener.heard[-1] + 1)):
        expected = range(first + 1, listener.heard[-1] + 1)
        missing = sorted(set(expected) - set(listener.heard))
        yield f"the open page missed {missing[:10]}, or heard some twice ({len(listener.heard)} of {len(expected)})"
    elif listener.heard[-1] != events[-1]["id"]:
        yield f"the open page heard up to {listener.heard[-1]} of {events[-1]['id']}"


def outside(house: House) -> Iterator[str]:
    """No file outside the home."""
    for path in house.sandbox.iterdir():
        if path.name not in house.files:
            yield f"{path} lies outside the home"
    for name in ("user", "tmp"):
        for path in (house.sandbox / name).rglob("*"):
            yield f"{path} lies outside the home"
