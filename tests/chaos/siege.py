"""The siege: seeded faults one after another, most of them once the server has come back from the one before."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from circle import Circle, Listener
from house import House, is_alive, wait_for
from oracle import Reference, broken

DAY_MS = 86_400_000
KILLS: Mapping[str, int] = {"worker": 8, "server": 6, "parent": 3, "tree": 3}
"""Who is killed -9, and how often among twenty."""
LEAVE_SECONDS = 10.0
"""What a killed server or parent leaves behind should be gone by then; and a picture go on, a start later."""
HASTE = 0.5
"""Share of kills that come while the server is still getting up from the one before."""
WISHES: tuple[Mapping[str, Any], ...] = (
    {"prompt": "sunset over the sea", "seed": 5},
    {"prompt": "a red house", "seed": 6, "shape": "wide"},
    {"prompt": "a boat ^ a storm", "seed": 7},
    {"prompt": "two moons", "seed": 8, "style": "oil"},
)


class BrokenPromiseError(AssertionError):
    """The server did not come back."""


@dataclass
class Siege:
    """One run of it."""

    sandbox: Path
    seed: int
    kills: int
    patience_seconds: float
    """After so long without a step it is stuck."""
    most_seconds: float = float("inf")
    """No kill after so long, however many are left."""
    killed: Counter[str] = field(default_factory=Counter)
    leaving_seconds: list[float] = field(default_factory=list)
    """How long what a killed server or parent left behind was still there."""
    start_seconds: float = 0.0
    """From the command until it could draw, while nothing happened: three processes and their imports."""
    back_seconds: list[float] = field(default_factory=list)
    """From a kill, and nothing else, until a picture went on."""
    unparked: int = 0
    """How often the owner pressed "try again"."""
    problems: list[str] = field(default_factory=list)
    kinds: Mapping[str, int] = field(default_factory=lambda: KILLS)
    has_troubles: bool = True
    """Whether disk, clock and database are hurt, too."""

    def make_house(self) -> House:
        """Who is besieged."""
        return House(self.sandbox)

    def run(self) -> dict[str, Any]:
        """Everything; a report whose `broken` is empty where every promise was kept."""
        self.dice, self.house = random.Random(self.seed), self.make_house()
        began = time.monotonic()
        try:
            self.house.start()
            self.until(lambda: self.house.ask("GET", "/readyz"), "it is not ready")
            self.start_seconds = time.monotonic() - began
            circle = self.circle = Circle(self.house, list(WISHES))
            circle.come_in()
            references = self.draw_references(circle)
            listener = Listener(circle)
            listener.begin()
            thread = circle.go_on(self.seed)
            self.besiege()
            self.quiet(circle, thread)
            self.until(lambda: listener.heard and listener.heard[-1] == self.newest_event(), "the open page is behind")
            circle.is_over = True
            if (code := self.house.stop()) != 0:
                self.problems.append(f"stopped with {code}")
            self.problems += broken(self.house, circle, listener, references, self.worker_deaths())
            return self.report(circle, listener, time.monotonic() - began)
        finally:
            self.house.close()

    def until(self, true: Any, sentence: str) -> Any:
        """Wait with patience, and keep the service up meanwhile as systemd would."""

        def looked() -> Any:
            self.house.keep_up()
            return true()

        found = wait_for(looked, self.patience_seconds, 0.1)
        if not found:
            raise BrokenPromiseError(f"{sentence}\n{self.house.last_words()}")
        return found

    def newest_event(self) -> int:
        """The number of the database's newest event."""
        return int(self.house.rows("SELECT max(id) FROM event")[0][0])

    # ---- before

    def draw_references(self, circle: Circle) -> dict[str, Reference]:
        """Each wish drawn while nothing happens, and one more that starts from a picture."""
        found: dict[str, Reference] = {}
        for wish in WISHES:
            key = self.draw_one(wish, found)
        child = {"prompt": "a lighthouse", "seed": 9, "parent": key}
        self.draw_one(child, found)
        circle.wishes.append(child)
        return found

    def draw_one(self, wish: Mapping[str, Any], found: dict[str, Reference]) -> str:
        """Its key."""
        key = str(self.until(lambda: self.house.ask("POST", "/api/v1/jobs", json=wish), "a wish was not taken")["key"])
        row = self.until(lambda: self.house.rows("SELECT * FROM job WHERE key=? AND state='done'", key), "not drawn")[0]
        picture = (self.house.picture_folder(key) / "picture.png").read_bytes()
        found[json.dumps(wish)] = Reference(json.loads(row["config"]), picture)
        return key

    # ---- the siege itself

    def besiege(self) -> None:
        """All kills, with every other trouble in between."""
        troubles, began = self.troubles(), time.monotonic()
        for number in range(1, self.kills + 1):
            if time.monotonic() - began > self.most_seconds:
                return
            if self.dice.random() >= HASTE:
                seconds = self.until_it_draws()
                if number > 1 and number - 1 not in troubles:
                    self.back_seconds.append(seconds)
            time.sleep(self.dice.uniform(0, 1.2))
            self.kill(self.dice.choices(list(self.kinds), list(self.kinds.values()))[0])
            self.tidy()
            if number in troubles:
                troubles[number]()
            if number % 25 == 0:
                print(f"{number} of {self.kills} kills", file=sys.stderr, flush=True)

    def troubles(self) -> dict[int, Any]:
        """After which kill what else happens: each kind at least once, in a long siege one every 25 kills."""
        kinds = (self.fill_disk, self.jump_clock, self.damage, self.jump_back, self.lock, self.fill_and_kill)
        if not self.has_troubles:
            return {}
        apart = max(1, min(25, self.kills // (len(kinds) + 1)))
        return {number: kinds[(number // apart - 1) % len(kinds)] for number in range(apart, self.kills + 1, apart)}

    def until_it_draws(self) -> float:
        """A picture goes on: a step is made now. After how many seconds."""
        before, began = self.steps(), time.monotonic()

        def goes_on() -> bool:
            self.tidy()
            return self.steps() not in (before, None)

        self.until(goes_on, "no picture goes on")
        return time.monotonic() - began

    def steps(self) -> tuple[str, int, int] | None:
        """Picture, attempt and step; None = nothing is drawn now."""
        state = self.house.ask("GET", "/api/v1/queue")
        if state is None or not state["line"] or state["line"][0]["state"] != "running":
            return None
        first = state["line"][0]
        return (first["key"], first["attempt"], first["steps_done"]) if first.get("preview") else None

    def kill(self, who: str) -> None:
        """-9 to one of them, or to all three at once."""
        family = self.house.family()
        if not family:
            return
        victims = self.victims(who, family)
        for victim in victims:
            try:
                victim.kill()
            except psutil.Error:
                continue
        if victims:
            self.killed[who] += 1
        if who in ("server", "parent"):
            threading.Thread(target=self.see_them_leave, args=(family,), daemon=True).start()

    def victims(self, who: str, family: list[psutil.Process]) -> Sequence[psutil.Process]:
        """Those of the family that are meant."""
        return {"parent": family[:1], "server": family[1:2], "worker": family[2:3], "tree": family}[who]

    def worker_deaths(self) -> int:
        """How many workers were killed by themselves: so many crashes may be counted."""
        return self.killed["worker"]

    def see_them_leave(self, family: list[psutil.Process]) -> None:
        """What a killed server or parent leaves behind goes by itself; its parent, which was not killed, stays."""
        left = [one for one in family[1:] if is_alive(one)]
        began = time.monotonic()
        if not wait_for(lambda: not any(map(is_alive, left)), self.patience_seconds, 0.1):
            self.problems.append(f"{left} outlived its parent by {self.patience_seconds:.0f} s")
        self.leaving_seconds.append(time.monotonic() - began)

    def tidy(self) -> None:
        """What a service and an owner do: start it again, and press "try again" beside what is parked."""
        self.house.keep_up()
        for row in self.house.rows("SELECT key FROM job WHERE state = 'parked'"):
            self.unparked += 1
            self.house.press("/owner/unpark", key=row["key"])
        if (state := self.house.ask("GET", "/api/v1/queue")) is not None and state["mode"] == "paused":
            self.house.press("/owner/mode", mode="drawing")

    # ---- other troubles

    def fill_disk(self) -> None:
        """A full disk for a while: pages go on, new wishes are refused, nothing is lost."""
        self.until_it_draws()
        with self.house.full_disk():
            time.sleep(self.dice.uniform(3, 6))
            for status, words in ((200, "The line"), (507, "full")):
                page = self.circle.queue_page() if status == 200 else self.circle.ask_once_more()
                if page.status_code != status or words not in page.text:
                    self.problems.append(f"on a full disk, {status} expected: {page.status_code} {page.text}")

    def fill_and_kill(self) -> None:
        """The server is killed while the disk is full: it comes back and shows its pages."""
        with self.house.full_disk():
            self.kill("server")
            time.sleep(0.5)
            self.until(self.house.is_up, "no server on a full disk")
        self.until_it_draws()

    def jump_clock(self) -> None:
        """A day ahead, and two hours asleep."""
        self.house.jump(DAY_MS, 7200.0)
        self.until_it_draws()

    def jump_back(self) -> None:
        """A day back."""
        self.house.jump(-DAY_MS, 7200.0)
        self.until_it_draws()

    def lock(self) -> None:
        """Another program keeps the database to itself for longer than a write waits."""
        with self.house.locked_database():
            time.sleep(13)
        self.until_it_draws()

    def damage(self) -> None:
        """Everything is killed, and noise lies where the database was: refused in words, the newest backup named."""
        self.until_it_draws()
        family = self.house.family()
        self.kill("tree")
        wait_for(lambda: not any(map(is_alive, family)), self.patience_seconds)
        with self.house.damaged_database():
            self.house.start()
            assert self.house.parent is not None
            code = self.house.parent.wait(self.patience_seconds)
            if code != 4 or "is damaged" not in self.house.last_words():
                self.problems.append(f"a damaged database: exit code {code}\n{self.house.last_words()}")
        self.until_it_draws()

    # ---- after

    def quiet(self, circle: Circle, thread: threading.Thread) -> None:
        """No more faults; everything that was asked ends."""
        circle.has_enough = True
        thread.join(60)
        self.until(lambda: circle.knock_again() or all(ask.key for ask in circle.asked), "a wish was never answered")
        live = "SELECT 1 FROM job WHERE state IN ('queued','running','held','parked')"
        self.until(lambda: self.tidy() or not self.house.rows(live), "something never ended")

    def report(self, circle: Circle, listener: Listener, seconds: float) -> dict[str, Any]:
        """Figures for people."""
        leaving, back = sorted(self.leaving_seconds), sorted(self.back_seconds)
        return {
            "seed": self.seed,
            "kills": dict(self.killed),
            "submissions": len(circle.asked),
            "cancelled": sum(ask.cancelled for ask in circle.asked),
            "attempts": int(self.house.rows("SELECT sum(attempt) FROM job")[0][0]),
            "events": self.newest_event(),
            "unparked": self.unparked,
            "streams": listener.connections,
            "own_disk": self.house.has_disk,
            "seconds": round(seconds, 1),
            "leaving_seconds": {"median": middle(leaving), "longest": middle(leaving[-1:])},
            "stayed_longer_than_10_s": sum(one > LEAVE_SECONDS for one in leaving),
            "start_seconds": round(self.start_seconds, 2),
            "back_seconds": {"times": len(back), "median": middle(back), "longest": middle(back[-1:])},
            "back_later_than_10_s_and_a_start": sum(one > LEAVE_SECONDS + self.start_seconds for one in back),
            "broken": self.problems,
        }


def middle(values: list[float]) -> float | None:
    """The median of what is in order; None of nothing."""
    return round(values[len(values) // 2], 2) if values else None
