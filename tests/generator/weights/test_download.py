"""Downloads from a server on loopback that serves well, badly, and not at all."""

from __future__ import annotations

import errno
import hashlib
import http.client
import io
import re
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from rich.console import Console

from dreamrig.errors import FailedError, NotReadyError
from dreamrig.screen import Screen
from generator.weights.door import WeightsDoor, open_url
from generator.weights.download import PARTS
from generator.weights.fetch import fetch
from generator.weights.foreign.stored import CheckpointError
from generator.weights.progress import DownloadProgress
from generator.weights.registry import entries
from generator.weights.retry import ATTEMPTS

Fetch = Any
"""A function, and the folder that it fetches into."""


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def steps() -> list[tuple[int, int | None]]:
    """(bytes that are here, bytes in all), as they were told."""
    return []


@pytest.fixture
def get(
    tmp_path: Path,
    make_registry: Callable[..., Path],
    talk: list[str],
    waits: list[float],
    steps: list[tuple[int, int | None]],
) -> Fetch:
    """Fetch from these sources into tmp_path / "folder"."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def run(*sources: dict[str, Any], **door: Any) -> Any:
        file = make_registry(tiny=("vqgan", list(sources)))
        entries.cache_clear()
        outside = WeightsDoor(sleep=waits.append, chance=lambda: 1.0, registry_file=file, **door)
        return fetch(entries(file)["tiny"], folder, outside, talk.append, lambda *step: steps.append(step), run.use)  # type: ignore[attr-defined]

    run.folder = folder  # type: ignore[attr-defined]  # for tests to look into
    run.use = lambda fetched: fetched  # type: ignore[attr-defined]  # for tests to change
    return run


def assert_is(fetched: Any, data: bytes) -> None:
    assert fetched.path.read_bytes() == data
    assert fetched.sha256 == hashlib.sha256(data).hexdigest()
    assert fetched.bytes == len(data)


# ---- good ones


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("tells_length", [True, False])
def test_how_many_bytes_there_will_be_is_told_by_the_server_or_by_the_registry(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, steps: Any, known: bool, tells_length: bool
) -> None:
    url = server.put("/last.ckpt", served(data, tells_length=tells_length))
    get(source(url, data) if known else source(url, known=False))
    assert steps[-1] == (len(data), len(data) if known or tells_length else None)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("changes", [{}, {"tells_length": False}, {"etag": None}, {"ranges": False}])
def test_a_plain_download(
    get: Fetch,
    server: Any,
    served: Any,
    source: Any,
    data: bytes,
    known: bool,
    changes: dict[str, Any],
    talk: list[str],
) -> None:
    url = server.put("/last.ckpt", served(data, **changes))
    assert_is(get(source(url, data, known=known)), data)
    assert server.requests == [("/last.ckpt", None)]
    assert talk == []


def test_redirects_are_followed_to_another_address(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    server.put("/real", served(data, drops=[100_000]))
    server.put("/middle", served(status=302, moved_to="/real"))
    url = server.put("/start", served(status=302, moved_to=server.url("/middle")))
    assert_is(get(source(url, data)), data)
    # the rest is asked for through the same redirects, and the range survives them
    assert server.requests[2:] == [("/real", None)] + [
        (path, "bytes=100000-") for path in ("/start", "/middle", "/real")
    ]


def test_a_circle_of_redirects_ends(get: Fetch, server: Any, served: Any, source: Any, data: bytes) -> None:
    url = server.put("/circle", served(status=302, moved_to="/circle"))
    with pytest.raises(FailedError, match="302"):
        get(source(url, data))


# ---- connections that drop


def test_a_dropped_connection_is_continued_where_it_stopped(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, waits: list[float]
) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000, 0, 50_000, 1]))
    assert_is(get(source(url, data)), data)
    ranges = [asked for _, asked in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    assert waits == [1.0, 2.0, 1.0, 1.0]  # longer only while nothing comes


def test_a_mirror_that_gives_nothing_is_left(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, talk: list[str]
) -> None:
    bad = server.put("/bad", served(data, drops=[0] * 100))
    good = server.put("/good", served(data))
    assert_is(get(source(bad, data), source(good, data)), data)
    assert [path for path, _ in server.requests] == ["/bad"] * ATTEMPTS + ["/good"]
    assert any("trying the next mirror" in line for line in talk)


def test_another_mirror_of_the_same_file_goes_on_with_the_part(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    bad = server.put("/bad", served(data, drops=[100_000] + [0] * 10))
    good = server.put("/good", served(data, etag='"other"'))
    assert_is(get(source(bad, data), source(good, data)), data)
    assert server.requests[-1] == ("/good", "bytes=100000-")


def test_without_a_known_hash_parts_of_two_addresses_are_never_joined(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    bad = server.put("/bad", served(data, drops=[100_000] + [0] * 10))
    good = server.put("/good", served(data))
    assert_is(get(source(bad, known=False), source(good, known=False)), data)
    assert server.requests[-1] == ("/good", None)


def test_a_file_that_changed_meanwhile_is_not_joined_to_its_old_half(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, originals: Any
) -> None:
    other = originals.write("gumbel.ckpt").read_bytes()
    file = served(data, drops=[100_000])
    url = server.put("/last.ckpt", file)

    def change() -> None:
        server.put("/last.ckpt", served(other, etag='"2"'))

    assert_is(get(source(url, known=False), open_url=_calling(change)), other)
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-"]


def _calling(before_the_rest: Callable[[], None]) -> Callable[[str, dict[str, str]], Any]:
    """An opener that calls this before it asks for the rest of a file."""

    def opening(url: str, headers: dict[str, str]) -> Any:
        if "Range" in headers:
            before_the_rest()
        return open_url(url, headers)

    return opening


def test_a_server_that_refuses_ranges_starts_over(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, talk: list[str]
) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000], ranges=False))
    assert_is(get(source(url, data)), data)
    assert any("cannot continue a download; starting over" in line for line in talk)


@pytest.mark.parametrize("changes", [{"ranges": False}, {"range_start": 7}])
def test_a_server_that_cannot_go_on_and_always_drops_is_given_up(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, changes: dict[str, Any]
) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000] * 100, **changes))
    with pytest.raises(FailedError, match=r"cannot continue|another part|ended after"):
        get(source(url, data))
    assert len(server.requests) < 20


def test_a_part_longer_than_the_file_starts_over(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000] + [0] * 10))
    with pytest.raises(FailedError):
        get(source(url, known=False))
    (part,) = get.folder.glob("*.part")
    part.write_bytes(part.read_bytes() + bytes(len(data)))
    server.put("/last.ckpt", served(data))
    notes = part.with_suffix(".part.json")
    notes.write_text(notes.read_text().replace(str(len(data)), "null"))
    assert_is(get(source(url, known=False)), data)


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "reset"), TimeoutError("timed out"), http.client.BadStatusLine("x")]
)
def test_errors_of_the_network_are_tried_again(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, error: Exception, waits: list[float]
) -> None:
    url = server.put("/last.ckpt", served(data))
    raised: list[Exception] = [error, urllib.error.URLError(error)]

    def opening(url: str, headers: dict[str, str]) -> Any:
        if raised:
            raise raised.pop(0)
        return open_url(url, headers)

    assert_is(get(source(url, data), open_url=opening), data)
    assert waits == [1.0, 2.0]


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    busy = server.put("/busy", served(status=503))
    gone = server.put("/gone", served(status=404))
    with pytest.raises(FailedError, match=r"503.*404"):
        get(source(busy, data), source(gone, data))
    assert [path for path, _ in server.requests] == ["/busy"] * ATTEMPTS + ["/gone"]


# ---- answers that are not the file


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>please</body></html>"


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("known", [True, False])
def test_a_web_page_is_named_as_one_and_not_kept(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, content_type: str, known: bool
) -> None:
    page = PAGE if content_type.startswith("text") or not known else PAGE.ljust(len(data))
    url = server.put("/last.ckpt", served(page, content_type=content_type))
    with pytest.raises(FailedError, match="it is a web page with the title 'Sign in'") as caught:
        get(source(url, data, known=known))
    first, *addresses = caught.value.hint.splitlines()
    assert first == "open one of these with a browser, then: dreamrig weights import FILE --as tiny"
    assert addresses == [f"  {url}"]
    assert list(get.folder.iterdir()) == []


def test_a_wrong_length_is_refused_before_anything_is_stored(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    url = server.put("/last.ckpt", served(data + b"more"))
    good = server.put("/good", served(data))
    with pytest.raises(FailedError, match=f"has {len(data) + 4} bytes, not {len(data)}"):
        get(source(url, data))
    assert list(get.folder.iterdir()) == []
    assert_is(get(source(url, data), source(good, data)), data)


def test_a_length_that_is_not_true(get: Fetch, server: Any, served: Any, source: Any, data: bytes) -> None:
    url = server.put("/last.ckpt", served(data[:200_000], length=len(data), ranges=False))
    with pytest.raises(FailedError, match=r"ended after|cannot continue"):
        get(source(url, data))


def test_a_stream_without_a_length_that_ends_early(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    url = server.put("/last.ckpt", served(data, tells_length=False, drops=[len(data) // 2] * 9, ranges=False))
    with pytest.raises(FailedError, match="bytes, not"):
        get(source(url, data))
    with pytest.raises(FailedError, match="damaged or cut short"):
        get(source(url, known=False))
    assert list(get.folder.glob(PARTS)) == []


def test_a_wrong_hash_is_refused_and_the_next_mirror_asked(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, talk: list[str]
) -> None:
    changed = data[:-1] + bytes([data[-1] ^ 1])
    bad, good = server.put("/bad", served(changed)), server.put("/good", served(data))
    with pytest.raises(FailedError, match="SHA-256"):
        get(source(bad, data))
    assert list(get.folder.glob(PARTS)) == []
    assert_is(get(source(bad, data), source(good, data)), data)
    assert talk[-1].endswith("trying the next mirror")


def test_a_part_that_was_wrong_is_fetched_anew_once(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, talk: list[str]
) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000] + [0] * 10))
    with pytest.raises(FailedError):
        get(source(url, data))
    (part,) = get.folder.glob("*.part")
    part.write_bytes(bytes(100_000))
    server.put("/last.ckpt", served(data))
    assert_is(get(source(url, data)), data)
    assert any("do not make up the file; starting over" in line for line in talk)


def test_a_compressed_answer_is_refused(get: Fetch, server: Any, served: Any, source: Any, data: bytes) -> None:
    url = server.put("/last.ckpt", served(data, encoding="gzip"))
    with pytest.raises(FailedError, match="compressed"):
        get(source(url, data))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "nonsense", "http://"])
def test_only_http_is_opened(get: Fetch, source: Any, data: bytes, url: str) -> None:
    with pytest.raises(FailedError, match="No mirror gave tiny"):
        get(source(url, data))


def test_https_never_becomes_http() -> None:
    from urllib.request import Request

    from generator.weights.door import _NoDowngrade

    old, headers = Request("https://example.org/a"), http.client.HTTPMessage()
    follow = _NoDowngrade().redirect_request
    with pytest.raises(urllib.error.URLError, match="unencrypted"):
        follow(old, io.BytesIO(), 302, "Found", headers, "http://example.org/b")
    assert follow(old, io.BytesIO(), 302, "Found", headers, "https://example.com/b") is not None


# ---- the disk


class FullDisk(io.RawIOBase):
    """A file on a disk that takes so many bytes more."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self.file, self.room = file, room

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        if len(block) > self.room:
            self.file.write(block[: self.room])
            self.room = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(block)
        return self.file.write(block)

    def close(self) -> None:
        self.file.close()
        super().close()


def test_a_disk_that_fills_up_keeps_the_part_and_the_next_run_goes_on(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    url = server.put("/last.ckpt", served(data))
    opening = lambda path, mode: FullDisk(path.open(mode), 100_000)  # noqa: E731 - a door in one line
    with pytest.raises(NotReadyError, match="the disk is full"):
        get(source(url, data), open_file=opening)
    assert_is(get(source(url, data)), data)
    assert server.requests[-1] == ("/last.ckpt", "bytes=100000-")


def test_a_disk_too_small_is_told_before_anything_is_stored(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    url = server.put("/last.ckpt", served(data))
    with pytest.raises(NotReadyError, match="has 0 MiB free") as caught:
        get(source(url, data), free_mib=lambda path: 0)
    assert "DREAMRIG_HOME" in caught.value.hint
    assert list(get.folder.iterdir()) == []


def test_an_interrupt_keeps_the_part(get: Fetch, server: Any, served: Any, source: Any, data: bytes) -> None:
    url = server.put("/last.ckpt", served(data, drops=[100_000]))

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(source(url, data), open_url=_calling(interrupt))
    assert_is(get(source(url, data)), data)
    assert server.requests[-1] == ("/last.ckpt", "bytes=100000-")


# ---- what is shown


def on(file: io.StringIO) -> Screen:
    return Screen(Console(file=file, width=100, _environ={"TERM": "xterm-256color"}))


def test_the_bar_of_a_terminal_shows_bytes_and_lines_stand_above_it(terminal: Any) -> None:
    screen = terminal()
    now = iter(range(1000))
    progress = DownloadProgress("tiny", on(screen), lambda: float(next(now)))
    progress.on_bytes(0, 4 * 1024 * 1024)
    progress.say("the \x1b[2J connection broke")
    progress.on_bytes(4 * 1024 * 1024, 4 * 1024 * 1024)
    progress.close()
    progress.close()
    shown = screen.getvalue()
    assert re.search(r"4/4.*MiB  [\d.]+ MiB/s  ETA 0:00", shown)
    assert "the \\x1b[2J connection broke" in shown
    assert shown.endswith("\x1b[?25h")


def test_the_end_is_shown_though_the_bar_was_drawn_just_before(terminal: Any) -> None:
    screen = terminal()
    progress = DownloadProgress("tiny", on(screen), lambda: 5.0)
    progress.on_bytes(0, 4 * 1024 * 1024)
    progress.on_bytes(2 * 1024 * 1024, 4 * 1024 * 1024)
    progress.on_bytes(4 * 1024 * 1024, 4 * 1024 * 1024)
    assert "4/4" in screen.getvalue()
    assert "2/4" not in screen.getvalue()


def test_without_a_length_a_line_comes_every_hundred_mib() -> None:
    screen = io.StringIO()
    now = iter(range(1000))
    progress = DownloadProgress("tiny", on(screen), lambda: float(next(now)))
    for mib in range(0, 250, 10):
        progress.on_bytes(mib * 1024 * 1024, None)
    assert re.findall(r"tiny  (\d+) MiB  [\d.]+ MiB/s\n", screen.getvalue()) == ["100", "200"]


# ---- files that turn out to be damaged when they are used


def test_a_file_that_cannot_be_used_is_forgotten_and_the_next_mirror_asked(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes, talk: list[str]
) -> None:
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    bad, good = server.put("/bad", served(damaged)), server.put("/good", served(data))

    def use(fetched: Any) -> Any:
        if fetched.path.read_bytes() == damaged:
            raise CheckpointError("A tensor of it is damaged.")
        return fetched

    get.use = use
    with pytest.raises(FailedError, match="A tensor of it is damaged"):
        get(source(bad, known=False))
    assert list(get.folder.glob(PARTS)) == []
    assert_is(get(source(bad, known=False), source(good, known=False)), data)
    assert any("A tensor of it is damaged; trying the next mirror" in line for line in talk)


def test_a_file_with_the_published_hash_is_not_fetched_again_because_it_cannot_be_used(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    one, two = server.put("/one", served(data)), server.put("/two", served(data))

    def use(fetched: Any) -> Any:
        raise CheckpointError("It holds no weights.")

    get.use = use
    with pytest.raises(CheckpointError, match="holds no weights"):
        get(source(one, data), source(two, data))
    assert [path for path, _ in server.requests] == ["/one"]


def test_damage_that_is_no_text_is_a_mirror_that_failed(
    get: Fetch, server: Any, served: Any, source: Any, data: bytes
) -> None:
    """Bytes in the place of a name raised UnicodeDecodeError, and the second mirror was never asked."""
    damaged = bytearray(data)
    place = damaged.index(b"decoder.conv_in.weight")
    damaged[place : place + 4] = b"\xff\xfe\xfd\xfc"
    bad, good = server.put("/bad", served(bytes(damaged))), server.put("/good", served(data))
    assert_is(get(source(bad, known=False), source(good, known=False)), data)
    assert [path for path, _ in server.requests] == ["/bad", "/good"]
