"""Windows as people saw it: each scenario behaves like a public report, which is named beside it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, ROOT, SETUP, TASK, finished, in_few_words, inside, step, with_linux
from simulated_machine import CURRENT_VERSION, PLATFORM, fresh

Seen = Mapping[str, Outcome]
DOCTOR = ROOT / "powershell" / "doctor.ps1"
GO = ["-Unattended", "-SkipGuest"]
INSTALL = "wsl.exe --install -d Ubuntu-24.04 --no-launch"
CUT_OFF = {"name": "Ubuntu-24.04", "version": 2, "state": "installing"}
SAID = {
    "2.6 while it installs itself": "Downloading: Windows Subsystem for Linux 2.6.1\n"
    "Installing: Windows Subsystem for Linux 2.6.1\n"
    "Windows Subsystem for Linux 2.6.1 has been installed.\n",
    "2.6": "WSL version: 2.6.1.0\nKernel version: 6.6.87.2-1\nWSLg version: 1.0.66\nMSRDC version: 1.2.6074\n",
    "2.6 in German, after a warning": "wsl: Unbekannter Schluessel \u201ewsl2.x\u201c in C:\\Users\\me\\.wslconfig:2\n"
    "WSL-Version: 2.6.1.0\nKernelversion: 6.6.87.2-1\nWSLg-Version: 1.0.66\n",
    "2.6 in Chinese": "WSL \u7248\u672c\uff1a 2.6.1.0\n\u5185\u6838\u7248\u672c\uff1a 6.6.87.2-1\n",
    "the stub": "Press any key to install Windows Subsystem for Linux.\nThis prompt will time out in 60 seconds.\n",
}
"""What `wsl --version` may print: formats of 2.6 from microsoft/WSL 13289 and others, the stub's from ovm-win PR 87."""

SCENARIOS = {
    # oomol-lab/ovm-win PR 87: without WSL, `wsl --version` starts a download on 24H2.
    "stub": Scenario(fresh(), [Turn(DOCTOR, ["-Json"]), Turn(SETUP, ["-WhatIf"])]),
    # microsoft/WindowsDeveloperConfig PR 75: `wsl --install` does not succeed without a console window.
    "bare": Scenario(fresh(elevated=True), [Turn(SETUP, GO), "restart", Turn(SETUP, ["-Resume"])]),
    # microsoft/WSL 10646, WindowsDeveloperConfig PR 75: the list fills seconds after --no-launch has ended.
    "late": Scenario(with_linux(wsl={"registers_after_seconds": 11}), [Turn(SETUP, GO)]),
    # WindowsDeveloperConfig PR 62 and issue 48: the registry is not filled, `wsl --list` tells.
    "registry-empty": Scenario(
        with_linux({"name": "Debian", "version": 2}, wsl={"registry_stays_empty": True}),
        [Turn(SETUP, [*GO, "-Distribution", "Debian"]), Turn(SETUP, GO)],
    ),
    # microsoft/WSL 4084, 7975: state "Installing" after a power cut, and 0x8000000d ever after.
    "cut-off": Scenario(
        with_linux(CUT_OFF),
        [
            Turn(SETUP, [*GO, "-Distribution", "Ubuntu-24.04"]),
            Turn(SETUP, ["-SkipGuest", "-Distribution", "Ubuntu-24.04"], ["y", "y"]),
        ],
    ),
    "cut-off-by-hand": Scenario(with_linux(CUT_OFF), [Turn(CALL, ["Install-RigDistribution -Confirm:$false"])]),
    "versions": Scenario(
        finished(),
        [
            Turn(
                CALL,
                [inside("@(ConvertFrom-Json $env:SAID).ForEach({ (@(Get-WslVersionNumber -Text $_) -join ' ') })")],
                environment={"SAID": json.dumps(list(SAID.values()))},
            )
        ],
    ),
    # Below 19041 the sentence itself broke: one for every way in which a plan may be blocked.
    "blocked: build": Scenario(
        fresh(elevated=True, registry={CURRENT_VERSION: {"CurrentBuild": "18363"}}), [Turn(SETUP, ["-Unattended"])]
    ),
    "blocked: 32 bit": Scenario(fresh(elevated=True, hardware={"architecture": "x86"}), [Turn(SETUP, ["-Unattended"])]),
    "blocked: feature": Scenario(fresh(elevated=True, features={PLATFORM: None}), [Turn(SETUP, ["-Unattended"])]),
    "blocked: nested": Scenario(
        fresh(
            elevated=True,
            hardware={"manufacturer": "VMware, Inc.", "model": "VMware20,1", "firmware_virtualization": False},
        ),
        [Turn(SETUP, ["-Unattended"])],
    ),
    "blocked: cpu": Scenario(fresh(elevated=True, hardware={"slat": False}), [Turn(SETUP, ["-Unattended"])]),
    "reset-what-if": Scenario(finished(), [Turn(SETUP, ["-Reset", "-WhatIf", "-Json"])]),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def test_looking_at_a_pc_without_wsl_does_not_install_it(seen: Seen) -> None:
    outcome = seen["stub"]
    doctor, dry = outcome.ran
    assert doctor.json["data"]["facts"]["wsl"]["is_installed"] is False
    assert dry.code == 0, dry.err
    assert outcome.changes(0) == outcome.changes(1) == []
    assert outcome.pc.state["wsl"]["kind"] == "stub"


def test_installers_get_a_console_window_and_are_not_captured(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["bare"]
    assert [one.code for one in ran] == [4, 0], ran[1].err
    assert in_few_words(outcome.changes(1)) == [
        f"Unregister-ScheduledTask {TASK}",
        "wsl.exe --install --no-distribution",
        INSTALL,
    ], "each once: what succeeds in its window is not tried again"
    assert "Distribution successfully installed." in (pc.folder / "console.txt").read_text("utf-8")
    assert "Distribution successfully installed." not in ran[1].out


def test_a_distribution_that_is_listed_late_is_waited_for(seen: Seen) -> None:
    outcome = seen["late"]
    assert outcome.ran[0].code == 0, outcome.ran[0].err
    assert in_few_words(outcome.changes()) == [INSTALL]
    assert len([call for call in outcome.calls[0] if call.command == "Start-Sleep"]) == 4


def test_the_list_of_wsl_is_the_second_witness(seen: Seen) -> None:
    outcome = seen["registry-empty"]
    there, installed = outcome.ran
    assert there.code == 0, there.err
    assert outcome.changes(0) == [], "Debian is in `wsl --list`"
    assert installed.code == 0, installed.err
    assert in_few_words(outcome.changes(1)) == [INSTALL]


def test_a_half_installed_distribution_is_thrown_away_after_a_yes(seen: Seen) -> None:
    outcome = seen["cut-off"]
    alone, asked = outcome.ran
    assert (alone.code, outcome.changes(0)) == (4, [])
    assert "was cut off while it was installing" in alone.out
    assert asked.code == 0, asked.err
    assert in_few_words(outcome.changes(1)) == ["wsl.exe --unregister Ubuntu-24.04", INSTALL]
    by_hand = seen["cut-off-by-hand"]
    assert "was cut off" in json.loads(by_hand.ran[0].out)["error"]
    assert by_hand.changes() == []


def test_the_text_of_an_installation_is_no_version(seen: Seen) -> None:
    value: Any = json.loads(seen["versions"].ran[0].out)["value"]
    told = dict(zip(SAID, value, strict=True))
    assert told == {
        "2.6 while it installs itself": "",
        "2.6": "2.6.1.0 6.6.87.2-1 1.0.66 1.2.6074",
        "2.6 in German, after a warning": "2.6.1.0 6.6.87.2-1 1.0.66",
        "2.6 in Chinese": "2.6.1.0 6.6.87.2-1",
        "the stub": "",
    }


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("build", "build 18363; WSL 2 needs 19041, and the GPU in it 19044: update Windows first."),
        ("32 bit", "a 32-bit Windows has no WSL 2."),
        ("feature", "this Windows has no such feature"),
        ("nested", "its host does not pass virtualization on."),
        ("cpu", "this CPU lacks what WSL 2 needs"),
    ],
)
def test_what_cannot_go_on_says_why_and_ends_with_4(seen: Seen, name: str, sentence: str) -> None:
    outcome = seen[f"blocked: {name}"]
    assert outcome.ran[0].code == 4, outcome.ran[0].err
    assert sentence in outcome.ran[0].err
    assert "please report" not in outcome.ran[0].err
    assert outcome.changes() == []


def test_reset_is_in_the_plan(seen: Seen) -> None:
    document = seen["reset-what-if"].ran[0].json
    assert step(document, "distribution")["status"] == "needed"
    assert (
        "-Reset: Ubuntu is saved to a file, deleted with everything in it" in step(document, "distribution")["reason"]
    )
    assert "wsl --unregister Ubuntu" in step(document, "distribution")["command"]
    assert seen["reset-what-if"].changes() == []
