"""Steps that several fixes share."""

from __future__ import annotations

from provision.doctor.check import FactReader, Step

RESTART = Step(
    "Restart Windows: Restart, not Shut down, which may only hibernate it.",
    "shutdown /r /t 0",
    "windows",
    needs_restart=True,
    risk="closes every program",
)
SHUTDOWN_WSL = Step("End WSL, so that it starts afresh.", "wsl --shutdown", "windows", risk="ends all distributions")
UPDATE_WSL = Step("Bring WSL up to date.", "wsl --update", "windows")
UPDATE_WINDOWS = Step(
    "Install all updates, in Settings > Windows Update.", "start ms-settings:windowsupdate", "windows"
)
WINDOWS_DRIVER = Step(
    "Install the newest NVIDIA driver on Windows, never inside Linux: https://www.nvidia.com/Download/index.aspx",
    None,
    "windows",
    needs_admin=True,
)
INTO_FIRMWARE = Step(
    "Restart into the firmware setup (BIOS/UEFI).",
    "shutdown /r /fw /t 0",
    "windows",
    needs_admin=True,
    needs_restart=True,
    risk="BitLocker may ask for its recovery key afterwards: have it at hand, or suspend BitLocker for one boot",
)


def enable_feature(name: str) -> Step:
    """Turn a Windows feature on."""
    command = f"dism /online /enable-feature /featurename:{name} /all /norestart"
    undo = f"dism /online /disable-feature /featurename:{name} /norestart"
    return Step(f"Turn the Windows feature {name} on.", command, "windows", True, True, None, undo)


def disable_feature(name: str) -> Step:
    """Turn a Windows feature off, to turn it on again."""
    command = f"dism /online /disable-feature /featurename:{name} /norestart"
    return Step(f"Turn the half-installed feature {name} off.", command, "windows", True, True)


def service_start(name: str, how: str = "demand") -> Step:
    """Give a service its usual start type back."""
    undo = f"sc.exe config {name} start= disabled"
    return Step(f"Allow the service {name} to start.", f"sc.exe config {name} start= {how}", "windows", True, undo=undo)


def edit_wslconfig(what: str) -> Step:
    """Change .wslconfig."""
    return Step(f"In %UserProfile%\\.wslconfig: {what}", "notepad %UserProfile%\\.wslconfig", "windows")


def edit_wsl_conf(what: str) -> Step:
    """Change /etc/wsl.conf."""
    return Step(f"In /etc/wsl.conf: {what}", "sudo nano /etc/wsl.conf", "wsl", needs_admin=True)


def runs_wsl2(facts: FactReader) -> bool:
    """Whether this process runs in WSL 2, which proves every link up to the virtual machine."""
    return facts.place == "wsl" and facts.get("linux.wsl_version") == 2
