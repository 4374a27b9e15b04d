"""`dreamrig doctor` and `dreamrig facts`: what they print, remember, write and refuse."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dreamrig.cli import main
from dreamrig.commands import Command
from dreamrig.errors import UsageError
from provision.doctor.cli import DoctorDoor, doctor, facts
from provision.facts.facts import KNOWLEDGE, facts_schema
from provision.machine.machine import Machine
from provision.machine.recorded import Recorded, load_transcript, merge_patch

ROOT = Path(__file__).parents[3]
MACHINES = ROOT / "tests" / "machines"


@dataclass
class Visit:
    """The doctor at a recorded machine, with folders of its own."""

    folder: Path
    machine: Recorded

    def door(self) -> DoctorDoor:
        def the_machine() -> Machine:
            return self.machine

        return DoctorDoor(
            machine=the_machine,
            folder=lambda: self.folder / "data",
            report_folder=lambda: self.folder,
            width=lambda: 80,
        )

    def doctor(self, *words: str) -> int:
        return doctor(list(words), self.door())


@pytest.fixture
def visit(tmp_path: Path) -> Callable[..., Visit]:
    def make(name: str, **changes: Any) -> Visit:
        return Visit(tmp_path, Recorded(merge_patch(load_transcript(MACHINES, name), changes)))

    return make


def document(capsys: pytest.CaptureFixture[str]) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(found) == ["schema", "command", "ok", "data", "errors"]
    return found


# --- text


def test_a_healthy_machine(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    here = visit("wsl-healthy-3090")
    assert here.doctor() == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "dreamrig doctor: WSL 2 (ubuntu 24.04), Windows 11 build 22631, NVIDIA GeForce RTX 3090"
    assert "PASS   dxg-device                /dev/dxg is there." in lines
    assert lines[-1] == 'Every link holds. Next: Draw a picture: dreamrig generate "sunset over the sea"'
    assert captured.err == ""
    assert not (here.folder / "data").exists()


def test_a_broken_machine(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert visit("wsl-linux-driver-inside").doctor() == 3
    out = capsys.readouterr().out
    assert "FAIL   linker-order " in out
    assert "(cuda-linux-driver-in-wsl, confirmed)" in " ".join(out.split())
    assert "SKIP   cuda-init, nvml: needs linker-order" in out
    last = out.splitlines()[-1]
    assert last.startswith("First broken link: linker-order. Next: Remove the Linux driver")
    assert last.endswith("sudo apt-get purge -y libnvidia-compute-535 nvidia-driver-535 nvidia-utils-535")
    assert "\x1b" not in out


@pytest.mark.parametrize("name", sorted(path.stem for path in MACHINES.glob("*.json"))[::5])
def test_lines_fit_80_columns_except_commands_and_the_last(
    name: str, visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    visit(name).doctor()
    head, *lines = capsys.readouterr().out.splitlines()
    too_long = [line for line in lines[:-1] if len(line) > 80 and not line.startswith(" " * 16)]
    assert not too_long
    assert len(head) <= 110


def test_what_a_program_says_does_not_drive_the_terminal(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    command = {
        "python3 -m provision.machine.probe cuda": {"out": {"json-lines": [{"library_error": "\x1b[2Jgone\x07"}]}}
    }
    assert visit("wsl-healthy-3090", commands=command).doctor() == 3
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2Jgone" in out


# --- JSON


def test_json_is_one_document_of_the_schema(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert visit("windows-firmware-off").doctor("--json") == 3
    found = document(capsys)
    assert (found["command"], found["ok"], found["errors"]) == ("doctor", False, [])
    data = found["data"]
    jsonschema.validate(data, json.loads((KNOWLEDGE / "doctor.schema.json").read_text()))
    jsonschema.validate(data["facts"], facts_schema())
    assert data["first_broken"] == "firmware-virtualization"
    assert data["next"]["command"] == "shutdown /r /fw /t 0"
    assert data["diagnoses"][0]["cause"] == "firmware-virtualization-off"
    broken = next(finding for finding in data["findings"] if finding["verdict"] == "FAIL")
    assert broken["cause"] == "firmware-virtualization-off"
    assert {"kind": "fact", "fact": "windows.firmware_virtualization", "value": False} in broken["evidence"]


def test_json_of_a_healthy_machine_is_ok(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert visit("linux-3090").doctor("--json") == 0
    found = document(capsys)
    assert found["ok"] is True
    assert found["data"]["first_broken"] is None


# --- choosing checks


def test_chosen_checks_show_alone_and_their_needs_run_silently(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    here = visit("wsl-cuda-error-999")
    assert here.doctor("--check", "torch-cuda", "gpu-kernel") == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "SKIP   torch-cuda, gpu-kernel: needs cuda-init"
    last = "Could not be looked at: torch-cuda, gpu-kernel. Next: Look there: dreamrig doctor --check cuda-init"
    assert lines[-1] == last
    assert "python3 -m provision.machine.probe kernel" not in here.machine.asked
    assert here.doctor("cuda-init", "--json") == 3
    assert [finding["check"] for finding in document(capsys)["data"]["findings"]] == ["cuda-init"]


def test_what_was_asked_for_by_name_and_skipped_is_never_green(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    here = visit("linux-3090")
    assert here.doctor() == 0  # in the whole chain it stands among the others
    capsys.readouterr()
    assert here.doctor("colab-page") == 4
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Could not be looked at: colab-page. Next: Follow the whole chain: dreamrig doctor"
    )
    assert here.doctor("--check", "colab-page", "--json") == 4
    answer = document(capsys)
    assert (answer["ok"], answer["data"]["next"]["command"]) == (False, "dreamrig doctor")


def test_unknown_and_foreign_checks_are_refused(visit: Callable[..., Visit]) -> None:
    with pytest.raises(UsageError, match="no check 'torch-biuld'"):
        visit("linux-3090").doctor("--check", "torch-biuld")
    with pytest.raises(UsageError, match="for wsl; this is linux"):
        visit("linux-3090").doctor("dxg-device")


def test_list(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert visit("linux-3090").doctor("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "gpu-present               Is there an NVIDIA GPU in this machine?"
    assert "Only on Windows and WSL:" in lines
    assert visit("linux-3090").doctor("--list", "--json") == 0
    listed = document(capsys)["data"]["checks"]
    assert listed[0]["check"] == "windows-half"


# --- since the fix


def test_since_fix_repeats_what_failed_and_what_that_hid(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = visit("wsl-cuda-error-999")
    assert broken.doctor() == 3
    capsys.readouterr()
    assert broken.doctor("--since-fix", "--json") == 3
    repeated = ["cuda-init", "torch-cuda", "torch-arch", "gpu-kernel", "gpu-identity"]
    assert [finding["check"] for finding in document(capsys)["data"]["findings"]] == repeated
    mended = visit("wsl-healthy-3090")
    assert mended.doctor("--since-fix", "--json") == 0
    assert [finding["check"] for finding in document(capsys)["data"]["findings"]] == repeated
    assert mended.doctor("--since-fix") == 0
    assert capsys.readouterr().out == "Nothing failed the last time. The whole chain: dreamrig doctor\n"


def test_looking_at_one_check_forgets_nothing_about_the_others(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    here = visit("wsl-cuda-error-999")
    here.doctor()
    here.doctor("memory")
    capsys.readouterr()
    here.doctor("--since-fix", "--json")
    assert document(capsys)["data"]["findings"][0]["check"] == "cuda-init"


def test_since_fix_without_an_earlier_doctor(visit: Callable[..., Visit]) -> None:
    with pytest.raises(UsageError, match="No earlier doctor"):
        visit("linux-3090").doctor("--since-fix")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"failed": 3}', '{"failed": [3]}', '{"failed": ["no-such"]}'])
def test_a_damaged_note_of_the_last_time(visit: Callable[..., Visit], content: str) -> None:
    here = visit("linux-3090")
    (here.folder / "data").mkdir()
    (here.folder / "data" / "doctor.json").write_text(content)
    with pytest.raises(UsageError):
        here.doctor("--since-fix")


def test_a_data_folder_that_cannot_be_written_costs_only_the_note(
    visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]
) -> None:
    here = visit("wsl-cuda-error-999")
    (here.folder / "data").write_text("a file where the folder should be")
    assert here.doctor() == 3
    captured = capsys.readouterr()
    assert "note: --since-fix will not work" in captured.err
    assert captured.out.splitlines()[-1].startswith("First broken link: cuda-init.")


# --- facts from a file


def test_the_windows_half_from_a_file(
    visit: Callable[..., Visit], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = {"schema": 1, "place": "windows", **load_transcript(MACHINES, "wsl-healthy-3090")["windows_half"]}
    (tmp_path / "facts.json").write_text(json.dumps(half), encoding="utf-16")
    here = visit("wsl-without-interop")
    assert here.doctor("--facts", str(tmp_path / "facts.json"), "--json") == 0
    verdicts = {finding["check"]: finding["verdict"] for finding in document(capsys)["data"]["findings"]}
    assert verdicts["windows-half"] == "PASS"
    assert verdicts["windows-driver"] == "PASS"
    assert not (tmp_path / "data").exists()


def test_a_whole_machine_from_a_file_is_judged_without_reading_this_one(
    visit: Callable[..., Visit], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert visit("wsl-tcc").doctor("--json") == 3
    (tmp_path / "facts.json").write_text(json.dumps(document(capsys)))
    here = visit("linux-3090")
    assert here.doctor("--facts", str(tmp_path / "facts.json")) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("First broken link: driver-model.")
    assert here.machine.asked == []


def test_a_file_that_is_no_facts(visit: Callable[..., Visit], tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text("[]")
    with pytest.raises(UsageError, match="holds no JSON object"):
        visit("linux-3090").doctor("--facts", str(tmp_path / "facts.json"))


# --- report


def test_report_has_a_name_of_its_own(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    here = visit("wsl-tcc")
    assert here.doctor("--report") == 3
    (report,) = here.folder.glob("dreamrig-report-*.md")
    captured = capsys.readouterr()
    assert captured.err == f"report: {report}\n"
    assert captured.out.splitlines()[-1].startswith("First broken link: driver-model.")
    text = report.read_text()
    assert "| driver-model | FAIL | The GPU is in TCC mode and does not reach WSL. |" in text
    assert '"nvidia_driver_model": "tcc"' in text


def test_report_into_a_file_before_and_after_other_flags(visit: Callable[..., Visit]) -> None:
    here = visit("wsl-tcc")
    for words in (["--report", "a.md", "--json"], ["--json", "--report=a.md"], ["--report", "--json"]):
        assert here.doctor(*words) == 3
    assert (here.folder / "a.md").read_text().startswith("# dreamrig doctor report\n")
    assert len(list(here.folder.glob("*.md"))) == 2


def test_report_as_the_answer(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert visit("wsl-tcc").doctor("--report", "-") == 3
    assert capsys.readouterr().out.startswith("# dreamrig doctor report\n\ndreamrig doctor: WSL 2")


def test_report_never_overwrites_anything_else(visit: Callable[..., Visit]) -> None:
    here = visit("wsl-tcc")
    (here.folder / "notes.md").write_text("mine")
    with pytest.raises(UsageError, match="is no report"):
        here.doctor("--report", "notes.md")
    with pytest.raises(UsageError, match="is no report"):
        here.doctor("--report", str(here.folder))
    assert (here.folder / "notes.md").read_text() == "mine"


# --- facts


def test_facts_as_text(visit: Callable[..., Visit], capsys: pytest.CaptureFixture[str]) -> None:
    assert facts([], visit("wsl-healthy-3090").door()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'place = "wsl"' in lines
    assert "windows.build = 22631" in lines
    assert "  windows.hypervisor_launch_type  denied" in lines


def test_facts_as_json_can_be_given_back(
    visit: Callable[..., Visit], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert facts(["--json"], visit("wsl-healthy-3090").door()) == 0
    text = capsys.readouterr().out
    jsonschema.validate(json.loads(text)["data"]["facts"], facts_schema())
    (tmp_path / "facts.json").write_text(text)
    assert facts(["--json", "--facts", str(tmp_path / "facts.json")], visit("linux-no-gpu").door()) == 0
    assert json.loads(capsys.readouterr().out)["data"]["facts"]["windows"]["build"] == 22631


# --- for real


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys\nfrom dreamrig.cli import COMMANDS, Command, main\n"
        "table = {**COMMANDS, 'doctor': Command('provision.doctor.cli', 'doctor', '')}\n"
        "code = main(sys.argv[1:], table)\n"
        "print(*sorted({'torch', 'numpy'} & set(sys.modules)), file=sys.stderr)\nsys.exit(code)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def test_the_real_doctor_on_this_machine(tmp_path: Path) -> None:
    ended = run("doctor", "--json", env={**os.environ, "DREAMRIG_HOME": str(tmp_path)})
    found = json.loads(ended.stdout)
    assert ended.returncode == (0 if found["ok"] else 3)
    assert ended.stderr == "\n"  # neither talk nor torch
    assert "CRASH" not in {finding["verdict"] for finding in found["data"]["findings"]}
    names = next(finding for finding in found["data"]["findings"] if finding["check"] == "package-names")
    assert names["verdict"] == "PASS"


def test_errors_reach_the_front_door(capsys: pytest.CaptureFixture[str]) -> None:
    table = {"doctor": Command("provision.doctor.cli", "doctor", "")}
    assert main(["doctor", "--check", "no-such-check"], table) == 2
    assert capsys.readouterr().err.startswith("error: There is no check 'no-such-check'.")
    assert main(["doctor", "--chekc"], table) == 2


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals of POSIX")
@pytest.mark.parametrize("no_color", [False, True])
def test_colours_on_a_terminal_unless_unwanted(tmp_path: Path, no_color: bool) -> None:
    env = {**os.environ, "DREAMRIG_HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "80"}
    env.pop("NO_COLOR", None)
    if no_color:
        env["NO_COLOR"] = "1"
    code = "import sys\nfrom provision.doctor.cli import doctor\nsys.exit(doctor(['memory', 'disk-space']))"
    master, slave = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    process.wait(60)
    assert (b"\x1b[32mPASS" in shown) == (not no_color)
    assert b"PASS" in shown
