"""What the hub's cache on this machine holds is not downloaded again, if it is what the registry has."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from generator.models.outline import outline
from generator.weights.door import WeightsDoor, hub_cache
from generator.weights.registry import Entry, Installed, Source, entries, is_ready
from generator.weights.store import fetch_model

REVISION, OTHER = "1" * 40, "2" * 40
VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
FORMS = {
    "https://huggingface.co/a/b-c/resolve/{}/ckpts/last.ckpt": "models--a--b-c",
    "https://huggingface.co/datasets/a/b-c/resolve/{}/ckpts/last.ckpt": "datasets--a--b-c",
    "https://huggingface.co/spaces/a/b-c/resolve/{}/ckpts/last.ckpt": "spaces--a--b-c",
}
MODEL = next(iter(FORMS))
INNER = Path("ckpts") / "last.ckpt"
Get = Callable[..., Installed]


@pytest.fixture(params=["installed", "absent", "broken"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub as it is here, none, and one that lacks what is looked for."""
    if request.param == "installed":
        pytest.importorskip("huggingface_hub")
    elif request.param == "absent":
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    else:
        monkeypatch.setitem(sys.modules, "huggingface_hub", ModuleType("huggingface_hub"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def get(tmp_path: Path, cache: Path, server: Any, talk: list[str], monkeypatch: pytest.MonkeyPatch) -> Get:
    """Fetch from these sources; those of the hub are asked for at the server."""
    monkeypatch.setenv("HF_ENDPOINT", server.url(""))

    def run(*sources: Source, keep_original: bool = False, **door: Any) -> Installed:
        entry = Entry("tiny", "vqgan", "none", "numbers", "none", 1, sources)
        outside = WeightsDoor(**({"hub_cache": lambda: cache, "weights_folder": lambda: tmp_path / "weights"} | door))
        return fetch_model(entry, outside, talk.append, lambda *_: None, outline=outline, keep_original=keep_original)

    return run


def source_of(data: bytes, url: str = MODEL, revision: str = REVISION) -> Source:
    return Source(url.format(revision), hashlib.sha256(data).hexdigest(), len(data))


def put(cache: Path, data: bytes, repository: str = FORMS[MODEL], *, name: str = "", links: bool = True) -> Path:
    """A file as huggingface_hub leaves it; name: of its blob, its SHA-256 where none is given. Returns its place."""
    place = cache / repository / "snapshots" / REVISION / INNER
    place.parent.mkdir(parents=True)
    if not links:
        place.write_bytes(data)
        return place
    blob = cache / repository / "blobs" / (name or hashlib.sha256(data).hexdigest())
    blob.parent.mkdir()
    blob.write_bytes(data)
    place.symlink_to(os.path.relpath(blob, place.parent))
    return place


def seen(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(("url", "repository"), FORMS.items())
def test_a_file_at_its_revision_is_used_and_the_cache_left_alone(
    get: Get, cache: Path, server: Any, data: bytes, talk: list[str], url: str, repository: str, links: bool
) -> None:
    place = put(cache, data, repository, name="an-etag", links=links)
    before = seen(cache)
    source = source_of(data, url)
    facts = get(source)
    assert server.requests == []
    assert talk[0] == f"found in Hugging Face's cache: {place}"
    assert (facts.source, facts.original_sha256, facts.is_published) == (source.url, source.sha256, True)
    assert seen(cache) == before


def test_a_file_in_the_cache_comes_before_addresses_elsewhere(
    get: Get, cache: Path, server: Any, served: Any, data: bytes
) -> None:
    put(cache, data)
    elsewhere = server.put("/last.ckpt", served(data))
    facts = get(Source(elsewhere, hashlib.sha256(data).hexdigest(), len(data)), source_of(data))
    assert server.requests == []
    assert facts.is_published


def test_an_original_to_be_kept_is_a_copy(get: Get, cache: Path, tmp_path: Path, data: bytes) -> None:
    place = put(cache, data)
    get(source_of(data), keep_original=True)
    kept = tmp_path / "weights" / "tiny" / "original.ckpt"
    assert kept.read_bytes() == place.read_bytes() == data
    assert not kept.is_symlink()
    assert not kept.samefile(place)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("damage", ["a bit", "the end", "no right to read"])
def test_a_damaged_file_is_passed_over_with_a_sentence_and_the_download_goes_on(
    get: Get, cache: Path, server: Any, served: Any, data: bytes, talk: list[str], tmp_path: Path, damage: str
) -> None:
    if damage == "no right to read" and os.geteuid() == 0:
        pytest.skip("root may read anything")
    bad = {"a bit": bytes([data[0] ^ 1]) + data[1:], "the end": data[:-9]}.get(damage, data)
    name = hashlib.sha256(data).hexdigest()  # the cache says that it is whole
    place = put(cache, bad, name=name)
    if damage == "no right to read":
        place.chmod(0)
    server.put(f"/a/b-c/resolve/{REVISION}/{INNER}", served(data))
    facts = get(source_of(data))
    (said,) = [line for line in talk if "cache" in line]  # once, though the blob is found by its hash too
    why = {"the end": f"it has {len(bad)} bytes, not {len(data)}", "a bit": "its SHA-256 is"}.get(
        damage, "it cannot be"
    )
    assert said.startswith(f"passed over in Hugging Face's cache: {place} ({why}")
    assert len(server.requests) == 1
    assert facts.is_published
    assert is_ready("tiny", tmp_path / "weights")
    place.chmod(0o600)
    assert place.read_bytes() == bad


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("repository", ["models--a--b-c", "datasets--somebody--else"])
def test_the_same_file_at_another_revision_or_of_another_repository_is_found_by_its_hash(
    get: Get, cache: Path, server: Any, data: bytes, talk: list[str], repository: str
) -> None:
    put(cache, data, repository)
    assert get(source_of(data, revision=OTHER)).is_published
    assert server.requests == []
    assert talk[0].startswith("found in Hugging Face's cache")


@pytest.mark.usefixtures("library")
def test_a_branch_is_the_revision_that_it_was(get: Get, cache: Path, server: Any, data: bytes) -> None:
    put(cache, data, name="an-etag")
    reference = cache / FORMS[MODEL] / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text(REVISION)
    assert get(source_of(data, revision="main")).is_published
    assert server.requests == []


def test_what_nobody_tells_the_hash_of_is_not_believed(
    get: Get, cache: Path, server: Any, served: Any, data: bytes, talk: list[str]
) -> None:
    put(cache, data)
    server.put(f"/a/b-c/resolve/{REVISION}/{INNER}", served(data))
    get(Source(MODEL.format(REVISION), None, None))
    assert len(server.requests) == 1
    assert not [line for line in talk if "cache" in line]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("what", ["nothing", "a file", "an empty folder", "an empty repository"])
def test_a_cache_that_holds_nothing_is_no_hindrance(
    get: Get, cache: Path, server: Any, served: Any, data: bytes, talk: list[str], what: str
) -> None:
    if what == "a file":
        cache.write_text("no folder")
    elif what != "nothing":
        (cache / FORMS[MODEL] if what == "an empty repository" else cache).mkdir(parents=True)
    server.put(f"/a/b-c/resolve/{REVISION}/{INNER}", served(data))
    assert get(source_of(data)).is_published
    assert len(server.requests) == 1
    assert not [line for line in talk if "cache" in line]


# ---- where it is

PLACES: dict[str, dict[str, str]] = {
    "{home}/.cache/huggingface/hub": {},
    "{home}/xdg/huggingface/hub": {"XDG_CACHE_HOME": "{home}/xdg"},
    "/big/hf/hub": {"HF_HOME": "/big/hf", "XDG_CACHE_HOME": "/no"},
    "{home}/hf/hub": {"HF_HOME": "~/hf"},
    "/old": {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/no"},
    "/big/hub": {"HF_HUB_CACHE": "/big/hub", "HUGGINGFACE_HUB_CACHE": "/no", "HF_HOME": "/no"},
    "{home}/hub": {"HF_HUB_CACHE": "$HOME/hub"},
}
ASK = """
import importlib, json, os, sys
from huggingface_hub import constants
for told in json.loads(sys.argv[1]):
    os.environ.update(told)
    print(importlib.reload(constants).HF_HUB_CACHE)
    for name in told:
        del os.environ[name]
"""


@pytest.mark.parametrize(("place", "told"), PLACES.items())
def test_the_cache_is_where_the_variables_say(
    place: str, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    assert str(hub_cache()) == place.format(home=tmp_path)


def test_huggingface_hub_looks_at_the_same_places(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    environ = {name: value for name, value in os.environ.items() if name not in VARIABLES} | {"HOME": str(tmp_path)}
    told = [{name: value.format(home=tmp_path) for name, value in one.items()} for one in PLACES.values()]
    words = [sys.executable, "-c", ASK, json.dumps(told)]
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [place.format(home=tmp_path) for place in PLACES]


def test_the_cache_of_the_environment_is_the_one_that_is_looked_into(
    get: Get, tmp_path: Path, server: Any, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "elsewhere", data)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert get(source_of(data), hub_cache=hub_cache).is_published
    assert server.requests == []


def test_every_address_of_the_hub_in_the_registry_is_understood() -> None:
    from generator.weights.hub import hub_file

    kinds = set()
    for entry in entries().values():
        for source in entry.sources:
            file = hub_file(source)
            assert (file is not None) is source.is_of_hub, source.url
            if file is not None:
                assert f"{file.repository}/resolve/{file.revision}/{file.path}" in source.url
                kinds.add(file.kind)
    assert kinds == {"model", "dataset", "space"}
