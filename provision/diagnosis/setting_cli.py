"""`dreamrig setting`: a key of wsl.conf or .wslconfig, with a backup and a way back."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dreamrig.errors import EXIT_GOOD, NotReadyError, UsageError
from dreamrig.paths import write_atomic
from provision.diagnosis.setting import FILES, WSL_CONF_FILE, ConfigFile, change
from provision.facts.collectors.windows import profile_folder
from provision.machine.local import ThisMachine

BACKUP_SUFFIX = ".before-dreamrig"
READ_BY_ALL = 0o644


def default_path(file: ConfigFile) -> Path:
    """Where WSL reads the file; NotReadyError where Windows' home folder cannot be found from here."""
    if file is WSL_CONF_FILE:
        return Path("/etc/wsl.conf")
    home = profile_folder(ThisMachine())
    if home is None:
        hint = "name the file: --file /mnt/c/Users/ME/.wslconfig"
        raise NotReadyError("Windows' home folder cannot be seen from here.", hint=hint)
    return Path(home) / file.name


@dataclass(frozen=True, kw_only=True)
class SettingDoor:
    """What the command takes from outside. Tests bring their own."""

    path_of: Callable[[ConfigFile], Path] = default_path


def setting(args: list[str], door: SettingDoor | None = None) -> int:
    """`dreamrig setting FILE KEY VALUE`, or `--undo FILE`; returns 0."""
    import typer

    door = door or SettingDoor()

    def command(
        file: Annotated[str, typer.Argument(metavar="wsl.conf|.wslconfig", show_default=False)],
        key: Annotated[str | None, typer.Argument(metavar="KEY", help="e.g. boot.systemd", show_default=False)] = None,
        value: Annotated[str | None, typer.Argument(metavar="VALUE", help="e.g. true", show_default=False)] = None,
        undo: Annotated[
            bool, typer.Option("--undo", help="Put the file back as it was before the last command.")
        ] = False,
        path: Annotated[
            Path | None,
            typer.Option("--file", metavar="FILE", help="The file, where it lies elsewhere.", show_default=False),
        ] = None,
    ) -> int:
        """Set one key of WSL's settings: in its section, once, and nothing else is touched.

        wsl.conf is that of this distribution (as root: sudo), .wslconfig that of the Windows account.
        """
        if file not in FILES:
            raise UsageError(f"There is no file of WSL called {file!r}.", hint="it is wsl.conf or .wslconfig")
        target = path or door.path_of(FILES[file])
        if undo:
            return take_back(target)
        if key is None or value is None:
            raise UsageError("A key and a value are needed.", hint="e.g. dreamrig setting wsl.conf boot.systemd true")
        return set_key(FILES[file], target, key, value)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    return app(args, prog_name="dreamrig setting", standalone_mode=False) or EXIT_GOOD


def set_key(file: ConfigFile, target: Path, key: str, value: str) -> int:
    """Change the file, keep what it was beside it, and say what was done."""
    before = read(target)
    after = change(file, before, key, value)
    if before == after:
        forget_other_change(file, target, key, value)
        print(f"{target}: {key} is {value} already.")
        return EXIT_GOOD
    write(backup_of(target), before or b"")
    write(target, after)
    print(f"{target}: {key} is {value} now. It counts when WSL starts anew: wsl --shutdown (on Windows).")
    print(f"To take it back: dreamrig setting --undo {file.name}")
    return EXIT_GOOD


def take_back(target: Path) -> int:
    """The file as it was before the last command; what it was until now becomes the backup."""
    before = read(backup_of(target))
    if before is None:
        raise UsageError(f"There is nothing to take back: {backup_of(target)} does not exist.")
    now = read(target)
    if now == before:
        print(f"The last command changed nothing in {target}: there is nothing to take back.")
        return EXIT_GOOD
    write(target, before)
    write(backup_of(target), now or b"")
    print(f"{target} is as it was before the last command.")
    return EXIT_GOOD


def forget_other_change(file: ConfigFile, target: Path, key: str, value: str) -> None:
    """After a command that changed nothing: its way back leads here, not to what a command of another kind found.

    The same command twice is one change, and one --undo takes it back.
    """
    before, now = read(backup_of(target)), read(target)
    if before is not None and now is not None and change(file, before, key, value) != now:
        write(backup_of(target), now)


def backup_of(target: Path) -> Path:
    """Where the state before the last command lies."""
    return target.with_name(target.name + BACKUP_SUFFIX)


def read(path: Path) -> bytes | None:
    """The bytes of a file; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotReadyError(f"Cannot read {path}: {error.strerror}.", hint=f"see: ls -l {path}") from error


def write(path: Path, data: bytes) -> None:
    """All of it or nothing; with the rights that the file had, and readable by everybody where there was none."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else READ_BY_ALL
    write_atomic(path, data)
    path.chmod(mode)
