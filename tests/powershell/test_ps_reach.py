"""The task that leads a port of the PC on to WSL: made, proven, taken back; and the script that it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import ROOT, in_few_words
from simulated_machine import FORWARDS, fresh, ready
from simulated_pc import quote

Seen = Mapping[str, Outcome]
REACH, FORWARD = ROOT / "powershell" / "reach.ps1", ROOT / "powershell" / "DreamRig" / "Desktop" / "forward.ps1"
TASK = RULE = "DreamRig-Reach"
WORDS = ["-Distribution", "Ubuntu"]
OTHERS = {"registry": {FORWARDS: {"0.0.0.0/8700": "192.168.1.9/80"}}}
ADD_RULE = (
    f"advfirewall firewall add rule name={RULE} dir=in action=allow protocol=TCP localport=8700 profile=private,domain"
)
DENIED = {"errors": {"Register-ScheduledTask": {"message": "Access is denied.", "hresult": "0x80070005"}}}
REFUSED = {"command": "netsh.exe", "arguments": "add rule", "code": 1}
STUCK = {"command": "netsh.exe", "arguments": "delete", "code": 1}
SCENARIOS = {
    "whole": Scenario(
        ready(elevated=True),
        [
            Turn(REACH, [*WORDS, "-WhatIf"]),
            Turn(REACH, WORDS),
            Turn(REACH, [*WORDS, "-Port", "8701"]),
            {"registry": {FORWARDS: {"0.0.0.0/8701": "172.20.3.4/8701", "0.0.0.0/80": "192.168.1.9/80"}}},
            Turn(REACH, ["-Undo", "-WhatIf"]),
            Turn(REACH, ["-Undo"]),
            Turn(REACH, ["-Undo"]),
        ],
    ),
    "rights": Scenario(
        ready(),
        [Turn(REACH, [*WORDS, "-WhatIf"]), Turn(REACH, WORDS), {"firewall": {RULE: "8700"}}, Turn(REACH, ["-Undo"])],
    ),
    "refused": Scenario(
        ready(elevated=True, **OTHERS),
        [
            Turn(REACH),
            Turn(REACH, ["-Distribution", 'U"; evil']),
            Turn(REACH, [*WORDS, "-Port", "80"]),
            Turn(REACH, WORDS),
            Turn(REACH, ["-Distribution", "Debian"]),
        ],
    ),
    "half": Scenario(ready(elevated=True, **DENIED), [Turn(REACH, WORDS)]),
    "wall": Scenario(ready(elevated=True, answers=[REFUSED]), [Turn(REACH, WORDS)]),
    "stuck": Scenario(
        ready(elevated=True),
        [Turn(REACH, WORDS), {"answers": [STUCK], "ineffective": ["Unregister-ScheduledTask"]}, Turn(REACH, ["-Undo"]),
         Turn(REACH, WORDS)],
    ),
    "no-wsl": Scenario(fresh(elevated=True), [Turn(REACH, WORDS)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def folder(pc: Any) -> Path:
    return Path(pc.folder / "Program Files" / "DreamRig" / "reach")


def test_it_is_made_shown_first_and_taken_back_whole(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["whole"]
    assert [one.code for one in ran] == [0] * 6, [one.err for one in ran]
    assert all(word in ran[0].out for word in ("DreamRig-Reach", "port 8700 in private networks", "Ubuntu"))
    assert outcome.changes(0) == outcome.changes(3) == []
    made = in_few_words(outcome.changes(1))
    assert made == [
        f"netsh.exe {ADD_RULE}",
        f"Register-ScheduledTask {TASK}",
        f"Start-ScheduledTask {TASK}",
    ]
    assert "public" not in made[0]
    assert any("localport=8701" in one for one in in_few_words(outcome.changes(2))), "another port takes its place"
    undone = in_few_words(outcome.changes(4))
    assert "netsh.exe interface portproxy delete v4tov4 listenport=8701 listenaddress=0.0.0.0" in undone
    assert f"netsh.exe advfirewall firewall delete rule name={RULE}" in undone
    assert "There was no task" in ran[5].out
    assert pc.state["tasks"] == pc.state["firewall"] == {}
    assert pc.state["registry"][FORWARDS] == {"0.0.0.0/80": "192.168.1.9/80"}, "others' ports stay"
    assert not folder(pc).exists()


def test_what_runs_as_administrator_lies_where_only_administrators_write(seen: Seen) -> None:
    outcome = seen["stuck"]
    call = next(one for one in outcome.changes() if one.command == "Register-ScheduledTask")
    assert call.arguments["Principal"] == "@{UserId=S-1-5-21-1-2-3-1001; LogonType=Interactive; RunLevel=Highest}"
    (action,) = call.arguments["Action"]
    assert str(folder(outcome.pc)) in action
    assert "AppData" not in action
    assert 'netsh.exe" -Distribution "Ubuntu" -Port 8700' in action
    assert (folder(outcome.pc) / "forward.ps1").read_bytes() == FORWARD.read_bytes()


def test_without_rights_nothing_is_done_and_the_next_step_is_told(seen: Seen) -> None:
    outcome = seen["rights"]
    assert [one.code for one in outcome.ran] == [0, 4, 4]
    assert all("Run as administrator" in one.err for one in outcome.ran[1:])
    assert not any(outcome.changes(turn) for turn in range(3))


def test_what_cannot_be_is_said_and_half_of_it_is_taken_back(seen: Seen) -> None:
    refused = seen["refused"]
    assert [one.code for one in refused.ran] == [2, 2, 2, 4, 4]
    assert "dreamrig serve reach" in refused.ran[0].err
    assert "leads to 192.168.1.9/80 already" in refused.ran[3].err
    assert "has no distribution Debian" in refused.ran[4].err
    assert not any(refused.changes(turn) for turn in range(5))
    assert refused.pc.state["registry"][FORWARDS] == OTHERS["registry"][FORWARDS]
    half = seen["half"]
    assert half.ran[0].code == 4
    assert "Access is denied" in half.ran[0].err
    assert "Task Scheduler" in half.ran[0].err
    wall = seen["wall"]
    assert wall.ran[0].code == 1
    assert "did not take the rule" in wall.ran[0].err
    for outcome in (half, wall):
        assert outcome.pc.state.get("firewall", {}) == outcome.pc.state["tasks"] == {}
        assert not folder(outcome.pc).exists()
    stuck = seen["stuck"]
    assert [one.code for one in stuck.ran] == [0, 1, 1]
    assert f"cannot be deleted: the task {TASK}, the firewall rule {RULE}" in stuck.ran[1].err
    assert "is not gone" in stuck.ran[2].err
    assert (folder(stuck.pc) / "port").read_text() == "8700", "so that -Undo can be repeated"
    assert seen["no-wsl"].ran[0].code == 4


# ---- the script that the task runs

FAKE_WSL = """#!/bin/sh
here="{folder}"
off="$here/$(cat "$here/n" 2>/dev/null)-off"
case "$*" in *--exec*) [ ! -e "$off" ] || echo "a distribution was started" >> "$here/asked" ;; esac
case "$*" in
--list*)
    n=$(($(cat "$here/n" 2>/dev/null || echo 0) + 1)); echo "$n" > "$here/n"
    [ -e "$here/$n-off" ] || echo "Ubuntu" ;;
*wslinfo*) n=$(cat "$here/n"); cat "$here/$n-kind" 2>/dev/null || exit 1 ;;
*addr*) n=$(cat "$here/n"); cat "$here/$n-addr" 2>/dev/null || exit 1 ;;
*hostname*) n=$(cat "$here/n"); cat "$here/$n-host" 2>/dev/null ;;
esac
"""
FAKE_NETSH = """#!/bin/sh
echo "$*" >> "{folder}/asked"
n=$(cat "{folder}/n")
case "$*" in *add*) [ ! -e "{folder}/$n-refuses" ] ;; *) exit 1 ;; esac
"""
DELETE = "interface portproxy delete v4tov4 listenport=8700 listenaddress=0.0.0.0"


def add(address: str) -> str:
    return DELETE.replace("delete", "add") + f" connectport=8700 connectaddress={address}"


def forward(windows: Callable[..., Any], folder: Path, rounds: int, **files: str) -> list[str]:
    """What netsh was asked in so many looks. files: look_1_addr="..." is what the fake says at the first look."""
    for name, text in (("wsl.exe", FAKE_WSL), ("netsh.exe", FAKE_NETSH)):
        (folder / name).write_text(text.format(folder=folder))
        (folder / name).chmod(0o755)
    for name, text in files.items():
        (folder / name.removeprefix("look_").replace("_", "-")).write_text(text)
    programs = f"-Wsl {quote(str(folder / 'wsl.exe'))} -Netsh {quote(str(folder / 'netsh.exe'))}"
    words = f"{programs} -Distribution Ubuntu -Port 8700 -Rounds {rounds}"
    pc = windows(ready())
    ran = pc.execute(f"& {quote(str(FORWARD))} {words}\nexit $LASTEXITCODE")
    assert ran.code == 0, ran.err
    assert [call.arguments["Seconds"] for call in pc.calls if call.command == "Start-Sleep"] == [60] * (rounds - 1)
    return (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []


def test_the_port_follows_the_address_and_nothing_is_started(windows: Callable[..., Any], tmp_path: Path) -> None:
    asked = forward(
        windows, tmp_path, 6,
        look_1_off="", look_2_addr="2: eth0 inet 172.20.3.4/20 brd 172.20.15.255", look_2_kind="nat\n",
        look_3_addr="2: eth0 inet 172.20.3.4/20", look_4_off="", look_5_host="172.31.9.8 172.17.0.1 fe80::1 \n",
        look_6_kind="mirrored\n",
    )  # fmt: skip
    assert asked == [DELETE, add("172.20.3.4"), DELETE, add("172.31.9.8"), DELETE], "in mirrored mode none is needed"


def test_what_windows_refuses_is_tried_again_and_strange_answers_are_no_address(
    windows: Callable[..., Any], tmp_path: Path
) -> None:
    asked = forward(
        windows, tmp_path, 3,
        look_1_addr="inet 10.1.2.3/8", look_1_refuses="", look_2_addr="inet 10.1.2.3/8",
        look_3_addr="inet 8.8.8.8/8 connectaddress=1.1.1.1", look_3_host="127.0.0.1 8.8.8.8",
    )  # fmt: skip
    assert asked == [DELETE, add("10.1.2.3"), DELETE, add("10.1.2.3")]
