"""Every reader of outside data meets files that were damaged, and kept files that once hurt.

Bytes in; a value or the error that is made for it out: no other exception, and no work without end. A minute of
processor time for all; for hours: ./rig test tests/fuzz --long 3. What breaks a reader is written to
tests/fuzz/found/, to be kept in seeds/ once it is mended.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from mutate import mutate
from readers import READERS, SEEDS, Reader, seeds_of
from structured import STRUCTURED

SEED = int(os.environ.get("DREAMRIG_FUZZ_SEED", "1"))
LEAST = 30
"""Mutants for each reader, however slow the machine is."""
ENDLESS_SECONDS = 60
"""Of processor time, for one file of some kilobytes: nobody's machine is that slow."""
FOUND = Path(__file__).with_name("found")


class Endless(Exception):
    """One file took more processor time than any may."""


@contextmanager
def bounded_work() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise Endless(f"more than {ENDLESS_SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, ENDLESS_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def meet(reader: Reader, name: str, data: bytes, file: Path, found: Path = FOUND) -> None:
    """Read these bytes; whatever comes but a value or the reader's own error is kept and told."""
    file.write_bytes(data)
    try:
        with bounded_work():
            reader.read(data, file)
    except reader.may_raise:
        return
    except Exception as error:  # noqa: BLE001 - what is caught is told, with the bytes
        found.mkdir(exist_ok=True)
        kept = found / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
        kept.write_bytes(data)
        pytest.fail(f"{name}: {type(error).__name__}: {error}; the bytes are in {kept}")


@pytest.mark.parametrize("name", READERS)
def test_good_and_kept_files_end_well(name: str, tmp_path: Path) -> None:
    for data in seeds_of(name):
        meet(READERS[name], name, data, tmp_path / f"x{READERS[name].suffix}")


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_well(name: str, tmp_path: Path, fuzz_seconds: float) -> None:
    chance, seeds = Random(f"{SEED} {name}"), seeds_of(name)
    until, count = time.process_time() + fuzz_seconds / 2 / len(READERS), 0
    while count < LEAST or time.process_time() < until:
        meet(READERS[name], name, mutate(chance.choice(seeds), chance), tmp_path / f"x{READERS[name].suffix}")
        count += 1
    print(f"{name}: {count} files")  # seen with -rP


@pytest.mark.parametrize("name", STRUCTURED)
def test_documents_that_are_wrong_end_well(name: str, tmp_path: Path, fuzz_seconds: float) -> None:
    until, count, round_number = time.process_time() + fuzz_seconds / 2 / len(STRUCTURED), 0, SEED
    while count == 0 or time.process_time() < until:
        count += meet_documents(name, tmp_path / f"x{READERS[name].suffix}", round_number)
        round_number += 1
    print(f"{name}: {count} documents")


def meet_documents(name: str, file: Path, seed: int, reader: Reader | None = None, found: Path = FOUND) -> int:
    """LEAST documents near a good one, drawn from this seed; how many were read."""
    documents, write = STRUCTURED[name]
    count = 0

    @hypothesis_seed(seed)
    @settings(max_examples=LEAST, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def read(data: st.DataObject) -> None:
        nonlocal count
        try:
            content = write(data.draw(documents))
        except (ValueError, OverflowError):  # what our own writer refuses makes no file
            return
        count += 1
        meet(reader or READERS[name], name, content, file, found)

    read()
    return count


def test_documents_find_a_reader_that_breaks(tmp_path: Path) -> None:
    """One that trusts the type of a value."""
    trusting = Reader(lambda data, file: json.loads(data).get("steps", 1) + 1, (), list)
    with pytest.raises((pytest.fail.Exception, ExceptionGroup)):
        meet_documents("json", tmp_path / "x", SEED, trusting, tmp_path / "found")
    assert list((tmp_path / "found").iterdir())


def test_a_reader_that_breaks_is_caught(tmp_path: Path) -> None:
    """The harness itself can fail."""
    broken = Reader(lambda data, file: data[1_000_000], (ValueError,), lambda: [b"x"])
    with pytest.raises(pytest.fail.Exception, match="IndexError"):
        meet(broken, "broken", b"x", tmp_path / "x", tmp_path / "found")
    assert [file.read_bytes() for file in (tmp_path / "found").iterdir()] == [b"x"]


def test_every_folder_of_seeds_has_a_reader() -> None:
    assert {folder.name for folder in SEEDS.iterdir()} <= set(READERS)
