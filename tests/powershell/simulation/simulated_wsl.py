"""What the simulated wsl.exe says and does. Its labels follow the interface's language, as the real ones do."""

import copy
import itertools
import os
from pathlib import Path

import simulated_guest
import simulated_machine as machine

Said = tuple[str, str, int, machine.State | None]  # standard output, standard error, exit code, the changed state

PARTS = ("WSL", "{kernel}", "WSLg", "MSRDC", "Direct3D", "DXCore", "Windows")
VERSION_LABELS = {
    "de": ("{part}-Version", "Kernelversion"),
    "ja": ("{part} \u30d0\u30fc\u30b8\u30e7\u30f3", "\u30ab\u30fc\u30cd\u30eb \u30d0\u30fc\u30b8\u30e7\u30f3"),
    "zh": ("{part} \u7248\u672c", "\u5185\u6838\u7248\u672c"),
    "en": ("{part} version", "Kernel version"),
}
"""How `wsl --version` names a part, and the kernel."""
FILES_LOST = (
    "The system cannot find the file specified.\n"
    "Error code: Wsl/Service/CreateInstance/CreateVm/HCS/ERROR_FILE_NOT_FOUND\n"
)
"""An update to 2.7 that left system.vhd or modules.vhd out (microsoft/WSL 40488, 40968, 41015)."""
HALF_INSTALLED = "An illegal state change was requested.\nError code: Wsl/Service/E_ILLEGAL_STATE_CHANGE\n"
"""State 3 under Lxss, as after a power cut (microsoft/WSL 4084, 7975)."""
USAGE = "Copyright (c) Microsoft Corporation. All rights reserved.\n\nUsage: wsl.exe [Argument] [Options...]\n"
UNSUPPORTED = (
    "WSL2 is not supported with your current machine configuration.\n"
    "Please enable the \"Virtual Machine Platform\" optional component and ensure virtualization is enabled in the"
    " BIOS.\n"
    "Error code: Wsl/Service/CreateInstance/CreateVm/HCS/HCS_E_HYPERV_NOT_INSTALLED\n"
)  # fmt: skip


def answer(arguments: list[str], state: machine.State) -> Said:
    """Output, error output, exit code, and the state it leaves (None where it changed nothing)."""
    kind, first = state["wsl"]["kind"], arguments[0] if arguments else ""
    if kind == "stub":
        return _stub(arguments, state)
    if first == "--version" or (first == "-v" and len(arguments) == 1):
        return (_versions(state), "", 0, None) if kind == "package" else (USAGE, "", -1, None)
    if first in ("-l", "--list"):
        return _list(arguments, state)
    if first == "--status":
        return (f"Default Distribution: {state['wsl'].get('default', '')}\nDefault Version: 2\n", "", 0, None)
    if first in CHANGES:
        return CHANGES[first](arguments, copy.deepcopy(state))
    if first in ("--shutdown", "--terminate", "-t", "--set-default-version", "--mount"):
        return ("", "", 0, None)
    return _run(arguments, state)


def _versions(state: machine.State) -> str:
    usual, kernel = VERSION_LABELS.get(str(state["language"])[:2], VERSION_LABELS["en"])
    labels = [kernel if part == "{kernel}" else usual.format(part=part) for part in PARTS]
    wsl = state["wsl"]
    values = (
        wsl["version"],
        wsl["kernel"],
        "1.0.65",
        "1.2.5716",
        "1.611.1-81528511",
        "10.0.26100.1-240331",
        "10.0.22631.4602",
    )
    return "".join(f"{label}: {value}\n" for label, value in zip(labels, values, strict=True))


STUB_ANSWERS = ("--install", "--status", "--help")
"""What the stub of 24H2 does without offering to install; all else downloads WSL (oomol-lab/ovm-win PR 87)."""
NOT_INSTALLED = (
    "The Windows Subsystem for Linux is not installed. You can install by running 'wsl.exe --install'.\n"
    "For more information please visit https://aka.ms/wslinstall\n"
)
OFFER = (
    "Press any key to install Windows Subsystem for Linux.\n"
    "Press CTRL-C or close this window to cancel.\n"
    "This prompt will time out in 60 seconds.\n"
)


def offers_to_install(arguments: list[str], state: machine.State) -> bool:
    """Whether this call makes the stub of 24H2 and later ask for a key, and install when it comes or 60 s are over."""
    asks = state["wsl"]["kind"] == "stub" and machine.build(state) >= 26100
    return asks and (arguments[:1] or [""])[0] not in STUB_ANSWERS


def _stub(arguments: list[str], state: machine.State) -> Said:
    """Before anything is installed: --install puts the package and the platform in place."""
    if arguments and arguments[0] == "--install":
        return _install(arguments, copy.deepcopy(state))
    if offers_to_install(arguments, state):
        _, err, code, changed = _install(["--install", "--no-distribution"], copy.deepcopy(state))
        return (NOT_INSTALLED + OFFER, err, code, changed)
    return (NOT_INSTALLED, "", 50, None)


def _stage_platform(state: machine.State) -> bool:
    """Whether the platform had to be staged, and so a restart is needed."""
    if state["features"].get(machine.PLATFORM) == "Enabled":
        return False
    state["features"][machine.PLATFORM] = "EnablePending"
    state["registry"][machine.COMPONENT_RESTART] = {}
    state["registry"][machine.STAGED] = {}
    return True


def _install(arguments: list[str], state: machine.State) -> Said:
    """--install [--no-distribution] [-d NAME | NAME | --from-file FILE] [--name NAME] [--no-launch]."""
    if not state["elevated"] and state["wsl"]["kind"] != "package":
        return ("The requested operation requires elevation.\n", "", 1, None)
    if refused := _refused(arguments, state):
        return refused
    # From a file nothing else is seen to: src/windows/common/WslClient.cpp returns before the prerequisites.
    waits = "--from-file" not in arguments and _stage_platform(state)
    state["wsl"]["kind"] = "package"
    name = _wanted(arguments)
    if name and any(known["name"].lower() == name.lower() for known in state["wsl"]["distributions"]):
        return ("", EXISTS, -1, state)
    if waits:
        return (
            "The requested operation is successful. Changes will not be effective until the system is rebooted.\n",
            "",
            0,
            state,
        )
    if name and not state["hypervisor_present"]:
        return ("", UNSUPPORTED, -1, state)
    if name and state["wsl"].get("lost_files"):
        return ("", FILES_LOST.replace("CreateInstance", "RegisterDistro"), -1, state)
    if name and (seconds := state["wsl"].get("registers_after_seconds")):
        state["wsl"].setdefault("late", []).append({"name": name, "seconds": seconds})
    elif name:
        machine.add_distribution(state, name)
    return (
        f"Distribution successfully installed. It can be launched via 'wsl.exe -d {name}'\n" if name else "",
        "",
        0,
        state,
    )


EXISTS = "A distribution with the supplied name already exists.\nError code: Wsl/InstallDistro/ERROR_ALREADY_EXISTS\n"
MSIEXEC_HELP = "Windows \u00ae Installer. V 5.0.26100.1150\n\nmsiexec /Option <Required Parameter>\n"


def _after(option: str, arguments: list[str]) -> str:
    return arguments[arguments.index(option) + 1]


def _refused(arguments: list[str], state: machine.State) -> Said | None:
    """What comes of words that WslClient.cpp refuses, a file that is not there, a path that msiexec breaks."""
    named = any(option in arguments for option in ("-d", "--distribution")) or bool(_plain_words(arguments))
    for option in ("--from-file", "--no-distribution"):
        if named and option in arguments:
            told = f"Arguments {option} and --distribution can't be specified at same time.\n"
            return ("", told + "Error code: Wsl/E_INVALIDARG\n", -1, None)
    if state["wsl"]["kind"] == "stub" and _breaks_msiexec(state):
        return (MSIEXEC_HELP, "Catastrophic failure\n", -1, None)
    if "--from-file" in arguments and not Path(_after("--from-file", arguments)).is_file():
        return ("", "The system cannot find the file specified.\nError code: Wsl/ERROR_FILE_NOT_FOUND\n", -1, state)
    return None


def _plain_words(arguments: list[str]) -> list[str]:
    takes = ("--from-file", "--name", "--location", "-d", "--distribution")
    return [word for before, word in itertools.pairwise(arguments) if not word.startswith("-") and before not in takes]


def _breaks_msiexec(state: machine.State) -> bool:
    """Whether the path of the fetched package reaches msiexec as several words (microsoft/WSL 13806)."""
    part = state["wsl"].get("no_msi_from")
    return part is not None and part in os.environ.get("TMP", "")


def _wanted(arguments: list[str]) -> str | None:
    """The name under which --install registers, None with --no-distribution."""
    if "--no-distribution" in arguments:
        return None
    for option in ("--name", "-d", "--distribution"):
        if option in arguments:
            return arguments[arguments.index(option) + 1]
    plain = _plain_words(arguments)
    if not plain and "--from-file" in arguments:
        return Path(_after("--from-file", arguments)).stem
    return plain[0] if plain else "Ubuntu"


def _unregister(arguments: list[str], state: machine.State) -> Said:
    kept = [known for known in state["wsl"]["distributions"] if known["name"].lower() != arguments[1].lower()]
    if len(kept) == len(state["wsl"]["distributions"]):
        return _no_such_distribution()
    state["wsl"]["distributions"] = kept
    if str(state["wsl"].get("default", "")).lower() == arguments[1].lower():
        state["wsl"].pop("default")
        if kept:
            state["wsl"]["default"] = kept[0]["name"]
    return ("Unregistering.\nThe operation completed successfully.\n", "", 0, state)


def _uninstall(arguments: list[str], state: machine.State) -> Said:
    """--uninstall: what is left is the stub."""
    state["wsl"]["kind"] = "stub"
    return ("", "", 0, state)


def _export(arguments: list[str], state: machine.State) -> Said:
    """--export NAME FILE: a small file really appears where it was asked for."""
    if not any(known["name"].lower() == arguments[1].lower() for known in state["wsl"]["distributions"]):
        return _no_such_distribution()
    with open(arguments[2], "wb") as archive:
        archive.write(b"a distribution named " + arguments[1].encode())
    return ("The operation completed successfully.\n", "", 0, None)


def _import(arguments: list[str], state: machine.State) -> Said:
    machine.add_distribution(state, arguments[1], arguments[2])
    return ("The operation completed successfully.\n", "", 0, state)


def _update(arguments: list[str], state: machine.State) -> Said:
    if state["wsl"]["kind"] == "inbox":
        state["wsl"]["kind"] = "package"
    newest = "newest_preview" if "--pre-release" in arguments else "newest"
    if newest in state["wsl"]:
        state["wsl"] |= {"version": state["wsl"][newest], "lost_files": []}
    return (
        "Checking for updates.\nThe most recent version of Windows Subsystem for Linux is already installed.\n",
        "",
        0,
        state,
    )


def _set_default(arguments: list[str], state: machine.State) -> Said:
    if not any(known["name"].lower() == arguments[1].lower() for known in state["wsl"]["distributions"]):
        return _no_such_distribution()
    state["wsl"]["default"] = arguments[1]
    return ("The operation completed successfully.\n", "", 0, state)


def _set_version(arguments: list[str], state: machine.State) -> Said:
    for known in state["wsl"]["distributions"]:
        if known["name"].lower() == arguments[1].lower():
            known["version"] = int(arguments[2])
            return ("The operation completed successfully.\n", "", 0, state)
    return _no_such_distribution()


def _no_such_distribution() -> Said:
    return (
        "",
        "There is no distribution with the supplied name.\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND\n",
        -1,
        None,
    )


def _list(arguments: list[str], state: machine.State) -> Said:
    wsl = state["wsl"]
    if any(word in ("--online", "-o") for word in arguments):
        names = wsl.get("online", ["Ubuntu", "Debian", "Ubuntu-24.04"])
        return ("NAME    FRIENDLY NAME\n" + "".join(f"{name}    {name}\n" for name in names), "", 0, None)
    # As WslClient.cpp: --quiet says nothing where there is nothing, and only --all names unfinished ones.
    is_quiet = any(word in ("--quiet", "-q") for word in arguments)
    if "--running" in arguments:
        names = [known["name"] for known in wsl["distributions"] if known.get("running")]
        said = "" if names or is_quiet else "There are no running distributions.\n"
        return (said + "".join(f"{name}\n" for name in names), "", -1 if said else 0, None)
    if is_quiet:
        finished = [known["name"] for known in wsl["distributions"] if known.get("state", "installed") == "installed"]
        return ("".join(f"{name}\n" for name in finished), "", 0, None)
    if not wsl["distributions"]:
        return ("Windows Subsystem for Linux has no installed distributions.\n", "", -1, None)
    rows = [
        f"{'* ' if known['name'] == wsl.get('default') else '  '}{known['name']}"
        f"    Stopped    {known.get('version', 2)}\n"
        for known in wsl["distributions"]
    ]
    return ("  NAME    STATE    VERSION\n" + "".join(rows), "", 0, None)


def _run(arguments: list[str], state: machine.State) -> Said:
    """A command inside a distribution: succeeds and says nothing, where the machine can start one at all."""
    wsl = state["wsl"]
    name = next(
        (arguments[i + 1] for i, word in enumerate(arguments[:-1]) if word in ("-d", "--distribution")),
        wsl.get("default"),
    )
    if not any(known["name"].lower() == str(name).lower() for known in wsl["distributions"]):
        return _no_such_distribution()
    if any(
        k["name"].lower() == str(name).lower() and k.get("state", "installed") != "installed"
        for k in wsl["distributions"]
    ):
        return ("", HALF_INSTALLED, -1, None)
    if not state["hypervisor_present"]:
        return ("", UNSUPPORTED, -1, None)
    if wsl.get("lost_files"):
        return ("", FILES_LOST, -1, None)
    if simulated_guest.runs_script(arguments):
        changed = copy.deepcopy(state)
        distribution = next(
            known for known in changed["wsl"]["distributions"] if known["name"].lower() == str(name).lower()
        )
        return simulated_guest.run(arguments, changed, distribution)
    return ("", "", 0, None)


CHANGES = {
    "--install": _install, "--unregister": _unregister, "--export": _export, "--import": _import, "--update": _update,
    "--uninstall": _uninstall,
    "--set-default": _set_default, "-s": _set_default, "--set-version": _set_version,
}  # fmt: skip
