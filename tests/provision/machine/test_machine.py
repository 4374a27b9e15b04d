"""The door to the outside: programs that hang, shout, crash or do not exist; files; the recorded machine."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from provision.machine.local import ThisMachine
from provision.machine.machine import Ran, decode
from provision.machine.recorded import Recorded, load_transcript, merge_patch, to_bytes

posix = pytest.mark.skipif(os.name != "posix", reason="process groups and signals of POSIX")
HANGS_WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def python(machine: ThisMachine, code: str, **options: object) -> Ran:
    return machine.run(sys.executable, "-c", code, **options)  # type: ignore[arg-type]  # options of run


def is_gone(pid: int) -> bool:
    """Whether a process has ended; an orphan that nobody has collected yet counts as ended."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


# --- programs


def test_output_code_input_and_environment() -> None:
    code = "import os, sys; print(sys.stdin.read() + os.environ['EXTRA']); print('oh', file=sys.stderr); sys.exit(3)"
    ran = python(ThisMachine(), code, input=b"in ", env={"EXTRA": "more"})
    assert (ran.code, ran.text, ran.error_text) == (3, "in more\n", "oh\n")
    assert not ran.good
    assert ran.why_not == "failed: in more"


def test_program_reads_nothing_unless_given() -> None:
    assert python(ThisMachine(), "import sys; print(repr(sys.stdin.read()))").text == "''\n"


def test_program_that_does_not_exist() -> None:
    ran = ThisMachine().run("no-such-program-anywhere")
    assert (ran.code, ran.why_not) == (127, "absent")


def test_program_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a program")
    (tmp_path / "text").chmod(0o755)
    ran = ThisMachine().run(str(tmp_path / "text"))
    assert ran.code == 126
    assert ran.why_not.startswith("failed: ")
    assert ThisMachine().run("echo", "a\0b").code == 126


@posix
def test_time_out_ends_the_children_too() -> None:
    ran = python(ThisMachine(), HANGS_WITH_A_CHILD, timeout_seconds=1.0)
    assert ran.timed_out
    assert ran.why_not == "timeout"
    assert is_gone(int(ran.text))


@posix
def test_crash_is_named() -> None:
    ran = python(ThisMachine(), "import os, signal; print('so far', flush=True); os.kill(os.getpid(), signal.SIGSEGV)")
    assert ran.crash == "SIGSEGV"
    assert ran.why_not == "failed: crashed (SIGSEGV)"
    assert ran.text == "so far\n"


def test_crash_of_a_windows_program_is_named() -> None:
    assert Ran(("x",), 0xC0000005).crash == "0xc0000005"
    assert Ran(("x",), 1).crash is None


def test_endless_output_is_cut_and_ended() -> None:
    ran = python(ThisMachine(output_limit=5000), "while True: print('y' * 999)", timeout_seconds=30)
    assert ran.truncated
    assert not ran.timed_out
    assert not ran.good
    assert len(ran.out) == 5000


@posix
def test_stop_ends_what_runs() -> None:
    machine = ThisMachine()
    ended: list[Ran] = []
    thread = threading.Thread(target=lambda: ended.append(python(machine, "import time; time.sleep(60)")))
    thread.start()
    while not machine.is_busy:
        time.sleep(0.01)
    machine.stop()
    thread.join(30)
    assert ended[0].code < 0
    assert not ended[0].timed_out


# --- files


def test_read_is_limited_and_takes_regular_files_only(tmp_path: Path) -> None:
    machine = ThisMachine()
    (tmp_path / "file").write_bytes(b"abcdef")
    assert machine.read(str(tmp_path / "file"), limit=3) == b"abc"
    assert machine.read(str(tmp_path / "none")) is None
    assert machine.read(str(tmp_path)) is None
    assert machine.read("a\0b") is None
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert machine.read(str(tmp_path / "pipe")) is None


def test_files_folders_and_links(tmp_path: Path) -> None:
    machine = ThisMachine()
    (tmp_path / "b").write_text("")
    (tmp_path / "a").symlink_to("b")
    assert machine.listdir(str(tmp_path)) == ("a", "b")
    assert machine.listdir(str(tmp_path / "none")) is None
    assert machine.exists(str(tmp_path / "a"))
    assert not machine.exists(str(tmp_path / "none"))
    assert machine.realpath(str(tmp_path / "a")) == str((tmp_path / "b").resolve())
    assert (machine.disk_free_mib(str(tmp_path / "none")) or 0) > 0


def test_environment_and_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_HERE", "x")
    machine = ThisMachine()
    assert machine.env("SET_HERE") == "x"
    assert machine.env("NOT_SET_ANYWHERE") is None
    assert machine.which("no-such-program-anywhere") is None
    assert Path(machine.root, "provision", "machine", "local.py").exists()


# --- decoding

GERMAN = "Dieses Programm wurde für Sie geblockt.\r\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (GERMAN.encode(), "Dieses Programm wurde für Sie geblockt.\n"),
        (GERMAN.encode("utf-16-le"), "Dieses Programm wurde für Sie geblockt.\n"),
        (GERMAN.encode("utf-16"), "Dieses Programm wurde für Sie geblockt.\n"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "Dieses Programm wurde für Sie geblockt.\n"),
        (GERMAN.encode("utf-8-sig"), "Dieses Programm wurde für Sie geblockt.\n"),
        (GERMAN.encode("cp850"), "Dieses Programm wurde für Sie geblockt.\n"),
        ("一 WSL バージョン: 2.4.13.0\r\r\n次".encode("utf-16-le"), "一 WSL バージョン: 2.4.13.0\n次"),
        ("cut in an ü".encode()[:-1], "cut in an "),
        (b"", ""),
        (b"a\0b", "ab"),
    ],
)
def test_decode(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_decode_takes_anything() -> None:
    for data in (bytes(range(256)), b"\xff\xfe\x00", b"\xff" * 9, b"\x00\xd8" * 5, os.urandom(500)):
        assert isinstance(decode(data), str)


# --- the recorded machine


def test_recorded_answers_and_notes_what_it_does_not_know() -> None:
    machine = Recorded(
        {
            "commands": {"a b": {"code": 2, "out": {"utf-16-le": "ä"}}, "slow": {"timed_out": True}},
            "files": {"/etc/x": "text", "/sys/dev/1/name": "n"},
            "links": {"/l": "/etc/x"},
            "environ": {"HOME": "/h"},
            "programs": {"p": "/bin/p"},
            "disk_free_mib": {"/": 5, "/mnt": 7},
        }
    )
    assert machine.run("a", "b") == Ran(("a", "b"), 2, "ä".encode("utf-16-le"))
    assert machine.run("slow").timed_out
    assert machine.run("c").code == 127
    assert (machine.asked, machine.unanswered) == (["a b", "slow", "c"], ["c"])
    assert (machine.read("/l"), machine.read("/etc/x", 2), machine.read("/none")) == (b"text", b"te", None)
    assert machine.exists("/sys/dev")
    assert not machine.exists("/sys/de")
    assert machine.listdir("/sys/dev") == ("1",)
    assert machine.listdir("/none") is None
    assert (machine.env("HOME"), machine.env("NO"), machine.which("p"), machine.which("q")) == (
        "/h",
        None,
        "/bin/p",
        None,
    )
    assert (machine.disk_free_mib("/mnt/c"), machine.disk_free_mib("/home")) == (7, 5)


def test_a_transcript_varies_another(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(json.dumps({"files": {"/a": "1", "/b": "2"}, "environ": {"X": "1"}}))
    (tmp_path / "more.json").write_text(json.dumps({"base": "base", "files": {"/a": None, "/c": "3"}}))
    assert load_transcript(tmp_path, "more") == {"files": {"/b": "2", "/c": "3"}, "environ": {"X": "1"}}


def test_merge_patch_as_the_standard_has_it() -> None:
    assert merge_patch({"a": "b", "c": {"d": "e", "f": "g"}}, {"a": "z", "c": {"f": None}}) == {
        "a": "z",
        "c": {"d": "e"},
    }
    assert merge_patch({"a": [1]}, {"a": {"b": {"c": None}}}) == {"a": {"b": {}}}


def test_contents_of_a_transcript() -> None:
    assert to_bytes("ä") == "ä".encode()
    assert to_bytes({"base64": "AAE="}) == b"\0\1"
    assert to_bytes({"cp850": "ä"}) == b"\x84"
    assert to_bytes({"json-lines": [{"a": 1}, {}]}) == b'{"a": 1}\n{}\n'
