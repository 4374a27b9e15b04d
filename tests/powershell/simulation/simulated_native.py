"""The executables of the simulated PC: bcdedit, dism, nvidia-smi, secedit, shutdown, whoami, wsl; others by answers.

Started as `simulated_native.py NAME ARGUMENT...`, with DREAMRIG_SIMULATION naming the folder of state.json, calls.jsonl
and codes/. A call is logged before it is answered. An entry of the state's `answers` comes before what the executable
would do by itself:

    {"command": "wsl.exe", "arguments": "regex", "out": "text", "err": "text", "code": 0, "seconds": 0, "times": 1,
     "encoding": "utf-16-le", "then": {merge patch of the state}}

`arguments` is searched in the arguments joined by spaces; all keys but `command` may be missing; an answer with `times`
is used up. Exit codes above 255 or below 0 cannot pass through Linux: they are left in codes/PROCESS-ID, where the
simulation's ExitCode finds them.
"""

import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import simulated_machine as machine
import simulated_wsl

FOLDER = Path(os.environ["DREAMRIG_SIMULATION"])
STATE = FOLDER / "state.json"
CHANGING = {
    "bcdedit.exe": r"^/(?!enum|\?|v$)",
    "dism.exe": r"/(enable|disable|add|remove|cleanup|set)-",
    "shutdown.exe": r"", "manage-bde.exe": r"-disable",
    "schtasks.exe": r"/(create|delete|change|run|end)",
    "reg.exe": r"^(add|delete|import)",
    # A script for Linux is logged by what it does (simulated_guest.py).
    "wsl.exe": r"^(?!(--version|--status|-l|--list|-v|--help|-h)\b)(?!.* -e (sh -s|sh /run/\S+|/bin/true)$)",
    "powercfg.exe": r"", "netsh.exe": r"\b(add|delete|set)\b",
    "compact.exe": r"/u", "cipher.exe": r"/d", "msiexec.exe": r"", "sc.exe": r"^(config|start|stop|delete)",
}  # fmt: skip


class Answer(NamedTuple):
    """What an executable does: text on both streams, an exit code, and how its text is encoded."""

    out: str = ""
    err: str = ""
    code: int = 0
    encoding: str = "utf-8"


def main(name: str, arguments: list[str]) -> int:
    """Log the call, answer it, leave the exit code."""
    state = machine.read(STATE)
    _log(name, arguments, state)
    answer = _scripted(name, arguments, state) or _without_console(name, arguments)
    answer = answer or HANDLERS.get(name, _unknown)(arguments, state)
    if is_installer(name, arguments) and not is_captured():
        with (FOLDER / "console.txt").open("a", encoding="utf-8") as console:
            console.write(answer.out + answer.err)
    else:
        sys.stdout.buffer.write(answer.out.encode(answer.encoding, "replace"))
        sys.stderr.buffer.write(answer.err.encode(answer.encoding, "replace"))
    if not 0 <= answer.code <= 255:
        (FOLDER / "codes" / str(os.getpid())).write_text(str(answer.code))
    return answer.code & 0xFF


def is_installer(name: str, arguments: list[str]) -> bool:
    """Whether this call draws its progress into a console window."""
    if arguments[:1] == ["install"]:  # a distribution's own launcher
        return True
    return name == "wsl.exe" and bool(re.match(r"--(install|update|import|set-version)", " ".join(arguments)))


def _without_console(name: str, arguments: list[str]) -> Answer | None:
    """`wsl --install` fails without a console window (microsoft/WindowsDeveloperConfig PR 75)."""
    return Answer(code=-1) if is_installer(name, arguments) and is_captured() else None


def _log(name: str, arguments: list[str], state: machine.State) -> None:
    line = {
        "command": name, "arguments": arguments, "boots": state["boots"],
        "changes": _changes(name, arguments, state),
    }  # fmt: skip
    machine.note_call(FOLDER, line)


def _changes(name: str, arguments: list[str], state: machine.State) -> bool:
    if name == "wsl.exe" and simulated_wsl.offers_to_install(arguments, state):
        return True
    return bool(re.search(CHANGING.get(name, r"$^"), " ".join(arguments), re.IGNORECASE))


def is_captured() -> bool:
    """Whether this process writes into a pipe of its starter's making, not where its starter writes itself."""
    return os.readlink("/proc/self/fd/1") != os.readlink(f"/proc/{os.getppid()}/fd/1")


def _scripted(name: str, arguments: list[str], state: machine.State) -> Answer | None:
    for rule in state["answers"]:
        if rule["command"] != name or not re.search(rule.get("arguments", ""), " ".join(arguments)):
            continue
        if rule.get("times", 1) <= 0:
            continue
        if "times" in rule:
            rule["times"] -= 1
        changed = machine.settle(machine.merge(state, rule.get("then", {})))
        machine.write(STATE, changed)
        time.sleep(rule.get("seconds", 0))
        encoding = rule.get("encoding") or (_wsl_encoding(state) if name == "wsl.exe" else _code_page(state))
        return Answer(rule.get("out", ""), rule.get("err", ""), rule.get("code", 0), encoding)
    return None


def _unknown(arguments: list[str], state: machine.State) -> Answer:
    return Answer(err="This executable is not simulated beyond its answers.\n", code=1)


def _code_page(state: machine.State) -> str:
    return {"en-US": "cp437", "ja-JP": "cp932", "zh-CN": "gbk"}.get(state["language"], "cp850")


def _is_german(state: machine.State) -> bool:
    return str(state["language"]).startswith("de")


def bcdedit(arguments: list[str], state: machine.State) -> Answer:
    """/enum and /set of {current}; everything needs elevation."""
    german = _is_german(state)
    if not state["elevated"]:
        denied = "Der Speicher ... konnte nicht ge\u00f6ffnet werden.\r\nZugriff verweigert\r\n" if german else (
            "The boot configuration data store could not be opened.\r\nAccess is denied.\r\n")  # fmt: skip
        return Answer(out=denied, code=1, encoding=_code_page(state))
    verb = arguments[0].lower() if arguments else "/enum"
    if verb == "/set":
        state["boot"][arguments[2].lower()] = arguments[3].capitalize()
        machine.write(STATE, state)  # it counts from the next start on
    elif verb == "/deletevalue":
        state["boot"].pop(arguments[2].lower(), None)
        machine.write(STATE, state)
    elif verb != "/enum":
        return Answer(out="Unknown command.\r\n", code=1)
    else:
        values = {"identifier" if not german else "Bezeichner": "{current}", "nx": "OptIn", **state["boot"]}
        lines = [f"{key:<24}{value}" for key, value in values.items() if value]
        title = "Windows-Startladeprogramm" if german else "Windows Boot Loader"
        return Answer("\r\n".join(["", title, "-" * len(title), *lines, ""]), encoding=_code_page(state))
    return Answer(
        out="Der Vorgang wurde erfolgreich beendet.\r\n" if german else "The operation completed successfully.\r\n"
    )


def dism(arguments: list[str], state: machine.State) -> Answer:
    """/enable-feature and /disable-feature leave the feature waiting for a restart (exit code 3010)."""
    line = " ".join(arguments).lower()
    if not state["elevated"]:
        return Answer(out="\r\nError: 740\r\n\r\nElevated permissions are required to run DISM.\r\n", code=740)
    named = re.search(r"/featurename:\"?([\w-]+)", line)
    feature = next((name for name in state["features"] if named and name.lower() == named[1]), None)
    if "feature" in line and feature is None and "get-features" not in line:
        return Answer(out="\r\nError: 0x800f080c\r\n\r\nFeature name unknown.\r\n", code=-2146498548)
    if "/get-featureinfo" in line:
        return Answer(out=f"Feature Name : {feature}\r\nState : {state['features'][feature]}\r\n")
    wanted = {"/enable-feature": ("Enabled", "EnablePending"), "/disable-feature": ("Disabled", "DisablePending")}
    for verb, (done, waiting) in wanted.items():
        if verb in line and feature:
            if state["features"][feature] == done:
                return Answer(out="The operation completed successfully.\r\n")
            stage(state, feature, waiting)
            return Answer(
                out="\r\n[==========100.0%==========]\r\nThe operation completed successfully.\r\n", code=3010
            )
    return Answer(out="Error: 87\r\n", code=87)


def stage(state: machine.State, feature: str, word: str) -> None:
    """Let a feature wait for the next restart."""
    state["features"][feature] = word
    state["registry"][machine.COMPONENT_RESTART] = {}
    machine.write(STATE, machine.settle(state))


def shutdown(arguments: list[str], state: machine.State) -> Answer:
    """Note that a restart (or a restart into the firmware) was asked for."""
    words = [word.lower() for word in arguments]
    if "/fw" in words and not state["elevated"]:
        return Answer(err="Access is denied.(5)\r\n", code=5)
    if "/a" in words:
        state.pop("restart_requested", None)
    else:
        state["restart_requested"] = "firmware" if "/fw" in words else "restart"
    machine.write(STATE, state)
    return Answer()


def whoami(arguments: list[str], state: machine.State) -> Answer:
    """Groups of this process; the integrity level is among them."""
    level = ("Mandatory Label\\High Mandatory Level", "S-1-16-12288") if state["elevated"] else (
        "Mandatory Label\\Medium Mandatory Level", "S-1-16-8192")  # fmt: skip
    if "/user" in arguments:
        return Answer(f'"PC\\me","{state.get("sid", "S-1-5-21-1-2-3-1001")}"\r\n', encoding=_code_page(state))
    rows = [("Everyone", "Well-known group", "S-1-1-0"), (level[0], "Label", level[1])]
    return Answer("".join(f'"{name}","{kind}","{sid}",""\r\n' for name, kind, sid in rows), encoding=_code_page(state))


def secedit(arguments: list[str], state: machine.State) -> Answer:
    """/export writes the rights as UTF-16 with BOM."""
    if not state["elevated"]:
        return Answer(err="Access is denied.\r\n", code=5)
    path = arguments[arguments.index("/cfg") + 1]
    holders = state.get("service_logon_right", "*S-1-5-80-0,*S-1-5-83-0")
    Path(path).write_text(
        f"[Unicode]\r\nUnicode=yes\r\n[Privilege Rights]\r\nSeServiceLogonRight = {holders}\r\n", "utf-16"
    )
    return Answer(out="The task has completed successfully.\r\n")


def manage_bde(arguments: list[str], state: machine.State) -> Answer:
    """-status DRIVE -protectionaserrorlevel: 0 protected, 1 not. -protectors -disable DRIVE -rebootcount N."""
    if not state["elevated"]:
        return Answer(out="ERROR: An attempt to access a required resource was denied.\r\n", code=-1)
    drive = next(word for word in arguments if re.fullmatch("[A-Z]:", word))
    volume = state["bitlocker"].get(drive, {"ProtectionStatus": "Off"})
    if "-disable" in arguments:
        state["bitlocker"][drive] = {"ProtectionStatus": "Off", "suspended_restarts": int(arguments[-1])}
        machine.write(STATE, state)
        return Answer(out=f"Key protectors are disabled for volume {drive}.\r\n")
    return Answer(code=0 if volume["ProtectionStatus"] == "On" else 1)


def subst(arguments: list[str], state: machine.State) -> Answer:
    """The drives that stand for folders, in this session."""
    return Answer("".join(f"{drive}\\: => {folder}\r\n" for drive, folder in state.get("subst", {}).items()))


def netsh(arguments: list[str], state: machine.State) -> Answer:
    """The firewall's rules by name, and port proxies, which are in the registry; changes need elevation."""
    values = dict(word.split("=", 1) for word in arguments if "=" in word)
    rules = state.setdefault("firewall", {})
    if "show" in arguments:
        return Answer(out="Ok.\r\n") if values["name"] in rules else Answer(out="No rules match.\r\n", code=1)
    if not state["elevated"]:
        return Answer(out="The requested operation requires elevation (Run as administrator).\r\n", code=1)
    if "advfirewall" in arguments:
        table, key, value = rules, values["name"], values.get("localport")
    else:
        table = state["registry"].setdefault(machine.FORWARDS, {})
        key = f"{values['listenaddress']}/{values['listenport']}"
        value = f"{values.get('connectaddress')}/{values.get('connectport')}"
    if "add" in arguments:
        table[key] = value
    elif table.pop(key, None) is None:
        return Answer(out="The system cannot find the file specified.\r\n", code=1)
    machine.write(STATE, state)
    return Answer(out="\r\n")


def nothing(arguments: list[str], state: machine.State) -> Answer:
    """A program that shows something and says nothing: the Explorer ends with 1, whatever it did."""
    return Answer(code=1 if arguments and arguments[0].startswith("\\\\") else 0)


def nvidia_smi(arguments: list[str], state: machine.State) -> Answer:
    """--query-gpu as CSV, else one line."""
    nvidia = state.get("nvidia")
    if not nvidia:
        return Answer(out="NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", code=9)
    query = next((word for word in arguments if word.startswith("--query-gpu=")), "")
    fields = {"driver_version": lambda gpu: nvidia["driver"], "name": lambda gpu: gpu["name"],
              "driver_model.current": lambda gpu: gpu["model"]}  # fmt: skip
    if not query:
        return Answer(out=f"Driver Version: {nvidia['driver']}\n")
    names = query.partition("=")[2].split(",")
    return Answer(
        "".join(", ".join(fields.get(n, lambda gpu: "[N/A]")(gpu) for n in names) + "\r\n" for gpu in nvidia["gpus"])
    )


def _wsl_encoding(state: machine.State) -> str:
    """The package obeys WSL_UTF8, the inbox version and the stub do not."""
    obeys = state["wsl"]["kind"] == "package" and os.environ.get("WSL_UTF8") == "1"
    return "utf-8" if obeys else "utf-16-le"


def wsl(arguments: list[str], state: machine.State) -> Answer:
    """The package, the inbox version or the stub of wsl.exe."""
    out, err, code, changed = simulated_wsl.answer(arguments, state)
    if changed is not None:
        machine.write(STATE, machine.settle(changed))
    return Answer(out.replace("\n", "\r\n"), err.replace("\n", "\r\n"), code, _wsl_encoding(state))


HANDLERS = {
    "bcdedit.exe": bcdedit, "dism.exe": dism, "nvidia-smi.exe": nvidia_smi, "secedit.exe": secedit,
    "manage-bde.exe": manage_bde, "subst.exe": subst, "powershell.exe": nothing, "explorer.exe": nothing,
    "shutdown.exe": shutdown, "whoami.exe": whoami, "wsl.exe": wsl, "netsh.exe": netsh,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
