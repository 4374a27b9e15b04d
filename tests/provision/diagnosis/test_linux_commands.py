"""Every Linux command of the knowledge base is carried out, twice, in a throw-away root: did it change what it should?

The root is an overlay over this machine, in namespaces of its own (throwaway/driver.py): real bash, coreutils, apt,
dpkg, pip, git, ldconfig, ip and mount over a distribution without packages, a repository of empty ones and no network.
What needs a GPU, Windows, systemd or the network is played by throwaway/stand_ins/, which take the real ones' options
alone; NOT_RUN lists what is not run at all. Where this machine permits no namespaces, the tests are skipped and say so.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.checked_json import read_json

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[2]
THROWAWAY = HERE / "throwaway"
sys.path.insert(0, str(THROWAWAY))

from trials import FILL, NOT_RUN, TRIALS, UNDONE, Trial  # noqa: E402

PLACES = ("linux", "wsl")
PREAMBLE = f"""
export REPO={shlex.quote(str(REPO))}
export PATH=/home/me/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$REPO/.venv/bin
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_NO_COMPILE=1
shopt -s expand_aliases
no() {{ echo "-- $2" >&2; exit "$1"; }}
"""
"""Where a command starts: the environment of somebody whose Python lies in a venv, dreamrig behind it."""
SERVED = """
import sys, time, urllib.error, urllib.request
for _ in range(240):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/api", timeout=2)
        sys.exit(0)
    except urllib.error.HTTPError:
        sys.exit(0)
    except OSError:
        time.sleep(0.25)
sys.exit(1)
"""


class Step(NamedTuple):
    """A command, and what takes it back where there is something."""

    command: str
    undo: str | None


def is_command(words: str | None) -> bool:
    return bool(words) and not str(words).endswith(".")


def all_steps() -> list[Step]:
    """Of the causes and of the queries, each once."""
    knowledge = read_json("causes.json")
    steps = [step for cause in knowledge["causes"] for step in cause["fix"] if step["where"] in PLACES]
    found = [
        Step(step["command"], step["undo"] if is_command(step["undo"]) else None)
        for step in steps
        if is_command(step["command"])
    ]
    found += [Step(query["command"], None) for query in knowledge["queries"] if query["where"] in PLACES]
    return sorted(set(found), key=str)


STEPS = [step for step in all_steps() if step.command not in NOT_RUN]


def filled(words: str, own: dict[str, str] | None = None) -> str:
    for gap, content in (own or {}).items():
        words = words.replace(gap, content)
    for gap, content in FILL.items():
        words = re.sub(rf"(?<![\w-]){re.escape(gap)}(?![\w-])", content.replace("\\", "\\\\"), words)
    return words.removeprefix("RUN ")


def script_of(step: Step, trial: Trial | None = None) -> str:
    """Before, command, look; the same again; take it back, look. The exit code says which of them failed."""
    trial = trial or TRIALS.get(step.command, Trial())
    command = shlex.quote(filled(step.command, trial.fill))
    look = filled(trial.after or "true")
    place = '"$REPO"' if step.command.startswith("./rig") else "/home/me/work"
    lines = [PREAMBLE, f"cd {place}", trial.before]
    if trial.serves:
        lines += [
            f"(eval exec {command}) &>/tmp/served & server=$!",
            f"python3 -c {shlex.quote(SERVED)} {trial.serves} || no 90 silent",
        ]
        lines += ["kill $server; wait $server", "exit 0"]
    else:
        lines += [f"eval {command} || no 90 'the command failed'", f"{{ {look}; }} || no 91 'it did not change that'"]
    if not trial.once:
        second = (
            f"eval {command} && no 92 'a second time it should fail'"
            if trial.again
            else f"eval {command} || no 92 again"
        )
        lines += [second, f"{{ {look}; }} || no 93 'the second time it broke'"]
    if step.undo:
        undone = filled(UNDONE.get(step.undo, "true"))
        lines += [f"eval {shlex.quote(filled(step.undo, trial.fill))} || no 94 'the way back failed'"]
        lines += [f"{{ {undone}; }} || no 95 'it is not as before'"]
    return "\n".join([*lines, "exit 0"])


def unshare_words() -> list[str]:
    """How to enter namespaces here; skips where that is not permitted."""
    if sys.platform != "linux":
        pytest.skip("namespaces are Linux's")
    missing = [
        tool for tool in ("unshare", "setpriv", "ip", "dpkg-deb", "dpkg-scanpackages", "git") if not shutil.which(tool)
    ]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip(
            "mounting needs root here: sudo .venv/bin/python -m pytest tests/provision/diagnosis/test_linux_commands.py"
        )
    words = [] if os.geteuid() == 0 else ["sudo", "-n"]
    words += [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--uts",
        "--ipc",
        "--fork",
        "--kill-child",
        "--propagation",
        "private",
    ]
    probe = 'mkdir "$0/u" "$0/w" && mount -t overlay x -o "lowerdir=/,upperdir=$0/u,workdir=$0/w" "$0"'
    tried = subprocess.run(
        [*words, "sh", "-c", f'd=$(mktemp -d) && mount -t tmpfs x "$d" && set -- && exec sh -c \'{probe}\' "$d"'],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode != 0:
        pytest.skip(f"no namespaces with an overlay here: {tried.stderr.strip()}")
    return words


def chosen(request: pytest.FixtureRequest) -> list[Step]:
    """The steps of the tests that this run is for."""
    calls = [
        item.callspec for item in request.session.items if hasattr(item, "callspec") and item.path == Path(__file__)
    ]
    return [call.params["step"] for call in calls if "step" in call.params]


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Step, dict[str, Any]]:
    """What came of each step, all from one process."""
    words, steps = unshare_words(), chosen(request)
    folder = tmp_path_factory.mktemp("throwaway")
    asked, answered = folder / "asked.json", folder / "answered.json"
    variables = {"REPO": REPO, "PREFIX": sys.prefix, "PYTHON": Path(sys.executable).resolve(), "FILES": THROWAWAY}
    head = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items())
    path = "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    world = (THROWAWAY / "world.sh").read_text(encoding="utf-8")
    trials = [
        {"script": script_of(step), "answers": TRIALS.get(step.command, Trial()).answers or "y\n" * 4} for step in steps
    ]
    asked.write_text(json.dumps({"world": head + path + world, "trials": trials}), encoding="utf-8")
    ran = subprocess.run(
        [*words, sys.executable, str(THROWAWAY / "driver.py"), str(asked), str(answered)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    document = json.loads(answered.read_text(encoding="utf-8"))
    assert document["world"]["code"] == 0, document["world"]
    return dict(zip(steps, document["trials"], strict=True))


def test_what_is_listed_is_a_command_of_the_knowledge_base() -> None:
    """So that no trial is left over when a step changes."""
    steps = all_steps()
    commands, undos = {step.command for step in steps}, {step.undo for step in steps}
    assert set(TRIALS) - commands == set()
    assert set(NOT_RUN) - commands == set()
    assert set(UNDONE) - undos == set()


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.command[:60]}|{(step.undo or '')[:30]}")
def test_a_command_does_what_it_is_for(step: Step, answers: dict[Step, dict[str, Any]]) -> None:
    came = answers[step]
    assert came["code"] == 0, (came["err"][-1500:], came["out"][-500:])
    if step.command not in TRIALS:
        assert came["changes"] == [], "what merely looks changes nothing"


def test_a_command_that_breaks_what_it_promises_is_seen() -> None:
    """The script itself, against a broken command and one that does it once more the second time: bash alone."""
    bash = shutil.which("bash")
    assert bash
    line = Trial("[ $LINES_ADDED = 1 ]", "export LINES_ADDED=0")
    for command, code in (("false", 90), ("true", 91), ("export LINES_ADDED=$((LINES_ADDED + 1))", 93)):
        script = script_of(Step(command, None), line).replace("cd /home/me/work", "cd /")
        assert subprocess.run([bash, "-c", script], capture_output=True, check=False).returncode == code
