"""`dreamrig bench colab` against a client that stands for Google's."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.colab.hosted import BEGIN, END, HostedDoor, bench_colab, make_script, parse_output
from bench.colab.packing import FOLDERS, ROOT, STAYS_AT_HOME, needed_packages, pack
from bench.result.result import BenchResult, read_result
from bench.workloads import find_workload
from dreamrig.errors import FailedError, InterruptedByUser, NotReadyError, UsageError

Make = Callable[..., BenchResult]
SMALL = "adafruit-480-pure"
"""Its script carries no weights."""


class Client:
    """Answers like the client: prints `lines`, ends with `code`; writes down what was asked."""

    def __init__(self, lines: list[str], code: int = 0) -> None:
        self.lines, self.code = lines, code
        self.asked: list[list[str]] = []
        self.script = ""

    def start(self, argv: list[str]) -> subprocess.Popen[str]:
        self.asked.append(argv)
        self.script = Path(argv[-1]).read_text(encoding="utf-8")
        program = f"import sys; print({chr(10).join(self.lines)!r}); sys.exit({self.code})"
        return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)

    def call(self, argv: list[str]) -> int:
        self.asked.append(argv)
        return 0

    def door(self, *, confirm: bool = True) -> HostedDoor:
        return HostedDoor(which=lambda _: "/bin/colab", start=self.start, call=self.call, confirm=lambda _: confirm)


def good(document: Any) -> list[str]:
    return ["still measuring", BEGIN, json.dumps(document), END]


def test_the_result_comes_home(tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]) -> None:
    result = make_result(device="Tesla T4", place="colab-hosted", note="ä")
    client, target = Client(good(result.to_dict())), tmp_path / "t4.json"
    assert bench_colab([SMALL, "--gpu", "t4", "--yes", "--out", str(target)], client.door()) == 0
    assert read_result(target) == result
    said = capsys.readouterr()
    assert said.out.strip() == str(target)
    assert "still measuring" in said.err
    assert "warning" not in said.err
    assert BEGIN not in said.err
    run, sessions = client.asked
    assert run[:4] == ["/bin/colab", "run", "--gpu", "T4"]
    assert int(run[run.index("--timeout") + 1]) > 30
    assert sessions == ["/bin/colab", "sessions"]


def test_another_gpu_than_asked_for_is_told(
    tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(good(make_result(device="NVIDIA A100-SXM4-40GB", place="colab-hosted").to_dict()))
    assert bench_colab([SMALL, "--yes", "--out", str(tmp_path / "t4.json")], client.door()) == 0
    assert "asked for a T4, Colab gave NVIDIA A100-SXM4-40GB" in capsys.readouterr().err


def test_an_effort_that_is_none_is_refused_before_it_costs_anything() -> None:
    client = Client([])
    with pytest.raises(UsageError, match="no effort 'long'"):
        bench_colab(["--effort", "long", "--yes"], client.door())
    assert client.asked == []


@pytest.mark.parametrize(("words", "told"), [
    (["--sessions", "5"], r"about 28 min, 0\.\d units\. 5 sessions\."),
    ([], r"about 10 min, 0\.\d units\. One session; --sessions 3 takes 19 min and tells more\."),
    (["--effort", "thorough"], r"about 29 min, .* --sessions 3 takes 77 min"),
])  # fmt: skip
def test_what_sessions_cost_is_said_before_they_do(
    words: list[str], told: str, tmp_path: Path, make_result: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client, questions = Client(good(make_result(device="Tesla T4").to_dict())), []
    door = replace(client.door(), confirm=lambda question: questions.append(question) or True)
    assert bench_colab([SMALL, *words], door) == 0
    (question,) = questions
    assert re.search(told, question)
    count = words[1] if "--sessions" in words else "1"
    assert f'"--sessions", "{count}"' in client.script


def test_a_number_of_sessions_that_makes_no_interval_costs_nothing() -> None:
    client = Client([])
    with pytest.raises(UsageError, match="--sessions is 2"):
        bench_colab(["--sessions", "2", "--yes"], client.door())
    assert client.asked == []


@pytest.mark.parametrize("gpu", ["T5", "A1000", "gpu", ""])
def test_a_gpu_that_colab_has_not_is_refused_before_it_becomes_an_a100(gpu: str) -> None:
    client = Client([])
    with pytest.raises(UsageError):
        bench_colab(["--gpu", gpu, "--yes"], client.door())
    assert client.asked == []


def test_nothing_is_spent_without_a_yes() -> None:
    client = Client(good({}))
    with pytest.raises(InterruptedByUser):
        bench_colab([SMALL], client.door(confirm=False))
    assert client.asked == []


def test_without_the_client_the_notebook_is_named() -> None:
    with pytest.raises(NotReadyError) as caught:
        bench_colab(["--yes"], HostedDoor(which=lambda _: None))
    assert "--notebook" in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], 0),
        (["out of units"], 1),
        ([BEGIN, "{"], 0),
        ([BEGIN, "{", END], 0),
        ([BEGIN, "[1]", END], 0),
        ([BEGIN, '{"schema": "bench-result/1"}', END], 0),
    ],
)
def test_a_run_that_went_wrong_leaves_no_file_and_lists_the_machines(
    lines: list[str], code: int, tmp_path: Path
) -> None:
    client = Client(lines, code)
    with pytest.raises(FailedError):
        bench_colab([SMALL, "--yes", "--out", str(tmp_path / "x.json")], client.door())
    assert not list(tmp_path.iterdir())
    assert client.asked[-1] == ["/bin/colab", "sessions"]


@pytest.fixture(scope="module")
def archive() -> bytes:
    """What travels without weights, packed once."""
    return pack(with_weights=False)


@pytest.fixture(scope="module")
def names_with_weights() -> list[str]:
    """What travels with the starter."""
    return zipfile.ZipFile(io.BytesIO(pack(with_weights=True))).namelist()


@pytest.fixture(scope="module")
def script() -> str:
    """What Google's client is given to run."""
    return make_script(find_workload(SMALL), "quick")


def test_the_script_is_python_and_carries_what_it_runs(
    script: str, archive: bytes, names_with_weights: list[str]
) -> None:
    ast.parse(script)
    assert SMALL in script
    assert "--quick" in script
    with_weights = names_with_weights
    without = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert {"pyproject.toml", "bench/cli/main.py", "generator/engine/loop.py", "dreamrig/cli.py"} <= set(without)
    assert {Path(name).suffix for name in set(with_weights) - set(without)} == {".safetensors", ".xz"}
    assert not [name for name in without if "__pycache__" in name or ".venv" in name]


def test_what_proves_and_what_trained_stays_at_home_and_out_of_the_wheel(names_with_weights: list[str]) -> None:
    names = names_with_weights
    left_out = [name for name in names if "proofs" in name or "/making/" in name or name.endswith(".ipynb")]
    assert left_out == []
    assert {name.partition("/")[0] for name in names} == {*FOLDERS, "pyproject.toml"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"] == list(STAYS_AT_HOME)
    assert all((ROOT / folder).is_dir() for folder in STAYS_AT_HOME)


def test_every_package_that_is_needed_is_asked_for_there(script: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["project"]["dependencies"]:
        name = re.split(r"[><=]", requirement)[0]
        assert (name in needed_packages().values() and f"'{name}'" in script) or name == "torch", name


def test_what_was_packed_runs_by_itself(tmp_path: Path, archive: bytes) -> None:
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path)
    words = [sys.executable, "-m", "dreamrig", "bench", "list", "--json"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "starter-128" in ended.stdout


def test_the_document_between_the_markers_counts(make_result: Make) -> None:
    result = make_result()
    assert parse_output("\n".join(["noise", *good(result.to_dict()), "more noise"])) == result


def test_where_the_result_cannot_be_written_nothing_is_spent(tmp_path: Path, make_result: Make) -> None:
    client = Client(good(make_result(device="Tesla T4", place="colab-hosted").to_dict()))
    with pytest.raises(UsageError, match="does not exist"):
        bench_colab([SMALL, "--gpu", "t4", "--yes", "--out", str(tmp_path / "none" / "t4.json")], client.door())
    assert client.asked == []
