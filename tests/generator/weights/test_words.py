"""What is said of a model that is here: what it needs besides, and how fast it came."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dreamrig.screen import Screen
from generator.weights import registry
from generator.weights.progress import DownloadProgress
from generator.weights.registry import Installed
from generator.weights.store import status
from generator.weights.words import GOOD_FOR, describe, render_list, render_ready, render_show, render_terms

MIB = 1024 * 1024


def facts(kind: Any) -> Installed:
    return Installed(
        name="tiny", kind=kind, sha256="a" * 64, bytes=5 * MIB, original_sha256="b" * 64, original_bytes=9 * MIB,
        source="https://example.org/tiny", is_published=True, licence="MIT", terms="", architecture={},
        fetched_at="2026-11-28T10:00:00Z", checked_mtime_ns=0,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "needs_clip"), [("vqgan", True), ("clip", False), ("tokenizer", False)])
def test_a_vqgan_alone_is_said_to_need_a_clip(tmp_path: Path, kind: str, needs_clip: bool) -> None:
    said = render_ready(facts(kind), tmp_path, "imported")
    assert ("needs     a CLIP too" in said) is needs_clip


def test_what_else_is_absent_is_named(tmp_path: Path) -> None:
    said = render_ready(facts("clip"), tmp_path, "already here", needs=["siglip-pieces"])
    assert "dreamrig weights fetch siglip-pieces" in said


def test_the_list_says_beside_every_clip_what_it_is_good_for(tmp_path: Path) -> None:
    known = registry.entries()
    assert set(GOOD_FOR) == {name for name, entry in known.items() if entry.kind == "clip"}
    rows = render_list([status(entry, tmp_path) for entry in known.values()], tmp_path).splitlines()
    for name, words in GOOD_FOR.items():
        (row,) = (row for row in rows if row.split()[:1] == [name])
        assert row.endswith(f"  {words}")
        assert len(row) <= 120
    assert describe(status(known["ViT-B/32"], tmp_path))["good_for"] == GOOD_FOR["ViT-B/32"]
    assert describe(status(known["coco-f16"], tmp_path))["good_for"] is None


def test_what_one_machine_alone_gives_is_said_to_be_so(tmp_path: Path) -> None:
    known = registry.entries()
    alone, several = (status(known[name], tmp_path) for name in ("ViT-L/14-datacomp", "ViT-L/14"))
    said = render_list([alone, several], tmp_path)
    assert "~1,631 MiB from 1 host" in said
    assert "~890 MiB to fetch" in said
    assert "dreamrig weights show NAME" in said
    assert "from 1 host" not in render_list([several], tmp_path)
    assert "from        huggingface.co alone" in render_terms(known["ViT-L/14-datacomp"])


def test_one_network_is_shown_with_every_address_and_what_else_there_is(tmp_path: Path) -> None:
    known = registry.entries()
    shown = {name: render_show(status(entry, tmp_path), known.values()) for name, entry in known.items()}
    for name, entry in known.items():
        for source in entry.sources:
            assert source.page in shown[name]
            assert source.note in shown[name]
        ways = entry.only_host is not None or entry.is_import_only
        assert (f"dreamrig weights import FILE --as {name}" in shown[name]) is ways, name
    assert "dreamrig weights fetch ViT-L/14\n" in shown["ViT-L/14-datacomp"]
    assert "--unchecked" in shown["ViT-B/16-laion2b"]
    assert "reported dead" in shown["ade20k-f16"]


@pytest.mark.parametrize(("seconds", "mib_per_second"), [(2.0, 3.0), (0.5, 12.0), (0.0, 0.0), (12.0, 0.5)])
def test_the_pace_is_that_of_this_connection(seconds: float, mib_per_second: float) -> None:
    now = iter([100.0, 100.0, 100.0 + seconds])
    progress = DownloadProgress("tiny", Screen(Console(file=io.StringIO())), lambda: next(now))
    progress.on_bytes(4 * MIB, None)  # a part that was there before counts for nothing
    assert progress.mib_per_second(100.0 + seconds, 10 * MIB) == mib_per_second


def test_of_a_connection_that_told_nothing_nothing_was_received() -> None:
    now = iter([100.0, 100.0, 103.0, 103.0])
    progress = DownloadProgress("tiny", Screen(Console(file=io.StringIO())), lambda: next(now))
    assert progress.received() == (0, 0.0)
    progress.on_bytes(4 * MIB, None)
    assert progress.received() == (0, 0.0)
    progress.on_bytes(10 * MIB, None)
    assert progress.received() == (6 * MIB, 3.0)
