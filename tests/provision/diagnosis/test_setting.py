"""`dreamrig setting`: one key is set, WSL reads it, and nothing else in the file changes."""

from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError, UsageError
from provision.diagnosis.setting import FILES, change
from provision.diagnosis.setting_cli import BACKUP_SUFFIX, SettingDoor, setting

WSL_CONF, WSLCONFIG = FILES["wsl.conf"], FILES[".wslconfig"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "[boot]\nsystemd=true\n"),
        ("", "[boot]\nsystemd=true\n"),
        ("[user]\ndefault=me", "[user]\ndefault=me\n\n[boot]\nsystemd=true\n"),
        ("[boot]\nsystemd=false\n", "[boot]\nsystemd=true\n"),
        ("[boot]\n# systemd=false\ncommand=service docker start\n\n[user]\ndefault=me\n",
         "[boot]\n# systemd=false\ncommand=service docker start\nsystemd=true\n\n[user]\ndefault=me\n"),
        ("[Boot]\nSystemd = false # no\n", "[Boot]\nsystemd=true\n"),
        ("[boot]\r\ncommand=x\r\n", "[boot]\r\ncommand=x\r\nsystemd=true\r\n"),
        ("[boot]\n[user]\ndefault=me\n", "[boot]\nsystemd=true\n[user]\ndefault=me\n"),
    ],
)  # fmt: skip
def test_a_key_is_set_in_its_place(before: str | None, after: str) -> None:
    data = None if before is None else before.encode()
    changed = change(WSL_CONF, data, "boot.systemd", "true")
    assert changed.decode() == after
    assert WSL_CONF.read(changed).values["boot.systemd"] == "true"
    assert change(WSL_CONF, changed, "boot.systemd", "true") == changed


def test_a_value_over_several_lines_is_one_value() -> None:
    before = b"[boot]\ncommand = echo a \\\n  && [b] \\\nsystemd=false\nsystemd=true\n[user]\ndefault=me\n"
    assert WSL_CONF.read(before).values["boot.systemd"] == "true"
    assert change(WSL_CONF, before, "boot.command", "ls") == (b"[boot]\ncommand=ls\nsystemd=true\n[user]\ndefault=me\n")
    other = change(WSL_CONF, before, "boot.systemd", "false")
    assert WSL_CONF.read(other).values == {**WSL_CONF.read(before).values, "boot.systemd": "false"}


def test_all_other_keys_stay() -> None:
    before = b"[wsl2]\nmemory=8GB\n# mine\nprocessors=4\n[experimental]\nautoMemoryReclaim=gradual\n"
    after = change(WSLCONFIG, before, "wsl2.networkingMode", "mirrored")
    kept = WSLCONFIG.read(before).values
    assert WSLCONFIG.read(after).values == {**kept, "wsl2.networkingmode": "mirrored"}
    assert b"# mine" in after


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_what_wsl_cannot_read_becomes_plain(encoding: str) -> None:
    after = change(WSLCONFIG, "[wsl2]\r\nmemory=8GB\r\n".encode(encoding), "wsl2.swap", "0")
    assert after == b"[wsl2]\r\nmemory=8GB\r\nswap=0\r\n"


def test_a_path_gets_its_backslashes_doubled() -> None:
    after = change(WSLCONFIG, None, "wsl2.swapFile", r"C:\Temp\swap.vhdx")
    assert WSLCONFIG.read(after).values["wsl2.swapfile"] == r"C:\Temp\swap.vhdx"


def test_a_value_with_a_hash_survives() -> None:
    after = change(WSL_CONF, None, "boot.command", "echo '#1'")
    assert WSL_CONF.read(after).values["boot.command"] == "echo '#1'"


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        (WSL_CONF, "boot.sytemd", "true"),
        (WSL_CONF, "wsl2.memory", "8GB"),
        (WSL_CONF, "boot.systemd", "maybe"),
        (WSLCONFIG, "wsl2.memory", "8 GB"),
        (WSLCONFIG, "wsl2.networkingMode", "mirored"),
        (WSLCONFIG, "memory", "8GB"),
        (WSL_CONF, "boot.command", "one\ntwo"),
    ],
)
def test_what_wsl_would_not_take_is_refused(file: object, key: str, value: str) -> None:
    with pytest.raises(UsageError):
        change(file, b"[boot]\n", key, value)  # type: ignore[arg-type]


def test_a_change_and_the_way_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wsl.conf"
    file.write_bytes(b"[user]\ndefault=me")
    file.chmod(0o640)
    door = SettingDoor(path_of=lambda _: file)
    assert setting(["wsl.conf", "boot.systemd", "true"], door) == 0
    assert file.read_bytes() == b"[user]\ndefault=me\n\n[boot]\nsystemd=true\n"
    assert (tmp_path / f"wsl.conf{BACKUP_SUFFIX}").read_bytes() == b"[user]\ndefault=me"
    assert file.stat().st_mode & 0o777 == 0o640
    assert "--undo wsl.conf" in capsys.readouterr().out
    assert setting(["--undo", "wsl.conf"], door) == 0
    assert file.read_bytes() == b"[user]\ndefault=me"


def test_what_is_so_already_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".wslconfig"
    file.write_bytes(b"[wsl2]\nswap=0\n")
    assert setting([".wslconfig", "wsl2.swap", "0"], SettingDoor(path_of=lambda _: file)) == 0
    assert [path.name for path in tmp_path.iterdir()] == [".wslconfig"]


def test_undo_is_of_the_last_command_though_it_changed_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wsl.conf"
    file.write_bytes(b"[user]\ndefault=me\n")
    door = SettingDoor(path_of=lambda _: file)
    changed = b"[user]\ndefault=me\n\n[boot]\nsystemd=true\n"
    assert setting(["wsl.conf", "boot.systemd", "true"], door) == 0
    assert setting(["wsl.conf", "user.default", "me"], door) == 0
    for _ in range(2):
        assert setting(["--undo", "wsl.conf"], door) == 0
        assert file.read_bytes() == changed, "the older change stays"
        assert "The last command changed nothing" in capsys.readouterr().out
    assert setting(["wsl.conf", "boot.systemd", "false"], door) == 0
    assert setting(["--undo", "wsl.conf"], door) == 0
    assert file.read_bytes() == changed


def test_the_same_command_twice_is_one_change(tmp_path: Path) -> None:
    file = tmp_path / "wsl.conf"
    file.write_bytes(b"[user]\ndefault=me\n")
    door = SettingDoor(path_of=lambda _: file)
    for _ in range(3):
        assert setting(["wsl.conf", "boot.systemd", "true"], door) == 0
    assert setting(["--undo", "wsl.conf"], door) == 0
    assert file.read_bytes() == b"[user]\ndefault=me\n"


def test_a_file_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "other"
    assert setting([".wslconfig", "wsl2.swap", "0", "--file", str(file)]) == 0
    assert file.read_bytes() == b"[wsl2]\nswap=0\n"


@pytest.mark.parametrize(
    "args", [["hosts", "a.b", "c"], ["wsl.conf"], ["wsl.conf", "boot.systemd"], ["--undo", "wsl.conf"]]
)
def test_usage_errors(args: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        setting(args, SettingDoor(path_of=lambda _: tmp_path / "wsl.conf"))


def test_a_folder_that_does_not_exist_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError):
        setting(["wsl.conf", "boot.systemd", "true"], SettingDoor(path_of=lambda _: tmp_path / "nowhere" / "wsl.conf"))
