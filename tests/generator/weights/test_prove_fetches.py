"""`dreamrig prove` that lacks networks: it asks or is told yes, fetches from a server on loopback, checks and draws."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from docs.made.proof_bands import of_proofs
from dreamrig.documents import to_bytes
from dreamrig.paths import weights_folder
from generator.front.cli.prove import prove
from generator.front.prove.bands import ProofVerdict
from generator.front.prove.file import read_proof
from generator.front.prove.lines import network_line
from generator.front.prove.session import ProofScope
from generator.front.prove.subjects import FULL_SIZE_SUBJECT
from generator.presets import PRESETS
from generator.weights import registry
from provision.machine.recorded import Recorded

SMALL = replace(
    FULL_SIZE_SUBJECT, name="small", model="tiny-vqgan", guides="tiny/clip@8px", side=16, steps=2, cutouts=2
)


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def file(make_registry: Callable[..., Path], two_served: Any) -> Path:
    """A registry of the two networks, which are served."""
    path = make_registry(**two_served)
    registry.entries.cache_clear()
    return path


@pytest.fixture
def proven(
    home: Path, file: Path, tmp_path: Path, answer_of: Callable[..., Any], terminal: Any, person_at: Any
) -> Callable[..., Answer]:
    """`dreamrig prove` in process; `answer` is what the person at the terminal says, None = there is no terminal."""
    (tmp_path / "bands").mkdir()

    def run(*args: str, answer: bool | None = None) -> Answer:
        talk = io.StringIO() if answer is None else terminal()
        door = person_at(file, talk, answer)
        scope = ProofScope(subjects=[SMALL], bands=tmp_path / "bands", machine=lambda: Recorded({}))
        return Answer(*answer_of(lambda: prove([*args], door, scope), talk))

    return run


def asked_for(server: Any) -> list[str]:
    return [path for path, _ in server.requests]


def test_yes_fetches_checks_and_proves_and_the_next_is_compared(
    proven: Callable[..., Answer], server: Any, tmp_path: Path
) -> None:
    answer = proven("--yes", "--json", "--out", "a.zip")
    assert answer.code == 0, answer.err
    assert asked_for(server) == ["/vqgan.ckpt", "/vit.pt"]
    assert "Not for looking at." in answer.err
    assert "2 networks not here yet, about 2.0 MiB to fetch" in answer.err
    data = json.loads(answer.out)["data"]
    vqgan, clip, *presets = data["lines"]
    assert [(one["what"], one["verdict"]) for one in (vqgan, clip)] == [
        ("tiny-vqgan", "holds"),
        ("tiny/clip@8px", "holds"),
    ]
    assert "as published" in vqgan["found"]
    assert {(one["what"], one["verdict"]) for one in presets} == {(name, "not recorded") for name in PRESETS}
    (facts,) = read_proof(Path("a.zip"))["subjects"]
    installed = registry.installed("tiny-vqgan")
    assert installed is not None
    assert facts["networks"]["tiny-vqgan"]["original_sha256"] == installed.original_sha256
    bands = of_proofs([read_proof(Path("a.zip"))], SMALL)
    assert bands is not None
    (tmp_path / "bands" / "small.json").write_bytes(to_bytes(bands))
    answer = proven("--json", "--out", "b.zip")
    assert answer.code == 0, answer.err
    assert {one["verdict"] for one in json.loads(answer.out)["data"]["lines"]} == {"holds"}


def test_a_person_is_asked_and_a_no_names_both_ways(proven: Callable[..., Answer], server: Any, home: Path) -> None:
    for answer in (proven(answer=False), proven()):
        assert (answer.code, server.requests) == (4, [])
        assert "dreamrig prove --yes" in answer.err
        assert "dreamrig prove --starter" in answer.err
    assert "Not for looking at." in proven(answer=False).err
    assert (proven("--yes", "--out", "x.txt").code, server.requests) == (2, [])
    assert not (home / "prove").exists()


def test_a_download_with_another_hash_proves_nothing(
    proven: Callable[..., Answer], server: Any, served: Any, originals: Any
) -> None:
    server.put("/vit.pt", served(originals.write("resnet.pt").read_bytes()))
    answer = proven("--yes")
    assert answer.code == 1
    assert "No mirror gave tiny/clip@8px" in answer.err
    assert list(Path().glob("*.zip")) == []


def test_a_yes_at_a_terminal_fetches_and_a_file_that_is_swapped_or_rots_is_found(
    proven: Callable[..., Answer], file: Path
) -> None:
    answer = proven(answer=True)
    assert answer.code == 0, answer.err
    assert "Your file will be the first." in " ".join(answer.out.split())
    folder = registry.folder_of("tiny-vqgan")
    meta, path = folder / registry.META, folder / registry.MODEL
    meta.write_text(meta.read_text().replace('"is_published": true', '"is_published": false'))
    line, _ = network_line(SMALL, registry.entries(file)["tiny-vqgan"], weights_folder())
    assert line.verdict is ProofVerdict.DIFFERS
    assert "not one that was published" in line.found
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    answer = proven("--out", "b.zip")
    assert answer.code == 4
    assert "tiny-vqgan are damaged" in answer.err
