"""`dreamrig prove`: the file, the verdicts, nothing about anybody in it, and what happens when it is ended early."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from rich.console import Console

from docs.made.proof_bands import of_proofs
from dreamrig.documents import to_bytes
from dreamrig.errors import UsageError
from generator.front.cli.prove import prove
from generator.front.prove.file import read_proof
from generator.front.prove.kept import KeptDrawing, KeptDrawings
from generator.front.prove.session import ProofScope
from generator.front.prove.subjects import PROMPTS, STARTER_SUBJECT
from generator.models.base import Models
from generator.presets import PRESETS
from generator.work.door import GeneratorDoor
from provision.machine.recorded import Recorded, load_transcript

ROOT = Path(__file__).parents[4]
TOY = replace(STARTER_SUBJECT, name="toy", side=16, steps=3, cutouts=2)
DRAWINGS = len(PRESETS) * len(PROMPTS)
Prove = Callable[..., Any]


@pytest.fixture
def bands(tmp_path: Path) -> Path:
    folder = tmp_path / "bands"
    folder.mkdir()
    return folder


@pytest.fixture
def proven(home: Path, models: Models, bands: Path, answer_of: Callable[..., Any]) -> Prove:
    """Run `dreamrig prove` in process with toy networks, on a recorded machine whose user is Ada."""

    def run(*args: str, models: Models = models) -> Any:
        talk = io.StringIO()
        machine = Recorded(load_transcript(ROOT / "tests" / "machines", "linux-3090"))
        scope = ProofScope(subjects=[TOY], bands=bands, machine=lambda: machine)
        door = GeneratorDoor(
            load_models=lambda config: models, stderr=lambda: Console(file=talk, width=100), environ={}
        )
        return answer_of(lambda: prove([*args], door, scope), talk)

    return run


def members(path: str | Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kept(home: Path) -> list[Path]:
    return list((home / "prove").glob("*.json"))


def record_bands(bands: Path, proof: str) -> None:
    """What somebody sent becomes what the next proof is compared with."""
    made = of_proofs([read_proof(Path(proof))], TOY)
    assert made is not None
    (bands / "toy.json").write_bytes(to_bytes(made))


def test_the_first_proof_says_that_nothing_is_recorded(proven: Prove, home: Path) -> None:
    answer = proven("--seeds", "2")
    assert answer.code == 0, answer.err
    assert "Your file will be the first." in " ".join(answer.out.split())
    assert "verdict  not recorded: files of toy, curves of toy were not compared; in" in answer.out
    assert "NVIDIA GeForce RTX 3090" in answer.err
    (path,) = Path().glob("dreamrig-proof-*.zip")
    inside = members(path)
    document = json.loads(inside["proof.json"])
    assert (document["verdict"], document["prompts"]) == ("not recorded", list(PROMPTS))
    (toy,) = document["subjects"]
    assert (toy["weights"], len(toy["curves"])) == ("00", 2 * DRAWINGS)
    assert (toy["precision"], toy["device"].partition(" ")[0]) == ("fp32", "cpu")
    assert toy["peak_memory_mib"] > 0
    assert {curve["seed"] for curve in toy["curves"]} == {1, 2}
    assert all(len(curve["losses"]) == TOY.steps for curve in toy["curves"])
    pictures = [name for name in inside if name.startswith("pictures/")]
    assert len(pictures) == 2 * DRAWINGS
    with Image.open(io.BytesIO(inside["pictures/toy-crowson-1-seed1.jpg"])) as picture:
        assert picture.size == (16, 16)
    assert "Your file will be the first." in " ".join(inside["proof.txt"].decode().split())
    assert kept(home) == []


def test_against_recorded_bands_the_same_machine_holds(proven: Prove, bands: Path) -> None:
    record_bands(bands, proven("--json").data["file"])
    answer = proven("--json", "--out", "again.zip")
    assert answer.code == 0
    assert answer.data["verdict"] == "holds"
    assert [line["found"] for line in answer.data["lines"][1:]] == ["3 curves: the recorded ones"] * len(PRESETS)
    assert len(json.loads(members("again.zip")["proof.json"])["subjects"][0]["curves"]) == DRAWINGS


def test_arithmetic_that_differs_is_refused_by_line_and_exit_code(
    proven: Prove, bands: Path, models: Models, toy_guide: Any
) -> None:
    record_bands(bands, proven("--json").data["file"])
    answer = proven("--json", models=replace(models, guides=(toy_guide(seed=9),)))
    assert answer.code == 3
    assert json.loads(answer.out)["ok"] is False
    assert answer.data["verdict"] == "differs"
    assert "steps lie outside of the band" in answer.data["lines"][1]["found"]
    assert "A line differs" in members(answer.data["file"])["proof.txt"].decode()


def test_other_weights_are_named_and_their_curves_not_compared(proven: Prove, bands: Path, models: Models) -> None:
    record_bands(bands, proven("--json").data["file"])
    answer = proven("--json", models=replace(models, sha256="11"))
    assert answer.code == 3
    first, *others = answer.data["lines"]
    assert (first["what"], first["verdict"]) == ("weights", "differs")
    assert {line["verdict"] for line in others} == {"not recorded"}


class NotANumber:
    """The toy's image model, whose pictures break at some call."""

    def __init__(self, image: Any, at: int) -> None:
        self.image, self.at, self.calls = image, at, 0
        self.factor, self.codebook, self.encode = image.factor, image.codebook, image.encode

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        picture = self.image.decode(latent)
        return picture * float("nan") if self.calls >= self.at else picture


def test_a_card_that_computes_nonsense_differs_also_where_nothing_is_recorded(proven: Prove, models: Models) -> None:
    answer = proven("--json", models=replace(models, image=NotANumber(models.image, at=2)))
    assert answer.code == 3
    assert "the loss became NaN at step 1" in answer.data["lines"][1]["found"]
    curve = json.loads(members(answer.data["file"])["proof.json"])["subjects"][0]["curves"][0]
    assert curve["losses"][1] is None
    assert "NaN" in curve["error"]


def test_the_file_tells_nothing_about_anybody(proven: Prove, tmp_path: Path) -> None:
    inside = members(proven("--json").data["file"])
    document = json.loads(inside["proof.json"])
    assert document["machine"]["cuda.gpu_names"] == ["NVIDIA GeForce RTX 3090"]
    for name, data in inside.items():
        if name.endswith(".jpg"):
            with Image.open(io.BytesIO(data)) as picture:
                assert "exif" not in picture.info
                assert "comment" not in picture.info
            continue
        for secret in (r"\bada\b", "/home", re.escape(str(tmp_path)), re.escape(os.uname().nodename), "/root"):
            assert re.search(secret, data.decode()) is None, (name, secret)


def test_a_full_card_says_what_helps_and_keeps_the_drawings(proven: Prove, home: Path, models: Models) -> None:
    def run_out() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    full = Dies(models.image, 17, run_out)
    full.again = True
    answer = proven(models=replace(models, image=full))
    assert answer.code == 4
    assert "close what else uses the memory" in answer.err
    assert len(kept(home)) > 0


# ---- ended early


class Dies:
    """The toy's image model; at some call the process gets a signal, or the machine breaks."""

    def __init__(self, image: Any, at: int, act: Callable[[], None]) -> None:
        self.image, self.left, self.act, self.again = image, at, act, False
        self.factor, self.codebook, self.encode = image.factor, image.codebook, image.encode

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if self.left == 0 or (self.again and self.left < 0):
            self.act()
        return self.image.decode(latent)


def curves_of(path: str) -> list[Any]:
    (toy,) = json.loads(members(path)["proof.json"])["subjects"]
    return [(curve["name"], curve["losses"]) for curve in toy["curves"]]


def test_ctrl_c_keeps_the_drawings_and_the_same_command_goes_on(proven: Prove, home: Path, models: Models) -> None:
    whole = proven("--json").data["file"]
    dies = Dies(models.image, 17, lambda: signal.raise_signal(signal.SIGINT))
    answer = proven("--json", "--out", "b.zip", models=replace(models, image=dies))
    assert answer.code == 130
    assert "those are kept" in answer.err
    assert "run the same command again" in answer.err
    before = len(kept(home))
    assert 0 < before < DRAWINGS
    assert not Path("b.zip").exists()
    answer = proven("--json", "--out", "b.zip")
    assert f"{DRAWINGS} drawings of 16x16, 3 steps, {before} from before" in answer.err
    assert curves_of("b.zip") == curves_of(whole)
    assert kept(home) == []


def test_killed_it_goes_on_where_it_was(home: Path, bands: Path) -> None:
    script = Path(__file__).with_name("prove_process.py")
    words = [sys.executable, str(script), str(bands), "--out", str(bands / "a.zip"), "--json"]
    env = {**os.environ, "DREAMRIG_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(words, env={**env, "DIES_AT": "22"}, capture_output=True, check=False, cwd=bands)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    before = len(kept(home))
    assert 0 < before < DRAWINGS
    most = {"DIES_AT": str(3 * DRAWINGS - 10)}  # two steps and the last picture of each: all of them would be too many
    ended = subprocess.run(words, env=env | most, capture_output=True, text=True, check=False, cwd=bands)
    assert ended.returncode == 0, ended.stderr
    assert f"{before} from before" in ended.stderr
    assert len(curves_of(str(bands / "a.zip"))) == DRAWINGS


def test_what_was_drawn_with_other_networks_or_cannot_be_read_is_drawn_anew(
    proven: Prove, home: Path, models: Models
) -> None:
    dies = Dies(models.image, 17, lambda: signal.raise_signal(signal.SIGINT))
    assert proven(models=replace(models, image=dies)).code == 130
    damaged, *good = kept(home)
    damaged.write_text("{")
    assert f", {len(good)} from before" in proven().err
    assert proven(models=replace(models, image=Dies(models.image, 17, dies.act))).code == 130
    assert "from before" not in proven(models=replace(models, sha256="11")).err


def test_anew_forgets_what_was_kept(proven: Prove, models: Models) -> None:
    dies = Dies(models.image, 17, lambda: signal.raise_signal(signal.SIGINT))
    assert proven(models=replace(models, image=dies)).code == 130
    assert "from before" not in proven("--anew").err


def test_a_kept_drawing_comes_back_as_it_was(tmp_path: Path) -> None:
    drawings, drawn = (
        KeptDrawings(tmp_path),
        KeptDrawing(losses=[1.5, None], seconds=2.0, picture=b"\xff\xd8", error="NaN"),
    )
    drawings.keep("k", drawn)
    assert drawings.find("k") == drawn
    for wrong in ("[]", "{}", '{"losses": "x", "seconds": 1, "picture": "", "error": ""}', '{"losses": [1], "seconds"'):
        (tmp_path / "k.json").write_text(wrong)
        assert drawings.find("k") is None


# ---- words, and files of others


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeds", "0"], "use 1 to 6"),
        (["--seeds", "7"], "use 1 to 6"),
        (["--out", "proof.txt"], "a proof is a ZIP file"),
        (["--out", "no/such/proof.zip"], "mkdir -p"),
        (["--out", "here.zip"], "overwrite it: --force"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_drawn(
    proven: Prove, home: Path, words: list[str], said: str
) -> None:
    Path("here.zip").write_bytes(b"mine")
    answer = proven(*words)
    assert answer.code == 2
    assert said in answer.err
    assert not (home / "prove").exists()
    assert Path("here.zip").read_bytes() == b"mine"


def test_quiet_says_only_the_path(proven: Prove, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    answer = proven("--quiet", "--out", str(tmp_path / "out"))
    (path,) = (tmp_path / "out").iterdir()
    assert (answer.out, answer.err) == (f"{path}\n", "")


def test_two_at_a_time_are_one_too_many(proven: Prove, home: Path, models: Models) -> None:
    second: list[Any] = []
    dies = Dies(models.image, 1, lambda: second.append(proven()))
    assert proven(models=replace(models, image=dies)).code == 0
    assert second[0].code == 4
    assert "Another dreamrig prove is at work" in second[0].err


@pytest.mark.parametrize("wrong", [b"", b"PK\x03\x04", "no document", "a list", "of tomorrow", "endless"])
def test_a_file_that_is_no_proof_is_a_sentence(tmp_path: Path, wrong: bytes | str) -> None:
    path = tmp_path / "x.zip"
    if isinstance(wrong, bytes):
        path.write_bytes(wrong)
    else:
        inside = {
            "no document": ("other.json", "{}"),
            "a list": ("proof.json", "[]"),
            "of tomorrow": ("proof.json", '{"schema": 2, "subjects": []}'),
            "endless": ("proof.json", " " * (5 * 2**20)),
        }[wrong]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*inside)
    with pytest.raises(UsageError, match="is no proof"):
        read_proof(path)
