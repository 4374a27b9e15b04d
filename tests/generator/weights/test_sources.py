"""Where the weights come from: what a preset needs is to be had from two hosts, what nobody serves is said to be so."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import FailedError, MissingWeightsError, UsageError
from generator.models import guides, upscaler
from generator.models.clip_sizes import BY_OPENAI
from generator.models.names import GUIDE
from generator.presets import PRESETS
from generator.weights.door import WeightsDoor, hub_endpoint
from generator.weights.fetch import by_hand, fetch, nearest, other_ways
from generator.weights.registry import Entry, Source, entries, find

FEWER_THAN_TWO_HOSTS: dict[str, str] = {}
"""Network -> when it was last looked for, and why there is no second pinned host. It is empty: to be kept so."""
UNCHECKED = {
    "wikiart-f16-1024": "28 November 2026: two releases on github.com, and nobody was found to tell the SHA-256",
    "ViT-B/16-laion2b": "27 November 2026: a revision is known, and nobody was found to tell the SHA-256",
}
"""Networks with addresses that may answer, none of them pinned -> why. To be emptied, not filled."""
GUIDES_WITH_FEWER = {
    "ViT-B/16-laion2b": "27 November 2026: a revision is known, and nobody was found to tell the SHA-256",
    **dict.fromkeys(
        (
            "ViT-L/14-laion2b",
            "ViT-B/32-datacomp",
            "ViT-B/16-datacomp",
            "ViT-L/14-datacomp",
            "SigLIP2-B/32@256px",
            "SigLIP2-L/16@256px",
            "SigLIP2-SO400M/14",
        ),
        "28 November 2026: only one host was found whose revision and SHA-256 are known",
    ),
}
"""Guides of today that no preset needs -> why there is no second pinned host. To be emptied, not filled."""
HUB_REVISION = re.compile(
    r"https://huggingface\.co/(?:datasets/|spaces/)?[\w.-]+/[\w.-]+/resolve/(main|[0-9a-f]{40})/.+"
)


def needed() -> set[str]:
    """What the presets need, and what is taken where nothing is named."""
    presets = {name for preset in PRESETS.values() for name in preset.networks}
    return presets | {GUIDE, upscaler.USUAL}


def test_what_a_preset_or_default_needs_has_two_pinned_hosts_or_is_listed_here_with_its_reason() -> None:
    few = {name for name in needed() if len(entries()[name].pinned_hosts) < 2}
    for name in sorted(few):
        print(f"{name}: {FEWER_THAN_TWO_HOSTS.get(name, 'no reason given')}")
    assert few == set(FEWER_THAN_TWO_HOSTS)


def test_guides_of_today_have_two_pinned_hosts_or_are_listed_here_with_their_reason() -> None:
    today = {name for name in guides.ARCHITECTURES if name not in BY_OPENAI}
    today |= {needed for name in today for needed in entries()[name].needs}
    assert {name for name in today if len(entries()[name].pinned_hosts) < 2} == set(GUIDES_WITH_FEWER)
    fixed = {source.url for name in today for source in entries()[name].sources if source.host == "huggingface.co"}
    assert not [url for url in fixed if "/resolve/main/" in url]


def test_what_a_preset_or_default_needs_can_be_fetched_at_all() -> None:
    assert not [name for name in needed() if entries()[name].is_import_only]


def test_networks_that_enlarge_have_two_pinned_hosts() -> None:
    assert not [name for name, one in entries().items() if one.kind == "upscaler" and len(one.pinned_hosts) < 2]


def test_every_address_of_the_hub_names_a_revision_and_none_without_a_fixed_one_counts_as_pinned() -> None:
    for entry in entries().values():
        for source in entry.sources:
            if source.host == "huggingface.co":
                match = HUB_REVISION.fullmatch(source.url)
                assert match is not None, source.url
                assert source.is_pinned == (match[1] != "main" and source.sha256 is not None)


def test_an_address_reported_dead_names_who_reported_it() -> None:
    reports = {source.gone for entry in entries().values() for source in entry.sources} - {""}
    assert reports
    assert all(re.search(r"\b20\d\d\b", report) for report in reports)


def test_those_whose_addresses_are_all_dead_or_not_pinned_are_import_only() -> None:
    dead = {name for name, entry in entries().items() if entry.is_dead}
    assert dead == {"ade20k-f16", "ffhq-f16", "celebahq-f16"}
    assert {name for name, entry in entries().items() if entry.is_import_only} == dead | set(UNCHECKED)


def entry_of(*sources: Source) -> Entry:
    return Entry("tiny", "vqgan", "none", "numbers", "none", 1, sources)


def test_dead_unpinned_and_moving_addresses_are_no_pinned_hosts() -> None:
    sha256 = "0" * 64
    entry = entry_of(
        Source("https://a.example/x", sha256, 1),
        Source("https://a.example/y", sha256, 1),
        Source("https://b.example/x", sha256, 1, gone="reported dead in 2026"),
        Source("https://c.example/x", None, None),
        Source("https://huggingface.co/a/b/resolve/main/x", sha256, 1),
        Source("https://d.example/a/b/resolve/master/x", sha256, 1),
    )
    assert entry.pinned_hosts == {"a.example"}
    assert not entry.is_import_only
    unpinned = entry_of(*entry.sources[2:])
    assert (unpinned.pinned_hosts, unpinned.is_import_only, unpinned.is_dead) == (frozenset(), True, False)


def test_the_only_host_is_told_whether_it_is_pinned_or_not() -> None:
    one, dead = Source("https://a.example/x", None, 1), Source("https://b.example/x", None, 1, gone="in 2026")
    assert entry_of(one, dead, Source("https://a.example/y", "0" * 64, 1)).only_host == "a.example"
    assert entry_of(one, Source("https://c.example/x", None, 1)).only_host is None
    assert entry_of(dead).only_host is None


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ViT-L/14-datacomp", "ViT-L/14"),
        ("ViT-B/16-laion2b", "ViT-B/16"),
        ("ViT-B/32-datacomp", "ViT-B/32"),
        ("SigLIP2-SO400M/14", "SigLIP2-B/16"),
        ("coco-f16", None),
    ],
)
def test_a_guide_of_one_host_has_another_beside_it_that_several_give(name: str, other: str | None) -> None:
    found = nearest(entries()[name], entries().values())
    assert (None if found is None else found.name) == other
    assert found is None or (len(found.hosts) > 1 and not found.is_import_only)


def test_where_every_address_fails_what_else_there_is_is_told(
    tmp_path: Path, server: Any, source: Any, make_registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    several = [source("http://127.0.0.1:9/x"), source("http://localhost:9/x")]
    file = make_registry(**{"tiny-b": ("clip", [source(server.url("/absent"))]), "tiny-a": ("clip", several)})
    entries.cache_clear()
    door = WeightsDoor(registry_file=file, sleep=lambda seconds: None)
    with pytest.raises(FailedError) as caught:
        fetch(entries(file)["tiny-b"], tmp_path, door, lambda _: None, lambda *_: None, lambda fetched: fetched)
    assert "or take another guide, which has several hosts: dreamrig weights fetch tiny-a" in caught.value.hint
    assert "HF_ENDPOINT" not in caught.value.hint  # it lies nowhere on the hub


def test_a_mirror_of_the_hub_is_named_unless_one_is_asked_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    entry = entries()["ViT-L/14-datacomp"]
    assert "HF_ENDPOINT=https://hf-mirror.com dreamrig weights fetch ViT-L/14-datacomp" in other_ways(entry, [])[0]
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert other_ways(entry, []) == []


def test_every_near_name_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        find("vit-b-laion")
    assert "ViT-B/32-laion2b" in caught.value.hint
    assert "ViT-B/16-laion2b" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        find("zzz")
    assert caught.value.hint == "see: dreamrig weights list"


def test_a_person_is_shown_pages_to_open() -> None:
    entry = entry_of(
        Source("https://huggingface.co/a/b/resolve/0/x", None, 1), Source("https://c.example/resolve/x", None, 1)
    )
    assert by_hand(entry).splitlines() == [
        "open one of these with a browser, then: dreamrig weights import FILE --as tiny",
        "  https://huggingface.co/a/b/blob/0/x",
        "  https://c.example/resolve/x",
    ]


def test_files_of_the_hub_come_through_its_endpoint_and_no_others(
    tmp_path: Path, server: Any, served: Any, originals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = served(originals.write("vqgan.ckpt").read_bytes())
    server.put("/mirror/a/b/resolve/0/last.ckpt", data)
    other = server.put("/last.ckpt", data)
    monkeypatch.setenv("HF_ENDPOINT", server.url("/mirror/"))
    for url in ("https://huggingface.co/a/b/resolve/0/last.ckpt", other):
        entry = entry_of(Source(url, None, None))
        seen = fetch(entry, tmp_path, WeightsDoor(), lambda _: None, lambda *_: None, lambda fetched: fetched)
        assert seen.source.url == url  # what is noted does not depend on the way it came
    assert [path for path, _ in server.requests] == ["/mirror/a/b/resolve/0/last.ckpt", "/last.ckpt"]


@pytest.mark.parametrize("endpoint", ["hf-mirror.example", "file:///etc", "https://"])
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(UsageError, match="HF_ENDPOINT"):
        hub_endpoint()


def test_import_only_asks_no_server(tmp_path: Path, server: Any, served: Any) -> None:
    url = server.put("/last.ckpt", served(b"x" * 2000))
    entry = entry_of(Source(url, None, None, gone="reported dead in 2026"))
    with pytest.raises(MissingWeightsError, match=r"tiny is import only: .* \(reported dead in 2026\)") as caught:
        fetch(entry, tmp_path, WeightsDoor(), lambda _: None, lambda *_: None, lambda fetched: fetched)
    assert url in caught.value.hint
    assert server.requests == []


def test_an_address_reported_dead_is_asked_where_there_is_another(
    tmp_path: Path, server: Any, served: Any, originals: Any
) -> None:
    """Reports err, and hosts come back."""
    url = server.put("/last.ckpt", served(originals.write("vqgan.ckpt").read_bytes()))
    entry = entry_of(Source(url, None, None, gone="reported dead in 2026"), Source("http://127.0.0.1:9/x", None, None))
    seen = fetch(entry, tmp_path, WeightsDoor(), lambda _: None, lambda *_: None, lambda fetched: fetched.source.url)
    assert seen == url


def test_the_list_and_fetch_of_a_command_line_say_import_only(
    make_registry: Callable[..., Path], answer_of: Callable[..., tuple[int, str, str]], tmp_path: Path, source: Any
) -> None:
    from generator.front.cli.weights import weights

    row = {**source("http://127.0.0.1:9/x", known=False), "gone": "reported dead in 2026"}
    entries.cache_clear()
    door = WeightsDoor(registry_file=make_registry(tiny=("vqgan", [row])), weights_folder=lambda: tmp_path / "weights")
    code, out, _ = answer_of(lambda: weights(["list"], door), io.StringIO())
    assert code == 0
    assert re.search(r"tiny +import only", out)
    assert "import only: dreamrig weights import FILE --as NAME" in out
    for words in (["fetch", "tiny"], ["fetch", "tiny", "--unchecked"]):
        code, _, err = answer_of(lambda: weights(words, door), io.StringIO())  # noqa: B023 - called at once
        assert code == 4  # before anybody is asked to accept its terms
        assert "dreamrig weights import FILE --as tiny" in err
        assert "http://127.0.0.1:9/x" in err


def test_a_page_of_a_data_set_or_an_app_is_shown_too() -> None:
    entry = entry_of(Source("https://huggingface.co/datasets/a/b/resolve/0/x", None, 1))
    assert "  https://huggingface.co/datasets/a/b/blob/0/x" in by_hand(entry).splitlines()
