"""The commands of the knowledge base: do shells read them, and do wsl and PowerShell know their options?

wsl_usage.json is what wsl.exe itself says (--update --web-download and --export --vhd stand in older usage texts and in
the release notes); windows_commands.json are the commands of Windows PowerShell 5.1 with their parameters, which
test_ps_knowledge_commands.py checks again by PowerShell's own parser. Package managers are asked without changing
anything, where the lists of packages are there.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provision.checked_json import read_json

HERE = Path(__file__).parent
CAUSES = read_json("causes.json")["causes"]
USAGE = json.loads((HERE / "wsl_usage.json").read_text(encoding="utf-8"))
COMMANDS = [
    (cause["slug"], step["where"], words)
    for cause in CAUSES
    for step in cause["fix"]
    for words in (step["command"], step["undo"])
    if words and not words.endswith(".")
]
LINUX = [(slug, words) for slug, where, words in COMMANDS if where in ("linux", "wsl") and not words.startswith("RUN ")]
WINDOWS = [(slug, words) for slug, where, words in COMMANDS if where in ("windows", "host")]
WSL_CALL = re.compile(r"\bwsl(?:\.exe)? (--[a-z][^|;&'\"]*)")


def wsl_calls() -> list[tuple[str, str]]:
    return [(slug, call.strip()) for slug, _, words in COMMANDS for call in WSL_CALL.findall(words)]


@pytest.mark.parametrize(("slug", "words"), LINUX)
def test_a_shell_reads_it(slug: str, words: str) -> None:
    bash = shutil.which("bash")
    assert bash, "bash is part of every system that these tests run on"
    ran = subprocess.run([bash, "-n", "-c", words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (slug, ran.stderr)


APT_CALL = re.compile(r"\bapt-get (install|remove|purge)((?: [\w.:+*'=-]+)+)$")
ELSEWHERE = re.compile("nvidia|cuda|OLD_VERSION")
"""Packages that no distribution has: they come from NVIDIA's repository, which the step before adds."""


def apt_calls() -> list[tuple[str, str, list[str]]]:
    """(cause, install, packages) of every plain call of apt-get whose packages a distribution has."""
    parts = [(slug, APT_CALL.search(part.strip())) for slug, words in LINUX for part in words.split("&&")]
    found = [(slug, match[1], match[2].replace("'", "").split()) for slug, match in parts if match]
    return [call for call in found if not ELSEWHERE.search(" ".join(call[2]))]


def test_there_are_calls_of_apt() -> None:
    assert len(apt_calls()) >= 8
    assert {verb for _, verb, _ in apt_calls()} == {"install", "remove"}


def simulate(verb: str, packages: list[str]) -> subprocess.CompletedProcess[str]:
    """What apt-get would do; it changes nothing. Skipped where there is no apt-get, or no list of packages."""
    apt, lists = shutil.which("apt-get"), list(Path("/var/lib/apt/lists").glob("*_main_binary-*_Packages*"))
    if not apt or not lists:
        pytest.skip("no apt-get here" if not apt else "no lists of packages here: apt-get update was never run")
    words = [apt, "--simulate", "-o", "Debug::NoLocking=1", verb, *packages]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": os.environ["PATH"]}
    )


@pytest.mark.parametrize(("slug", "verb", "packages"), apt_calls())
def test_apt_knows_the_packages(slug: str, verb: str, packages: list[str]) -> None:
    ran = simulate(verb, packages)
    assert ran.returncode == 0, (slug, ran.stderr)


def test_apt_would_refuse_a_slip() -> None:
    assert simulate("install", ["python3-vnev"]).returncode != 0


def test_there_are_calls_of_wsl() -> None:
    assert len(wsl_calls()) >= 30


@pytest.mark.parametrize(("slug", "call"), wsl_calls())
def test_wsl_knows_the_option(slug: str, call: str) -> None:
    """The command, and every option of it, stand in WSL's own usage text."""
    command, *rest = call.split(" -- ", maxsplit=1)[0].split()
    known: dict[str, list[str]] = USAGE["options"]
    assert command in known, (slug, call)
    for word in rest:
        if word.startswith("--"):
            assert word in known[command] or word in USAGE["anywhere"], (slug, call, word)


def test_an_option_that_many_do_not_have_yet_is_told_as_such() -> None:
    newer = [f"{command} NAME {option}" for command, options in USAGE["newer"]["options"].items() for option in options]
    used = [step for cause in CAUSES for step in cause["fix"] if any(call in (step["command"] or "") for call in newer)]
    assert used
    assert [step["text"] for step in used if "where wsl --help lists" not in step["text"]] == []


@pytest.mark.parametrize("call", ["--update --inbox", "--manage NAME --set-sparce true", "--instal"])
def test_a_slip_would_be_seen(call: str) -> None:
    with pytest.raises(AssertionError):
        test_wsl_knows_the_option("none", call)


def cmdlet_calls() -> list[tuple[str, str, list[str]]]:
    """(cause, cmdlet, parameters) of every call of a listed command in the steps for Windows."""
    found = []
    for slug, words in WINDOWS:
        for part in re.split(r"[|;]", re.sub(r"'[^']*'|\"[^\"]*\"", "'x'", words)):
            match = re.match(r"\s*\(?\s*([A-Z][a-z]+-[A-Z]\w+)\b(.*)", part)
            if match:
                found.append((slug, match[1], re.findall(r"(?<=\s)-([A-Za-z]+)\b", match[2])))
    return found


PROFILE = HERE.parents[1] / "powershell" / "windows_commands.json"
POWERSHELL: dict[str, Any] = {
    name.lower(): entry for name, entry in json.loads(PROFILE.read_text(encoding="utf-8"))["commands"].items()
}


def test_powershell_knows_the_parameters() -> None:
    """A parameter may be shortened as long as it stays unique, as PowerShell itself allows."""
    checked, wrong = 0, []
    for slug, name, parameters in cmdlet_calls():
        entry = POWERSHELL.get(name.lower())
        if entry is None:
            continue
        checked += 1
        known = {parameter.lower() for parameter in entry["parameters"]}
        known |= {alias.lower() for one in entry["parameters"].values() for alias in one.get("aliases", ())}
        wrong += [
            (slug, name, word)
            for word in parameters
            if not any(one.startswith(word.lower()) for one in known | COMMON) and word.lower() not in OPERATORS
        ]
    assert checked >= 20
    assert wrong == []


COMMON = {"verbose", "debug", "erroraction", "confirm", "whatif", "outvariable", "warningaction"}
OPERATORS = {"eq", "ne", "match", "like", "notmatch", "join", "split", "contains", "and", "or", "not", "gt", "lt"}
