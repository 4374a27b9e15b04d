"""Posts to a Discord that is a server on loopback: once each, patient with 429, given up where it is pointless."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dreamrig.errors import UsageError
from generator.serve import webhook
from generator.serve.line import queue
from generator.serve.settings import ServeSettings
from generator.serve.webhook import escaped

SILENT = 0
"""It took the post and hung up without an answer."""


class FakeDiscord:
    """Answers as told, remembers what came."""

    def __init__(self, answers: list[int]) -> None:
        self.answers, self.came = answers, []  # type: ignore[var-annotated]  # bodies
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.came.append(self.rfile.read(int(self.headers["Content-Length"])))
                code = outer.answers.pop(0) if outer.answers else 200
                if code == SILENT:
                    self.close_connection = True
                    return
                self.send_response(code)
                if code == 301:
                    self.send_header("Location", f"{outer.url}/elsewhere")
                if code == 429:
                    self.send_header("Retry-After", "0.01")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def discord() -> Iterator[Callable[[list[int]], FakeDiscord]]:
    started: list[FakeDiscord] = []

    def start(answers: list[int]) -> FakeDiscord:
        started.append(FakeDiscord(answers))
        return started[-1]

    yield start
    for one in started:
        one.server.shutdown()
        one.server.server_close()


def run_site(sites: Any, discord: FakeDiscord, posts: str = "all") -> Any:
    return sites(settings=ServeSettings(webhook=discord.url, webhook_posts=posts, keep_free_mib=0))


def test_a_done_picture_is_posted_once_and_mentions_nobody(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([])
    site = run_site(sites, fake)
    ann = site.friend("ann")
    key = site.submit(ann, "@everyone *look*")
    site.until(ann, key, "done")
    waiting(lambda: site.rows("SELECT sent_at FROM outbox")[0][0] is not None)
    assert len(fake.came) == 1
    head, _, rest = fake.came[0].partition(b"\r\n\r\n")[2].partition(b"\r\n")
    body = json.loads(head)
    assert body["allowed_mentions"] == {"parse": []}
    assert body["content"] == r"**\@everyone \*look\***"
    assert b"\x89PNG" in rest


def test_429_is_waited_for_and_4xx_is_told(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([429])
    site = run_site(sites, fake)
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    waiting(lambda: site.rows("SELECT tries FROM outbox")[0][0] == 1)
    assert site.rows("SELECT sent_at, given_up FROM outbox")[0][:] == (None, None)
    site.store(lambda db: db.execute("UPDATE outbox SET not_before = 0"))
    waiting(lambda: site.rows("SELECT sent_at FROM outbox")[0][0] is not None)
    assert len(fake.came) == 2
    fake.answers.append(404)
    site.until(ann, site.submit(ann, "another"), "done")
    waiting(lambda: site.rows("SELECT given_up FROM outbox ORDER BY id DESC")[0][0] is not None)
    assert "404" in site.rows("SELECT given_up FROM outbox ORDER BY id DESC")[0][0]


def test_shared_pictures_alone_are_posted_where_the_owner_wants_that(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([])
    site = run_site(sites, fake, "shared")
    ann = site.friend("ann")
    private, shared = site.submit(ann, "private"), site.submit(ann, "shared")
    site.until(ann, private, "done")
    site.until(ann, shared, "done")
    ann.post(f"/p/{shared}/share")
    waiting(lambda: len(fake.came) == 1)
    assert b"shared" in fake.came[0]


@pytest.mark.parametrize("prompt", ["**bold**", "<@123>", "`x`", "[a](b)", "|| ||", "# title"])
def test_no_prompt_is_markup(prompt: str) -> None:
    assert escaped(prompt).replace("\\", "") == prompt
    assert escaped(prompt) != prompt


def test_a_link_that_was_ended_meanwhile_is_not_posted(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([500])
    site = run_site(sites, fake, posts="shared")
    ann = site.friend("ann")
    key = site.submit(ann)
    site.until(ann, key, "done")
    ann.post(f"/p/{key}/share")
    waiting(lambda: site.rows("SELECT tries FROM outbox")[0][0] == 1)
    ann.post(f"/p/{key}/unshare")
    site.store(lambda db: db.execute("UPDATE outbox SET not_before = 0"))
    waiting(lambda: site.rows("SELECT given_up FROM outbox")[0][0] is not None)
    assert len(fake.came) == 1


def test_a_database_held_for_a_moment_stops_no_later_post(
    sites: Any, discord: Any, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LOOK_SECONDS", 0.05)
    fake = discord([])
    site = run_site(sites, fake)
    ann = site.friend("ann")
    first = site.submit(ann)
    site.until(ann, first, "done")
    waiting(lambda: site.rows("SELECT count(sent_at) FROM outbox")[0][0] == 1)
    with site.held_by_another():
        time.sleep(0.5)
    second = site.submit(ann)
    site.until(ann, second, "done")
    waiting(lambda: site.rows("SELECT count(sent_at) FROM outbox")[0][0] == 2)
    assert len(fake.came) == 2


def test_a_post_without_an_answer_is_told_and_not_made_twice(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([SILENT])
    site = run_site(sites, fake)
    ann, owner = site.friend("ann"), site.owner()
    site.until(ann, site.submit(ann), "done")
    waiting(lambda: site.rows("SELECT given_up FROM outbox")[0][0] is not None)
    assert "whether it was posted is not known" in owner.get("/owner").text
    assert len(fake.came) == 1


def test_a_server_that_ended_while_it_posted_tells_the_owner_and_posts_no_second_time(
    sites: Any, discord: Any, waiting: Any
) -> None:
    fake = discord([500])
    site = run_site(sites, fake)
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    waiting(lambda: site.rows("SELECT tries FROM outbox")[0][0] == 1)
    site.store(lambda db: db.execute("UPDATE outbox SET is_sending = 1, not_before = 0"))  # it was killed just then
    site.stop()
    again = run_site(sites, fake)
    waiting(lambda: again.rows("SELECT given_up FROM outbox")[0][0] is not None)
    assert "the server ended while it was sent" in again.owner().get("/owner").text
    assert len(fake.came) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("0.5", 0.5), ("30", 30.0), (None, 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("inf", 0.0), ("-1", 0.0)],
)
def test_how_long_to_wait_is_read_or_left(asked: str | None, seconds: float) -> None:
    assert webhook.seconds_in(asked) == seconds


@pytest.mark.parametrize("error", [ValueError("secret"), RuntimeError("secret")])
def test_the_outbox_outlives_whatever_a_post_raises(
    sites: Any,
    discord: Any,
    waiting: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(webhook, "LOOK_SECONDS", 0.05)
    good, raised = webhook.send, [error]

    def send(request: Any) -> None:
        if raised:
            raise raised.pop()
        good(request)

    monkeypatch.setattr(webhook, "send", send)
    fake = discord([])
    site = run_site(sites, fake)
    ann, owner = site.friend("ann"), site.owner()
    site.until(ann, site.submit(ann), "done")
    site.until(ann, site.submit(ann, "another"), "done")
    waiting(lambda: site.rows("SELECT count(sent_at) FROM outbox")[0][0] == 1)
    page = owner.get("/owner").text
    assert f"it could not be sent ({type(error).__name__})" in page
    assert "secret" not in page + caplog.text


def test_a_redirect_is_no_post(sites: Any, discord: Any, waiting: Any) -> None:
    fake = discord([301])
    site = run_site(sites, fake)
    ann = site.friend("ann")
    site.until(ann, site.submit(ann), "done")
    waiting(lambda: site.rows("SELECT given_up FROM outbox")[0][0] is not None)
    assert "301" in site.rows("SELECT given_up FROM outbox")[0][0]


@pytest.mark.parametrize(
    "address", ["discord.com/api/webhooks/1/s3cret", "ftp://discord.com/s3cret", "https:///s3cret", "https://[s3cret",
                "https://discord.com/s3cret x", "https://discord.com:s3cret/", "https://discord.com/s3cret\n"]
)  # fmt: skip
def test_a_webhook_that_is_no_address_is_refused_at_the_start_without_showing_it(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        ServeSettings(webhook=address)
    assert caught.value.exit_code == 2
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


def test_a_webhook_for_a_thread_keeps_its_thread(by_hand: Any) -> None:
    ann = by_hand.friend("ann")
    by_hand.submit(ann)
    (job,) = by_hand.service.store.read(queue.line).result()
    request = webhook.make_request("https://discord.com/api/webhooks/1/x?thread_id=7", job, b"")
    assert request.full_url.endswith("/x?thread_id=7&wait=true")
