"""A report tells nothing about its user: planted secrets do not come through, and what helps stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.doctor.checks import CHECKS
from provision.doctor.checkup import examine
from provision.doctor.report import render_report
from provision.facts.facts import Facts
from provision.facts.redact import Redactor, make_redactor
from provision.machine.recorded import Recorded, load_transcript, merge_patch

MACHINES = Path(__file__).parents[2] / "machines"
SECRETS = {
    "user": "grace.hopper",
    "Windows user": "GHopper",
    "host": "univac-7",
    "Windows host": "DESKTOP-4F2K9QX",
    "MAC": "00:1A:2b:3c:4D:5e",
    "address": "192.168.178.43",
    "long address": "fe80::1ff:fe23:4567:890a",
    "serial": "5CD1234XYZ",
    "id of the GPU": "GPU-4d3f2a10-8b6c-9e21-77aa-0123456789ab",
    "id of the disk": "6c1d0a3e-8f52-4b7c-9a44-0f3f5e6a7b81",
    "mail": "grace@navy.example",
    "SID": "S-1-5-21-1004336348-1177238915-682003330-512",
}
LEAK = (
    "host {host} user {user} at C:\\Users\\{Windows user}\\AppData\\Local and /home/{user}/x "
    "and /mnt/c/Users/{Windows user}/y mac {MAC} ip {address} and {long address} Serial Number: {serial} "
    "{id of the GPU} {{{id of the disk}}} {mail} {SID} on {Windows host}"
)


def make_machine(**changes: Any) -> Recorded:
    """A broken WSL of somebody whose name is everywhere."""
    leak = LEAK.format(**SECRETS)
    planted: Mapping[str, Any] = {
        "environ": {
            "HOME": "/home/grace.hopper",
            "USER": "grace.hopper",
            "LOGNAME": "grace.hopper",
            "USERPROFILE": "C:\\Users\\GHopper",
            "COMPUTERNAME": "DESKTOP-4F2K9QX",
        },
        "files": {"/etc/hostname": "univac-7.navy.example\n"},
        "data_folder": "/home/grace.hopper/data",
        "commands": {"python3 -m provision.machine.probe cuda": {"out": {"json-lines": [{"library_error": leak}]}}},
        "windows_half": {
            "windows": {"conflicts": [leak], "computer_model": "Model of grace.hopper"},
            "wsl": {"default_distribution": "ghopper-dev", "distributions": [{"name": "u", "base_path": leak}]},
        },
    }
    return Recorded(merge_patch(merge_patch(load_transcript(MACHINES, "wsl-healthy-3090"), planted), changes))


def report_of(machine: Recorded) -> str:
    checkup = examine(machine, CHECKS)
    return render_report(checkup, make_redactor(machine, checkup.facts))


def test_no_planted_secret_comes_through() -> None:
    machine = make_machine()
    raw = json.dumps(examine(machine, CHECKS).to_dict()).lower()
    text = report_of(machine).lower()
    for what, secret in SECRETS.items():
        assert secret.lower() in raw, f"{what} was not planted"
        assert secret.lower() not in text, what
    for part in ("hopper", "univac", "4f2k9qx", "navy", "890a", "0f3f5e6a7b81"):
        assert part not in text


def test_what_helps_stays() -> None:
    text = report_of(make_machine())
    for kept in (
        "2.4.13.0",
        "5.15.167.4-microsoft-standard-WSL2",
        "552.86",
        "NVIDIA GeForce RTX 3090",
        "cuda-init",
        "22631",
    ):
        assert kept in text
    assert "<user>" in text
    assert "~/data" in text


def test_a_name_that_everybody_has_does_not_spoil_the_report() -> None:
    machine = make_machine(environ={"USER": "root", "LOGNAME": "root", "HOME": "/root"})
    assert "root" not in make_redactor(machine, Facts({"place": "wsl"})).text("<user>")
    assert make_redactor(machine, Facts({"place": "wsl"})).text("sudo as root") == "sudo as root"


def test_a_program_cannot_leave_its_block() -> None:
    out = {"json-lines": [{"library_error": "x\n~~~~\n# forged | heading"}]}
    machine = make_machine(commands={"python3 -m provision.machine.probe cuda": {"out": out}})
    lines = report_of(machine).splitlines()
    assert "# forged | heading" not in lines
    assert sum(line.startswith("~~~~") for line in lines) % 2 == 0


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r"C:\Users\ada\AppData", r"C:\Users\<user>\AppData"),
        (r"C:\\Users\\ada\\AppData", r"C:\\Users\\<user>\\AppData"),
        ("/mnt/c/Users/ada lovelace/x", "/mnt/c/Users/<user>/x"),
        ("/home/ada", "/home/<user>"),
        ("/Users/ada/lib", "/Users/<user>/lib"),
        ("version 10.0.22631.4317", "version 10.0.22631.4317"),
        ("at 10.0.0.7:8000", "at <ip>:8000"),
        ("2001:db8::8a2e:370:7334", "<ip>"),
        ("serial: ABC12345", "serial: <serial>"),
        ("00-1A-2B-3C-4D-5E", "<mac>"),
        ("at 12:34:56 it failed", "at 12:34:56 it failed"),
        ("libc6 2.39, sm_86, cu124, 0x80370102", "libc6 2.39, sm_86, cu124, 0x80370102"),
        ("std::vector, torch::cuda", "std::vector, torch::cuda"),
    ],
)
def test_patterns(text: str, clean: str) -> None:
    assert Redactor({}).text(text) == clean


def test_names_are_words_of_their_own() -> None:
    redactor = Redactor({"ada": "<user>", "ada-pc": "<host>"})
    assert redactor.text("ada, ADA-PC and ada_x; adapter") == "<user>, <host> and <user>_x; adapter"
