"""Room and places: the data folder, the disk, memory, and the two files that configure WSL."""

from __future__ import annotations

from provision.doctor.check import Check, FactReader, Finding, Step, check, evidence, failed, passed, unknown, warned
from provision.doctor.checks.virtualization import ON_WINDOWS
from provision.doctor.steps import SHUTDOWN_WSL, edit_wsl_conf, edit_wslconfig

LEAST_DISK_MIB, GOOD_DISK_MIB = 1024, 10 * 1024
"""A run writes a few MiB; the large weights take 2 GiB, torch with CUDA 7 GiB."""
GOOD_MEMORY_MIB = 4 * 1024
"""One iteration of the default workload took 3.7 to 4.3 GiB on a CPU."""
MOVE_DATA = "export DREAMRIG_HOME=~/dreamrig-data"


@check("data-folder", "Is the data folder on a Linux disk, not on a Windows drive?", places=("wsl", "linux", "colab"))
def data_folder(facts: FactReader) -> Finding:
    """Windows drives reach WSL through a file server: slow, and without the locks that a database needs."""
    on_windows = facts.get("linux.data_folder_on_windows_drive")
    folder = facts.get("linux.data_folder")
    proof = evidence(facts, "linux.data_folder")
    if on_windows is None:
        return unknown(facts, "linux.data_folder_on_windows_drive")
    if on_windows:
        sentence = f"The data folder {folder} is on a Windows drive: slow, and its database may break."
        return failed(
            sentence, proof, Step("Keep the data on the Linux disk (and say so in ~/.bashrc).", MOVE_DATA, "wsl")
        )
    return passed(f"The data folder is {folder}.", *proof)


@check("disk-space", "Is there room for weights and pictures?")
def disk_space(facts: FactReader) -> Finding:
    """The data folder's disk; in WSL also the Windows drive that the virtual disk grows on."""
    path = "windows.system_drive_free_mib" if facts.place == "windows" else "linux.data_free_mib"
    free = facts.get(path)
    if free is None:
        return unknown(facts, path)
    on_windows = facts.get("windows.system_drive_free_mib") if facts.place == "wsl" else None
    proof = evidence(facts, path, *(["windows.system_drive_free_mib"] if on_windows is not None else []))
    least = free if on_windows is None else min(free, on_windows)
    where = " on the Windows drive" if on_windows is not None and on_windows < free else ""
    if least < LEAST_DISK_MIB:
        return failed(f"Only {least} MiB are free{where}.", proof, MAKE_ROOM)
    if least < GOOD_DISK_MIB:
        return warned(f"Only {least / 1024:.1f} GiB are free{where}.", proof, MAKE_ROOM)
    return passed(f"{least / 1024:.0f} GiB are free{where}.", *proof)


MAKE_ROOM = Step("Make room, or put the data where there is some.", "export DREAMRIG_HOME=/folder/with/room")


@check("memory", "Is there enough memory?")
def memory(facts: FactReader) -> Finding:
    """Memory of this system; WSL has half of the PC's, or what .wslconfig says."""
    path = "windows.memory_mib" if facts.place == "windows" else "linux.memory_mib"
    size = facts.get(path)
    if size is None:
        return unknown(facts, path)
    proof = evidence(facts, path, *(["wsl.wslconfig_memory_mib"] if facts.place == "wsl" else []))
    if size >= GOOD_MEMORY_MIB:
        return passed(f"{size / 1024:.0f} GiB of memory.", *proof)
    sentence = f"Only {size / 1024:.1f} GiB of memory: large pictures will not fit."
    if facts.place == "wsl":
        return warned(sentence, proof, edit_wslconfig("raise memory= under [wsl2], e.g. memory=8GB."), SHUTDOWN_WSL)
    return warned(sentence, proof, Step("Draw smaller pictures.", "dreamrig generate --size 128 ..."))


@check("wslconfig", "Is .wslconfig readable and free of mistakes?", places=ON_WINDOWS)
def wslconfig(facts: FactReader) -> Finding:
    """What WSL would warn about or pass over, and a file that it cannot read."""
    found, encoding = facts.get("wsl.wslconfig_problems"), facts.get("wsl.wslconfig_encoding")
    proof = evidence(facts, "wsl.wslconfig_problems", "wsl.wslconfig_encoding")
    if encoding == "absent":
        return passed("There is no .wslconfig, and none is needed.", *proof)
    if found is None:
        return unknown(facts, "wsl.wslconfig_problems")
    if found:
        return warned(f".wslconfig: {_several(found)}.", proof, edit_wslconfig("correct what is listed."), SHUTDOWN_WSL)
    if encoding in ("utf-16", "other"):
        save = edit_wslconfig("save it as UTF-8 (in Notepad: Save as, Encoding).")
        return warned(".wslconfig is not UTF-8: WSL may ignore it.", proof, save, SHUTDOWN_WSL)
    return passed(".wslconfig has no mistakes.", *proof)


@check("wsl-conf", "Is /etc/wsl.conf free of mistakes?", places=("wsl",))
def wsl_conf(facts: FactReader) -> Finding:
    """What WSL would pass over."""
    found = facts.get("linux.wsl_conf_problems")
    proof = evidence(facts, "linux.wsl_conf_problems")
    if found is None:
        return unknown(facts, "linux.wsl_conf_problems")
    if found:
        return warned(
            f"/etc/wsl.conf: {_several(found)}.", proof, edit_wsl_conf("correct what is listed."), SHUTDOWN_WSL
        )
    return passed("/etc/wsl.conf has no mistakes.", *proof)


def _several(problems: list[str]) -> str:
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    return problems[0].rstrip(".") + more


CHECKS: tuple[Check, ...] = (data_folder, disk_space, memory, wslconfig, wsl_conf)
