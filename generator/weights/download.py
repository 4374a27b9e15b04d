"""Download one file from one address: resumed after anything, refused when it is not what it should be.

The unfinished download lies in `original-KEY.part`, what is known of it beside it. KEY stands for the SHA-256 expected,
or for the address where none is known: a part is continued from any mirror of the same file, else from the same address
as long as the server's own mark (ETag or Last-Modified) does not change. Ranges: RFC 9110, section 14.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Any

from dreamrig.documents import write_object
from dreamrig.errors import FailedError, NotReadyError
from dreamrig.paths import explain_write_failure
from dreamrig.words import MIB
from generator.weights.door import WeightsDoor
from generator.weights.foreign.checkpoint import open_checkpoint
from generator.weights.foreign.head import HEAD_BYTES, describe_head, seems_checkpoint
from generator.weights.registry import Source, read_json, sha256_of
from generator.weights.retry import ATTEMPTS, RetryPatience, asked_seconds, meaning_of

PARTS = "original-*.part*"
"""Everything that downloads leave, for glob()."""
BLOCK_BYTES = 1 << 20
RESTARTS = 2
"""How often a download may begin again because the server cannot continue it."""
Say = Callable[[str], None]
OnBytes = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Fetched:
    """A whole download that is what it should be, as far as that is known."""

    path: Path
    sha256: str
    bytes: int
    source: Source
    is_ours: bool = True
    """Whether the file may be moved; False = it lies in a cache of others."""


@dataclass(frozen=True)
class Notes:
    """What is known of the unfinished download."""

    url: str
    mark: str | None = None
    """The server's own mark of the file's version."""
    total: int | None = None


class MirrorFailed(Exception):
    """A mirror does not give the file; the words say why."""


class Dropped(Exception):
    """The connection ended early, or never began: worth another try."""

    def __init__(self, words: str, asked_seconds: float | None = None) -> None:
        super().__init__(words)
        self.asked_seconds = asked_seconds
        """How long the server asks to wait."""


class Download:
    """One source, to the end or to the reason why not."""

    def __init__(self, source: Source, folder: Path, door: WeightsDoor, say: Say, on_bytes: OnBytes) -> None:
        self.source, self.door, self.say, self.on_bytes = source, door, say, on_bytes
        key = source.sha256 or hashlib.sha256(source.url.encode()).hexdigest()
        self.part = folder / f"original-{key[:16]}.part"
        self.notes_file = self.part.with_suffix(".part.json")
        self.notes = Notes(source.url)
        self.restarts = 0

    def run(self) -> Fetched:
        """The file; MirrorFailed when it is not to be had here."""
        before = _read_notes(self.notes_file)
        if before is None or self.size == 0:
            self.forget()
            self.transfer()
            return self.checked()
        self.notes = replace(before, url=self.source.url, mark=before.mark if before.url == self.source.url else None)
        self.say(f"{self.source.host}: continuing after {self.size / MIB:.1f} MiB")
        self.transfer()
        try:
            return self.checked()
        except MirrorFailed:  # perhaps only because the parts are of two versions
            self.start_over("the parts do not make up the file")
        self.transfer()
        return self.checked()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def forget(self) -> None:
        """Drop what is on disk."""
        self.notes = Notes(self.source.url)
        for file in (self.part, self.notes_file):
            file.unlink(missing_ok=True)

    def start_over(self, why: str) -> None:
        """Drop what is on disk and tell, but not for ever."""
        self.forget()
        self.restarts += 1
        if self.restarts > RESTARTS:
            raise MirrorFailed(why)
        self.say(f"{self.source.host}: {why}; starting over")

    def transfer(self) -> None:
        """Ask for what is missing until nothing is."""
        patience = RetryPatience(self.door.chance)
        while self.notes.total is None or self.size < self.notes.total:
            before = self.size
            try:
                self.attempt()
                if self.notes.total is None:  # a server that tells no length: the end of the stream is the end
                    return
            except Dropped as dropped:
                wait = patience.failed(brought_something=self.size > before, asked=dropped.asked_seconds)
                if wait is None:
                    often = f", {ATTEMPTS} times in a row" if patience.failures == ATTEMPTS else ""
                    raise MirrorFailed(f"{dropped}{often}") from None
                self.say(f"{self.source.host}: {dropped}; again in {wait:.0f} s")
                self.door.sleep(wait)

    def attempt(self) -> None:
        """One request, and as much of its answer as comes."""
        start = self.size
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and self.notes.mark:
            headers["If-Range"] = self.notes.mark
        with contextlib.closing(self.open(headers)) as response:
            start = self.begin(response, start)
            self.receive(response, start)

    def open(self, headers: dict[str, str]) -> HTTPResponse:
        """The answer to one request; Dropped or MirrorFailed where there is none to be used."""
        try:
            return self.door.open_url(self.source.through(self.door.hub_endpoint()), headers)
        except urllib.error.HTTPError as error:
            error.close()
            words, meaning = f"it answered {error.code} {error.reason}", meaning_of(error.code)
            if meaning == "nothing after the part":
                words = "it has nothing after the part"
                self.start_over(words)
            if meaning == "never":
                raise MirrorFailed(words) from None
            raise Dropped(words, asked_seconds(error.headers.get("Retry-After"))) from None
        except urllib.error.URLError as error:
            raise Dropped(f"it cannot be reached ({_reason(error.reason)})") from None
        except (OSError, http.client.HTTPException) as error:
            raise Dropped(f"it cannot be reached ({_reason(error)})") from None
        except ValueError as error:  # an address that is none
            raise MirrorFailed(f"its address is wrong ({error})") from None

    def begin(self, response: HTTPResponse, start: int) -> int:
        """Check what the answer says of itself; returns where its first byte belongs."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise MirrorFailed("it sends the file compressed, which was not asked for")
        length = _natural(response.headers.get("Content-Length"))
        if start and response.status == 206:
            first, total = _content_range(response.headers.get("Content-Range", ""))
            if first != start or (self.notes.total is not None and total not in (None, self.notes.total)):
                self.start_over("it sent another part than was asked for")
                raise Dropped("it sent another part than was asked for")
        else:
            if start:
                self.start_over("it cannot continue a download")
            start, total = 0, length
        if self.source.bytes is not None and total not in (None, self.source.bytes) and not _is_page(response):
            raise MirrorFailed(f"its file has {total} bytes, not {self.source.bytes}")
        # A weak ETag does not promise the same bytes (RFC 9110, 8.8.1).
        etag = response.headers.get("ETag", "")
        mark = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        self.notes = replace(self.notes, mark=mark, total=total)
        return start

    def receive(self, response: HTTPResponse, start: int) -> None:
        """Append the answer to the part."""
        head = _read(response, HEAD_BYTES)
        if start == 0 and self.notes.total is not None and len(head) < min(HEAD_BYTES, self.notes.total):
            raise Dropped("the connection ended at once")
        if start == 0 and not seems_checkpoint(head):
            raise MirrorFailed(f"what it sends is no checkpoint: {describe_head(head)}")
        self.check_room(start)
        _write_notes(self.notes_file, self.notes)
        try:
            with self.door.open_file(self.part, "ab" if start else "wb") as file:
                done = self.append(file, response, start, head)
        except OSError as error:  # from the disk: those of the network have become Dropped
            raise explain_write_failure(self.part, error) from error
        if self.notes.total is not None and done < self.notes.total:
            raise Dropped(f"the connection ended after {done / MIB:.1f} of {self.notes.total / MIB:.1f} MiB")

    def append(self, file: IO[bytes], response: HTTPResponse, done: int, block: bytes) -> int:
        """Write the answer to the end; returns the bytes in all."""
        while block:
            if self.notes.total is not None and done + len(block) > self.notes.total:
                raise MirrorFailed("it sends more than it promised")
            file.write(block)
            done += len(block)
            self.on_bytes(done, self.notes.total or self.source.bytes)
            block = _read(response, BLOCK_BYTES)
        return done

    def check_room(self, start: int) -> None:
        """NotReadyError when the rest cannot fit."""
        free = self.door.free_mib(self.part)
        missing = 0 if self.notes.total is None else (self.notes.total - start) / MIB
        if free is not None and missing > free:
            raise NotReadyError(
                f"The download needs {missing:.0f} MiB more and the disk has {free} MiB free.",
                hint="free some space, or put the data elsewhere: export DREAMRIG_HOME=/folder/with/room",
                code="disk_full",
            )

    def checked(self) -> Fetched:
        """The whole file if it is what it should be; else it is dropped."""
        try:
            sha256 = self.check()
        except MirrorFailed:
            self.forget()
            raise
        return Fetched(self.part, sha256, self.size, self.source)

    def check(self) -> str:
        """Length, hash and, where no hash is known, that it can be read; returns the SHA-256."""
        if self.source.bytes is not None and self.size != self.source.bytes:
            raise MirrorFailed(f"its file has {self.size} bytes, not {self.source.bytes}")
        sha256 = sha256_of(self.part)
        if self.source.sha256 is None:
            try:
                with open_checkpoint(self.part):
                    pass
            except FailedError:
                raise MirrorFailed("its file is damaged or cut short") from None
        elif sha256 != self.source.sha256:
            raise MirrorFailed(f"its file has the SHA-256 {sha256[:12]}…, not {self.source.sha256[:12]}…")
        return sha256


def _read(response: HTTPResponse, count: int) -> bytes:
    """The next bytes of an answer, empty at its end; Dropped where the connection breaks."""
    try:
        return response.read(count)
    except (OSError, http.client.HTTPException) as error:
        raise Dropped(f"the connection broke ({_reason(error)})") from None


def _is_page(response: HTTPResponse) -> bool:
    """Whether the answer calls itself a web page, which is told better by its first bytes than by its length."""
    return response.headers.get_content_type() == "text/html"


def _reason(error: object) -> str:
    words = (getattr(error, "strerror", None) or str(error)).strip()
    return words or type(error).__name__


def _natural(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _content_range(text: str) -> tuple[int | None, int | None]:
    """(first byte, bytes in all) of a Content-Range header, None where it does not say."""
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", text.strip())
    return (None, None) if match is None else (int(match[1]), _natural(match[2]))


def _read_notes(file: Path) -> Notes | None:
    values: Mapping[str, Any] | None = read_json(file)
    try:
        return None if values is None else Notes(**values)
    except TypeError:
        return None


def _write_notes(file: Path, notes: Notes) -> None:
    write_object(file, asdict(notes), indent=None)
