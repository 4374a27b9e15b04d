"""WSL as Windows has it, and what WSL hands to this Linux: the GPU device, the driver's libraries, the linker."""

from __future__ import annotations

from provision.doctor.check import (
    Check,
    FactReader,
    Finding,
    Step,
    check,
    evidence,
    failed,
    passed,
    skipped,
    unknown,
    warned,
)
from provision.doctor.checks.virtualization import ON_WINDOWS, is_too_old
from provision.doctor.steps import (
    SHUTDOWN_WSL,
    UPDATE_WSL,
    edit_wsl_conf,
)
from provision.versions import is_less

OLDEST_PACKAGE = "1.0"
SCRIPT = "powershell -ExecutionPolicy Bypass -File powershell\\doctor.ps1 -Facts -Json > facts.json"
BY_ITSELF = Step(
    "Run the Windows half by itself.", "powershell -ExecutionPolicy Bypass -File powershell\\doctor.ps1", "windows"
)
BY_FILE = (
    Step("Read the facts on Windows, from the folder of dreamrig.", SCRIPT, "windows"),
    Step("Give them to the doctor here.", "dreamrig doctor --facts facts.json", "wsl"),
)


@check("windows-half", "Could Windows be asked?", places=ON_WINDOWS)
def windows_half(facts: FactReader) -> Finding:
    """Whether the Windows half of the facts could be had; from WSL it comes through interop."""
    if facts.get("windows.edition") is not None or facts.get("windows.hypervisor_present") is not None:
        return passed("Windows was asked.", *evidence(facts, "windows.build"))
    if facts.get("linux.is_container"):
        return skipped("Windows cannot be asked from inside a container.", proof=evidence(facts, "linux.is_container"))
    reason = facts.reason("windows.edition").removeprefix("failed: ").rstrip(".")
    if facts.place == "windows":
        return warned(f"Windows could not be asked: {reason[:100]}.", evidence(facts, "windows.edition"), BY_ITSELF)
    proof = evidence(facts, "windows.edition", "linux.windows_interop", "windows.build")
    if facts.get("linux.windows_interop") is False:
        allow = edit_wsl_conf("set enabled = true under [interop].")
        return warned("Windows could not be asked: interop is off.", proof, allow, SHUTDOWN_WSL, *BY_FILE)
    return warned(f"Windows could not be asked: {reason[:100]}.", proof, *BY_FILE)


@check("wsl-version", "Is WSL installed, with a kernel, and recent enough?", places=ON_WINDOWS)
def wsl_version(facts: FactReader) -> Finding:
    """The WSL package on Windows, or the WSL that came with Windows."""
    version, kernel = facts.get("wsl.version"), facts.get("wsl.kernel")
    proof = evidence(facts, "wsl.is_installed", "wsl.version", "wsl.kernel", "wsl.is_inbox")
    if is_too_old(facts):
        return skipped("This Windows is too old for WSL 2.", "windows-build", proof)
    if facts.get("wsl.is_installed") is False and facts.place != "wsl":
        return failed("WSL is not installed.", proof, INSTALL_WSL)
    if kernel == "absent" and facts.get("linux.wsl_version") != 2:
        return failed("The Linux kernel of WSL 2 is missing.", proof, UPDATE_WSL)
    if facts.get("wsl.is_inbox"):
        return warned("This is the old WSL that came with Windows; the package is newer and better.", proof, UPDATE_WSL)
    if version is None:
        return unknown(facts, "wsl.version")
    if is_less(version, OLDEST_PACKAGE):
        return warned(f"WSL {version} is old.", proof, UPDATE_WSL)
    return passed(f"WSL {version}" + (f", kernel {kernel}." if kernel else "."), *proof)


INSTALL_WSL = Step("Install WSL and Ubuntu.", "wsl --install", "windows", needs_admin=True, needs_restart=True)


@check(
    "distribution-version-2",
    "Is there a Linux distribution, under WSL 2?",
    needs=("windows:wsl-version",),
    places=ON_WINDOWS,
)
def distribution_version_2(facts: FactReader) -> Finding:
    """Inside WSL by the kernel, on Windows by the registration of the default distribution."""
    inside = facts.place == "wsl"
    version = facts.get("linux.wsl_version" if inside else "wsl.default_distribution_version")
    count = facts.get("wsl.distribution_count")
    if not inside and count == 0:
        install = Step("Install one.", "wsl --install -d Ubuntu", "windows")
        return failed(
            "No Linux distribution is installed for this user.", evidence(facts, "wsl.distribution_count"), install
        )
    paths = (
        ("linux.wsl_version", "linux.kernel")
        if inside
        else ("wsl.default_distribution", "wsl.default_distribution_version")
    )
    if version is None:
        return unknown(facts, paths[0] if inside else "wsl.default_distribution_version")
    proof = evidence(facts, *paths)
    if version == 1:
        return failed("This distribution runs under WSL 1, which has no way to a GPU.", proof, *_convert(facts))
    return passed("The distribution runs under WSL 2.", *proof)


def _convert(facts: FactReader) -> tuple[Step, ...]:
    known = facts.get("wsl.default_distribution")
    name = known or "NAME"
    convert = Step(
        "Convert it, which takes minutes." if known else "Convert it, which takes minutes; wsl -l -v shows its name.",
        f"wsl --set-version {name} 2",
        "windows",
        risk="keep a copy first: wsl --export NAME backup.tar",
        undo=f"wsl --set-version {name} 1",
    )
    return convert, Step("Make WSL 2 the default for new ones.", "wsl --set-default-version 2", "windows")


@check("distribution-disk", "Are the distributions' disks there and readable?", places=ON_WINDOWS)
def distribution_disk(facts: FactReader) -> Finding:
    """The VHDX files: missing, encrypted or compressed ones cannot be started. From inside WSL, it is another one's."""
    judge = warned if facts.place == "wsl" else failed
    if facts.get("wsl.vhd_missing"):
        sentence = "A distribution is registered whose virtual disk is gone."
        return judge(sentence, evidence(facts, "wsl.vhd_missing", "wsl.distributions"), *DISK_GONE)
    if facts.get("wsl.vhd_encrypted_or_compressed"):
        sentence = "A distribution's virtual disk is encrypted or compressed by Windows, which WSL refuses."
        return judge(sentence, evidence(facts, "wsl.vhd_encrypted_or_compressed", "wsl.distributions"), *DISK_PACKED)
    paths = ("wsl.vhd_missing", "wsl.vhd_encrypted_or_compressed")
    if all(facts.get(path) is None for path in paths):
        return unknown(facts, paths[0])
    return passed("The distributions' disks are there.", *evidence(facts, *paths))


DISK_GONE = (
    Step("Put the file ext4.vhdx back, from a backup, into the folder of the distribution.", None, "windows"),
    Step(
        "Or give that distribution up, and install it afresh.",
        "wsl --unregister NAME",
        "windows",
        risk="whatever was in it is lost",
    ),
)
DISK_PACKED = (
    SHUTDOWN_WSL,
    Step("In the folder of ext4.vhdx, undo the compression.", "compact /u ext4.vhdx", "windows"),
    Step("And the encryption.", "cipher /d ext4.vhdx", "windows"),
)


CHECKS: tuple[Check, ...] = (wsl_version, distribution_version_2, distribution_disk)
