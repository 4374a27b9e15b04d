"""The result file: what it holds, how it is read back, and how hostile ones are refused."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from bench.result import reading
from bench.result.result import BenchResult, read_result, write_result
from dreamrig.cli import main
from dreamrig.documents import unknown_keys
from dreamrig.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]


def test_a_result_reads_back_as_it_was_written(tmp_path: Path, make_result: Callable[..., BenchResult]) -> None:
    result = make_result(note="ä \N{SNOWMAN}")
    write_result(result, tmp_path / "r.json")
    assert read_result(tmp_path / "r.json") == result


def test_what_is_written_obeys_the_kinds_by_another_judge(make_result: Callable[..., BenchResult]) -> None:
    schema = msgspec.json.schema(BenchResult)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(make_result().to_dict(), schema)


def test_no_field_is_written_that_is_not_read(make_result: Callable[..., BenchResult]) -> None:
    document = make_result().to_dict()
    assert list(unknown_keys(BenchResult, document)) == ["schema"]
    document["device"]["colour"] = "green"
    assert list(unknown_keys(BenchResult, document)) == ["schema", "device.colour"]


def _set(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    node: Any = document
    *heads, last = path.split(".")
    for head in heads:
        node = node[int(head)] if head.isdigit() else node[head]
    if value is KeyError:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("timing.blocks", [], "timing.blocks is wrong: expected array of length >= 1"),
        ("timing.blocks.1.seconds", -1.0, "timing.blocks[1].seconds"),
        ("timing.blocks.0.seconds", 0, "timing.blocks[0].seconds is wrong: expected float >= 1e-09"),
        ("timing.blocks.0.seconds", 10**400, "timing.blocks[0].seconds is wrong"),
        ("timing.blocks.0.seconds", 5e-324, "timing.blocks[0].seconds"),  # over its steps it would be 0
        (
            "timing.blocks",
            [{"steps": 1, "seconds": 1}] * 10_001,
            "timing.blocks is wrong: expected array of length <= 10000",
        ),
        ("timing.picture.seconds", 1e-300, "timing.picture.seconds"),
        ("work.least_flops_per_step", 1e-300, "work.least_flops_per_step"),
        ("work.bytes_per_step", 1e-300, "work.bytes_per_step"),
        ("workload.params.steps", "many", "workload.params.steps is 'many'"),
        ("workload.params.steps", -5, "workload.params.steps is -5"),
        ("workload.params.\ud800", 1, r"workload.params has a field with the name '\ud800'"),
        ("telemetry.samples", {"\x1b[31m": 1}, "telemetry.samples[...] is wrong: expected array, got int"),
        ("telemetry.missing", {"a" * 5000: "x"}, "telemetry.missing has a field with the name 'aaaa"),
        ("created", "2026-13-45T99:99:99Z", "created is '2026-13-45T99:99:99Z', which is no date"),
        ("host.cpu", [], "host.cpu"),
        ("timing.blocks.0.seconds", "fast", "timing.blocks[0].seconds is wrong: expected float, got str"),
        ("timing.blocks.0.steps", 0, "timing.blocks[0].steps is wrong: expected int >= 1"),
        ("timing.blocks.0.steps", True, "timing.blocks[0].steps is wrong: expected int, got bool"),
        ("timing.blocks.0.steps", KeyError, "timing.blocks[0] is wrong: object missing required field steps"),
        ("timing.blocks", {"steps": 1}, "timing.blocks"),
        ("workload.hash", "../../etc", "workload.hash"),
        ("workload", None, "workload is wrong: expected object, got null"),
        ("device.name", "\x1b[2Jcard", "device.name has control characters"),
        ("device.name", "x" * 5000, "device.name is wrong: expected str of length <= 200"),
        ("device.name", "  ", "device.name"),
        ("device.kind", "quantum", "device.kind is wrong: invalid enum value 'quantum'"),
        ("place", "moon", "place is wrong: invalid enum value 'moon'"),
        ("id", "7", "id is wrong: expected str matching regex"),
        ("created", "yesterday", "created is wrong: expected str matching regex"),
        ("memory.peak_process_mib", -5, "memory.peak_process_mib"),
        ("telemetry.samples.power_watts", [1.0], "telemetry.samples.power_watts has 1 entries"),
        ("workload.params.prompt", ["a"], "workload.params[...] is wrong: expected"),
        ("schema", "bench-result/2", "written by a newer dreamrig"),
        ("schema", "recipe/1", "is no result of the benchmark"),
        ("schema", KeyError, "schema is missing"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(
    path: str, value: Any, named: str, tmp_path: Path, make_result: Callable[..., BenchResult]
) -> None:
    document = _set(copy.deepcopy(make_result().to_dict()), path, value)
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(document))
    with pytest.raises(UsageError) as caught:
        read_result(file)
    assert str(file) in caught.value.message
    assert named in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"[1]", "holds no JSON object"),
        (b'{"schema": NaN}', "NaN is no number"),
        (b'{"schema": -Infinity}', "-Infinity is no number"),
        (b'{"schema": "bench-result/1", "schema": "bench-result/1"}', "'schema' occurs twice"),
        (b'{"schema": ' + b"9" * 6000 + b"}", "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema": "bench-result/1", "x": ' + b"[" * 800 + b"]" * 800 + b"}", "nested too deeply"),
        (b" " * (4 * 2**20 + 2), "is larger than 4 MiB"),
    ],
    ids=range(12),
)
def test_what_is_no_document_is_refused_in_one_sentence(data: bytes, named: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=named):
        read_result(file)


def test_every_truncation_is_refused(tmp_path: Path, make_result: Callable[..., BenchResult]) -> None:
    data = json.dumps(make_result().to_dict()).encode()
    for length in range(0, len(data), 37):
        with pytest.raises(UsageError):
            BenchResult.from_dict(reading.parse_json(data[:length], "cut"), "cut")


def test_the_double_among_many_names_is_found_at_once() -> None:
    """Counting each name would take hours for as many as fit into a file."""
    names = ",".join(f'"{number}":0' for number in range(300_000))
    with pytest.raises(UsageError, match="'299999' occurs twice"):
        reading.parse_json(f'{{{names},"299999":1}}'.encode(), "many.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(UsageError, match="is no file"):
        read_result(tmp_path / "pipe.json")


def test_the_name_of_a_file_drives_no_terminal(tmp_path: Path) -> None:
    """Nor does it make up a line of its own."""
    file = tmp_path / "a\x1b[31m\nb.json"
    file.write_text("{")
    with pytest.raises(UsageError) as caught:
        read_result(file)
    assert caught.value.message.isprintable()


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(UsageError, match=r"loop\.json"):
        read_result(tmp_path / "loop.json")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path, told in ((tmp_path / "none.json", "Cannot read"), (tmp_path, "is no file")):
        with pytest.raises(UsageError, match=told):
            read_result(path)


def test_fields_of_a_later_minor_version_are_let_pass(make_result: Callable[..., BenchResult]) -> None:
    document = make_result().to_dict()
    document["device"]["colour"] = "green"
    assert BenchResult.from_dict(document) == make_result()


def test_help_of_bench_loads_nothing_heavy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--help"]) == 0
    assert main(["bench"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    assert main(["bench", "rum"]) == 2
    assert "did you mean: dreamrig bench run" in capsys.readouterr().err
    assert main(["bench", "--nonsense"]) == 2


def test_whatever_only_reads_results_loads_no_torch() -> None:
    """Nor does what parses the words of a run: a wrong flag is refused at once."""
    modules = (
        "cli.main cli.run cli.compare cli.validate cli.merge cli.history cli.live result.store result.verdict "
        "report.show measure.ab compare.cost workloads measure.blocks measure.session"
    )
    code = f"import sys, {', '.join('bench.' + name for name in modules.split())}; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "False"
