"""Windows 11 25H2 with WSL 2.7, as it is met in 2026: from bare to a picture, .wsl files, previews, and troubles."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import ROOT, SETUP, TASK, finished, in_few_words, state_file, step, with_linux
from simulated_machine import PLATFORM, fresh_25h2

Seen = Mapping[str, Outcome]
DOCTOR = ROOT / "powershell" / "doctor.ps1"
GO = ["-Unattended", "-SkipGuest"]
ENABLED = {PLATFORM: "Enabled"}
OF_2026 = {"version": "2.7.10.0", "kernel": "6.18.33.2-2"}
DISK = {"C:\\wsl\\Ubuntu": {"Attributes": "Directory"}, "C:\\wsl\\Ubuntu\\ext4.vhdx": {"Attributes": "Archive"}}
# microsoft/WSL 13739: the list of distributions was not to be had for a day; 13644 and 13336 tell of other reasons.
NO_LIST = {
    "command": "wsl.exe",
    "arguments": "^--install -d",
    "code": -1,
    "err": "Failed to fetch the list distribution from "
    "'https://raw.githubusercontent.com/microsoft/WSL/master/distributions/DistributionInfo.json'. Not found (404).\r\n"
    "Error code: Wsl/HTTP_E_STATUS_NOT_FOUND\r\n",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A distribution as its maker offers it."""
    path = tmp_path_factory.mktemp("Down loads") / "ubuntu-24.04.2-wsl-amd64.wsl"
    path.write_bytes(b"a root file system")
    return path


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen], image: Path) -> Seen:
    of_file = [*GO, "-FromFile", str(image)]
    return several(
        {
            "bare": Scenario(
                fresh_25h2(elevated=True),
                [Turn(SETUP, ["-Unattended"]), "restart", Turn(SETUP, ["-Resume"]), Turn(DOCTOR)],
            ),
            # microsoft/WSL 13806, build 26200: msiexec shows its help, "Catastrophic failure", for a space in the name.
            "space": Scenario(
                fresh_25h2(elevated=True, features=ENABLED, wsl={"no_msi_from": "Users"}), [Turn(SETUP, GO)]
            ),
            "file": Scenario(
                with_linux(wsl=OF_2026),
                [
                    Turn(SETUP, [*of_file, "-Distribution", "Mine"]),
                    Turn(SETUP, [*of_file, "-Distribution", "Mine", "-Json"]),
                    Turn(SETUP, [*of_file, "-Distribution", "Mine", "-Reset", "-NoExport"]),
                ],
            ),
            "file over a restart": Scenario(
                fresh_25h2(elevated=True), [Turn(SETUP, of_file), "restart", Turn(SETUP, ["-Resume"])]
            ),
            "file, unelevated": Scenario(fresh_25h2(), [Turn(SETUP, [*GO, "-FromFile", "here.wsl"])]),
            "no file": Scenario(with_linux(wsl=OF_2026), [Turn(SETUP, [*GO, "-FromFile", str(image) + ".part"])]),
            "file broken": Scenario(
                with_linux(
                    wsl=OF_2026,
                    answers=[
                        {
                            "command": "wsl.exe",
                            "arguments": "--from-file",
                            "code": -1,
                            # microsoft/WSL 13742
                            "err": "The remote procedure call failed.\r\nError code: Wsl/Service/RPC_S_CALL_FAILED\r\n",
                        }
                    ],
                ),
                [Turn(SETUP, of_file)],
            ),
            "no list": Scenario(with_linux(wsl=OF_2026, answers=[NO_LIST]), [Turn(SETUP, GO)]),
            # microsoft/WSL 40488, 40968, 41015: an update to 2.7 leaves files of the package out.
            "files lost": Scenario(
                with_linux(wsl={**OF_2026, "lost_files": ["system.vhd", "tools/modules.vhd"]}),
                [Turn(SETUP, GO), {"wsl": {"lost_files": []}}, Turn(SETUP, GO)],
            ),
            "preview": Scenario(
                finished(wsl={"version": "2.9.12.0", "kernel": "6.18.33.2-2"}, files=DISK),
                [Turn(SETUP, ["-Json", "-Unattended"]), Turn(DOCTOR, ["-Json"])],
            ),
        }
    )


def test_a_bare_25h2_gets_to_a_picture_over_one_restart(seen: Seen) -> None:
    outcome = seen["bare"]
    first, second, doctor = outcome.ran
    assert (first.code, second.code, doctor.code) == (4, 0, 0), second.err + doctor.out
    assert in_few_words(outcome.changes(0)) == [
        f"Enable-WindowsOptionalFeature {PLATFORM}",
        f"Register-ScheduledTask {TASK}",
        "shutdown.exe /r /t 0",
    ]
    done = in_few_words(outcome.changes(1))
    assert done[1:3] == ["wsl.exe --install --no-distribution", "wsl.exe --install -d Ubuntu-24.04 --no-launch"]
    assert done[-1] == "guest picture do sunset over the sea"
    assert "version 2.7.10.0" in second.out
    assert len(doctor.out.splitlines()) <= 10, "all is well: a few lines"


def test_a_space_in_the_name_does_not_break_the_installer_of_wsl(seen: Seen) -> None:
    outcome = seen["space"]
    assert outcome.ran[0].code == 0, outcome.ran[0].err
    assert in_few_words(outcome.changes())[0] == "wsl.exe --install --no-distribution"
    assert outcome.pc.state["wsl"]["kind"] == "package"


def test_a_distribution_comes_from_a_file_once(seen: Seen, image: Path) -> None:
    outcome = seen["file"]
    installed, again, renewed = outcome.ran
    assert installed.code == 0, installed.err
    install = f"wsl.exe --install --from-file {image} --name Mine --no-launch"
    assert in_few_words(outcome.changes(0)) == [install]
    assert step(again.json, "distribution")["status"] == "done"
    assert outcome.changes(1) == []
    assert renewed.code == 0, renewed.err
    assert in_few_words(outcome.changes(2)) == ["wsl.exe --unregister Mine", install]


def test_the_file_is_remembered_over_the_restart_and_gives_the_name(seen: Seen, image: Path) -> None:
    outcome = seen["file over a restart"]
    assert [ran.code for ran in outcome.ran] == [4, 0], outcome.ran[1].err
    install = f"wsl.exe --install --from-file {image} --name ubuntu-24.04.2 --no-launch"
    assert in_few_words(outcome.changes(1))[-1] == install
    assert state_file(outcome.pc)["options"]["from_file"] == str(image)


def test_another_process_is_told_the_whole_path(seen: Seen) -> None:
    (ran,) = seen["file, unelevated"].ran
    assert ran.code == 2, "there is no such file, which counts before the rights"
    assert f"there is no file {Path.cwd() / 'here.wsl'}" in ran.err


def test_a_file_that_is_missing_or_broken_is_a_sentence(seen: Seen, image: Path) -> None:
    (missing,) = seen["no file"].ran
    assert missing.code == 2
    assert f"there is no file {image}.part" in missing.err
    assert seen["no file"].changes() == []
    (broken,) = seen["file broken"].ran
    assert broken.code == 1
    assert "could not be installed: Error code: Wsl/Service/RPC_S_CALL_FAILED" in broken.err


def test_where_the_list_is_not_to_be_had_a_file_is_the_way(seen: Seen) -> None:
    (ran,) = seen["no list"].ran
    assert ran.code == 1
    assert r".\setup.ps1 -FromFile <file> -Distribution Ubuntu-24.04" in ran.err
    assert "https://releases.ubuntu.com/noble" in ran.err


def test_files_that_an_update_lost_are_named_and_no_distribution_is_blamed(seen: Seen) -> None:
    outcome = seen["files lost"]
    failed, repaired = outcome.ran
    assert failed.code == 1
    assert r"an update of WSL has left system.vhd and tools\modules.vhd out" in failed.err
    assert "Repair (your distributions stay)" in failed.err
    assert repaired.code == 0, repaired.err


def test_a_preview_of_wsl_is_as_good(seen: Seen) -> None:
    outcome = seen["preview"]
    setup, doctor = outcome.ran
    assert (setup.code, outcome.changes(0), outcome.changes(1)) == (0, [], [])
    assert step(setup.json, "wsl-package")["reason"] == "version 2.9.12.0"
    facts = doctor.json["data"]["facts"]["wsl"]
    assert (facts["version"], facts["kernel"]) == ("2.9.12.0", "6.18.33.2-2")
    assert doctor.code == 0, json.dumps(doctor.json["data"]["first_broken"])
