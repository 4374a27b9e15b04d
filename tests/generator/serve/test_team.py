"""Several workers at one line: places come and go, a stranger leaves half-done pictures alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from generator.config import GenerateConfig
from generator.crew.door import CrewLostError
from generator.crew.protocol import Began, Cancel, Done, Draw, Kept, Leave, Order, Ready, Stepped, Telling
from generator.serve import friends
from generator.serve.clock import Clock
from generator.serve.home import Home
from generator.serve.line import queue
from generator.serve.line.estimate import History
from generator.serve.line.live import Hub
from generator.serve.line.queue import New
from generator.serve.line.team import Team, common_offers
from generator.serve.settings import Patience
from generator.serve.store import Store

WISH = {"prompt": "a house", "preset": "quick", "shape": "square", "seed": None, "style": "none", "parent": None}
CONFIG = GenerateConfig(prompt="a house", width=32, height=32, steps=10).to_dict()
PATIENCE_SECONDS = 60


class TeamCrew:
    """A worker that does what the test says; a place called bad never says a word."""

    def __init__(self, post: str) -> None:
        self.post = post
        self.orders: list[Order] = []
        self.told: asyncio.Queue[Telling | None] = asyncio.Queue()
        self.told.put_nowait(None if post.startswith("bad") else Ready(post, ()))

    @property
    def mark(self) -> str:
        return f"fake {self.post}"

    async def send(self, order: Order) -> None:
        self.orders.append(order)
        if isinstance(order, Leave):
            self.told.put_nowait(None)

    async def tellings(self) -> AsyncIterator[Telling]:
        while (telling := await self.told.get()) is not None:
            yield telling

    def kill(self) -> None:
        self.told.put_nowait(None)

    async def wait(self) -> int:
        return 0

    @property
    def draws(self) -> list[Draw]:
        return [order for order in self.orders if isinstance(order, Draw)]

    def tell(self, *tellings: Telling | None) -> None:
        for telling in tellings:
            self.told.put_nowait(telling)

    def finish(self) -> None:
        order = self.draws[-1]
        folder = Path(order.folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "picture.png").write_bytes(b"picture")
        self.tell(Done(order.job, order.attempt, 1.0))


class FakeRoster:
    """Places that a test sets."""

    def __init__(self, *posts: str) -> None:
        self.now, self.crews, self.strangers = list(posts), [], set()  # type: ignore[var-annotated]
        self.asked: list[Path] = []

    async def posts(self) -> list[str]:
        return list(self.now)

    async def start(self, post: str) -> TeamCrew:
        self.crews.append(TeamCrew(post))
        return self.crews[-1]

    def is_stranger(self, crew: TeamCrew, folder: Path) -> bool:
        self.asked.append(folder)
        return crew.post in self.strangers

    def remark(self, crew: TeamCrew) -> str:
        return "similar, not equal" if crew.post in self.strangers else ""

    def at(self, post: str) -> list[TeamCrew]:
        return [crew for crew in self.crews if crew.post == post]


class AtWork:
    """A team over a real database."""

    def __init__(self, folder: Path, *posts: str, lease_seconds: float = 0.0, **patient: Any) -> None:
        home = Home(folder)
        home.prepare()
        self.store, self.hub, self.roster = Store(home.database), Hub(), FakeRoster(*posts)
        patience = Patience(**{"tick": 0.02, "leave": 2.0, "restart": (0.0,), **patient})
        self.team = Team(
            self.store, self.hub, home, None, clock=Clock(), history=History(), patience=patience, roster=self.roster,
            lease_seconds=lease_seconds,
        )  # fmt: skip
        self.keys = 0

    def submit(self) -> int:
        def put(db: Any) -> int:
            self.keys += 1
            owner = friends.owner(db, 0).id
            new = New(key=f"key{self.keys}", friend=owner, wish=WISH, config=CONFIG, made_by="test", cost=1.0)
            return queue.submit(db, new, 0).id

        return int(self.store.write(put).result())

    def state(self, job: int) -> tuple[str, int]:
        row = self.store.read(lambda db: db.execute("SELECT * FROM job WHERE id=?", (job,)).fetchone()).result()
        return row["state"], row["attempt"]

    async def until(self, true: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := true()):
                await asyncio.sleep(0.01)
        return found


def at_work(site: AtWork, what: Callable[[AtWork], Any]) -> None:
    async def live() -> None:
        running = asyncio.create_task(site.team.run())
        try:
            await what(site)
            assert not running.done()
        finally:
            await site.team.stop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await running
            site.store.close()

    asyncio.run(live())


def test_work_spreads_over_places_and_follows_them(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        first, second, third = site.submit(), site.submit(), site.submit()
        one, two = await site.until(
            lambda: (crews := site.roster.crews)[1:] and [c for c in crews if c.draws][1:] and crews
        )
        assert {one.draws[0].job, two.draws[0].job} == {first, second}
        one.tell(Began(one.draws[0].job, 1), Stepped(one.draws[0].job, 1, 3, 10))
        await site.until(lambda: (now := site.hub.progress_of(one.draws[0].job)) and now.steps_done == 3)
        assert site.hub.progress_of(two.draws[0].job).steps_done == 0  # type: ignore[union-attr]
        assert site.hub.worker == "drawing"
        assert {(part.place, part.device, part.worker) for part in site.hub.parts} == {
            (place, place, "drawing") for place in ("one", "two")
        }
        two.finish()
        await site.until(lambda: len(two.draws) == 2)
        assert two.draws[1].job == third

        site.roster.now = [one.post]  # the machine of the other leaves
        await site.until(lambda: any(isinstance(order, Leave) for order in two.orders))
        await site.until(lambda: site.state(third) == ("queued", 1))
        one.finish()
        await site.until(lambda: one.draws[-1].job == third)
        assert one.draws[-1].attempt == 2
        site.roster.now.append("new")
        await site.until(lambda: site.roster.at("new"))

    at_work(AtWork(tmp_path, "one", "two"), what)


def test_a_stranger_goes_on_with_nobodys_picture(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        job = site.submit()
        usual = (await site.until(lambda: [c for c in site.roster.crews if c.draws]))[0]
        usual.tell(Began(job, 1), Kept(job, 1, 4))
        await site.until(lambda: site.store.read(lambda db: queue.by_id(db, job)).result().kept_step == 4)
        site.roster.strangers = {"strange"}
        site.roster.now = ["strange"]
        await site.until(lambda: site.state(job)[0] == "queued" and site.roster.at("strange"))
        strange = site.roster.at("strange")[0]
        fresh = site.submit()
        await asyncio.sleep(0.3)
        assert not strange.draws  # the half-done one is next
        assert set(site.roster.asked) == {site.team.home.picture_folder("key1")}
        assert "strange (similar, not equal)" in {part.place for part in site.hub.parts}
        site.roster.now.append("usual again")
        again = (await site.until(lambda: [c for c in site.roster.at("usual again") if c.draws]))[0]
        assert (again.draws[0].job, again.draws[0].attempt) == (job, 2)
        await site.until(lambda: strange.draws)
        assert strange.draws[0].job == fresh

    at_work(AtWork(tmp_path, "one"), what)


def test_a_worker_that_does_not_start_stops_nobody_else(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        await site.until(lambda: len(site.roster.at("bad")) >= 3)
        await site.until(lambda: "bad" in site.team.given_up)
        count = len(site.roster.at("bad"))
        job = site.submit()
        site.team.wake()
        good = (await site.until(lambda: [c for c in site.roster.at("good") if c.draws]))[0]
        good.finish()
        await site.until(lambda: site.state(job) == ("done", 1))
        assert site.hub.mode == "drawing"
        assert len(site.roster.at("bad")) == count

    at_work(AtWork(tmp_path, "good", "bad"), what)


def test_cancelling_reaches_the_worker_that_draws_it(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        jobs = site.submit(), site.submit()
        crews = await site.until(lambda: len([c for c in site.roster.crews if c.draws]) == 2 and site.roster.crews)
        await site.team.cancel(jobs[1])
        mine, other = sorted(crews, key=lambda crew: crew.draws[0].job != jobs[1])
        assert [order.job for order in mine.orders if isinstance(order, Cancel)] == [jobs[1]]
        assert not [order for order in other.orders if isinstance(order, Cancel)]

    at_work(AtWork(tmp_path, "one", "two"), what)


def test_a_roster_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        await site.until(lambda: site.roster.crews)
        answered = site.roster.posts

        async def fails() -> list[str]:
            raise TimeoutError

        site.roster.posts = fails  # type: ignore[method-assign]
        job = site.submit()
        site.team.wake()
        crew = (await site.until(lambda: [c for c in site.roster.crews if c.draws]))[0]
        crew.finish()
        await site.until(lambda: site.state(job) == ("done", 1))
        site.roster.posts = answered  # type: ignore[method-assign]

    at_work(AtWork(tmp_path, "one"), what)


def test_a_crew_that_is_lost_ends_the_server_which_its_parent_starts_again(tmp_path: Path) -> None:
    """A head begun anew is another cluster: who stays waits for workers that never come."""

    async def what(site: AtWork) -> None:
        async def lost() -> list[str]:
            raise CrewLostError("The head of the crew was begun anew.")

        answered, site.roster.posts = site.roster.posts, lost  # type: ignore[method-assign]
        with pytest.raises(CrewLostError):
            await site.team.look()
        site.roster.posts = answered  # type: ignore[method-assign]

    at_work(AtWork(tmp_path), what)


def test_why_nobody_can_draw_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def what(site: AtWork) -> None:
        async def fails() -> list[str]:
            raise TimeoutError

        answered, site.roster.posts = site.roster.posts, fails  # type: ignore[method-assign]
        for _ in range(3):
            await site.team.look()
        site.roster.posts = answered  # type: ignore[method-assign]
        await site.team.look()
        assert len([record for record in caplog.records if "who can draw" in record.getMessage()]) == 1
        assert site.team.unknown == ""

    at_work(AtWork(tmp_path), what)


def test_a_silence_that_the_lease_allows_ends_no_worker(tmp_path: Path) -> None:
    async def what(site: AtWork) -> None:
        job = site.submit()
        crew = (await site.until(lambda: [c for c in site.roster.crews if c.draws]))[0]
        crew.tell(Began(job, 1))
        await asyncio.sleep(0.5)
        crew.finish()
        await site.until(lambda: site.state(job) == ("done", 1))

    at_work(AtWork(tmp_path, "one", beat=0.1, stuck=0.1, lease_seconds=60.0), what)


def test_what_is_offered_is_what_all_can_draw() -> None:
    def offer(preset: str, *, fits: bool, width: int) -> dict[str, Any]:
        facts = {"shape": "square", "kind": "plain", "model": "starter", "config": {}, "needs_mib": 1.0}
        return {"preset": preset, **facts, "fits": fits, "largest_width": width}

    small = Ready("small", (offer("quick", fits=True, width=64), offer("slow", fits=False, width=128)))
    large = Ready("large", (offer("quick", fits=True, width=64), offer("slow", fits=True, width=512)))
    found = {one["preset"]: (one["fits"], one["largest_width"]) for one in common_offers([large, small])}
    assert found == {"quick": (True, 64), "slow": (False, 128)}
